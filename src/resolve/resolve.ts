/** Decides every default and every consequence: topology in, model out. {@link resolveNetwork} is the order in which. */
import type { Result } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { comparePrefixes, mergePrefixes } from "../base/ip.ts";
import { compareText, sortedBy } from "../base/text.ts";
import { mtuBytes } from "../base/units.ts";
import { VXLAN_PORT } from "../model/device.ts";
import type { Network, Site, Underlay } from "../model/network.ts";
import { OVN_BRIDGE } from "../model/ovn.ts";
import { indexPaths } from "../model/path.ts";
import { podPrefixes } from "../topology/kubernetes.ts";
import { type Lan, resolveLans } from "../topology/lans.ts";
import { type Pair, resolvePairs } from "../topology/pairs.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { SiteInput, Topology } from "../topology/topology.ts";
import { assembleHost, type Parts } from "./assemble.ts";
import { createTargetsOn } from "./bgp/autonomous.ts";
import { findSpeakers, resolveBgp } from "./bgp/evpn.ts";
import { type Dynamic, dynamicBgp, resolveDynamic, routingOf } from "./dynamic-class.ts";
import { egressWishes, strictOrders } from "./egress.ts";
import { resolveExits, resolveRemotes } from "./hosts/exits.ts";
import { type ResolvedHost, type ResolveOptions, resolveHosts } from "./hosts/hosts.ts";
import { resolveCluster } from "./kubernetes.ts";
import { siteRoutes } from "./lans.ts";
import { outerPrefixes, overlayPrefixes, ownedPrefixes, parentPrefixes } from "./prefixes.ts";
import { resolveOvn } from "./subnets/ovn.ts";
import { withZoneMacs } from "./subnets/sdn.ts";
import { resolveSegments, vtepsBySegment } from "./subnets/segments.ts";
import { resolveSubnets } from "./subnets/subnets.ts";
import { resolveVrfs, vrfsByMember } from "./subnets/vrfs.ts";
import { resolveStaticTunnels, type StaticGrounds } from "./tunnels/static-tunnels.ts";
import type { InterfaceSettings, Tunnels } from "./tunnels/tunnels.ts";

const DEFAULT_PATH_MTU = must(mtuBytes(1500), "1500 is an MTU");
/** That of a fleet has its number, before one that the dynamic class replaces: `wg2-0`, which no other fleet has. */
const defaultInterface = ({ fleet }: Topology): string => (fleet === undefined ? "wg0" : `wg${fleet}-0`);

function resolveUnderlay({ underlay }: Topology): Underlay {
  return {
    pathMtu: underlay.pathMtu ?? DEFAULT_PATH_MTU,
    ipVersion: underlay.ipVersion ?? "auto",
    paths: [...underlay.paths].sort((a, b) => compareText(a.between.join(" "), b.between.join(" ")) || a.mtu - b.mtu),
  };
}

// What its spokes prefer stands with them.
const resolveSite = ({ hubs: _, ...site }: SiteInput): Omit<Site, "routes"> => ({
  ...site,
  lan: site.lan.map(({ value }) => value),
  gateways: site.gateways.map(({ value }) => value),
});

function resolveSettings(topology: Topology): InterfaceSettings {
  const { wireguard } = topology;
  return {
    name: wireguard.interface ?? defaultInterface(topology),
    hasPresharedKeys: wireguard.presharedKeys ?? false,
    hasPeerMtus: wireguard.mtu === "per-peer",
  };
}

