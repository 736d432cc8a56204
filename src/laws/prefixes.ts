/** Prefixes that cannot be what they are given for. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf, type IpPrefix, overlaps, prefixLengthBits } from "../base/ip.ts";
import { GUARDED_SERVICES } from "../model/host.ts";
import type { Topology } from "../topology/topology.ts";

/** RFC 6890's that no router forwards, and what Linux gives a meaning of its own. */
const RESERVED: readonly (readonly [string, string])[] = [
  ["0.0.0.0/8", "an address there means this host itself"],
  ["127.0.0.0/8", "it never leaves a host"],
  ["169.254.0.0/16", "it is each link's own, and clouds answer for it"],
  ["224.0.0.0/3", "it is for multicast and for later"],
  ["::/127", "it never leaves a host"],
  ["fe80::/10", "it is each link's own"],
  ["ff00::/8", "it is for multicast"],
];

/** Pools, transit, pods and services are addresses that one host can send to another. */
export function poolsCanBeRouted({ wireguard, kubernetes }: Topology): readonly Diagnostic[] {
  const pools = [
    ...wireguard.addresses.map((each) => ({ ...each, use: "a pool of wireguard.addresses" })),
    ...wireguard.transit.map((each) => ({ ...each, use: "a pool of wireguard.transit" })),
    ...kubernetes.pods.map((each) => ({ ...each, use: "the pods of Kubernetes" })),
    ...kubernetes.services.map((each) => ({ ...each, use: "the services of Kubernetes" })),
  ];
  return pools.flatMap(({ value: prefix, span, use }) => {
    const [range, reason] = RESERVED.find(([each]) => isPart(each as IpPrefix, prefix)) ?? [];
    if (range === undefined || reason === undefined) return [];
    return [diagnostic("prefix-reserved", { prefix, use, range, reason }, span)];
  });
}

const isPart = (range: IpPrefix, prefix: IpPrefix): boolean =>
  familyOf(range) === familyOf(prefix) && overlaps(range, prefix);

/** Whoever may speak VXLAN to a host from everywhere puts frames into its segments. */
export function guardIsNoGate({ guardAllowFrom, hosts }: Topology): readonly Diagnostic[] {
  const named = hosts.flatMap(({ guardOpen }) => GUARDED_SERVICES.flatMap((service) => guardOpen?.[service] ?? []));
  const all = [
    ...guardAllowFrom.map((each) => ({ ...each, key: "guard.allowFrom" })),
    ...named.map((each) => ({ ...each, key: "a host's guard" })),
  ];
  const open = all.filter(({ value }) => prefixLengthBits(value) === 0);
  // What stands in hostDefaults is one mistake.
  const places = new Map(open.map((each) => [each.span.start, each]));
  return [...places.values()].map(({ value: prefix, key, span }) => diagnostic("guard-open", { prefix, key }, span));
}
