/** What a build would change, found without changing it: `diff` shows it, `build --check` names it. */
import { diffTree, type FileDiff } from "../deliver/diff.ts";
import { planTree, type Tree } from "../write/plan.ts";
import { EXIT_DIFFERENT, EXIT_DONE, EXIT_MACHINE, machineError } from "./exit.ts";
import { type CommonOptions, counted, printSummary, say } from "./session.ts";
import { complain, listPaths, type Place } from "./tree.ts";

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
