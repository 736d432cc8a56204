/** What follows from how two hosts can be reached: who dials, over which path, with how many bytes to spare. */
import { familyOf, type IpFamily } from "../base/ip.ts";
import { type Overhead, totalBytes, translationOverhead, wireguardOverhead } from "../base/mtu.ts";
import type { WireguardInterface } from "./device.ts";
import type { Host } from "./host.ts";
import type { Network, Underlay } from "./network.ts";
import { type Path, type PathIndex, pathBetween, type Scope } from "./path.ts";
import { carries, type Endpoint, type Families, type Reach } from "./reach.ts";

export interface Dial {
  readonly scope: Scope;
  /** In order of preference. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
}

function isSameSite(a: Reach, b: Reach): boolean {
  return a.site !== undefined && a.site === b.site;
}

/** An address is of a version that the way out carries; a name has to lead to one, for which NAT64 is enough. */
function getsTo(families: Families, to: Reach, endpoint: Endpoint): boolean {
  if (endpoint.kind === "address") return carries(families, familyOf(endpoint.address));
  return families !== 4 || to.families !== 6;
}

/** Where who has such a way out can dial a host from outside, in order of preference. */
export function endpointsFor(families: Families, to: Reach): readonly Endpoint[] {
  return to.endpoints.filter((endpoint) => getsTo(families, to, endpoint));
}

/**
 * How `from` dials `to`, or `undefined` when it cannot: `to` has no endpoint, or none of an IP version that `from` has, or
 * both are behind the NAT of one site, where the way out and back in again (hairpin) is not to be counted on.
 */
export function dial(from: Reach, to: Reach): Dial | undefined {
  const isLocal = isSameSite(from, to);
  if (isLocal && to.lanEndpoint !== undefined) return { scope: "lan", endpoints: [to.lanEndpoint] };
  if (isLocal && from.isBehindNat && to.isBehindNat) return undefined;
  const [first, ...others] = endpointsFor(from.families, to);
  return first && { scope: "wan", endpoints: [first, ...others] };
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
  const undialled = new Map(peers.filter(({ endpoints }) => endpoints.length === 0).map(({ id, host }) => [id, host]));
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
 * Whether what a host dials may be IPv4 by a translation of its provider's, DS-Lite, 464XLAT or NAT64: these are NATs as well,
 * whose mappings expire (RFC 6333 §6.6, RFC 6146 §3.5.1).
 */
function mayBeTranslated({ families }: Reach, to: Reach, { endpoints }: Dial): boolean {
  if (families === "both" || families === 4) return false;
  return endpoints.some((each) => (each.kind === "name" ? to.families !== 6 : familyOf(each.address) === 4));
}

/**
 * True when `from` must keep the way to `to` open: nobody can dial it, or it is behind a NAT and dials out through it
 * (after which the peer answers to the mapping it saw, which expires), or it takes over from another without a session.
 */
export function needsKeepalive(from: Reach, to: Reach, { there, back }: Meeting): boolean {
  if (there === undefined) return false;
  const isNatted = from.isBehindNat || mayBeTranslated(from, to, there);
  return back === undefined || from.isShared || (isNatted && there.scope === "wan");
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

/** What the accesses of two hosts take off a path between them: of two translations the one that takes more. */
export function translationsOf(path: Path, ends: readonly Reach[], scope: Scope, outer: IpFamily): readonly Overhead[] {
  if (scope === "lan" || outer === 6 || path.isOfPair) return [];
  const all = ends.flatMap(({ families }) =>
    families === "ds-lite" || families === "464xlat" ? [translationOverhead(families)] : [],
  );
  return all.sort((a, b) => b.bytes - a.bytes).slice(0, 1);
}

/** What is taken off a path to an endpoint; a name that may lead to either version costs the more: by DS-Lite that is IPv4. */
function costOf(
  endpoint: Endpoint,
  path: Path,
  { ends, scope }: { readonly ends: readonly Reach[]; readonly scope: Scope },
  ipVersion: Underlay["ipVersion"],
) {
  // What the ways out carry says nothing of a LAN.
  const outer = outerFamily(endpoint, ipVersion, scope === "lan" ? [] : ends);
  const cost = (family: IpFamily) => [...translationsOf(path, ends, scope, family), ...wireguardOverhead(family)];
  const isEither = endpoint.kind === "name" && ipVersion === "auto";
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
 * The smallest of the ways that the two may use decides, each with its own path and IP version: WireGuard answers where it
 * was last spoken to, and of several endpoints each has its turn, so it may end up on any.
 */
export function tunnelBetween(index: PathIndex, a: Reach, b: Reach, { there, back }: Meeting): Tunnel | undefined {
  let least: Tunnel | undefined;
  for (const { way, ends } of [
    { way: there, ends: [a, b] },
    { way: back, ends: [b, a] },
  ] as const) {
    if (way === undefined) continue;
    const { scope } = way;
    const path = pathBetween(index, a, b, scope);
    const ipVersion = ends[0].isApp ? "auto" : index.underlay.ipVersion;
    for (const endpoint of way.endpoints) {
      const { outer, why, subtractions } = costOf(endpoint, path, { ends, scope }, ipVersion);
      const overheadBytes = totalBytes(subtractions);
      const mtu = path.mtu - overheadBytes;
      if (least === undefined || mtu < least.mtu) least = { path, outer, why, subtractions, overheadBytes, mtu };
    }
  }
  return least;
}

/** Bytes of the largest packet that an interface sends to a peer: its own MTU, or what a route holds that peer to. */
export function mtuTowards({ mtu, smallerPeers }: WireguardInterface, peer: string): number {
  return smallerPeers.find(({ host }) => host === peer)?.mtu ?? mtu;
}
