/** The cluster that nodes of Kubernetes make: their addresses, and how large a pod's packet may be. */
import { familyOf, type IpFamily, type IpPrefix } from "../base/ip.ts";
import { CNI_OVERHEAD_BYTES, vxlanOverheadBytes } from "../base/mtu.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import type { Cni, KubernetesCluster, KubernetesNode } from "../model/kubernetes.ts";
import { podPrefixes, servicePrefixes } from "../topology/kubernetes.ts";
import type { NodeInput, Topology } from "../topology/topology.ts";

/** `undefined`: the host is no node, or has no tunnel, which a law says. */
export function resolveNode(
  input: NodeInput | undefined,
  [link]: readonly WireguardInterface[],
  pods: readonly IpPrefix[],
): KubernetesNode | undefined {
  if (input === undefined || link === undefined) return undefined;
  const own = link.addresses.map(({ address }) => address);
  const addresses = pods.flatMap((pod) => own.filter((each) => familyOf(each) === familyOf(pod)).slice(0, 1));
  return { ...input, link: link.name, addresses };
}

/** Cilium goes by IPv4 where it can; the others go by the family of the pods' packet, and have one MTU for both. */
function outerOf(cni: Cni, pods: readonly IpPrefix[]): IpFamily {
  const families = pods.map(familyOf);
  if (cni === "cilium") return families.includes(4) ? 4 : 6;
  return families.includes(6) ? 6 : 4;
}

/** The smallest tunnel counts, as pods of any node send to those of any other: a CNI has one MTU. */
export function resolveCluster(topology: Topology, hosts: readonly Host[]): KubernetesCluster | undefined {
  const nodes = hosts.filter(({ kubernetes }) => kubernetes !== undefined);
  const cni = nodes[0]?.kubernetes?.cni;
  if (cni === undefined) return undefined;
  const tunnels = nodes.flatMap(({ interfaces }) => interfaces.flatMap((link) => [link, ...link.smallerPeers]));
  const tunnelMtu = tunnels.map(({ mtu }) => mtu).reduce((least, mtu) => (mtu < least ? mtu : least));
  const pods = podPrefixes(topology);
  const outer = outerOf(cni, pods);
  const podMtu = tunnelMtu - vxlanOverheadBytes(outer, false);
  const setting = cni === "calico" ? podMtu : podMtu + CNI_OVERHEAD_BYTES;
  return { cni, pods, services: servicePrefixes(topology), tunnelMtu, outer, podMtu, setting };
}
