/** Decides every default and every consequence: topology in, model out. The only place that knows a shape. */
import type { Diagnostic, Result } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { comparePrefixes, type IpPrefix, mergePrefixes } from "../base/ip.ts";
import { compareText, sortedBy } from "../base/text.ts";
import { mtuBytes, udpPort } from "../base/units.ts";
import type { Network, OverlayPrefix, Site, Underlay } from "../model/network.ts";
import { indexPaths, type PathIndex } from "../model/tunnel.ts";
import { type Lan, resolveLans } from "../topology/lans.ts";
import { createMembers } from "../topology/members.ts";
import { type Pair, resolvePairs } from "../topology/pairs.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { SiteInput, Topology } from "../topology/topology.ts";
import { assembleHost, ownedPrefixes, type Parts } from "./assemble.ts";
import { findSpeakers, resolveBgp } from "./bgp/evpn.ts";
import { type Dynamic, dynamicBgp, resolveDynamic, routingOf, transitPrefixes } from "./dynamic-class.ts";
import { type ResolvedHost, type ResolveOptions, resolveHosts } from "./hosts/hosts.ts";
import { lanOverlayPrefixes, lanPrefixesBehind } from "./lans.ts";
import { resolveSegments, vtepsBySegment } from "./subnets/segments.ts";
import { resolveSubnet } from "./subnets/subnets.ts";
import { resolveVrfs, vrfsByMember } from "./subnets/vrfs.ts";
import { resolveStaticTunnels } from "./tunnels/static-tunnels.ts";
import type { InterfaceSettings, Tunnels } from "./tunnels/tunnels.ts";

const DEFAULT_PATH_MTU = must(mtuBytes(1500), "1500 is an MTU");
/** What WireGuard's own documentation uses throughout; IANA has given it to nobody. */
const DEFAULT_LISTEN_PORT = must(udpPort(51_820), "51820 is a port");
const DEFAULT_INTERFACE = "wg0";

function resolveUnderlay({ underlay }: Topology): Underlay {
  return {
    pathMtu: underlay.pathMtu ?? DEFAULT_PATH_MTU,
    ipVersion: underlay.ipVersion ?? "auto",
    paths: [...underlay.paths].sort((a, b) => compareText(a.between.join(" "), b.between.join(" ")) || a.mtu - b.mtu),
  };
}

const resolveSite = (site: SiteInput): Site => ({
  ...site,
  lan: site.lan.map(({ value }) => value),
  gateways: site.gateways.map(({ value }) => value),
});

function resolveSettings({ wireguard }: Topology): InterfaceSettings {
  return {
    name: wireguard.interface ?? DEFAULT_INTERFACE,
    listenPort: wireguard.listenPort ?? DEFAULT_LISTEN_PORT,
    hasPresharedKeys: wireguard.presharedKeys ?? false,
    hasPeerMtus: wireguard.mtu === "per-peer",
  };
}

/** Every prefix that the overlay claims, as it was declared. */
function overlayPrefixes(topology: Topology, lans: readonly Lan[]): readonly OverlayPrefix[] {
  const pools = topology.wireguard.addresses.map(
    ({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "pool" }, vrf: undefined, span }),
  );
  const subnets = topology.subnets.flatMap(({ name, prefixes, vrf }) => {
    const use = { kind: "subnet", subnet: name } as const;
    return prefixes.map(({ value: prefix, span }): OverlayPrefix => ({ prefix, use, vrf: vrf?.value, span }));
  });
  const routes = topology.hosts.flatMap(({ name, routes: behind }) => {
    const use = { kind: "route", host: name } as const;
    return behind.map(({ value: prefix, vrf, span }): OverlayPrefix => ({ prefix, use, vrf: vrf?.value, span }));
  });
  return [...pools, ...transitPrefixes(topology), ...subnets, ...routes, ...lanOverlayPrefixes(lans)].sort((a, b) =>
    comparePrefixes(a.prefix, b.prefix),
  );
}

/** Prefixes of which any host owns a part, as they were declared, and the pools: all that AllowedIPs can hold. */
function parentPrefixes(routed: readonly OverlayPrefix[], subnets: Parts["subnets"]): readonly IpPrefix[] {
  const isOwned = new Map(subnets.map(({ input, owned }) => [input.name, owned.size > 0]));
  return routed.filter(({ use }) => use.kind !== "subnet" || isOwned.get(use.subnet)).map(({ prefix }) => prefix);
}

/** What tunnels are made from. */
interface Ground {
  readonly settings: InterfaceSettings;
  readonly paths: PathIndex;
  readonly owned: Parts["owned"];
  readonly parents: readonly IpPrefix[];
  readonly lans: readonly Lan[];
  readonly pairs: readonly Pair[];
}

