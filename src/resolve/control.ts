/** Who speaks BGP with whom, and what each VTEP announces besides its guests. */

import { must } from "../base/invariant.ts";
import { addressFromInteger, compareAddresses, familyOf } from "../base/ip.ts";
import type { Bgp, BgpNeighbour, BgpSpeaker, GatewayVni, Segment } from "../model/network.ts";
import type { Topology } from "../validate/topology.ts";
import { vtepAddress } from "./devices.ts";
import type { ResolvedHost } from "./hosts.ts";
import { gatewayHosts } from "./subnets.ts";

/** 1000 ms × 5: a WireGuard endpoint change costs up to 5 s (REKEY_TIMEOUT, drivers/net/wireguard/messages.h). */
const DEFAULT_BFD = { intervalMs: 1000, multiplier: 5 };

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
function gatewayVnis(host: string, segments: readonly Segment[]): readonly GatewayVni[] {
  return segments.flatMap(({ vni, gateway, members }): GatewayVni[] => {
    const hosts = gatewayHosts(gateway);
    if (!hosts.includes(host) || members.length < 2) return [];
    if (hosts.length === 1) return [{ vni, advertise: "default-gateway" }];
    return gateway.kind === "each" ? [{ vni, advertise: "svi-ip" }] : [];
  });
}

/** The BGP speakers: all VTEPs, and the reflectors even where they are none. */
export interface Speakers {
  readonly bgp: Extract<Bgp, { kind: "evpn" }>;
  readonly hosts: readonly ResolvedHost[];
  readonly reflectors: ReadonlySet<string>;
  readonly vteps: ReadonlySet<string>;
}

export function findSpeakers(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  segments: readonly Segment[],
): Speakers | undefined {
  const bgp = resolveBgp(topology);
  if (bgp.kind === "none" || segments.length === 0) return undefined;
  const vteps = new Set(segments.flatMap((segment) => segment.members));
  const reflectors = new Set(topology.bgp?.routeReflectors.map((each) => each.value));
  const speaks = ({ input, addresses }: ResolvedHost): boolean =>
    addresses.length > 0 && (vteps.has(input.name) || reflectors.has(input.name));
  return { bgp, hosts: hosts.filter(speaks), reflectors, vteps };
}

/** Without reflectors everyone peers with everyone; with them a client peers with reflectors only. */
function neighboursOf(host: ResolvedHost, { hosts, reflectors }: Speakers): readonly BgpNeighbour[] {
  const isReflector = reflectors.has(host.input.name);
  const isNeighbour = (other: ResolvedHost): boolean =>
    other !== host && (reflectors.size === 0 || isReflector || reflectors.has(other.input.name));
  const neighbours = hosts.filter(isNeighbour).map(
    (other): BgpNeighbour => ({
      host: other.input.name,
      address: must(vtepAddress(other), "a BGP speaker has an address"),
      isClient: isReflector && !reflectors.has(other.input.name),
    }),
  );
  return neighbours.sort((a, b) => compareAddresses(a.address, b.address));
}

export function resolveSpeaker(
  host: ResolvedHost,
  speakers: Speakers | undefined,
  segments: readonly Segment[],
): BgpSpeaker {
  if (!speakers?.hosts.includes(host)) return { kind: "none" };
  const { name } = host.input;
  return {
    kind: "speaker",
    asn: speakers.bgp.asn,
    routerId: routerId(host),
    updateSource: must(vtepAddress(host), "a BGP speaker has an address"),
    isReflector: speakers.reflectors.has(name),
    isVtep: speakers.vteps.has(name),
    neighbours: neighboursOf(host, speakers),
    gatewayVnis: gatewayVnis(name, segments),
    bfd: speakers.bgp.bfd,
  };
}
