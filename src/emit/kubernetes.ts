/** A node of Kubernetes: its program goes and comes with the tunnel, and is told address, interface and MTU. */
import { must } from "../base/invariant.ts";
import { familyOf, type IpFamily } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import { CNI_PORTS, type KubernetesCluster, type KubernetesNode } from "../model/kubernetes.ts";
import { RELOAD_UNITS } from "./after.ts";
import { type EmitContext, type Emitter, ownPath } from "./context.ts";
import { publicFile, sourceOf } from "./print.ts";
import type { View } from "./template.ts";

/** The unit that runs the kubelet. */
function kubeletUnit({ distribution, role }: KubernetesNode): string {
  if (distribution === "kubeadm") return "kubelet.service";
  return role === "server" ? "k3s.service" : "k3s-agent.service";
}

// Before it is installed, and on a host where it is stopped, there is nothing to restart.
const restartKubelet = (node: KubernetesNode): string => `systemctl try-restart ${kubeletUnit(node)}`;

function viewOf(node: KubernetesNode, cluster: KubernetesCluster): View {
  const { pods, services, setting, podMtu } = cluster;
  const of = (family: IpFamily): string => pods.find((prefix) => familyOf(prefix) === family) ?? "";
  const [ipv4, ipv6] = [of(4), of(6)];
  const isFlannel = node.cni === "flannel";
  return {
    addresses: node.addresses.join(","),
    link: node.link,
    isFlannel,
    isServer: node.role === "server",
    hasOtherCni: !isFlannel,
    backend: isFlannel ? "vxlan" : "none",
    pods: pods.join(","),
    services: services.join(","),
    ipv4,
    ipv6,
    hasIpv4: ipv4 !== "",
    hasIpv6: ipv6 !== "",
    isIpv6Alone: ipv4 === "",
    port: String(CNI_PORTS[node.cni]),
    mtu: String(setting),
    podMtu: String(podMtu),
  };
}

/** What the CNI is told; flannel's is read on each node of K3s, the others' are taken in once, at a server. */
function cniFiles(host: Host, node: KubernetesNode, cluster: KubernetesCluster, context: EmitContext) {
  const view = viewOf(node, cluster);
  const isRead = node.cni === "flannel" && node.distribution === "k3s";
  if (!isRead && node.role === "agent") return [];
  if (node.cni === "flannel") {
    const path = ownPath(context, "kubernetes/net-conf.json");
    const after = isRead ? [restartKubelet(node)] : [];
    const file = { path, template: "kubernetes/net-conf.json.njk", head: "none", after } as const;
    return [publicFile(host, context, { ...file, view: { ...view, source: sourceOf(host, context) } })];
  }
  const path = ownPath(context, `kubernetes/${node.cni}.yaml`);
  const pods = cluster.pods;
  const template = `kubernetes/${node.cni}.yaml.njk`;
  return [publicFile(host, context, { path, template, view: { ...view, pods }, after: [] })];
}

/** Drop-ins for both units, K3s' configuration, and the CNI's. Nothing on a host that is no node. */
export const emitKubernetes: Emitter = (host, context) => {
  const { kubernetes: node } = host;
  if (node === undefined) return [];
  const cluster = must(context.network.kubernetes, "a node is of a cluster");
  const unit = kubeletUnit(node);
  const tunnel = `wg-quick@${node.link}.service`;
  const dropIn = (of: string, name: string, template: string, view: View) => {
    const path = `etc/systemd/system/${of}.d/${name}-netgen${context.fleet}.conf`;
    return publicFile(host, context, { path, template, view, after: [RELOAD_UNITS] });
  };
  const isKubeadm = node.distribution === "kubeadm";
  const addresses = node.addresses.join(",");
  const k3s = {
    path: `etc/rancher/k3s/config.yaml.d/50-netgen${context.fleet}.yaml`,
    template: "kubernetes/k3s.yaml.njk",
    view: viewOf(node, cluster),
    after: [restartKubelet(node)],
  };
  return [
    dropIn(unit, "20", "kubernetes/node.conf.njk", { tunnel, isKubeadm, addresses }),
    dropIn(tunnel, "20-kubernetes", "kubernetes/wg-quick.conf.njk", { unit }),
    ...(isKubeadm ? [] : [publicFile(host, context, k3s)]),
    ...cniFiles(host, node, cluster, context),
  ];
};
