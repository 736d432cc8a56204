/** The keys of one host as they lie on it: `etc/wireguard/<interface>.key` and `etc/wireguard/psk/<peer>.psk`, in a fleet `psk2`. */
import { dirname, join, relative, sep } from "node:path";
import { ensureParent, presharedKeyName, privateKeyName } from "./directory.ts";
import { badKeyFiles, createFile, readText, removeLeftovers, SECRET_MODE } from "./files.ts";
import { requireGood } from "./inspect.ts";
import { type Access, isEncryptedStore, openVault } from "./vault.ts";

export interface ExportRequest {
  readonly host: string;
  /** What names of netgen's own have of the fleet: nothing, or its number. */
  readonly fleet: string;
  /** Its WireGuard interfaces: all have the host's one key. */
  readonly interfaces: readonly string[];
  /** The hosts that it shares a preshared key with. */
  readonly peers: readonly string[];
}

interface Secret {
  /** The name of its file in clear, relative to the key directory. */
  readonly source: string;
  /** Relative to the target. */
  readonly path: string;
}

function secretsOf({ host, fleet, interfaces, peers }: ExportRequest): readonly Secret[] {
  return [
    ...interfaces.map((name) => ({ source: privateKeyName(host), path: `etc/wireguard/${name}.key` })),
    ...peers.map((peer) => ({
      source: presharedKeyName(host, peer),
      path: `etc/wireguard/psk${fleet}/${peer}.psk`,
    })),
  ];
}

/** What was encrypted would stand in clear where everybody looks for what is not. */
export function requireElsewhere(directory: string, target: string): void {
  const [first] = relative(directory, target).split(sep);
  if (first === ".." || !isEncryptedStore(directory)) return;
  throw badKeyFiles([`${target} is in ${directory}, where no key stands in clear; write it elsewhere`]);
}

/** A key as it lies on its host. */
export interface ExportedKey {
  /** Relative to the host's root. */
  readonly path: string;
  /** A line. */
  readonly text: string;
}

/** The keys of a host, all looked at before the first is given; what is wrong with one is an error of the machine. */
export async function readKeys(
  directory: string,
  request: ExportRequest,
  access: Access = {},
): Promise<readonly ExportedKey[]> {
  const { host, peers } = request;
  const vault = await openVault(directory, { ...access, opens: true });
  await requireGood(
    vault,
    [host],
    peers.map((peer) => [host, peer]),
  );
  const keys: ExportedKey[] = [];
  for (const { source, path } of secretsOf(request)) keys.push({ path, text: await vault.read(source) });
  return keys;
}

/**
 * Writes the keys of a host below `target`, readable by their owner alone; all are read before one is written. A file that
 * is there already stays if it holds the same, and else is an error of the machine.
 * @returns the paths, relative to `target`.
 */
export async function exportKeys(
  directory: string,
  request: ExportRequest,
  target: string,
  access: Access = {},
): Promise<readonly string[]> {
  requireElsewhere(directory, target);
  const keys = await readKeys(directory, request, access);
  for (const { path, text } of keys) {
    const place = join(target, path);
    ensureParent(target, path);
    removeLeftovers(dirname(place));
    if (createFile(place, text, SECRET_MODE) || readText(place) === text) continue;
    throw badKeyFiles([`${place} is there already and holds another key; move it away first`]);
  }
  return keys.map(({ path }) => path);
}
