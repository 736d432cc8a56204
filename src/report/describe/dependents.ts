/** Who depends on a host: what only it gives, or what others take from it first. What is lost in the end `what-if` would say. */
import { listInWords, someOf } from "../../base/text.ts";
import type { Exit } from "../../model/exit.ts";
import type { Host } from "../../model/host.ts";
import { failoverOf, unicastOf } from "../../model/loopback.ts";
import type { Gateway } from "../../model/segment.ts";
import type { Dependent, Known } from "./description.ts";

/** One line for all hosts that lose the same. */
function ofHosts(names: readonly string[], loses: string): readonly Dependent[] {
  return names.length === 0 ? [] : [{ who: someOf(names), loses }];
}

/** Who has no tunnel but the one to it. */
function spokesOf({ network, neighboursOf }: Known, { name }: Host): readonly Dependent[] {
  const alone = network.hosts.filter((other) => {
    const neighbours = neighboursOf(other);
    return neighbours.size === 1 && neighbours.has(name);
  });
  // Of two hosts each is the other's only one: that is no hub.
  const isHub = network.hosts.length > 2;
  return isHub
    ? ofHosts(
        alone.map((each) => each.name),
        "all others: their only tunnel is to it",
      )
    : [];
}

/** Who sends by it as long as it is there, though there are others. */
function preferringOf({ network, neighboursOf }: Known, { name }: Host): readonly Dependent[] {
  const failover = failoverOf(network);
  if (failover === undefined) return [];
  const preferring = network.hosts.filter((other) => {
    const all = (unicastOf(other)?.neighbours ?? []).filter(({ preference }) => preference !== undefined);
    const most = Math.max(...all.map(({ preference = 0 }) => preference));
    return neighboursOf(other).size > 1 && all.some((each) => each.host === name && each.preference === most);
  });
  const seconds = failover.boundMs / 1000;
  const names = preferring.map((each) => each.name);
  return ofHosts(names, `the hub that is preferred: another is in use within ${seconds} s`);
}

export const gatewayHosts = (gateway: Gateway): readonly string[] => {
  if (gateway.kind === "none") return [];
  return gateway.kind === "shared" ? gateway.hosts : gateway.hosts.map(({ host }) => host);
};

function guestsOf({ network }: Known, { name }: Host): readonly Dependent[] {
  return network.segments.flatMap((segment) => {
    const gateways = gatewayHosts(segment.gateway);
    if (!gateways.includes(name)) return [];
    const others = gateways.filter((each) => each !== name);
    const who = `guests of ${segment.name}`;
    if (others.length === 0) return [{ who, loses: "their only gateway" }];
    if (segment.gateway.kind === "shared") return [];
    return [
      {
        who,
        loses: `the gateway ${name}: those that were told of it do not go to ${listInWords(others)} by themselves`,
      },
    ];
  });
}

function leaversOf({ network, hosts }: Known, host: Host): readonly Dependent[] {
  const isOnly = (exits: readonly Pick<Exit, "host">[]): boolean => exits.length === 1 && exits[0]?.host === host.name;
  const byEgress = [...hosts.values()].filter(({ name, egress, app }) => {
    const isOfApp = app?.exit?.host === host.name;
    return name !== host.name && (isOfApp || isOnly(egress?.exits ?? []));
  });
  const only = "the internet: it is the only exit";
  return [
    ...ofHosts(
      byEgress.map(({ name }) => name),
      `${only} of theirs`,
    ),
    ...network.vrfs.filter(({ exits }) => isOnly(exits)).map(({ name }) => ({ who: `VRF ${name}`, loses: only })),
    ...network.remotes
      .filter(({ exits }) => isOnly(exits))
      .map(({ name }) => ({ who: "all", loses: `${name}: nobody else leads there` })),
  ];
}

function clientsOf({ network }: Known, { name, bgp }: Host): readonly Dependent[] {
  if (bgp.kind === "none" || !bgp.isReflector) return [];
  const clients = bgp.neighbours.filter(({ isClient }) => isClient).map(({ host }) => host);
  const alone = network.hosts.filter(
    (other) =>
      clients.includes(other.name) &&
      other.bgp.kind !== "none" &&
      other.bgp.neighbours.every(({ host }) => host === name),
  );
  return ofHosts(
    alone.map((each) => each.name),
    "all EVPN routes: it is their only route reflector",
  );
}

function neighboursOnLan({ network }: Known, { name }: Host): readonly Dependent[] {
  const led = network.sites.filter(({ gateways }) => gateways.length === 1 && gateways[0] === name);
  return led.map((site) => ({
    who: `hosts of ${site.name} without WireGuard`,
    loses: "other sites: it is the only gateway",
  }));
}

/** All that depends on a host more than on any other. */
export function dependentsOf(known: Known, host: Host): readonly Dependent[] {
  return [
    ...spokesOf(known, host),
    ...preferringOf(known, host),
    ...neighboursOnLan(known, host),
    ...guestsOf(known, host),
    ...leaversOf(known, host),
    ...clientsOf(known, host),
  ];
}
