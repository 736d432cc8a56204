/** FRR's part of routing by BGP: sessions over the tunnels, and what they may carry. */
import { grouped } from "../base/grouped.ts";
import { FAMILIES, familyOf, hostPrefix, type IpFamily, type IpPrefix, mergePrefixes } from "../base/ip.ts";
import type { RoutingSpeaker, Unicast, UnicastNeighbour } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import type { FamilyKey } from "./frr-extra.ts";
import { acceptedRules, commandOf, entriesView, exactly, nameOf, type Rule, withInside, wordsOf } from "./frr-lists.ts";
import { peersOfFamily } from "./frr-peers.ts";
import type { View } from "./template.ts";

// In capitals, so that no interface or host is called the same.
const OVERLAY = "OVERLAY";
const NEARBY = "NEARBY";
const OWN = "OWN";
const COUNTED = "COUNTED";

/** A list for each family. The first entry that matches decides. */
function listView(name: string, rules: readonly Rule[]): readonly View[] {
  return FAMILIES.flatMap((family) => {
    const own = rules.filter(({ prefix }) => familyOf(prefix) === family);
    return entriesView(
      name,
      family,
      own.map(({ words }) => words),
    );
  });
}

/** What a host that passes nothing on says to other ASes: without, BGP would have it pass on what it hears. */
function saidOutside({ asn, peers, unicast }: RoutingSpeaker): readonly View[] {
  const { neighbours, announced } = unicast;
  return FAMILIES.flatMap((family) => {
    if (!ofFamily(family, neighbours).some((each) => each.asn !== asn && !each.isClient)) return [];
    const own = [...announced.map(exactly), ...peers.flatMap(({ accepted }) => acceptedRules(accepted))];
    const rules = own.filter(({ prefix }) => familyOf(prefix) === family);
    return entriesView(OWN, family, wordsOf(rules));
  });
}

/** A neighbour that passes nothing on has a list of its own, of what is its. */
function ownListsView({ neighbours }: Unicast): readonly View[] {
  return neighbours.flatMap(({ host, address, announced, passedOn }) => {
    if (announced === undefined) return [];
    const rules = [...announced.map(exactly), ...acceptedRules(passedOn)];
    return entriesView(ownList(host), familyOf(address), wordsOf(rules));
  });
}

const ofFamily = <T extends { readonly address: UnicastNeighbour["address"] }>(
  family: IpFamily,
  entries: readonly T[],
): readonly T[] => entries.filter(({ address }) => familyOf(address) === family);

const ownList = (host: string): string => `OF-${host}`;

const wayName = (hub: string): string => `VIA-${hub}`;

/** Leaves prefer one hub to another before they count tunnels. */
const isCounted = (
  { asn, preference }: UnicastNeighbour,
  { hasSeveralSystems }: Unicast,
  own: RoutingSpeaker["asn"],
): boolean => hasSeveralSystems && asn === own && preference === undefined;

/** Neighbours of one interface, inside this host's AS or outside, have all in common. */
function groupsOf(
  neighbours: readonly UnicastNeighbour[],
  family: IpFamily,
  { asn, peers, unicast }: RoutingSpeaker,
): readonly View[] {
  const nameOfGroup = (each: UnicastNeighbour): string =>
    `${each.interface.toUpperCase()}-IPV${family}${each.asn === asn ? "" : "-EXTERNAL"}`;
  return [...grouped(neighbours, nameOfGroup)].flatMap(([name, [each, ...others]]) => {
    if (each === undefined) return [];
    const isExternal = each.asn !== asn;
    return {
      name,
      isExternal,
      // See createGroupOf in frr.ts.
      hasSource: each.isPointToPoint,
      source: each.source,
      isClients: each.isClient && !isExternal,
      isTold: each.isClient && isExternal,
      saysOwn: isExternal && !each.isClient,
      isCounted: isCounted(each, unicast, asn),
      // A peer's own address is known to this host alone. A hub says of all that comes by it that it is the way.
      isNextHop: peers.length > 0 && !each.isClient,
      isPreferred: each.preference !== undefined,
      way: wayName(each.host),
      neighbours: [each, ...others].map(({ address, host, asn: system }) => ({
        address,
        host,
        isExternal,
        asn: String(system),
      })),
    };
  });
}

function familyView(speaker: RoutingSpeaker, family: IpFamily, { extra: { frr } }: Host): View {
  const { neighbours, announced, loopback } = speaker.unicast;
  return {
    name: nameOf(family),
    command: commandOf(family),
    groups: groupsOf(ofFamily(family, neighbours), family, speaker),
    peers: peersOfFamily(speaker.peers, family),
    announced: announced.filter((prefix) => familyOf(prefix) === family),
    leaves: ofFamily(family, neighbours)
      .filter((each) => each.announced !== undefined)
      .map(({ address, host }) => ({ address, list: ownList(host) })),
    hasLoopback: ofFamily(family, loopback).length > 0,
    loopback: ofFamily(family, loopback)[0]?.address ?? "",
    loopbackMap: `LOOPBACK-IPV${family}`,
    lines: frr[nameOf(family)],
  };
}

