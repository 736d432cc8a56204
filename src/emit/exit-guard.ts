/** Where an exit leads to: the world beyond it, and of what is near only what the topology names. */
import { collapsePrefixes, compareAddresses, familyOf, type IpAddress, prefixOf } from "../base/ip.ts";
import { once } from "../base/once.ts";
import { BFD_PORTS, BGP_PORT } from "../model/bgp.ts";
import { DEFAULT_VRF, type OpenExit } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import type { VrfInstance } from "../model/vrf.ts";
import type { EmitContext } from "./context.ts";
import { joined } from "./file.ts";
import { type AddressSet, addressSets, printSets, type SetKind, vxlansOf } from "./guard-sets.ts";
import { addressRanges, nftFamily, oneOf, quotedName, type Section, sortedNumbers } from "./nft-words.ts";
import { print } from "./shared.ts";
import type { View } from "./template.ts";

const NEAR: SetKind = {
  name: "near",
  why: "Where no exit leads: each link's own addresses, by which clouds answer for a host, and the sites' LANs.",
};
const ENDPOINTS: SetKind = { name: "endpoints", why: "Where the hosts dial each other." };

/** RFC 3927 and RFC 4291 §2.5.6. */
const LINK_LOCAL = [prefixOf("169.254.0.0" as IpAddress, 16), prefixOf("fe80::" as IpAddress, 10)];

/** What the rulesets of all exits have in common. */
interface Shared {
  readonly near: readonly AddressSet[];
  readonly endpoints: readonly AddressSet[];
  readonly sets: Uint8Array;
  /** What no guest may send to an endpoint. */
  readonly guarded: readonly string[];
}

function shareOf(context: EmitContext): Shared {
  const { hosts, peers, prefixes } = context.network;
  const lans = prefixes.filter(({ use }) => use.kind === "lan").map(({ prefix }) => prefix);
  const dialled = peers.flatMap(({ endpoints }) => endpoints);
  const addresses = dialled.flatMap((each) => (each.kind === "address" ? [each.address] : []));
  const listening = hosts.flatMap(({ interfaces }) => interfaces.map(({ listenPort }) => listenPort));
  const vxlans = hosts.flatMap(vxlansOf).map(({ port }) => port);
  const ports = sortedNumbers([...dialled.map(({ port }) => port), ...listening, ...vxlans, ...BFD_PORTS]);
  const near = addressSets(NEAR, collapsePrefixes([...LINK_LOCAL, ...lans]));
  const endpoints = addressSets(ENDPOINTS, [...new Set(addresses)].sort(compareAddresses), addressRanges);
  return {
    near,
    endpoints,
    sets: printSets([...near, ...endpoints], context),
    guarded: [`udp dport ${oneOf(ports.map(String))}`, `tcp dport ${BGP_PORT}`],
  };
}

const shared = once((context: EmitContext): Shared => shareOf(context));

/** A way out of a host's, and by what is entered that leaves by it, as rules for what is forwarded are told. */
interface Way {
  readonly vrf: string;
  readonly device: string;
  readonly exit: OpenExit;
}

function vrfWay({ name, prefixes, exit }: VrfInstance): readonly Way[] {
  if (exit === undefined) return [];
  // Less what it has no way out for.
  const sources = prefixes.filter((prefix) => exit.families.includes(familyOf(prefix)));
  return [{ vrf: name, device: quotedName({ name }), exit: { ...exit, sources } }];
}

function waysOf({ vrfs, exit, interfaces }: Host): readonly Way[] {
  const ofVrfs = vrfs.flatMap(vrfWay);
  if (exit === undefined) return ofVrfs;
  return [...ofVrfs, { vrf: DEFAULT_VRF, device: oneOf(interfaces.map(quotedName)), exit }];
}

/** What leaves by an exit, and where it may go. */
function exitView({ vrf, device, exit }: Way, { near, endpoints, guarded }: Shared): View {
  return {
    device,
    interface: quotedName({ name: exit.interface }),
    chain: `exit-${vrf}`,
    guarded: endpoints.flatMap(({ header, name }) => guarded.map((match) => `${header} daddr @${name} ${match}`)),
    reach: exit.reach.map((prefix) => `${nftFamily(familyOf(prefix))} daddr ${prefix}`),
    near: near.map(({ header, name }) => `${header} daddr @${name}`),
  };
}

/** What may not leave by an exit with an address of its own. */
function maskedSources({ exit: { hasSnat, interface: name, sources } }: Way): readonly View[] {
  if (!hasSnat) return [];
  const device = quotedName({ name });
  return sources.map((prefix) => ({ family: nftFamily(familyOf(prefix)), prefix, interface: device }));
}

/** By what a VRF's other hosts send here what leaves by another exit, where some of it would be masqueraded here. */
const passingBy = ({ bridge, exit, exitOrder }: VrfInstance): readonly string[] =>
  exit?.hasSnat && exitOrder.length > 1 ? [quotedName({ name: bridge })] : [];

/** Where the host's ways out lead, and the sets that are asked. */
export const exitSection: Section = (host, context) => {
  const ways = waysOf(host);
  if (ways.length === 0) return undefined;
  const known = shared(context);
  const masked = ways.flatMap(maskedSources);
  const passing = host.vrfs.flatMap(passingBy);
  const view = {
    exits: ways.map((way) => exitView(way, known)),
    hasPassing: passing.length > 0,
    passing,
    zone: context.number,
    hasMasked: masked.length > 0,
    masked,
  };
  return joined([known.sets, print(context, { template: "nftables/exits.nft.njk", view })]);
};
