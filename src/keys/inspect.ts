/** What is wrong with key files, in words that name the file and never what is in it. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { isWireguardKey } from "../base/key.ts";
import { shellWord } from "../base/text.ts";
import { presharedKeyName, privateKeyName, publicKeyName } from "./directory.ts";
import { isThere, readText } from "./files.ts";
import { derivePublicKey } from "./keypair.ts";

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

function modeProblem(path: string): string | undefined {
  const mode = statSync(path).mode & 0o777;
  if ((mode & OTHERS) === 0) return undefined;
  const octal = mode.toString(8).padStart(4, "0");
  return `${path} has mode ${octal}: others get at a secret; run: chmod 600 ${shellWord(path)}`;
}

/** What is wrong with a file that holds a secret, if it is there. */
function secretProblems(path: string, what: string): readonly string[] {
  if (!isThere(path)) return [];
  const problem = keyProblem(readText(path));
  const content = problem === undefined ? [] : [`${path} is not a WireGuard ${what} key: ${problem}`];
  const mode = modeProblem(path);
  return mode === undefined ? content : [mode, ...content];
}

function publicProblems(keyPath: string, pubPath: string): readonly string[] {
  if (!isThere(pubPath)) return [];
  const hasKey = isThere(keyPath);
  const text = readText(pubPath);
  const problem = keyProblem(text);
  if (problem !== undefined) {
    const way = hasKey ? `remove it: keys generate makes it again from ${keyPath}` : "write what wg pubkey prints";
    return [`${pubPath} is not a WireGuard public key: ${problem}; ${way}`];
  }
  if (!hasKey || derivePublicKey(readText(keyPath).trim()) === text.trim()) return [];
  return [`${pubPath} is not the public key of ${keyPath}: one of the two is from another pair; remove it`];
}

/** What is wrong with the key pair of a host; a file that is not there is not wrong. */
export function pairProblems(directory: string, host: string): readonly string[] {
  const keyPath = join(directory, privateKeyName(host));
  const secret = secretProblems(keyPath, "private");
  return secret.length > 0 ? secret : publicProblems(keyPath, join(directory, publicKeyName(host)));
}

/** What is wrong with the preshared key of two hosts; a file that is not there is not wrong. */
export function presharedProblems(directory: string, [a, b]: readonly [string, string]): readonly string[] {
  return secretProblems(join(directory, presharedKeyName(a, b)), "preshared");
}

/** The `.pub` files of some hosts that hold no key. */
export function malformedPublicKeys(
  directory: string,
  publicKeys: Readonly<Record<string, string>>,
): readonly string[] {
  const hosts = Object.keys(publicKeys).filter((host) => keyProblem(publicKeys[host] ?? "") !== undefined);
  return hosts.flatMap((host) =>
    publicProblems(join(directory, privateKeyName(host)), join(directory, publicKeyName(host))),
  );
}
