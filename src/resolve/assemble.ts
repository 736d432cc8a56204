/** One host of the model, from everything that was resolved about it. */
import { must } from "../base/invariant.ts";
import { comparePrefixes, type IpAddress, type IpPrefix } from "../base/ip.ts";
import { sortedBy } from "../base/text.ts";
import type { MtuBytes, UdpPort } from "../base/units.ts";
import type { Bridge, VxlanDevice, WireguardInterface } from "../model/device.ts";
import type { GuardedService, Host, OwnedPrefix, SourceNat } from "../model/host.ts";
import type { OverlayPrefix } from "../model/network.ts";
import { type Ovn, ovnRolesOf } from "../model/ovn.ts";
import type { PathIndex } from "../model/path.ts";
import type { Segment } from "../model/segment.ts";
import type { Vrf } from "../model/vrf.ts";
import { hasSdn, lanInterfaceOf, platformOf } from "../topology/hosts.ts";
import type { Lan } from "../topology/lans.ts";
import type { Pair } from "../topology/pairs.ts";
import type { HostInput } from "../topology/topology.ts";
import { resolveSpeaker, type Speakers } from "./bgp/evpn.ts";
import { resolvePeers, withPeers } from "./bgp/peers.ts";
import { type Routing, resolveRoutingSpeaker } from "./bgp/unicast.ts";
import { type EgressParts, egressSnat, resolveAppExits, resolveEgress, resolveOwnExit } from "./egress.ts";
import { resolveApp } from "./hosts/app.ts";
import { forwardsOf } from "./hosts/forwarding.ts";
import type { ResolvedHost } from "./hosts/hosts.ts";
import { platformDefaults, programsOf } from "./hosts/platform.ts";
import { resolveVrrp } from "./hosts/vrrp.ts";
import { resolveNode } from "./kubernetes.ts";
import { type LanParts, lanRoutesOf } from "./lans.ts";
import { containerNetworks } from "./subnets/containers.ts";
import { cutOf, routedBridge, segmentBridge, segmentFlooding, vtepAddress, vxlanDevice } from "./subnets/devices.ts";
import { neighbourCount } from "./subnets/neighbours.ts";
import type { TargetsOn } from "./subnets/route-targets.ts";
import { vnetDevice } from "./subnets/sdn.ts";
import type { ResolvedSubnet } from "./subnets/subnets.ts";
import { vlanBridges } from "./subnets/vlan-bridges.ts";
import { exitSnat, vrfInstances } from "./subnets/vrfs.ts";
import type { Interfaces, Tunnels } from "./tunnels/tunnels.ts";
import { mergedUnreachable, unreachablePrefixes } from "./unreachable.ts";

/** Everything resolved about the network before the hosts are put together. */
export interface Parts {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly interfaces: Interfaces;
  readonly relays: Tunnels["relays"];
  readonly merging: Tunnels["merging"];
  /** {@link Parts.routed} as few prefixes; empty where nobody needs them merged. */
  readonly merged: readonly IpPrefix[];
  readonly subnets: readonly ResolvedSubnet[];
  readonly segments: readonly Segment[];
  readonly segmentsByName: ReadonlyMap<string, Segment>;
  readonly vrfs: readonly Vrf[];
  /** The VRFs of each host that is in one, by its name. */
  readonly vrfsOf: ReadonlyMap<string, readonly Vrf[]>;
  /** VTEP addresses of each segment, by its name. */
  readonly vteps: ReadonlyMap<string, readonly IpAddress[]>;
  readonly speakers: Speakers | undefined;
  readonly vxlanPort: UdpPort;
  /** What nodes of Kubernetes give to pods. */
  readonly pods: readonly IpPrefix[];
  readonly targetsOn: TargetsOn;
  readonly hasEvpn: boolean;
  /** All that the overlay claims. */
  readonly prefixes: readonly OverlayPrefix[];
  /** Those of no VRF, which the hosts themselves route. */
  readonly routed: readonly OverlayPrefix[];
  readonly lans: readonly Lan[];
  readonly siteRoutes: LanParts["siteRoutes"];
  readonly paths: PathIndex;
  readonly pairs: readonly Pair[];
  /** What lies behind each host for others: see {@link ownedPrefixes}. */
  readonly owned: ReadonlyMap<string, readonly OwnedPrefix[]>;
  readonly egress: EgressParts;
  readonly ovn: Ovn | undefined;
  /** `undefined`: routes follow AllowedIPs. */
  readonly routing: Routing | undefined;
}

