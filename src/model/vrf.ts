/** VRFs: what they are in the whole network, and on one host. */
import type { IpFamily, IpPrefix } from "../base/ip.ts";
import type { Vni } from "../base/units.ts";
import type { Peer } from "./bgp.ts";
import type { InterfaceAddress, VxlanDevice } from "./device.ts";
import type { Exit } from "./exit.ts";
import type { VrfLines } from "./extra.ts";
import type { Origin } from "./origin.ts";
import type { RouteTargets, SegmentMtu } from "./segment.ts";

/** A routing table of its own for one tenant, on several hosts. */
export interface Vrf {
  readonly name: string;
  /** L3VNI: that of the VXLAN devices which carry routed packets between its instances. */
  readonly vni: Vni;
  /** The number of the routing table. */
  readonly table: number;
  readonly routeTargets: RouteTargets;
  /** The hosts with an instance: those with a subnet of it, a route or a peer in it, or an exit; and those of its leaks. */
  readonly members: readonly string[];
  readonly prefixes: readonly IpPrefix[];
  /** In the order of the file. */
  readonly exits: readonly VrfExit[];
  /** The VRFs that it reaches and that reach it, by name: those that it imports, and those that import it. */
  readonly leaks: readonly string[];
  readonly vtepFamily: IpFamily;
  readonly mtu: SegmentMtu;
  readonly origin: Origin;
}

/** One host's way out of a VRF. */
export interface VrfExit extends Exit {
  /** By which others tell its default from another exit's: a large community, RFC 8092. */
  readonly tag: string;
  /**
   * In how many bits of an address it tells parts of the whole from each other, which it announces beside the default: one for
   * each exit that stands behind it in strict order, as the longer prefix wins wherever it is known. 0: the default alone.
   */
  readonly partBits: number;
  /** The host itself and guests reach each other. */
  readonly hasLocalRouting: boolean;
}

/** A VRF on one host. */
export interface VrfInstance {
  readonly name: string;
  readonly vni: Vni;
  readonly table: number;
  readonly routeTargets: RouteTargets;
  /** What the VXLAN device is a port of; it has no other. Its MAC is the router MAC. */
  readonly bridge: string;
  /** None, but where packets enter by it whose answers leave by another VRF. */
  readonly bridgeAddresses: readonly InterfaceAddress[];
  readonly routerMac: string;
  readonly vxlan: VxlanDevice;
  readonly prefixes: readonly IpPrefix[];
  /** IPv4, for that is what exits have; IPv6 where a prefix or the exit is. */
  readonly families: readonly IpFamily[];
  /** The prefixes of `routes`: announced as long as the instance has a route to each. */
  readonly behind: readonly IpPrefix[];
  /** Others' BGP speakers in it, by address. */
  readonly peers: readonly Peer[];
  /**
   * Announced for as long as the instance is there, one of each family, and leading nowhere; none where the instance has
   * one family. Of a host whose last route of one family goes, FRR forgets the router MAC, and the routes of the other
   * family lead nowhere (its issue 16340).
   */
  readonly anchors: readonly IpPrefix[];
  /** What leads nowhere while no better route is there: all prefixes but those behind this host. */
  readonly unreachable: readonly IpPrefix[];
  readonly exit: VrfExit | undefined;
  /** The host's own addresses of the pools, where it is to be reached in the VRF; on the VRF's device, one of each family. */
  readonly ownAddresses: readonly InterfaceAddress[];
  /** The other VRFs of this host that it reaches and that reach it, by name. */
  readonly leaks: readonly Leak[];
  /** By which hosts its guests leave, the preferred first; it may be one of them. */
  readonly exitOrder: readonly string[];
  /** Whose default counts here, the preferred first. */
  readonly otherExits: readonly PreferredExit[];
  /** Lines of the user's for this VRF. */
  readonly extra: VrfLines;
  readonly origin: Origin;
}

/** Another VRF of the same host: routes there hand over what is for its prefixes, and routes of its own lead back. */
export interface Leak {
  readonly vrf: string;
  /** The number of its routing table. */
  readonly table: number;
  readonly prefixes: readonly IpPrefix[];
}

export interface PreferredExit {
  readonly host: string;
  readonly tag: string;
  /** BGP's local preference: the larger wins. */
  readonly preference: number;
}
