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
  statSync,
  writeFileSync,
  writevSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { joined, type OutputFile, sizeOf } from "../emit/file.ts";

/** Where a file is written before it takes its name. One is enough: a tree has one writer at a time (lock.ts). */
const TEMPORARY_NAME = ".netgen-tmp";
const DIRECTORY_MODE = 0o755;

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Makes a directory in one that exists, its mode whatever the umask; one that is there meanwhile stays as it is. */
export function makeDirectory(path: string, mode = DIRECTORY_MODE): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (isDirectory(path)) return; // Another netgen was quicker.
    throw error;
  }
  // mkdir's own mode is subject to the umask; a tree is the same for everyone.
  chmodSync(path, mode);
}

/** Makes a directory and what is missing above it, each of this mode whatever the umask; one that exists stays as it is. */
export function ensureDirectory(path: string, mode = DIRECTORY_MODE): void {
  if (isDirectory(path)) return;
  // Not mkdir's own way with "recursive": Node 20 tries for ever where a directory takes no other, as /proc or one that is
  // removed meanwhile, and says of a read-only disk that there is no such file.
  if (dirname(path) !== path) ensureDirectory(dirname(path), mode);
  makeDirectory(path, mode);
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
  } finally {
    closeSync(descriptor);
  }
}

/** Puts a file in place, its mode whatever the umask: at every moment there is the old file or the new, whole. */
export function replaceFile(directory: string, file: Content): void {
  const temporary = join(directory, TEMPORARY_NAME);
  const target = join(directory, file.path);
  try {
    writeNew(temporary, file);
    // No fsync: what a power cut empties is on the manifest, differs, and is replaced by the next build.
    renameSync(temporary, target);
  } catch (error) {
    // The name that the user knows it by.
    throw Object.assign(error as Error, { path: target });
  }
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
