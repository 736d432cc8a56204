/** What follows from how two hosts can be reached: who dials, over which path, with how many bytes to spare. */

import { grouped } from "../base/grouped.ts";
import { familyOf, type IpFamily } from "../base/ip.ts";
import { type Overhead, totalBytes, translationOverhead, wireguardOverhead } from "../base/mtu.ts";
import type { WireguardInterface } from "./device.ts";
import type { Host } from "./host.ts";
import type { Network, PathRule, Site, Underlay } from "./network.ts";
import type { Origin } from "./origin.ts";
import { carries, type Endpoint, type Reach } from "./reach.ts";

export interface Dial {
  /** `lan`: by the lanEndpoint, inside one site. */
  readonly scope: "lan" | "wan";
  readonly endpoint: Endpoint;
}

function isSameSite(a: Reach, b: Reach): boolean {
  return a.site !== undefined && a.site === b.site;
}

/** An address is of a version that the way out carries; a name has to lead to one, for which NAT64 is enough. */
function getsTo(from: Reach, to: Reach, endpoint: Endpoint): boolean {
  if (endpoint.kind === "address") return carries(from.families, familyOf(endpoint.address));
  return from.families !== 4 || to.families !== 6;
}

/**
 * How `from` dials `to`, or `undefined` when it cannot: `to` has no endpoint, or one of an IP version that `from` lacks, or
 * both are behind the NAT of one site, where the way out and back in again (hairpin) is not to be counted on.
 */
export function dial(from: Reach, to: Reach): Dial | undefined {
  const isLocal = isSameSite(from, to);
  if (isLocal && to.lanEndpoint !== undefined) return { scope: "lan", endpoint: to.lanEndpoint };
  if (to.endpoint === undefined || (isLocal && from.isBehindNat && to.isBehindNat)) return undefined;
  return getsTo(from, to, to.endpoint) ? { scope: "wan", endpoint: to.endpoint } : undefined;
}

/** Both ends of a pair. At least one of the two can dial, or the pair cannot meet. */
export interface Meeting {
  readonly there: Dial | undefined;
  readonly back: Dial | undefined;
}

export function meeting(a: Reach, b: Reach): Meeting {
  return { there: dial(a, b), back: dial(b, a) };
}

/** Names of the peers that a host does not dial although they have an endpoint, by its own name. */
function undialledPeers({ hosts, peers }: Network): ReadonlyMap<string, ReadonlySet<string>> {
  const undialled = new Map(peers.filter(({ endpoint }) => endpoint === undefined).map(({ id, host }) => [id, host]));
  if (undialled.size === 0) return new Map();
  return new Map(
    hosts.map(({ name, interfaces }) => {
      const names = interfaces.flatMap((link) => link.peers.map((id) => undialled.get(id)));
      return [name, new Set(names.filter((peer) => peer !== undefined))];
    }),
  );
}

/** Gives the function that tells how two hosts of a network meet: whom a host dials is what its interfaces say. */
export function createMeeting(network: Network): (a: Host, b: Host) => Meeting {
  let known: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  return (a, b) => {
    known ??= undialledPeers(network);
    const { there, back } = meeting(a.reach, b.reach);
    return {
      there: known.get(a.name)?.has(b.name) ? undefined : there,
      back: known.get(b.name)?.has(a.name) ? undefined : back,
    };
  };
}

/** Seconds; what WireGuard's own quick start recommends behind NAT: below the 30 s of the shortest common UDP mappings. */
export const KEEPALIVE_SECONDS = 25;

/**
 * True when `from` must keep the way to `to` open: nobody can dial it, or it is behind a NAT and dials out through it
 * (after which the peer answers to the mapping it saw, which expires), or it takes over from another without a session.
 */
export function needsKeepalive(from: Reach, { there, back }: Meeting): boolean {
  if (there === undefined) return false;
  return back === undefined || from.isShared || (from.isBehindNat && there.scope === "wan");
}

/**
 * IP version of the packets that a dialled endpoint makes, and why. A name costs 80 bytes unless it is IPv4 for sure. `ends`:
 * who dials, and who is dialled.
 */
export function outerFamily(
  endpoint: Endpoint,
  ipVersion: Underlay["ipVersion"],
  ends: readonly Reach[] = [],
): { family: IpFamily; why: string } {
  if (endpoint.kind === "address") {
    const family = familyOf(endpoint.address);
    return { family, why: `${endpoint.address} is IPv${family}` };
  }
  for (const { name, families } of ends) {
    if (families === 4 || families === 6) {
      return { family: families, why: `${endpoint.name}, and ${name} has IPv${families} alone` };
    }
  }
  if (ipVersion === "auto") return { family: 6, why: `${endpoint.name} may resolve to IPv6` };
  return { family: ipVersion, why: `${endpoint.name}, and underlay.ipVersion is ${ipVersion}` };
}

/** The MTU of a path and the rule that gave it. */
export interface Path {
  readonly mtu: number;
  readonly rule: string;
  /** Where that is written; `undefined`: with the default. */
  readonly written: { readonly origin: Origin; readonly field: string } | undefined;
  /** Said of these two, as it was measured; else it is what their accesses carry. */
  readonly isOfPair: boolean;
}

/** Rules and sites by name, so that a mesh of n hosts does not search lists n² times. */
export interface PathIndex {
  readonly underlay: Underlay;
  readonly rules: ReadonlyMap<string, readonly PathRule[]>;
  readonly sites: ReadonlyMap<string, Site>;
}

// No name can contain a space, so two different pairs never share a key.
const pairKey = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

export function indexPaths(underlay: Underlay, sites: readonly Site[]): PathIndex {
  const rules = grouped(underlay.paths, (rule) => pairKey(...rule.between));
  return { underlay, rules, sites: new Map(sites.map((site) => [site.name, site])) };
}

