/** What a build would change, found without changing it: `diff` shows it, `build --check` names it. */
import { diffTree, type FileDiff } from "../deliver/diff.ts";
import { standingTree } from "../deliver/standing.ts";
import { planTree, type Tree } from "../write/plan.ts";
import { EXIT_DIFFERENT, EXIT_DONE, EXIT_MACHINE, machineError } from "./exit.ts";
import { openRevision } from "./revision.ts";
import { type CommonOptions, counted, printDiagnostics, printSummary, say } from "./session.ts";
import { complain, listPaths, type Place, treeOf } from "./tree.ts";

/** The difference of each file; `undefined` where a build would refuse to write, which has been said then. */
export function changesOf(tree: Tree, place: Place): readonly FileDiff[] | undefined {
  if (place.directory === "-") {
    throw machineError("-o - is no tree to compare with; name its directory, or ./- if that is its name");
  }
  const plan = planTree(tree, { ...place, force: false });
  if (plan.kind === "refused") {
    say(complain("a build would write nothing", place.directory, plan));
    return undefined;
  }
  return diffTree(place.directory, plan);
}

/** `--from`: a revision of git's, in place of the tree on disk. */
export interface RevisionOptions extends CommonOptions {
  readonly from?: string;
}

export function refuseRevisionOfInput(topology: string, { from }: RevisionOptions): void {
  if (from !== undefined && topology === "-") {
    throw machineError("--from compares revisions of a file, and standard input has none; name the file");
  }
}

/** What there is now: the tree of a revision, or the one on disk; `undefined` where it has errors, which have been said then. */
export function treeBefore(topology: string, { directory }: Place, options: RevisionOptions): Tree | undefined {
  if (options.from === undefined) return standingTree(directory);
  const session = openRevision(topology, options.from, options);
  const tree = treeOf(session);
  if (tree === undefined) printDiagnostics(session, process.stderr, "text");
  return tree;
}

const SIGNS = { created: "+", changed: "~", removed: "-" } as const;

/** Says which files a build would write or remove, with the signs that it has for them. */
export function printChanges(tree: Tree, place: Place, options: CommonOptions): number {
  const changes = changesOf(tree, place);
  if (changes === undefined) return EXIT_MACHINE;
  const pathsOf = (change: FileDiff["change"]) =>
    changes.filter((each) => each.change === change).map(({ path }) => path);
  for (const change of ["created", "changed", "removed"] as const) {
    say(listPaths(SIGNS[change], pathsOf(change)), process.stdout);
  }
  const difference = `${counted(changes.length, "file")} not as a build would have it; netgen diff shows how`;
  const verdict = changes.length === 0 ? "as a build would write it" : difference;
  printSummary(`${place.directory}: ${verdict}\n`, options);
  return changes.length === 0 ? EXIT_DONE : EXIT_DIFFERENT;
}
