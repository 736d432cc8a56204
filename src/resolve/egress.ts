/** What leaves a host by exits: its own packets, and those of guests that are in no VRF; and how it gets to the exits. */
import { must } from "../base/invariant.ts";
import { collapsePrefixes, FAMILIES, familyOf, hostPrefix, type IpPrefix, mergePrefixes } from "../base/ip.ts";
import type { Egress, EgressExit, Exit, OpenExit, OwnEgress, Remote, RemoteEgress } from "../model/exit.ts";
import type { AppSettings, Host, OwnedPrefix, SourceNat } from "../model/host.ts";
import type { OverlayPrefix } from "../model/network.ts";
import type { Origin } from "../model/origin.ts";
import type { Peer } from "../model/reach.ts";
import { hasTunnels, isApp, lanInterfaceOf } from "../topology/hosts.ts";
import type { Topology } from "../topology/topology.ts";
import { exitsFor } from "./hosts/exits.ts";
import type { ResolvedHost } from "./hosts/hosts.ts";
import type { ResolvedSubnet } from "./subnets/subnets.ts";
import type { Interfaces } from "./tunnels/tunnels.ts";

type Hosts = ReadonlyMap<string, ResolvedHost>;

/** What ways to exits are found in. */
export interface EgressParts {
  readonly exits: readonly Exit[];
  readonly remotes: readonly Remote[];
  /** Whether exits are taken as they stand: those to a remote, by its name, or those of all else. */
  readonly isStrict: (remote: string | undefined) => boolean;
  /** All that goes to a remote: what the overlay has outside VRFs. */
  readonly routed: readonly OverlayPrefix[];
  readonly hosts: Hosts;
  /** By the name of each host that has any. */
  readonly wishes: ReadonlyMap<string, readonly EgressWish[]>;
  readonly interfaces: Interfaces;
  readonly peersById: ReadonlyMap<string, Peer>;
}

/** One host's tunnel to another: the interface, and the other as it is seen there. */
function tunnelTo(from: string, to: string, { interfaces, peersById }: EgressParts) {
  const own = must(interfaces.get(from), "every host has a list of interfaces");
  const found = own.flatMap((link) => {
    const peer = link.peers
      .map((id) => must(peersById.get(id), "every id is that of a peer"))
      .find((each) => each.host === to);
    return peer === undefined ? [] : [{ link, peer }];
  });
  return found[0];
}

const isAnything = (prefix: IpPrefix): boolean => prefix.endsWith("/0");

function wayTo(host: string, exit: string, parts: EgressParts): EgressExit["way"] {
  if (host === exit) return { kind: "here" };
  const there = tunnelTo(host, exit, parts);
  const address = tunnelTo(exit, host, parts)?.link.addresses[0]?.address;
  if (there === undefined || address === undefined) return { kind: "none" };
  const { link, peer } = there;
  return {
    kind: "tunnel",
    interface: link.name,
    address,
    moves: !peer.allowedIps.some(isAnything),
    mtu: link.smallerPeers.find((smaller) => smaller.host === exit)?.mtu,
  };
}

/** One list of exits, and whose packets leave by them. */
export interface EgressWish {
  readonly exits: readonly string[];
  readonly prefixes: readonly IpPrefix[];
  readonly isOwn: boolean;
  readonly origin: Origin;
}

/** What a host's own part of the topology and its subnets say. */
function wishesOf({ input }: ResolvedHost, subnets: readonly ResolvedSubnet[]): readonly EgressWish[] {
  const { name, exits, origin } = input;
  const own = { exits: exits.map(({ value }) => value), prefixes: [], isOwn: true, origin };
  const ofSubnets = subnets.flatMap(({ input: subnet, owned }): readonly EgressWish[] => {
    const prefixes = owned.get(name) ?? [];
    const names = subnet.exits.map(({ value }) => value);
    return prefixes.length === 0 ? [] : [{ exits: names, prefixes, isOwn: false, origin: subnet.origin }];
  });
  return [own, ...ofSubnets].filter((wish) => wish.exits.length > 0);
}

/** What leaves each host by exits, by its name. */
export function egressWishes(hosts: Hosts, subnets: readonly ResolvedSubnet[]): EgressParts["wishes"] {
  const asking = subnets.filter(({ input }) => input.exits.length > 0);
  const all = [...hosts.values()].map((host) => [host.input.name, wishesOf(host, asking)] as const);
  return new Map(all.filter(([, wishes]) => wishes.length > 0));
}

function ownEgress({ input, addresses }: ResolvedHost): OwnEgress {
  const links = [...new Set([input.uplink, lanInterfaceOf(input)])].filter((link) => link !== undefined);
  const sources = FAMILIES.flatMap((family) => {
    const first = addresses.find(({ address }) => familyOf(address) === family);
    return first === undefined ? [] : [first.address];
  });
  return { sources, links };
}

/** What the topology says of the order of exits. */
export function strictOrders({ exitOrder, remotes }: Topology): EgressParts["isStrict"] {
  const strict = new Set(remotes.filter((remote) => remote.exitOrder === "strict").map(({ name }) => name));
  return (remote) => (remote === undefined ? exitOrder === "strict" : strict.has(remote));
}

