/** Autonomous systems: which hosts form one, and who of them speaks BGP with whom. */
import { must } from "../../base/invariant.ts";
import type { Asn } from "../../base/units.ts";
import type { Topology } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { NO_TARGETS, type TargetsOn, toldTargets } from "../subnets/route-targets.ts";

/** The AS of a host: that of its site, else that of the network. Sites with one number are one AS. */
export function autonomousSystems({ sites }: Topology, network: Asn): (host: ResolvedHost) => Asn {
  const bySite = new Map(sites.map(({ name, asn }) => [name, asn]));
  return ({ reach }) => (reach.site === undefined ? undefined : bySite.get(reach.site)) ?? network;
}

/** Gives the function that knows what each host's FRR is told of route targets; nothing without BGP. */
export function createTargetsOn(topology: Topology, hosts: ReadonlyMap<string, ResolvedHost>): TargetsOn {
  if (topology.bgp === undefined) return () => NO_TARGETS;
  const asnOf = autonomousSystems(topology, topology.bgp.asn);
  return (network, host) => {
    const { imports, exports } = network.routeTargets;
    // Most have none, and members can be many.
    if (imports.length + exports.length === 0) return NO_TARGETS;
    const members = network.members.map((name) => must(hosts.get(name), "members are hosts"));
    return toldTargets(network, { asn: asnOf(host), asns: members.map(asnOf) });
  };
}

/** What decides about sessions: each host's AS, the reflectors, the ASes that have one, and whether one may be lost. */
export interface Systems {
  readonly asnOf: (host: ResolvedHost) => Asn;
  readonly reflectors: ReadonlySet<string>;
  readonly reflected: ReadonlySet<Asn>;
  /** Where a tunnel or a hub can be done without, so can a reflector: that of another AS is spoken with as well. */
  readonly hasSeveralWays: boolean;
}

export function systemsOf(hosts: readonly ResolvedHost[], given: Omit<Systems, "reflected">): Systems {
  const reflected = new Set(hosts.filter(({ input }) => given.reflectors.has(input.name)).map(given.asnOf));
  return { ...given, reflected };
}

/**
 * Whether two speakers have a session.
 *
 * - Inside one AS (iBGP) only reflectors pass routes on. So everyone peers with the AS's reflectors, or, where it has none,
 *   with everyone.
 * - Between two ASes (eBGP) every speaker passes routes on. An AS with reflectors speaks through them alone. Two ASes
 *   without any speak directly, unless there is a third with reflectors: then both speak with those.
 * - Where there are several ways, everyone speaks with every reflector, of whichever AS: that of its own may be lost.
 */
export function haveSession(a: ResolvedHost, b: ResolvedHost, systems: Systems): boolean {
  const { asnOf, reflectors, reflected, hasSeveralWays } = systems;
  const isReflector = reflectors.has(a.input.name) || reflectors.has(b.input.name);
  if (asnOf(a) === asnOf(b)) return isReflector || !reflected.has(asnOf(a));
  const speaksOut = (host: ResolvedHost): boolean =>
    hasSeveralWays || reflectors.has(host.input.name) || !reflected.has(asnOf(host));
  return speaksOut(a) && speaksOut(b) && (isReflector || reflectors.size === 0);
}
