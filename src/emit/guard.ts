/** The guard: VXLAN, BGP and BFD are taken from the tunnel only, by this host and by those that it routes to. */
import {
  collapsePrefixes,
  compareAddresses,
  familyOf,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
} from "../base/ip.ts";
import type { Bfd, Host, Network, VxlanDevice } from "../model/network.ts";
import type { EmitContext } from "./context.ts";
import { FAMILIES, forwardedFamilies, nftFamily, oneOf, quotedName, type Section, sortedNumbers } from "./nft-words.ts";
import { once, print } from "./shared.ts";
import { encode, render, type View } from "./template.ts";

/** What BGP listens on, RFC 4271 §8. */
const BGP_PORT = 179;
/** BFD: control of neighbours on one link and echo (RFC 5881 §4), control over several hops (RFC 5883 §5). */
const BFD_PORTS = [3784, 3785, 4784] as const;

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

const shared = (context: EmitContext): Shared => once(context, "nftables", () => shareOf(context.network));

/** VXLAN, BGP and BFD that are meant for this host itself. */
function ownGuarded({ vxlans, bgp }: Host): readonly string[] {
  const isSpoken = bgp.kind === "speaker";
  return guardedPackets(vxlans, { isSpoken, bfd: isSpoken ? bgp.bfd : NO_BFD });
}

/** The pools that this host routes to, when anyone in the network has something to guard there. */
function transitPools(host: Host, { pools, guarded }: Shared): readonly AddressSet[] {
  return guarded.length === 0 ? [] : pools.filter(({ family }) => forwardedFamilies(host).includes(family));
}

/** What a host guards: itself, and the pools that it routes to. */
function guardOf(host: Host, context: EmitContext) {
  const common = shared(context);
  const guarded = ownGuarded(host);
  const pools = transitPools(host, common);
  return {
    guarded,
    pools,
    vteps: guarded.length === 0 ? [] : common.vteps,
    allowed: guarded.length === 0 && pools.length === 0 ? [] : common.allowed,
    tunnels: host.interfaces.length === 0 ? [] : [`iifname ${oneOf(host.interfaces.map(quotedName))}`],
  };
}

const allowedMatches = (allowed: readonly AddressSet[]): readonly string[] =>
  allowed.map(({ header, name }) => `${header} saddr @${name}`);

/** The sets that the next two ask. */
export const setsSection: Section = (host, context) => {
  const { vteps, allowed, pools } = guardOf(host, context);
  const sets = [...vteps, ...allowed, ...pools];
  if (sets.length === 0) return undefined;
  // By their names, as they are the same for all hosts: a fleet's elements make too long a key.
  const names = sets.map(({ name }) => name).join(" ");
  const view = { sets: sets.map((set) => set.view) };
  return once(context, `sets ${names}`, () => encode(render("nftables/sets.nft.njk", view)));
};

/** What is meant for this host itself. */
export const guardSection: Section = (host, context) => {
  const { guarded, tunnels, vteps, allowed } = guardOf(host, context);
  if (guarded.length === 0) return undefined;
  const trusted = [
    ...tunnels.flatMap((tunnel) => vteps.map(({ header, name }) => `${tunnel} ${header} saddr @${name}`)),
    ...allowedMatches(allowed),
  ];
  return print(context, { template: "nftables/guard.nft.njk", view: { guarded, trusted } });
};

/** What guests send through this host to another one. */
export const transitSection: Section = (host, context) => {
  const { tunnels, allowed, pools } = guardOf(host, context);
  if (pools.length === 0) return undefined;
  const { guarded } = shared(context);
  const view = {
    passed: [...tunnels, ...allowedMatches(allowed)],
    dropped: pools.flatMap(({ header, name }) => guarded.map((match) => `${header} daddr @${name} ${match}`)),
  };
  return print(context, { template: "nftables/transit.nft.njk", view });
};
