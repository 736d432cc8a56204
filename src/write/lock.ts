/** One build at a time: two that write the same tree would each remove what the other has just claimed. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kill, pid } from "node:process";
import { ensureDirectory } from "./disk.ts";

/** The lock file, relative to the tree. It holds the process id of the build that writes. */
export const LOCK_NAME = ".netgen-lock";

function readLock(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** True if the lock was left by a build that was killed. An empty one belongs to a build that is about to write its id. */
function isAbandoned(text: string): boolean {
  if (!/^[1-9]\d*\n$/.test(text)) return false;
  // Our own id: an earlier life of it. In a container netgen may be process 1 every time.
  if (Number(text) === pid) return true;
  try {
    kill(Number(text), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, `${pid}\n`, { flag: "wx", mode: 0o644 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Takes an abandoned lock out of the way; false when it is held, or another build has taken it over meanwhile. */
function breakLock(path: string): boolean {
  const text = readLock(path);
  if (!isAbandoned(text)) return false;
  const aside = `${path}.${pid}`;
  renameSync(path, aside);
  const isTheOne = readFileSync(aside, "utf8") === text;
  if (isTheOne) rmSync(aside);
  else renameSync(aside, path);
  return isTheOne;
}

/** What came of {@link withLock}. */
export type Locked<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "held" };

/** Does the work while no other build writes the tree, or does nothing when one does. */
export function withLock<T>(directory: string, work: () => T): Locked<T> {
  const path = join(directory, LOCK_NAME);
  ensureDirectory(directory);
  if (!tryLock(path) && !(breakLock(path) && tryLock(path))) return { kind: "held" };
  try {
    return { kind: "done", value: work() };
  } finally {
    rmSync(path, { force: true });
  }
}
