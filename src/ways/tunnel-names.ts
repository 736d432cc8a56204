/** Tunnels by the names of their ends: `alpha--beta`. Pure. */
import { must } from "../base/invariant.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";

/** A network in which tunnels are looked for. */
export interface Joined {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
  /** Whom a host has a tunnel with. */
  readonly neighboursOf: (host: Host) => ReadonlySet<string>;
}

/** Two hosts of which a text is made with one or two hyphens between: names have hyphens themselves. */
function pairsNamed({ hosts }: Joined, text: string): readonly (readonly [Host, Host])[] {
  return [...text.matchAll(/(?=(--?))/g)].flatMap(({ index, 1: hyphens = "" }) => {
    const [a, b] = [hosts.get(text.slice(0, index)), hosts.get(text.slice(index + hyphens.length))];
    return a === undefined || b === undefined || a === b ? [] : [[a, b] as const];
  });
}

/** As others see a host: of two that share a key they know the first. */
function seenAs({ network, hosts }: Joined, host: Host): Host {
  const isSeen = network.peers.some((peer) => peer.host === host.name);
  return isSeen || host.vrrp === undefined ? host : must(hosts.get(host.vrrp.other.host), "the other is a host");
}

/** The ends of the tunnels that a text may mean; `undefined`: it names hosts that have none. */
export function tunnelsNamed(joined: Joined, text: string): readonly (readonly [Host, Host])[] | undefined {
  const pairs = pairsNamed(joined, text).map(([a, b]) => [seenAs(joined, a), seenAs(joined, b)] as const);
  const found = pairs.filter(([a, b]) => joined.neighboursOf(a).has(b.name));
  return pairs.length > 0 && found.length === 0 ? undefined : found;
}
