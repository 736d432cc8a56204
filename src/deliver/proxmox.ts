/** The directory with what the clusters of Proxmox are told: the SDN's objects, and what their firewall has to let through. */

import { compareAddresses, familyOf } from "../base/ip.ts";
import type { OutputFile } from "../emit/file.ts";
import { BFD_PORTS, BGP_PORT } from "../model/bgp.ts";
import { VXLAN_PORT } from "../model/device.ts";
import { type Host, isOfSdn } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Tree } from "../write/plan.ts";
import { type Cluster, clustersOf } from "./sdn.ts";
import { sdnFiles } from "./sdn-files.ts";
import { plainFile } from "./tar.ts";

const VTEPS = "netgen-vteps";
const GUESTS = "netgen-guests";

const ipset = (name: string, elements: readonly string[]): string =>
  elements.length === 0 ? "" : `[IPSET ${name}]\n\n${elements.map((each) => `${each}\n`).join("")}\n`;

/** What speaks between the nodes, through the tunnels: protocol, ports, and what it is. */
function services({ bgp }: Network): readonly (readonly [string, string, string])[] {
  const spoken = [
    ["tcp", String(BGP_PORT), "BGP"],
    // Proxmox's controllers watch every session by BFD, whatever the topology says.
    ["udp", BFD_PORTS.join(","), "BFD"],
  ] as const;
  return [["udp", String(VXLAN_PORT), "VXLAN"], ...(bgp.kind === "none" ? [] : spoken)];
}

const tunnelsOf = (nodes: readonly Host[]): readonly string[] => [
  ...new Set(nodes.flatMap(({ interfaces }) => interfaces.map(({ name }) => name))),
];

/** Rules that act while the cluster's firewall is on; those for what is forwarded only on nodes with "nftables: 1". */
function clusterFirewall({ name, nodes, objects }: Cluster, network: Network, by: string): OutputFile {
  const hosts = network.hosts.filter(isOfSdn);
  const vteps = hosts.flatMap(({ vtep }) => vtep ?? []).sort(compareAddresses);
  const zones = new Set(objects.filter(({ kind }) => kind === "zone").map(({ id }) => id));
  const guests = network.vrfs.filter((vrf) => zones.has(vrf.name)).flatMap(({ prefixes }) => prefixes);
  const tunnels = tunnelsOf(nodes);
  const between = tunnels.flatMap((link) => [
    ...services(network).map(
      ([protocol, port, what]) =>
        `IN ACCEPT -i ${link} -source +${VTEPS} -p ${protocol} -dport ${port} -log nolog # netgen: ${what} of other nodes`,
    ),
    `IN ACCEPT -i ${link} -source +${VTEPS} -p icmp -log nolog # netgen: pings, and what tells TCP of a smaller path`,
  ]);
  const hasIpv6 = guests.some((prefix) => familyOf(prefix) === 6);
  const ofGuests = [
    ...(hasIpv6 ? ["icmp", "icmpv6"] : ["icmp"]).map(
      (protocol) =>
        `IN ACCEPT -source +${GUESTS} -p ${protocol} -log nolog # netgen: pings of a gateway; no other service of a node is for guests`,
    ),
    // The kernel shows the filter what a bridge passes on (bridge-nf-call-ip6tables), and no state lets in a question from a
    // link-local address to a multicast one. To the node itself the option ndp does (macros.json and host.rs of proxmox-ve-config).
    ...(hasIpv6 ? ["FORWARD NeighborDiscovery(ACCEPT) -log nolog # netgen: guests of a bridge find each other"] : []),
    `FORWARD ACCEPT -source +${GUESTS} -dest +${GUESTS} -log nolog # netgen: between guests, of other sites as well`,
    `FORWARD ACCEPT -source +${GUESTS} -log nolog # netgen: out by an exit node; answers follow what was asked`,
  ];
  const rules = [...between, ...(guests.length === 0 ? [] : ofGuests)];
  const head =
    `# ${by}: to be merged into /etc/pve/firewall/cluster.fw, section by section.\n` +
    '# Whether the firewall is on is yours to say: an [OPTIONS] is left out, as "enable: 1" closes the nodes to whom nothing lets in.\n' +
    '# Rules of FORWARD act on nodes alone whose host.fw says "nftables: 1"; without, nothing that is routed passes a filter.\n' +
    (hasIpv6
      ? '# "ndp: 0" in a host.fw would keep guests from their IPv6 gateway, whatever stands here: leave it out.\n\n'
      : "\n");
  const text = `${head}${ipset(VTEPS, vteps)}${ipset(GUESTS, guests)}[RULES]\n\n${rules.map((rule) => `${rule}\n`).join("")}`;
  return plainFile(`${name}/firewall/cluster.fw`, 0o644, text);
}

/** Where the tunnels come in: by an address that may change, and from ports that a router may choose. So WireGuard alone decides. */
function hostFirewall(
  { name: cluster }: Cluster,
  { name, uplink, lanInterface, interfaces }: Host,
  by: string,
): OutputFile {
  const links = [...new Set([uplink, lanInterface])].flatMap((link) => (link === undefined ? [] : [` -i ${link}`]));
  const ports = [...new Set(interfaces.map(({ listenPort }) => listenPort))].sort((a, b) => a - b).join(",");
  const rules = (links.length === 0 ? [""] : links).map(
    (link) => `IN ACCEPT${link} -p udp -dport ${ports} -log nolog # netgen: WireGuard, which answers no stranger\n`,
  );
  const head =
    `# ${by}: to be merged into /etc/pve/nodes/${name}/host.fw.\n` +
    "# From anywhere: the other end may have an address that changes, or be behind a router that chooses its port.\n\n";
  return plainFile(`${cluster}/nodes/${name}/host.fw`, 0o644, `${head}[RULES]\n\n${rules.join("")}`);
}

/**
 * What the clusters of a network are told, a directory for each; `undefined`: no host has "proxmox: sdn", and none had it `before`.
 * What they were told before and are not now, they are told to take away.
 */
export function proxmoxTree(network: Network, before?: Network): Tree | undefined {
  const clusters = clustersOf(network, before);
  if (clusters.length === 0) return undefined;
  const files = clusters.flatMap((cluster) => {
    const by = `Written by netgen proxmox from ${network.name} for the cluster ${cluster.name}`;
    return [
      ...sdnFiles(cluster, by),
      ...(cluster.nodes.length === 0 ? [] : [clusterFirewall(cluster, network, by)]),
      ...cluster.nodes.map((node) => hostFirewall(cluster, node, by)),
    ];
  });
  return { name: network.name, files, units: {} };
}
