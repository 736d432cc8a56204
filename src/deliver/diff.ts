/** What a build would change, as unified diffs. Only reads; modes do not count, since git keeps none but the x bit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatPatch, structuredPatch } from "diff";
import { sortedBy } from "../base/text.ts";
import { contentOf, type OutputFile } from "../emit/file.ts";
import { MANIFEST_NAME } from "../write/manifest.ts";
import type { Plan } from "../write/plan.ts";

export interface FileDiff {
  /** Relative to the tree. */
  readonly path: string;
  readonly change: "created" | "changed" | "removed";
  /** Lines that come and go. */
  readonly added: number;
  readonly removed: number;
  /** Unified, three lines of context, with `--- a/…` and `+++ b/…` heads that `patch -p1` and git understand. */
  readonly patch: string;
}

/** A file before and after. */
export interface Sides {
  readonly path: string;
  readonly change: FileDiff["change"];
  readonly before: string;
  readonly after: string;
}

const NOWHERE = "/dev/null";
const CONTEXT = { context: 3 };

/** The end of this many lines from a place on, which is a line's beginning. */
function linesOn(text: string, from: number, count: number): number {
  let end = from;
  for (let line = 0; line < count; line += 1) end = text.indexOf("\n", end) + 1 || text.length;
  return end;
}

/** The beginning of the line that a place lies in, or of one that is so many lines above. */
function linesBack(text: string, from: number, count: number): number {
  let start = from;
  // The end of the line above stands just before the beginning of a line.
  for (let line = 0; line <= count; line += 1) start = start < 2 ? 0 : text.lastIndexOf("\n", start - 2) + 1;
  return start;
}

/**
 * How much two texts have in common at their beginning and their end, in whole lines, less the context that a patch
 * shows. Most of a long file is that, and the search for the shortest difference need not see it.
 */
function commonEnds(before: string, after: string): { readonly head: number; readonly tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before.charCodeAt(head) === after.charCodeAt(head)) head += 1;
  let tail = 0;
  const isSame = (fromEnd: number): boolean =>
    before.charCodeAt(before.length - fromEnd) === after.charCodeAt(after.length - fromEnd);
  while (tail < shorter - head && isSame(tail + 1)) tail += 1;
  const end = linesOn(before, before.length - tail, 1 + CONTEXT.context);
  return { head: linesBack(before, head, CONTEXT.context), tail: before.length - end };
}

/** The hunks of a patch, found in what differs alone. */
function hunksOf(before: string, after: string, names: readonly [from: string, to: string]) {
  const { head, tail } = commonEnds(before, after);
  const middleOf = (text: string): string => text.slice(head, text.length - tail);
  const patch = structuredPatch(...names, middleOf(before), middleOf(after), undefined, undefined, CONTEXT);
  const skipped = before.slice(0, head).split("\n").length - 1;
  const hunks = patch.hunks.map((hunk) => ({
    ...hunk,
    oldStart: hunk.oldStart + skipped,
    newStart: hunk.newStart + skipped,
  }));
  return { ...patch, hunks };
}

/** The difference of one file, whose two texts are not the same. */
export function diffOf({ path, change, before, after }: Sides): FileDiff {
  const from = change === "created" ? NOWHERE : `a/${path}`;
  const to = change === "removed" ? NOWHERE : `b/${path}`;
  const found = hunksOf(before, after, [from, to]);
  const lines = found.hunks.flatMap((hunk) => hunk.lines);
  const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length;
  // Its first line is a rule of "=" that git does not print.
  const patch = formatPatch(found).replace(/^=+\n/, "");
  return { path, change, added: count("+"), removed: count("-"), patch };
}

const textOf = (file: OutputFile): string => new TextDecoder().decode(contentOf(file));

/** The manifest speaks of every other file, so it is of interest only when nothing else changes. */
function manifestDiff(directory: string, plan: Plan): readonly FileDiff[] {
  const { claim, manifest } = plan.manifests();
  const after = manifest ?? claim;
  if (after === undefined) return [];
  const before = readFileSync(join(directory, MANIFEST_NAME), "utf8");
  return [diffOf({ path: MANIFEST_NAME, change: "changed", before, after })];
}

/** A diff for each file that a build would create, change or remove, sorted by path. */
export function diffTree(directory: string, plan: Plan): readonly FileDiff[] {
  const onDisk = (path: string): string => readFileSync(join(directory, path), "utf8");
  // Each is read when its turn comes: all texts of a fleet together are large.
  const sides: readonly (Pick<Sides, "path"> & { readonly read: () => Omit<Sides, "path"> })[] = [
    ...plan.created.map((file) => ({
      path: file.path,
      read: () => ({ change: "created" as const, before: "", after: textOf(file) }),
    })),
    ...plan.changed.map((file) => ({
      path: file.path,
      read: () => ({ change: "changed" as const, before: onDisk(file.path), after: textOf(file) }),
    })),
    ...plan.removed.map((path) => ({
      path,
      read: () => ({ change: "removed" as const, before: onDisk(path), after: "" }),
    })),
  ];
  if (sides.length === 0) return manifestDiff(directory, plan);
  return sortedBy(sides, (side) => side.path).map(({ path, read }) => diffOf({ path, ...read() }));
}

/** A line per file with the lines that come and go, and a line with their sums. */
export function renderStat(diffs: readonly FileDiff[]): string {
  const width = Math.max(0, ...diffs.map((each) => each.path.length));
  const lines = diffs.map(
    ({ path, change, added, removed }) => ` ${path.padEnd(width)} | ${change.padEnd(7)} +${added} -${removed}\n`,
  );
  const sum = (of: "added" | "removed"): number => diffs.reduce((total, each) => total + each[of], 0);
  const files = diffs.length === 1 ? "1 file" : `${diffs.length} files`;
  return `${lines.join("")} ${files}, +${sum("added")} -${sum("removed")}\n`;
}
