/** Networks of OVN's. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { familyOf } from "../base/ip.ts";
import type { Topology } from "../topology/topology.ts";

/** A network has at most one prefix of each family: OVN chooses guests' addresses from one of each. */
export function ovnNetworksHaveOnePrefix({ ovn }: Topology): readonly Diagnostic[] {
  return (ovn?.networks ?? []).flatMap(({ name: network, prefixes: [first, second] }) => {
    if (first === undefined || second === undefined) return [];
    const family = familyOf(first.value);
    if (family !== familyOf(second.value)) return [];
    const params = { network, prefix: first.value, other: second.value, family };
    const related = [{ message: "the first one", span: first.span }];
    return [diagnostic("ovn-network-family", params, second.span, related)];
  });
}