/** The tunnels of either class; `dynamic`: what BGP is made from as well, where it routes. */
function resolveTunnels(
  topology: Topology,
  hosts: readonly ResolvedHost[],
  grounds: StaticGrounds,
): Result<{ readonly tunnels: Tunnels; readonly dynamic: Dynamic | undefined }> {
  if (routingClass(topology).kind === "static") {
    const { value: tunnels, diagnostics } = resolveStaticTunnels(topology, hosts, grounds);
    return { value: { tunnels, dynamic: undefined }, diagnostics };
  }
  const { value: dynamic, diagnostics } = resolveDynamic(topology, hosts, grounds);
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
  readonly paths: Parts["paths"];
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
  const exits = resolveExits(topology.exits, hosts);
  const remotes = resolveRemotes(topology, hosts);
  const isStrict = strictOrders(topology);
  const peersById = new Map(tunnels.peers.map((peer) => [peer.id, peer]));
  const segments = withZoneMacs(resolveSegments(subnets, { hosts, interfaces, between }), topology);
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
    vxlanPort: topology.vxlanPort ?? VXLAN_PORT,
    pods: podPrefixes(topology.kubernetes),
    targetsOn: createTargetsOn(topology, hosts),
    speakers: findSpeakers(topology, [...hosts.values()], stretched),
    egress: { exits, remotes, isStrict, routed, hosts, wishes: egressWishes(hosts, subnets), interfaces, peersById },
    siteRoutes: siteRoutes(below.lans, below),
    ovn: resolveOvn(topology, { hosts, interfaces, between }),
    hasEvpn: topology.bgp !== undefined,
    routing: dynamic && routingOf(dynamic, { topology, hosts: [...hosts.values()], stretched, owned, routed }),
  };
}

/** By which guests of OVN enter the overlay. */
const ovnLinks = (ovn: Parts["ovn"]): readonly string[] =>
  ovn?.networks.some(({ gateways }) => gateways.length > 0) ? [OVN_BRIDGE] : [];

/** Topology → model. Always gives a model, so that the checks can go on; with errors it is not fit to be emitted. */
export function resolveNetwork(topology: Topology, options: ResolveOptions): Result<Network> {
  const underlay = resolveUnderlay(topology);
  const sites = sortedBy(topology.sites, (site) => site.name).map(resolveSite);
  const settings = resolveSettings(topology);
  const { value: hosts, diagnostics: ofKeys } = resolveHosts(topology, options);
  const subnets = resolveSubnets(topology);
  const [lans, pairs] = [resolveLans(topology), resolvePairs(topology)];
  const prefixes = overlayPrefixes(topology, lans);
  const routed = prefixes.filter(({ vrf, use }) => vrf === undefined && use.kind !== "remote");
  const owned = ownedPrefixes(topology.hosts, subnets, lans);
  const parents = parentPrefixes(routed, subnets);
  const paths = indexPaths(underlay, sites);
  const outer = outerPrefixes(routed);
  const grounds = { settings, paths, owned, parents, outer, lans, pairs };
  const { value: made, diagnostics: ofTunnels } = resolveTunnels(topology, [...hosts.values()], grounds);
  const parts = resolveParts(topology, { ...made, hosts, subnets, lans, paths, pairs, owned, prefixes, routed });
  const network: Network = {
    name: topology.name,
    fleet: topology.fleet,
    underlay,
    sites: sites.map((site) => ({ ...site, routes: parts.siteRoutes.get(site.name) ?? [] })),
    hosts: [...hosts.values()].map((host) => assembleHost(host, parts)),
    peers: made.tunnels.peers,
    segments: parts.segments,
    vrfs: parts.vrfs,
    exits: parts.egress.exits,
    remotes: parts.egress.remotes,
    ovn: parts.ovn,
    prefixes,
    bgp: made.dynamic === undefined ? resolveBgp(topology) : dynamicBgp(topology),
    kubernetes: resolveCluster(topology, { hosts, ...made.tunnels }),
    guardAllowFrom: topology.guardAllowFrom.map(({ value }) => value).sort(comparePrefixes),
    guardInterfaces: [...new Set([...topology.guardInterfaces, ...ovnLinks(parts.ovn)])].sort(compareText),
    origin: originOf(topology),
  };
  return { value: network, diagnostics: [...ofKeys, ...ofTunnels] };
}
