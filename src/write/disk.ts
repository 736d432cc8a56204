/** The few ways in which netgen changes a tree on disk. Errors of the machine are thrown as Node makes them. */
import {
  chmodSync,
  closeSync,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writevSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { joined, type OutputFile, sizeOf } from "../emit/file.ts";

/** Where a file is written before it takes its name. One is enough: a tree has one writer at a time (lock.ts). */
const TEMPORARY_NAME = ".netgen-tmp";
const DIRECTORY_MODE = 0o755;

/** Makes a directory and what is missing above it, each 0755 whatever the umask; one that exists stays as it is. */
export function ensureDirectory(path: string): void {
  const topmost = mkdirSync(path, { recursive: true });
  if (topmost === undefined) return;
  // mkdir's own mode is subject to the umask; a tree is the same for everyone.
  for (let made = resolve(path); made !== dirname(topmost); made = dirname(made)) chmodSync(made, DIRECTORY_MODE);
}

/** A file to put into a tree; its path is relative to that. */
export type Content = Pick<OutputFile, "path" | "mode" | "content">;

function writeNew(path: string, { content, mode }: Content): void {
  // "wx" follows no link that somebody may have put there.
  const descriptor = openSync(path, "wx", mode);
  try {
    // Chunks go to the kernel as they are: most bytes of a mesh stand in many files, and never in one piece.
    const written = writevSync(descriptor, content as Uint8Array[]);
    // Short only on a disk that is filling up; what then fails says why.
    if (written < sizeOf(content)) writeFileSync(descriptor, joined(content).subarray(written));
    fchmodSync(descriptor, mode);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  } finally {
    closeSync(descriptor);
  }
}

/** Puts a file in place, its mode whatever the umask: at every moment there is the old file or the new, whole. */
export function replaceFile(directory: string, file: Content): void {
  const temporary = join(directory, TEMPORARY_NAME);
  writeNew(temporary, file);
  // No fsync: what a power cut empties is on the manifest, differs, and is replaced by the next build.
  renameSync(temporary, join(directory, file.path));
}

/** Takes away what a build that was killed, or that failed, left of the file it was at. */
export function removeTemporary(directory: string): void {
  rmSync(join(directory, TEMPORARY_NAME), { force: true, recursive: true });
}

/** Removes a file, and the directories above it, up to the tree's own, that are empty then. */
export function removeFile(directory: string, path: string): void {
  rmSync(join(directory, path), { force: true });
  for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
    try {
      rmdirSync(join(directory, parent));
    } catch {
      return; // Something else lives there.
    }
  }
}
