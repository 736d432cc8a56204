/** A new key in the place of an old one, which is kept until the user removes it. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  type Changed,
  changeKeys,
  ensureParent,
  presharedKeyName,
  previousName,
  privateKeyName,
  publicKeyName,
} from "./directory.ts";
import { createDurably, createFile, isThere, readBytes, replaceWhole } from "./files.ts";
import { requireGood } from "./inspect.ts";
import { derivePublicKey, generateKeyPair, generatePresharedKey } from "./keypair.ts";
import { publicKeyOf } from "./store.ts";
import { type Access, fileNameOf, PUBLIC_MODE, secretPath, type Vault } from "./vault.ts";

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

/** The names of a secret's files, relative to the directory: it, and what is kept of the one before. */
function namesOf(vault: Vault, name: string): Omit<Rotation, "isNew"> {
  const own = fileNameOf(vault, name);
  return { name: own, previous: previousName(own) };
}

/** Keeps a copy of a secret, byte for byte; false when a rotation before this one still keeps another. */
function keepPrevious(vault: Vault, { name, previous }: Omit<Rotation, "isNew">): boolean {
  const { directory, mode } = vault;
  ensureParent(directory, previous);
  const current = readBytes(join(directory, name));
  // An equal one was left by a rotation that was killed before it replaced the key: this one goes on with it.
  return (
    createDurably(join(directory, previous), current, mode) || readBytes(join(directory, previous)).equals(current)
  );
}

/**
 * Gives a host a new key pair. Killed at any moment, the old pair or the new one is in place, at worst without its
 * `.pub`, which the next rotation or `keys generate` makes again; it never has the `.pub` of the other one.
 */
export function rotateKeyPair(directory: string, host: string, access: Access = {}): Promise<Changed<PairRotation>> {
  const pubPath = join(directory, publicKeyName(host));
  return changeKeys(directory, access, async (vault) => {
    await requireGood(vault, [host], []);
    const names = namesOf(vault, privateKeyName(host));
    const { privateKey } = generateKeyPair();
    const text = await vault.seal(`${privateKey}\n`);
    const isNew = keepPrevious(vault, names);
    if (isNew) {
      rmSync(pubPath, { force: true });
      replaceWhole(join(directory, names.name), text, vault.mode);
    }
    const publicKey = isNew ? derivePublicKey(privateKey) : await publicKeyOf(vault, host);
    const isCompleted = createFile(pubPath, `${publicKey}\n`, PUBLIC_MODE);
    return { isNew: isNew || isCompleted, ...names, publicKey };
  });
}

/** Gives two hosts a new preshared key. Killed at any moment, the old key or the new one is in place. */
export function rotatePresharedKey(
  directory: string,
  pair: readonly [string, string],
  access: Access = {},
): Promise<Changed<Rotation>> {
  return changeKeys(directory, access, async (vault) => {
    await requireGood(vault, [], [pair]);
    const names = namesOf(vault, presharedKeyName(...pair));
    const text = await vault.seal(`${generatePresharedKey()}\n`);
    const isNew = keepPrevious(vault, names);
    if (isNew) replaceWhole(join(directory, names.name), text, vault.mode);
    return { isNew, ...names };
  });
}

/** True if two hosts have a preshared key to rotate. */
export function hasPresharedKey(directory: string, [a, b]: readonly [string, string]): boolean {
  return isThere(secretPath(directory, presharedKeyName(a, b)));
}
