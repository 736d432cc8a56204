/** Ethernet segments that are stretched over several hosts. */
import type { IpFamily, IpPrefix } from "../base/ip.ts";
import type { RouteTarget } from "../base/route-target.ts";
import type { Vni } from "../base/units.ts";
import type { InterfaceAddress } from "./device.ts";
import type { Origin } from "./origin.ts";

/** One Ethernet segment stretched over several hosts. */
export interface Segment {
  readonly name: string;
  readonly vni: Vni;
  readonly prefixes: readonly IpPrefix[];
  readonly members: readonly string[];
  readonly gateway: Gateway;
  /** That of a shared gateway, in lower case; `undefined`: it is derived. */
  readonly gatewayMac: string | undefined;
  readonly routeTargets: RouteTargets;
  /** Nothing outside the segment has to reach it: its prefixes are in nobody's AllowedIPs. */
  readonly isIsolated: boolean;
  readonly isTagged: boolean;
  /** Asked for; without EVPN nobody could answer, and it is an error. */
  readonly suppressesNeighbors: boolean;
  /** `undefined`: the default VRF. */
  readonly vrf: string | undefined;
  readonly vtepFamily: IpFamily;
  readonly mtu: SegmentMtu;
  /**
   * Sizes in bytes of the packets that the largest of a guest's leaves as between two members, one if it fits; `undefined`:
   * none may be cut up, so that all have to fit.
   */
  readonly fragments: readonly number[] | undefined;
  readonly origin: Origin;
}

/**
 * By which EVPN tells what belongs to a segment or a VRF, where it is not derived from AS number and VNI. Of a network: as
 * it was written; of a host: all that FRR is told, in an order that it keeps.
 */
export interface RouteTargets {
  /** Of whose routes are taken in, besides its own. */
  readonly imports: readonly RouteTarget[];
  /** What its own routes carry. */
  readonly exports: readonly RouteTarget[];
}

export type Gateway =
  | { readonly kind: "none" }
  /** The same addresses and the same MAC on every host named. */
  | { readonly kind: "shared"; readonly hosts: readonly string[]; readonly addresses: readonly InterfaceAddress[] }
  /** Addresses of its own on each host named. */
  | { readonly kind: "each"; readonly hosts: readonly GatewayHost[] };

export interface GatewayHost {
  readonly host: string;
  readonly addresses: readonly InterfaceAddress[];
}

export interface SegmentMtu {
  /** What the devices get. */
  readonly bytes: number;
  /** What the smallest member pair carries. */
  readonly computed: number;
  readonly pin: number | undefined;
  /** The member that sends least, and the peer whose path sets that; the same host twice where it has none. */
  readonly limitingPair: readonly [string, string];
}
