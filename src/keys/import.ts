/** A private key that was made elsewhere, taken into the key directory. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { readSome } from "../write/input.ts";
import { type Changed, changeKeys, privateKeyName, publicKeyName } from "./directory.ts";
import { badKeyFiles, createDurably, createFile, isThere, readText } from "./files.ts";
import { keyProblem, requireGood } from "./inspect.ts";
import { derivePublicKey } from "./keypair.ts";
import { publicKeyOf } from "./store.ts";
import { type Access, PUBLIC_MODE, type Vault } from "./vault.ts";

/** Far above a key's 45 bytes: the rest of a longer input is not read. */
const MAX_BYTES = 4096;

/** The beginning of a file or, for `-`, of standard input. */
function readInput(source: string): string {
  const descriptor = source === "-" ? 0 : openSync(source, "r");
  const bytes = Buffer.alloc(MAX_BYTES);
  let length = 0;
  try {
    for (let got = -1; got !== 0 && length < MAX_BYTES; length += got)
      got = readSome(descriptor, bytes.subarray(length));
  } catch (error) {
    throw Object.assign(error as Error, { path: source === "-" ? "standard input" : source });
  } finally {
    if (descriptor !== 0) closeSync(descriptor);
  }
  return bytes.toString("utf8", 0, length);
}

/** A key to be imported. */
export interface ImportRequest {
  readonly host: string;
  /** A file, or `-` for standard input. */
  readonly source: string;
  /** The public keys of the whole fleet by host: no other host may have the same, and none of them is a private key. */
  readonly publicKeys: Readonly<Record<string, string>>;
  /** The public key that the topology says is the host's; `undefined`: it does not say. */
  readonly expected: string | undefined;
}

/** Why the text is not the private key of the host, after "it"; `undefined` when it may be. */
function importProblem(text: string, { host, publicKeys, expected }: ImportRequest): string | undefined {
  if (text.length >= MAX_BYTES) return `it has more than ${MAX_BYTES - 1} bytes`;
  if (/^\s*PrivateKey\s*=/im.test(text)) return "it is a configuration; give only what stands behind PrivateKey =";
  const problem = keyProblem(text);
  if (problem !== undefined) return problem;
  const named = (key: string, others: readonly string[]): string | undefined =>
    others.find((name) => publicKeys[name] === key);
  const hosts = Object.keys(publicKeys);
  const owner = named(text.trim(), hosts);
  if (owner !== undefined) return `it is the public key of ${owner}`;
  const publicKey = derivePublicKey(text.trim());
  const others = hosts.filter((name) => name !== host);
  const twin = named(publicKey, others);
  if (twin !== undefined) return `it is the private key of ${twin}, and two hosts cannot share one`;
  if (expected === undefined || expected === publicKey) return undefined;
  return `its public key is ${publicKey}, and the topology has another publicKey; replace that, or take it out`;
}

/** What importing did; false: it was there already. */
export interface Imported {
  readonly isNew: boolean;
  readonly publicKey: string;
}

async function place(vault: Vault, host: string, privateKey: string): Promise<Imported> {
  const [keyPath, pubPath] = [vault.pathOf(privateKeyName(host)), join(vault.directory, publicKeyName(host))];
  const publicKey = derivePublicKey(privateKey);
  if (isThere(keyPath) && (await publicKeyOf(vault, host)) !== publicKey) {
    throw badKeyFiles([`${keyPath} is there already and holds another key, which is never overwritten; move it away`]);
  }
  if (isThere(pubPath) && readText(pubPath).trim() !== publicKey) {
    throw badKeyFiles([`${pubPath} is not the public key of the key given; move it away if it is out of date`]);
  }
  const isNew = [
    createDurably(keyPath, await vault.seal(`${privateKey}\n`), vault.mode),
    createFile(pubPath, `${publicKey}\n`, PUBLIC_MODE),
  ];
  return { isNew: isNew.includes(true), publicKey };
}

/** Takes the private key of a host from a file or from standard input, and derives its `.pub`. Never overwrites. */
export async function importKey(
  directory: string,
  request: ImportRequest,
  access: Access = {},
): Promise<Changed<Imported>> {
  const text = readInput(request.source);
  const problem = importProblem(text, request);
  if (problem !== undefined) {
    const source = request.source === "-" ? "standard input" : request.source;
    throw badKeyFiles([`${source} is not a WireGuard private key for ${request.host}: ${problem}`]);
  }
  return changeKeys(directory, access, async (vault) => {
    await requireGood(vault, [request.host], []);
    // As it was given but for blanks: WireGuard sets and clears the bits that X25519 wants by itself.
    return place(vault, request.host, text.trim());
  });
}
