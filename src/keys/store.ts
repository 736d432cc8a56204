/** Key pairs and preshared keys of a fleet: made where they are missing, and their public halves read. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { compareText } from "../base/text.ts";
import {
  type Changed,
  changeKeys,
  ensureParent,
  PUBLIC_MODE,
  PUBLIC_SUFFIX,
  presharedKeyName,
  privateKeyName,
  publicKeyName,
} from "./directory.ts";
import { badKeyFiles, createFile, isThere, readText, SECRET_MODE } from "./files.ts";
import { pairProblems, presharedProblems } from "./inspect.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "./keypair.ts";

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
  return isThere(join(directory, privateKeyName(host)));
}

/** What generating did, by file name; what was there already stays as it was. */
export interface Generated {
  readonly created: readonly string[];
  readonly kept: readonly string[];
}

type Outcome = readonly [name: string, isNew: boolean];

/** The pair of one host: a host that has only a .pub keeps its private key to itself. */
function generatePair(directory: string, host: string): readonly Outcome[] {
  const [keyName, pubName] = [privateKeyName(host), publicKeyName(host)];
  const [keyPath, pubPath] = [join(directory, keyName), join(directory, pubName)];
  const hasPub = isThere(pubPath);
  if (isThere(keyPath)) {
    const isNew = !hasPub && createFile(pubPath, `${derivePublicKey(readText(keyPath).trim())}\n`, PUBLIC_MODE);
    return [
      [keyName, false],
      [pubName, isNew],
    ];
  }
  if (hasPub) return [[pubName, false]];

  const pair = generateKeyPair();
  // The private one first: from it the other can be made again. Taken a moment ago: then what is in that file counts.
  if (!createFile(keyPath, `${pair.privateKey}\n`, SECRET_MODE)) return generatePair(directory, host);
  return [
    [keyName, true],
    [pubName, createFile(pubPath, `${pair.publicKey}\n`, PUBLIC_MODE)],
  ];
}

function generatePreshared(directory: string, [a, b]: readonly [string, string]): Outcome {
  const name = presharedKeyName(a, b);
  const path = join(directory, name);
  if (isThere(path)) return [name, false];
  ensureParent(directory, name);
  return [name, createFile(path, `${generatePresharedKey()}\n`, SECRET_MODE)];
}

/** What is to have keys: hosts by name, and pairs of hosts in either order. */
export interface KeyRequest {
  readonly hosts: readonly string[];
  readonly pairs: readonly (readonly [string, string])[];
  /** Hosts that share a key: the second gets that of the first. Left out: none. */
  readonly copies?: readonly (readonly [string, string])[];
}

/** The key of a host for another that is to have the same; where the first keeps its own to itself, its public half. */
function copyPair(directory: string, [from, to]: readonly [string, string]): readonly Outcome[] {
  const copy = (nameOf: (host: string) => string, mode: number): readonly Outcome[] => {
    const [source, target] = [join(directory, nameOf(from)), join(directory, nameOf(to))];
    if (isThere(target)) return [[nameOf(to), false]];
    return isThere(source) ? [[nameOf(to), createFile(target, readText(source), mode)]] : [];
  };
  // One that has a key of its own keeps it, and build says that the two differ.
  if (isThere(join(directory, publicKeyName(to)))) return copy(publicKeyName, PUBLIC_MODE);
  return [...copy(privateKeyName, SECRET_MODE), ...copy(publicKeyName, PUBLIC_MODE)];
}

/**
 * Makes what is missing: a key pair for each host, a preshared key for each pair. Never overwrites. A key file that is
 * wrong is an error of the machine, and nothing is made.
 */
export function generateKeys(directory: string, { hosts, pairs, copies = [] }: KeyRequest): Changed<Generated> {
  return changeKeys(directory, () => {
    const problems = [
      ...[...hosts, ...copies.map(([, second]) => second)].flatMap((host) => pairProblems(directory, host)),
      ...pairs.flatMap((pair) => presharedProblems(directory, pair)),
    ];
    if (problems.length > 0) throw badKeyFiles(problems);
    const outcomes = [
      ...hosts.flatMap((host) => generatePair(directory, host)),
      ...copies.flatMap((pair) => copyPair(directory, pair)),
      ...pairs.map((pair) => generatePreshared(directory, pair)),
    ];
    return {
      created: outcomes.filter(([, isNew]) => isNew).map(([name]) => name),
      kept: outcomes.filter(([, isNew]) => !isNew).map(([name]) => name),
    };
  });
}
