import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { BFD_PORTS } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import { CNI_PORTS } from "../model/kubernetes.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { endpointText } from "../model/reach.ts";

/** What no two hosts have alike; `place`: no two of one place, where hosts of different ones may. */
interface Own {
  readonly key: string;
  readonly place?: string;
}

/** Reports each host after the first that has the same key of some kind. */
function findTwins(
  network: Network,
  keysOf: (host: Host) => readonly Own[],
  report: (host: Host, first: Host, key: string) => Diagnostic,
): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const first = new Map<string, Host>();
  for (const host of network.hosts) {
    for (const { key, place = "" } of keysOf(host)) {
      const other = first.get(`${place} ${key}`);
      if (other === undefined) first.set(`${place} ${key}`, host);
      else if (other !== host && !isPair(host, other)) found.push(report(host, other, key));
    }
  }
  return found;
}

/** True for two that share an address and a key, and are one peer to all others. */
function isPair(a: Host, b: Host): boolean {
  const [one, other] = [a.reach, b.reach].map(({ lanEndpoint }) => lanEndpoint && endpointText(lanEndpoint));
  return a.reach.isShared && b.reach.isShared && one === other;
}

/** Two that are one peer to all others have one key. */
export function pairsHaveOneKey({ hosts }: Network): readonly Diagnostic[] {
  const known = new Map<string, Host>();
  const sharing = hosts.filter(({ reach }) => reach.isShared);
  return sharing.flatMap((other) => {
    const shared = endpointText(must(other.reach.lanEndpoint, "what is shared is an address on the LAN"));
    const host = known.get(shared);
    known.set(shared, other);
    if (host === undefined || [host.publicKey, ""].includes(other.publicKey) || host.publicKey === "") return [];
    const related = [{ message: `${host.name} is here`, span: originSpan(host.origin, "publicKey") }];
    const params = { host: host.name, other: other.name };
    return [diagnostic("vrrp-keys-differ", params, originSpan(other.origin, "publicKey"), related)];
  });
}

/** No two hosts have one public key, be it from the topology or from a file, unless they are one peer to all others. */
export function distinctPublicKeys(network: Network): readonly Diagnostic[] {
  return findTwins(
    network,
    (host) => (host.publicKey === "" ? [] : [{ key: host.publicKey }]),
    (host, other) =>
      diagnostic("public-key-duplicate", { host: other.name, other: host.name }, originSpan(host.origin, "publicKey"), [
        { message: `${other.name} has it here`, span: originSpan(other.origin, "publicKey") },
      ]),
  );
}

/** No two hosts are dialled at the same address and port. */
export function distinctEndpoints(network: Network): readonly Diagnostic[] {
  const report =
    (field: "endpoint" | "lanEndpoint") =>
    (host: Host, other: Host, endpoint: string): Diagnostic => {
      const params = { host: other.name, other: host.name, endpoint };
      return diagnostic("endpoint-duplicate", params, originSpan(host.origin, field), [
        { message: `${other.name} is dialled there too`, span: originSpan(other.origin, field) },
      ]);
    };
  return [
    ...findTwins(
      network,
      ({ reach }) => reach.endpoints.map((each) => ({ key: endpointText(each) })),
      report("endpoint"),
    ),
    ...findTwins(
      network,
      // One that is shared is a host's own as well, or it is not: that has been looked at with the pair.
      ({ reach: { site, name, lanEndpoint, isShared } }) =>
        lanEndpoint && !isShared ? [{ key: endpointText(lanEndpoint), place: site ?? `${name} alone` }] : [],
      report("lanEndpoint"),
    ),
  ];
}

/** Each of a host's endpoints is another one: a second look at the same place is none. */
export function endpointsDiffer({ hosts }: Network): readonly Diagnostic[] {
  return hosts.flatMap(({ name, reach, origin }) => {
    const texts = reach.endpoints.map(endpointText);
    const twice = texts.find((text, index) => texts.indexOf(text) < index);
    if (twice === undefined) return [];
    const params = { where: `the endpoint of ${name}`, value: twice };
    return [diagnostic("list-duplicate", params, originSpan(origin, "endpoint"))];
  });
}

/**
 * A host dialled on another port than it listens on is behind a router that forwards the port. Of several interfaces one
 * listens where everyone dials, or none does; the others' ports are as far apart as those of their endpoints.
 */
