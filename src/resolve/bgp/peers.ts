/** BGP neighbours that netgen does not configure: where each is, what it may say, and what it is told. */
import {
  compareAddresses,
  comparePrefixes,
  containsAddress,
  containsPrefix,
  hostPrefix,
  type IpPrefix,
  prefixOf,
} from "../../base/ip.ts";
import type { Bfd, BgpSpeaker, Distance, Peer } from "../../model/bgp.ts";
import type { Bridge } from "../../model/device.ts";
import { takenFrom } from "../../model/peer.ts";
import type { BfdInput, PeerInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import type { ResolvedSubnet } from "../subnets/subnets.ts";

/** FRR's own, and usual on a link: no tunnel lies between. */
const PEER_BFD = { intervalMs: 300, multiplier: 3 };

/** What {@link resolvePeers} asks. */
export interface PeerGrounds {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly subnets: readonly ResolvedSubnet[];
  /** BGP carries the routes between hosts, too. */
  readonly isRouting: boolean;
}

const distanceOf = ({ ttlSecurity, multihop }: PeerInput): Distance => {
  if (ttlSecurity !== undefined) return { kind: "ttl-security", hops: ttlSecurity };
  return multihop === undefined ? { kind: "link" } : { kind: "multihop", hops: multihop };
};

const bfdOf = (bfd: BfdInput | undefined): Bfd =>
  bfd === undefined
    ? { kind: "none" }
    : {
        kind: "on",
        intervalMs: bfd.intervalMs ?? PEER_BFD.intervalMs,
        multiplier: bfd.multiplier ?? PEER_BFD.multiplier,
      };

/** A guest comes in by its bridge; a VRF's packets by the VRF's device. */
function interfaceOf({ vrf, address }: PeerInput, bridges: readonly Bridge[]): string | undefined {
  if (vrf !== undefined) return vrf.value;
  const holds = (bridge: Bridge): boolean =>
    bridge.addresses.some((own) => containsAddress(prefixOf(own.address, own.lengthBits), address.value));
  return bridges.find((bridge) => bridge.vrf === undefined && holds(bridge))?.link;
}

/** A prefix as BGP has it: of what is split by host each slice, and of a pool that BGP routes each address. */
function partsOf(prefix: IpPrefix, vrf: string | undefined, { hosts, subnets, isRouting }: PeerGrounds) {
  const sliced = subnets.find(
    ({ input }) =>
      input.vrf?.value === vrf && input.perHost !== undefined && input.prefixes.some(({ value }) => value === prefix),
  );
  if (sliced !== undefined) return [...sliced.owned.values()].flat().filter((part) => containsPrefix(prefix, part));
  if (vrf !== undefined || !isRouting) return [prefix];
  const inside = [...hosts.values()].flatMap(({ addresses }) =>
    addresses
      .filter(({ address, lengthBits }) => prefixOf(address, lengthBits) === prefix)
      .map(({ address }) => hostPrefix(address)),
  );
  return inside.length > 0 ? inside : [prefix];
}

/** Sorted by address. */
export function resolvePeers(
  { input }: ResolvedHost,
  bridges: readonly Bridge[],
  grounds: PeerGrounds,
): readonly Peer[] {
  const peers = input.peers.map((peer): Peer => {
    const { address, asn, accepted, announced, maxPrefixes, passwordFile, origin } = peer;
    const vrf = peer.vrf?.value;
    const parts = announced.flatMap(({ value }) => partsOf(value, vrf, grounds));
    return {
      address: address.value,
      asn,
      vrf,
      interface: interfaceOf(peer, bridges),
      distance: distanceOf(peer),
      accepted: accepted
        .map(({ value: prefix, hasMoreSpecifics }) => ({ prefix, hasMoreSpecifics }))
        .sort((a, b) => comparePrefixes(a.prefix, b.prefix)),
      announced: [...new Set(parts)].sort(comparePrefixes),
      maxPrefixes,
      bfd: bfdOf(peer.bfd),
      passwordFile,
      origin,
    };
  });
  return peers.sort((a, b) => compareAddresses(a.address, b.address));
}

/**
 * A speaker with its peers. Where routes follow AllowedIPs BGP has none of them, and the host speaks for the whole network:
 * but for what a peer says itself, whose route its own word would displace.
 */
export function withPeers(speaker: BgpSpeaker, all: readonly Peer[]): BgpSpeaker {
  if (speaker.kind === "none") return speaker;
  const peers = all.filter(({ vrf }) => vrf === undefined);
  const taken = takenFrom(peers);
  const told = new Set(peers.flatMap(({ announced }) => announced).filter((prefix) => !taken.includes(prefix)));
  const originated = speaker.kind === "routing" ? [] : [...told].sort(comparePrefixes);
  return { ...speaker, peers, originated };
}
