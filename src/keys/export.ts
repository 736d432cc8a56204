/** The keys of one host as they lie on it: `etc/wireguard/<interface>.key` and `etc/wireguard/psk/<peer>.psk`. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { isWireguardKey } from "../base/key.ts";
import { badKeyFile, createFile, readText, SECRET_MODE } from "./files.ts";
import { presharedKeyName } from "./store.ts";

export interface ExportRequest {
  readonly host: string;
  /** Its WireGuard interfaces: all have the host's one key. */
  readonly interfaces: readonly string[];
  /** The hosts that it shares a preshared key with. */
  readonly peers: readonly string[];
}

const DIRECTORY_MODE = 0o700;

interface Secret {
  readonly source: string;
  /** Relative to the target. */
  readonly path: string;
}

function secretsOf(directory: string, { host, interfaces, peers }: ExportRequest): readonly Secret[] {
  return [
    ...interfaces.map((name) => ({ source: join(directory, `${host}.key`), path: `etc/wireguard/${name}.key` })),
    ...peers.map((peer) => ({
      source: join(directory, presharedKeyName(host, peer)),
      path: `etc/wireguard/psk/${peer}.psk`,
    })),
  ];
}

function readSecret(source: string): string {
  const text = readText(source);
  if (!isWireguardKey(text.trim()))
    throw badKeyFile(source, "is not a WireGuard key: base64 of 32 bytes, not all zero");
  return text;
}

/**
 * Writes the keys of a host below `target`, readable by their owner alone; all are read before one is written. A file that
 * is there already stays if it holds the same, and else is an error of the machine.
 * @returns the paths, relative to `target`.
 */
export function exportKeys(directory: string, request: ExportRequest, target: string): readonly string[] {
  const secrets = secretsOf(directory, request).map((secret) => ({ ...secret, text: readSecret(secret.source) }));
  for (const { path, text } of secrets) {
    const place = join(target, path);
    mkdirSync(dirname(place), { recursive: true, mode: DIRECTORY_MODE });
    if (createFile(place, text, SECRET_MODE) || readText(place) === text) continue;
    throw badKeyFile(place, "is there already and holds another key; move it away first");
  }
  return secrets.map(({ path }) => path);
}
