/** The guard: VXLAN, BGP and BFD are taken from the tunnel only, by this host and by those that it routes to. */
import { collapsePrefixes, compareAddresses, hostPrefix, type IpAddress } from "../base/ip.ts";
import { once, onceByKey } from "../base/once.ts";
import { type Host, isOfSdn } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import { ovnRolesOf } from "../model/ovn.ts";
import { peersOf, watchesByBfd } from "../model/peer.ts";
import { relaysOf } from "../model/relays.ts";
import type { EmitContext } from "./context.ts";
import {
  type AddressSet,
  addressSets,
  type Guarded,
  guardedOvn,
  guardedPackets,
  printSets,
  type SetKind,
  sourceMatches,
  vxlanSpeakers,
  vxlansOf,
} from "./guard-sets.ts";
import {
  addressRanges,
  forwardedFamilies,
  oneOf,
  quotedName,
  type Section,
  sortedNumbers,
  subnetLink,
} from "./nft-words.ts";
import { withAllLinks } from "./sdn.ts";
import { print } from "./shared.ts";

const VTEPS: SetKind = {
  name: "vteps",
  why: "Where VXLAN and BGP come from: this network's hosts.",
};
const TRANSIT: SetKind = {
  name: "transit",
  why: "Where BGP and BFD come from as well: the tunnels' own addresses.",
};
const ALLOWED: SetKind = { name: "allowed", why: "Who else may speak them: guard.allowFrom." };
const POOLS: SetKind = { name: "pools", why: "The hosts' addresses in the overlay." };

/** The sources of BGP and BFD that no pool holds. */
function transitAddresses(hosts: readonly Host[]): readonly IpAddress[] {
  const routing = hosts.filter((host) => unicastOf(host) !== undefined);
  return routing.flatMap(({ interfaces }) =>
    interfaces.flatMap((link) => link.addresses.map(({ address }) => address)),
  );
}

/** What the rulesets of all hosts have in common. */
interface Shared {
  readonly vteps: readonly AddressSet[];
  readonly transit: readonly AddressSet[];
  readonly allowed: readonly AddressSet[];
  readonly pools: readonly AddressSet[];
  /** What no guest may send to any host of the network. */
  readonly guarded: readonly Guarded[];
  /** Hosts that pass on from tunnel to tunnel, by name. */
  readonly relays: ReadonlySet<string>;
}

function shareOf(network: Network): Shared {
  const { hosts, prefixes, bgp, guardAllowFrom, ovn } = network;
  const vteps = hosts.flatMap((host) => [
    ...(host.vtep === undefined ? [] : [host.vtep]),
    ...(host.kubernetes?.addresses ?? []),
  ]);
  const pools = prefixes.filter(({ use }) => use.kind === "pool" || use.kind === "transit").map(({ prefix }) => prefix);
  const isSpoken = bgp.kind !== "none";
  const hasBfd = isSpoken && (bgp.bfd.kind === "on" || hosts.some(isOfSdn));
  return {
    // The same addresses in as few words as may be: they stand in the ruleset of every host.
    vteps: addressSets(VTEPS, [...new Set(vteps)].sort(compareAddresses), addressRanges),
    transit: addressSets(TRANSIT, [...new Set(transitAddresses(hosts))].sort(compareAddresses), addressRanges),
    // A set of intervals refuses elements that overlap.
    allowed: addressSets(ALLOWED, collapsePrefixes(guardAllowFrom)),
    pools: addressSets(POOLS, collapsePrefixes(pools)),
    guarded: [
      ...guardedPackets(hosts.flatMap(vxlanSpeakers), { isSpoken, hasBfd }),
      ...guardedOvn({ isChassis: ovn !== undefined, isCentral: ovn !== undefined }),
    ],
    relays: relaysOf(network),
  };
}

const shared = once((context: EmitContext): Shared => shareOf(context.network));

/** VXLAN, BGP, BFD and OVN that are meant for this host itself. */
const ownGuarded = (host: Host, { network: { ovn } }: EmitContext): readonly Guarded[] => [
  ...guardedPackets(vxlanSpeakers(host), { isSpoken: host.bgp.kind !== "none", hasBfd: watchesByBfd(host) }),
  ...guardedOvn(ovnRolesOf(ovn, host.name)),
];

/** Links of netgen's that nobody but its own comes in by. */
const ownLinks = ({ interfaces, vrfs, bridges }: Host): string =>
  oneOf([...interfaces, ...vrfs, ...bridges.filter(({ vrf }) => vrf === undefined).map(subnetLink)].map(quotedName));

/** Others' BGP speakers, each by the link that it is on. */
function peerMatches(host: Host): readonly string[] {
  return peersOf(host).flatMap((peer) => {
    const services = guardedPackets([], { isSpoken: true, hasBfd: peer.bfd.kind === "on" });
    return services.map(({ match }) => {
      const link = peer.interface === undefined ? `!= ${ownLinks(host)}` : `"${peer.interface}"`;
      return `iifname ${link} ${sourceMatches([hostPrefix(peer.address)])} ${match}`;
    });
  });
}

