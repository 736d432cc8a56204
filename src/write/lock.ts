/**
 * One build at a time: two that write the same tree would each remove what the other has just claimed. The lock is a
 * symbolic link to the process id of its holder, with the time at which that began: unlike a file, it comes into being
 * whole, so that a build which is killed at any moment leaves either no lock or one that says whose it was.
 */
import { readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { kill, pid } from "node:process";
import { ensureDirectory } from "./disk.ts";

/** The lock, relative to the tree. */
export const LOCK_NAME = ".netgen-lock";

/** The holder's process id as the lock has it; `undefined` when there is no lock, or what is there is none of ours. */
function readLock(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EINVAL") return undefined;
    throw error;
  }
}

/** When a process began, in ticks since the boot (proc(5), the 22nd field of stat); empty where the kernel does not tell. */
function beginOf(process: number): string {
  try {
    // The second field is a name in brackets, which may hold any character.
    const fields = readFileSync(`/proc/${process}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    return fields[19] ?? "";
  } catch {
    return "";
  }
}

const nameOf = (process: number): string => [process, beginOf(process)].join("-").replace(/-$/, "");

/** True if the holder was killed; its id may be that of another process since. */
function isAbandoned(holder: string): boolean {
  const [, id, begin] = /^([1-9]\d*)(?:-(\d+))?$/.exec(holder) ?? [];
  if (id === undefined) return false;
  // Our own id: an earlier life of it. In a container netgen may be process 1 every time.
  if (Number(id) === pid) return true;
  try {
    kill(Number(id), 0);
    return begin !== undefined && !["", begin].includes(beginOf(Number(id)));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function tryLock(path: string): boolean {
  try {
    symlinkSync(nameOf(pid), path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Takes a lock, also one whose holder was killed. Such a lock is removed by one build only, the one that holds a lock of
 * that very removal: of two that just removed what they had found abandoned, the later would remove the earlier's lock.
 */
function take(path: string): boolean {
  if (tryLock(path)) return true;
  const holder = readLock(path);
  // Gone since: nobody is in the way any more, unless another was quicker.
  if (holder === undefined) return tryLock(path);
  if (!isAbandoned(holder)) return false;
  const removal = `${path}.${holder}`;
  if (!take(removal)) return false;
  if (readLock(path) === holder) rmSync(path);
  rmSync(removal, { force: true });
  return tryLock(path);
}

/** Removes the locks of removals that were cut short: with the lock in our hands, they protect nothing any more. */
function clearRemovals(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(`${LOCK_NAME}.`)) rmSync(join(directory, name), { force: true });
  }
}

/** True while another build writes the tree. */
export function isLocked(directory: string): boolean {
  const holder = readLock(join(directory, LOCK_NAME));
  return holder !== undefined && !isAbandoned(holder);
}

/** True if a build that was killed has left a lock. */
export function hasAbandonedLock(directory: string): boolean {
  const locks = readdirSync(directory).filter((name) => name.startsWith(LOCK_NAME));
  return locks.some((name) => isAbandoned(readLock(join(directory, name)) ?? ""));
}

/** What came of {@link withLock}. */
export type Locked<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "held" };

/** Takes the lock of a tree, and gives what lets go of it; `undefined`: another has it. */
function lock(directory: string): (() => void) | undefined {
  const path = join(directory, LOCK_NAME);
  ensureDirectory(directory);
  if (!take(path)) return undefined;
  const release = (): void => rmSync(path, { force: true });
  try {
    clearRemovals(directory);
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

/** Does the work while no other build writes the tree, or does nothing when one does. */
export function withLock<T>(directory: string, work: () => T): Locked<T> {
  const release = lock(directory);
  if (release === undefined) return { kind: "held" };
  try {
    return { kind: "done", value: work() };
  } finally {
    release();
  }
}

/** The same of work that has to wait in between. */
export async function withLockHeld<T>(directory: string, work: () => Promise<T>): Promise<Locked<T>> {
  const release = lock(directory);
  if (release === undefined) return { kind: "held" };
  try {
    return { kind: "done", value: await work() };
  } finally {
    release();
  }
}
