/** How a file that the user made is changed: it is never lost, and nobody else's change to it is. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { machineError } from "./exit.ts";

const PERMISSIONS = 0o7777;

function writeBeside(temporary: string, text: string, { mode, uid, gid }: Stats): void {
  const descriptor = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(descriptor, text);
    // Root edits other people's files, and gives them back.
    if (process.getuid?.() === 0) fchownSync(descriptor, uid, gid);
    fchmodSync(descriptor, mode & PERMISSIONS);
    // Without this a power cut may leave an empty file under the name.
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Replaces a text file, or the one that a symbolic link leads to: at every moment there is the old text or the new,
 * whole, with the mode and owner of the old. It must still hold `before`: an editor may have saved it meanwhile.
 */
export function replaceText(path: string, before: string, after: string): void {
  const target = realpathSync(path);
  const stats = statSync(target);
  if (!stats.isFile()) throw machineError(`${path} is no file that could be replaced; give - to read standard input`);
  const temporary = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeBeside(temporary, after, stats);
    if (readFileSync(target, "utf8") !== before) {
      throw machineError(`${path} was changed by somebody else meanwhile; nothing was written, run the command again`);
    }
    renameSync(temporary, target);
  } catch (error) {
    throw Object.assign(error as Error, { path });
  } finally {
    rmSync(temporary, { force: true });
  }
}
