import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import { someOf } from "../base/text.ts";
import type { EgressExit, RemoteEgress } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import type { Peer } from "../model/reach.ts";

/** The exits of a host that it has no tunnel with, and where they are named. */
function strangersOf({ egress, app, interfaces, origin }: Host, peers: ReadonlyMap<string, Peer>) {
  const strangers = (egress?.exits ?? []).filter(({ way }) => way.kind === "none").map(({ host }) => host);
  const isKnown = (name: string): boolean =>
    interfaces.some((link) => link.peers.some((id) => peers.get(id)?.host === name));
  const ofApp = app?.exit === undefined || isKnown(app.exit.host) ? [] : [app.exit.host];
  return [...strangers, ...ofApp].map((exit) => ({ exit, span: originSpan(egress?.origin ?? origin, "exits") }));
}

const peersById = ({ peers }: Network): ReadonlyMap<string, Peer> => new Map(peers.map((peer) => [peer.id, peer]));

/** What leaves by an exit goes to it at once: a host between the two would send it out by its own interface. */
export function exitsAreNeighbours(network: Network): readonly Diagnostic[] {
  if (network.exits.length === 0) return [];
  const peers = peersById(network);
  // Without WireGuard it can be none, which has been said.
  const running = new Set(network.hosts.filter(({ interfaces }) => interfaces.length > 0).map(({ name }) => name));
  return network.hosts.flatMap((host) =>
    strangersOf(host, peers)
      .filter(({ exit }) => running.has(exit))
      .map(({ exit, span }) => diagnostic("exit-not-neighbour", { host: host.name, exit }, span)),
  );
}

/** Who reaches a remote hands packets to the exit itself: a host between the two would choose by its own lights. */
export function remotesAreReachedAtOnce({ hosts, remotes }: Network): readonly Diagnostic[] {
  // Without WireGuard it can be none, which has been said.
  const running = new Set(hosts.filter(({ interfaces }) => interfaces.length > 0).map(({ name }) => name));
  return remotes.flatMap(({ name: remote, exits }) =>
    exits.flatMap(({ host: exit, origin }) => {
      const isStranger = (each: RemoteEgress): boolean =>
        each.name === remote && each.exits.some(({ host, way }) => host === exit && way.kind === "none");
      if (!running.has(exit)) return [];
      const first = hosts.find(({ egress }) => egress?.remotes.some(isStranger));
      if (first === undefined) return [];
      return [diagnostic("remote-not-neighbour", { host: first.name, remote, exit }, originSpan(origin, "host"))];
    }),
  );
}

/** The name by which a host dials an exit; `undefined`: it dials an address, or does not dial. */
function nameOf({ interfaces }: Host, { host }: EgressExit, peers: ReadonlyMap<string, Peer>): string | undefined {
  const views = interfaces.flatMap((link) => link.peers.map((id) => must(peers.get(id), "every id is that of a peer")));
  const endpoints = views.filter((peer) => peer.host === host).flatMap((peer) => peer.endpoints);
  const names = endpoints.flatMap((endpoint) => (endpoint.kind === "name" ? [endpoint.name] : []));
  return names.length === endpoints.length ? names[0] : undefined;
}

/** Who sends all into tunnels can look up no name before there is one. */
export function ownExitsAreDialledByAddress(network: Network): readonly Diagnostic[] {
  if (network.exits.length === 0) return [];
  const peers = peersById(network);
  return network.hosts.flatMap((host) => {
    const exits = host.egress?.own === undefined ? [] : host.egress.exits;
    return exits.flatMap((exit) => {
      const name = nameOf(host, exit, peers);
      if (name === undefined) return [];
      const params = { host: host.name, exit: exit.host, name };
      return [diagnostic("exit-dialled-by-name", params, originSpan(host.origin, "exits"))];
    });
  });
}

/** What an app is told of an exit is all that it leaves by: of an IP version that this does not carry it knows nothing. */
export function appsLeaveByBothVersions({ hosts, exits }: Network): readonly Diagnostic[] {
  const narrow = exits.filter(({ families }) => !families.includes(6));
  return narrow.flatMap(({ host: exit, origin }) => {
    const devices = hosts.filter(({ app, reach }) => app?.exit?.host === exit && reach.families !== 4);
    if (devices.length === 0) return [];
    const names = devices.map(({ name }) => name);
    return [diagnostic("exit-without-ipv6", { devices: someOf(names), exit }, originSpan(origin, "host"))];
  });
}
