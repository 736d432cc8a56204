/** Hosts that are about to be stopped. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { linkNeighbours, neighboursOf, reachedFrom } from "../topology/links.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Located, Topology } from "../topology/topology.ts";

/** Lists of hosts of which one can do what another does. */
function replaceable(
  { wireguard, sites, vrfs, remotes, subnets, hosts }: Topology,
  isDynamic: boolean,
): readonly (readonly string[])[] {
  const { shape, hubs, vrrp } = wireguard;
  const led = [
    ...(shape === "hub-and-spoke" && (isDynamic || vrrp !== undefined) ? [hubs] : []),
    ...sites.filter((site) => isDynamic || site.vrrp !== undefined).map(({ gateways }) => gateways),
    ...[...vrfs, ...remotes].map(({ exits }) => exits.map(({ host }) => host)),
    ...[...subnets, ...hosts].map(({ exits }) => exits),
  ];
  return led.map((hosts: readonly Located<string>[]) => hosts.map(({ value }) => value));
}

/** Whether two neighbours of a host are linked without it and any other that is drained. */
function isGoneAround({ hosts, wireguard: { links } }: Topology, { name }: HostInput): boolean {
  const there = hosts.filter((host) => host.name === name || !host.isDrained).map((host) => host.name);
  const neighbours = linkNeighbours(there, links);
  const own = neighboursOf(neighbours, name);
  return [...own].some((near) => reachedFrom(neighbours, near, name).some((far) => far !== near && own.has(far)));
}

/** Draining a host moves something. */
export function drainedHostsAreReplaced(topology: Topology): readonly Diagnostic[] {
  const drained = topology.hosts.filter((host) => host.isDrained);
  if (drained.length === 0) return [];
  const names = new Set(drained.map(({ name }) => name));
  const isDynamic = routingClass(topology).kind === "dynamic";
  const lists = replaceable(topology, isDynamic);
  const isRing = isDynamic && topology.wireguard.shape === "links";
  const isReplaced = (host: HostInput): boolean =>
    lists.some((list) => list.includes(host.name) && list.some((each) => !names.has(each))) ||
    (isRing && isGoneAround(topology, host));
  return drained
    .filter((host) => !isReplaced(host))
    .map((host) => diagnostic("drained-unused", { host: host.name }, originSpan(host.origin, "drained")));
}
