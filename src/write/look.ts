/** Looks at a tree without following a link out of it. Only reads; errors of the machine are thrown as Node makes them. */
import { lstatSync, readFileSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { compareText } from "../base/text.ts";
import { type OutputFile, sizeOf } from "../emit/file.ts";
import { sha256 } from "./manifest.ts";

/** What stands where a file is to be. */
export type Found =
  | { readonly kind: "absent" | "obstacle" }
  | { readonly kind: "equal"; readonly mode: number }
  | { readonly kind: "different"; readonly sha256: string };

/** What stands at a path; nothing also where a file is in the way. A symbolic link is never followed: it may lead out. */
export function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}

function isEqual(bytes: Buffer, content: OutputFile["content"]): boolean {
  let end = 0;
  return (
    bytes.length === sizeOf(content) &&
    content.every((chunk) => {
      const start = end;
      end += chunk.length;
      return bytes.subarray(start, end).equals(chunk);
    })
  );
}

/** The bytes of a file; `undefined` when another build has removed it since it was looked at. */
export function bytesAt(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    // Node's own does not name a directory.
    throw Object.assign(error as Error, { path });
  }
}

/** Compares a file on disk with what is wanted there. */
export function inspect(path: string, { content }: OutputFile): Found {
  const stats = look(path);
  if (stats === undefined) return { kind: "absent" };
  if (!stats.isFile()) return { kind: "obstacle" };
  const bytes = bytesAt(path);
  if (bytes === undefined) return { kind: "absent" };
  return isEqual(bytes, content)
    ? { kind: "equal", mode: stats.mode & 0o7777 }
    : { kind: "different", sha256: sha256([bytes]) };
}

/** What stands where the tree's directories are to be. */
export interface Directories {
  readonly absent: ReadonlySet<string>;
  /** Sorted. No directories but links or files: writing below them would end up elsewhere. */
  readonly blocked: readonly string[];
}

function parentsOf(paths: Iterable<string>): readonly string[] {
  const parents = new Set<string>();
  for (const path of paths) {
    for (let parent = dirname(path); parent !== "." && !parents.has(parent); parent = dirname(parent)) {
      parents.add(parent);
    }
  }
  // What contains comes before what is contained.
  return [...parents].sort(compareText);
}

/** Looks at every directory that is needed for the paths, from the outermost on. */
export function lookAtDirectories(directory: string, paths: Iterable<string>): Directories {
  const absent = new Set<string>();
  const blocked: string[] = [];
  for (const path of parentsOf(paths)) {
    const stats = absent.has(dirname(path)) ? undefined : look(join(directory, path));
    if (stats === undefined) absent.add(path);
    else if (!stats.isDirectory()) blocked.push(path);
  }
  return { absent, blocked };
}
