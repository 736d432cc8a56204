/** A private key in a place where a public one belongs. */
import { join } from "node:path";
import { isWireguardKey, keysIn } from "../base/key.ts";
import { privateKeyName, publicKeyName } from "./directory.ts";
import { readText } from "./files.ts";
import { derivePublicKey } from "./keypair.ts";

/** Bits that X25519 clears and sets: so are all keys of wg genkey and of netgen, and one public key in 16. */
function isClamped(key: string): boolean {
  const bytes = Buffer.from(key, "base64");
  return ((bytes[0] ?? 0) & 7) === 0 && ((bytes[31] ?? 0) & 0xc0) === 0x40;
}

/** As wg prints it, whatever form it was written in. */
const canonical = (key: string): string => Buffer.from(key, key.length === 64 ? "hex" : "base64").toString("base64");

/** A private key in a text: whose it is, and where. */
export interface Stray {
  /** A host with a public key in a file; `undefined`: the public key stands in the text. */
  readonly host: string | undefined;
  /** Offset into the text, UTF-16 code units. */
  readonly start: number;
}

/** The first key in a text that is the private half of one of these public keys, by host, or of one in the text itself. */
export function findStrayKey(text: string, publicKeys: Readonly<Record<string, string>>): Stray | undefined {
  const hosts = new Map(Object.entries(publicKeys).map(([host, key]) => [key, host]));
  const found = keysIn(text).map(({ key, ...rest }) => ({ ...rest, key: canonical(key) }));
  const declared = new Set(found.filter(({ isPublic }) => isPublic).map(({ key }) => key));
  for (const { key, isPublic, start } of found) {
    // Deriving one takes as long as compiling a small fleet: not for keys that are known as public.
    const isKnown = hosts.has(key) || (isPublic ? hosts.size === 0 : declared.has(key));
    if (isKnown || !isWireguardKey(key) || !isClamped(key)) continue;
    const derived = derivePublicKey(key);
    if (hosts.has(derived) || declared.has(derived)) return { host: hosts.get(derived), start };
  }
  return undefined;
}

/** True if a file holds a key. One that cannot be read tells nothing, and is not needed for anything else. */
function holds(path: string, key: string): boolean {
  try {
    return canonical(readText(path).trim()) === key;
  } catch {
    return false;
  }
}

/** The `.pub` files that hold the private key of their host. That is opened only where what should be public may be one. */
export function privatePublicKeys(directory: string, publicKeys: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(publicKeys)
    .filter(([, key]) => isWireguardKey(key) && isClamped(key))
    .filter(([host, key]) => holds(join(directory, privateKeyName(host)), key))
    .map(([host]) => publicKeyName(host));
}
