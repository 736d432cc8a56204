/** Who speaks BGP with whom, and what each VTEP announces besides its guests. */
import { grouped } from "../../base/grouped.ts";
import { must } from "../../base/invariant.ts";
import { addressFromInteger, compareAddresses, familyOf, type IpAddress } from "../../base/ip.ts";
import { compareText } from "../../base/text.ts";
import type { Asn } from "../../base/units.ts";
import type { Bgp, BgpNeighbour, BgpSpeaker, EvpnSpeaker, SpokenBgp, SpokenVni } from "../../model/bgp.ts";
import type { Segment } from "../../model/segment.ts";
import type { Topology } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { vtepAddress } from "../subnets/devices.ts";
import type { TargetsOn } from "../subnets/route-targets.ts";
import { gatewayHosts } from "../subnets/subnets.ts";
import { autonomousSystems, haveSession, type Systems, systemsOf } from "./autonomous.ts";

/** 1000 ms × 5: a WireGuard endpoint change costs up to 5 s (REKEY_TIMEOUT, drivers/net/wireguard/messages.h). */
export const DEFAULT_BFD = { intervalMs: 1000, multiplier: 5 };

export function resolveBgp({ bgp }: Topology): Bgp {
  if (bgp === undefined) return { kind: "none" };
  const bfd = bgp.bfd && {
    kind: "on" as const,
    intervalMs: bgp.bfd.intervalMs ?? DEFAULT_BFD.intervalMs,
    multiplier: bgp.bfd.multiplier ?? DEFAULT_BFD.multiplier,
  };
  return { kind: "evpn", asn: bgp.asn, bfd: bfd ?? { kind: "none" }, origin: bgp.origin };
}

/** The IPv4 pool address; without one 0.0.x.y from the id, which is as unique. A router-id is 32 bits, RFC 6286. */
function routerId(host: ResolvedHost): string {
  const ipv4 = host.addresses.find((each) => familyOf(each.address) === 4);
  return ipv4?.address ?? addressFromInteger(4, BigInt(host.input.id));
}

/**
 * An anycast gateway is local everywhere and announced by none. Any other gateway must be: with learning off, a VTEP
 * floods every frame to a MAC that nobody announced.
 */
function advertisedGateway(host: string, { gateway }: Segment): SpokenVni["advertise"] {
  const hosts = gatewayHosts(gateway);
  if (hosts.length === 1) return hosts[0] === host ? "default-gateway" : undefined;
  return gateway.kind === "each" && hosts.includes(host) ? "svi-ip" : undefined;
}

function spokenVnis(host: ResolvedHost, { segments, targetsOn }: Spoken): readonly SpokenVni[] {
  const { name } = host.input;
  return segments.flatMap((segment): readonly SpokenVni[] => {
    const routeTargets = targetsOn(segment, host);
    const { imports, exports } = routeTargets;
    const isJoined = imports.length + exports.length > 0;
    // Who is alone in a segment has nobody to tell, unless others are there by its targets.
    const advertise = segment.members.length > 1 || isJoined ? advertisedGateway(name, segment) : undefined;
    const isSpoken = advertise !== undefined || (isJoined && segment.members.includes(name));
    return isSpoken ? [{ vni: segment.vni, advertise, routeTargets }] : [];
  });
}

const bgpAddress = (host: ResolvedHost): IpAddress => must(vtepAddress(host), "a BGP speaker has an address");

/** A segment or a VRF. */
export type Stretched = Pick<Segment, "members" | "vni" | "routeTargets">;

/** What a host's segments are spoken of by. */
export interface Spoken {
  readonly segments: readonly Segment[];
  readonly targetsOn: TargetsOn;
}

/** The BGP speakers: all VTEPs, and the reflectors even where they are none. */
export interface Speakers {
  readonly bgp: SpokenBgp;
  /** Each with what it has sessions with, in the order of their addresses. */
  readonly neighboursOf: (host: ResolvedHost) => readonly BgpNeighbour[] | undefined;
  readonly reflectors: ReadonlySet<string>;
  readonly vteps: ReadonlySet<string>;
  readonly asnOf: (host: ResolvedHost) => Asn;
}

/** Those that are named. A hub is one by itself: the others have a tunnel with nobody else. */
function reflectorNames({ bgp, wireguard: { shape, hubs } }: Topology): ReadonlySet<string> {
  const named = must(bgp, "there is BGP where there are speakers").routeReflectors;
  const reflectors = named.length === 0 && shape === "hub-and-spoke" ? hubs : named;
  return new Set(reflectors.map((each) => each.value));
}

/** `stretched`: segments and VRFs, whose members are VTEPs. */
export function findSpeakers(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  stretched: readonly Stretched[],
): Speakers | undefined {
  const bgp = resolveBgp(topology);
  if (bgp.kind === "none") return undefined;
  const asnOf = autonomousSystems(topology, bgp.asn);
  return speakersAmong(stretched.length === 0 ? [] : hosts, {
    bgp,
    reflectors: reflectorNames(topology),
    asnOf,
    stretched,
    hasSeveralWays: false,
  });
}

