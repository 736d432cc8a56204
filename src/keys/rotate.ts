/** A new key in the place of an old one, which is kept until the user removes it. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  type Changed,
  changeKeys,
  ensureParent,
  PUBLIC_MODE,
  presharedKeyName,
  previousName,
  privateKeyName,
  publicKeyName,
} from "./directory.ts";
import { badKeyFiles, createDurably, createFile, isThere, readText, replaceSecret } from "./files.ts";
import { pairProblems, presharedProblems } from "./inspect.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "./keypair.ts";

/** What came of a rotation. */
export interface Rotation {
  /** False: the key before the last rotation is still kept, so that there is a new one already, and nothing was done. */
  readonly isNew: boolean;
  /** The file of the new key, and the one that the old key is kept in, relative to the directory. */
  readonly name: string;
  readonly previous: string;
}

export interface PairRotation extends Rotation {
  /** That of the new key. */
  readonly publicKey: string;
}

function requireGood(problems: readonly string[]): void {
  if (problems.length > 0) throw badKeyFiles(problems);
}

/** Keeps a copy of a secret; false when a rotation before this one still keeps another. */
function keepPrevious(directory: string, name: string): boolean {
  const previous = previousName(name);
  ensureParent(directory, previous);
  const current = readText(join(directory, name));
  // An equal one was left by a rotation that was killed before it replaced the key: this one goes on with it.
  return createDurably(join(directory, previous), current) || readText(join(directory, previous)) === current;
}

/**
 * Gives a host a new key pair. Killed at any moment, the old pair or the new one is in place, at worst without its
 * `.pub`, which the next rotation or `keys generate` makes again; it never has the `.pub` of the other one.
 */
export function rotateKeyPair(directory: string, host: string): Changed<PairRotation> {
  const name = privateKeyName(host);
  const [keyPath, pubPath] = [join(directory, name), join(directory, publicKeyName(host))];
  return changeKeys(directory, () => {
    requireGood(pairProblems(directory, host));
    const isNew = keepPrevious(directory, name);
    if (isNew) {
      rmSync(pubPath, { force: true });
      replaceSecret(keyPath, `${generateKeyPair().privateKey}\n`);
    }
    const publicKey = derivePublicKey(readText(keyPath).trim());
    const isCompleted = createFile(pubPath, `${publicKey}\n`, PUBLIC_MODE);
    return { isNew: isNew || isCompleted, name, previous: previousName(name), publicKey };
  });
}

/** Gives two hosts a new preshared key. Killed at any moment, the old key or the new one is in place. */
export function rotatePresharedKey(directory: string, pair: readonly [string, string]): Changed<Rotation> {
  const name = presharedKeyName(...pair);
  return changeKeys(directory, () => {
    requireGood(presharedProblems(directory, pair));
    const isNew = keepPrevious(directory, name);
    if (isNew) replaceSecret(join(directory, name), `${generatePresharedKey()}\n`);
    return { isNew, name, previous: previousName(name) };
  });
}

/** True if two hosts have a preshared key to rotate. */
export function hasPresharedKey(directory: string, [a, b]: readonly [string, string]): boolean {
  return isThere(join(directory, presharedKeyName(a, b)));
}
