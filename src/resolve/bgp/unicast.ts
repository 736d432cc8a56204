/** BGP where it routes: sessions over every tunnel, and EVPN from loopback to loopback. */
import { grouped } from "../../base/grouped.ts";
import { must } from "../../base/invariant.ts";
import {
  addressBits,
  compareAddresses,
  comparePrefixes,
  familyOf,
  type IpFamily,
  type IpPrefix,
  isMoreSpecific,
} from "../../base/ip.ts";
import {
  type AcceptedPrefix,
  type Bgp,
  type BgpSpeaker,
  failoverBound,
  type RoutingBgp,
  type Unicast,
  type UnicastNeighbour,
} from "../../model/bgp.ts";
import type { OwnedPrefix } from "../../model/host.ts";
import type { OverlayPrefix } from "../../model/network.ts";
import type { TransitAddress } from "../../topology/transit.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { exactAllowedIps } from "../joins/prefixes-behind.ts";
import type { DynamicShape } from "../joins/stars-and-trunks.ts";
import type { TunnelEnd, TunnelPair } from "../tunnels/dynamic-tunnels.ts";
import {
  DEFAULT_BFD,
  resolveSpeaker,
  type Speakers,
  type Spoken,
  type Stretched,
  speakerAlone,
  speakersAmong,
} from "./evpn.ts";

/** BGP as it was asked for, with BFD: without, a dead hub would be noticed by its hold time alone. */
export function routingBgp(bgp: Bgp): Bgp {
  if (bgp.kind === "none") return bgp;
  const bfd = bgp.bfd.kind === "on" ? bgp.bfd : { kind: "on" as const, ...DEFAULT_BFD };
  return { ...bgp, kind: "routing", bfd, failover: failoverBound(bfd) };
}

/** What {@link resolveRoutingSpeaker} is made from. */
export interface Routing {
  readonly bgp: RoutingBgp;
  readonly shape: DynamicShape;
  /** Those of each host, by its name: its own end first. */
  readonly tunnelsOf: ReadonlyMap<string, readonly TunnelPair[]>;
  /** The EVPN sessions. */
  readonly speakers: Speakers;
  readonly systems: {
    readonly asnOf: Speakers["asnOf"];
    readonly hasSeveral: boolean;
    readonly ownAsMost: (host: ResolvedHost) => number;
  };
  /** Prefixes that may be announced, as declared. */
  readonly accepted: readonly OverlayPrefix[];
  readonly announced: ReadonlyMap<string, readonly IpPrefix[]>;
}

/** What others' BGP speakers may say to a host in its own table. */
function passedOn({ input }: ResolvedHost, family: IpFamily): readonly AcceptedPrefix[] {
  const taken = input.peers
    .filter(({ vrf }) => vrf === undefined)
    .flatMap(({ accepted }) => accepted.filter(({ value }) => familyOf(value) === family));
  const prefixes = [...new Set(taken.map(({ value }) => value))].sort(comparePrefixes);
  return prefixes.map((prefix) => ({
    prefix,
    hasMoreSpecifics: taken.some((each) => each.value === prefix && each.hasMoreSpecifics),
  }));
}

interface Sessions {
  readonly hosts: readonly ResolvedHost[];
  readonly stretched: readonly Stretched[];
  readonly asnOf: Speakers["asnOf"];
}

/** The EVPN sessions; there are none where no segment and no VRF is. */
export function evpnSpeakers(
  bgp: RoutingBgp,
  { reflectors }: DynamicShape,
  { hosts, stretched, asnOf }: Sessions,
): Speakers {
  const among = { bgp, reflectors, asnOf, stretched, hasSeveralWays: true };
  return speakersAmong(stretched.length === 0 ? [] : hosts, among);
}

/** What `neighbor … allowas-in` takes at most, FRR 8.4 and 10.3. */
const MOST_OWN_AS = 10;

/** Gives the functions that know each host's AS, and what follows from the others'. */
export function systemsAmong(hosts: readonly ResolvedHost[], asnOf: Speakers["asnOf"]): Routing["systems"] {
  const counts = [...grouped(hosts, asnOf)].map(([asn, members]) => [asn, members.length] as const);
  const sizes = new Map(counts);
  return {
    asnOf,
    hasSeveral: sizes.size > 1,
    ownAsMost: (host) =>
      sizes.size > 1 ? Math.min(MOST_OWN_AS, must(sizes.get(asnOf(host)), "every host counts") - 1) : 0,
  };
}

/** Loopback addresses and what is behind a host; but what others' speakers say, which it passes on as it is said. */
export function announcedPrefixes(host: ResolvedHost, owned: readonly OwnedPrefix[]): readonly IpPrefix[] {
  const own = owned.filter(({ use }) => use.kind !== "peer");
  return [...exactAllowedIps(host, own)].sort(comparePrefixes);
}

