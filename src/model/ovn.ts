/** OVN over the tunnels. */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { SegmentMtu } from "./segment.ts";

/** UDP port of Geneve, RFC 8926 §5. */
export const GENEVE_PORT = 6081;
/** TCP port of OVN's southbound database, which the chassis ask (ovn-architecture(7)). */
export const SOUTHBOUND_PORT = 6642;

export interface Ovn {
  readonly central: string;
  /** Where the chassis find the databases: the central's address in the overlay. */
  readonly centralAddress: IpAddress;
  /** By name. */
  readonly chassis: readonly string[];
  /** Of the addresses that Geneve goes between. */
  readonly family: IpFamily;
  /** Of the largest IP packet that every chassis can send every other one in Geneve. */
  readonly mtu: SegmentMtu;
  /** By name. */
  readonly networks: readonly OvnNetwork[];
}

/** A logical switch. */
export interface OvnNetwork {
  readonly name: string;
  readonly prefix: IpPrefix;
  /** Of the gateway, and of what answers DHCP: the first of the prefix. */
  readonly address: IpAddress;
  readonly mac: string;
  /** The host whose logical router joins it with the overlay; `undefined`: none does. */
  readonly gateway: string | undefined;
}

/** What a host is to OVN. */
export const ovnRolesOf = (ovn: Ovn | undefined, host: string) => ({
  isChassis: ovn?.chassis.includes(host) ?? false,
  isCentral: ovn?.central === host,
});

/** The bridge between a gateway's kernel and its logical router; nothing else is on it. */
export const OVN_BRIDGE = "br-ovn";
