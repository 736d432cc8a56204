/** What is wrong with key files, in words that name the file and never what is in it. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { isWireguardKey } from "../base/key.ts";
import { shellWord } from "../base/text.ts";
import { presharedKeyName, privateKeyName, publicKeyName } from "./directory.ts";
import { badKeyFiles, isThere, readText } from "./files.ts";
import { derivePublicKey } from "./keypair.ts";
import { secretPath, type Vault } from "./vault.ts";

const KEY_BYTES = 32;
const OTHERS = 0o077;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Why a text is no key; `undefined` when it is one. Blanks around it do not count. */
export function keyProblem(text: string): string | undefined {
  const key = text.trim();
  if (isWireguardKey(key)) return undefined;
  if (key === "") return "it is empty";
  if (key.includes("\n")) return "it has more than one line";
  if (/^[0-9a-fA-F]{64}$/.test(key)) return "it is hexadecimal, not base64";
  if (!BASE64.test(key)) return "it is not base64";
  const bytes = Buffer.from(key, "base64");
  if (bytes.length !== KEY_BYTES) return `it has ${bytes.length} bytes, not ${KEY_BYTES}`;
  return bytes.every((byte) => byte === 0) ? "it is all zero" : "it is not base64 as wg prints it";
}

export function modeProblem(path: string): string | undefined {
  const mode = statSync(path).mode & 0o777;
  if ((mode & OTHERS) === 0) return undefined;
  const octal = mode.toString(8).padStart(4, "0");
  return `${path} has mode ${octal}: others get at a secret; run: chmod 600 ${shellWord(path)}`;
}

/** What is wrong with a secret, if it is there; what an encrypted one holds only where the vault is open. */
export async function secretProblems(vault: Vault, name: string, what: string): Promise<readonly string[]> {
  const path = vault.pathOf(name);
  if (!isThere(path) || !vault.isOpen) return [];
  const problem = keyProblem(await vault.read(name));
  const content = problem === undefined ? [] : [`${path} is not a WireGuard ${what} key: ${problem}`];
  const mode = vault.isEncrypted ? undefined : modeProblem(path);
  return mode === undefined ? content : [mode, ...content];
}

/** What is wrong with a public key, by the private one; `undefined`: that is not there, or closed. */
function publicProblems(paths: { readonly key: string; readonly pub: string }, privateKey: string | undefined) {
  if (!isThere(paths.pub)) return [];
  const text = readText(paths.pub);
  const problem = keyProblem(text);
  if (problem !== undefined) {
    const way = isThere(paths.key)
      ? `remove it: keys generate makes it again from ${paths.key}`
      : "write what wg pubkey prints";
    return [`${paths.pub} is not a WireGuard public key: ${problem}; ${way}`];
  }
  if (privateKey === undefined || derivePublicKey(privateKey) === text.trim()) return [];
  return [`${paths.pub} is not the public key of ${paths.key}: one of the two is from another pair; remove it`];
}

/** What is wrong with the key pair of a host; a file that is not there is not wrong. */
export async function pairProblems(vault: Vault, host: string): Promise<readonly string[]> {
  const name = privateKeyName(host);
  const paths = { key: vault.pathOf(name), pub: join(vault.directory, publicKeyName(host)) };
  const secret = await secretProblems(vault, name, "private");
  if (secret.length > 0) return secret;
  const isKnown = isThere(paths.pub) && isThere(paths.key) && vault.isOpen;
  return publicProblems(paths, isKnown ? (await vault.read(name)).trim() : undefined);
}

/** What is wrong with the preshared key of two hosts; a file that is not there is not wrong. */
export const presharedProblems = (vault: Vault, [a, b]: readonly [string, string]): Promise<readonly string[]> =>
  secretProblems(vault, presharedKeyName(a, b), "preshared");

/** What is wrong with some key pairs and preshared keys, all at once. */
export async function requireGood(
  vault: Vault,
  hosts: readonly string[],
  pairs: readonly (readonly [string, string])[],
): Promise<void> {
  const problems: string[] = [];
  for (const host of hosts) problems.push(...(await pairProblems(vault, host)));
  for (const pair of pairs) problems.push(...(await presharedProblems(vault, pair)));
  if (problems.length > 0) throw badKeyFiles(problems);
}

/** The `.pub` files of some hosts that hold no key. */
export function malformedPublicKeys(
  directory: string,
  publicKeys: Readonly<Record<string, string>>,
): readonly string[] {
  const hosts = Object.keys(publicKeys).filter((host) => keyProblem(publicKeys[host] ?? "") !== undefined);
  return hosts.flatMap((host) => {
    const key = secretPath(directory, privateKeyName(host));
    return publicProblems({ key, pub: join(directory, publicKeyName(host)) }, undefined);
  });
}
