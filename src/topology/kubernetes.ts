/** The prefixes of a cluster, with those of K3s where none are written (docs.k3s.io/cli/server, cluster-cidr and service-cidr). */
import type { IpPrefix } from "../base/ip.ts";
import type { Topology } from "./topology.ts";

const PODS = "10.42.0.0/16" as IpPrefix;
const SERVICES = "10.43.0.0/16" as IpPrefix;

const written = (list: readonly { readonly value: IpPrefix }[], otherwise: IpPrefix): readonly IpPrefix[] =>
  list.length === 0 ? [otherwise] : list.map(({ value }) => value);

/** In the order of the file. */
export const podPrefixes = ({ kubernetes }: Topology): readonly IpPrefix[] => written(kubernetes.pods, PODS);
export const servicePrefixes = ({ kubernetes }: Topology): readonly IpPrefix[] =>
  written(kubernetes.services, SERVICES);
