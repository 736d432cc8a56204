/** What can go down, and the ways that are left then. Pure. */
import { must } from "../base/invariant.ts";
import { familyOf } from "../base/ip.ts";
import { once } from "../base/once.ts";
import { type Host, outerLinks } from "../model/host.ts";
import { createNeighboursOf } from "../model/relays.ts";
import { createMeeting } from "../model/tunnel.ts";
import { gatewayHost } from "./reach.ts";
import { networkWith } from "./rest.ts";
import type { Station } from "./station.ts";
import { tunnelsNamed } from "./tunnel-names.ts";
import { type Ways, waysOf } from "./ways.ts";

type Pair = readonly [string, string];

/** Something that goes down without a word: the others have to notice. */
export interface Loss {
  readonly kind: "host" | "site" | "link" | "interface";
  /** `alpha`, `core`, `alpha--beta`, `wg0@alpha`. */
  readonly name: string;
  /** Those that are gone altogether. */
  readonly hosts: readonly string[];
  /** Pairs whose tunnel carries nothing any more. */
  readonly tunnels: readonly Pair[];
  /** Pairs that do not meet on their LAN any more. */
  readonly lans: readonly Pair[];
  /** Hosts whose ways out by this interface are closed. */
  readonly exits: readonly { readonly host: string; readonly interface: string }[];
  /** Hosts that give away an address that they share: they are gone, or what they watch of themselves is. */
  readonly yielding: readonly string[];
}

const NOTHING = { hosts: [], tunnels: [], lans: [], exits: [], yielding: [] };

const hostNamed = ({ hosts }: Ways, name: string): Host => must(hosts.get(name), `${name} is a host`);

/** Whom each host has a tunnel with. */
const neighbours = once(({ network }: Ways) => createNeighboursOf(network));

export const hostLoss = (name: string): Loss => ({ ...NOTHING, kind: "host", name, hosts: [name], yielding: [name] });

function siteLoss({ network }: Ways, name: string): Loss {
  const hosts = network.hosts.filter(({ reach }) => reach.site === name).map((host) => host.name);
  return { ...NOTHING, kind: "site", name, hosts, yielding: hosts };
}

const linkLoss = (a: string, b: string): Loss => ({
  ...NOTHING,
  kind: "link",
  name: `${a}--${b}`,
  tunnels: [[a, b]],
});

/** An interface of WireGuard's, by name. */
function tunnelLoss(ways: Ways, { name: host, interfaces }: Host, name: string): Loss | undefined {
  const link = interfaces.find((each) => each.name === name);
  if (link === undefined) return undefined;
  const peers = new Set(link.peers.map((id) => must(ways.peers.get(id), "every id is a peer's").host));
  return {
    ...NOTHING,
    kind: "interface",
    name: `${name}@${host}`,
    tunnels: [...peers].map((peer) => [host, peer] as const),
    yielding: [host],
  };
}

/** The uplink of a host, or its interface to the LAN: what it dials and is dialled by there, and who is on that LAN. */
function outerLoss(ways: Ways, host: Host, name: string): Loss | undefined {
  if (!outerLinks(host).includes(name)) return undefined;
  const meeting = createMeeting(ways.network);
  const isLan = name === host.lanInterface;
  const others = [...neighbours(ways)(host)].map((other) => hostNamed(ways, other));
  const isBy = (other: Host): boolean => {
    const { there, back } = meeting(host, other);
    const { scope } = must(there ?? back, "neighbours meet");
    return scope === "lan" ? isLan : name === host.uplink;
  };
  const { site } = host.reach;
  const onLan = ways.network.hosts.filter((other) => isLan && site !== undefined && other.reach.site === site);
  return {
    ...NOTHING,
    kind: "interface",
    name: `${name}@${host.name}`,
    tunnels: others.filter(isBy).map((other) => [host.name, other.name]),
    lans: onLan.filter((other) => other !== host).map((other) => [host.name, other.name]),
    exits: [{ host: host.name, interface: name }],
    yielding: [host.name],
  };
}

const linksNamed = (ways: Ways, text: string): readonly Loss[] | undefined =>
  tunnelsNamed({ ...ways, neighboursOf: neighbours(ways) }, text)?.map(([a, b]) => linkLoss(a.name, b.name));

function interfacesNamed(ways: Ways, text: string): readonly Loss[] {
  const [, name = "", at = ""] = /^(.+)@([^@]+)$/.exec(text) ?? [];
  const host = ways.hosts.get(at);
  const found = host && (tunnelLoss(ways, host, name) ?? outerLoss(ways, host, name));
  return found === undefined ? [] : [found];
}

