import { Command } from "commander";
import { exportKeys } from "../keys/export.ts";
import { EXIT_DONE, EXIT_TOPOLOGY } from "./exit.ts";
import { hostNamed, openForKeys, presharedPairs } from "./keys-session.ts";
import { keysOption, quietOption } from "./options.ts";
import { type CommonOptions, printSummary } from "./session.ts";

interface ExportOptions extends CommonOptions {
  readonly output: string;
  readonly topology: string;
}

function exportHost(host: string, options: ExportOptions): number {
  const session = openForKeys(options.topology, options);
  if (session === undefined) return EXIT_TOPOLOGY;
  const interfaces = hostNamed(session, host).interfaces.map((link) => link.name);
  const peers = presharedPairs(session.model).flatMap(([a, b]) => (a === host ? [b] : b === host ? [a] : []));
  for (const path of exportKeys(session.keysDirectory, { host, interfaces, peers }, options.output)) {
    printSummary(`  + ${path}\n`, options);
  }
  return EXIT_DONE;
}

export const exportCommand = (exit: (code: number) => void): Command =>
  new Command("export")
    .summary("write one host's private and preshared keys as they lie on it")
    .description(
      "Writes <dir>/etc/wireguard/<interface>.key and <dir>/etc/wireguard/psk/<peer>.psk, readable by you alone. " +
        "Another key that is there already is never overwritten.",
    )
    .argument("<host>", "whose keys")
    .requiredOption("-o, --output <dir>", "where to write")
    .option("--topology <file>", "the topology that the host is in", "topology.yaml")
    .addOption(keysOption())
    .addOption(quietOption())
    .action((host: string, options: ExportOptions) => exit(exportHost(host, options)));
