import { Command } from "commander";
import pc from "picocolors";
import { visibleLines } from "../base/text.ts";
import { type FileDiff, renderStat } from "../deliver/diff.ts";
import { changesOf } from "./compare.ts";
import { EXIT_DIFFERENT, EXIT_DONE, EXIT_MACHINE } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument, withOption } from "./options.ts";
import { exitCodeOf, hasColours, openCompiled, printDiagnostics } from "./session.ts";
import { type TreeOptions, treeOf, treePlace } from "./tree.ts";

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
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined) return exitCodeOf(session);
  const diffs = changesOf(tree, treePlace(session, topology, options));
  if (diffs === undefined) return EXIT_MACHINE;
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