/** Route maps that give what comes by a hub its preference, once for both families. */
function waysOf({ asn: own, unicast }: RoutingSpeaker): readonly View[] {
  const hubs = new Map(unicast.neighbours.map((each) => [each.host, each]));
  return [...hubs.values()].flatMap(({ host, preference, asn }) =>
    preference === undefined
      ? []
      : // Another AS says it by a community, which FRR obeys after the route-map. Before, such a route has 0 as well.
        [{ name: wayName(host), host, preference: String(preference), isInternal: asn === own }],
  );
}

function pointToPoint({ neighbours }: Unicast): readonly View[] {
  return neighbours
    .filter((each) => each.isPointToPoint)
    .map(({ address, interface: link }) => ({
      command: commandOf(familyOf(address)),
      prefix: hostPrefix(address),
      interface: link,
    }));
}

/**
 * What a hub gives to the tunnels of its leaves as long as BGP has not told it the way. Its own prefixes are not among what
 * leads into the overlay, and tunnels' addresses are nobody's but the tunnels'.
 */
function fallbackView({ unreachable, ownedPrefixes }: Host, { hubInterface, accepted }: Unicast): View {
  const behind = ownedPrefixes
    .filter(({ use }) => ["route", "peer", "ovn"].includes(use.kind))
    .map(({ prefix }) => prefix);
  const isLed = (prefix: IpPrefix): boolean => accepted.includes(prefix) && !behind.includes(prefix);
  const prefixes = hubInterface === undefined ? [] : unreachable.filter(isLed);
  return {
    hasFallback: prefixes.length > 0,
    hubInterface: hubInterface ?? "",
    fallback: prefixes.map((prefix) => ({ command: commandOf(familyOf(prefix)), prefix })),
  };
}

const NOTHING = {
  routes: false,
  families: [],
  pointToPoint: [],
  hasPointToPoint: false,
  hasFallback: false,
  hubInterface: "",
  fallback: [],
  lists: [],
  hasLeaves: false,
  leaves: [],
  hasSaidOutside: false,
  saidOutside: [],
  hasSeveralSystems: false,
  hasOwnAs: false,
  ownAsMost: "",
  counted: COUNTED,
  hasCounted: false,
  ownList: OWN,
  ways: [],
  hasWays: false,
  accepted: OVERLAY,
  nearby: NEARBY,
};

/** Those with a neighbour. */
const spokenFamilies = ({ neighbours }: Unicast): readonly IpFamily[] =>
  FAMILIES.filter((family) => ofFamily(family, neighbours).length > 0);

/** The blocks of address families that frr.conf has for routing by BGP. */
export function unicastFamilies(host: Host): readonly FamilyKey[] {
  const unicast = unicastOf(host);
  return unicast === undefined ? [] : spokenFamilies(unicast).map(nameOf);
}

/** What frr.conf says of routing by BGP. */
export function unicastView(host: Host): typeof NOTHING | (View & { readonly routes: boolean }) {
  if (host.bgp.kind !== "routing") return NOTHING;
  const speaker = host.bgp;
  const { unicast } = speaker;
  const links = pointToPoint(unicast);
  const ways = waysOf(speaker);
  const leaves = ownListsView(unicast);
  const outside = saidOutside(speaker);
  return {
    ...NOTHING,
    routes: true,
    families: spokenFamilies(unicast).map((family) => familyView(speaker, family, host)),
    pointToPoint: links,
    hasPointToPoint: links.length > 0,
    ...fallbackView(host, unicast),
    lists: [
      ...listView(OVERLAY, [
        ...unicast.refused.map(withInside("deny")),
        ...mergePrefixes(unicast.accepted).map(withInside("permit")),
      ]),
      // Not what lies inside: that may be behind a spoke.
      ...listView(NEARBY, unicast.nearby.map(exactly)),
    ],
    hasLeaves: leaves.length > 0,
    leaves,
    hasSaidOutside: outside.length > 0,
    saidOutside: outside,
    hasSeveralSystems: unicast.hasSeveralSystems,
    hasCounted: unicast.neighbours.some((each) => isCounted(each, unicast, speaker.asn)),
    hasOwnAs: unicast.ownAsMost > 0,
    ownAsMost: String(unicast.ownAsMost),
    ways,
    hasWays: ways.length > 0,
  };
}
