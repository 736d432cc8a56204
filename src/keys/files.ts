/** How key files are read and made: never over another, never readable by others, never in a message. */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Permission bits of what only its owner may read. */
export const SECRET_MODE = 0o600;
/** Permission bits of directories with secrets. */
export const DIRECTORY_MODE = 0o700;

/** True if the name is taken, also by a link that leads nowhere, which is then read in vain: that is an error, no absence. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The bytes of a file; an error names the file, which Node's own does not when it is a directory. */
export function readBytes(path: string): Buffer {
  const stats = statSync(path, { throwIfNoEntry: false });
  // Of a pipe nobody would ever come to the end.
  if (stats?.isFIFO() || stats?.isCharacterDevice()) throw badKeyFiles([`${path} is a pipe or a device, not a file`]);
  try {
    return readFileSync(path);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  }
}

/** The text of a file. */
export const readText = (path: string): string => readBytes(path).toString("utf8");

/** What a file is to hold. */
type Text = string | Uint8Array;

/** Waits until a file or a directory would survive a power cut. */
function flush(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

interface Content {
  readonly text: Text;
  readonly mode: number;
}

/** Writes a file beside its place, hands it to `place`, and takes it away again. */
function withTemporary<T>(path: string, { text, mode }: Content, place: (temporary: string) => T): T {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, text, { mode, flag: "wx" });
    // The umask may have taken bits away from a public file.
    chmodSync(temporary, mode);
    return place(temporary);
  } catch (error) {
    // The name that the user knows it by; of a write to a full disk Node names none.
    throw Object.assign(error as Error, { path });
  } finally {
    rmSync(temporary, { force: true });
  }
}

const LEFTOVER = /\.[0-9a-f]{12}\.tmp$/;

/** Takes away the half-written files of a run that was killed. */
export function removeLeftovers(directory: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory).filter((each) => LEFTOVER.test(each))) rmSync(join(directory, name));
}

/**
 * Puts a file in place whole or not at all, and never over another: a link to a finished file fails if the name is taken.
 * @returns false when the name was taken.
 */
export function createFile(path: string, text: Text, mode: number): boolean {
  if (isThere(path)) return false;
  try {
    return withTemporary(path, { text, mode }, (temporary) => {
      linkSync(temporary, path);
      return true;
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Puts a file in the place of another: at every moment there is the old one or the new, whole. */
export function replaceWhole(path: string, text: string, mode: number): void {
  withTemporary(path, { text, mode }, (temporary) => {
    // Without this a power cut may leave an empty file under the name.
    flush(temporary);
    renameSync(temporary, path);
  });
}

/** Like {@link createFile} for a secret that may be the only copy: on the disk for certain when this returns. */
export function createDurably(path: string, text: Text, mode: number): boolean {
  const isNew = createFile(path, text, mode);
  if (isNew) {
    flush(path);
    flush(join(path, ".."));
  }
  return isNew;
}

/** An error of the machine, not of the topology: key files that do not hold what their names say, one line each. */
export function badKeyFiles(problems: readonly string[]): Error {
  return Object.assign(new Error(problems.join("\nnetgen: ")), { code: "EKEY" });
}
