/** How key files are read and made: never over another, never readable by others, never in a message. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";

/** Permission bits of what only its owner may read. */
export const SECRET_MODE = 0o600;
const OTHERS = 0o077;

/** The text of a file; an error names the file, which Node's own does not when it is a directory. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw Object.assign(error as Error, { path });
  }
}

/**
 * Puts a file in place whole or not at all, and never over another: a link to a finished file fails if the name is taken.
 * @returns false when the name was taken.
 */
export function createFile(path: string, text: string, mode: number): boolean {
  if (existsSync(path)) return false;
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, text, { mode, flag: "wx" });
    // The umask may have taken bits away from a public file.
    chmodSync(temporary, mode);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Takes a secret file away from the eyes of others, as git and cp bring it back with the umask's mode. */
export function hideFromOthers(path: string): void {
  if ((statSync(path).mode & OTHERS) !== 0) chmodSync(path, SECRET_MODE);
}

/** An error of the machine, not of the topology: a key file that does not hold what its name says. */
export function badKeyFile(path: string, problem: string): Error {
  return Object.assign(new Error(`${path} ${problem}`), { code: "EKEY" });
}
