/** Ethernet segments that are stretched over several hosts. */
import type { IpFamily, IpPrefix } from "../base/ip.ts";
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
  /** Nothing outside the segment has to reach it: its prefixes are in nobody's AllowedIPs. */
  readonly isIsolated: boolean;
  readonly isTagged: boolean;
  /** Asked for; without EVPN nobody could answer, and it is an error. */
  readonly suppressesNeighbors: boolean;
  /** `undefined`: the default VRF. */
  readonly vrf: string | undefined;
  readonly vtepFamily: IpFamily;
  readonly mtu: SegmentMtu;
  readonly origin: Origin;
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
