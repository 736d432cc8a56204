/** What a build would do to a tree, or why it must not. Only reads. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { invariant } from "../base/invariant.ts";
import { sortedBy } from "../base/text.ts";
import type { OutputFile } from "../emit/file.ts";
import { bytesAt, inspect, look, lookAtDirectories } from "./look.ts";
import {
  claimed,
  describeFile,
  formatManifest,
  hostOf,
  isOfBuild,
  isTreePath,
  MANIFEST_NAME,
  type Manifest,
  type ManifestFile,
  parseManifest,
  sha256,
} from "./manifest.ts";

/** What one compilation wants to stand on disk. */
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
  /** Called after each file that was written. */
  readonly progress?: (doneFiles: number, totalFiles: number) => void;
}

/** Why nothing is touched. */
export interface Refusal {
  readonly kind: "refused";
  /** Goes on from "this": "was not written by netgen and differs". */
  readonly reason: string;
  /** Relative to the tree, sorted. */
  readonly paths: readonly string[];
  readonly canForce: boolean;
}

/** The manifests that a build leaves while it runs and when it is done. */
export interface Manifests {
  /** To be written before any file, so that a kill leaves nothing of ours unlisted; `undefined`: all is listed. */
  readonly claim: string | undefined;
  /** To be written last; `undefined`: it stands there by then. */
  readonly manifest: string | undefined;
}

/** What is to be done, and what is to be said about it. Paths are relative to the tree, in the order of the tree. */
export interface Plan {
  readonly kind: "plan";
  /** Directories that are not there. */
  readonly missing: ReadonlySet<string>;
  readonly created: readonly OutputFile[];
  readonly changed: readonly OutputFile[];
  /** Right bytes, wrong mode. */
  readonly repaired: readonly OutputFile[];
  readonly removed: readonly string[];
  /** Among the changed and removed: not as the manifest has them, so that somebody's edit is lost. Sorted. */
  readonly edited: readonly string[];
  /** With the repaired ones. */
  readonly unchanged: number;
  /** Worked out when it is asked for: to hash every file takes longer than to plan the rest. */
  readonly manifests: () => Manifests;
}

type OldManifest =
  | { readonly kind: "absent" | "obstacle" | "unreadable" }
  | { readonly kind: "read"; readonly text: string; readonly manifest: Manifest };

function readManifest(directory: string): OldManifest {
  const path = join(directory, MANIFEST_NAME);
  const stats = look(path);
  if (stats === undefined) return { kind: "absent" };
  if (!stats.isFile()) return { kind: "obstacle" };
  const text = readFileSync(path, "utf8");
  const manifest = parseManifest(text);
  return manifest === undefined ? { kind: "unreadable" } : { kind: "read", text, manifest };
}

type Verdict = "created" | "same" | "repaired" | "changed" | "edited" | "foreign" | "obstacle";

/** What a build would do to one file. */
function judge(directory: string, file: OutputFile, listed: ManifestFile | undefined): Verdict {
  const found = inspect(join(directory, file.path), file);
  switch (found.kind) {
    case "absent":
      return "created";
    case "obstacle":
      return "obstacle";
    case "equal":
      return found.mode === file.mode ? "same" : "repaired";
    case "different":
      if (listed === undefined) return "foreign";
      return isOfBuild(listed, found.sha256) ? "changed" : "edited";
    default:
      return found satisfies never;
  }
}

type IsAsked = (path: string) => boolean;

/** The hosts of the new manifest: the old entries of those that this build was not asked for, and its own. */
function nextHosts(tree: Tree, old: Manifest | undefined, isAsked: IsAsked): Manifest["hosts"] {
  const kept = Object.entries(old?.hosts ?? {}).filter(([host]) => !isAsked(`${host}/`));
  const own = Object.entries(tree.units).filter(([host]) => isAsked(`${host}/`));
  const entries = [...kept, ...own.map(([host, enable]) => [host, { enable }] as const)];
  return Object.fromEntries(sortedBy(entries, ([host]) => host));
}

interface Before {
  readonly text: string;
  readonly manifest: Manifest | undefined;
}

/**
 * The manifest after the build, and the one that lists old and new files while it runs. That has what each file is to be and
 * what it may still be, so that after a kill nothing is taken for an edited one.
 */
