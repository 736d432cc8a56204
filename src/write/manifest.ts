/** manifest.json: what netgen wrote into a tree, so that the next build knows its own files from the user's. */
import { createHash } from "node:crypto";
import type { OutputFile } from "../emit/file.ts";

/** The version of the manifest's format. */
export const MANIFEST_VERSION = 1;
export const MANIFEST_NAME = "manifest.json";

export interface ManifestFile {
  /** Relative to the tree, `/` between its parts, the host's name first. */
  readonly path: string;
  /** Four octal digits, such as `0600`. */
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface Manifest {
  readonly netgenManifest: typeof MANIFEST_VERSION;
  readonly name: string;
  /** Per host the systemd units to enable there. */
  readonly hosts: Readonly<Record<string, { readonly enable: readonly string[] }>>;
  readonly files: readonly ManifestFile[];
}

export function sha256(chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

export function describeFile(file: OutputFile): ManifestFile {
  const mode = file.mode.toString(8).padStart(4, "0");
  return { path: file.path, mode, owner: file.owner, group: file.group, sha256: sha256(file.content) };
}

/** True for a path that stays inside the tree: relative, in normal form, below a host's directory. */
export function isTreePath(path: string): boolean {
  const parts = path.split("/");
  return parts.length > 1 && parts.every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
}

/** Reads a manifest; `undefined` when the text is not one that netgen wrote. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text) as Manifest;
    const isSound =
      value.netgenManifest === MANIFEST_VERSION &&
      Array.isArray(value.files) &&
      value.files.every((file) => typeof file.path === "string" && isTreePath(file.path));
    return isSound ? value : undefined;
  } catch {
    return undefined;
  }
}

export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}
