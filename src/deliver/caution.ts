/** What no order of hosts makes harmless. */
import { type Change, type Side, textOf } from "./sides.ts";

export interface Caution {
  readonly kind:
    | "key"
    | "preshared-key"
    | "listen-port"
    | "address"
    | "hub"
    | "mtu-lowered"
    | "mtu-raised"
    | "asn"
    | "segment"
    | "host-gone";
  /** By name. */
  readonly hosts: readonly string[];
  /** What is dark between the first host that has changed and the last one that has to; `undefined`: nothing. */
  readonly interrupts: string | undefined;
  /** Hosts that have to change before all others, and after them. */
  readonly first: readonly string[];
  readonly last: readonly string[];
  /** What it is, and what to do. */
  readonly text: string;
}

/** One host's interface before and after. */
export interface Tunnel {
  readonly host: string;
  readonly link: string;
  readonly before: string;
  readonly after: string;
}

/** Any host may come at any time. */
export const NO_PLACE = { first: [], last: [] };

/** The files of tunnels, by their path on the host. */
export const WIREGUARD = /^etc\/wireguard\/(.+)\.conf$/;

/** All that there is to be said of one kind. */
export type Judge = (changes: readonly Change[], tunnels: readonly Tunnel[]) => readonly Caution[];

/** Names of the tunnels that a host has. */
export const tunnelLinksOf = ({ files }: Side): readonly string[] =>
  [...files.keys()].map((path) => WIREGUARD.exec(path)?.[1]).filter((link) => link !== undefined);

/** A file of a host by its path there; empty where there is none. */
export const textAt = ({ files }: Side, path: string): string => textOf(files.get(path));

/** Each once, sorted. */
export const unique = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();
