/** Who is joined by a tunnel, and who passes on what comes out of one. */
import { hostPrefix, type IpPrefix } from "../base/ip.ts";
import type { Host } from "./host.ts";
import type { Network } from "./network.ts";

/** All that ends at a host, or behind it. */
function ownOf({ interfaces, vtep, ownedPrefixes }: Host): ReadonlySet<IpPrefix> {
  const addresses = interfaces.flatMap((link) => link.addresses.map(({ address }) => address));
  const ends = vtep === undefined ? addresses : [...addresses, vtep];
  return new Set([...ends.map(hostPrefix), ...ownedPrefixes.map(({ prefix }) => prefix)]);
}

/** Names of the hosts that others send more than what ends there: it goes on by another tunnel. */
export function relaysOf({ hosts, peers }: Network): ReadonlySet<string> {
  const own = new Map(hosts.map((host) => [host.name, ownOf(host)]));
  return new Set(
    peers
      .filter(({ host, allowedIps }) => allowedIps.some((prefix) => !own.get(host)?.has(prefix)))
      .map(({ host }) => host),
  );
}

/** Gives the names of the hosts that a host has a tunnel with: all others are further away than that. */
export function createNeighboursOf({ peers }: Network): (host: Host) => ReadonlySet<string> {
  const hosts = new Map(peers.map(({ id, host }) => [id, host]));
  return ({ interfaces }) => {
    const names = interfaces.flatMap((link) => link.peers.map((id) => hosts.get(id)));
    return new Set(names.filter((name) => name !== undefined));
  };
}
