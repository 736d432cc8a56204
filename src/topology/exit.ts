/** Ways out as written. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import type { Origin } from "../model/origin.ts";
import type { Located } from "./located.ts";

export interface ExitInput {
  readonly host: Located<string>;
  /** Left out: the host's uplink. */
  readonly interface: string | undefined;
  readonly hasSnat: boolean;
  readonly hasIpv6: boolean;
  /** Empty: none. */
  readonly probes: readonly Located<IpAddress>[];
  readonly reach: readonly IpPrefix[];
  /** Of a VRF: the host itself and guests reach each other. */
  readonly hasLocalRouting: boolean;
  readonly origin: Origin;
}

/** Prefixes outside, and by whom they are reached. */
export interface RemoteInput {
  readonly name: string;
  readonly prefixes: readonly Located<IpPrefix>[];
  /** The preferred first. */
  readonly exits: readonly ExitInput[];
  readonly exitOrder: ExitOrder | undefined;
  readonly origin: Origin;
}

/** What is near before what comes first, or as exits stand. */
export type ExitOrder = "near" | "strict";
