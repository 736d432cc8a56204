/** What must hold of sizes: on each leg the packet that a device makes fits the path. */
import { alone, longest } from "./prefix.ts";
import type { TreeHost } from "./tree.ts";
import type { DialledEnd } from "./tree-wireguard.ts";
import {
  holderOf,
  type Law,
  type Leg,
  peerFor,
  type Wanted,
  type World,
  type Written,
  type WrittenSubnet,
  waysOf,
  wayTo,
  writtenOf,
} from "./world.ts";

// WireGuard 32, UDP 8, and IP's own: docs/mtu.md.
const WIREGUARD = { 4: 60, 6: 80 } as const;
// UDP 8, VXLAN 8, Ethernet 14, and IP's own.
const VXLAN = { 4: 50, 6: 70 } as const;

/** How one end dials the other. */
interface Way {
  readonly outer: 4 | 6;
  readonly isOnLan: boolean;
}

// An IPv6 header around IPv4 (RFC 6333), or in the place of one (RFC 6877).
const TRANSLATION = { "ds-lite": 40, "464xlat": 20 } as const;

/** What a way out takes off every IPv4 packet. */
function translationOf({ families = 4 }: Written): number {
  return families === 4 || families === 6 ? 0 : TRANSLATION[families];
}

/** The MTU of a path for packets of a family, by the words of the language reference. */
function pathMtu({ underlay, sites, hosts }: Wanted, ends: readonly [string, string], way: Way): number {
  const [a, b] = ends;
  const [siteA, siteB] = [hosts[a]?.site, hosts[b]?.site];
  const declared = (x: string | undefined, y: string | undefined): readonly number[] =>
    underlay.paths.filter(({ between: [p, q] }) => (p === x && q === y) || (p === y && q === x)).map(({ mtu }) => mtu);
  const limits = [siteA, siteB].flatMap((site) => (site === undefined ? [] : [sites[site]]));
  const ranks = [
    declared(a, b),
    [...(siteB === undefined ? [] : declared(a, siteB)), ...(siteA === undefined ? [] : declared(siteA, b))],
    siteA === undefined || siteB === undefined ? [] : declared(siteA, siteB),
  ];
  const measured = ranks.find((each) => each.length > 0);
  if (measured !== undefined) return Math.min(...measured);
  const said = limits.flatMap((site) => (way.isOnLan ? site?.lanMtu : site?.wanMtu) ?? []);
  const path = Math.min(...(said.length > 0 ? said : [underlay.pathMtu ?? 1500]));
  const isTranslated = !way.isOnLan && way.outer === 4;
  return isTranslated ? path - Math.max(...ends.map((name) => translationOf(hosts[name] ?? { id: 0 }))) : path;
}

/** Whether a host dials another by its address on the LAN, or by the one that a pair shares there. */
function isOnLan(world: World, { from, to }: Leg, { host }: DialledEnd): boolean {
  const [a, b] = [writtenOf(world, from.name), writtenOf(world, to.name)];
  if (a.site === undefined || a.site !== b.site) return false;
  const { sites, wireguard } = world.wanted;
  const shared = [sites[a.site]?.vrrp, wireguard.vrrp].map((vrrp) => vrrp?.address.split("/")[0]);
  const lan = (b.lanEndpoint ?? "").replace(/^\[(.*)\](?::\d+)?$/, "$1").replace(/^([^:]*):\d+$/, "$1");
  return host === lan || shared.includes(host);
}

/** The family of the packets by which a host dials another; a name may be either, unless the topology says which. */
function outerOf(world: World, leg: Leg, { family }: DialledEnd, isOnLan: boolean): 4 | 6 {
  if (family !== undefined) return family;
  const ways = isOnLan ? [] : [leg.from, leg.to].map(({ name }) => writtenOf(world, name).families);
  const only = ways.find((each) => each === 4 || each === 6);
  return only ?? (world.wanted.underlay.ipVersion === 4 ? 4 : 6);
}

/** Whether packets of an IP version come in to a host, by its families. */
function comesIn({ families, behindNat = false }: Written, family: 4 | 6): boolean {
  if (families === "ds-lite" || families === "464xlat") return family === 6 || (families === "ds-lite" && behindNat);
  return families === undefined || families === family;
}

/** Outside, an address is of an IP version that gets out of one end, and in to the other. */
export const endpointsAreOfBoth: Law = (world) =>
  world.legs.flatMap((leg) =>
    leg.peer.endpoints.flatMap((end) => {
      const { family, host } = end;
      if (family === undefined || isOnLan(world, leg, end)) return [];
      const [from, to] = [writtenOf(world, leg.from.name), writtenOf(world, leg.to.name)];
      const getsOut = from.families !== (family === 4 ? 6 : 4);
      return getsOut && comesIn(to, family)
        ? []
        : [`${leg.from.name} dials ${leg.to.name} at ${host}, of IPv${family}`];
    }),
  );

