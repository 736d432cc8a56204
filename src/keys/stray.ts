/** A private key in a place where a public one belongs, found without opening a file with a secret. */
import { isWireguardKey } from "../base/key.ts";
import { derivePublicKey } from "./keypair.ts";

/** 44 characters of base64 with one "=", not a part of something longer. */
const KEY_SHAPED = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?!=)/g;

/** Bits that X25519 clears and sets: so are all keys of wg genkey and of netgen, and one public key in 16. */
function isClamped(key: string): boolean {
  const bytes = Buffer.from(key, "base64");
  return ((bytes[0] ?? 0) & 7) === 0 && ((bytes[31] ?? 0) & 0xc0) === 0x40;
}

/** A private key in a text: whose it is, and where. */
export interface Stray {
  readonly host: string;
  /** Offset into the text, UTF-16 code units. */
  readonly start: number;
}

/** The first key in a text that is the private half of one of these public keys, by host. */
export function findStrayKey(text: string, publicKeys: Readonly<Record<string, string>>): Stray | undefined {
  const hosts = new Map(Object.entries(publicKeys).map(([host, key]) => [key, host]));
  if (hosts.size === 0) return undefined;
  for (const { 0: key, index } of text.matchAll(KEY_SHAPED)) {
    // Deriving one takes as long as compiling a small fleet: not for keys that are known as public.
    if (!isWireguardKey(key) || hosts.has(key) || !isClamped(key)) continue;
    const host = hosts.get(derivePublicKey(key));
    if (host !== undefined) return { host, start: index };
  }
  return undefined;
}