export function forwardedPorts(network: Network): readonly Diagnostic[] {
  const dialled = new Set(
    network.peers.flatMap(({ host, endpoints }) => endpoints.map(({ port }) => `${host} ${port}`)),
  );
  const isHeard = ({ name, interfaces }: Host): boolean =>
    interfaces.some(({ listenPort }) => dialled.has(`${name} ${listenPort}`));
  const isDialled = new Set(network.peers.flatMap(({ host, endpoints }) => (endpoints.length > 0 ? [host] : [])));
  return network.hosts.flatMap((host) => {
    const { endpoints, isBehindNat } = host.reach;
    const listenPort = host.interfaces[0]?.listenPort;
    const isOfMany = host.interfaces.some(({ routedBy }) => routedBy === "bgp");
    if (isOfMany && (isHeard(host) || !isDialled.has(host.name))) return [];
    const forwarded = endpoints.find(({ port }) => port !== listenPort);
    if (forwarded === undefined || isBehindNat || listenPort === undefined) return [];
    const params = { host: host.name, port: forwarded.port, listenPort };
    return [diagnostic("endpoint-port-unforwarded", params, originSpan(host.origin, "endpoint"))];
  });
}

/** What the guard takes from the tunnels only. */
function guardedPorts({ hosts, bgp, kubernetes }: Network): ReadonlyMap<number, string> {
  const devices = hosts.flatMap(({ vxlans, vrfs }) => [...vxlans, ...vrfs.map((vrf) => vrf.vxlan)]);
  const vxlan = devices.map(({ port }) => [port, "VXLAN's"] as const);
  const bfd = bgp.kind !== "none" && bgp.bfd.kind === "on" ? BFD_PORTS : [];
  const cni = kubernetes === undefined ? [] : [[CNI_PORTS[kubernetes.cni], `${kubernetes.cni}'s`] as const];
  return new Map<number, string>([...cni, ...vxlan, ...bfd.map((port) => [port, "BFD's"] as const)]);
}

/** No tunnel listens where the guard lets nobody in. */
export function portsAreUnguarded(network: Network): readonly Diagnostic[] {
  const guarded = guardedPorts(network);
  const shared = originSpan(network.origin, "wireguard/listenPort");
  const found = new Map<number, Diagnostic>();
  for (const { name: host, interfaces, origin } of network.hosts) {
    for (const { listenPort: port } of interfaces) {
      const use = guarded.get(port);
      if (use !== undefined && !found.has(port)) {
        const span = origin.listenPort ?? shared;
        found.set(port, diagnostic("listen-port-taken", { host, port, use }, span));
      }
    }
  }
  return [...found.values()];
}

/** VXLAN has a port of its own: on another program's, netgen's own among them, the kernel would take what is meant for it. */
export function vxlanPortIsFree({ hosts, bgp, origin }: Network): readonly Diagnostic[] {
  const [device] = hosts.flatMap(({ vxlans, vrfs }) => [...vxlans, ...vrfs.map((vrf) => vrf.vxlan)]);
  const bfd = bgp.kind !== "none" && bgp.bfd.kind === "on" ? BFD_PORTS : [];
  if (device === undefined || !bfd.includes(device.port)) return [];
  return [diagnostic("vxlan-port-taken", { port: device.port }, originSpan(origin, "vxlanPort"))];
}

/** The port of VXLAN is for segments and VRFs alone. */
export function vxlanPortIsUsed({ hosts, origin }: Network): readonly Diagnostic[] {
  const span = origin.vxlanPort;
  if (span === undefined || hosts.some(({ vxlans, vrfs }) => vxlans.length + vrfs.length > 0)) return [];
  return [diagnostic("vxlan-port-unused", {}, span)];
}

/** As many keys for each host as in a mesh of 101. */
const MANY_PER_HOST = 50;

/** A preshared key for every pair of a mesh is n(n-1)/2 files. */
export function presharedKeysBearable({ hosts, peers, origin }: Network): readonly Diagnostic[] {
  const ends = hosts.flatMap((host) => host.interfaces.map((link) => link.peers.length));
  const count = ends.reduce((sum, each) => sum + each, 0) / 2;
  if (count < MANY_PER_HOST * hosts.length || !peers.some((peer) => peer.hasPresharedKey)) return [];
  const params = { hosts: hosts.length, count };
  return [diagnostic("preshared-keys-many", params, originSpan(origin, "wireguard/presharedKeys"))];
}