/** VTEPs and reflectors speak EVPN. */
export function speakersAmong(
  hosts: readonly ResolvedHost[],
  among: Pick<Speakers, "bgp" | "reflectors" | "asnOf"> &
    Pick<Systems, "hasSeveralWays"> & { readonly stretched: readonly Stretched[] },
): Speakers {
  const { bgp, reflectors, asnOf, stretched, hasSeveralWays } = among;
  const vteps = new Set(stretched.flatMap((each) => each.members));
  const speaks = ({ input, addresses }: ResolvedHost): boolean =>
    addresses.length > 0 && (vteps.has(input.name) || reflectors.has(input.name));
  const sorted = hosts.filter(speaks).sort((a, b) => compareAddresses(bgpAddress(a), bgpAddress(b)));
  return {
    bgp,
    neighboursOf: createNeighboursOf(sorted, systemsOf(sorted, { asnOf, reflectors, hasSeveralWays }), stretched),
    reflectors,
    vteps,
    asnOf,
  };
}

/** Those of one kind have the same sessions, but for the one with each other. */
const kindOf = (host: ResolvedHost, { asnOf, reflectors }: Systems): string =>
  `${asnOf(host)} ${reflectors.has(host.input.name)}`;

type Networks = Pick<BgpNeighbour, "vnis" | "targets">;

/** Who passes on what others say is held to nothing. */
const ALL_NETWORKS: Networks = { vnis: undefined, targets: [] };

function networksOf(all: readonly Stretched[]): Networks {
  const isDerived = ({ routeTargets }: Stretched): boolean => routeTargets.exports.length === 0;
  return {
    vnis: all
      .filter(isDerived)
      .map(({ vni }) => vni)
      .sort((a, b) => a - b),
    targets: [...new Set(all.flatMap(({ routeTargets }) => routeTargets.exports))].sort(compareText),
  };
}

/** Gives the function that knows the VXLAN networks of who passes nothing on; reflectors do, and who speaks eBGP. */
function createNetworksOf(
  speakers: readonly ResolvedHost[],
  systems: Systems,
  stretched: readonly Stretched[],
): (host: ResolvedHost) => Networks {
  const memberships = stretched.flatMap((each) => each.members.map((member) => ({ member, each })));
  const byMember = new Map(
    [...grouped(memberships, ({ member }) => member)].map(([member, all]) => [
      member,
      networksOf(all.map(({ each }) => each)),
    ]),
  );
  const passesOn = (host: ResolvedHost): boolean =>
    systems.reflectors.has(host.input.name) ||
    speakers.some((other) => systems.asnOf(other) !== systems.asnOf(host) && haveSession(host, other, systems));
  const kinds = new Map(speakers.map((host) => [kindOf(host, systems), host]));
  const passing = new Set([...kinds].flatMap(([kind, host]) => (passesOn(host) ? [kind] : [])));
  return (host) => (passing.has(kindOf(host, systems)) ? undefined : byMember.get(host.input.name)) ?? ALL_NETWORKS;
}

/** Gives the function that knows the sessions of each speaker; `undefined`: it is none. */
function createNeighboursOf(
  speakers: readonly ResolvedHost[],
  systems: Systems,
  stretched: readonly Stretched[],
): Speakers["neighboursOf"] {
  const { reflectors, asnOf } = systems;
  const networksOfHost = createNetworksOf(speakers, systems, stretched);
  const isReflector = (host: ResolvedHost): boolean => reflectors.has(host.input.name);
  const neighbourOf = (host: ResolvedHost, other: ResolvedHost): BgpNeighbour => ({
    host: other.input.name,
    address: bgpAddress(other),
    asn: asnOf(other),
    // One reflects inside one's own AS only.
    isClient: isReflector(host) && !isReflector(other) && asnOf(host) === asnOf(other),
    ...networksOfHost(other),
  });
  const alike = new Map<string, readonly BgpNeighbour[]>();
  const known = new Set(speakers);
  return (host) => {
    if (!known.has(host)) return undefined;
    const kind = kindOf(host, systems);
    const all =
      alike.get(kind) ??
      speakers.filter((other) => haveSession(host, other, systems)).map((other) => neighbourOf(host, other));
    alike.set(kind, all);
    return all.filter((neighbour) => neighbour.host !== host.input.name);
  };
}

/** A speaker that has said nothing yet, and knows nobody. */
export function speakerAlone(host: ResolvedHost, { asn, bfd }: SpokenBgp): EvpnSpeaker {
  return {
    kind: "evpn",
    asn,
    routerId: routerId(host),
    updateSource: must(vtepAddress(host), "a BGP speaker has an address"),
    isReflector: false,
    isVtep: false,
    neighbours: [],
    peers: [],
    originated: [],
    vnis: [],
    bfd,
    isDrained: host.input.isDrained,
  };
}

export function resolveSpeaker(host: ResolvedHost, speakers: Speakers | undefined, spoken: Spoken): BgpSpeaker {
  // Others' speakers are spoken with by whoever names them, EVPN or not.
  const isAlone = host.input.peers.length > 0 && host.addresses.length > 0;
  const neighbours = speakers?.neighboursOf(host) ?? (isAlone ? [] : undefined);
  if (speakers === undefined || neighbours === undefined) return { kind: "none" };
  const { name } = host.input;
  return {
    ...speakerAlone(host, speakers.bgp),
    asn: speakers.asnOf(host),
    isReflector: speakers.reflectors.has(name),
    isVtep: speakers.vteps.has(name),
    neighbours,
    vnis: spokenVnis(host, spoken),
  };
}
