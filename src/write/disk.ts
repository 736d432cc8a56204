/** The few ways in which netgen changes a tree on disk. Errors of the machine are thrown as Node makes them. */
import { chmodSync, mkdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where a file is written before it takes its name. One is enough: a tree has one writer at a time (lock.ts). */
const TEMPORARY_NAME = ".netgen-tmp";
const DIRECTORY_MODE = 0o755;

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (hasCode(error, "EEXIST") && statSync(path).isDirectory()) return;
    if (!hasCode(error, "ENOENT") || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path);
  }
  // mkdir's own mode is subject to the umask; a tree is the same for everyone.
  chmodSync(path, DIRECTORY_MODE);
}

/** Makes a directory and what is missing above it, each 0755 whatever the umask; one that exists stays as it is. */
export function ensureDirectory(path: string): void {
  // Asked first because a tree has many files to a directory, and an exception costs more than a look.
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  makeDirectory(path);
}

/** A file to put into a tree. */
export interface Content {
  /** Relative to the tree. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
}

/** Puts a file in place, its mode whatever the umask: at every moment there is the old file or the new, whole. */
export function replaceFile(directory: string, { path, content, mode }: Content): void {
  const target = join(directory, path);
  const temporary = join(directory, TEMPORARY_NAME);
  ensureDirectory(dirname(target));
  // "wx" follows no link that somebody may have put there.
  writeFileSync(temporary, content, { mode, flag: "wx" });
  chmodSync(temporary, mode);
  // No fsync: what a power cut empties is on the manifest, differs, and is replaced by the next build.
  renameSync(temporary, target);
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
