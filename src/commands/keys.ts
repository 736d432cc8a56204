import { Command } from "commander";
import { generateKeys, privateKeyKept } from "../keys/store.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { EXIT_DONE, EXIT_TOPOLOGY } from "./exit.ts";
import { exportCommand } from "./keys-export.ts";
import { importCommand } from "./keys-import.ts";
import { encryptCommand, recipientsCommand } from "./keys-recipients.ts";
import { rotateCommand } from "./keys-rotate.ts";
import { hasKeyInTopology, type KeyOptions, openForKeys, presharedPairs, warnUnlessIgnored } from "./keys-session.ts";
import { identityOption, keysOption, quietOption, topologyArgument } from "./options.ts";
import { type CommonOptions, printSummary } from "./session.ts";

const hasTunnels = ({ interfaces }: Host): boolean => interfaces.length > 0;

/** Hosts that are one peer to all others: the second of each two has the key of the first. */
function sharedKeys({ hosts }: Network): readonly (readonly [string, string])[] {
  return hosts.flatMap((host): readonly (readonly [string, string])[] => {
    const first = hosts.find(({ name }) => name === host.vrrp?.other.host);
    const isSecond = host.vrrp?.isExclusive === true && host.vrrp.priority < (first?.vrrp?.priority ?? 0);
    return first === undefined || !isSecond || hasKeyInTopology(host) ? [] : [[first.name, host.name]];
  });
}

async function generate(topology: string, options: KeyOptions): Promise<number> {
  const session = openForKeys(topology, options);
  if (session === undefined) return EXIT_TOPOLOGY;
  const { model, keysDirectory } = session;
  const copies = sharedKeys(model);
  const isAsked = (host: Host): boolean =>
    !hasKeyInTopology(host) && hasTunnels(host) && !copies.some(([, second]) => second === host.name);
  const hosts = model.hosts.filter(isAsked).map((host) => host.name);
  const request = { hosts, pairs: presharedPairs(model), copies };
  const { created, kept, isGitIgnored } = await generateKeys(keysDirectory, request, options);
  const names = created.map((name) => `  + ${name}\n`).join("");
  printSummary(`${names}${keysDirectory}: ${created.length} new, ${kept.length} as they were\n`, options);
  warnUnlessIgnored(session, isGitIgnored);
  return EXIT_DONE;
}

/** Where a host's key is whose public half stands in the directory. */
const KEPT = {
  clear: "keys, with its private key",
  encrypted: "keys, with its private key, encrypted",
  elsewhere: "keys, public key only",
};

function list(topology: string, options: CommonOptions): number {
  const session = openForKeys(topology, options);
  if (session === undefined) return EXIT_TOPOLOGY;
  const { model, keysDirectory } = session;
  const width = Math.max(4, ...model.hosts.map((host) => host.name.length));
  const row = (host: string, key: string, where: string): string =>
    `${host.padEnd(width)}  ${key.padEnd(44)}  ${where}\n`;
  process.stdout.write(row("HOST", "PUBLIC KEY", "WHERE"));
  for (const host of model.hosts.filter(hasTunnels)) {
    const inFile = KEPT[privateKeyKept(keysDirectory, host.name) ?? "elsewhere"];
    const where = host.publicKey === "" ? "-" : hasKeyInTopology(host) ? "topology" : inFile;
    process.stdout.write(row(host.name, host.publicKey || "none: run netgen keys generate", where));
  }
  return EXIT_DONE;
}

const generateCommand = (exit: (code: number) => void): Command =>
  new Command("generate")
    .summary("make the keys that are missing")
    .description(
      "Makes a key pair for each host that has none, and a preshared key for each pair where they are asked for. A host " +
        "with only a <host>.pub, or with its publicKey in the topology, keeps its private key to itself. A key file " +
        "that is wrong, or that others may read, is an error, and nothing is made.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .addOption(identityOption())
    .addOption(quietOption())
    .action(async (topology: string, options: KeyOptions) => exit(await generate(topology, options)));

const listCommand = (exit: (code: number) => void): Command =>
  new Command("list")
    .summary("print each host's public key and where it comes from")
    .description("Prints each host's public key, and whether it stands in the topology or in the key directory.")
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .action((topology: string, options: CommonOptions) => exit(list(topology, options)));

export const keysCommand = (exit: (code: number) => void): Command => {
  const keys = new Command("keys")
    .summary("make, list, rotate, import, export and encrypt keys")
    .description(
      "Keys live in a directory beside the topology: <host>.key and psk/<a>--<b>.psk stay out of git (a .gitignore " +
        "is written), <host>.pub goes in. Generating never overwrites. With recipients, private keys are encrypted with age " +
        "and go into git as well.",
    )
    // The names alone: with their arguments the lines would be wider than a terminal.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .helpCommand(false);
  const commands = [generateCommand, listCommand, rotateCommand, importCommand, exportCommand];
  for (const make of [...commands, recipientsCommand, encryptCommand]) keys.addCommand(make(exit));
  return keys;
};
