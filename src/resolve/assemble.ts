/** One host of the model, from everything that was resolved about it. */

import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import {
  addressBits,
  comparePrefixes,
  familyOf,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  prefixLengthBits,
} from "../base/ip.ts";
import { compareText, sortedBy } from "../base/text.ts";
import type {
  Bridge,
  Extra,
  Host,
  OverlayPrefix,
  OwnedPrefix,
  Segment,
  SourceNat,
  VxlanDevice,
  WireguardInterface,
} from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { resolveSpeaker, type Speakers } from "./control.ts";
import { routedBridge, segmentBridge, vtepAddress, vxlanDevice } from "./devices.ts";
import type { ResolvedHost } from "./hosts.ts";
import { gatewayAddresses, type ResolvedSubnet } from "./subnets.ts";

/** Everything resolved about the network before the hosts are put together. */
export interface Parts {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly interfaces: ReadonlyMap<string, WireguardInterface>;
  readonly subnets: readonly ResolvedSubnet[];
  readonly segments: readonly Segment[];
  /** VTEP addresses of each segment, by its name. */
  readonly vteps: ReadonlyMap<string, readonly IpAddress[]>;
  readonly speakers: Speakers | undefined;
  readonly hasEvpn: boolean;
  readonly prefixes: readonly OverlayPrefix[];
}

/** What others send to a host through the tunnel: its part of subnets, and what lies behind it. */
export function ownedPrefixes(host: ResolvedHost, subnets: readonly ResolvedSubnet[]): readonly OwnedPrefix[] {
  const { name, routes } = host.input;
  const fromSubnets = subnets.flatMap(({ input, owned }) =>
    (owned.get(name) ?? []).map((prefix) => ({ prefix, use: input.name, origin: input.origin })),
  );
  const behind = routes.map(({ value: prefix, span }) => ({ prefix, use: "route", origin: { "": span } }));
  return [...fromSubnets, ...behind].sort((a, b) => comparePrefixes(a.prefix, b.prefix) || compareText(a.use, b.use));
}

function devicesOf(host: ResolvedHost, parts: Parts): { bridges: readonly Bridge[]; vxlans: readonly VxlanDevice[] } {
  const bridges: Bridge[] = [];
  const vxlans: VxlanDevice[] = [];
  const segments = new Map(parts.segments.map((segment) => [segment.name, segment]));
  for (const subnet of parts.subnets) {
    if (!subnet.members.includes(host.input.name)) continue;
    const segment = segments.get(subnet.input.name);
    const bridge = segment ? segmentBridge(segment, subnet, host) : routedBridge(subnet, host);
    if (bridge === undefined) continue;
    bridges.push(bridge);
    if (segment === undefined || vtepAddress(host) === undefined) continue;
    const vteps = must(parts.vteps.get(segment.name), "every segment has a list of VTEPs");
    vxlans.push(vxlanDevice(segment, host, { bridge: bridge.name, vteps, hasEvpn: parts.hasEvpn }));
  }
  return { bridges: sortedBy(bridges, (each) => each.name), vxlans: vxlans.sort((a, b) => a.vni - b.vni) };
}

/** Masquerading for the subnets that ask for it, on the hosts that their guests leave by. */
function snatOf(host: ResolvedHost, { subnets }: Parts, found: Diagnostic[]): readonly SourceNat[] {
  const { name, uplink } = host.input;
  return subnets.flatMap(({ input, owned, gateway }) => {
    const isGateway = gatewayAddresses(gateway, name).length > 0;
    const ofSegment = isGateway ? input.prefixes.map((each) => each.value) : undefined;
    const prefixes = input.vxlan === undefined ? owned.get(name) : ofSegment;
    if (!input.hasSnat || prefixes === undefined) return [];
    if (uplink !== undefined) return prefixes.map((prefix) => ({ prefix, uplink }));
    const related = [{ message: `${name} is here`, span: originSpan(host.input.origin) }];
    const params = { subnet: input.name, host: name };
    found.push(diagnostic("snat-without-uplink", params, originSpan(input.origin, "snat"), related));
    return [];
  });
}

/**
 * All overlay prefixes but what lies behind the host itself: that is not reached through a tunnel from here. None lies in
 * another, which a check sees to.
 */
