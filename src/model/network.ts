/**
 * The resolved network: everything that the checks judge and the emitters print, with every default decided. Plain,
 * immutable, serialisable data. Nothing here is optional: absence is a `kind`, an empty list, or `undefined` written out.
 * Lists are sorted (hosts, sites, subnets, VRFs by name; segments by VNI; addresses and prefixes by number), never in input order.
 */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { Span } from "../base/source.ts";
import type { Asn, MtuBytes, UdpPort, Vni } from "../base/units.ts";

/** Where an entry of the topology was written: path of a field below the entry (`""`: its key) → its span. */
export type Origin = Readonly<Record<string, Span>>;

export interface Network {
  readonly name: string;
  readonly underlay: Underlay;
  readonly sites: readonly Site[];
  readonly hosts: readonly Host[];
  /** Each host once per way of being seen as a peer; interfaces refer to it by id. */
  readonly peers: readonly Peer[];
  readonly segments: readonly Segment[];
  readonly vrfs: readonly Vrf[];
  /** Prefixes that belong to the overlay, as declared: pools, subnets, routes behind hosts. */
  readonly prefixes: readonly OverlayPrefix[];
  readonly bgp: Bgp;
  /** Others that may speak VXLAN and BGP to these hosts outside the tunnel. */
  readonly guardAllowFrom: readonly IpPrefix[];
  readonly origin: Origin;
}

// ── What carries the tunnels ────────────────────────────────────────────────────────────────────────────────────────

export interface Underlay {
  /** IP MTU between two endpoints, unless a path or a site says otherwise. */
  readonly pathMtu: MtuBytes;
  /** What the names of endpoints may resolve to. */
  readonly ipVersion: IpFamily | "auto";
  readonly paths: readonly PathRule[];
}

/** The MTU of the path between two ends, each a host or a site. */
export interface PathRule {
  readonly between: readonly [string, string];
  readonly mtu: MtuBytes;
  readonly origin: Origin;
}

export interface Site {
  readonly name: string;
  /** IP MTU between hosts of the site that dial each other's lanEndpoint. */
  readonly lanMtu: MtuBytes | undefined;
  /** IP MTU of the site's way out. */
  readonly wanMtu: MtuBytes | undefined;
  /** The prefixes of its own network. */
  readonly lan: readonly IpPrefix[];
  /** The hosts by which its others reach other sites; none: each does so by itself. */
  readonly gateways: readonly string[];
  /** The AS of its hosts; `undefined`: that of the network. */
  readonly asn: Asn | undefined;
  readonly origin: Origin;
}

export type Endpoint =
  | { readonly kind: "address"; readonly address: IpAddress; readonly port: UdpPort }
  | { readonly kind: "name"; readonly name: string; readonly port: UdpPort };

/** How a host can be reached from outside the overlay: all that decides who dials whom, and over how large a path. */
export interface Reach {
  readonly name: string;
  /** `undefined`: a site of its own. */
  readonly site: string | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly lanEndpoint: Endpoint | undefined;
  readonly isBehindNat: boolean;
  /** Two hosts share its endpoints: the one that takes them over dials all it can, to be known. */
  readonly isShared: boolean;
}

// ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The distribution of a host: which keys and lines its programs know. */
export type Platform = "debian12" | "debian13" | "proxmox8" | "proxmox9";

/** What the programs of a platform know. */
export interface HostPrograms {
  /** systemd-networkd takes ManageForeignNextHops= (systemd 256). */
  readonly networkdKeepsNextHops: boolean;
  /** FRR has a management daemon, which listens, too. */
  readonly frrHasMgmtd: boolean;
  /** /etc/sysctl.conf is read, and after netgen's file. */
  readonly readsSysctlConf: boolean;
}

