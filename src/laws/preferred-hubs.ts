/** The hubs that hosts and sites prefer. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { hasTunnels, hostsByName } from "../topology/hosts.ts";
import { createGatewaysBefore, createIsLeaf } from "../topology/leaves.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Located, Topology } from "../topology/topology.ts";

/** Who says which hubs are preferred, and whom it is said of. */
interface Preference {
  readonly who: string;
  readonly hubs: readonly Located<string>[];
  readonly concerns: (host: HostInput) => boolean;
}

function preferencesOf({ hosts, sites }: Topology): readonly Preference[] {
  const all = [
    ...hosts.map((host) => ({ who: host.name, hubs: host.hubs, concerns: (each: HostInput) => each === host })),
    ...sites.map(({ name, hubs }) => ({
      who: `the site ${name}`,
      hubs,
      concerns: ({ site }: HostInput) => site === name,
    })),
  ];
  return all.filter(({ hubs }) => hubs.length > 0);
}

/** Preferred is one of the hubs. */
export function preferredHubsAreHubs(topology: Topology): readonly Diagnostic[] {
  const names = topology.wireguard.hubs.map(({ value }) => value);
  const known = hostsByName(topology);
  return preferencesOf(topology).flatMap(({ who, hubs }) =>
    hubs
      .filter(({ value }) => names.length > 0 && known.has(value) && !names.includes(value))
      .map(({ value: hub, span }) => diagnostic("preferred-hub-unknown", { who, hub, hubs: names.join(", ") }, span)),
  );
}

/** Why nobody of some hosts chooses between hubs; `undefined`: one does. */
function createIdleness(topology: Topology): (hosts: readonly HostInput[]) => string | undefined {
  const { shape, hubs } = topology.wireguard;
  const isOfSeveral = shape === "hub-and-spoke" && hubs.length > 1 && routingClass(topology).kind === "dynamic";
  const [isLeaf, gatewaysBefore] = [createIsLeaf(topology), createGatewaysBefore(topology)];
  const chooses = (host: HostInput): boolean => hasTunnels(host) && isLeaf(host) && gatewaysBefore(host).length === 0;
  return (hosts) => {
    if (!isOfSeveral) return "there are no several hubs to choose from";
    return hosts.some(chooses)
      ? undefined
      : "no spoke is meant: hubs, gateways and whoever is behind these do not choose";
  };
}

/** What is preferred is chosen by somebody. */
export function preferredHubsAreChosen(topology: Topology): readonly Diagnostic[] {
  const idleness = createIdleness(topology);
  return preferencesOf(topology).flatMap(({ who, hubs, concerns }) => {
    const why = idleness(topology.hosts.filter(concerns));
    return why === undefined
      ? []
      : hubs.slice(0, 1).map(({ span }) => diagnostic("preferred-hub-unused", { who, why }, span));
  });
}
