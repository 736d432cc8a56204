/** How hosts of a network meet: what each of two makes of the other, worked out once for all pairs of a kind. */
import { must } from "../../base/invariant.ts";
import type { Reach } from "../../model/reach.ts";
import {
  type Dial,
  type Meeting,
  meeting,
  needsKeepalive,
  outerFamily,
  type PathIndex,
  tunnelBetween,
} from "../../model/tunnel.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";

/** How one host of a pair sees the other. */
export interface Sight {
  /** What sets this view of the other apart from its plain one, in the peer's id. */
  readonly suffix: string;
  readonly scope: Dial["scope"] | undefined;
  readonly hasKeepalive: boolean;
}

function sightOf(from: Reach, to: Reach, meeting: Meeting): Sight {
  const hasKeepalive = needsKeepalive(from, meeting);
  const scope = meeting.there?.scope;
  const isPassive = scope === undefined && to.endpoint !== undefined;
  const way = isPassive ? ":passive" : scope === "lan" ? ":lan" : "";
  return { suffix: hasKeepalive ? `${way}:keepalive` : way, scope, hasKeepalive };
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

/** All about a host that decides how it meets another: two of a kind meet any third alike, unless a path names one of them. */
function kindOf({ reach, isSpoke }: ResolvedHost, { underlay }: PathIndex, named: ReadonlySet<string>): string {
  const { site = "", endpoint, lanEndpoint, isBehindNat, isShared, families: own, name } = reach;
  // A name leads to what the other end has as well, an address to its own IP version.
  const places = [endpoint, lanEndpoint].map(
    (each) => each && `${each.kind} ${outerFamily(each, underlay.ipVersion).family}`,
  );
  return `${site} ${places} ${own} ${isBehindNat} ${isShared} ${isSpoke} ${named.has(name) ? name : ""}`;
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
