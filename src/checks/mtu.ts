import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { familyOf } from "../base/ip.ts";
import { IPV6_MINIMUM_MTU, vxlanOverheadBytes } from "../base/mtu.ts";
import type { Span } from "../base/source.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { indexPaths } from "../model/path.ts";
import type { Segment } from "../model/segment.ts";
import { createMeeting, type Tunnel, tunnelBetween } from "../model/tunnel.ts";

const hostsByName = (network: Network): ReadonlyMap<string, Host> =>
  new Map(network.hosts.map((host) => [host.name, host]));

/** A path that joins a host with itself says nothing. */
export function pathsAreUsed(network: Network): readonly Diagnostic[] {
  const names = hostsByName(network);
  return network.underlay.paths
    .filter(({ between: [a, b] }) => a === b && names.has(a))
    .map(({ between: [a], origin }) =>
      diagnostic("path-unused", { reason: `both ends are the host ${a}` }, originSpan(origin)),
    );
}

/** Of two that are one peer to all others the first is measured for both. */
export function pathsAreOfOnePeer(network: Network): readonly Diagnostic[] {
  const named = hostsByName(network);
  const first = new Map(
    network.hosts.flatMap(({ name, vrrp }) => {
      const other = vrrp?.isExclusive ? named.get(vrrp.other.host) : undefined;
      return vrrp !== undefined && other?.vrrp !== undefined && vrrp.priority < other.vrrp.priority
        ? [[name, other.name] as const]
        : [];
    }),
  );
  return network.underlay.paths.flatMap(({ between, origin }) => {
    const second = between.find((end) => first.has(end));
    if (second === undefined) return [];
    const reason = `${second} is one peer with ${first.get(second)}, whose paths count for both`;
    return [diagnostic("path-unused", { reason }, originSpan(origin))];
  });
}

/** Where the number of a tunnel was written: with a path or a site, else the default. */
const tunnelSpan = (network: Network, { path }: Tunnel): Span =>
  path.written ? originSpan(path.written.origin, path.written.field) : originSpan(network.origin, "underlay/pathMtu");

/** Gives the function that finds the tunnel by which one host limits another. */
function createLimitingTunnel(network: Network): (a: Host, b: Host) => Tunnel {
  const [paths, meeting] = [indexPaths(network.underlay, network.sites), createMeeting(network)];
  return (a, b) =>
    must(tunnelBetween(paths, a.reach, b.reach, meeting(a, b)), "a peer that limits an interface has a tunnel");
}

const carriesIpv6 = (host: Host): boolean =>
  [...host.interfaces.flatMap((link) => link.addresses), ...poolAddresses(host)].some(
    ({ address }) => familyOf(address) === 6,
  );

/** The peers to which a host has less than IPv6 needs: the one that sets its interface, or those that routes hold to less. */
function peersBelowIpv6({ interfaces }: Host): readonly string[] {
  return interfaces.flatMap(({ mtu, limitingPeer, smallerPeers }) => {
    if (mtu < IPV6_MINIMUM_MTU) return limitingPeer === undefined ? [] : [limitingPeer];
    return smallerPeers.filter((peer) => peer.mtu < IPV6_MINIMUM_MTU).map(({ host }) => host);
  });
}

/** A host alone has the tunnel that a first peer would get. */
function firstTunnelCarriesIpv6(network: Network): readonly Diagnostic[] {
  const [host, second] = network.hosts.filter(({ interfaces }) => interfaces.length > 0);
  const mtu = host?.interfaces[0]?.mtu;
  if (host === undefined || mtu === undefined || second !== undefined || mtu >= IPV6_MINIMUM_MTU) return [];
  const { pathMtu: path } = network.underlay;
  const overhead = path - mtu;
  const sum = { mtu, path, overhead, minimum: IPV6_MINIMUM_MTU, needed: IPV6_MINIMUM_MTU + overhead };
  const params = { host: host.name, other: "a first peer", ...sum };
  return carriesIpv6(host)
    ? [diagnostic("mtu-wireguard-below-ipv6", params, originSpan(network.origin, "underlay/pathMtu"))]
    : [];
}

