/**
 * The key directory: `<host>.key` and `<host>.pub`, `psk/<a>--<b>.psk`, what a rotation replaced in `previous/` and
 * `psk/previous/`, and a `.gitignore` that keeps all secrets out of git.
 */
import { dirname, join, posix } from "node:path";
import { compareText } from "../base/text.ts";
import { ensureDirectory } from "../write/disk.ts";
import { LOCK_NAME, withLock } from "../write/lock.ts";
import { badKeyFiles, createFile, DIRECTORY_MODE, readText, removeLeftovers } from "./files.ts";

export const PUBLIC_SUFFIX = ".pub";
export const PUBLIC_MODE = 0o644;
const GITIGNORE_NAME = ".gitignore";
const SECRET_PATTERNS = ["*.key", "/psk/", "*.tmp"];
const GITIGNORE = [
  "# Written by netgen: private and preshared keys stay out of git, public keys (*.pub) go in.",
  ...SECRET_PATTERNS,
  LOCK_NAME,
  "",
].join("\n");

/** The file of a host's private key, relative to the directory. */
export const privateKeyName = (host: string): string => `${host}.key`;

/** The file of a host's public key, relative to the directory. */
export const publicKeyName = (host: string): string => host + PUBLIC_SUFFIX;

/** The name of a pair's preshared key file, relative to the directory: the smaller name first. */
export function presharedKeyName(a: string, b: string): string {
  return `psk/${[a, b].sort(compareText).join("--")}.psk`;
}

/** Where a rotation keeps what it replaces: a directory, so that every .gitignore with netgen's patterns covers it. */
export function previousName(name: string): string {
  return posix.join(posix.dirname(name), "previous", posix.basename(name));
}

/** Makes the .gitignore, or looks whether the one that is there will do. */
function ensureIgnored(directory: string): boolean {
  const path = join(directory, GITIGNORE_NAME);
  if (createFile(path, GITIGNORE, PUBLIC_MODE)) return true;
  const lines = readText(path).split(/\r?\n/);
  return SECRET_PATTERNS.every((pattern) => lines.includes(pattern));
}

/** Makes the directory of a key file, for its owner alone. */
export function ensureParent(directory: string, name: string): void {
  ensureDirectory(dirname(join(directory, name)), DIRECTORY_MODE);
}

/** What came of {@link changeKeys}. */
export type Changed<T> = T & {
  /** The directory's `.gitignore` names the secret files; false only if it is not netgen's own. */
  readonly isGitIgnored: boolean;
};

/** Changes the directory while no other netgen does, after tidying up behind one that was killed. */
export function changeKeys<T extends object>(directory: string, work: () => T): Changed<T> {
  ensureDirectory(directory, DIRECTORY_MODE);
  const locked = withLock(directory, () => {
    for (const each of [".", "psk", "previous", "psk/previous"]) removeLeftovers(join(directory, each));
    // Before the first secret.
    const isGitIgnored = ensureIgnored(directory);
    return { ...work(), isGitIgnored };
  });
  if (locked.kind === "done") return locked.value;
  throw badKeyFiles([`another netgen is changing ${directory}; wait for it to end (${join(directory, LOCK_NAME)})`]);
}
