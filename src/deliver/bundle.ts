/**
 * One host's part of a tree with all that a program there needs to bring it about: its files by their paths on the host, and
 * `netgen.list`, lines of fields with tabs between them, as a host has no reader of JSON.
 */
import { sortedBy } from "../base/text.ts";
import type { OutputFile } from "../emit/file.ts";
import { isLasting } from "../model/unit.ts";
import { describeFile, hostOf, sha256 } from "../write/manifest.ts";
import type { Tree } from "../write/plan.ts";
import { type Action, actionOf, costWords, removalOf, replacements } from "./actions.ts";

/** Where the list lies in a bundle. */
export const LIST_NAME = "netgen.list";
/** The version of the list's format. */
const LIST_VERSION = 1;

type Fields = readonly (string | number)[];

/** A path of the tree as it is on its host, without the first `/`. */
export const onHost = (path: string): string => path.slice(path.indexOf("/") + 1);

/** With when each is asked for: `changed` in any way, `gone`, or an expression that lines which differ match. */
export function actionsOf(file: OutputFile): readonly (readonly [when: string, Action])[] {
  return [
    ...file.after.map((command) => ["changed", actionOf(command)] as const),
    ...(file.gone ?? []).map((command) => ["gone", removalOf(command)] as const),
    ...(file.afterLines ?? []).map(({ lines, command }) => [lines, actionOf(command)] as const),
  ];
}

function recordsOf(host: string, { name, units }: Tree, files: readonly OutputFile[]): readonly Fields[] {
  const own = units[host] ?? [];
  const actions = files.flatMap((file) => actionsOf(file).map(([when, action]) => ({ file, when, action })));
  return [
    ["host", host, name],
    ...own.map((unit) => ["unit", unit, isLasting(unit, own) ? "lasting" : "passing"]),
    ...files.map(describeFile).map(({ mode, owner, group, sha256: digest, path }) => {
      return ["file", mode, owner, group, digest, onHost(path)];
    }),
    ...actions.map(({ file, when, action }) => {
      // Two tabs in a row are one to a shell.
      const cost = action.cost === undefined ? "-" : costWords(action.cost);
      return ["run", when, onHost(file.path), action.phase, action.unit || "-", action.command, cost];
    }),
    ...replacements(actions.map(({ action }) => action.command)).map((pair) => ["replaces", ...pair]),
  ];
}

const encoder = new TextEncoder();

/** What `netgen.list` has below its first line. */
function listBody(tree: Tree, host: string): Uint8Array {
  const files = tree.files.filter(({ path }) => hostOf(path) === host);
  return encoder.encode(
    recordsOf(host, tree, files)
      .map((fields) => `${fields.join("\t")}\n`)
      .join(""),
  );
}

/** By which a host says which tree it has: what the first line of its `netgen.list` says. */
export const bundleHash = (tree: Tree, host: string): string => sha256([listBody(tree, host)]);

/**
 * The files of a host's bundle, sorted, their paths those on the host; what has no path there is `netgen.list`. Its first line
 * has the version of its format, and the hash of all that follows.
 */
export function bundleOf(tree: Tree, host: string): readonly OutputFile[] {
  const files = tree.files.filter(({ path }) => hostOf(path) === host);
  const body = listBody(tree, host);
  const head = encoder.encode(`${["bundle", LIST_VERSION, sha256([body])].join("\t")}\n`);
  const list = { path: LIST_NAME, mode: 0o644, owner: "root", group: "root", after: [], content: [head, body] };
  const inside = files.map((file) => ({ ...file, path: onHost(file.path) }));
  return sortedBy([...inside, list], ({ path }) => path);
}
