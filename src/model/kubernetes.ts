/** A Kubernetes cluster whose nodes are hosts of the network, and whose pods send through its tunnels. */
import { must } from "../base/invariant.ts";
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import { type UdpPort, udpPort } from "../base/units.ts";
import { VXLAN_PORT } from "./device.ts";

/** What makes the pods' network, each by VXLAN here. */
export type Cni = "flannel" | "cilium" | "calico";

/**
 * UDP port of each CNI's VXLAN as it comes: flannel takes the Linux kernel's (Documentation/backends.md, Port), Cilium the
 * same (Helm's tunnelPort), Calico IANA's (FelixConfiguration's vxlanPort).
 */
export const CNI_PORTS: Readonly<Record<Cni, UdpPort>> = Object.freeze({
  flannel: must(udpPort(8472), "8472 is a port"),
  cilium: must(udpPort(8472), "8472 is a port"),
  calico: VXLAN_PORT,
});

/** One host's part. */
export interface KubernetesNode {
  readonly cni: Cni;
  readonly distribution: "k3s" | "kubeadm";
  readonly role: "server" | "agent";
  /** By which the other nodes are reached. */
  readonly link: string;
  /** What other nodes dial, for each family that pods have, in the order of the pods' prefixes. */
  readonly addresses: readonly IpAddress[];
}

export interface KubernetesCluster {
  readonly cni: Cni;
  /** In the order of the file: the first family is the cluster's own. */
  readonly pods: readonly IpPrefix[];
  readonly services: readonly IpPrefix[];
  /** What the smallest tunnel on the ways between nodes carries. */
  readonly tunnelMtu: number;
  /** Of the packets around the pods' that take the most off. */
  readonly outer: IpFamily;
  readonly podMtu: number;
  /** The pods', as the CNI is told it: Calico the result, the others that of the link below, of which they take IPv4's share. */
  readonly setting: number;
}
