/** OVN over the tunnels. */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { Origin } from "./origin.ts";
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

/** What a network has of one family. */
export interface OvnPrefix {
  readonly prefix: IpPrefix;
  /** Of the gateway, and of what answers DHCP: the first of the prefix. */
  readonly address: IpAddress;
}

/** A logical switch. */
export interface OvnNetwork {
  readonly name: string;
  /** IPv4 first; one of each family at the most. */
  readonly prefixes: readonly OvnPrefix[];
  /** Of the port by which its router is on it. */
  readonly mac: string;
  /**
   * Hosts by which it is joined with the overlay; none: it is not. What guests send leaves by the first that is there; what is
   * for them may come in by any.
   */
  readonly gateways: readonly string[];
  /** Of the ports by which a router of several gateways is entered and left. */
  readonly entryMac: string;
  readonly exitMac: string;
  readonly origin: Origin;
}

/** OVN moves its router from gateway to gateway. */
export const isShared = ({ gateways }: OvnNetwork): boolean => gateways.length > 1;

/** What a host is to OVN. */
export const ovnRolesOf = (ovn: Ovn | undefined, host: string) => ({
  isChassis: ovn?.chassis.includes(host) ?? false,
  isCentral: ovn?.central === host,
  /** It is one of several gateways of a network. */
  sharesGateway: (ovn?.networks ?? []).some((network) => isShared(network) && network.gateways.includes(host)),
});

/** The bridge between a gateway's kernel and its logical router; nothing else is on it. */
export const OVN_BRIDGE = "br-ovn";
/** The port of OVN's bridge by which one of several gateways sends what is for guests. */
export const OVN_ENTRY = "ovn-entry";
