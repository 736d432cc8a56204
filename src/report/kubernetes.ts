/** What the MTU report says of pods. */
import { type Overhead, vxlanOverhead } from "../base/mtu.ts";
import type { KubernetesCluster } from "../model/kubernetes.ts";

/** The sum of a CNI's packets in the smallest tunnel. */
export interface ClusterRow extends Pick<KubernetesCluster, "cni" | "tunnelMtu" | "podMtu" | "setting"> {
  readonly subtractions: readonly Overhead[];
}

export function clusterRow({ cni, tunnelMtu, outer, podMtu, setting }: KubernetesCluster): ClusterRow {
  return { cni, tunnelMtu, podMtu, setting, subtractions: vxlanOverhead(outer, false) };
}
