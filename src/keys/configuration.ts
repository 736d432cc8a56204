/** The configuration of a device that an app configures, whole: the one place where keys come into one. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { withKeys } from "../base/key.ts";
import { presharedKeyName, privateKeyName } from "./directory.ts";
import { badKeyFiles, createFile, isThere, readText, SECRET_MODE } from "./files.ts";
import { pairProblems, presharedProblems } from "./inspect.ts";
import { derivePublicKey } from "./keypair.ts";

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

function privateKeyOf(directory: string, { host, publicKey }: ConfigurationRequest): string | undefined {
  const path = join(directory, privateKeyName(host));
  if (!isThere(path)) return undefined;
  const privateKey = readText(path).trim();
  if (derivePublicKey(privateKey) === publicKey) return privateKey;
  throw badKeyFiles([`${path} is not the private key of ${publicKey}, by which the topology has ${host} known`]);
}

/** Merges the keys in; all are looked at before. */
export function mergeKeys(directory: string, request: ConfigurationRequest): WholeConfiguration {
  const { host, peers, configuration } = request;
  const pathOf = (peer: string): string => join(directory, presharedKeyName(host, peer));
  const problems = [
    ...pairProblems(directory, host),
    ...peers.flatMap((peer) => presharedProblems(directory, [host, peer.host])),
  ];
  if (problems.length > 0) throw badKeyFiles(problems);
  const privateKey = privateKeyOf(directory, request);
  const presharedKeys = new Map(peers.map((peer) => [peer.publicKey, readText(pathOf(peer.host)).trim()]));
  return { text: withKeys(configuration, { privateKey, presharedKeys }), hasPrivateKey: privateKey !== undefined };
}

/** Writes a configuration for its owner's eyes alone; a file that holds something else is never overwritten. */
export function writeConfiguration(path: string, text: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw badKeyFiles([`${path} is a directory; a device has one file: name it`]);
  }
  if (createFile(path, text, SECRET_MODE) || readText(path) === text) return;
  throw badKeyFiles([`${path} is there already and holds something else; move it away first`]);
}
