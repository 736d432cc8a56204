/**
 * The key directory: `<host>.key` and `<host>.pub`, `psk/<a>--<b>.psk`, what a rotation replaced in `previous/` and
 * `psk/previous/`, and a `.gitignore` that keeps all secrets in clear out of git.
 */
import { dirname, join, posix } from "node:path";
import { compareText } from "../base/text.ts";
import { ensureDirectory } from "../write/disk.ts";
import { LOCK_NAME, withLockHeld } from "../write/lock.ts";
import { badKeyFiles, createFile, DIRECTORY_MODE, readText, removeLeftovers, replaceWhole } from "./files.ts";
import { type Access, isEncryptedStore, openVault, PUBLIC_MODE, SECRET_PLACES, type Vault } from "./vault.ts";

export const PUBLIC_SUFFIX = ".pub";
const GITIGNORE_NAME = ".gitignore";

/** What git is told to leave out. */
interface Ignored {
  readonly comment: string;
  readonly patterns: readonly string[];
  /** Lines that would keep out what belongs in. */
  readonly wrong: readonly string[];
}

const CLEAR: Ignored = {
  comment: "private and preshared keys stay out of git, public keys (*.pub) go in.",
  patterns: ["*.key", "/psk/", "*.tmp"],
  wrong: [],
};
const ENCRYPTED: Ignored = {
  comment: "keys in clear stay out of git; encrypted ones (*.age), public keys (*.pub) and recipients go in.",
  patterns: ["*.key", "*.psk", "*.tmp"],
  wrong: ["/psk/"],
};

const gitignoreOf = ({ comment, patterns }: Ignored): string =>
  [`# Written by netgen: ${comment}`, ...patterns, LOCK_NAME, ""].join("\n");

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

/** Makes the .gitignore, or looks whether the one that is there will do; netgen's own follows how keys are kept. */
function ensureIgnored(directory: string): boolean {
  const path = join(directory, GITIGNORE_NAME);
  const isEncrypted = isEncryptedStore(directory);
  const ignored = isEncrypted ? ENCRYPTED : CLEAR;
  if (createFile(path, gitignoreOf(ignored), PUBLIC_MODE)) return true;
  if (isEncrypted && readText(path) === gitignoreOf(CLEAR)) replaceWhole(path, gitignoreOf(ignored), PUBLIC_MODE);
  const lines = readText(path).split(/\r?\n/);
  return ignored.patterns.every((each) => lines.includes(each)) && !ignored.wrong.some((each) => lines.includes(each));
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
export async function changeDirectory<T extends object>(
  directory: string,
  work: () => Promise<T>,
): Promise<Changed<T>> {
  ensureDirectory(directory, DIRECTORY_MODE);
  const locked = await withLockHeld(directory, async () => {
    for (const each of SECRET_PLACES) removeLeftovers(join(directory, each));
    // Before the first secret, and once more where the work has begun to encrypt.
    ensureIgnored(directory);
    const done = await work();
    return { ...done, isGitIgnored: ensureIgnored(directory) };
  });
  if (locked.kind === "done") return locked.value;
  throw badKeyFiles([`another netgen is changing ${directory}; wait for it to end (${join(directory, LOCK_NAME)})`]);
}

/** Changes keys, which all are in clear, or all encrypted. */
export const changeKeys = <T extends object>(
  directory: string,
  access: Access,
  work: (vault: Vault) => Promise<T>,
): Promise<Changed<T>> => changeDirectory(directory, async () => work(await openVault(directory, access)));
