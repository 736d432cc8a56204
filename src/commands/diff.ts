import { Command } from "commander";
import pc from "picocolors";
import { visibleLines } from "../base/text.ts";
import { diffTrees, type FileDiff, renderStat } from "../deliver/diff.ts";
import { planRollout, type RolloutPlan } from "../deliver/plan.ts";
import { renderPlan } from "../deliver/plan-text.ts";
import { treeOfHosts } from "../deliver/tar.ts";
import type { Tree } from "../write/plan.ts";
import { changesOf, refuseRevisionOfInput, treeBefore } from "./compare.ts";
import { EXIT_DIFFERENT, EXIT_DONE, EXIT_MACHINE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument, withOption } from "./options.ts";
import { exitCodeOf, hasColours, jsonOf, openCompiled, printDiagnostics } from "./session.ts";
import { type TreeOptions, treeOf, treePlace } from "./tree.ts";

interface DiffOptions extends TreeOptions {
  readonly stat?: boolean;
  readonly plan?: boolean;
  /** A revision of git's. */
  readonly from?: string;
}

function paintPatch(patch: string, stream: NodeJS.WriteStream): string {
  const colours = pc.createColors(hasColours(stream));
  return patch.replace(/^(?:(---|\+\+\+) .*|([-+]).*|@@.*)$/gm, (line, head?: string, sign?: string) => {
    if (head !== undefined) return colours.bold(line);
    if (sign === undefined) return colours.cyan(line);
    return sign === "+" ? colours.green(line) : colours.red(line);
  });
}

function printDiffs(diffs: readonly FileDiff[], { stat, format }: DiffOptions): number {
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
  return diffs.length > 0 ? EXIT_DIFFERENT : EXIT_DONE;
}

function printPlan(plan: RolloutPlan, { format }: DiffOptions): number {
  const { stdout } = process;
  stdout.write(format === "json" ? jsonOf(plan) : visibleLines(renderPlan(plan)));
  return plan.hosts.length + plan.cautions.length > 0 ? EXIT_DIFFERENT : EXIT_DONE;
}

function refuseTogether({ plan, stat, from, output }: DiffOptions): void {
  if (plan === true && stat === true) throw machineError("--plan and --stat are two answers; ask for one");
  if (from !== undefined && output !== undefined) {
    throw machineError("--from compares with a revision, and -o with a tree on disk; name one");
  }
}

function diff(topology: string, options: DiffOptions): number {
  refuseTogether(options);
  refuseRevisionOfInput(topology, options);
  const session = openCompiled(topology, options);
  printDiagnostics(session, process.stderr, "text");
  const tree = treeOf(session);
  if (tree === undefined || session.model === undefined) return exitCodeOf(session);
  const place = treePlace(session, topology, options);
  // Also for the plan: what a build refuses to write is no tree to start from.
  const standing = options.from === undefined ? changesOf(tree, place) : [];
  if (standing === undefined) return EXIT_MACHINE;
  if (options.from === undefined && options.plan !== true) return printDiffs(standing, options);
  const before = treeBefore(topology, place, options);
  if (before === undefined) return EXIT_TOPOLOGY;
  const [old, next] = [before, tree].map((each) => treeOfHosts(each, place.hosts)) as [Tree, Tree];
  return options.plan === true
    ? printPlan(planRollout(session.model, old, next), options)
    : printDiffs(diffTrees(old, next), options);
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
    .option("--from <revision>", "compare with what the topology of this git revision compiles to, in place of a tree")
    .addOption(keysOption())
    .addOption(withOption())
    .option("--hosts <names>", "only these hosts, separated by commas")
    .addOption(quietOption())
    .option("--stat", "only the number of lines that come and go in each file")
    .option("--plan", "how to bring it to the hosts: what each does, what that interrupts, and in which order")
    .addOption(formatOption("the diff (json: one object a file; one in all for the plan)"))
    .action((topology: string, options: DiffOptions) => exit(diff(topology, options)));