/** What goes into any of the tunnels; `undefined` without one. */
function smallestMtu(tunnels: readonly WireguardInterface[]): MtuBytes | undefined {
  const sizes = tunnels.flatMap(({ mtu, smallerPeers }) => [mtu, ...smallerPeers.map((peer) => peer.mtu)]);
  return sizes.sort((a, b) => a - b)[0];
}

function devicesOf(host: ResolvedHost, parts: Parts): Pick<Host, "bridges" | "vxlans" | "containers"> {
  const bridges: Bridge[] = [];
  const vxlans: VxlanDevice[] = [];
  const tunnels = must(parts.interfaces.get(host.input.name), "every host has a list of interfaces");
  const tunnelMtu = smallestMtu(tunnels);
  for (const subnet of parts.subnets) {
    if (!subnet.isMember.has(host.input.name)) continue;
    const segment = parts.segmentsByName.get(subnet.input.name);
    const bridge = segment ? segmentBridge(segment, subnet, host) : routedBridge(subnet, host, tunnelMtu);
    if (bridge === undefined) continue;
    bridges.push(bridge);
    if (segment === undefined || vtepAddress(host) === undefined) continue;
    const vteps = must(parts.vteps.get(segment.name), "every segment has a list of VTEPs");
    const floodingFrom = segmentFlooding(segment, vteps, parts.hasEvpn);
    const name = hasSdn(host.input) ? vnetDevice(bridge.name) : `vx${segment.vni}`;
    const cut = cutOf(segment);
    const use = { name, bridge: bridge.name, vlan: bridge.vlan, port: parts.vxlanPort, cut, floodingFrom };
    vxlans.push(vxlanDevice(segment, host, use));
  }
  const containers = containerNetworks(host, parts.subnets, { bridges, tunnelMtu });
  return { bridges: sortedBy(bridges, ({ link }) => link), vxlans: vxlans.sort((a, b) => a.vni - b.vni), containers };
}

/** Masquerading for the subnets that ask for it, on the hosts that their guests leave by: these have an uplink, by a law. */
function snatOf({ input: { name, uplink } }: ResolvedHost, { subnets }: Parts): readonly SourceNat[] {
  if (uplink === undefined) return [];
  return subnets
    .filter(({ input }) => input.hasSnat)
    .flatMap(({ input, owned, gatewayAddresses }) => {
      const isGateway = (gatewayAddresses.get(name) ?? []).length > 0;
      const ofSegment = isGateway ? input.prefixes.map((each) => each.value) : [];
      const prefixes = input.vxlan === undefined ? (owned.get(name) ?? []) : ofSegment;
      return prefixes.map((prefix) => ({ prefix, to: undefined, uplink }));
    });
}

/** What must not leave the host by another way than the tunnel or the bridge that leads there. */
const unreachableOf = (host: HostInput, owned: readonly OwnedPrefix[], parts: Parts): readonly IpPrefix[] =>
  parts.merging.has(host.name) ? mergedUnreachable(host, parts, owned) : unreachablePrefixes(host, parts.routed);

function guardOpen({ guardOpen: open }: HostInput): Host["guardOpen"] {
  const of = (service: GuardedService) => (open?.[service] ?? []).map(({ value }) => value).sort(comparePrefixes);
  return { vxlan: of("vxlan"), bgp: of("bgp"), bfd: of("bfd") };
}

