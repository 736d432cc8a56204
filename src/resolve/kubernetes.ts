/** The cluster that nodes of Kubernetes make: their addresses, and how large a pod's packet may be. */
import { must } from "../base/invariant.ts";
import { familyOf, type IpFamily, type IpPrefix } from "../base/ip.ts";
import { CNI_OVERHEAD_BYTES, vxlanOverheadBytes } from "../base/mtu.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Cni, KubernetesCluster, KubernetesNode } from "../model/kubernetes.ts";
import { type NodeInput, podPrefixes, servicePrefixes } from "../topology/kubernetes.ts";
import type { Topology } from "../topology/topology.ts";
import { type Below, segmentMtu } from "./subnets/segments.ts";

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

/** A CNI has one MTU, as a segment has: what every node can send every other one. */
export function resolveCluster(topology: Topology, below: Below): KubernetesCluster | undefined {
  const hasTunnel = (name: string): boolean =>
    must(below.interfaces.get(name), "every host has a list of interfaces").length > 0;
  const nodes = topology.hosts.filter(({ name, kubernetes }) => kubernetes !== undefined && hasTunnel(name));
  const cni = nodes[0]?.kubernetes?.cni;
  if (cni === undefined) return undefined;
  const [pods, services] = [podPrefixes(topology.kubernetes), servicePrefixes(topology.kubernetes)];
  const outer = outerOf(cni, pods);
  const overheadBytes = vxlanOverheadBytes(outer, false);
  const members = nodes.map(({ name }) => name);
  const { computed: podMtu } = segmentMtu({ members, pin: undefined }, overheadBytes, below);
  const setting = cni === "calico" ? podMtu : podMtu + CNI_OVERHEAD_BYTES;
  return { cni, pods, services, tunnelMtu: podMtu + overheadBytes, outer, podMtu, setting };
}
