/** What the keys commands share: a topology in which nothing but keys may be missing, its hosts, and its pairs. */
import { malformedPublicKeys } from "../keys/inspect.ts";
import { readPublicKeys } from "../keys/store.ts";
import { isEncryptedStore } from "../keys/vault.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { machineError } from "./exit.ts";
import { type CommonOptions, open, printDiagnostics, type Session, say } from "./session.ts";

/** Options of the commands that may have to open a key. */
export interface KeyOptions extends CommonOptions {
  readonly identity?: string;
}

/** A session with a model. */
export interface KeySession extends Session {
  readonly model: Network;
}

/** A diagnostic points into the topology, where a key that came from a file does not stand. */
function nameFiles(directory: string): void {
  for (const problem of malformedPublicKeys(directory, readPublicKeys(directory))) {
    say(`netgen: ${problem}\n`);
  }
}

/** What the commands for keys are there to mend. */
const ABOUT_KEYS: ReadonlySet<string> = new Set(["public-key-missing", "vrrp-keys-differ"]);

/** Reads and compiles a topology; when it lacks more than keys, says so and gives `undefined`. */
export function openForKeys(topology: string, options: CommonOptions): KeySession | undefined {
  const session = open(topology, options);
  const { model } = session;
  const others = session.diagnostics.filter((each) => each.severity === "error" && !ABOUT_KEYS.has(each.code));
  if (model !== undefined && others.length === 0) return { ...session, model };
  printDiagnostics({ ...session, diagnostics: others }, process.stderr, "text");
  if (others.some(({ code }) => code === "public-key-malformed")) nameFiles(session.keysDirectory);
  return undefined;
}

export const hasKeyInTopology = (host: Host): boolean => host.origin.publicKey !== undefined;

export function hostNamed({ model, source }: KeySession, name: string): Host {
  const found = model.hosts.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = model.hosts.map((host) => host.name);
  throw machineError(
    `${source.name} has no host "${name}"; it has ${names.slice(0, 10).join(", ")}${names.length > 10 ? " …" : ""}`,
  );
}

/** Pairs of peers with a preshared key, each once, the smaller name first. */
export function presharedPairs({ hosts, peers }: Network): readonly (readonly [string, string])[] {
  const byId = new Map(peers.filter((peer) => peer.hasPresharedKey).map((peer) => [peer.id, peer.host]));
  return hosts.flatMap(({ name, interfaces }) =>
    interfaces.flatMap((link) => {
      const others = link.peers.map((id) => byId.get(id)).filter((other) => other !== undefined && name < other);
      return others.map((other) => [name, other as string] as const);
    }),
  );
}

/** The names of those that a host shares a preshared key with. */
export const presharing = (network: Network, { name }: Host): readonly string[] =>
  presharedPairs(network).flatMap(([a, b]) => (a === name ? [b] : b === name ? [a] : []));

/** Says when git may take in secrets in clear, or leaves out encrypted ones. */
export function warnUnlessIgnored({ keysDirectory }: Pick<Session, "keysDirectory">, isGitIgnored: boolean): void {
  if (isGitIgnored) return;
  say(
    isEncryptedStore(keysDirectory)
      ? `netgen: ${keysDirectory}/.gitignore lacks one of *.key, *.psk and *.tmp, or leaves out /psk/: git may take in keys in clear, or no encrypted ones; mend it\n`
      : `netgen: ${keysDirectory}/.gitignore lacks one of *.key, /psk/ and *.tmp: git may take in private keys; add them\n`,
  );
}
