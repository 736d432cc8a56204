import { Command } from "commander";
import type { Refusal } from "../write/plan.ts";
import { type Written, writeTree } from "../write/write.ts";
import { formatOption, keysOption, topologyArgument } from "./options.ts";
import {
  beside,
  type CommonOptions,
  EXIT_DONE,
  EXIT_MACHINE,
  exitCodeOf,
  machineError,
  open,
  printDiagnostics,
  type Session,
} from "./session.ts";

interface BuildOptions extends CommonOptions {
  readonly output?: string;
  readonly hosts?: string;
  readonly force?: boolean;
}

const MAX_PATHS_LISTED = 20;

function listPaths(sign: string, paths: readonly string[]): string {
  const lines = paths.slice(0, MAX_PATHS_LISTED).map((path) => `  ${sign} ${path}\n`);
  const rest = paths.length - lines.length;
  return lines.join("") + (rest > 0 ? `  ${sign} and ${rest} more\n` : "");
}

function describe(directory: string, { created, changed, edited, removed, unchanged }: Written): string {
  const counts = `${created.length} new, ${changed.length} changed, ${removed.length} removed, ${unchanged} as they were`;
  const lists = listPaths("~", changed) + listPaths("-", removed);
  const note = edited.length === 0 ? "" : `Edited since the last build, and replaced:\n${listPaths("!", edited)}`;
  return `${lists}${note}${directory}: ${counts}\n`;
}

function complain(directory: string, { reason, paths, canForce }: Refusal): string {
  const way = canForce ? "Move it away, or pass --force to replace it.\n" : "";
  return `netgen: nothing was written: in ${directory} this ${reason}:\n${listPaths("!", paths)}${way}`;
}

function askedHosts({ model }: Session, hosts: string | undefined): readonly string[] | undefined {
  const asked = hosts?.split(",").map((name) => name.trim());
  const unknown = asked?.filter((name) => !model?.hosts.some((host) => host.name === name)) ?? [];
  if (unknown.length > 0) {
    throw machineError(`--hosts: the topology has no host ${unknown.map((name) => `"${name}"`).join(", ")}`);
  }
  return asked;
}

function build(topology: string, options: BuildOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stderr, options.format);
  if (session.model === undefined || exitCodeOf(session) !== EXIT_DONE) return exitCodeOf(session);
  const directory = options.output ?? beside(topology, "out");
  const tree = { name: session.model.name, files: session.files, units: session.units };
  const hosts = askedHosts(session, options.hosts);
  const result = writeTree(tree, { directory, hosts, force: options.force ?? false });
  if (result.kind === "written") {
    process.stdout.write(describe(directory, result));
    return EXIT_DONE;
  }
  process.stderr.write(complain(directory, result));
  return EXIT_MACHINE;
}

export const buildCommand = (exit: (code: number) => void): Command =>
  new Command("build")
    .summary("compile a topology and write every host's files")
    .description(
      "Compiles a topology and writes out/<host>/etc/... for every host, and out/manifest.json. With any error nothing " +
        "is written. What a build wrote and the next one no longer makes is removed; a file that netgen did not write " +
        "is never removed, and replaced only with --force.",
    )
    .addArgument(topologyArgument())
    .option("-o, --output <dir>", "where to write (default: out, beside the topology)")
    .addOption(keysOption())
    .option("--hosts <names>", "only these hosts, separated by commas")
    .option("--force", "replace files that stand in the way and that netgen did not write")
    .addOption(formatOption("diagnostics"))
    .addHelpText(
      "after",
      "\nExamples:\n  netgen build topology.yaml\n  netgen build topology.yaml -o /srv/tree --hosts alpha,beta\n",
    )
    .action((topology: string, options: BuildOptions) => exit(build(topology, options)));
