import { Command } from "commander";
import { type Written, writeTree } from "../write/write.ts";
import { EXIT_DONE, EXIT_MACHINE } from "./exit.ts";
import { formatOption, keysOption, topologyArgument } from "./options.ts";
import { exitCodeOf, open, printDiagnostics } from "./session.ts";
import { complain, listPaths, type TreeOptions, treeOf, treePlace } from "./tree.ts";

interface BuildOptions extends TreeOptions {
  readonly force?: boolean;
}

function describe(directory: string, { created, changed, edited, removed, unchanged }: Written): string {
  const counts = `${created.length} new, ${changed.length} changed, ${removed.length} removed, ${unchanged} as they were`;
  const lists = listPaths("~", changed) + listPaths("-", removed);
  const note = edited.length === 0 ? "" : `Edited since the last build, and replaced:\n${listPaths("!", edited)}`;
  return `${lists}${note}${directory}: ${counts}\n`;
}

function build(topology: string, options: BuildOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stderr, options.format);
  const tree = treeOf(session);
  if (tree === undefined) return exitCodeOf(session);
  const place = treePlace(session, topology, options);
  const result = writeTree(tree, { ...place, force: options.force ?? false });
  if (result.kind === "written") {
    process.stdout.write(describe(place.directory, result));
    return EXIT_DONE;
  }
  process.stderr.write(complain("nothing was written", place.directory, result));
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
