/** The links of a host, as wg-quick and systemd-networkd make them. */
import { must } from "../base/invariant.ts";
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import { type MtuBytes, type UdpPort, udpPort, type VlanId, type Vni } from "../base/units.ts";
import type { Origin } from "./origin.ts";

/** VXLAN's port with IANA (RFC 7348 §8). The kernel's own default, 8472, is flannel's. */
export const VXLAN_PORT = must(udpPort(4789), "4789 is a port");

/** An address as an interface carries it: with the length of the prefix it is connected to. */
export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly lengthBits: number;
}

export interface WireguardInterface {
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  /** Of the link alone, for FRR's IPv6 sessions; `undefined`: there are none. */
  readonly linkLocal: InterfaceAddress | undefined;
  readonly listenPort: UdpPort;
  /** The smallest tunnel of any peer, or with an MTU for each peer the largest: a WireGuard interface has one MTU. */
  readonly mtu: MtuBytes;
  /** The peer whose path sets `mtu`; `undefined` when there is no peer. */
  readonly limitingPeer: string | undefined;
  /** Peers whose tunnel carries less than `mtu`, by name: routes hold what goes to them to that. */
  readonly smallerPeers: readonly SmallerPeer[];
  /** What leads into it: the host's file of routes, or BGP. */
  readonly routedBy: "file" | "bgp";
  /** Ids of {@link Network.peers}, sorted. */
  readonly peers: readonly string[];
}

/** All that stand on an interface. */
export const allAddresses = ({ addresses, linkLocal }: WireguardInterface): readonly InterfaceAddress[] =>
  linkLocal === undefined ? addresses : [...addresses, linkLocal];

export interface SmallerPeer {
  readonly host: string;
  readonly mtu: MtuBytes;
  /** All that goes to it: its AllowedIPs. */
  readonly prefixes: readonly IpPrefix[];
}

/** Who tells guests their addresses, the gateway and what they may send (RFC 2131, RFC 2132). */
export interface DhcpServer {
  /** The gateway: the server's own address. */
  readonly address: InterfaceAddress;
  /** The first address that is given, counted from the network's own, and how many are. */
  readonly offset: number;
  readonly size: number;
  readonly dns: readonly IpAddress[];
  /** `undefined`: there is no tunnel. */
  readonly mtu: MtuBytes | undefined;
}

/** What a router tells guests of itself and of their link (RFC 4861 §4.2, RFC 8106). */
export interface RouterAdvertisement {
  /** IPv6, of 64 bits: guests make addresses of them (RFC 4862). */
  readonly prefixes: readonly IpPrefix[];
  /** `undefined`: there is no tunnel. */
  readonly mtu: MtuBytes | undefined;
  readonly dns: readonly IpAddress[];
}

/**
 * A host's part of a subnet, routed or the local end of a segment: an Ethernet bridge, or the device of one of a bridge's
 * VLANs, whose MAC, MTU and addresses these are.
 */
export interface Bridge {
  /** The bridge; that of several subnets where it has VLANs. */
  readonly name: string;
  /** Which of the bridge's VLANs the subnet is; `undefined`: all of the bridge is the subnet's. */
  readonly vlan: VlanId | undefined;
  /** By which this host is among the guests: routing, firewall and daemons know the subnet by this interface. */
  readonly link: string;
  readonly subnet: string;
  /** It is the user's: only what netgen adds to it is configured. */
  readonly isExisting: boolean;
  readonly macAddress: string;
  /** `undefined`: the smallest of its ports, as the kernel does by itself. */
  readonly mtu: MtuBytes | undefined;
  readonly addresses: readonly InterfaceAddress[];
  /** The same addresses and MAC stand on every member of the segment. */
  readonly isSharedGateway: boolean;
  /** Interfaces to enslave. */
  readonly ports: readonly string[];
  /** For the guests on it, and on the segment's other hosts; `undefined`: netgen gives them nothing. */
  readonly dhcp: DhcpServer | undefined;
  /** Of a router with the same address on every member each tells its own guests alone. */
  readonly advertisement: RouterAdvertisement | undefined;
  /** The VRF whose device it is enslaved to. */
  readonly vrf: string | undefined;
  /** That of the subnet. */
  readonly origin: Origin;
}

/** A bridge that tells its VLANs apart (IEEE 802.1Q), which several subnets have in common. */
export interface VlanBridge {
  readonly name: string;
  /** It is the user's, and its VLANs and ports are as well: segments join it, and nothing else. */
  readonly isExisting: boolean;
  readonly macAddress: string;
  /** The largest of its subnets. */
  readonly mtu: MtuBytes;
  /** Its subnets, by VLAN. */
  readonly vlans: readonly BridgeVlan[];
  /** Its ports, each with the VLANs of the subnets that name it, every frame with its tag. By name. */
  readonly trunks: readonly Trunk[];
}

export interface BridgeVlan {
  readonly id: VlanId;
  /** As {@link Bridge.link}, with its MAC. */
  readonly link: string;
  readonly macAddress: string;
}

export interface Trunk {
  readonly name: string;
  /** The largest of its subnets. */
  readonly mtu: MtuBytes;
  /** Sorted. */
  readonly vlans: readonly VlanId[];
}

/** The local end of a segment, or of a VRF. */
export interface VxlanDevice {
  readonly name: string;
  /** The name of the subnet, or of the VRF. */
  readonly segment: string;
  readonly vni: Vni;
  readonly macAddress: string;
  readonly local: IpAddress;
  readonly port: UdpPort;
  readonly mtu: MtuBytes;
  readonly bridge: string;
  /** That of the bridge whose frames it carries, without their tag; `undefined`: the bridge has none. */
  readonly vlan: VlanId | undefined;
  /** `undefined`: whatever the device takes fits the tunnels. */
  readonly cut: Cut | undefined;
  readonly flooding: Flooding;
  /** That of the segment, or of the VRF. */
  readonly origin: Origin;
}

/** What is larger than the tunnels carry is cut up in them, on purpose. */
export interface Cut {
  /** Guests' packets up to this size leave whole. */
  readonly wholeMtu: MtuBytes;
  /** Size of the largest VXLAN packet before it is cut, its IP header included. */
  readonly packetBytes: number;
}

/**
 * The bit of the firewall mark of what goes by the host's own routes after all, where it is cut up. None that is known of
 * Calico (0xffff0000), Tailscale (0xff0000) and Proxmox (0x80000000), of kube-proxy (0x4000, 0x8000), CNI's portmap (0x2000)
 * and Cilium (0x0f00), nor a bit of TUNNEL_MARK.
 */
export const CUT_MARK = "0x1000";

/** Who tells a VTEP where frames go: EVPN, or a list of all other VTEPs and learning from traffic. */
export type Flooding =
  /** With or without ARP and neighbour solicitations for guests that EVPN knows. */
  | { readonly kind: "evpn"; readonly suppressesNeighbors: boolean }
  | { readonly kind: "static"; readonly remotes: readonly IpAddress[] };
