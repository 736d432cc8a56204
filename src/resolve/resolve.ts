/** Decides every default and every consequence: topology in, model out. The only place that knows a shape. */
import type { Diagnostic, Result } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { comparePrefixes } from "../base/ip.ts";
import { compareText, sortedBy } from "../base/text.ts";
import { mtuBytes, udpPort } from "../base/units.ts";
import type { Network, OverlayPrefix, Site, Underlay } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { indexPaths } from "../model/tunnel.ts";
import type { Topology } from "../validate/topology.ts";
import { assembleHost, ownedPrefixes, type Parts } from "./assemble.ts";
import { findSpeakers, resolveBgp } from "./control.ts";
import { type ResolvedHost, type ResolveOptions, resolveHosts } from "./hosts.ts";
import { type InterfaceSettings, type Peering, resolveMesh } from "./peering.ts";
import { resolveSegments, vtepsBySegment } from "./segments.ts";
import { checkShape } from "./shape.ts";
import { resolveSubnet } from "./subnets.ts";

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

function resolveSettings({ wireguard }: Topology): InterfaceSettings {
  return {
    name: wireguard.interface ?? DEFAULT_INTERFACE,
    listenPort: wireguard.listenPort ?? DEFAULT_LISTEN_PORT,
    hasPresharedKeys: wireguard.presharedKeys ?? false,
  };
}

/** Every prefix that the overlay claims, as it was declared. */
function overlayPrefixes(topology: Topology): readonly OverlayPrefix[] {
  const pools = topology.wireguard.addresses.map(
    ({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "pool" }, span }),
  );
  const subnets = topology.subnets.flatMap(({ name, prefixes }) =>
    prefixes.map(({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "subnet", subnet: name }, span })),
  );
  const routes = topology.hosts.flatMap(({ name, routes: behind }) =>
    behind.map(({ value: prefix, span }): OverlayPrefix => ({ prefix, use: { kind: "route", host: name }, span })),
  );
  return [...pools, ...subnets, ...routes].sort((a, b) => comparePrefixes(a.prefix, b.prefix));
}

/** The places of the topology's own keys, those below `wireguard` among them. */
function originOf({ origin, wireguard }: Topology): Network["origin"] {
  const below = Object.entries(wireguard.origin).filter(([field]) => field !== "");
  return { ...origin, ...Object.fromEntries(below.map(([field, span]) => [`wireguard/${field}`, span])) };
}

interface Below {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly subnets: Parts["subnets"];
  readonly peering: Peering;
}

function resolveParts(topology: Topology, { hosts, subnets, peering }: Below): Parts {
  const { interfaces } = peering;
  const segments = resolveSegments(subnets, { hosts, interfaces });
  return {
    hosts,
    interfaces,
    subnets,
    segments,
    vteps: vtepsBySegment(segments, hosts),
    speakers: findSpeakers(topology, [...hosts.values()], segments),
    hasEvpn: topology.bgp !== undefined,
    prefixes: overlayPrefixes(topology),
  };
}

/** Topology → model. Always gives a model, so that the checks can go on; with errors it is not fit to be emitted. */
export function resolveNetwork(topology: Topology, options: ResolveOptions): Result<Network> {
  const found: Diagnostic[] = [];
  const underlay = resolveUnderlay(topology);
  const sites = sortedBy(topology.sites, (site) => site.name) satisfies readonly Site[];
  const settings = resolveSettings(topology);
  const hosts = new Map(
    resolveHosts(topology, settings.listenPort, options, found).map((host) => [host.input.name, host]),
  );
  const subnets = sortedBy(topology.subnets, (subnet) => subnet.name).map((each) => resolveSubnet(each, hosts, found));
  for (const subnet of subnets) checkShape(subnet, found);
  const owned = new Map(
    [...hosts].map(([name, host]) => [name, ownedPrefixes(host, subnets).map((each) => each.prefix)]),
  );
  const paths = indexPaths(underlay, sites);
  const span = originSpan(topology.origin, "wireguard/shape");
  const peering = resolveMesh([...hosts.values()], owned, { settings, paths, found, span });
  const parts = resolveParts(topology, { hosts, subnets, peering });
  const network: Network = {
    name: topology.name,
    underlay,
    sites,
    hosts: [...hosts.values()].map((host) => assembleHost(host, parts, found)),
    peers: peering.peers,
    segments: parts.segments,
    prefixes: parts.prefixes,
    bgp: resolveBgp(topology),
    guardAllowFrom: [...topology.guardAllowFrom].sort(comparePrefixes),
    origin: originOf(topology),
  };
  return { value: network, diagnostics: found };
}
