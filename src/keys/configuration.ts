/** The configuration of a device that an app configures, whole: the one place where keys come into one. */
import { statSync } from "node:fs";
import { withKeys } from "../base/key.ts";
import { presharedKeyName, privateKeyName } from "./directory.ts";
import { requireElsewhere } from "./export.ts";
import { badKeyFiles, createFile, isThere, readText, SECRET_MODE } from "./files.ts";
import { requireGood } from "./inspect.ts";
import { derivePublicKey } from "./keypair.ts";
import { type Access, openVault, type Vault } from "./vault.ts";

/** A device, and what its app takes in but for the keys. */
export interface ConfigurationRequest {
  readonly host: string;
  /** What its peers know it by. */
  readonly publicKey: string;
  readonly configuration: string;
  /** Those that it shares a preshared key with. */
  readonly peers: readonly { readonly host: string; readonly publicKey: string }[];
}

/** A configuration with its keys. */
export interface WholeConfiguration {
  readonly text: string;
  /** `false`: the device keeps its private key to itself, and the text lacks it. */
  readonly hasPrivateKey: boolean;
}

async function privateKeyOf(vault: Vault, { host, publicKey }: ConfigurationRequest): Promise<string | undefined> {
  const path = vault.pathOf(privateKeyName(host));
  if (!isThere(path)) return undefined;
  const privateKey = (await vault.read(privateKeyName(host))).trim();
  if (derivePublicKey(privateKey) === publicKey) return privateKey;
  throw badKeyFiles([`${path} is not the private key of ${publicKey}, by which the topology has ${host} known`]);
}

/** Merges the keys in; all are looked at before. */
export async function mergeKeys(
  directory: string,
  request: ConfigurationRequest,
  access: Access = {},
): Promise<WholeConfiguration> {
  const { host, peers, configuration } = request;
  const vault = await openVault(directory, { ...access, opens: true });
  await requireGood(
    vault,
    [host],
    peers.map((peer) => [host, peer.host]),
  );
  const privateKey = await privateKeyOf(vault, request);
  const presharedKeys = new Map<string, string>();
  for (const peer of peers) {
    presharedKeys.set(peer.publicKey, (await vault.read(presharedKeyName(host, peer.host))).trim());
  }
  return { text: withKeys(configuration, { privateKey, presharedKeys }), hasPrivateKey: privateKey !== undefined };
}

/**
 * Writes a configuration for its owner's eyes alone, but not beside encrypted keys; a file that holds something else is
 * never overwritten.
 */
export function writeConfiguration(directory: string, path: string, text: string): void {
  requireElsewhere(directory, path);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw badKeyFiles([`${path} is a directory; a device has one file: name it`]);
  }
  if (createFile(path, text, SECRET_MODE) || readText(path) === text) return;
  throw badKeyFiles([`${path} is there already and holds something else; move it away first`]);
}
