/** Key pairs and preshared keys of a fleet: made where they are missing, and their public halves read. */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { compareText } from "../base/text.ts";
import {
  type Changed,
  changeKeys,
  ensureParent,
  PUBLIC_SUFFIX,
  presharedKeyName,
  privateKeyName,
  publicKeyName,
} from "./directory.ts";
import { createFile, isThere, readBytes, readText } from "./files.ts";
import { requireGood } from "./inspect.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "./keypair.ts";
import { type Access, ENCRYPTED_SUFFIX, fileNameOf, PUBLIC_MODE, secretPath, type Vault } from "./vault.ts";

/** Public keys by host name, from every `<host>.pub` of the directory; none where it does not exist. */
export function readPublicKeys(directory: string): Readonly<Record<string, string>> {
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory).filter((name) => name.endsWith(PUBLIC_SUFFIX));
  const entries = names.sort(compareText).map((name) => {
    return [name.slice(0, -PUBLIC_SUFFIX.length), readText(join(directory, name)).trim()] as const;
  });
  return Object.fromEntries(entries);
}

/** How the private key of a host is kept in the directory; `undefined`: it is not there. */
export function privateKeyKept(directory: string, host: string): "clear" | "encrypted" | undefined {
  const path = secretPath(directory, privateKeyName(host));
  if (path.endsWith(ENCRYPTED_SUFFIX)) return "encrypted";
  return isThere(path) ? "clear" : undefined;
}

/** The public key of a host's private one; an encrypted one has to be opened only where its `.pub` is missing. */
export async function publicKeyOf(vault: Vault, host: string): Promise<string> {
  const pubPath = join(vault.directory, publicKeyName(host));
  if (vault.isEncrypted && isThere(pubPath)) return readText(pubPath).trim();
  return derivePublicKey((await vault.read(privateKeyName(host))).trim());
}

/** What generating did, by file name; what was there already stays as it was. */
export interface Generated {
  readonly created: readonly string[];
  readonly kept: readonly string[];
}

type Outcome = readonly [name: string, isNew: boolean];

/** The pair of one host: a host that has only a .pub keeps its private key to itself. */
async function generatePair(vault: Vault, host: string): Promise<readonly Outcome[]> {
  const [name, pubName] = [privateKeyName(host), publicKeyName(host)];
  const [keyPath, pubPath] = [vault.pathOf(name), join(vault.directory, pubName)];
  const keyName = fileNameOf(vault, name);
  const hasPub = isThere(pubPath);
  if (isThere(keyPath)) {
    const isNew = !hasPub && createFile(pubPath, `${await publicKeyOf(vault, host)}\n`, PUBLIC_MODE);
    return [
      [keyName, false],
      [pubName, isNew],
    ];
  }
  if (hasPub) return [[pubName, false]];

  const pair = generateKeyPair();
  // The private one first: from it the other can be made again. Taken a moment ago: then what is in that file counts.
  if (!createFile(keyPath, await vault.seal(`${pair.privateKey}\n`), vault.mode)) return generatePair(vault, host);
  return [
    [keyName, true],
    [pubName, createFile(pubPath, `${pair.publicKey}\n`, PUBLIC_MODE)],
  ];
}

async function generatePreshared(vault: Vault, [a, b]: readonly [string, string]): Promise<Outcome> {
  const name = presharedKeyName(a, b);
  const path = vault.pathOf(name);
  if (isThere(path)) return [fileNameOf(vault, name), false];
  ensureParent(vault.directory, name);
  const text = await vault.seal(`${generatePresharedKey()}\n`);
  return [fileNameOf(vault, name), createFile(path, text, vault.mode)];
}

/** What is to have keys: hosts by name, and pairs of hosts in either order. */
export interface KeyRequest {
  readonly hosts: readonly string[];
  readonly pairs: readonly (readonly [string, string])[];
  /** Hosts that share a key: the second gets that of the first. Left out: none. */
  readonly copies?: readonly (readonly [string, string])[];
}

/** The key of a host for another that is to have the same, byte for byte; where the first keeps its own, its public half. */
function copyPair(vault: Vault, [from, to]: readonly [string, string]): readonly Outcome[] {
  const pub = (host: string): string => join(vault.directory, publicKeyName(host));
  const key = (host: string): string => vault.pathOf(privateKeyName(host));
  const copy = (pathOf: (host: string) => string, mode: number): readonly Outcome[] => {
    const [source, target] = [pathOf(from), pathOf(to)];
    const name = relative(vault.directory, target);
    if (isThere(target)) return [[name, false]];
    return isThere(source) ? [[name, createFile(target, readBytes(source), mode)]] : [];
  };
  // One that has a key of its own keeps it, and build says that the two differ.
  if (isThere(pub(to))) return copy(pub, PUBLIC_MODE);
  return [...copy(key, vault.mode), ...copy(pub, PUBLIC_MODE)];
}

/**
 * Makes what is missing: a key pair for each host, a preshared key for each pair. Never overwrites. A key file that is
 * wrong is an error of the machine, and nothing is made. Encrypted keys are opened only for a `.pub` that is missing.
 */
export function generateKeys(
  directory: string,
  { hosts, pairs, copies = [] }: KeyRequest,
  access: Access = {},
): Promise<Changed<Generated>> {
  return changeKeys(directory, access, async (vault) => {
    await requireGood(vault, [...hosts, ...copies.map(([, second]) => second)], pairs);
    const outcomes: Outcome[] = [];
    for (const host of hosts) outcomes.push(...(await generatePair(vault, host)));
    for (const pair of copies) outcomes.push(...copyPair(vault, pair));
    for (const pair of pairs) outcomes.push(await generatePreshared(vault, pair));
    return {
      created: outcomes.filter(([, isNew]) => isNew).map(([name]) => name),
      kept: outcomes.filter(([, isNew]) => !isNew).map(([name]) => name),
    };
  });
}
