import { Command, Option } from "commander";
import { sortedBy } from "../base/text.ts";
import { hostOf } from "../write/manifest.ts";
import type { Tree } from "../write/plan.ts";
import { type Written, writeTree } from "../write/write.ts";
import { EXIT_DONE, EXIT_MACHINE, withAdvice } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument, withOption } from "./options.ts";
import { progressFor } from "./progress.ts";
import { exitCodeOf, openCompiled, printDiagnostics, printSummary, say } from "./session.ts";
import { complain, countAll, listChanges, type Place, type TreeOptions, treeOf, treePlace } from "./tree.ts";

interface BuildOptions extends TreeOptions {
  readonly check?: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
}

/** Every file that was asked for or removed, with its verdict. */
function listAll({ files }: Tree, { hosts }: Place, { created, changed, edited, removed }: Written): string {
  const asked = files.map(({ path }) => path).filter((path) => hosts === undefined || hosts.includes(hostOf(path)));
  const verdicts = [
    ["=", asked],
    ["+", created],
    ["~", changed],
    ["-", removed],
    ["!", edited],
  ] as const;
  const signs = new Map(verdicts.flatMap(([sign, paths]) => paths.map((path) => [path, sign] as const)));
  return sortedBy(signs, ([path]) => path)
    .map(([path, sign]) => `  ${sign} ${path}\n`)
    .join("");
}

/** Writes with a line of progress, where somebody watches. */
function write(tree: Tree, place: Place, options: BuildOptions): ReturnType<typeof writeTree> {
  const progress = progressFor(options);
  const watched = progress === undefined ? {} : { progress: progress.update };
  try {
    return writeTree(tree, { ...place, ...watched, force: options.force ?? false });
  } catch (error) {
    throw withAdvice(
      error,
      `Each file in ${place.directory} is whole, the old one or the new one; a build completes them.`,
    );
  } finally {
    progress?.clear();
  }
}

async function build(topology: string, options: BuildOptions): Promise<number> {
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, options.format);
  const tree = treeOf(session);
  if (tree === undefined) return exitCodeOf(session);
  const place = treePlace(session, topology, options);
  // Loaded here because most builds do without.
  if (options.check === true) return (await import("./compare.ts")).printChanges(tree, place, options);
  if (options.output === "-") return (await import("./archive.ts")).printTree(tree, place.hosts, options);
  const result = write(tree, place, options);
  if (result.kind === "refused") {
    say(complain("nothing was written", place.directory, result));
    return EXIT_MACHINE;
  }
  const list = options.verbose === true ? listAll(tree, place, result) : listChanges(result);
  printSummary(`${list}${place.directory}: ${countAll(result)}\n`, options);
  return EXIT_DONE;
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
    .option("-o, --output <dir>", "where to write (default: out, beside the topology); - is a tar on standard output")
    .addOption(keysOption())
    .addOption(withOption())
    .option("--hosts <names>", "only these hosts, separated by commas")
    .addOption(
      new Option("--check", "write nothing, and exit with 1 if the tree is not what a build would write").conflicts([
        "force",
        "verbose",
      ]),
    )
    .option("--force", "replace files that stand in the way and that netgen did not write")
    .addOption(quietOption())
    .addOption(new Option("-v, --verbose", "name every file, also those that are as they were").conflicts("quiet"))
    .addOption(formatOption("diagnostics"))
    .addHelpText(
      "after",
      "\nExamples:\n  netgen build topology.yaml\n  netgen build topology.yaml -o /srv/tree --hosts alpha,beta\n" +
        "  netgen build topology.yaml -o - --hosts alpha | ssh alpha tar -x -C new\n",
    )
    .action(async (topology: string, options: BuildOptions) => exit(await build(topology, options)));
