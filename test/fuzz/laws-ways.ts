/** What must hold of ways: a packet gets from each host to each other, hop by hop, and is taken by each. */
import { alone, holds, isSameAddress, type Prefix, prefixOf } from "./prefix.ts";
import { ownAddresses, type TreeHost } from "./tree.ts";
import {
  backOf,
  claimedPrefixes,
  type Law,
  literalOf,
  peerFor,
  routesOf,
  type World,
  wayTo,
  writtenOf,
} from "./world.ts";

/** The host of a site that has an address on its LAN, or may be given it. */
const neighbourAt = (world: World, address: Prefix): TreeHost | undefined =>
  world.hosts.find(({ name, shared }) => {
    const lan = literalOf(writtenOf(world, name).lanEndpoint);
    return (lan !== undefined && isSameAddress(lan, address)) || shared.some((each) => isSameAddress(each, address));
  });

/** Where a packet goes next: a host, or why it goes no further. */
type Next = { readonly host: TreeHost } | { readonly lost: string };

/** Through a tunnel, whose other end must take packets from where this one comes from. */
function through(world: World, at: TreeHost, device: string, { source, address }: Packet): Next {
  const link = at.interfaces.find(({ name }) => name === device);
  if (link === undefined) return { lost: `${at.name} takes it for connected to ${device}` };
  const peer = peerFor(link, address);
  const leg = world.legs.find((each) => each.from === at && each.link === link && each.peer === peer);
  if (leg === undefined) return { lost: `no peer of ${at.name} ${link.name} has it` };
  const isTaken = backOf(world, leg)?.peer.allowedIps.some((each) => holds(each, source)) ?? false;
  if (!isTaken) return { lost: `${leg.to.name} takes nothing of ${source.text} from ${at.name}` };
  // Of two that share a key either may be the one that is heard.
  const twin = world.hosts.find((host) => isTwin(world, host, leg.to) && isHolder(host, address));
  return { host: twin ?? leg.to };
}

interface Packet {
  readonly source: Prefix;
  readonly address: Prefix;
}

const isHolder = (host: TreeHost, address: Prefix): boolean =>
  ownAddresses(host).some((own) => isSameAddress(own, address));

/** What routes on a LAN sends to the host of the site that has it, and all the rest to the first gateway. */
function sentOn(world: World, at: TreeHost, router: string, address: Prefix): TreeHost | undefined {
  const { site = "" } = writtenOf(world, at.name);
  const { lanRouter, gateways = [] } = world.wanted.sites?.[site] ?? {};
  if (lanRouter !== router) return undefined;
  const own = world.hosts.find((host) => writtenOf(world, host.name).site === site && isHolder(host, address));
  return own ?? world.hosts.find(({ name }) => name === gateways[0]);
}

function nextOf(world: World, at: TreeHost, packet: Packet): Next {
  const way = wayTo(at, packet.address);
  if (way === undefined || way.kind === "unreachable") return { lost: `${at.name} has no way` };
  if (way.kind !== "via") return through(world, at, way.to, packet);
  const host = sentOn(world, at, way.to, packet.address) ?? neighbourAt(world, prefixOf(way.to));
  return host === undefined ? { lost: `nobody is at ${way.to}, to whom ${at.name} sends` } : { host };
}

/** Follows a packet to where it belongs; says why it does not arrive. */
function lost(world: World, start: TreeHost, packet: Packet, isThere: (host: TreeHost) => boolean): string | undefined {
  let at = start;
  for (const _ of world.hosts) {
    if (isThere(at)) return undefined;
    const next = nextOf(world, at, packet);
    if ("lost" in next) return next.lost;
    at = next.host;
  }
  return isThere(at) ? undefined : "it goes in circles";
}

const isTwin = (world: World, a: TreeHost, b: TreeHost): boolean =>
  writtenOf(world, a.name).publicKey !== undefined &&
  writtenOf(world, a.name).publicKey === writtenOf(world, b.name).publicKey;

const own = (host: TreeHost): readonly Prefix[] => host.interfaces.flatMap(({ addresses }) => addresses.map(alone));
const isRouted = ({ hosts }: World): boolean => hosts.some(({ links }) => links.some(({ name }) => name === "lo"));

/** Devices that apps configure, which nobody misses if they cannot meet. */
const areApps = (world: World, ...hosts: readonly TreeHost[]): boolean =>
  hosts.every(({ name }) => writtenOf(world, name).platform === "wireguard-app");

/** Each host's own tunnel address reaches each other's; where FRR routes, BGP's laws say so. */
export const hostsReachEachOther: Law = (world) => {
  if (isRouted(world)) return [];
  return world.hosts.flatMap((from) =>
    world.hosts
      .filter((to) => to !== from && !isTwin(world, from, to) && !areApps(world, from, to))
      .flatMap((to) =>
        own(to).flatMap((address) => {
          const source = own(from).find(({ family }) => family === address.family);
          if (source === undefined) return [];
          const why = lost(world, from, { source, address }, (host) => isHolder(host, address));
          return why === undefined ? [] : [`from ${from.name} to ${to.name}, ${address.text}: ${why}`];
        }),
      ),
  );
};

/** An address of a prefix that no other in it has, if there is one near its ends. */
function addressIn(prefix: Prefix, all: readonly Prefix[]): Prefix | undefined {
  const inside = all.filter((each) => each.length > prefix.length && holds(prefix, each));
  return [prefix.first + 5n, prefix.last - 5n]
    .map((address) => ({ ...prefix, first: address, last: address, address, length: prefix.family === 4 ? 32 : 128 }))
    .find((each) => !inside.some((other) => holds(other, each)));
}

/** What is behind a host every other sends there, though a wider prefix leads elsewhere, or a longer one. */
export const prefixesLeadHome: Law = (world) => {
  if (isRouted(world)) return [];
  const all = claimedPrefixes(world);
  return world.hosts.flatMap((to) =>
    routesOf(writtenOf(world, to.name))
      .filter(({ vrf }) => vrf === undefined)
      .flatMap(({ cidr }) => {
        const address = addressIn(prefixOf(cidr), all);
        if (address === undefined) return [];
        return world.hosts.flatMap((from) => {
          const source = own(from).find(({ family }) => family === address.family);
          if (from === to || source === undefined) return [];
          const why = lost(world, from, { source, address }, (host) => host === to);
          return why === undefined ? [] : [`from ${from.name} to ${cidr} behind ${to.name}: ${why}`];
        });
      }),
  );
};
