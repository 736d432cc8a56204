/** Who has a tunnel with whom, and what is behind it: what the shapes of the static class come to. */
import type { IpPrefix } from "../../base/ip.ts";
import type { Member } from "./meetings.ts";

/** What a host sends to a neighbour besides what is the neighbour's own. */
export interface Load {
  /** Sets this view of the neighbour apart from its plain one, in the peer's id; the same for all who send it the same. */
  readonly suffix: string;
  /** AllowedIPs, all of them: sorted, none twice. */
  readonly allowedIps: readonly IpPrefix[];
}

/** The tunnels of a network in which there is one way from each host to each other one. */
export interface Joins {
  /** With whom a member has a tunnel, in the order of the members; the member itself may be among them, and is passed over. */
  readonly neighboursOf: (from: Member) => readonly Member[];
  /** What a member sends to a neighbour; `undefined`: what is the neighbour's own and no more. */
  readonly loadOf: (from: Member, to: Member) => Load | undefined;
  /** Everyone has a tunnel with everyone, and sends each its own: what one of a kind makes of the others, all of them do. */
  readonly isFull: boolean;
  /** Names of the hosts that pass on what their neighbours send each other. */
  readonly relays: ReadonlySet<string>;
  /** Names of hosts whose AllowedIPs are merged, so that one may hold the prefixes of several hosts. */
  readonly merging: ReadonlySet<string>;
  /** Names of the hosts that lie between some, by their names, and are none of them; sorted. */
  readonly between: (names: readonly string[]) => readonly string[];
}

/** What is known of the hosts when their ways are decided. */
export interface Grounds {
  /** Everything that leads to a host and to no other, by its name: its addresses and the prefixes that it owns. */
  readonly exact: ReadonlyMap<string, readonly IpPrefix[]>;
  /** The pools, and the prefixes that any host owns or has a part of, as they were declared. */
  readonly parents: readonly IpPrefix[];
  /** Those of them that others may lie in, and lead elsewhere. */
  readonly outer: readonly IpPrefix[];
}

const NOBODY: ReadonlySet<string> = new Set();

/** No tunnel beyond those of neighbours, none with what is behind one. */
export const DIRECT: Omit<Joins, "neighboursOf"> = Object.freeze({
  loadOf: () => undefined,
  isFull: false,
  relays: NOBODY,
  merging: NOBODY,
  between: () => [],
});

/** Everyone has a tunnel with everyone, and sends each what is its own. */
export function meshJoins(members: readonly Member[]): Joins {
  return { ...DIRECT, neighboursOf: () => members, isFull: true };
}
