/** A lab of some hosts: the part of a network and of its plan that can be proven without the others. */
import type { Network } from "../../model/network.ts";
import { hearersOf } from "../../ways/hears.ts";
import { type Has, networkWith } from "../../ways/rest.ts";
import { cablesOf, type LabPlan } from "./plan.ts";

export interface Selection {
  readonly network: Network;
  readonly plan: LabPlan;
}

/** The first segment or VRF of which some of its hosts are chosen, but no reflector that lets them hear of each other. */
export function silentSegment(network: Network, names: readonly string[]): string | undefined {
  const { hosts, segments, vrfs, bgp } = networkWith((host) => names.includes(host), network);
  if (bgp.kind === "none") return undefined;
  return [...segments, ...vrfs].find(({ members }) =>
    members.some((one) => {
      const hearers = hearersOf(hosts, one);
      return members.some((other) => one !== other && !hearers.has(other));
    }),
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
    premises: plan.premises.filter(({ host }) => has(host)),
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
