/**
 * Key pairs that fixtures use. The private half of a host's test key is SHA-256 of "netgen test key <host>": anyone can
 * make it, so nobody may use it.
 */
import { createHash } from "node:crypto";
import { derivePublicKey } from "../src/keys/keypair.ts";

export function testPrivateKey(host: string): string {
  const secret = createHash("sha256").update(`netgen test key ${host}`).digest();
  secret[0] = (secret[0] as number) & 248;
  secret[31] = ((secret[31] as number) & 127) | 64;
  return secret.toString("base64");
}

export function testPublicKey(host: string): string {
  return derivePublicKey(testPrivateKey(host));
}
