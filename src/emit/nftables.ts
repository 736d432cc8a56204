/**
 * The host's part of the firewall: TCP segments that fit the tunnels, VXLAN and BGP by the tunnel only, source NAT.
 * Two tables of netgen's own, and the unit that loads them. A rule of ours can drop and rewrite; it cannot let through
 * what another program's table drops.
 */
import {
  collapsePrefixes,
  compareAddresses,
  familyOf,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
} from "../base/ip.ts";
import { tcpMss } from "../base/mtu.ts";
import { sortedBy } from "../base/text.ts";
import type { Bfd, Host, Network, VxlanDevice } from "../model/network.ts";
import { type EmitContext, type Emitter, header, publicFile } from "./context.ts";
import type { View } from "./template.ts";

const UNIT = "netgen-nftables.service";

/** What BGP listens on, RFC 4271 §8. */
const BGP_PORT = 179;
/** BFD: control of neighbours on one link and echo (RFC 5881 §4), control over several hops (RFC 5883 §5). */
const BFD_PORTS = [3784, 3785, 4784] as const;

const FAMILIES = [4, 6] as const;

/** The name by which nft selects a family's header: `ip saddr`, `ip6 saddr`. */
const nftFamily = (family: IpFamily): string => (family === 4 ? "ip" : "ip6");

const quotedName = ({ name }: { readonly name: string }): string => `"${name}"`;

/** One value as it is, several as an anonymous set. */
function oneOf(values: readonly string[]): string {
  return values.length === 1 ? values.join("") : `{ ${values.join(", ")} }`;
}

const sortedNumbers = (values: Iterable<number>): readonly number[] => [...new Set(values)].sort((a, b) => a - b);

// ── Named sets ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A set of one family's addresses: `vteps4`, `allowed6`. */
interface AddressSet {
  readonly family: IpFamily;
  readonly name: string;
  /** The match on an address in it, less the direction: `ip`, `ip6`. */
  readonly header: string;
  readonly view: View;
}

interface SetKind {
  readonly name: string;
  readonly why: string;
  readonly isInterval: boolean;
}

const VTEPS: SetKind = {
  name: "vteps",
  why: "Where VXLAN and BGP come from: this network's hosts.",
  isInterval: false,
};
const ALLOWED: SetKind = { name: "allowed", why: "Who else may speak them: guard.allowFrom.", isInterval: true };
const POOLS: SetKind = { name: "pools", why: "The hosts' addresses in the overlay.", isInterval: true };

/** One set for each family that has elements. They are joined here, once for all hosts: a fleet's can be long. */
function addressSets(kind: SetKind, elements: readonly (IpAddress | IpPrefix)[]): readonly AddressSet[] {
  return FAMILIES.flatMap((family) => {
    const own = elements.filter((element) => familyOf(element) === family);
    const name = `${kind.name}${family}`;
    const view = { ...kind, name, type: `ipv${family}_addr`, elements: own.join(",\n      ") };
    return own.length === 0 ? [] : [{ family, name, header: nftFamily(family), view }];
  });
}

/** What the rulesets of all hosts have in common. */
interface Shared {
  readonly vteps: readonly AddressSet[];
  readonly allowed: readonly AddressSet[];
  readonly pools: readonly AddressSet[];
  /** What no guest may send to any host of the network. */
  readonly guarded: readonly string[];
}

/** The packets that must come through the tunnel, as nft selects them. */
function guardedPackets(vxlans: readonly VxlanDevice[], bgp: { readonly isSpoken: boolean; readonly bfd: Bfd }) {
  const vxlanPorts = sortedNumbers(vxlans.map((vxlan) => vxlan.port)).map(String);
  return [
    ...(vxlanPorts.length > 0 ? [`udp dport ${oneOf(vxlanPorts)}`] : []),
    ...(bgp.isSpoken ? [`tcp dport ${BGP_PORT}`] : []),
    ...(bgp.isSpoken && bgp.bfd.kind === "on" ? [`udp dport ${oneOf(BFD_PORTS.map(String))}`] : []),
  ];
}

const NO_BFD: Bfd = { kind: "none" };

function shareOf({ hosts, prefixes, bgp, guardAllowFrom }: Network): Shared {
  const vteps = hosts.flatMap((host) => (host.vtep === undefined ? [] : [host.vtep]));
  const pools = prefixes.filter(({ use }) => use.kind === "pool").map(({ prefix }) => prefix);
  const isSpoken = bgp.kind === "evpn";
  return {
    vteps: addressSets(VTEPS, [...new Set(vteps)].sort(compareAddresses)),
    // A set of intervals refuses elements that overlap.
    allowed: addressSets(ALLOWED, collapsePrefixes(guardAllowFrom)),
    pools: addressSets(POOLS, collapsePrefixes(pools)),
    guarded: guardedPackets(
      hosts.flatMap((host) => host.vxlans),
      { isSpoken, bfd: isSpoken ? bgp.bfd : NO_BFD },
    ),
  };
}

const sharedOf = new WeakMap<Network, Shared>();