export interface Host {
  readonly name: string;
  readonly platform: Platform;
  readonly programs: HostPrograms;
  /** 1 to 65535; addresses, router-id and MACs follow from it. */
  readonly id: number;
  readonly reach: Reach;
  readonly publicKey: string;
  readonly uplink: string | undefined;
  readonly networkManager: "networkd" | "other";
  /** Docker's rules drop what the host forwards, unless its own chain for that lets it through. */
  readonly hasDocker: boolean;
  readonly interfaces: readonly WireguardInterface[];
  /** Source of VXLAN and BGP; `undefined` on a host that is neither a VTEP nor a BGP speaker. */
  readonly vtep: IpAddress | undefined;
  readonly bridges: readonly Bridge[];
  readonly vxlans: readonly VxlanDevice[];
  /** By name. */
  readonly vrfs: readonly VrfInstance[];
  /** What others send to this host through the tunnel, besides its own addresses. */
  readonly ownedPrefixes: readonly OwnedPrefix[];
  readonly forwards: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly snat: readonly SourceNat[];
  /** Prefixes that must never leave by another way than the overlay: an `unreachable` of the highest metric each. */
  readonly unreachable: readonly IpPrefix[];
  /** Routes by the LAN: to the overlay by the gateway of the site, or to what is behind a neighbour. Sorted by prefix. */
  readonly lanRoutes: readonly LanRoute[];
  /** The address that it shares with another host; `undefined`: none. */
  readonly vrrp: Vrrp | undefined;
  readonly bgp: BgpSpeaker;
  readonly frrMode: "complete" | "snippet";
  /** Neighbour table entries that the host's segments may need, per family. */
  readonly neighbourCount: { readonly ipv4: number; readonly ipv6: number };
  readonly extra: Extra;
  readonly origin: Origin;
}

/** An address as an interface carries it: with the length of the prefix it is connected to. */
export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly lengthBits: number;
}

export interface WireguardInterface {
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  readonly listenPort: UdpPort;
  /** The smallest tunnel of any peer, or with an MTU for each peer the largest: a WireGuard interface has one MTU. */
  readonly mtu: MtuBytes;
  /** The peer whose path sets `mtu`; `undefined` when there is no peer. */
  readonly limitingPeer: string | undefined;
  /** Peers whose tunnel carries less than `mtu`, by name: routes hold what goes to them to that. */
  readonly smallerPeers: readonly SmallerPeer[];
  /** wg-quick's Table: `auto` adds a route for each AllowedIP, `off` leaves routing to FRR. */
  readonly table: "auto" | "off";
  /** Ids of {@link Network.peers}, sorted. */
  readonly peers: readonly string[];
}

export interface SmallerPeer {
  readonly host: string;
  readonly mtu: MtuBytes;
  /** All that goes to it: its AllowedIPs. */
  readonly prefixes: readonly IpPrefix[];
}

/** A host as others see it. */
export interface Peer {
  /** The host's name, and what sets this view apart: `beta`, `beta:lan`, `beta:lan:keepalive`. */
  readonly id: string;
  readonly host: string;
  readonly publicKey: string;
  /** Where to dial it; `undefined`: it dials. */
  readonly endpoint: Endpoint | undefined;
  /** 0: none. */
  readonly keepaliveSeconds: number;
  readonly allowedIps: readonly IpPrefix[];
  readonly hasPresharedKey: boolean;
}

/** An Ethernet bridge on a host: for a routed subnet, or as the local end of a segment. */
export interface Bridge {
  readonly name: string;
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
  /** The VRF whose device it is enslaved to. */
  readonly vrf: string | undefined;
  /** That of the subnet. */
  readonly origin: Origin;
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
  readonly flooding: Flooding;
  /** That of the segment, or of the VRF. */
  readonly origin: Origin;
}

/** Who tells a VTEP where frames go: EVPN, or a list of all other VTEPs and learning from traffic. */
export type Flooding = { readonly kind: "evpn" } | { readonly kind: "static"; readonly remotes: readonly IpAddress[] };

export interface OwnedPrefix {
  readonly prefix: IpPrefix;
  /**
   * The subnet's name; `route` for a prefix behind the host; `site lan` for the LAN that it is the gateway of, and
   * `site route` for a prefix behind a host there.
   */
  readonly use: string;
  readonly origin: Origin;
}

