/** OVN as it was written, and who runs it. */
import type { IpPrefix } from "../base/ip.ts";
import type { Origin } from "../model/origin.ts";
import type { Located } from "./located.ts";

export interface OvnInput {
  /** `undefined`: its name has a mistake. */
  readonly central: Located<string> | undefined;
  /** As written; none: all hosts with WireGuard that are no hubs. */
  readonly chassis: readonly Located<string>[];
  /** In the order of the file. */
  readonly networks: readonly OvnNetworkInput[];
  readonly origin: Origin;
}

/** A logical switch. */
export interface OvnNetworkInput {
  readonly name: string;
  /** IPv4, of 8 to 29 bits, and IPv6, of 64: one at least, and by a law one of each at the most. */
  readonly prefixes: readonly Located<IpPrefix>[];
  /** Hosts that join it with the overlay, in order of preference; none: only itself is reached. */
  readonly gateways: readonly Located<string>[];
  readonly origin: Origin;
}
