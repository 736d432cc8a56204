/** What is said of Kubernetes: by each node of itself, and once of what they share. */
import type { KubernetesInput, NodeInput } from "../topology/kubernetes.ts";
import { choiceAt, member, type Node, type Reader, rootOf } from "./reader.ts";
import { locatedAt, prefixAt } from "./scalars.ts";

/** `undefined`: the host is no node, or there is a mistake in what it says. */
export function nodeAt(node: Node): NodeInput | undefined {
  const cni = choiceAt(member(node, "cni"), ["flannel", "cilium", "calico"]);
  const distribution = choiceAt(member(node, "distribution"), ["k3s", "kubeadm"]);
  const role = choiceAt(member(node, "role"), ["server", "agent"]);
  return cni && distribution && role && { cni, distribution, role };
}

export function decodeKubernetes(reader: Reader): KubernetesInput {
  const shared = member(rootOf(reader), "kubernetes");
  return {
    pods: locatedAt(reader, member(shared, "pods"), prefixAt),
    services: locatedAt(reader, member(shared, "services"), prefixAt),
  };
}
