/** Route targets: those that were written, and what FRR is told of them on each host. */
import { derivedTarget, type RouteTarget } from "../../base/route-target.ts";
import { sortedBy } from "../../base/text.ts";
import type { Asn } from "../../base/units.ts";
import type { RouteTargets, Segment } from "../../model/segment.ts";
import type { Located, RouteTargetsInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

export const NO_TARGETS: RouteTargets = { imports: [], exports: [] };

/** What a segment and a VRF have alike. */
type Network = Pick<Segment, "vni" | "members" | "routeTargets">;

/** What FRR is told of a segment or a VRF on a host. */
export type TargetsOn = (network: Network, host: ResolvedHost) => RouteTargets;

const distinct = (targets: readonly RouteTarget[]): readonly RouteTarget[] =>
  sortedBy(new Set(targets), (target) => target);

const sorted = (targets: readonly Located<RouteTarget>[]): readonly RouteTarget[] =>
  distinct(targets.map(({ value }) => value));

export function writtenTargets({ routeTargets }: { readonly routeTargets: RouteTargetsInput }): RouteTargets {
  const { imports, exports } = routeTargets;
  return { imports: sorted(imports), exports: sorted(exports) };
}

/**
 * FRR has the derived target by itself until the first other one is configured, and forgets it then. So alone it is no line,
 * which each reload would add again; among others it comes last, when it is no longer there (bgpd/bgp_evpn_vty.c,
 * bgp_evpn_rt_matches_existing).
 */
function told(targets: readonly RouteTarget[], derived: RouteTarget): readonly RouteTarget[] {
  const others = targets.filter((target) => target !== derived);
  if (others.length === 0) return [];
  return others.length < targets.length ? [...others, derived] : others;
}

/**
 * What FRR is told of a network that has some, on a host of AS `asn`; `asns`: those of all members, each of which may be the host's. What is derived takes
 * in any AS's routes of its VNI; once there is an import, that and no other.
 */
export function toldTargets(
  { vni, routeTargets: { imports, exports } }: Network,
  { asn, asns }: { readonly asn: Asn; readonly asns: readonly Asn[] },
): RouteTargets {
  const derived = derivedTarget(asn, vni);
  const own = exports.length > 0 ? exports : asns.map((each) => derivedTarget(each, vni));
  return { imports: told(distinct([...imports, ...own]), derived), exports: told(exports, derived) };
}
