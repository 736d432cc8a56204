/** What a build would change, as unified diffs. Only reads; modes do not count, since git keeps none but the x bit. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatPatch, structuredPatch } from "diff";
import { sortedBy } from "../base/text.ts";
import type { OutputFile } from "../emit/file.ts";
import { MANIFEST_NAME } from "../write/manifest.ts";
import type { Plan, Tree } from "../write/plan.ts";
import { commonEnds } from "./common-ends.ts";

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

/** A file before and after, in UTF-8. */
export interface Sides {
  readonly path: string;
  readonly change: FileDiff["change"];
  readonly before: Buffer;
  readonly after: Buffer;
}

const NOWHERE = "/dev/null";
const CONTEXT = { context: 3 };

/** The hunks of a patch, found in what differs alone: most of a long file is common, and the search need not see it. */
function hunksOf(before: Buffer, after: Buffer, names: readonly [from: string, to: string]) {
  const { head, tail, linesBefore } = commonEnds(before, after, CONTEXT.context);
  const middleOf = (text: Buffer): string => text.toString("utf8", head, text.length - tail);
  const patch = structuredPatch(...names, middleOf(before), middleOf(after), undefined, undefined, CONTEXT);
  const hunks = patch.hunks.map((hunk) => ({
    ...hunk,
    oldStart: hunk.oldStart + linesBefore,
    newStart: hunk.newStart + linesBefore,
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

const bytesOf = (file: OutputFile): Buffer => Buffer.concat(file.content);
const NOTHING = Buffer.alloc(0);

/** The manifest speaks of every other file, so it is of interest only when nothing else changes. */
function manifestDiff(directory: string, plan: Plan): readonly FileDiff[] {
  const { claim, manifest } = plan.manifests();
  const after = manifest ?? claim;
  if (after === undefined) return [];
  const before = readFileSync(join(directory, MANIFEST_NAME));
  return [diffOf({ path: MANIFEST_NAME, change: "changed", before, after: Buffer.from(after) })];
}

/** A diff for each file that a build would create, change or remove, sorted by path. */
export function diffTree(directory: string, plan: Plan): readonly FileDiff[] {
  const onDisk = (path: string): Buffer => readFileSync(join(directory, path));
  // Each is read when its turn comes: all texts of a fleet together are large.
  const sides: readonly (Pick<Sides, "path"> & { readonly read: () => Omit<Sides, "path"> })[] = [
    ...plan.created.map((file) => ({
      path: file.path,
      read: () => ({ change: "created" as const, before: NOTHING, after: bytesOf(file) }),
    })),
    ...plan.changed.map((file) => ({
      path: file.path,
      read: () => ({ change: "changed" as const, before: onDisk(file.path), after: bytesOf(file) }),
    })),
    ...plan.removed.map((path) => ({
      path,
      read: () => ({ change: "removed" as const, before: onDisk(path), after: NOTHING }),
    })),
  ];
  if (sides.length === 0) return manifestDiff(directory, plan);
  return sortedBy(sides, (side) => side.path).map(({ path, read }) => diffOf({ path, ...read() }));
}

/** The same between two trees of which neither stands on disk. */
export function diffTrees(before: Tree, after: Tree): readonly FileDiff[] {
  const byPath = ({ files }: Tree) => new Map(files.map((file) => [file.path, bytesOf(file)]));
  const [old, next] = [byPath(before), byPath(after)];
  const paths = new Set([...old.keys(), ...next.keys()]);
  return sortedBy(paths, (path) => path).flatMap((path) => {
    const [from, to] = [old.get(path), next.get(path)];
    const sides = { path, before: from ?? NOTHING, after: to ?? NOTHING };
    if (from === undefined) return [diffOf({ ...sides, change: "created" })];
    if (to === undefined) return [diffOf({ ...sides, change: "removed" })];
    return from.equals(to) ? [] : [diffOf({ ...sides, change: "changed" })];
  });
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