const healthGateOf = ({ healthGate: gate }: HostInput): Host["healthGate"] =>
  gate && { failures: gate.failures ?? 5, run: gate.run, recovers: gate.recovers ?? false };

function isInOvn(name: string, ovn: Ovn | undefined): boolean {
  const { isChassis, isCentral } = ovnRolesOf(ovn, name);
  return isChassis || isCentral;
}

/** Who says so, and whose containers are Docker's. */
const hasDocker = ({ hasDocker: said }: HostInput, containers: Host["containers"]): boolean =>
  (said ?? false) || containers.some(({ program }) => program === "docker");

/** Puts one host together. */
export function assembleHost(host: ResolvedHost, parts: Parts): Host {
  const { input, reach, publicKey } = host;
  const platform = platformOf(input);
  const defaults = platformDefaults(platform);
  const { bridges, vxlans, containers } = devicesOf(host, parts);
  const owned = must(parts.owned.get(input.name), "every host has a list of prefixes");
  const relayed = parts.relays.has(input.name) ? parts.routed : [];
  const peers = resolvePeers(host, bridges, { ...parts, isRouting: parts.routing !== undefined });
  const vrfs = vrfInstances(host, parts, peers);
  const exit = resolveOwnExit(input.name, owned, parts.egress);
  const egress = resolveEgress(host, parts.egress);
  const exits = [exit, ...(egress?.remotes ?? []).map(({ own }) => own)];
  const interfaces = must(parts.interfaces.get(input.name), "every host has a list of interfaces");
  const kubernetes = resolveNode(input.kubernetes, interfaces, parts.pods);
  const forwards = forwardsOf({ bridges, owned, relayed, vrfs, exits, peers, kubernetes }, input.extra);
  const networkManager = input.networkManager ?? defaults.networkManager;
  const { routing } = parts;
  const speaker =
    routing === undefined ? resolveSpeaker(host, parts.speakers, parts) : resolveRoutingSpeaker(host, routing, parts);
  const bgp = withPeers(speaker, peers);
  const app = resolveApp(host, resolveAppExits(host, parts.egress));
  const isVtep = vxlans.length + vrfs.length > 0 || bgp.kind !== "none" || isInOvn(input.name, parts.ovn);
  return {
    name: input.name,
    platform,
    programs: programsOf(platform, input.programs),
    id: input.id,
    reach,
    publicKey,
    keyStore: input.keyStore ?? "file",
    uplink: input.uplink,
    lanInterface: lanInterfaceOf(input),
    networkManager,
    acceptsRa: app === undefined && forwards.ipv6 && (input.acceptsRa ?? networkManager === "other"),
    hasDocker: hasDocker(input, containers),
    hasMetrics: input.hasMetrics ?? false,
    healthGate: healthGateOf(input),
    guardOpen: guardOpen(input),
    kubernetes,
    interfaces,
    vtep: isVtep ? vtepAddress(host) : undefined,
    bridges,
    vlanBridges: vlanBridges(bridges, input.id),
    vxlans,
    containers,
    vrfs,
    ownedPrefixes: owned,
    forwards,
    exit,
    egress,
    snat: [...snatOf(host, parts), ...exitSnat(vrfs), ...egressSnat(host, { exit, egress }, parts.egress)],
    unreachable: app === undefined ? unreachableOf(input, owned, parts) : [],
    lanRoutes: lanRoutesOf(host, parts),
    vrrp: resolveVrrp(input, parts.pairs),
    bgp,
    app,
    frrMode: input.frr ?? defaults.frrMode,
    segmentsBy: hasSdn(input) ? "proxmox-sdn" : "netgen",
    neighbourCount: neighbourCount(input.name, parts.subnets),
    extra: input.extra,
    origin: input.origin,
  };
}