/** The prefixes in which announced ones lie: all but those of the tunnels themselves. */
export function acceptedPrefixes(routed: readonly OverlayPrefix[]): readonly OverlayPrefix[] {
  return routed.filter(({ use }) => use.kind !== "transit");
}

/**
 * What a host takes from its neighbours. Not the LAN that it is on itself: where the link's own prefix is wider than what was
 * declared, the tunnel to a neighbour there would lead through the tunnel.
 */
function acceptedBy({ input }: ResolvedHost, all: readonly OverlayPrefix[]): Pick<Unicast, "accepted" | "refused"> {
  const isOwnLan = ({ use }: OverlayPrefix): boolean => use.kind === "lan" && use.site === input.site;
  const accepted = all.filter((each) => !isOwnLan(each));
  const outer = accepted.filter((each) => each.exceptsMoreSpecifics);
  const isHeld = ({ prefix }: OverlayPrefix): boolean => outer.some((wide) => isMoreSpecific(prefix, wide.prefix));
  const refused = all.filter((each) => isOwnLan(each) && isHeld(each));
  return { accepted: accepted.map(({ prefix }) => prefix), refused: refused.map(({ prefix }) => prefix) };
}

// The first hub is preferred most; the third of three does not move the first two.
const MOST_PREFERRED = 200;

/** A session for each family that there is something to route of. */
function sessionsOf(own: TunnelEnd, far: TunnelEnd, routing: Routing): readonly UnicastNeighbour[] {
  const { shape } = routing;
  const { name } = far.host.input;
  const rank = shape.hubsOf(own.host).indexOf(name);
  const announced = shape.transit.has(name) ? undefined : routing.announced.get(name);
  return [...new Set(routing.accepted.map(({ prefix }) => familyOf(prefix)))].flatMap((family) => {
    const isOfFamily = ({ address }: TransitAddress): boolean => familyOf(address) === family;
    const [source, target] = [own.addresses.find(isOfFamily), far.addresses.find(isOfFamily)];
    if (source === undefined || target === undefined) return [];
    return [
      {
        host: name,
        interface: own.interface,
        source: source.address,
        address: target.address,
        asn: routing.systems.asnOf(far.host),
        isPointToPoint: own.isPointToPoint,
        isClient: shape.transit.has(own.host.input.name),
        preference: rank < 0 ? undefined : MOST_PREFERRED - rank,
        announced: announced?.filter((prefix) => familyOf(prefix) === family),
        passedOn: passedOn(far.host, family),
      },
    ];
  });
}

const tunnelsOf = ({ input }: ResolvedHost, routing: Routing): readonly TunnelPair[] =>
  must(routing.tunnelsOf.get(input.name), "every host has a list of tunnels");

/** The tunnels of each host, by its name. */
export function tunnelsByHost(hosts: readonly ResolvedHost[], tunnels: readonly TunnelPair[]): Routing["tunnelsOf"] {
  const byHost = new Map(hosts.map((host) => [host.input.name, [] as TunnelPair[]]));
  for (const [a, b] of tunnels) {
    must(byHost.get(a.host.input.name), "a tunnel is between hosts").push([a, b]);
    must(byHost.get(b.host.input.name), "a tunnel is between hosts").push([b, a]);
  }
  return byHost;
}

function neighboursOf(host: ResolvedHost, routing: Routing): readonly UnicastNeighbour[] {
  const sessions = tunnelsOf(host, routing).flatMap(([own, far]) => sessionsOf(own, far, routing));
  return sessions.sort((a, b) => compareAddresses(a.address, b.address));
}

function unicastOf(host: ResolvedHost, routing: Routing): Unicast {
  const { announced, accepted, shape, systems } = routing;
  const of = (name: string): readonly IpPrefix[] => announced.get(name) ?? [];
  return {
    loopback: host.addresses.map(({ address }) => ({ address, lengthBits: addressBits(familyOf(address)) })),
    announced: of(host.input.name),
    ...acceptedBy(host, accepted),
    nearby: [...new Set(shape.hubsOf(host).flatMap(of))].sort(comparePrefixes),
    hubInterface: tunnelsOf(host, routing).find(([own]) => own.isHub)?.[0].interface,
    hasSeveralSystems: systems.hasSeveral,
    ownAsMost: systems.ownAsMost(host),
    neighbours: neighboursOf(host, routing),
  };
}

/** A host of the dynamic class: every one speaks BGP, if only for its own address. */
export function resolveRoutingSpeaker(host: ResolvedHost, routing: Routing, spoken: Spoken): BgpSpeaker {
  const { speakers, bgp, systems } = routing;
  const evpn = resolveSpeaker(host, speakers, spoken);
  if (host.addresses.length === 0) return evpn;
  const own = evpn.kind === "none" ? speakerAlone(host, bgp) : evpn;
  return { ...own, asn: systems.asnOf(host), kind: "routing", unicast: unicastOf(host, routing) };
}