function unreachablePrefixes(host: string, prefixes: readonly OverlayPrefix[]): readonly IpPrefix[] {
  const others = prefixes.filter(({ use }) => !(use.kind === "route" && use.host === host));
  return others.map((each) => each.prefix);
}

// A prefix can hold more neighbours than any segment will; past this the table would only take memory.
const MAX_NEIGHBOURS_PER_PREFIX = 16_384;
// How many an IPv6 prefix is taken to have where no IPv4 prefix beside it says more: as many as a /24 of IPv4.
const NEIGHBOURS_WITHOUT_IPV4 = 256;
// A guest with IPv6 has a link-local address besides.
const IPV6_ADDRESSES_PER_GUEST = 2;

/** Neighbours that the host may come to know: the hosts that fit the prefixes of the segments it is on. */
function neighbourCount(host: string, subnets: readonly ResolvedSubnet[]): Host["neighbourCount"] {
  let ipv4 = 0;
  let ipv6 = 0;
  for (const subnet of subnets) {
    if (!subnet.members.includes(host)) continue;
    const prefixes = subnet.owned.get(host) ?? subnet.input.prefixes.map((each) => each.value);
    const sizes = prefixes
      .filter((prefix) => familyOf(prefix) === 4)
      .map((prefix) => Math.min(2 ** (addressBits(4) - prefixLengthBits(prefix)), MAX_NEIGHBOURS_PER_PREFIX));
    const guests = sizes.reduce((sum, size) => sum + size, 0);
    ipv4 += guests;
    if (sizes.length < prefixes.length) ipv6 += IPV6_ADDRESSES_PER_GUEST * (guests || NEIGHBOURS_WITHOUT_IPV4);
  }
  return { ipv4, ipv6 };
}

/** The keys by which a user says that the host forwards for reasons of its own, such as containers. */
const FORWARDING_KEYS: ReadonlyMap<string, IpFamily> = new Map([
  ["net.ipv4.ip_forward", 4],
  ["net.ipv4.conf.all.forwarding", 4],
  ["net.ipv6.conf.all.forwarding", 6],
]);

/**
 * A host forwards where something lies behind it: a gateway address of its own, a prefix that leads to it, or whatever the
 * user has in mind who asks for it in extra.sysctl (FRR would else turn forwarding off when it starts).
 */
function forwardsOf(bridges: readonly Bridge[], owned: readonly OwnedPrefix[], { sysctl }: Extra): Host["forwards"] {
  const asked = sysctl.filter(({ value }) => value !== "0");
  const families = new Set([
    ...bridges.flatMap((bridge) => bridge.addresses.map((each) => familyOf(each.address))),
    ...owned.map((each) => familyOf(each.prefix)),
    ...asked.map(({ key }) => FORWARDING_KEYS.get(key.replaceAll("/", "."))),
  ]);
  return { ipv4: families.has(4), ipv6: families.has(6) };
}

/** Puts one host together. */
export function assembleHost(host: ResolvedHost, parts: Parts, found: Diagnostic[]): Host {
  const { input, reach, publicKey } = host;
  const devices = devicesOf(host, parts);
  const owned = ownedPrefixes(host, parts.subnets);
  const bgp = resolveSpeaker(host, parts.speakers, parts.segments);
  const link = must(parts.interfaces.get(input.name), "every host has an interface");
  return {
    name: input.name,
    id: input.id,
    reach,
    publicKey,
    uplink: input.uplink,
    networkManager: input.networkManager ?? "networkd",
    interfaces: [link],
    vtep: devices.vxlans.length > 0 || bgp.kind === "speaker" ? vtepAddress(host) : undefined,
    bridges: devices.bridges,
    vxlans: devices.vxlans,
    ownedPrefixes: owned,
    forwards: forwardsOf(devices.bridges, owned, input.extra),
    snat: snatOf(host, parts, found),
    unreachable: unreachablePrefixes(input.name, parts.prefixes),
    bgp,
    frrMode: input.frr ?? "complete",
    neighbourCount: neighbourCount(input.name, parts.subnets),
    extra: input.extra,
    origin: input.origin,
  };
}
