/** What is said of hosts that should have a tunnel and cannot meet. */
import { type Diagnostic, diagnostic } from "../../base/diagnostic.ts";
import { originSpan } from "../../model/origin.ts";
import type { Reach } from "../../model/reach.ts";
import { meeting } from "../../model/tunnel.ts";
import { isApp } from "../../topology/hosts.ts";
import { routingClass } from "../../topology/routing-class.ts";
import type { Topology, WireguardInput } from "../../topology/topology.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

/** Two that cannot meet. */
export type UnmetPair = readonly [ResolvedHost, ResolvedHost];

/** A mesh of n hosts that forgot its endpoints has n²/2 such pairs: enough is enough. */
export const MAX_PAIRS_REPORTED = 50;

/** What else two hosts that cannot meet may do than to have an endpoint. */
const NAME_A_HUB = "name a hub that both can meet under wireguard.hubs: it relays them";
/** Where BGP routes, nobody relays for two of a mesh. */
const HAVE_HUBS = 'write "shape: hub-and-spoke" with hubs that both can meet';
const LINK_OTHERS = "link each with a host that it can meet instead";

/** A hub that nobody outside its site can dial is one mistake, however many spokes it has: it is said the same for each. */
export function hubWithoutEndpoint({ input: { name: hub, origin } }: ResolvedHost): Diagnostic {
  return diagnostic("hub-without-endpoint", { hub }, originSpan(origin));
}

function insteadOf(topology: Topology): string {
  if (topology.wireguard.shape === "links") return LINK_OTHERS;
  return topology.wireguard.shape !== "hub-and-spoke" && routingClass(topology).kind === "dynamic"
    ? HAVE_HUBS
    : NAME_A_HUB;
}

function pairDiagnostic([a, b]: UnmetPair, { shape, hubs }: WireguardInput, instead: string): Diagnostic {
  const isHub = ({ input: { name } }: ResolvedHost): boolean => hubs.some(({ value }) => value === name);
  const lost =
    shape === "hub-and-spoke" ? [a, b].find((each) => isHub(each) && each.reach.endpoints.length === 0) : undefined;
  if (lost !== undefined) return hubWithoutEndpoint(lost);
  const names = { host: a.input.name, other: b.input.name };
  const related = [{ message: `${names.other} is here`, span: originSpan(b.input.origin) }];
  const span = originSpan(a.input.origin);
  const { site, isBehindNat } = a.reach;
  const isOneNat = site !== undefined && site === b.reach.site && isBehindNat && b.reach.isBehindNat;
  if (isOneNat && a.reach.endpoints.length + b.reach.endpoints.length > 0) {
    // A spoke is dialled by nobody.
    const dialled = [a, b].filter(({ isSpoke }) => !isSpoke).map(({ input }) => input.name);
    const params = { ...names, site, dialled: dialled.join(" or ") };
    return diagnostic("pair-behind-one-nat", params, span, related);
  }
  const everywhere = ({ reach }: ResolvedHost): Reach => ({ ...reach, families: "both" });
  const { there, back } = meeting(everywhere(a), everywhere(b));
  const isApart = (!b.isSpoke && there !== undefined) || (!a.isSpoke && back !== undefined);
  return diagnostic(isApart ? "pair-families-apart" : "pair-cannot-meet", { ...names, instead }, span, related);
}

/**
 * Says which pairs cannot meet, some of them where there are many. `running`: all hosts that have WireGuard. Phones of a mesh
 * that nobody can dial are there to dial its hosts: that they cannot meet each other is no mistake, unless they are linked.
 */
export function unmetDiagnostics(
  pairs: readonly UnmetPair[],
  topology: Topology,
  running: readonly ResolvedHost[],
): readonly Diagnostic[] {
  const { wireguard, sites } = topology;
  const names = new Set(running.map(({ input }) => input.name));
  const leaders = [...wireguard.hubs, ...sites.flatMap((site) => site.gateways)];
  // One with a mistake of its own is not there, and might have led the others to each other.
  if (leaders.some(({ value }) => !names.has(value))) return [];
  const instead = insteadOf(topology);
  const asked = pairs.filter((pair) => wireguard.shape === "links" || !pair.every(({ input }) => isApp(input)));
  return asked.slice(0, MAX_PAIRS_REPORTED).map((pair) => pairDiagnostic(pair, wireguard, instead));
}
