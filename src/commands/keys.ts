import { Command } from "commander";
import { exportKeys } from "../keys/export.ts";
import { generateKeys, hasPrivateKey } from "../keys/store.ts";
import type { Network } from "../model/network.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { keysOption, topologyArgument } from "./options.ts";
import { type CommonOptions, open, printDiagnostics, type Session } from "./session.ts";

/** The model, if nothing but keys is missing from the topology; else prints what is wrong. */
function usableModel(session: Session): Network | undefined {
  const others = session.diagnostics.filter((each) => each.severity === "error" && each.code !== "public-key-missing");
  if (session.model !== undefined && others.length === 0) return session.model;
  printDiagnostics({ ...session, diagnostics: others }, process.stderr, "text");
  return undefined;
}

const hasKeyInTopology = (host: Network["hosts"][number]): boolean => host.origin.publicKey !== undefined;

/** Pairs of peers with a preshared key, each once. */
function presharedPairs({ hosts, peers }: Network): readonly (readonly [string, string])[] {
  const byId = new Map(peers.filter((peer) => peer.hasPresharedKey).map((peer) => [peer.id, peer.host]));
  return hosts.flatMap(({ name, interfaces }) =>
    interfaces.flatMap((link) => {
      const others = link.peers.map((id) => byId.get(id)).filter((other) => other !== undefined && name < other);
      return others.map((other) => [name, other as string] as const);
    }),
  );
}

function generate(topology: string, options: CommonOptions): number {
  const session = open(topology, options);
  const model = usableModel(session);
  if (model === undefined) return EXIT_TOPOLOGY;
  const hosts = model.hosts.filter((host) => !hasKeyInTopology(host)).map((host) => host.name);
  const { keysDirectory: directory } = session;
  const { created, kept, isGitIgnored } = generateKeys(directory, { hosts, pairs: presharedPairs(model) });
  for (const name of created) process.stdout.write(`  + ${name}\n`);
  process.stdout.write(`${directory}: ${created.length} new, ${kept.length} as they were\n`);
  if (!isGitIgnored) {
    process.stderr.write(
      `netgen: ${directory}/.gitignore lacks one of *.key, /psk/ and *.tmp: git may take in private keys; add them\n`,
    );
  }
  return EXIT_DONE;
}

function list(topology: string, options: CommonOptions): number {
  const session = open(topology, options);
  const model = usableModel(session);
  if (model === undefined) return EXIT_TOPOLOGY;
  const width = Math.max(4, ...model.hosts.map((host) => host.name.length));
  const row = (host: string, key: string, where: string): string =>
    `${host.padEnd(width)}  ${key.padEnd(44)}  ${where}\n`;
  process.stdout.write(row("HOST", "PUBLIC KEY", "WHERE"));
  for (const host of model.hosts) {
    const inFile = hasPrivateKey(session.keysDirectory, host.name)
      ? "keys, with its private key"
      : "keys, public key only";
    const where = host.publicKey === "" ? "-" : hasKeyInTopology(host) ? "topology" : inFile;
    process.stdout.write(row(host.name, host.publicKey || "none: run netgen keys generate", where));
  }
  return EXIT_DONE;
}

interface ExportOptions extends CommonOptions {
  readonly output: string;
  readonly topology: string;
}

function exportHost(host: string, options: ExportOptions): number {
  const session = open(options.topology, options);
  const model = usableModel(session);
  if (model === undefined) return EXIT_TOPOLOGY;
  const found = model.hosts.find((each) => each.name === host);
  if (found === undefined) throw machineError(`${options.topology} has no host "${host}"`);
  const peers = presharedPairs(model).flatMap(([a, b]) => (a === host ? [b] : b === host ? [a] : []));
  const interfaces = found.interfaces.map((link) => link.name);
  for (const path of exportKeys(session.keysDirectory, { host, interfaces, peers }, options.output)) {
    process.stdout.write(`  + ${path}\n`);
  }
  return EXIT_DONE;
}

export const keysCommand = (exit: (code: number) => void): Command => {
  const keys = new Command("keys")
    .summary("make, list and export key pairs and preshared keys")
    .description(
      "Keys live in a directory beside the topology: <host>.key and psk/<a>--<b>.psk stay out of git (a .gitignore " +
        "is written), <host>.pub goes in. Generating never overwrites.",
    )
    .helpCommand(false);
  keys
    .command("generate")
    .summary("make the keys that are missing")
    .description(
      "Makes a key pair for each host that has none, and a preshared key for each pair where they are asked for. A host with only a " +
        "<host>.pub, or with its publicKey in the topology, keeps its private key to itself.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .action((topology: string, options: CommonOptions) => exit(generate(topology, options)));
  keys
    .command("list")
    .summary("print each host's public key and where it comes from")
    .description("Prints each host's public key, and whether it stands in the topology or in the key directory.")
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .action((topology: string, options: CommonOptions) => exit(list(topology, options)));
  keys
    .command("export")
    .summary("write one host's private and preshared keys as they lie on it")
    .description(
      "Writes <dir>/etc/wireguard/<interface>.key and <dir>/etc/wireguard/psk/<peer>.psk, readable by you alone. " +
        "Another key that is there already is never overwritten.",
    )
    .argument("<host>", "whose keys")
    .requiredOption("-o, --output <dir>", "where to write")
    .option("--topology <file>", "the topology that the host is in", "topology.yaml")
    .addOption(keysOption())
    .action((host: string, options: ExportOptions) => exit(exportHost(host, options)));
  return keys;
};
