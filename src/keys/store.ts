/** The key directory: `<host>.key` and `<host>.pub`, `psk/<a>--<b>.psk`, and a `.gitignore` that keeps secrets out of git. */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isWireguardKey } from "../base/key.ts";
import { compareText } from "../base/text.ts";
import { badKeyFile, createFile, hideFromOthers, readText, SECRET_MODE } from "./files.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "./keypair.ts";

const PUBLIC_SUFFIX = ".pub";
const PRIVATE_SUFFIX = ".key";
const PUBLIC_MODE = 0o644;
const DIRECTORY_MODE = 0o700;
const GITIGNORE_NAME = ".gitignore";
const SECRET_PATTERNS = ["*.key", "/psk/", "*.tmp"];
const GITIGNORE = [
  "# Written by netgen: private and preshared keys stay out of git, public keys (*.pub) go in.",
  ...SECRET_PATTERNS,
  "",
].join("\n");

/** Public keys by host name, from every `<host>.pub` of the directory; none where it does not exist. */
export function readPublicKeys(directory: string): Readonly<Record<string, string>> {
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory).filter((name) => name.endsWith(PUBLIC_SUFFIX));
  const entries = names.sort(compareText).map((name) => {
    return [name.slice(0, -PUBLIC_SUFFIX.length), readText(join(directory, name)).trim()] as const;
  });
  return Object.fromEntries(entries);
}

/** True if the host's private key lies in the directory too. */
export function hasPrivateKey(directory: string, host: string): boolean {
  return existsSync(join(directory, host + PRIVATE_SUFFIX));
}

/** What generating did, by file name; what was there already stays as it was. */
export interface Generated {
  readonly created: readonly string[];
  readonly kept: readonly string[];
  /** The directory's `.gitignore` names the secret files; false only if it is not netgen's own. */
  readonly isGitIgnored: boolean;
}

type Outcome = readonly [name: string, isNew: boolean];

/** The public key of a private key file that was there before. */
function publicKeyOf(keyPath: string): string {
  const privateKey = readText(keyPath).trim();
  if (!isWireguardKey(privateKey))
    throw badKeyFile(keyPath, "is not a WireGuard private key: base64 of 32 bytes, not all zero");
  hideFromOthers(keyPath);
  return derivePublicKey(privateKey);
}

/** The pair of one host: a host that has only a .pub keeps its private key to itself. */
function generatePair(directory: string, host: string): readonly Outcome[] {
  const keyName = host + PRIVATE_SUFFIX;
  const pubName = host + PUBLIC_SUFFIX;
  const keyPath = join(directory, keyName);
  const pubPath = join(directory, pubName);
  if (!existsSync(keyPath) && existsSync(pubPath)) return [[pubName, false]];

  const pair = generateKeyPair();
  const isNewKey = createFile(keyPath, `${pair.privateKey}\n`, SECRET_MODE);
  // The name may have been taken a moment ago: then the key in the file counts.
  const publicKey = isNewKey ? pair.publicKey : publicKeyOf(keyPath);
  const isNewPub = createFile(pubPath, `${publicKey}\n`, PUBLIC_MODE);
  if (!isNewPub && readText(pubPath).trim() !== publicKey) {
    throw badKeyFile(pubPath, `is not the public key of ${keyPath}: one of the two is from another pair; remove it`);
  }
  return [
    [keyName, isNewKey],
    [pubName, isNewPub],
  ];
}

/** The name of a pair's preshared key file: the smaller name first. */
export function presharedKeyName(a: string, b: string): string {
  return `psk/${[a, b].sort(compareText).join("--")}.psk`;
}

function generatePreshared(directory: string, [a, b]: readonly [string, string]): Outcome {
  const name = presharedKeyName(a, b);
  const path = join(directory, name);
  const isNew = createFile(path, `${generatePresharedKey()}\n`, SECRET_MODE);
  if (!isNew && !isWireguardKey(readText(path).trim())) {
    throw badKeyFile(path, "is not a WireGuard preshared key: base64 of 32 bytes, not all zero");
  }
  if (!isNew) hideFromOthers(path);
  return [name, isNew];
}

/** Makes the .gitignore, or looks whether the one that is there will do. */
function ensureIgnored(directory: string): boolean {
  const path = join(directory, GITIGNORE_NAME);
  if (createFile(path, GITIGNORE, PUBLIC_MODE)) return true;
  const lines = readText(path).split(/\r?\n/);
  return SECRET_PATTERNS.every((pattern) => lines.includes(pattern));
}

/** What is to have keys: hosts by name, and pairs of hosts in either order. */
export interface KeyRequest {
  readonly hosts: readonly string[];
  readonly pairs: readonly (readonly [string, string])[];
}

/** Makes what is missing: a key pair for each host, a preshared key for each pair. Never overwrites. */
export function generateKeys(directory: string, { hosts, pairs }: KeyRequest): Generated {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  // Before the first secret.
  const isGitIgnored = ensureIgnored(directory);
  if (pairs.length > 0) mkdirSync(join(directory, "psk"), { recursive: true, mode: DIRECTORY_MODE });
  const outcomes = [
    ...hosts.flatMap((host) => generatePair(directory, host)),
    ...pairs.map((pair) => generatePreshared(directory, pair)),
  ];
  return {
    created: outcomes.filter(([, isNew]) => isNew).map(([name]) => name),
    kept: outcomes.filter(([, isNew]) => !isNew).map(([name]) => name),
    isGitIgnored,
  };
}
