/** manifest.json: what netgen wrote into a tree, so that the next build knows its own files from the user's. */
import { createHash, hash } from "node:crypto";
import { isRecord, isText, isTextList } from "../base/shape.ts";
import { visible } from "../base/text.ts";
import { joined, type OutputFile, sizeOf } from "../emit/file.ts";

/** The version of the manifest's format. */
const MANIFEST_VERSION = 1;
/** Where the manifest lies, relative to the tree; no host can have this name. */
export const MANIFEST_NAME = "manifest.json";

/** What the manifest says about one file. */
export interface ManifestFile {
  /** Relative to the tree, `/` between its parts, the host's name first. */
  readonly path: string;
  /** Four octal digits, such as `0600`. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Commands to run on the host, in their order, after the file changed there. */
  readonly after: readonly string[];
  /**
   * Hashes of what may still stand there instead: while a build runs, and after one that was killed. Left out: nothing else
   * of netgen's.
   */
  readonly before?: readonly string[];
}

/** True for the bytes that a build has put there, be it one that did not get further. */
export const isOfBuild = ({ sha256: digest, before = [] }: ManifestFile, found: string): boolean =>
  digest === found || before.includes(found);

/** The entry that a build claims a file with: what it will be, and what it may be until then. */
export function claimed(next: ManifestFile, old: ManifestFile): ManifestFile {
  const before = [old.sha256, ...(old.before ?? [])].filter((digest) => digest !== next.sha256);
  return before.length === 0 ? next : { ...next, before: [...new Set(before)] };
}

/** Everything that netgen has written into a tree, sorted. */
export interface Manifest {
  readonly netgenManifest: typeof MANIFEST_VERSION;
  readonly name: string;
  /** Per host the systemd units to enable there. */
  readonly hosts: Readonly<Record<string, { readonly enable: readonly string[] }>>;
  readonly files: readonly ManifestFile[];
}

/** Bytes up to which it is quicker to put the chunks together first: most files are small. */
const SMALL_BYTES = 1 << 14;

/** SHA-256 of the chunks in order, in lower-case hexadecimal. */
export function sha256(chunks: readonly Uint8Array[]): string {
  if (sizeOf(chunks) <= SMALL_BYTES) return hash("sha256", joined(chunks), "hex");
  const whole = createHash("sha256");
  for (const chunk of chunks) whole.update(chunk);
  return whole.digest("hex");
}

function describe(file: OutputFile): ManifestFile {
  const mode = file.mode.toString(8).padStart(4, "0");
  const { path, owner, group, content, after } = file;
  return { path, mode, owner, group, sha256: sha256(content), after };
}

const described = new WeakMap<OutputFile, ManifestFile>();

/** The entry of a file as netgen would write it. Kept: a build is planned twice, and the hashes are most of planning. */
export function describeFile(file: OutputFile): ManifestFile {
  const entry = described.get(file) ?? describe(file);
  described.set(file, entry);
  return entry;
}

/** A hash of each host's files with their modes and owners: two trees with the same are the same to that host. */
export function hostHashes(files: readonly OutputFile[]): Readonly<Record<string, string>> {
  const lines = new Map<string, string>();
  for (const { path, mode, owner, group, sha256: digest } of files.map(describeFile)) {
    const host = hostOf(path);
    lines.set(host, `${lines.get(host) ?? ""}${[path, mode, owner, group, digest].join("\t")}\n`);
  }
  return Object.fromEntries([...lines].map(([host, text]) => [host, hash("sha256", text, "hex")]));
}

/** The host that a path of the tree belongs to. */
export const hostOf = (path: string): string => path.slice(0, path.indexOf("/"));

/** True for a path that stays inside the tree: relative, in normal form, below a host's directory, and nothing but text. */
export function isTreePath(path: string): boolean {
  const parts = path.split("/");
  return (
    parts.length > 1 && visible(path) === path && parts.every((part) => part !== "" && part !== "." && part !== "..")
  );
}

function isManifestFile(value: unknown): value is ManifestFile {
  if (!isRecord(value)) return false;
  const { path, mode, owner, group, sha256: digest, after, before = [] } = value;
  if (!isTextList(after) || !isTextList(before)) return false;
  return [path, mode, owner, group, digest].every(isText) && isTreePath(path as string);
}

function isManifest(value: unknown): value is Manifest {
  if (!isRecord(value)) return false;
  const { netgenManifest, name, hosts, files } = value;
  if (netgenManifest !== MANIFEST_VERSION || typeof name !== "string") return false;
  return isRecord(hosts) && Array.isArray(files) && files.every(isManifestFile);
}

/** Reads a manifest; `undefined` when the text is not one that this netgen wrote, or one path in it leaves the tree. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The manifest's text: the same bytes for the same files. */
export function formatManifest({ name, hosts, files }: Omit<Manifest, "netgenManifest">): string {
  return `${JSON.stringify({ netgenManifest: MANIFEST_VERSION, name, hosts, files }, undefined, 2)}\n`;
}
