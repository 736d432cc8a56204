import { isatty } from "node:tty";
import { Command } from "commander";
import { importKey } from "../keys/import.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { hasKeyInTopology, hostNamed, type KeyOptions, openForKeys, warnUnlessIgnored } from "./keys-session.ts";
import { identityOption, keysOption, quietOption } from "./options.ts";
import { printSummary } from "./session.ts";

interface ImportOptions extends KeyOptions {
  readonly topology: string;
}

const STANDARD_INPUT = 0;

function requireInput(host: string, file: string, { topology }: ImportOptions): void {
  if (file !== "-") return;
  if (topology === "-") throw machineError("the key and the topology cannot both come from standard input");
  if (!isatty(STANDARD_INPUT)) return;
  throw machineError(
    `standard input is a terminal, where a key would be seen. Name a file, netgen keys import ${host} FILE, or let the ` +
      `key come through a pipe: ssh root@${host} cat /etc/wireguard/wg0.key | netgen keys import ${host}`,
  );
}

async function importFrom(name: string, file: string, options: ImportOptions): Promise<number> {
  requireInput(name, file, options);
  const session = openForKeys(options.topology, options);
  if (session === undefined) return EXIT_TOPOLOGY;
  const host = hostNamed(session, name);
  // Two that are one peer to all others have one key.
  const others = session.model.hosts.filter(
    ({ name: other }) => !(host.vrrp?.isExclusive && other === host.vrrp.other.host),
  );
  const publicKeys = Object.fromEntries(others.map((each) => [each.name, each.publicKey]));
  const expected = hasKeyInTopology(host) ? host.publicKey : undefined;
  const request = { host: name, source: file, publicKeys, expected };
  const { isNew, publicKey, isGitIgnored } = await importKey(session.keysDirectory, request, options);
  warnUnlessIgnored(session, isGitIgnored);
  const outcome = isNew ? "is imported" : "was there already";
  printSummary(`${session.keysDirectory}: the key of ${name} ${outcome}; its public key is ${publicKey}\n`, options);
  return EXIT_DONE;
}

export const importCommand = (exit: (code: number) => void): Command =>
  new Command("import")
    .summary("take in the private key that a host has already")
    .description(
      "Takes a WireGuard private key from a file or from standard input, as wg genkey prints it, and makes <host>.key " +
        "and <host>.pub of it. Never overwrites. A key is never an argument: anyone on the machine can read those.",
    )
    .argument("<host>", "whose key it is")
    .argument("[file]", "the file with the private key, or - for standard input", "-")
    .option("--topology <file>", "the topology that the host is in", "topology.yaml")
    .addOption(keysOption())
    .addOption(identityOption())
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nExamples:\n  netgen keys import alpha /mnt/backup/alpha.key\n" +
        "  ssh root@alpha cat /etc/wireguard/wg0.key | netgen keys import alpha\n",
    )
    .action(async (host: string, file: string, options: ImportOptions) => exit(await importFrom(host, file, options)));