/** Bytes of the largest packet that a host sends to a peer: the device's, or what all routes to the peer hold it to. */
function sizesOf({ from, link, peer }: Leg): readonly number[] {
  const ways = waysOf(from).filter(({ to }) => to === link.name);
  return peer.allowedIps.map((prefix) => longest(ways, prefix)?.mtu ?? link.mtu);
}

/** Of two that are one peer to all others the first is measured for both. */
function measuredFor({ wanted }: World, name: string): string {
  const key = wanted.hosts[name]?.publicKey;
  return Object.entries(wanted.hosts).find(([, host]) => key !== undefined && host.publicKey === key)?.[0] ?? name;
}

/** No tunnel makes a packet that its path cannot carry, whichever end was dialled. */
export const tunnelsFitTheirPaths: Law = (world) =>
  world.legs.flatMap((leg) => {
    const views = world.legs.filter(({ from, to }) => from === leg.to && to === leg.from);
    return [leg, ...views]
      .flatMap((view) => view.peer.endpoints.map((end) => ({ view, end })))
      .flatMap(({ view, end }) => {
        const onLan = isOnLan(world, view, end);
        const outer = outerOf(world, view, end, onLan);
        const ends = [measuredFor(world, leg.from.name), measuredFor(world, leg.to.name)] as const;
        const most = pathMtu(world.wanted, ends, { outer, isOnLan: onLan }) - WIREGUARD[outer];
        return sizesOf(leg)
          .filter((size) => size > most)
          .map(
            (size) => `${leg.from.name} ${leg.link.name}: ${size} bytes to ${leg.to.name}, whose path carries ${most}`,
          );
      });
  });

/** The legs from one host to another's address through tunnels that AllowedIPs lead by; `undefined`: not by these alone. */
export function legsTo(
  world: World,
  from: TreeHost,
  address: ReturnType<typeof alone>,
): readonly (Leg & { readonly mtu: number })[] | undefined {
  const legs: (Leg & { readonly mtu: number })[] = [];
  let at = from;
  while (legs.length < world.hosts.length) {
    const way = wayTo(at, address);
    if (way?.kind === "own") return legs;
    const link = at.interfaces.find(({ name }) => name === way?.to);
    const peer = link === undefined ? undefined : peerFor(link, address);
    const leg = world.legs.find((each) => each.from === at && each.link === link && each.peer === peer);
    if (leg === undefined) return undefined;
    legs.push({ ...leg, mtu: way?.mtu ?? leg.link.mtu });
    at = leg.to;
    if (holderOf(world, address) === at) return legs;
  }
  return undefined;
}

/** The subnet of a segment as it was written, where what is larger than the tunnels may be cut up. */
const fragmentedSubnet = ({ wanted }: World, vni: number): WrittenSubnet | undefined =>
  Object.values(wanted.subnets).find((subnet) => subnet.fragment && subnet.vxlan?.vni === vni);

/** What does not fit the tunnels and may be cut up VXLAN does not refuse: it is told that it fits. */
export const fragmentsAreLetPass: Law = (world) =>
  world.hosts.flatMap((host) =>
    host.vxlans.flatMap(({ name, vni, local }) => {
      const subnet = fragmentedSubnet(world, vni);
      const mtu = host.links.find((link) => link.name === name)?.mtu ?? 1500;
      const packet = mtu + VXLAN[local.family] + (subnet?.tagged ? 4 : 0);
      const told = host.links.find((link) => /^netgen[1-9]?-cut$/.test(link.name))?.routeMtu ?? 0;
      const isCut = subnet !== undefined && host.interfaces.some((link) => link.mtu < packet);
      return isCut && told < packet ? [`${host.name}: packets of ${packet}, but VXLAN is told of ${told}`] : [];
    }),
  );

/** What a segment's device makes of a full frame fits every tunnel on the way to each other member. */
export const segmentsFitTheirTunnels: Law = (world) =>
  world.hosts.flatMap((host) =>
    host.vxlans.flatMap(({ name, vni, local }) => {
      if (fragmentedSubnet(world, vni) !== undefined) return [];
      const mtu = host.links.find((link) => link.name === name)?.mtu ?? 1500;
      const others = world.hosts.filter((other) => other !== host && other.vxlans.some((each) => each.vni === vni));
      return others.flatMap((other) => {
        const remote = other.vxlans.find((each) => each.vni === vni);
        const legs = remote === undefined ? undefined : legsTo(world, host, alone(remote.local));
        return (legs ?? [])
          .filter((leg) => mtu + VXLAN[local.family] > leg.mtu)
          .map(
            (leg) =>
              `${host.name}: frames of ${mtu} for ${other.name} do not fit ${leg.from.name} ${leg.link.name}, ${leg.mtu}`,
          );
      });
    }),
  );
