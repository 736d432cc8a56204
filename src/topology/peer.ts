/** BGP neighbours as written. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import type { Asn } from "../base/units.ts";
import type { Origin } from "../model/origin.ts";
import type { Located } from "./located.ts";

/** What a BGP neighbour of somebody else's may say. */
export interface AcceptedInput extends Located<IpPrefix> {
  /** Longer prefixes inside it as well. */
  readonly hasMoreSpecifics: boolean;
}

/** BFD that is asked for, with what is said of it. */
export interface BfdInput {
  readonly intervalMs: number | undefined;
  readonly multiplier: number | undefined;
}

/** A BGP neighbour that netgen does not configure. */
export interface PeerInput {
  readonly address: Located<IpAddress>;
  readonly asn: Asn;
  readonly vrf: Located<string> | undefined;
  readonly accepted: readonly AcceptedInput[];
  /** The default route may be among them. */
  readonly announced: readonly Located<IpPrefix>[];
  /** Hops: at most so many, of which the packet's own count tells. */
  readonly ttlSecurity: number | undefined;
  /** Hops: so many may lie between. */
  readonly multihop: number | undefined;
  readonly bfd: BfdInput | undefined;
  readonly maxPrefixes: number | undefined;
  /** A path on the host. */
  readonly passwordFile: string | undefined;
  readonly origin: Origin;
}
