/** The objects of Proxmox's SDN, cluster by cluster: what its API is told, its files hold, and Terraform says. */
import { must } from "../base/invariant.ts";
import { compareAddresses, containsAddress, type IpAddress, networkAddress, prefixLengthBits } from "../base/ip.ts";
import { sortedBy } from "../base/text.ts";
import { type Host, isOfSdn } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Segment } from "../model/segment.ts";
import type { Vrf } from "../model/vrf.ts";
import { type GoneObject, goneObjects } from "./sdn-gone.ts";
import type { SdnKind, SdnObject } from "./sdn-object.ts";

export interface Cluster {
  /** The site. */
  readonly name: string;
  /** None where it had some before alone. */
  readonly nodes: readonly Host[];
  /** Every node has pve-network with a lock for the whole SDN: that of Proxmox 9. */
  readonly hasLock: boolean;
  readonly objects: readonly SdnObject[];
  /** What it was told before, in the order in which it is taken away. */
  readonly gone: readonly GoneObject[];
}

/** One to a cluster. */
export const CONTROLLER = "evpnctl";

const list = (items: Iterable<string>): string => [...items].join(",");
const addressList = (addresses: Iterable<IpAddress>): string => list([...new Set(addresses)].sort(compareAddresses));

/** Whom the nodes of a cluster have sessions with: each other, and who else is in the network's EVPN. */
function controllerOf(nodes: readonly Host[]): readonly SdnObject[] {
  const speakers = nodes.flatMap(({ bgp, vtep }) => (bgp.kind === "none" || vtep === undefined ? [] : [{ bgp, vtep }]));
  const [first] = speakers;
  if (first === undefined) return [];
  const peers = speakers.flatMap(({ bgp, vtep }) => [vtep, ...bgp.neighbours.map(({ address }) => address)]);
  return [
    {
      kind: "controller",
      type: "evpn",
      id: CONTROLLER,
      values: [
        ["asn", String(first.bgp.asn)],
        ["peers", addressList(peers)],
      ],
      about: [
        "Proxmox's: frr.conf of every node, with a session to each peer. netgen's: the tunnels to these addresses. A node finds",
        "its own VTEP address among them, so all nodes of the cluster stand here as well.",
      ],
    },
  ];
}

/** The exits of a VRF in this cluster: whoever is none leaves by the primary one. */
function exitValues({ exits }: Vrf, own: ReadonlySet<string>): SdnObject["values"] {
  const nodes = exits.map(({ host }) => host).filter((host) => own.has(host));
  const has = nodes.length > 0;
  return [
    ["exitnodes", list(nodes)],
    ["exitnodes-local-routing", has ? "0" : ""],
    ["exitnodes-primary", nodes[0] ?? ""],
  ];
}

const membersIn = (members: readonly string[], own: ReadonlySet<string>): readonly string[] =>
  members.filter((name) => own.has(name));

/** A VRF as a zone. */
function evpnZone(vrf: Vrf, segments: readonly Segment[], own: ReadonlySet<string>): readonly SdnObject[] {
  const nodes = membersIn(vrf.members, own);
  if (nodes.length === 0) return [];
  const mtu = Math.min(vrf.mtu.bytes, ...segments.map((segment) => segment.mtu.bytes));
  const mac = segments.find(({ gatewayMac }) => gatewayMac !== undefined)?.gatewayMac ?? "";
  return [
    {
      kind: "zone",
      type: "evpn",
      id: vrf.name,
      values: [
        ["controller", CONTROLLER],
        ["vrf-vxlan", String(vrf.vni)],
        ["nodes", list(nodes)],
        ...exitValues(vrf, own),
        ["mac", mac.toUpperCase()],
        ["mtu", String(mtu)],
        ["ipam", "pve"],
      ],
      about: [
        `Proxmox's: the VRF vrf_${vrf.name} with vrfbr_${vrf.name} and vrfvx_${vrf.name}, and routes by its exit nodes. netgen's: the MTU, which Proxmox takes`,
        "to be 1450 as it does not know the tunnels; the MAC, which each cluster would invent for itself; and that local",
        "routing is off: it puts static routes by a veth pair in place of the routes that lead answers back to guests.",
      ],
    },
  ];
}

const vnetOf = ({ name, members }: Segment, hosts: ReadonlyMap<string, Host>): string => {
  const member = must(hosts.get(members[0] ?? ""), "a segment of the SDN has a member");
  return must(
    member.bridges.find(({ subnet }) => subnet === name),
    "a member of a segment has its bridge",
  ).name;
};