/** The pools that this host routes to, when anyone in the network has something to guard there. Docker routes for its containers. */
function transitPools(host: Host, { pools, guarded }: Shared): readonly AddressSet[] {
  const isRouted = ({ family }: AddressSet): boolean => host.hasDocker || forwardedFamilies(host).includes(family);
  return guarded.length === 0 ? [] : pools.filter(isRouted);
}

/** What a host guards: itself, and the pools that it routes to. */
function guardOf(host: Host, context: EmitContext) {
  const common = shared(context);
  const guarded = ownGuarded(withAllLinks(host, context), context);
  const pools = transitPools(host, common);
  // What a relay takes out of one tunnel it would put into another, where it looks like the relay's own neighbours'.
  const isStrict = pools.length > 0 && common.relays.has(host.name);
  return {
    guarded,
    pools,
    isStrict,
    vteps: guarded.length > 0 || isStrict ? [...common.vteps, ...common.transit] : [],
    allowed: guarded.length === 0 && pools.length === 0 ? [] : common.allowed,
    tunnels: host.interfaces.length === 0 ? [] : [`iifname ${oneOf(host.interfaces.map(quotedName))}`],
  };
}

/** What comes out of a tunnel from a host's own address. */
const hostMatches = (tunnels: readonly string[], vteps: readonly AddressSet[]): readonly string[] =>
  tunnels.flatMap((tunnel) => vteps.map(({ header, name }) => `${tunnel} ${header} saddr @${name}`));

const allowedMatches = (allowed: readonly AddressSet[]): readonly string[] =>
  allowed.map(({ header, name }) => `${header} saddr @${name}`);

/** Who may speak one of them to this host: a rule for each, as the others stay guarded. */
const openMatches = ({ guardOpen }: Host, guarded: readonly Guarded[]): readonly string[] =>
  guarded.flatMap(({ service, match }) =>
    sourceMatches(service === "ovn" ? [] : collapsePrefixes(guardOpen[service])).map((source) => `${source} ${match}`),
  );

// By their names, as they are the same for all hosts: a fleet's elements make too long a key.
const setTexts = onceByKey<EmitContext, Uint8Array>();

/** The sets that the next two ask. */
export const setsSection: Section = (host, context) => {
  const { vteps, allowed, pools } = guardOf(host, context);
  const sets = [...vteps, ...allowed, ...pools];
  if (sets.length === 0) return undefined;
  const names = sets.map(({ name }) => name).join(" ");
  return setTexts(context, names, () => printSets(sets, context));
};

/** What is meant for this host itself. */
export const guardSection: Section = (host, context) => {
  const { guarded, tunnels, vteps, allowed } = guardOf(host, context);
  if (guarded.length === 0) return undefined;
  const trusted = [
    ...hostMatches(tunnels, vteps),
    ...allowedMatches(allowed),
    ...peerMatches(host),
    ...openMatches(host, guarded),
  ];
  const view = { guarded: guarded.map(({ match }) => match), trusted };
  return print(context, { template: "nftables/guard.nft.njk", view });
};

/** What guests send through this host to another one. */
export const transitSection: Section = (host, context) => {
  const { tunnels, allowed, pools, vteps, isStrict } = guardOf(host, context);
  if (pools.length === 0) return undefined;
  const { guarded } = shared(context);
  const view = {
    isStrict,
    passed: [...(isStrict ? hostMatches(tunnels, vteps) : tunnels), ...allowedMatches(allowed)],
    dropped: pools.flatMap(({ header, name }) => guarded.map(({ match }) => `${header} daddr @${name} ${match}`)),
  };
  return print(context, { template: "nftables/transit.nft.njk", view });
};

/** Pieces of VXLAN are taken from the tunnels only, where hosts have to put them together or pass them on. */
export const fragmentsSection: Section = (host, context) => {
  const { isStrict } = guardOf(host, context);
  const cutting = isStrict ? context.network.hosts : [host];
  if (!cutting.some(({ vxlans }) => vxlans.some(({ cut }) => cut !== undefined))) return undefined;
  const inside = oneOf(['"lo"', ...host.interfaces.map(quotedName)]);
  const own = shared(context).vteps.filter(({ family }) => family === 4);
  const view = { forged: own.map(({ header, name }) => `iifname != ${inside} ${header} saddr @${name}`) };
  return print(context, { template: "nftables/fragments.nft.njk", view });
};

/** VXLAN between hosts, to this one, from it and through it. */
export const untrackedSection: Section = (host, context) => {
  const { tunnels, isStrict } = guardOf(host, context);
  const passing = isStrict ? context.network.hosts.flatMap(vxlansOf) : vxlansOf(withAllLinks(host, context));
  const ports = sortedNumbers(passing.map(({ port }) => port)).map(String);
  if (ports.length === 0) return undefined;
  const between = shared(context).vteps.map(
    ({ header, name }) => `${header} saddr @${name} ${header} daddr @${name} udp dport ${oneOf(ports)}`,
  );
  const view = {
    entering: tunnels.flatMap((tunnel) => between.map((match) => `${tunnel} ${match}`)),
    leaving: between,
  };
  return print(context, { template: "nftables/untracked.nft.njk", view });
};
