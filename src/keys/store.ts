/** The key directory: `<host>.key` and `<host>.pub`, `psk/<a>--<b>.psk`, and a `.gitignore` that keeps secrets out of git. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareText } from "../base/text.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey, isKey } from "./keypair.ts";

const PUBLIC_SUFFIX = ".pub";
const PRIVATE_SUFFIX = ".key";
const GITIGNORE = "# Written by netgen: private and preshared keys stay out of git, public keys (*.pub) go in.\n*.key\n/psk/\n*.tmp\n";

/** Public keys by host name, from every `<host>.pub` of the directory; none where it does not exist. */
export function readPublicKeys(directory: string): Readonly<Record<string, string>> {
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory).filter((name) => name.endsWith(PUBLIC_SUFFIX)).sort();
  return Object.fromEntries(
    names.map((name) => [name.slice(0, -PUBLIC_SUFFIX.length), readFileSync(join(directory, name), "utf8").trim()]),
  );
}

export function hasPrivateKey(directory: string, host: string): boolean {
  return existsSync(join(directory, host + PRIVATE_SUFFIX));
}

/** What generating did, by file name; what was there already stays as it was. */
export interface Generated {
  readonly created: readonly string[];
  readonly kept: readonly string[];
}

/**
 * Puts a file in place whole or not at all, and never over another: a link to a finished file fails if the name is taken.
 * @returns false when the name was taken.
 */
function createFile(path: string, text: string, mode: number): boolean {
  if (existsSync(path)) return false;
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, text, { mode, flag: "wx" });
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

/** Machine errors that a key file can cause besides those of the file system. */
function badKeyFile(path: string): Error {
  return Object.assign(new Error(`${path} is not a WireGuard private key: base64 of 32 bytes, not all zero`), {
    code: "EKEY",
  });
}

/** The pair of one host: a host that has only a .pub keeps its private key to itself. */
function generatePair(directory: string, host: string): readonly [name: string, isNew: boolean][] {
  const keyName = host + PRIVATE_SUFFIX;
  const pubName = host + PUBLIC_SUFFIX;
  const keyPath = join(directory, keyName);
  const pubPath = join(directory, pubName);
  if (!existsSync(keyPath)) {
    if (existsSync(pubPath)) return [[pubName, false]];
    const pair = generateKeyPair();
    const isNew = createFile(keyPath, `${pair.privateKey}\n`, 0o600);
    if (isNew) return [[keyName, true], [pubName, createFile(pubPath, `${pair.publicKey}\n`, 0o644)]];
  }
  if (existsSync(pubPath)) return [[keyName, false], [pubName, false]];
  const privateKey = readFileSync(keyPath, "utf8").trim();
  if (!isKey(privateKey)) throw badKeyFile(keyPath);
  return [[keyName, false], [pubName, createFile(pubPath, `${derivePublicKey(privateKey)}\n`, 0o644)]];
}

/** The name of a pair's preshared key file: the smaller name first. */
export function presharedKeyName(a: string, b: string): string {
  return `psk/${[a, b].sort(compareText).join("--")}.psk`;
}

/** Makes what is missing: a key pair for each host, a preshared key for each pair. Never overwrites. */
export function generateKeys(
  directory: string,
  { hosts, pairs }: { hosts: readonly string[]; pairs: readonly (readonly [string, string])[] },
): Generated {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  createFile(join(directory, ".gitignore"), GITIGNORE, 0o644);
  if (pairs.length > 0) mkdirSync(join(directory, "psk"), { recursive: true, mode: 0o700 });
  const results = [
    ...hosts.flatMap((host) => generatePair(directory, host)),
    ...pairs.map(([a, b]): [string, boolean] => {
      const name = presharedKeyName(a, b);
      return [name, createFile(join(directory, name), `${generatePresharedKey()}\n`, 0o600)];
    }),
  ];
  return {
    created: results.filter(([, isNew]) => isNew).map(([name]) => name),
    kept: results.filter(([, isNew]) => !isNew).map(([name]) => name),
  };
}
