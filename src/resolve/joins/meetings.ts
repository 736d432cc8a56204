/** How hosts of a network meet: what each of two makes of the other, worked out once for all pairs of a kind. */
import { must } from "../../base/invariant.ts";
import type { PathIndex } from "../../model/path.ts";
import type { Families, Reach } from "../../model/reach.ts";
import { type Dial, type Meeting, meeting, needsKeepalive, outerFamily, tunnelBetween } from "../../model/tunnel.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

/** How one host of a pair sees the other. */
export interface Sight {
  /** What sets the way to the other apart from the plain one, in the peer's id: `:lan`. */
  readonly way: string;
  readonly scope: Dial["scope"] | undefined;
  /** What the way out of who sees carries: not all of several endpoints may be of it. */
  readonly families: Families;
  readonly hasKeepalive: boolean;
}

/** What sets the way to a host apart, for the id of a peer: not dialled, by the LAN, or at some of its endpoints. */
function wayOf(to: Reach, there: Dial | undefined, families: Families): string {
  if (there === undefined) return to.endpoints.length > 0 ? ":passive" : "";
  if (there.scope === "lan") return ":lan";
  return there.endpoints.length < to.endpoints.length ? `:ipv${families}` : "";
}

function sightOf(from: Reach, to: Reach, meeting: Meeting): Sight {
  const hasKeepalive = needsKeepalive(from, to, meeting);
  const { families } = from;
  return { way: wayOf(to, meeting.there, families), scope: meeting.there?.scope, families, hasKeepalive };
}

/** The tunnel between two hosts as one of them sees it; `undefined`: they cannot meet. */
export type Encounter = { readonly mtu: number; readonly sight: Sight } | undefined;

function encounter(
  { reach: from, ...a }: ResolvedHost,
  { reach: to, ...b }: ResolvedHost,
  paths: PathIndex,
): Encounter {
  const { there, back } = meeting(from, to);
  const way = { there: b.isSpoke ? undefined : there, back: a.isSpoke ? undefined : back };
  const tunnel = tunnelBetween(paths, from, to, way);
  return tunnel && { mtu: tunnel.mtu, sight: sightOf(from, to, way) };
}

/**
 * All about a host that decides how it meets another, and what it makes of all that it meets: two of a kind meet any third
 * alike, unless a path names one of them.
 */
function kindOf({ reach, isSpoke }: ResolvedHost, { underlay }: PathIndex, named: ReadonlySet<string>): string {
  const { site = "", endpoints, lanEndpoint, isBehindNat, isShared, isApp, families: own, name } = reach;
  // A name leads to what the other end has as well, an address to its own IP version.
  const places = [lanEndpoint, ...endpoints].map(
    (each) => each && `${each.kind} ${outerFamily(each, underlay.ipVersion).family}`,
  );
  return `${site} ${places} ${own} ${isBehindNat} ${isShared} ${isSpoke} ${isApp} ${named.has(name) ? name : ""}`;
}

/** A host that runs WireGuard. */
export interface Member {
  readonly host: ResolvedHost;
  /** Its kind as a number from 0: what two kinds make of each other is worked out once. */
  readonly kind: number;
  /** The ids of the views of it, by their suffix. */
  readonly ids: Map<string, string>;
}

/** The hosts with their kinds, in the order given. */
export function membersOf(hosts: readonly ResolvedHost[], paths: PathIndex): readonly Member[] {
  const named = new Set(paths.underlay.paths.flatMap((path) => path.between));
  const numbers = new Map<string, number>();
  return hosts.map((host) => {
    const name = kindOf(host, paths, named);
    const kind = numbers.get(name) ?? numbers.size;
    numbers.set(name, kind);
    return { host, kind, ids: new Map() };
  });
}

/** What a host makes of another; `undefined`: they cannot meet. */
export type Meet = (from: Member, to: Member) => Encounter;

/** Gives the function that tells how two members meet. A mesh of n hosts has n² encounters, of few kinds. */
export function createMeet(members: readonly Member[], paths: PathIndex): Meet {
  const known: Map<number, Encounter>[] = members.map(() => new Map());
  return (from, to) => {
    const row = must(known[from.kind], "there are no more kinds than members");
    if (!row.has(to.kind)) row.set(to.kind, encounter(from.host, to.host, paths));
    return row.get(to.kind);
  };
}
