import { Command } from "commander";
import pc from "picocolors";
import { visibleLines } from "../base/text.ts";
import { diffTree, type FileDiff, renderStat } from "../deliver/diff.ts";
import { planTree } from "../write/plan.ts";
import { EXIT_DIFFERENT, EXIT_DONE, EXIT_MACHINE, machineError } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument, withOption } from "./options.ts";
import { exitCodeOf, hasColours, openCompiled, printDiagnostics, say } from "./session.ts";
import { complain, type TreeOptions, treeOf, treePlace } from "./tree.ts";

interface DiffOptions extends TreeOptions {
  readonly stat?: boolean;
}

function paintPatch(patch: string, stream: NodeJS.WriteStream): string {
  const colours = pc.createColors(hasColours(stream));
  return patch.replace(/^(?:(---|\+\+\+) .*|([-+]).*|@@.*)$/gm, (line, head?: string, sign?: string) => {
    if (head !== undefined) return colours.bold(line);
    if (sign === undefined) return colours.cyan(line);
    return sign === "+" ? colours.green(line) : colours.red(line);
  });
}

function print(diffs: readonly FileDiff[], { stat, format }: DiffOptions): void {
  const { stdout } = process;
  if (format === "json") {
    for (const { patch, ...counts } of diffs) {
      stdout.write(`${JSON.stringify(stat === true ? counts : { ...counts, patch })}\n`);
    }
  } else if (diffs.length > 0) {
    // Elsewhere a patch is for programs, and every byte counts.
    const shown = ({ patch }: FileDiff): string => (stdout.isTTY ? visibleLines(patch) : patch);
    stdout.write(stat === true ? renderStat(diffs) : diffs.map((each) => paintPatch(shown(each), stdout)).join(""));
  }
}

function diff(topology: string, options: DiffOptions): number {
  if (options.output === "-") {
    throw machineError("-o - is no tree to compare with; name its directory, or ./- if that is its name");
  }
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined) return exitCodeOf(session);
  const place = treePlace(session, topology, options);
  const plan = planTree(tree, { ...place, force: false });
  if (plan.kind === "refused") {
    say(complain("a build would write nothing", place.directory, plan));
    return EXIT_MACHINE;
  }
  const diffs = diffTree(place.directory, plan);
  print(diffs, options);
  return diffs.length > 0 ? EXIT_DIFFERENT : EXIT_DONE;
}

export const diffCommand = (exit: (code: number) => void): Command =>
  new Command("diff")
    .summary("show what a build would change")
    .description(
      "Prints what a build would create, change and remove as one unified diff, and writes nothing. Exits with 1 if " +
        "there is a difference. Modes do not count: git does not keep them, and a build repairs them.",
    )
    .addArgument(topologyArgument())
    .option("-o, --output <dir>", "the tree to compare with (default: out, beside the topology)")
    .addOption(keysOption())
    .addOption(withOption())
    .option("--hosts <names>", "only these hosts, separated by commas")
    .addOption(quietOption())
    .option("--stat", "only the number of lines that come and go in each file")
    .addOption(formatOption("the diff (json: one object a file)"))
    .action((topology: string, options: DiffOptions) => exit(diff(topology, options)));
