/** The public keys that netgen derives are those of `wg pubkey`, and `wg` takes the keys that it makes. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "../../src/keys/keypair.ts";

const wg = (command: string, input = ""): string => execFileSync("wg", [command], { input, encoding: "utf8" }).trim();

const COUNT = 50;

test(`the public keys of ${COUNT} keys of netgen's are those of wg pubkey`, () => {
  const pairs = Array.from({ length: COUNT }, generateKeyPair);
  expect(pairs.map(({ publicKey }) => publicKey)).toEqual(
    pairs.map(({ privateKey }) => wg("pubkey", `${privateKey}\n`)),
  );
});

test(`the public keys of ${COUNT} keys of wg genkey are those of wg pubkey`, () => {
  const keys = Array.from({ length: COUNT }, () => wg("genkey"));
  expect(keys.map(derivePublicKey)).toEqual(keys.map((key) => wg("pubkey", `${key}\n`)));
});

test("a preshared key has the form of wg genpsk's", () => {
  expect(generatePresharedKey()).toHaveLength(wg("genpsk").length);
});

test("wg pubkey refuses a key that is cut off, so that the comparison means something", () => {
  expect(() => wg("pubkey", `${generateKeyPair().privateKey.slice(0, 40)}\n`)).toThrow(/format/);
});