/** Linux takes IPv6 addresses off an interface below 1280 bytes, without a word, and cuts no packet to less (RFC 8200 §5). */
export function tunnelsCarryIpv6(network: Network): readonly Diagnostic[] {
  const hosts = hostsByName(network);
  const limitingTunnel = createLimitingTunnel(network);
  const anyIpv6 = network.hosts.some((host) => host.ownedPrefixes.some(({ prefix }) => familyOf(prefix) === 6));
  const found = new Map<string, Diagnostic>();
  for (const host of network.hosts) {
    if (!(anyIpv6 || carriesIpv6(host))) continue;
    for (const name of peersBelowIpv6(host)) {
      const key = [host.name, name].sort().join(" ");
      if (found.has(key)) continue;
      const tunnel = limitingTunnel(host, must(hosts.get(name), "a peer is a host"));
      const { path, overheadBytes, mtu } = tunnel;
      const params = {
        host: host.name,
        other: name,
        mtu,
        path: path.mtu,
        overhead: overheadBytes,
        minimum: IPV6_MINIMUM_MTU,
        needed: IPV6_MINIMUM_MTU + overheadBytes,
      };
      found.set(key, diagnostic("mtu-wireguard-below-ipv6", params, tunnelSpan(network, tunnel)));
    }
  }
  return [...found.values(), ...firstTunnelCarriesIpv6(network)];
}

/** What a check of an MTU has to know of a segment. */
type Carrier = Pick<Segment, "name" | "members" | "prefixes" | "mtu" | "vtepFamily" | "isTagged" | "origin">;

/** The sum that gave a segment its MTU, and the smallest path that would give it `wanted` bytes. */
export function explain(network: Network, segment: Carrier, wanted: number) {
  const [name, otherName] = segment.mtu.limitingPair;
  const vxlan = vxlanOverheadBytes(segment.vtepFamily, segment.isTagged);
  const hosts = hostsByName(network);
  const [host, other] = [hosts.get(name), hosts.get(otherName)];
  if (host === undefined || other === undefined || host === other) {
    const wireguard = network.underlay.pathMtu - segment.mtu.computed - vxlan;
    return { sum: `path ${network.underlay.pathMtu} - ${wireguard} - ${vxlan}`, needed: wanted + wireguard + vxlan };
  }
  const { path, overheadBytes } = createLimitingTunnel(network)(host, other);
  return { sum: `path ${path.mtu} - ${overheadBytes} - ${vxlan}`, needed: wanted + overheadBytes + vxlan };
}

const hasIpv6 = ({ prefixes }: Carrier): boolean => prefixes.some((prefix) => familyOf(prefix) === 6);

/** Below 1280 bytes a segment carries no IPv6: an error where the topology puts IPv6 on it, else a warning. */
export function segmentsCarryIpv6(network: Network): readonly Diagnostic[] {
  // What a VRF routes to another host goes through a device like a segment's.
  const ofVrfs = network.vrfs.map((vrf): Carrier => ({ ...vrf, name: `VRF ${vrf.name}`, isTagged: false }));
  return [...network.segments, ...ofVrfs]
    .filter((segment) => segment.members.length > 0 && segment.mtu.bytes < IPV6_MINIMUM_MTU)
    .map((segment) => {
      const { name: subnet, mtu, origin } = segment;
      const [host, other] = mtu.limitingPair;
      const isPinned = mtu.computed >= IPV6_MINIMUM_MTU;
      const { sum, needed } = explain(network, segment, IPV6_MINIMUM_MTU);
      const span = isPinned ? originSpan(origin, "mtu") : originSpan(origin);
      const shared = { subnet, mtu: mtu.bytes, minimum: IPV6_MINIMUM_MTU, needed };
      if (!hasIpv6(segment)) return diagnostic("mtu-segment-below-minimum", shared, span);
      const params = { ...shared, host, other, sum: isPinned ? "pinned" : sum };
      return diagnostic("mtu-segment-below-ipv6", params, span);
    });
}

/** A pin must fit, unless what does not may be cut up; one that is lower than it need be is only a note. */
export function pinsFit(network: Network): readonly Diagnostic[] {
  const whole = network.segments.filter(({ fragments }) => fragments === undefined);
  return whole.flatMap((segment) => {
    const { name: subnet, mtu, origin } = segment;
    const { pin, computed } = mtu;
    if (pin === undefined || pin === computed || segment.members.length === 0) return [];
    const span = originSpan(origin, "mtu");
    if (pin < computed) return [diagnostic("mtu-pin-lower", { subnet, pin, mtu: computed }, span)];
    const [host, other] = mtu.limitingPair;
    return [
      diagnostic(
        "mtu-pin-too-large",
        { subnet, pin, mtu: computed, host, other, ...explain(network, segment, pin) },
        span,
      ),
    ];
  });
}
