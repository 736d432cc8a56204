/** Where an exit leads to: the world beyond it, and of what is near only what the topology names. */
import { collapsePrefixes, compareAddresses, familyOf, type IpAddress, prefixOf } from "../base/ip.ts";
import { BFD_PORTS, BGP_PORT } from "../model/bgp.ts";
import { DEFAULT_VRF, type Exit, type OpenExit } from "../model/exit.ts";
import type { Network } from "../model/network.ts";
import type { EmitContext } from "./context.ts";
import { type AddressSet, addressSets, type SetKind, vxlansOf } from "./guard-sets.ts";
import { addressRanges, nftFamily, oneOf, quotedName, type Section, sortedNumbers } from "./nft-words.ts";
import { once, print } from "./shared.ts";
import { encode, render, type View } from "./template.ts";

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

function shareOf({ hosts, peers, prefixes }: Network): Shared {
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
    sets: encode(render("nftables/sets.nft.njk", { sets: [...near, ...endpoints].map(({ view }) => view) })),
    guarded: [`udp dport ${oneOf(ports.map(String))}`, `tcp dport ${BGP_PORT}`],
  };
}

const shared = once((context): Shared => shareOf(context.network));

/** The sets that the chains of exits ask. */
export const exitSetsSection: Section = ({ vrfs, exit }, context) =>
  exit !== undefined || vrfs.some((vrf) => vrf.exit !== undefined) ? shared(context).sets : undefined;

/** The chain for what leaves by an exit; `device`: by what it enters, as rules for what is forwarded are told. */
export function exitChain(
  vrf: string,
  exit: Exit,
  { device, context }: { device: string; context: EmitContext },
): View {
  const { near, endpoints, guarded } = shared(context);
  return {
    vrf,
    device,
    interface: quotedName({ name: exit.interface }),
    chain: `exit-${vrf}`,
    guarded: endpoints.flatMap(({ header, name }) => guarded.map((match) => `${header} daddr @${name} ${match}`)),
    reach: exit.reach.map((prefix) => `${nftFamily(familyOf(prefix))} daddr ${prefix}`),
    near: near.map(({ header, name }) => `${header} daddr @${name}`),
  };
}

/** What may not leave by an exit with an address of its own. */
export function maskedSources({ hasSnat, interface: name, sources }: OpenExit): readonly View[] {
  if (!hasSnat) return [];
  const device = quotedName({ name });
  return sources.map((prefix) => ({ family: nftFamily(familyOf(prefix)), prefix, interface: device }));
}

/** What comes by the tunnels and leaves by the way out of what is in no VRF. */
export const defaultExitSection: Section = ({ exit, interfaces }, context) => {
  if (exit === undefined) return undefined;
  const device = oneOf(interfaces.map(quotedName));
  const masked = maskedSources(exit);
  const view = {
    interface: exit.interface,
    exits: [exitChain(DEFAULT_VRF, exit, { device, context })],
    hasMasked: masked.length > 0,
    masked,
  };
  return print(context, { template: "nftables/exit.nft.njk", view });
};
