/** The way that BGP chooses from a host to another, as the model promises it. Pure. */
import { compareAddresses, type IpPrefix } from "../base/ip.ts";
import type { UnicastNeighbour } from "../model/bgp.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";

/** The session by which a host sends what belongs to another one; `undefined`: by none. */
export type NextHop = (from: Host, to: Host) => UnicastNeighbour | undefined;

/** Whoever has clients passes on what it hears. */
const isTransit = (host: Host): boolean => unicastOf(host)?.neighbours.some(({ isClient }) => isClient) ?? false;

const neighboursOf = (host: Host): readonly UnicastNeighbour[] => unicastOf(host)?.neighbours ?? [];

/** Tunnels from each host to one: nobody is passed through who passes nothing on. */
function distancesTo(hosts: ReadonlyMap<string, Host>, to: Host): ReadonlyMap<string, number> {
  const distances = new Map([[to.name, 0]]);
  let edge = [to];
  for (let steps = 1; edge.length > 0; steps++) {
    const next: Host[] = [];
    for (const host of edge.filter((each) => each === to || isTransit(each))) {
      for (const { host: name } of neighboursOf(host)) {
        const other = hosts.get(name);
        if (other === undefined || distances.has(name)) continue;
        distances.set(name, steps);
        next.push(other);
      }
    }
    edge = next;
  }
  return distances;
}

/** Gives the function that knows all ways between these hosts. */
export function createNextHop(hosts: ReadonlyMap<string, Host>): NextHop {
  const known = new Map<string, ReadonlyMap<string, number>>();
  const distances = (to: Host): ReadonlyMap<string, number> => {
    const found = known.get(to.name) ?? distancesTo(hosts, to);
    known.set(to.name, found);
    return found;
  };
  return (from, to) => {
    const far = distances(to);
    const usable = neighboursOf(from).filter(({ host }) => {
      const other = hosts.get(host);
      return far.has(host) && (host === to.name || (other !== undefined && isTransit(other)));
    });
    // What a hub has itself is left to the shortest way.
    const isNearby = neighboursOf(from).some(({ host, preference }) => host === to.name && preference !== undefined);
    const worth = ({ preference }: UnicastNeighbour): number => (isNearby ? 0 : (preference ?? 0));
    const order = (a: UnicastNeighbour, b: UnicastNeighbour): number =>
      worth(b) - worth(a) || (far.get(a.host) ?? 0) - (far.get(b.host) ?? 0) || compareAddresses(a.address, b.address);
    return [...usable].sort(order)[0];
  };
}

interface Ways {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly nextHop: NextHop;
}

const linkOf = (host: Host, next: UnicastNeighbour | undefined): WireguardInterface | undefined =>
  host.interfaces.find(({ name }) => name === next?.interface);

/** What the tunnels from a host to another carry, in bytes; `undefined` where there is none. */
export function roomBetween({ hosts, nextHop }: Ways, from: Host, to: string): number | undefined {
  const target = hosts.get(to);
  if (unicastOf(from) === undefined || target === undefined) return from.interfaces[0]?.mtu;
  let least: number | undefined;
  for (let host: Host | undefined = from; host !== undefined && host !== target; ) {
    const next = nextHop(host, target);
    least = Math.min(least ?? Number.POSITIVE_INFINITY, linkOf(host, next)?.mtu ?? Number.POSITIVE_INFINITY);
    host = next && hosts.get(next.host);
  }
  return least;
}

/** What others announce to a host, each with the neighbour and the interface by which it sends there. */
export function announcedTo({ hosts, nextHop }: Ways, host: Host) {
  return [...hosts.values()].flatMap((other) => {
    const next = other === host ? undefined : nextHop(host, other);
    const link = linkOf(host, next);
    if (next === undefined || link === undefined) return [];
    const announced: readonly IpPrefix[] = unicastOf(other)?.announced ?? [];
    return announced.map((prefix) => ({ prefix, peer: next.host, link }));
  });
}