/** A list of exits; without the name of a remote it is for all else. */
interface Listed extends Pick<Remote, "exits"> {
  readonly name?: string;
}

/** Exits, to a remote or to all else, as a host prefers them, each with the way there. */
function egressExits(host: ResolvedHost, { exits, name: remote }: Listed, parts: EgressParts): readonly EgressExit[] {
  const { name } = host.input;
  const ordered = exitsFor(host, exits, { isStrict: parts.isStrict(remote), hosts: parts.hosts });
  return ordered.map((exit) => ({ host: exit.host, families: exit.families, way: wayTo(name, exit.host, parts) }));
}

function remoteEgress(host: ResolvedHost, parts: EgressParts): readonly RemoteEgress[] {
  return parts.remotes.map(({ name, prefixes, exits }) => {
    const own = exits.find((exit) => exit.host === host.input.name);
    return { name, prefixes, exits: egressExits(host, { exits, name }, parts), own };
  });
}

/** What leaves a host by exits: a law has all that does name the same ones, and all hosts reach remotes. */
export function resolveEgress(host: ResolvedHost, parts: EgressParts): Egress | undefined {
  const { name, origin } = host.input;
  if (isApp(host.input) || !hasTunnels(host.input)) return undefined;
  const wishes = parts.wishes.get(name) ?? [];
  const [first] = wishes;
  if (first === undefined && parts.remotes.length === 0) return undefined;
  const named = (first?.exits ?? []).flatMap((each) => parts.exits.find((exit) => exit.host === each) ?? []);
  return {
    prefixes: collapsePrefixes(wishes.flatMap(({ prefixes }) => prefixes)),
    own: wishes.some(({ isOwn }) => isOwn) ? ownEgress(host) : undefined,
    exits: egressExits(host, { exits: named }, parts),
    remotes: remoteEgress(host, parts),
    origin: first?.origin ?? origin,
  };
}

/** What an app is told, which cannot choose between several: one exit, and one for each remote. */
export function resolveAppExits(host: ResolvedHost, parts: EgressParts): Pick<AppSettings, "exit" | "remotes"> {
  const exit = parts.exits.find((each) => each.host === host.input.exits[0]?.value);
  const remotes = remoteEgress(host, parts).flatMap(({ prefixes, exits }) => {
    const known = exits.find(({ way }) => way.kind === "tunnel");
    return known === undefined ? [] : [{ host: known.host, prefixes }];
  });
  return { exit: exit && { host: exit.host, families: exit.families }, remotes };
}

/** Whose packets may leave by a host that is an exit: guests of those who name it, and these themselves. */
function leavingBy(exit: Exit, { hosts, wishes }: EgressParts): readonly IpPrefix[] {
  const sources = [...wishes].flatMap(([name, all]) => {
    const { addresses } = must(hosts.get(name), "a host has them");
    const asking = all.filter(({ exits }) => exits.includes(exit.host));
    const own = asking.some(({ isOwn }) => isOwn) ? addresses.map(({ address }) => hostPrefix(address)) : [];
    return [...asking.flatMap(({ prefixes }) => prefixes), ...own];
  });
  return collapsePrefixes(sources).filter((prefix) => exit.families.includes(familyOf(prefix)));
}

/** A host as one of the exits: of what is near it leads to what lies behind the host as well. */
export function resolveOwnExit(host: string, owned: readonly OwnedPrefix[], parts: EgressParts): OpenExit | undefined {
  const exit = parts.exits.find((each) => each.host === host);
  if (exit === undefined) return undefined;
  const behind = owned.filter(({ use }) => use.kind !== "subnet").map(({ prefix }) => prefix);
  const remotes = parts.remotes.filter(({ exits }) => exits.some((each) => each.host === host));
  const beyond = remotes.flatMap(({ prefixes }) => prefixes);
  const reach = collapsePrefixes([...exit.reach, ...behind, ...beyond]);
  return { ...exit, reach, sources: leavingBy(exit, parts) };
}

/** Masquerading of what goes to remotes by exits that ask for it; who is on the exit's own LAN gets there by itself. */
function remoteSnat({ input: { site } }: ResolvedHost, { remotes }: Egress, { routed }: EgressParts) {
  const hiding = remotes.flatMap(({ prefixes, own }) => (own?.hasSnat ? [{ prefixes, uplink: own.interface }] : []));
  const others = routed.filter(({ use }) => use.kind !== "lan" || use.site !== site);
  const sources = hiding.length === 0 ? [] : mergePrefixes(others.map(({ prefix }) => prefix));
  return hiding.flatMap(({ prefixes, uplink }) =>
    prefixes.flatMap((to) => {
      const own = sources.filter((prefix) => familyOf(prefix) === familyOf(to));
      return own.map((prefix) => ({ prefix, to, uplink }));
    }),
  );
}

/** Masquerading of what leaves by exits that ask for it. */
export function egressSnat(
  host: ResolvedHost,
  { exit, egress }: Pick<Host, "exit" | "egress">,
  parts: EgressParts,
): readonly SourceNat[] {
  const sources = exit?.hasSnat
    ? exit.sources.map((prefix) => ({ prefix, to: undefined, uplink: exit.interface }))
    : [];
  return egress === undefined ? sources : [...sources, ...remoteSnat(host, egress, parts)];
}