export interface SourceNat {
  readonly prefix: IpPrefix;
  readonly uplink: string;
}

/** A route to a neighbour on the LAN. */
export interface LanRoute {
  readonly prefix: IpPrefix;
  /** An address on the LAN. */
  readonly via: IpAddress;
  /** What the way carries, where that is less than the LAN does; `undefined`: the LAN decides. */
  readonly mtu: MtuBytes | undefined;
}

/** One host's part of an address that two share by VRRP. */
export interface Vrrp {
  readonly interface: string;
  /** The virtual router's id, 1 to 255. */
  readonly id: number;
  readonly address: InterfaceAddress;
  /** The host's own address on the LAN, by which it speaks with the other. */
  readonly source: IpAddress;
  readonly other: { readonly host: string; readonly address: IpAddress };
  /** 1 to 254; the higher one is the master when both begin. */
  readonly priority: number;
  /** The two share one key: only the master's tunnels are up. Else both are, and the address is for the LAN alone. */
  readonly isExclusive: boolean;
}

/** Raw lines of the user's, each checked to stay inside its block. */
export interface Extra {
  readonly wireguard: readonly string[];
  readonly frr: readonly string[];
  readonly nftables: readonly string[];
  readonly sysctl: readonly { readonly key: string; readonly value: string }[];
}

// ── Segments and prefixes ───────────────────────────────────────────────────────────────────────────────────────────

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

/** A prefix that the overlay owns, and what for. */
export interface OverlayPrefix {
  readonly prefix: IpPrefix;
  readonly use:
    | { readonly kind: "pool" }
    /** Of the tunnels' own addresses. */
    | { readonly kind: "transit" }
    | { readonly kind: "subnet"; readonly subnet: string }
    | { readonly kind: "route"; readonly host: string }
    /** A site's LAN, or an address on it of a host without WireGuard: behind the site's gateway. */
    | { readonly kind: "lan"; readonly site: string };
  /** `undefined`: the default VRF. */
  readonly vrf: string | undefined;
  readonly span: Span;
}

// ── VRFs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A routing table of its own for one tenant, on several hosts. */
export interface Vrf {
  readonly name: string;
  /** L3VNI: that of the VXLAN devices which carry routed packets between its instances; also the routing table. */
  readonly vni: Vni;
  /** The hosts with an instance: those with a subnet of it, a route in it or an exit. */
  readonly members: readonly string[];
  readonly prefixes: readonly IpPrefix[];
  /** In the order of the file. */
  readonly exits: readonly VrfExit[];
  readonly vtepFamily: IpFamily;
  readonly mtu: SegmentMtu;
  readonly origin: Origin;
}

/** One host's way out of a VRF. */
export interface VrfExit {
  readonly host: string;
  readonly interface: string;
  readonly hasSnat: boolean;
  /** IPv4 always. */
  readonly families: readonly IpFamily[];
  /** Asked through the interface every few seconds; `undefined`: the exit is there while the interface is up. */
  readonly probe: IpAddress | undefined;
  /** By which others tell its default from another exit's: a large community, RFC 8092. */
  readonly tag: string;
  readonly origin: Origin;
}

/** A VRF on one host. */
export interface VrfInstance {
  readonly name: string;
  readonly vni: Vni;
  /** What the VXLAN device is a port of; it has no other, and no address. Its MAC is the router MAC. */
  readonly bridge: string;
  readonly routerMac: string;
  readonly vxlan: VxlanDevice;
  readonly prefixes: readonly IpPrefix[];
  /** IPv4, for that is what exits have; IPv6 where a prefix or the exit is. */
  readonly families: readonly IpFamily[];
  /** The prefixes of `routes`: announced as long as the instance has a route to each. */
  readonly behind: readonly IpPrefix[];
  /** What leads nowhere while no better route is there: all prefixes but those behind this host. */
  readonly unreachable: readonly IpPrefix[];
  readonly exit: VrfExit | undefined;
  /** Whose default counts here, the preferred first; the host's own comes before all of them. */
  readonly otherExits: readonly PreferredExit[];
  readonly origin: Origin;
}