function nextManifests(tree: Tree, before: Before, isAsked: IsAsked): Manifests {
  const { name } = tree;
  const hosts = nextHosts(tree, before.manifest, isAsked);
  const old = before.manifest?.files ?? [];
  const own = tree.files.filter((file) => isAsked(file.path)).map(describeFile);
  const print = (files: readonly ManifestFile[]): string =>
    formatManifest({ name, hosts, files: sortedBy(files, (file) => file.path) });
  const manifest = print([...old.filter((file) => !isAsked(file.path)), ...own]);
  const next = new Map(own.map((file) => [file.path, file]));
  const listed = new Map(old.map((file) => [file.path, file]));
  const isChanged = ({ path, sha256: digest }: ManifestFile): boolean => listed.get(path)?.sha256 !== digest;
  if (!own.some(isChanged)) return { claim: undefined, manifest: manifest === before.text ? undefined : manifest };
  const added = own.filter(({ path }) => !listed.has(path));
  const kept = old.map((file) => {
    const wanted = next.get(file.path);
    return wanted === undefined ? file : claimed(wanted, file);
  });
  const claim = print([...kept, ...added]);
  return { claim, manifest: manifest === claim ? undefined : manifest };
}

function refuse(reason: string, paths: readonly string[], canForce = false): Refusal {
  return { kind: "refused", reason, paths, canForce };
}

function firstRefusal(old: OldManifest, force: boolean): Refusal | undefined {
  if (old.kind === "obstacle") return refuse("is no plain file", [MANIFEST_NAME]);
  if (old.kind !== "unreadable" || force) return undefined;
  return refuse("is no manifest that this netgen wrote", [MANIFEST_NAME], true);
}

const pathsOf = (files: readonly OutputFile[]): readonly string[] => files.map((file) => file.path);

interface Judged {
  readonly file: OutputFile;
  readonly verdict: Verdict;
}

type PlannedFiles = Pick<Plan, "kind" | "created" | "changed" | "repaired" | "edited" | "unchanged">;

/** All verdicts together: one file in the way stops the whole build. */
function planFiles(judged: readonly Judged[], force: boolean): PlannedFiles | Refusal {
  const all = (...verdicts: readonly Verdict[]): readonly OutputFile[] =>
    judged.filter(({ verdict }) => verdicts.includes(verdict)).map(({ file }) => file);
  const obstacles = all("obstacle");
  if (obstacles.length > 0) return refuse("is no plain file", pathsOf(obstacles));
  const foreign = all("foreign");
  if (foreign.length > 0 && !force) return refuse("was not written by netgen and differs", pathsOf(foreign), true);
  return {
    kind: "plan",
    created: all("created"),
    changed: all("changed", "edited", "foreign"),
    repaired: all("repaired"),
    edited: pathsOf(all("edited")),
    unchanged: all("same", "repaired").length,
  };
}

/** The manifest's text as it is now; empty where there is none that can be read. */
export function manifestText(directory: string): string {
  const found = readManifest(directory);
  return found.kind === "read" ? found.text : "";
}

/** Decides all of a build before any of it is done. */
export function planTree(tree: Tree, { directory, hosts, force }: WriteOptions): Plan | Refusal {
  const before = readManifest(directory);
  const refusal = firstRefusal(before, force);
  if (refusal !== undefined) return refusal;
  const { text, manifest } = before.kind === "read" ? before : { text: "", manifest: undefined };

  const isAsked: IsAsked = (path) => hosts === undefined || hosts.includes(hostOf(path));
  const files = tree.files.filter((file) => isAsked(file.path));
  for (const { path } of files) invariant(isTreePath(path), `${path} lies in the tree, below a host`);
  const old = new Map(manifest?.files.map((file) => [file.path, file]));
  const wanted = new Set(pathsOf(files));
  const stale = [...old.keys()].filter((path) => isAsked(path) && !wanted.has(path));
  const { absent, blocked } = lookAtDirectories(directory, [...wanted, ...stale]);
  if (blocked.length > 0) return refuse("is no directory (netgen follows no links)", blocked);

  const verdictOn = (file: OutputFile): Verdict =>
    absent.has(dirname(file.path)) ? "created" : judge(directory, file, old.get(file.path));
  const planned = planFiles(
    files.map((file) => ({ file, verdict: verdictOn(file) })),
    force,
  );
  if (planned.kind === "refused") return planned;
  // What is no plain file any more is not what netgen wrote: it is forgotten, not removed.
  const removed = stale.filter((path) => look(join(directory, path))?.isFile());
  const isLost = (path: string): boolean => {
    const listed = old.get(path);
    const bytes = bytesAt(join(directory, path));
    return listed !== undefined && bytes !== undefined && !isOfBuild(listed, sha256([bytes]));
  };
  const lost = removed.filter(isLost);
  const edited = sortedBy([...planned.edited, ...lost], (path) => path);
  const manifests = (): Manifests => nextManifests(tree, { text, manifest }, isAsked);
  return { ...planned, missing: absent, removed, edited, manifests };
}
