/** In which order hosts change: who carries little before who carries much, and never at once who stands in for another. */
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import { createNeighboursOf, relaysOf } from "../model/relays.ts";
import type { Segment } from "../model/segment.ts";

type Names = readonly string[];

const namesOf = (parts: readonly { readonly host: string }[]): Names => parts.map(({ host }) => host);

/** The hosts by which guests leave a segment. */
function gatewaysOf({ gateway }: Segment): Names {
  if (gateway.kind === "none") return [];
  return gateway.kind === "shared" ? gateway.hosts : namesOf(gateway.hosts);
}

/** Those whom a part of others' packets goes through, each list with who can do it in the place of another. */
function doorsOf(network: Network): readonly Names[] {
  const { hosts, sites, segments, vrfs, exits, remotes } = network;
  return [
    ...sites.map(({ gateways }) => gateways),
    ...segments.map(gatewaysOf),
    ...[exits, ...vrfs.map((vrf) => vrf.exits), ...remotes.map((remote) => remote.exits)].map(namesOf),
    ...hosts.flatMap(({ name, vrrp }) => (vrrp === undefined ? [] : [[name, vrrp.other.host]])),
  ];
}

/** Those who pass on what is for others: where BGP routes, whoever others take all routes from. */
function passersOf(network: Network): ReadonlySet<string> {
  if (network.bgp.kind !== "routing") return relaysOf(network);
  const heard = network.hosts.flatMap((host) => unicastOf(host)?.neighbours ?? []);
  return new Set(namesOf(heard.filter(({ announced }) => announced === undefined)));
}

/** Those whom everybody's packets or routes go through: hubs, inner hosts of links, route reflectors. */
function trunksOf(network: Network): Names {
  const passers = passersOf(network);
  const isTrunk = ({ name, bgp }: Host): boolean => passers.has(name) || (bgp.kind !== "none" && bgp.isReflector);
  return network.hosts.filter(isTrunk).map(({ name }) => name);
}

/** Whether two hosts must not change together. */
function createAreRivals(network: Network, lists: readonly Names[]): (a: Host, b: Host) => boolean {
  const neighboursOf = createNeighboursOf(network);
  const rivals = new Map(
    network.hosts.map((host) => {
      const others = lists.filter((list) => list.includes(host.name)).flat();
      return [host.name, new Set([...neighboursOf(host), ...others])] as const;
    }),
  );
  const names = (a: Host, b: Host): boolean => rivals.get(a.name)?.has(b.name) === true;
  // Of two that share a key others know one alone.
  return (a, b) => names(a, b) || names(b, a);
}

/** The first of some hosts, and those that may go with it. */
function firstBatch(hosts: readonly Host[], most: number, areRivals: (a: Host, b: Host) => boolean): readonly Host[] {
  const batch: Host[] = [];
  for (const host of hosts) {
    if (batch.length < most && !batch.some((other) => areRivals(host, other))) batch.push(host);
  }
  return batch;
}

/**
 * All hosts that get files, in batches: those of one change at the same time, and the next batch when all of them work. First
 * come those that nobody else needs, then gateways and exits, last hubs and reflectors. No two in a batch
 * - can do the same for others: hubs, reflectors, gateways of a site or a segment, exits of a list, the two of a VRRP address;
 * - have a tunnel with each other: by the other end each host's `etc/netgen/verify` sees whether it still works.
 * A batch has no more hosts than have changed before it, the first has one: a mistake is found while few have it. Where that
 * leaves a choice, by name.
 */
export function rolloutBatches(network: Network): readonly (readonly Host[])[] {
  const trunks = trunksOf(network);
  const doors = doorsOf(network);
  const areRivals = createAreRivals(network, [...doors, trunks]);
  const [isTrunk, isDoor] = [new Set(trunks), new Set(doors.flat())];
  const rankOf = ({ name }: Host): number => {
    if (isTrunk.has(name)) return 2;
    return isDoor.has(name) ? 1 : 0;
  };

  const batches: (readonly Host[])[] = [];
  let waiting = network.hosts.filter(({ app }) => app === undefined);
  const total = waiting.length;
  while (waiting.length > 0) {
    const rank = Math.min(...waiting.map(rankOf));
    const batch = firstBatch(
      waiting.filter((host) => rankOf(host) === rank),
      Math.max(1, total - waiting.length),
      areRivals,
    );
    batches.push(batch);
    waiting = waiting.filter((host) => !batch.includes(host));
  }
  return batches;
}