export interface PreferredExit {
  readonly host: string;
  readonly tag: string;
  /** BGP's local preference: the larger wins. */
  readonly preference: number;
}

// ── Control plane ───────────────────────────────────────────────────────────────────────────────────────────────────

export type Bgp = { readonly kind: "none" } | Evpn | RoutingBgp;

export interface Evpn {
  readonly kind: "evpn";
  readonly asn: Asn;
  readonly bfd: Bfd;
  readonly origin: Origin;
}

/** Where there is more than one way between hosts: BGP carries their routes as well. */
export interface RoutingBgp extends Evpn {
  readonly failover: Failover;
}

/** For how long nothing arrives when the way in use dies without a word. */
export interface Failover {
  /** Until BFD, or BGP's hold time if that is shorter, has seen it. */
  readonly detectionMs: number;
  /** Until another way is in use on every host. */
  readonly boundMs: number;
}

export type Bfd =
  | { readonly kind: "none" }
  | { readonly kind: "on"; readonly intervalMs: number; readonly multiplier: number };

export type BgpSpeaker = { readonly kind: "none" } | EvpnSpeaker | RoutingSpeaker;

export interface EvpnSpeaker {
  readonly kind: "speaker";
  readonly asn: Asn;
  /** Dotted quad: the IPv4 pool address, or 0.0.x.y from the id. */
  readonly routerId: string;
  readonly updateSource: IpAddress;
  readonly isReflector: boolean;
  /** A VTEP announces its VNIs; a mere reflector must not. */
  readonly isVtep: boolean;
  readonly neighbours: readonly BgpNeighbour[];
  /** VNIs of which this host announces its own gateway address. */
  readonly gatewayVnis: readonly GatewayVni[];
  readonly bfd: Bfd;
}

/** Where there is more than one way between hosts: a speaker that carries routes as well. */
export interface RoutingSpeaker extends EvpnSpeaker {
  readonly unicast: Unicast;
}

/** Routing by BGP: what this host announces, and to whom. */
export interface Unicast {
  /** The host's addresses of the pools, each with its whole length, on its loopback interface. */
  readonly loopback: readonly InterfaceAddress[];
  /** Its loopback addresses, and what is behind it. */
  readonly announced: readonly IpPrefix[];
  /** Declared prefixes; what lies in none of them is taken from nobody. */
  readonly accepted: readonly IpPrefix[];
  /** What the host's hubs have themselves: reached by the shortest way, not by the preferred hub. */
  readonly nearby: readonly IpPrefix[];
  /** The interface of the tunnels to all whose hub it is, each peer with its own prefixes as AllowedIPs. */
  readonly hubInterface: string | undefined;
  readonly neighbours: readonly UnicastNeighbour[];
}

/** A session over a tunnel, for the routes of its own family. */
export interface UnicastNeighbour {
  readonly host: string;
  /** The interface of the tunnel, and this host's address on it. */
  readonly interface: string;
  readonly source: IpAddress;
  readonly address: IpAddress;
  /** No prefix is connected: the neighbour's address needs a route of its own. */
  readonly isPointToPoint: boolean;
  /** This host passes on what it hears to it. */
  readonly isClient: boolean;
  /** BGP's local preference for its routes; `undefined`: BGP's default. */
  readonly preference: number | undefined;
}

export interface BgpNeighbour {
  readonly host: string;
  readonly address: IpAddress;
  /** Another than the speaker's own: eBGP. */
  readonly asn: Asn;
  /** This host reflects to it. */
  readonly isClient: boolean;
}

export interface GatewayVni {
  readonly vni: Vni;
  /** `default-gateway`: the segment's only gateway. `svi-ip`: one of several, each with an address of its own. */
  readonly advertise: "default-gateway" | "svi-ip";
}
