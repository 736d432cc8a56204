/** The keys of one host as they lie on it: `etc/wireguard/<interface>.key` and `etc/wireguard/psk/<peer>.psk`, in a fleet `psk2`. */
import { dirname, join } from "node:path";
import { ensureParent, presharedKeyName, privateKeyName } from "./directory.ts";
import { badKeyFiles, createFile, readText, removeLeftovers, SECRET_MODE } from "./files.ts";
import { pairProblems, presharedProblems } from "./inspect.ts";

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
  readonly source: string;
  /** Relative to the target. */
  readonly path: string;
}

function secretsOf(directory: string, { host, fleet, interfaces, peers }: ExportRequest): readonly Secret[] {
  return [
    ...interfaces.map((name) => ({
      source: join(directory, privateKeyName(host)),
      path: `etc/wireguard/${name}.key`,
    })),
    ...peers.map((peer) => ({
      source: join(directory, presharedKeyName(host, peer)),
      path: `etc/wireguard/psk${fleet}/${peer}.psk`,
    })),
  ];
}

/**
 * Writes the keys of a host below `target`, readable by their owner alone; all are read before one is written. A file that
 * is there already stays if it holds the same, and else is an error of the machine.
 * @returns the paths, relative to `target`.
 */
export function exportKeys(directory: string, request: ExportRequest, target: string): readonly string[] {
  const { host, peers } = request;
  const problems = [
    ...pairProblems(directory, host),
    ...peers.flatMap((peer) => presharedProblems(directory, [host, peer])),
  ];
  if (problems.length > 0) throw badKeyFiles(problems);
  const secrets = secretsOf(directory, request).map((secret) => ({ ...secret, text: readText(secret.source) }));
  for (const { path, text } of secrets) {
    const place = join(target, path);
    ensureParent(target, path);
    removeLeftovers(dirname(place));
    if (createFile(place, text, SECRET_MODE) || readText(place) === text) continue;
    throw badKeyFiles([`${place} is there already and holds another key; move it away first`]);
  }
  return secrets.map(({ path }) => path);
}
