/** The part of FRR's configuration that is about BGP neighbours of somebody else's: nothing passes but what is listed. */
import { FAMILIES, familyOf, type IpFamily } from "../base/ip.ts";
import type { Bfd, Peer, Speaker } from "../model/bgp.ts";
import type { BgpLines } from "../model/extra.ts";
import type { Host } from "../model/host.ts";
import { peersOf } from "../model/peer.ts";
import { isFrrOwn } from "./frr-bfd.ts";
import type { FamilyKey } from "./frr-extra.ts";
import { acceptedRules, entriesView, exactly, nameOf, wordsOf } from "./frr-lists.ts";
import type { View } from "./template.ts";

type Watched = Extract<Bfd, { kind: "on" }>;

/** In capitals, like all names of netgen's own in FRR; a family's lists are apart from the other's. */
const listName = (direction: "FROM" | "TO", { vrf, address }: Peer): string =>
  [direction, ...(vrf === undefined ? [] : [vrf]), address].join("-");

/** Those that are watched alike have one. */
export const peerProfile = ({ intervalMs, multiplier }: Watched): string => `PEER-${intervalMs}-${multiplier}`;

function sessionView({ address, asn, distance, bfd, passwordFile }: Peer): View {
  return {
    address,
    asn: String(asn),
    isFar: distance.kind === "multihop",
    hasTtlSecurity: distance.kind === "ttl-security",
    hops: distance.kind === "link" ? "" : String(distance.hops),
    hasBfd: bfd.kind === "on",
    hasProfile: bfd.kind === "on" && !isFrrOwn(bfd),
    profile: bfd.kind === "on" ? peerProfile(bfd) : "",
    isShut: passwordFile !== undefined,
    passwordFile: passwordFile ?? "",
  };
}

/** What a family's block says of those whose address is of it. */
export const peersOfFamily = (peers: readonly Peer[], family: IpFamily): readonly View[] =>
  peers
    .filter(({ address }) => familyOf(address) === family)
    .map((peer) => ({
      address: peer.address,
      from: listName("FROM", peer),
      to: listName("TO", peer),
      hasMaximum: peer.maxPrefixes !== undefined,
      maximum: String(peer.maxPrefixes ?? ""),
    }));

/** The neighbours in one table. */
export const sessionsView = (peers: readonly Peer[]) => ({ hasPeers: peers.length > 0, peers: peers.map(sessionView) });

/** The families of the host's own table that are there for peers alone. */
export function peerFamilies({ bgp }: Host, spoken: readonly FamilyKey[]): readonly FamilyKey[] {
  if (bgp.kind === "none") return [];
  const families = FAMILIES.filter((family) => bgp.peers.some(({ address }) => familyOf(address) === family));
  return families.map(nameOf).filter((name) => !spoken.includes(name));
}

/** Their blocks, with the user's lines at the end. */
export function peerFamiliesView({ peers, originated }: Speaker, names: readonly FamilyKey[], lines: BgpLines) {
  return FAMILIES.filter((family) => names.includes(nameOf(family))).map((family) => ({
    name: nameOf(family),
    networks: originated.filter((prefix) => familyOf(prefix) === family),
    peers: peersOfFamily(peers, family),
    lines: lines[nameOf(family)],
  }));
}

function listsOf(peer: Peer): readonly View[] {
  const family = familyOf(peer.address);
  return [
    ...entriesView(listName("FROM", peer), family, wordsOf(acceptedRules(peer.accepted))),
    ...entriesView(listName("TO", peer), family, wordsOf(peer.announced.map(exactly))),
  ];
}

/** What each may say and is told, table by table. */
export function peerListsView(host: Host) {
  const peers = peersOf(host);
  return { hasPeerLists: peers.length > 0, peerLists: peers.flatMap(listsOf) };
}

/** The settings of BFD that peers are watched by, each once, other than FRR's own. */
export function peerTimers(host: Host): readonly Watched[] {
  const watched = peersOf(host).flatMap(({ bfd }) => (bfd.kind === "on" && !isFrrOwn(bfd) ? [bfd] : []));
  return [...new Map(watched.map((bfd) => [peerProfile(bfd), bfd])).values()];
}
