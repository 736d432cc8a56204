/** Route targets: each belongs to one segment or VRF. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { derivedTarget, isDerivedFrom, type RouteTarget } from "../base/route-target.ts";
import type { Asn, Vni } from "../base/units.ts";
import { type Origin, originSpan } from "../model/origin.ts";
import type { Located, RouteTargetsInput, Topology } from "../topology/topology.ts";

/** A segment or a VRF. */
interface Targeted extends RouteTargetsInput {
  readonly name: string;
  readonly vni: Vni;
  readonly origin: Origin;
}

const targeted = ({ subnets, vrfs }: Topology): readonly Targeted[] => [
  ...subnets.flatMap(({ name, vxlan, origin }) =>
    vxlan === undefined ? [] : [{ name, vni: vxlan.vni, origin, ...vxlan.routeTargets }],
  ),
  ...vrfs.map(({ name, vni, origin, routeTargets }) => ({ name: `the VRF ${name}`, vni, origin, ...routeTargets })),
];

const has = (targets: readonly Located<RouteTarget>[], wanted: RouteTarget): boolean =>
  targets.some(({ value }) => value === wanted);

/** True for a target whose routes are in a network, be they its own or others'. */
function isOf({ vni, imports, exports }: Targeted, target: RouteTarget, asns: readonly Asn[]): boolean {
  if (has(imports, target) || has(exports, target)) return true;
  if (exports.length > 0) return false;
  // Without an import those of any AS are taken in; with one, those that the members derive.
  if (imports.length === 0) return isDerivedFrom(target, vni);
  return asns.some((asn) => derivedTarget(asn, vni) === target);
}

/**
 * FRR sends what it takes into a network by that network's own VNI, whatever the route says. So the routes of two networks
 * are in neither of the other: whoever is sent such a packet has it under another number, or not at all.
 */
export function targetsAreOfOneNetwork(topology: Topology): readonly Diagnostic[] {
  const { bgp, sites } = topology;
  if (bgp === undefined) return [];
  const asns = [bgp.asn, ...sites.flatMap(({ asn }) => asn ?? [])];
  const networks = targeted(topology);
  const found = new Map<string, Diagnostic>();
  for (const each of networks) {
    for (const { value: target, span } of [...each.imports, ...each.exports]) {
      const other = networks.find((one) => one.vni !== each.vni && isOf(one, target, asns));
      // Once for each two that have it.
      const pair = [each.vni, other?.vni].sort().join();
      if (other === undefined || found.has(`${pair} ${target}`)) continue;
      const related = [{ message: `${other.name} is here`, span: originSpan(other.origin) }];
      const params = { target, network: each.name, other: other.name };
      found.set(`${pair} ${target}`, diagnostic("route-target-taken", params, span, related));
    }
  }
  return [...found.values()];
}
