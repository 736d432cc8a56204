/** OutputFile[] → disk. A tree with a stranger in the way is left as it is; otherwise every file is the old or the new one. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compareText, sortedBy } from "../base/text.ts";
import { contentOf, type OutputFile } from "../emit/file.ts";
import {
  describeFile,
  formatManifest,
  MANIFEST_NAME,
  MANIFEST_VERSION,
  type Manifest,
  type ManifestFile,
  parseManifest,
} from "./manifest.ts";

export interface Tree {
  readonly name: string;
  readonly files: readonly OutputFile[];
  /** Systemd units to enable, by host. */
  readonly units: Readonly<Record<string, readonly string[]>>;
}

export interface WriteOptions {
  /** The tree's directory; made when it is not there. */
  readonly directory: string;
  /** Only these hosts are written or removed; `undefined`: all. */
  readonly hosts: readonly string[] | undefined;
  /** Take over files that no manifest lists. */
  readonly force: boolean;
}

export type WriteResult =
  | {
      readonly kind: "written";
      readonly created: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
      readonly unchanged: number;
    }
  /** Nothing was touched. */
  | { readonly kind: "refused"; readonly reason: string; readonly paths: readonly string[] };

type Found = "absent" | "equal" | "different" | "obstacle";

/** What stands at a path now. A symbolic link is never followed: it could lead out of the tree. */
function inspect(path: string, content: Uint8Array | undefined): Found {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return "absent";
  if (!stats.isFile()) return "obstacle";
  return content !== undefined && readFileSync(path).equals(content) ? "equal" : "different";
}

/** Directories of the tree that are no directories but links or files: writing below them would end up elsewhere. */
function blockedParents(directory: string, paths: readonly string[]): readonly string[] {
  const parents = new Set<string>();
  for (const path of paths) {
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) parents.add(parent);
  }
  return [...parents].sort().filter((parent) => {
    const stats = lstatSync(join(directory, parent), { throwIfNoEntry: false });
    return stats !== undefined && !stats.isDirectory();
  });
}

function readManifest(directory: string): Manifest | "absent" | "unreadable" {
  const path = join(directory, MANIFEST_NAME);
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return "absent";
  return parseManifest(readFileSync(path, "utf8")) ?? "unreadable";
}

function replaceFile(path: string, content: Uint8Array | string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.netgen-tmp`;
  writeFileSync(temporary, content, { mode });
  chmodSync(temporary, mode);
  renameSync(temporary, path);
}

function removeFile(directory: string, path: string): void {
  rmSync(join(directory, path), { force: true });
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    try {
      rmdirSync(join(directory, parent));
    } catch {
      return; // Not empty: something else lives there.
    }
  }
}

interface Plan {
  readonly created: readonly OutputFile[];
  readonly changed: readonly OutputFile[];
  readonly unchanged: readonly OutputFile[];
  readonly foreign: readonly string[];
}

function makePlan(directory: string, files: readonly OutputFile[], known: ReadonlySet<string>): Plan {
  const created: OutputFile[] = [];
  const changed: OutputFile[] = [];
  const unchanged: OutputFile[] = [];
  const foreign: string[] = [];
  for (const file of files) {
    const found = inspect(join(directory, file.path), contentOf(file));
    if (found === "absent") created.push(file);
    else if (found === "equal") unchanged.push(file);
    else if (found === "different") {
      changed.push(file);
      if (!known.has(file.path)) foreign.push(file.path);
    } else foreign.push(file.path);
  }
  return { created, changed, unchanged, foreign };
}

const hostOf = (path: string): string => path.slice(0, path.indexOf("/"));

function apply(directory: string, plan: Plan, stale: readonly string[]): void {
  for (const file of [...plan.created, ...plan.changed]) {
    replaceFile(join(directory, file.path), contentOf(file), file.mode);
  }
  for (const file of plan.unchanged) chmodSync(join(directory, file.path), file.mode);
  for (const path of stale) removeFile(directory, path);
}

/** The old entries that this build leaves alone: those of hosts that it was not asked for. */
function keptEntries(old: Manifest | undefined, isAsked: (host: string) => boolean): readonly ManifestFile[] {
  return (old?.files ?? []).filter((file) => !isAsked(hostOf(file.path)));
}

function nextManifest(tree: Tree, old: Manifest | undefined, isAsked: (host: string) => boolean): Manifest {
  const files = [...keptEntries(old, isAsked), ...tree.files.filter((f) => isAsked(hostOf(f.path))).map(describeFile)];
  const oldHosts = Object.entries(old?.hosts ?? {}).filter(([host]) => !isAsked(host));
  const newHosts = Object.entries(tree.units).filter(([host]) => isAsked(host)).map(([host, enable]) => [host, { enable }] as const);
  return {
    netgenManifest: MANIFEST_VERSION,
    name: tree.name,
    hosts: Object.fromEntries([...oldHosts, ...newHosts].sort(([a], [b]) => compareText(a, b))),
    files: sortedBy(files, (file) => file.path),
  };
}

function refuse(reason: string, paths: readonly string[]): WriteResult {
  return { kind: "refused", reason, paths };
}

/** Writes a tree, or says why it did not touch anything. Errors of the machine are thrown as Node makes them. */
export function writeTree(tree: Tree, { directory, hosts, force }: WriteOptions): WriteResult {
  const isAsked = (host: string): boolean => hosts === undefined || hosts.includes(host);
  const manifest = readManifest(directory);
  if (manifest === "unreadable" && !force) return refuse("is no manifest that netgen wrote", [MANIFEST_NAME]);
  const old = typeof manifest === "string" ? undefined : manifest;
  const known = new Set(old?.files.map((file) => file.path));
  const files = tree.files.filter((file) => isAsked(hostOf(file.path)));
  const wanted = new Set(files.map((file) => file.path));
  const stale = [...known].filter((path) => isAsked(hostOf(path)) && !wanted.has(path));
  const blocked = blockedParents(directory, [...wanted, ...stale]);
  if (blocked.length > 0) return refuse("is no directory (netgen follows no links)", blocked);
  const plan = makePlan(directory, files, known);
  const obstacles = plan.foreign.filter((path) => inspect(join(directory, path), undefined) === "obstacle");
  if (obstacles.length > 0) return refuse("is no plain file", obstacles);
  if (plan.foreign.length > 0 && !force) return refuse("was not written by netgen and differs", plan.foreign);

  const next = nextManifest(tree, old, isAsked);
  const before = typeof manifest === "string" ? "" : formatManifest(manifest);
  // Claims old and new first: whatever happens in between, nothing of ours becomes a stranger's.
  const claim = { ...next, files: sortedBy([...next.files, ...(old?.files.filter((f) => stale.includes(f.path)) ?? [])], (f) => f.path) };
  if (stale.length > 0 && formatManifest(claim) !== before) replaceFile(join(directory, MANIFEST_NAME), formatManifest(claim), 0o644);
  else if (formatManifest(next) !== before) replaceFile(join(directory, MANIFEST_NAME), formatManifest(next), 0o644);
  apply(directory, plan, stale);
  if (stale.length > 0) replaceFile(join(directory, MANIFEST_NAME), formatManifest(next), 0o644);
  return {
    kind: "written",
    created: plan.created.map((file) => file.path),
    changed: plan.changed.map((file) => file.path),
    removed: stale,
    unchanged: plan.unchanged.length,
  };
}
