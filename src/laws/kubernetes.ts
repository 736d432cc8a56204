/** Nodes of Kubernetes: what one cluster needs of all of them. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { podPrefixes, servicePrefixes } from "../topology/kubernetes.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Topology } from "../topology/topology.ts";

const nodesOf = ({ hosts }: Topology): readonly HostInput[] => hosts.filter(({ kubernetes }) => kubernetes);

/** One cluster has one CNI: two would both give addresses to pods, and neither knows the other's. */
export function clustersHaveOneCni(topology: Topology): readonly Diagnostic[] {
  const [first, ...others] = nodesOf(topology);
  return others.flatMap(({ name: host, kubernetes, origin }) => {
    if (first?.kubernetes?.cni === kubernetes?.cni) return [];
    const params = {
      host,
      cni: String(kubernetes?.cni),
      other: String(first?.name),
      otherCni: String(first?.kubernetes?.cni),
    };
    const related = [{ message: "the first node is here", span: originSpan(first?.origin ?? {}, "kubernetes") }];
    return [diagnostic("kubernetes-cni-conflict", params, originSpan(origin, "kubernetes"), related)];
  });
}

/** A CNI is told one interface. */
export function nodesHaveOneWay(topology: Topology): readonly Diagnostic[] {
  const routing = routingClass(topology);
  if (routing.kind === "static") return [];
  const related = [{ message: "there is more than one way because of this", span: routing.span }];
  return nodesOf(topology).map(({ name: host, origin }) =>
    diagnostic("kubernetes-with-several-ways", { host, why: routing.why }, originSpan(origin, "kubernetes"), related),
  );
}

/** Nodes have addresses of the families of pods, and services are of the same ones. */
export function clusterFamiliesFit(topology: Topology): readonly Diagnostic[] {
  const [node] = nodesOf(topology);
  if (node === undefined) return [];
  const families = (prefixes: readonly Parameters<typeof familyOf>[0][]): string =>
    prefixes.map((prefix) => `IPv${familyOf(prefix)}`).join(" and ");
  const pools = topology.wireguard.addresses.map(({ value }) => value);
  const pods = podPrefixes(topology);
  const lacks = pods.some((pod) => !pools.some((pool) => familyOf(pool) === familyOf(pod)));
  const services = servicePrefixes(topology);
  const isTwice = new Set(pods.map(familyOf)).size < pods.length;
  const fits = !lacks && !isTwice && families(pods) === families(services);
  if (fits) return [];
  const params = { pods: families(pods), services: families(services), pools: families(pools) };
  const [place] = [...topology.kubernetes.pods, ...topology.kubernetes.services];
  return [diagnostic("kubernetes-family", params, place?.span ?? originSpan(node.origin, "kubernetes"))];
}

/** Prefixes of a cluster without nodes are a forgotten key of the hosts'. */
export function clustersHaveNodes(topology: Topology): readonly Diagnostic[] {
  const [first] = [...topology.kubernetes.pods, ...topology.kubernetes.services];
  if (first === undefined || nodesOf(topology).length > 0) return [];
  return [diagnostic("kubernetes-unused", {}, first.span)];
}