/** All that a text can mean, with `host:` and the like before it only that; `no-tunnel`: two hosts that have none. */
export function lossesNamed(ways: Ways, text: string): readonly Loss[] | "no-tunnel" {
  const [, kind, name = text] = /^(host|site|link|interface):(.*)$/.exec(text) ?? [];
  const host = ways.hosts.get(name);
  const site = ways.network.sites.find((each) => each.name === name);
  const links = linksNamed(ways, name);
  const all = [
    ...(host === undefined ? [] : [hostLoss(host.name)]),
    ...(site === undefined ? [] : [siteLoss(ways, site.name)]),
    ...(links ?? []),
    ...interfacesNamed(ways, name),
  ].filter((each) => kind === undefined || each.kind === kind);
  return links === undefined && all.length === 0 ? "no-tunnel" : all;
}

/** Every host, every tunnel, every site with hosts, in turn. */
export function allLosses(ways: Ways, kind: "host" | "link" | "site"): readonly Loss[] {
  const { hosts, sites } = ways.network;
  if (kind === "host") return hosts.map(({ name }) => hostLoss(name));
  if (kind === "site") return sites.map(({ name }) => siteLoss(ways, name)).filter((each) => each.hosts.length > 0);
  // Of 500 hosts that all meet, asking anew for the other end of each tunnel would take longer than all else.
  const joined = new Map(hosts.map((host) => [host.name, neighbours(ways)(host)]));
  return [...joined].flatMap(([a, others]) =>
    [...others].filter((b) => a < b || !must(joined.get(b), "a neighbour is a host").has(a)).map((b) => linkLoss(a, b)),
  );
}

/** Several at once. */
export function together(first: Loss, others: readonly Loss[]): Loss {
  const all = [first, ...others];
  return {
    kind: first.kind,
    name: all.map(({ name }) => name).join(" and "),
    hosts: [...new Set(all.flatMap(({ hosts }) => hosts))],
    tunnels: all.flatMap(({ tunnels }) => tunnels),
    lans: all.flatMap(({ lans }) => lans),
    exits: all.flatMap(({ exits }) => exits),
    yielding: all.flatMap(({ yielding }) => yielding),
  };
}

/** Whether two are one of some pairs. */
function isAmong(pairs: readonly Pair[]): (a: string, b: string) => boolean {
  const keys = new Set(pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));
  return (a, b) => keys.has(`${a} ${b}`);
}

/** A host that is there, with what it has lost. */
function hostAfter(loss: Loss, isCut: (a: string, b: string) => boolean, host: Host): Host {
  const { vrrp, bgp } = host;
  // Of two that share an address the other one is the master now.
  const shared = vrrp && loss.yielding.includes(host.name) ? { ...vrrp, priority: 0 } : vrrp;
  if (bgp.kind !== "routing" || loss.tunnels.length === 0) return { ...host, vrrp: shared };
  const left = bgp.unicast.neighbours.filter((each) => !isCut(host.name, each.host));
  return { ...host, vrrp: shared, bgp: { ...bgp, unicast: { ...bgp.unicast, neighbours: left } } };
}

/** The stations that are left, each with those of its gateways that answer. */
function stationsAfter(ways: Ways, has: (host: string) => boolean): readonly Station[] {
  return ways.stations
    .filter(({ host }) => has(host))
    .map((station) => {
      const gateways = station.gateways.filter((gateway) => {
        const at = gatewayHost(ways, { ...station, gateways: [gateway] }, familyOf(gateway));
        return at === undefined || has(at.name);
      });
      return gateways.length === station.gateways.length ? station : { ...station, gateways };
    });
}

/** The ways that are left when something is down, and all others have noticed. */
export function waysWithout(ways: Ways, loss: Loss): Ways {
  const gone = new Set(loss.hosts);
  const has = (host: string): boolean => !gone.has(host);
  const isClosed = (exit: { readonly host: string; readonly interface: string }): boolean =>
    loss.exits.some((each) => each.host === exit.host && each.interface === exit.interface);
  const isCut = isAmong(loss.tunnels);
  const rest = networkWith(has, ways.network);
  const { yielding } = loss;
  const standIn = (host: string): string => {
    const vrrp = yielding.includes(host) ? ways.hosts.get(host)?.vrrp : undefined;
    return vrrp?.isExclusive && !yielding.includes(vrrp.other.host) ? vrrp.other.host : host;
  };
  const open = <T extends { readonly host: string; readonly interface: string }>(exits: readonly T[]): readonly T[] =>
    exits.filter((exit) => !isClosed(exit));
  const network = {
    ...rest,
    hosts: rest.hosts.map((host) => hostAfter(loss, isCut, host)),
    peers: rest.peers.map((peer) => ({ ...peer, host: standIn(peer.host) })),
    exits: open(rest.exits),
    remotes: rest.remotes.map((remote) => ({ ...remote, exits: open(remote.exits) })),
    vrfs: rest.vrfs.map((vrf) => ({ ...vrf, exits: open(vrf.exits) })),
  };
  const onLan = isAmong(loss.lans);
  return {
    ...waysOf(network, stationsAfter(ways, has)),
    isCut: (a, b, by) => (by === "lan" ? onLan(a, b) : isCut(a, b)),
  };
}
