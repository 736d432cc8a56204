/** A lab of some hosts: the part of a network and of its plan that can be proven without the others. */
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import type { Gateway, Segment } from "../../model/segment.ts";
import { cablesOf, type LabPlan } from "./plan.ts";

export interface Selection {
  readonly network: Network;
  readonly plan: LabPlan;
}

type Has = (host: string) => boolean;

function gatewayWith(has: Has, gateway: Gateway): Gateway {
  if (gateway.kind === "none") return gateway;
  if (gateway.kind === "shared") {
    const hosts = gateway.hosts.filter(has);
    return hosts.length === 0 ? { kind: "none" } : { ...gateway, hosts };
  }
  const hosts = gateway.hosts.filter(({ host }) => has(host));
  return hosts.length === 0 ? { kind: "none" } : { ...gateway, hosts };
}

function segmentsWith(has: Has, segments: readonly Segment[]): readonly Segment[] {
  return segments
    .map((segment) => ({
      ...segment,
      members: segment.members.filter(has),
      gateway: gatewayWith(has, segment.gateway),
    }))
    .filter(({ members }) => members.length > 0);
}

function hostWith(has: Has, all: Host): Host {
  const known = <T extends { readonly exits: readonly { readonly host: string }[] }>(each: T): T => ({
    ...each,
    exits: each.exits.filter((exit) => has(exit.host)),
  });
  const egress = all.egress && { ...known(all.egress), remotes: all.egress.remotes.map(known) };
  const host = { ...all, egress };
  const { bgp } = host;
  if (bgp.kind === "none") return host;
  const neighbours = bgp.neighbours.filter((each) => has(each.host));
  const vrfs = host.vrfs.map((vrf) => ({ ...vrf, otherExits: vrf.otherExits.filter((each) => has(each.host)) }));
  if (bgp.kind === "evpn") return { ...host, vrfs, bgp: { ...bgp, neighbours } };
  const unicast = { ...bgp.unicast, neighbours: bgp.unicast.neighbours.filter((each) => has(each.host)) };
  return { ...host, vrfs, bgp: { ...bgp, neighbours, unicast } };
}

/** The peers stay: they stand in the files, and decide where packets to the absent go. */
function networkWith(has: Has, network: Network): Network {
  return {
    ...network,
    hosts: network.hosts.filter(({ name }) => has(name)).map((host) => hostWith(has, host)),
    segments: segmentsWith(has, network.segments),
    vrfs: network.vrfs
      .map((vrf) => ({ ...vrf, members: vrf.members.filter(has), exits: vrf.exits.filter((exit) => has(exit.host)) }))
      .filter(({ members }) => members.length > 0),
    exits: network.exits.filter((exit) => has(exit.host)),
    remotes: network.remotes.map((remote) => ({ ...remote, exits: remote.exits.filter((exit) => has(exit.host)) })),
    prefixes: network.prefixes.filter(({ use }) => (use.kind !== "route" && use.kind !== "peer") || has(use.host)),
  };
}

/**
 * Whether what one announces reaches the other: over sessions, and by hosts that pass it on. Inside an AS only a reflector
 * does; what comes from another AS, or goes to one, everyone does.
 */
function hears(hosts: readonly Host[], one: string, other: string): boolean {
  const speakers = new Map(hosts.flatMap(({ name, bgp }) => (bgp.kind !== "none" ? [[name, bgp] as const] : [])));
  // A host that heard it inside its AS counts apart: it passes on less.
  const waiting = [{ name: one, isInside: false }];
  const seen = new Set<string>();
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const speaker = speakers.get(at.name);
    const key = `${at.name} ${at.isInside}`;
    if (speaker === undefined || seen.has(key)) continue;
    if (at.name === other) return true;
    seen.add(key);
    for (const { host, asn } of speaker.neighbours) {
      const isInside = asn === speaker.asn;
      if (!(at.isInside && isInside) || speaker.isReflector) waiting.push({ name: host, isInside });
    }
  }
  return false;
}

/** The first segment or VRF of which some of its hosts are chosen, but no reflector that lets them hear of each other. */
export function silentSegment(network: Network, names: readonly string[]): string | undefined {
  const { hosts, segments, vrfs, bgp } = networkWith((host) => names.includes(host), network);
  if (bgp.kind === "none") return undefined;
  return [...segments, ...vrfs].find(({ members }) =>
    members.some((one) => members.some((other) => one !== other && !hears(hosts, one, other))),
  )?.name;
}

function planWith(has: Has, { hosts }: Network, plan: LabPlan): LabPlan {
  const chosen = plan.hosts.filter(({ name }) => has(name));
  const cables = chosen.flatMap(cablesOf);
  const routers = new Set(cables.map(({ router }) => router));
  const reached = new Set(cables.flatMap(({ addresses }) => addresses));
  const foreignBridges = plan.foreignBridges.filter(({ host }) => has(host));
  const bridges = [...hosts.flatMap((host) => host.bridges), ...foreignBridges];
  const answering = new Set(bridges.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  return {
    ...plan,
    hosts: chosen,
    routers: plan.routers.filter(({ name }) => routers.has(name)),
    paths: plan.paths.filter(({ router, to }) => routers.has(router) && reached.has(to)),
    guests: plan.guests
      .filter(({ host }) => has(host))
      .map((guest) => ({
        ...guest,
        gateways: guest.gateways.filter((gateway) => guest.behind !== undefined || answering.has(gateway)),
      })),
    outsiders: plan.outsiders.filter(({ host }) => has(host)),
    foreignBridges,
  };
}

/**
 * Leaves of a network what concerns these hosts only. The files stay those of the whole: they name the absent as well,
 * whose endpoints keep their addresses, and nobody answers there.
 */
export function selectHosts(network: Network, plan: LabPlan, names: readonly string[]): Selection {
  const has: Has = (host) => names.includes(host);
  const chosen = networkWith(has, network);
  return { network: chosen, plan: planWith(has, chosen, plan) };
}
