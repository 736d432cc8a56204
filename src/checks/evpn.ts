import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf } from "../base/ip.ts";
import { failoverOf } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { peersOf } from "../model/peer.ts";
import type { Gateway, Segment } from "../model/segment.ts";

const gatewayCount = (gateway: Gateway): number => (gateway.kind === "none" ? 0 : gateway.hosts.length);

const ofSegments = (network: Network, check: (segment: Segment) => readonly Diagnostic[]): readonly Diagnostic[] =>
  network.segments.flatMap(check);

/** Several gateways in the default VRF are reachable from inside the segment only, so the user must say that is meant. */
export function oneGatewayLeadsOut(network: Network): readonly Diagnostic[] {
  return ofSegments(network, ({ name, gateway, isIsolated, vrf, origin }) => {
    const count = gatewayCount(gateway);
    if (count < 2 || isIsolated || vrf !== undefined) return [];
    return [diagnostic("gateway-on-several-hosts", { subnet: name, count }, originSpan(origin, "gateway"))];
  });
}

/** One MAC on several VTEPs that learn from traffic flaps between them; EVPN keeps it local. */
export function sharedGatewayNeedsEvpn(network: Network): readonly Diagnostic[] {
  if (network.bgp.kind !== "none") return [];
  return ofSegments(network, ({ name, gateway, origin }) => {
    const count = gatewayCount(gateway);
    if (gateway.kind !== "shared" || count < 2) return [];
    return [diagnostic("gateway-shared-static", { subnet: name, count }, originSpan(origin, "gateway"))];
  });
}

/** systemd-networkd takes at most this many [BridgeFDB] sections (src/network/networkd-bridge-fdb.c). */
const MAX_REMOTE_VTEPS = 1024;

export function floodListFits(network: Network): readonly Diagnostic[] {
  if (network.bgp.kind !== "none") return [];
  return ofSegments(network, ({ name, members, origin }) => {
    if (members.length - 1 <= MAX_REMOTE_VTEPS) return [];
    return [diagnostic("vtep-too-many", { subnet: name, count: members.length }, originSpan(origin, "hosts"))];
  });
}

/** BGP carries EVPN and nothing else where there is one way: without a segment or a VRF it has nothing to say. */
export function evpnHasSegments(network: Network): readonly Diagnostic[] {
  const stretched = network.segments.length + network.vrfs.length;
  if (network.bgp.kind === "none" || stretched > 0 || failoverOf(network) !== undefined) return [];
  if (network.hosts.some((host) => peersOf(host).length > 0)) return [];
  return [diagnostic("bgp-without-vxlan", {}, originSpan(network.bgp.origin))];
}

/** zebra 8.4.4 and 10.3 know the address of an IPv6 VTEP as 0.0.0.0, and bgpd announces the router-id in its place. */
export function evpnHasIpv4Vteps(network: Network): readonly Diagnostic[] {
  // A host without an address in such a pool has an id that is too large for it, which is said of that.
  const hasIpv4 = network.prefixes.some(({ prefix, use }) => use.kind === "pool" && familyOf(prefix) === 4);
  if (network.bgp.kind === "none" || hasIpv4) return [];
  const { origin: bgp } = network.bgp;
  return [...network.segments, ...network.vrfs].flatMap(({ name, vtepFamily, members, origin }) => {
    if (vtepFamily === 4 || members.length === 0) return [];
    const related = [{ message: "bgp is asked for here", span: originSpan(bgp) }];
    return [diagnostic("evpn-without-ipv4", { subnet: name }, originSpan(origin), related)];
  });
}
