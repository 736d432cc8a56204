/** Nodes of Kubernetes: what one cluster needs of all of them. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, type IpFamily, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { type NodeInput, podPrefixes, servicePrefixes } from "../topology/kubernetes.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { Topology } from "../topology/topology.ts";

interface NodeOf extends NodeInput {
  readonly host: string;
  readonly span: ReturnType<typeof originSpan>;
}

const nodesOf = ({ hosts }: Topology): readonly NodeOf[] =>
  hosts.flatMap(({ name: host, kubernetes, origin }) =>
    kubernetes === undefined ? [] : [{ ...kubernetes, host, span: originSpan(origin, "kubernetes") }],
  );

/** One cluster has one CNI: two would both give addresses to pods, and neither knows the other's. */
export function clustersHaveOneCni(topology: Topology): readonly Diagnostic[] {
  const [first, ...others] = nodesOf(topology);
  if (first === undefined) return [];
  const related = [{ message: "the first node is here", span: first.span }];
  return others
    .filter(({ cni }) => cni !== first.cni)
    .map(({ host, cni, span }) => {
      const params = { host, cni, other: first.host, otherCni: first.cni };
      return diagnostic("kubernetes-cni-conflict", params, span, related);
    });
}

/** A CNI is told one interface. */
export function nodesHaveOneWay(topology: Topology): readonly Diagnostic[] {
  const routing = routingClass(topology);
  if (routing.kind === "static") return [];
  const related = [{ message: "there is more than one way because of this", span: routing.span }];
  return nodesOf(topology).map(({ host, span }) =>
    diagnostic("kubernetes-with-several-ways", { host, why: routing.why }, span, related),
  );
}

const inWords = (prefixes: readonly IpPrefix[]): string =>
  prefixes.map((prefix) => `IPv${familyOf(prefix)}`).join(" and ");

/** Nodes have addresses of the families of pods, and services are of the same ones. */
export function clusterFamiliesFit(topology: Topology): readonly Diagnostic[] {
  const { kubernetes, wireguard } = topology;
  const [node] = nodesOf(topology);
  if (node === undefined) return [];
  const pools = wireguard.addresses.map(({ value }) => value);
  const [pods, services] = [podPrefixes(kubernetes), servicePrefixes(kubernetes)];
  const lacks = pods.some((pod) => !pools.some((pool) => familyOf(pool) === familyOf(pod)));
  const isTwice = new Set(pods.map(familyOf)).size < pods.length;
  if (!lacks && !isTwice && inWords(pods) === inWords(services)) return [];
  const params = { pods: inWords(pods), services: inWords(services), pools: inWords(pools) };
  const [place] = [...kubernetes.pods, ...kubernetes.services];
  return [diagnostic("kubernetes-family", params, place?.span ?? node.span)];
}

/** Bits of what each node gets of the pods' prefix, left alone: --node-cidr-mask-size-ipv4 and -ipv6, kube-controller-manager(1). */
const NODE_BITS: Readonly<Record<IpFamily, number>> = { 4: 24, 6: 64 };

/** Flannel and Cilium take what the controller manager gives each node; Calico makes blocks of its own. */
export function podsHaveRoomForNodes(topology: Topology): readonly Diagnostic[] {
  const all = nodesOf(topology);
  const [node] = all;
  if (node === undefined || node.cni === "calico") return [];
  return podPrefixes(topology.kubernetes).flatMap((prefix, index) => {
    const family = familyOf(prefix);
    const bits = NODE_BITS[family];
    const rooms = Math.floor(2 ** (bits - prefixLengthBits(prefix)));
    if (rooms >= all.length) return [];
    const params = { prefix, rooms, bits, family, nodes: all.length, most: bits - Math.ceil(Math.log2(all.length)) };
    return [diagnostic("kubernetes-pods-few", params, topology.kubernetes.pods[index]?.span ?? node.span)];
  });
}

/** Prefixes of a cluster without nodes are a forgotten key of the hosts'. */
export function clustersHaveNodes(topology: Topology): readonly Diagnostic[] {
  const [first] = [...topology.kubernetes.pods, ...topology.kubernetes.services];
  if (first === undefined || nodesOf(topology).length > 0) return [];
  return [diagnostic("kubernetes-unused", {}, first.span)];
}
