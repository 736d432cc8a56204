/** WireGuard keys. The only importer of `tweetnacl`; private bytes never leave this folder. */
import nacl from "tweetnacl";

export interface KeyPair {
  /** Base64 of 32 bytes, as `wg genkey` prints it. */
  readonly privateKey: string;
  /** Base64 of 32 bytes, as `wg pubkey` prints it. */
  readonly publicKey: string;
}

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** The public key of a private one: X25519, RFC 7748 §6.1. */
export function derivePublicKey(privateKey: string): string {
  return encode(nacl.scalarMult.base(Buffer.from(privateKey, "base64")));
}

/** A new pair from the system's random source. */
export function generateKeyPair(): KeyPair {
  const secret = nacl.randomBytes(32);
  // Clamped as `wg genkey` does (RFC 7748 §5): the same key either way, but tools compare the text.
  secret[0] = (secret[0] as number) & 248;
  secret[31] = ((secret[31] as number) & 127) | 64;
  const privateKey = encode(secret);
  return { privateKey, publicKey: derivePublicKey(privateKey) };
}

/** 32 random bytes, as `wg genpsk` makes them. */
export function generatePresharedKey(): string {
  return encode(nacl.randomBytes(32));
}