/** The tunnels of either class; `dynamic`: what BGP is made from as well, where it routes. */
function resolveTunnels(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  ground: Ground,
): Result<{ readonly tunnels: Tunnels; readonly dynamic: Dynamic | undefined }> {
  if (routingClass(topology).kind === "static") {
    const { value: tunnels, diagnostics } = resolveStaticTunnels(topology, hosts, ground);
    return { value: { tunnels, dynamic: undefined }, diagnostics };
  }
  const { value: dynamic, diagnostics } = resolveDynamic(topology, hosts, ground);
  return { value: { tunnels: dynamic.tunnels, dynamic }, diagnostics };
}

/** The places of the topology's own keys, those below `wireguard` among them. */
function originOf({ origin, wireguard }: Topology): Network["origin"] {
  const below = Object.entries(wireguard.origin).filter(([field]) => field !== "");
  return { ...origin, ...Object.fromEntries(below.map(([field, span]) => [`wireguard/${field}`, span])) };
}

interface Below {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly subnets: Parts["subnets"];
  readonly tunnels: Tunnels;
  readonly lans: readonly Lan[];
  readonly pairs: readonly Pair[];
  readonly owned: Parts["owned"];
  readonly prefixes: Parts["prefixes"];
  readonly routed: Parts["routed"];
  /** `undefined`: there is one way between any two hosts. */
  readonly dynamic: Dynamic | undefined;
}

function resolveParts(topology: Topology, { tunnels, dynamic, ...below }: Below): Parts {
  const { hosts, subnets, owned, prefixes, routed } = below;
  const { interfaces, relays, merging, between } = tunnels;
  const segments = resolveSegments(subnets, { hosts, interfaces, between });
  const vrfs = resolveVrfs(topology, { hosts, interfaces, between, subnets, prefixes });
  const stretched = [...segments, ...vrfs];
  return {
    ...below,
    interfaces,
    relays,
    merging,
    merged: merging.size === 0 ? [] : mergePrefixes(routed.map(({ prefix }) => prefix)),
    segments,
    segmentsByName: new Map(segments.map((segment) => [segment.name, segment])),
    vteps: vtepsBySegment(segments, hosts),
    vrfs,
    vrfsOf: vrfsByMember(vrfs),
    speakers: findSpeakers(topology, [...hosts.values()], stretched),
    hasEvpn: topology.bgp !== undefined,
    routing: dynamic && routingOf(dynamic, { topology, hosts: [...hosts.values()], stretched, owned, routed }),
  };
}

/** Topology → model. Always gives a model, so that the checks can go on; with errors it is not fit to be emitted. */
export function resolveNetwork(topology: Topology, options: ResolveOptions): Result<Network> {
  const found: Diagnostic[] = [];
  const underlay = resolveUnderlay(topology);
  const sites = sortedBy(topology.sites, (site) => site.name).map(resolveSite);
  const settings = resolveSettings(topology);
  const hosts = new Map(
    resolveHosts(topology, settings.listenPort, options, found).map((host) => [host.input.name, host]),
  );
  const membersOf = createMembers(topology);
  const subnets = sortedBy(topology.subnets, (subnet) => subnet.name).map((each) =>
    resolveSubnet(each, { hosts, membersOf }, found),
  );
  const [lans, pairs] = [resolveLans(topology), resolvePairs(topology)];
  const behind = lanPrefixesBehind(lans);
  const owned = new Map([...hosts].map(([name, host]) => [name, ownedPrefixes(host, subnets, behind.get(name) ?? [])]));
  const paths = indexPaths(underlay, sites);
  const prefixes = overlayPrefixes(topology, lans);
  const routed = prefixes.filter(({ vrf }) => vrf === undefined);
  const { value: made, diagnostics } = resolveTunnels(topology, [...hosts.values()], {
    settings,
    paths,
    owned,
    parents: parentPrefixes(routed, subnets),
    lans,
    pairs,
  });
  found.push(...diagnostics);
  const { tunnels, dynamic } = made;
  const parts = resolveParts(topology, { hosts, subnets, tunnels, lans, pairs, owned, prefixes, routed, dynamic });
  const network: Network = {
    name: topology.name,
    underlay,
    sites,
    hosts: [...hosts.values()].map((host) => assembleHost(host, parts, found)),
    peers: tunnels.peers,
    segments: parts.segments,
    vrfs: parts.vrfs,
    prefixes: parts.prefixes,
    bgp: dynamic === undefined ? resolveBgp(topology) : dynamicBgp(topology),
    guardAllowFrom: [...topology.guardAllowFrom].sort(comparePrefixes),
    origin: originOf(topology),
  };
  return { value: network, diagnostics: found };
}