function shared(network: Network): Shared {
  const found = sharedOf.get(network) ?? shareOf(network);
  sharedOf.set(network, found);
  return found;
}

// ── Parts of the ruleset ────────────────────────────────────────────────────────────────────────────────────────────

const forwardedFamilies = ({ forwards }: Host): readonly IpFamily[] =>
  FAMILIES.filter((family) => (family === 4 ? forwards.ipv4 : forwards.ipv6));

/** Interfaces that carry less than Ethernet's 1500 bytes: the tunnels, and the bridges of stretched segments. */
function smallLinks(host: Host): readonly string[] {
  if (forwardedFamilies(host).length === 0) return [];
  const stretched = new Set(host.vxlans.map((vxlan) => vxlan.bridge));
  const bridges = host.bridges.filter((bridge) => bridge.mtu !== undefined || stretched.has(bridge.name));
  return [...host.interfaces, ...bridges].map(quotedName);
}

/** Segment sizes for what a bridge forwards through a VXLAN device; devices of equal MTU share their rules. */
function bridgeClamps(vxlans: readonly VxlanDevice[]): readonly View[] {
  return sortedNumbers(vxlans.map((vxlan) => vxlan.mtu)).map((mtu) => {
    const devices = sortedBy(
      vxlans.filter((vxlan) => vxlan.mtu === mtu),
      (vxlan) => vxlan.name,
    );
    return {
      mtu: String(mtu),
      devices: oneOf(devices.map(quotedName)),
      mss4: String(tcpMss(mtu, 4)),
      mss6: String(tcpMss(mtu, 6)),
    };
  });
}

function sourceNat(host: Host): readonly View[] {
  return host.snat.map(({ prefix, uplink }) => ({
    family: nftFamily(familyOf(prefix)),
    prefix,
    uplink: `"${uplink}"`,
  }));
}

/** VXLAN, BGP and BFD that are meant for this host itself. */
function ownGuarded({ vxlans, bgp }: Host): readonly string[] {
  const isSpoken = bgp.kind === "speaker";
  return guardedPackets(vxlans, { isSpoken, bfd: isSpoken ? bgp.bfd : NO_BFD });
}

/** The pools that this host routes to, when anyone in the network has something to guard there. */
function transitPools(host: Host, { pools, guarded }: Shared): readonly AddressSet[] {
  return guarded.length === 0 ? [] : pools.filter(({ family }) => forwardedFamilies(host).includes(family));
}

function guardView(host: Host, common: Shared) {
  const tunnels = host.interfaces.length === 0 ? [] : [`iifname ${oneOf(host.interfaces.map(quotedName))}`];
  const allowedMatches = common.allowed.map(({ header, name }) => `${header} saddr @${name}`);
  const guarded = ownGuarded(host);
  const pools = transitPools(host, common);
  const vteps = guarded.length === 0 ? [] : common.vteps;
  const allowed = guarded.length === 0 && pools.length === 0 ? [] : common.allowed;
  const sets = [...vteps, ...allowed, ...pools].map(({ view }) => view);
  return {
    hasSets: sets.length > 0,
    sets,
    hasGuard: guarded.length > 0,
    guarded,
    trusted: [
      ...tunnels.flatMap((tunnel) => vteps.map(({ header, name }) => `${tunnel} ${header} saddr @${name}`)),
      ...allowedMatches,
    ],
    hasTransit: pools.length > 0,
    passed: [...tunnels, ...allowedMatches],
    dropped: pools.flatMap(({ header, name }) => common.guarded.map((match) => `${header} daddr @${name} ${match}`)),
  };
}

function rulesetView(host: Host, context: EmitContext) {
  const links = smallLinks(host);
  const snat = sourceNat(host);
  const clamps = bridgeClamps(host.vxlans);
  return {
    ...header(host, context),
    ...guardView(host, shared(context.network)),
    hasClamp: links.length > 0,
    links: oneOf(links),
    hasExtra: host.extra.nftables.length > 0,
    extra: host.extra.nftables,
    hasSnat: snat.length > 0,
    snat,
    hasBridge: clamps.length > 0,
    clamps,
  };
}

function isNeeded(host: Host, { network }: EmitContext): boolean {
  return [
    smallLinks(host),
    host.extra.nftables,
    ownGuarded(host),
    transitPools(host, shared(network)),
    host.snat,
    host.vxlans,
  ].some((part) => part.length > 0);
}

/** Units to enable on this host; none where it needs no rules. */
export function nftablesUnits(host: Host, context: EmitContext): readonly string[] {
  return isNeeded(host, context) ? [UNIT] : [];
}

/** The ruleset, and the unit that loads it before the network comes up. */
export const emitNftables: Emitter = (host, context) => {
  if (!isNeeded(host, context)) return [];
  const ruleset = publicFile(host, "etc/netgen/netgen.nft", "nftables/netgen.nft.njk", rulesetView(host, context));
  const unit = publicFile(host, `etc/systemd/system/${UNIT}`, `nftables/${UNIT}.njk`, header(host, context));
  return [ruleset, unit];
};