/** A segment in no VRF as a zone of its own. */
function vxlanZone(
  segment: Segment,
  id: string,
  hosts: ReadonlyMap<string, Host>,
  own: ReadonlySet<string>,
): SdnObject {
  const peers = segment.members.flatMap((name) => hosts.get(name)?.vtep ?? []);
  return {
    kind: "zone",
    type: "vxlan",
    id,
    values: [
      ["peers", addressList(peers)],
      ["nodes", list(membersIn(segment.members, own))],
      ["mtu", String(segment.mtu.bytes)],
      ["ipam", "pve"],
    ],
    about: [
      `Proxmox's: frames for everybody go to each of these peers. netgen's: the tunnels, and the MTU that fits them.`,
    ],
  };
}

function subnetsOf(segment: Segment, vnet: string, vrf: Vrf | undefined): readonly SdnObject[] {
  const { gateway, prefixes } = segment;
  if (vrf === undefined) return [];
  const addresses = gateway.kind === "shared" ? gateway.addresses.map(({ address }) => address) : [];
  return prefixes.map((prefix): SdnObject => {
    const address = addresses.find((each) => containsAddress(prefix, each));
    const isHidden = address !== undefined && vrf.exits.some(({ hasSnat }) => hasSnat);
    return {
      kind: "subnet",
      type: "subnet",
      id: `${vrf.name}-${networkAddress(prefix)}-${prefixLengthBits(prefix)}`,
      values: [
        ["vnet", vnet],
        ["gateway", address ?? ""],
        ["snat", isHidden ? "1" : ""],
      ],
      about: isHidden
        ? [
            "Proxmox's: the address on every node, and source NAT by iptables on exit nodes, out of their default route's interface.",
          ]
        : ["Proxmox's: the address on every node."],
    };
  });
}

function networkObjects(network: Network, segment: Segment, own: ReadonlySet<string>): readonly SdnObject[] {
  if (membersIn(segment.members, own).length === 0) return [];
  const hosts = new Map(network.hosts.map((host) => [host.name, host]));
  const vrf = network.vrfs.find(({ name }) => name === segment.vrf);
  const id = vnetOf(segment, hosts);
  return [
    ...(vrf === undefined ? [vxlanZone(segment, id, hosts, own)] : []),
    {
      kind: "vnet",
      type: "vnet",
      id,
      values: [
        ["zone", vrf?.name ?? id],
        ["tag", String(segment.vni)],
      ],
      about: [
        `Proxmox's: the bridge ${id}, which guests are put on, and vxlan_${id}. netgen's: the clamp of TCP on both.`,
      ],
    },
    ...subnetsOf(segment, id, vrf),
  ];
}

const KINDS: readonly SdnKind[] = ["controller", "zone", "vnet", "subnet"];

function clusterOf(name: string, network: Network): Cluster {
  const nodes = network.hosts.filter((host) => isOfSdn(host) && host.reach.site === name);
  const own = new Set(nodes.map((host) => host.name));
  const zones = network.vrfs.flatMap((vrf) =>
    evpnZone(
      vrf,
      network.segments.filter((segment) => segment.vrf === vrf.name),
      own,
    ),
  );
  const networks = network.segments.flatMap((segment) => networkObjects(network, segment, own));
  const all = [...(zones.length === 0 ? [] : controllerOf(nodes)), ...zones, ...networks];
  // What refers to another comes after it.
  const objects = KINDS.flatMap((kind) =>
    sortedBy(
      all.filter((each) => each.kind === kind),
      ({ id }) => id,
    ),
  );
  return { name, nodes, hasLock: nodes.every(({ platform }) => platform === "proxmox9"), objects, gone: [] };
}

const clustersAt = (network: Network): readonly Cluster[] =>
  network.sites.map(({ name }) => clusterOf(name, network)).filter(({ nodes }) => nodes.length > 0);

/**
 * The clusters of a network, by name; those that have no node of the SDN are none. With those of the network as it was before, of
 * which each has what is gone from it, be it all.
 */
export function clustersOf(network: Network, before?: Network): readonly Cluster[] {
  const now = clustersAt(network);
  const old = before === undefined ? [] : clustersAt(before);
  const left = old.filter(({ name }) => !now.some((each) => each.name === name));
  const all = [...now, ...left.map((each): Cluster => ({ ...each, nodes: [], objects: [] }))];
  return sortedBy(
    all.map((each): Cluster => {
      const had = old.find(({ name }) => name === each.name)?.objects ?? [];
      return { ...each, gone: goneObjects(had, each.objects) };
    }),
    ({ name }) => name,
  );
}
