/** What a cluster has is nobody else's: its prefixes, and its CNI's VXLAN. */
import { type Diagnostic, diagnostic, type Related } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { containsPrefix, familyOf, type IpPrefix, isMoreSpecific, overlaps } from "../base/ip.ts";
import { IPV6_MINIMUM_MTU } from "../base/mtu.ts";
import { CNI_PORTS, type Cni } from "../model/kubernetes.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import { type Origin, originSpan } from "../model/origin.ts";
import { useInWords } from "./addressing.ts";

interface Range {
  readonly what: "pods" | "services";
  readonly prefix: IpPrefix;
}

/** What one that is wider says of the rest. */
const mayHold = (other: OverlayPrefix, prefix: IpPrefix): boolean =>
  other.exceptsMoreSpecifics && isMoreSpecific(prefix, other.prefix);

/** Where it was written; nowhere where it is K3s' own. */
function declared({ what, prefix }: Range, origin: Origin): readonly Related[] {
  const span = origin[`kubernetes/${what}`];
  return span === undefined ? [] : [{ message: `${prefix} is declared here`, span }];
}

/**
 * No prefix of pods or services overlaps the overlay's or another, but for a VRF's, which pods do not meet. A node may route
 * pods itself: its routes lie within.
 */
export function clusterPrefixesAreFree({ kubernetes, prefixes, hosts, origin }: Network): readonly Diagnostic[] {
  if (kubernetes === undefined) return [];
  const nodes = new Set(hosts.filter((host) => host.kubernetes !== undefined).map(({ name }) => name));
  const place = originSpan(origin, "kubernetes");
  const pods = kubernetes.pods.map((prefix): Range => ({ what: "pods", prefix }));
  const services = kubernetes.services.map((prefix): Range => ({ what: "services", prefix }));
  const isOwn = ({ what, prefix }: Range, other: OverlayPrefix): boolean =>
    what === "pods" && other.use.kind === "route" && nodes.has(other.use.host) && containsPrefix(prefix, other.prefix);
  const withOthers = [...pods, ...services].flatMap((range) =>
    prefixes
      .filter(({ vrf, prefix }) => vrf === undefined && overlaps(range.prefix, prefix))
      .filter((other) => !(isOwn(range, other) || mayHold(other, range.prefix)))
      .map((other) => {
        const params = { ...range, other: other.prefix, otherUse: useInWords(other) };
        return diagnostic("kubernetes-overlap", params, other.span, declared(range, origin));
      }),
  );
  const among = pods.flatMap((pod) =>
    services
      .filter(({ prefix }) => overlaps(pod.prefix, prefix))
      .map(({ prefix: other }) =>
        diagnostic("kubernetes-overlap", { ...pod, other, otherUse: "the services of Kubernetes" }, place),
      ),
  );
  return [...withOthers, ...among];
}

/** Linux has no IPv6 on an interface below 1280 bytes. That the tunnels are too small themselves is said of them. */
export function podsCarryIpv6({ kubernetes, origin }: Network): readonly Diagnostic[] {
  const prefix = kubernetes?.pods.find((pod) => familyOf(pod) === 6);
  if (kubernetes === undefined || prefix === undefined) return [];
  const { podMtu: mtu, tunnelMtu: tunnel } = kubernetes;
  if (mtu >= IPV6_MINIMUM_MTU || tunnel < IPV6_MINIMUM_MTU) return [];
  const overhead = tunnel - mtu;
  const params = { prefix, mtu, tunnel, overhead, minimum: IPV6_MINIMUM_MTU, needed: IPV6_MINIMUM_MTU + overhead };
  return [diagnostic("kubernetes-below-ipv6", params, originSpan(origin, "kubernetes"))];
}

/** By their defaults: flannel's VNI (Documentation/backends.md), Calico's (FelixConfiguration, vxlanVNI). */
const VNIS: Readonly<Record<Cni, number | undefined>> = { flannel: 1, calico: 4096, cilium: undefined };

/** Linux gives a VNI of a port to one device, and all of a port to one that takes every VNI, as Cilium's does. */
export function cnisHaveTheirVxlan({ hosts }: Network): readonly Diagnostic[] {
  const found = hosts.flatMap(({ name: host, kubernetes, vxlans, vrfs, origin }) => {
    if (kubernetes === undefined) return [];
    const { cni } = kubernetes;
    const own = VNIS[cni];
    return [...vxlans, ...vrfs.map(({ vxlan }) => vxlan)]
      .filter(({ port, vni }) => port === CNI_PORTS[cni] && (own === undefined || vni === own))
      .map(({ segment, vni, port }) => {
        const params = { host, cni, segment, vni, port, what: own === undefined ? "all of the port" : "the same" };
        return { segment, found: diagnostic("kubernetes-vxlan-conflict", params, originSpan(origin, "kubernetes")) };
      });
  });
  // Of all hosts' on the first.
  const bySegment = [...grouped(found, ({ segment }) => segment).values()];
  return bySegment.flatMap((group) => group.slice(0, 1)).map((first) => first.found);
}
