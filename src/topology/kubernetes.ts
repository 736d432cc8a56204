/** A cluster as it was written, with the prefixes of K3s where none are (docs.k3s.io/cli/server, cluster-cidr and service-cidr). */
import type { IpPrefix } from "../base/ip.ts";
import type { KubernetesNode } from "../model/kubernetes.ts";
import type { Located } from "./located.ts";

/** What the nodes share; empty: left out. */
export interface KubernetesInput {
  readonly pods: readonly Located<IpPrefix>[];
  readonly services: readonly Located<IpPrefix>[];
}

export type NodeInput = Pick<KubernetesNode, "cni" | "distribution" | "role">;

const PODS = "10.42.0.0/16" as IpPrefix;
const SERVICES = "10.43.0.0/16" as IpPrefix;

const written = (list: readonly Located<IpPrefix>[], otherwise: IpPrefix): readonly IpPrefix[] =>
  list.length === 0 ? [otherwise] : list.map(({ value }) => value);

/** In the order of the file. */
export const podPrefixes = ({ pods }: KubernetesInput): readonly IpPrefix[] => written(pods, PODS);
export const servicePrefixes = ({ services }: KubernetesInput): readonly IpPrefix[] => written(services, SERVICES);