function smallest(rules: readonly PathRule[]): PathRule | undefined {
  return rules.reduce<PathRule | undefined>(
    (least, rule) => (least && least.mtu <= rule.mtu ? least : rule),
    undefined,
  );
}

/** The most specific of the declared paths, of equals the smaller: host-host, then host-site, then site-site. */
function declaredPath(index: PathIndex, a: Reach, b: Reach): PathRule | undefined {
  const find = (x: string | undefined, y: string | undefined): readonly PathRule[] =>
    x === undefined || y === undefined ? [] : (index.rules.get(pairKey(x, y)) ?? []);
  return (
    smallest(find(a.name, b.name)) ??
    smallest([...find(a.name, b.site), ...find(a.site, b.name)]) ??
    smallest(find(a.site, b.site))
  );
}

function sitePath(index: PathIndex, a: Reach, b: Reach, scope: Dial["scope"]): Path | undefined {
  const siteOf = (reach: Reach): Site | undefined =>
    reach.site === undefined ? undefined : index.sites.get(reach.site);
  if (scope === "lan") {
    const site = siteOf(a);
    return (
      site?.lanMtu && {
        mtu: site.lanMtu,
        rule: `lanMtu of ${site.name}`,
        written: { origin: site.origin, field: "lanMtu" },
        isOfPair: false,
      }
    );
  }
  const limits = [siteOf(a), siteOf(b)].filter((site) => site?.wanMtu !== undefined) as (Site & { wanMtu: number })[];
  const [first, second] = limits;
  if (first === undefined) return undefined;
  const least = second !== undefined && second.wanMtu < first.wanMtu ? second : first;
  const written = { origin: least.origin, field: "wanMtu" };
  return { mtu: least.wanMtu, rule: `wanMtu of ${least.name}`, written, isOfPair: false };
}

/** The MTU of the path between two hosts; which endpoint is dialled decides between lanMtu and wanMtu. */
export function pathBetween(index: PathIndex, a: Reach, b: Reach, scope: Dial["scope"]): Path {
  if (index.rules.size > 0) {
    const rule = declaredPath(index, a, b);
    if (rule)
      return {
        mtu: rule.mtu,
        rule: `path ${rule.between.join(" - ")}`,
        written: { origin: rule.origin, field: "mtu" },
        isOfPair: true,
      };
  }
  const { pathMtu } = index.underlay;
  const otherwise = { mtu: pathMtu, rule: "underlay.pathMtu", written: undefined, isOfPair: false };
  return sitePath(index, a, b, scope) ?? otherwise;
}

/** What the accesses of two hosts take off a path between them: of two translations the one that takes more. */
export function translationsOf(
  path: Path,
  ends: readonly Reach[],
  { scope }: Dial,
  outer: IpFamily,
): readonly Overhead[] {
  if (scope === "lan" || outer === 6 || path.isOfPair) return [];
  const all = ends.flatMap(({ families }) =>
    families === "ds-lite" || families === "464xlat" ? [translationOverhead(families)] : [],
  );
  return all.sort((a, b) => b.bytes - a.bytes).slice(0, 1);
}

/** A name that may lead to either version counts with the one that costs more: by DS-Lite that is IPv4. */
function costliestFamily(path: Path, ends: readonly Reach[], way: Dial, ipVersion: Underlay["ipVersion"]) {
  // What the ways out carry says nothing of a LAN.
  const outer = outerFamily(way.endpoint, ipVersion, way.scope === "lan" ? [] : ends);
  const cost = (family: IpFamily) => [...translationsOf(path, ends, way, family), ...wireguardOverhead(family)];
  const isEither = way.endpoint.kind === "name" && ipVersion === "auto";
  const isOpen = isEither && ends.every(({ families }) => families !== 4 && families !== 6);
  const isDearer = isOpen && totalBytes(cost(4)) > totalBytes(cost(6));
  const { family, why } = isDearer ? { family: 4 as const, why: outer.why.replace("IPv6", "IPv4") } : outer;
  return { outer: family, why, subtractions: cost(family) };
}

/** A tunnel between two hosts, with the sum that gives its MTU: `path.mtu - overheadBytes`. */
export interface Tunnel {
  readonly path: Path;
  readonly outer: IpFamily;
  readonly why: string;
  /** All that is taken off the path, and its sum. */
  readonly subtractions: readonly Overhead[];
  readonly overheadBytes: number;
  readonly mtu: number;
}

/**
 * The smaller of the ways that the two may use decides, each with its own path and IP version: WireGuard answers where it
 * was last spoken to, so it may end up on either.
 */
export function tunnelBetween(index: PathIndex, a: Reach, b: Reach, { there, back }: Meeting): Tunnel | undefined {
  let least: Tunnel | undefined;
  for (const { way, ends } of [
    { way: there, ends: [a, b] },
    { way: back, ends: [b, a] },
  ]) {
    if (way === undefined) continue;
    const path = pathBetween(index, a, b, way.scope);
    const { outer, why, subtractions } = costliestFamily(path, ends, way, index.underlay.ipVersion);
    const overheadBytes = totalBytes(subtractions);
    const mtu = path.mtu - overheadBytes;
    if (least === undefined || mtu < least.mtu) least = { path, outer, why, subtractions, overheadBytes, mtu };
  }
  return least;
}

/** Bytes of the largest packet that an interface sends to a peer: its own MTU, or what a route holds that peer to. */
export function mtuTowards({ mtu, smallerPeers }: WireguardInterface, peer: string): number {
  return smallerPeers.find(({ host }) => host === peer)?.mtu ?? mtu;
}
