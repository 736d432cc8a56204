/** A thing of a network, explained: what is said of it, and where on the real hosts it can be seen. */
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import type { Peer } from "../../model/reach.ts";
import type { Segment } from "../../model/segment.ts";
import type { TunnelRow } from "../mtu.ts";

export type ThingKind = "host" | "subnet" | "vrf" | "link" | "site";

/** Something that is so, and why; `undefined`: it was written so, or says so itself. */
export interface Fact {
  readonly what: string;
  readonly is: string;
  readonly why: string | undefined;
}

/** Who loses what when a thing is gone. */
export interface Dependent {
  readonly who: string;
  readonly loses: string;
}

/** A command that looks at a thing, and what it says where all is well. */
export interface Look {
  /** The host to run it on, as root. */
  readonly on: string;
  readonly command: string;
  readonly good: string;
  /** Regular expressions, `^` and `$` at the ends of lines, which all have to match what it prints. */
  readonly matches: readonly string[];
  /** None of these may. */
  readonly lacks: readonly string[];
}

export interface Description {
  readonly kind: ThingKind;
  readonly name: string;
  readonly facts: readonly Fact[];
  readonly dependents: readonly Dependent[];
  /** In triage order: what says most first, then from the cables up. */
  readonly looks: readonly Look[];
}

/** What is asked of a network again and again. */
export interface Known {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
  /** By {@link Network.peers}' id. */
  readonly peers: ReadonlyMap<string, Peer>;
  readonly segments: ReadonlyMap<string, Segment>;
  /** Whom a host has a tunnel with. */
  readonly neighboursOf: (host: Host) => ReadonlySet<string>;
  readonly tunnelRow: (a: Host, b: Host) => TunnelRow;
  /** The systemd units of a host. */
  readonly unitsOf: (host: string) => readonly string[];
}

export const fact = (what: string, is: string | number, why?: string | undefined): Fact => ({
  what,
  is: String(is),
  why,
});

/** A fact of a list; none where that is empty. */
export const factOfAll = (what: string, all: readonly string[], why?: string | undefined): readonly Fact[] =>
  all.length === 0 ? [] : [fact(what, all.join(", "), why)];

/** Facts of the same kind: their name stands before the first of them. */
export const listed = (
  what: string,
  all: readonly (readonly [is: string, why?: string | undefined])[],
): readonly Fact[] => all.map(([is, why]) => fact(what, is, why));

/** Why something is as it is that may be written: nothing to explain, or what it follows from. */
export const unlessWritten = (isWritten: boolean, why: string): string => (isWritten ? "as it is written" : why);
