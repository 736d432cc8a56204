/**
 * The resolved network: everything that the checks judge and the emitters print, with every default decided. Plain,
 * immutable, serialisable data. Nothing here is optional: absence is a `kind`, an empty list, or `undefined` written out.
 * Lists are sorted (hosts, sites, subnets by name; segments by VNI; addresses and prefixes by number), never in input order.
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
}

// ── Hosts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Host {
  readonly name: string;
  /** 1 to 65535; addresses, router-id and MACs follow from it. */
  readonly id: number;
  readonly reach: Reach;
  readonly publicKey: string;
  readonly uplink: string | undefined;
  readonly networkManager: "networkd" | "other";
  readonly interfaces: readonly WireguardInterface[];
  /** Source of VXLAN and BGP; `undefined` on a host that is neither a VTEP nor a BGP speaker. */
  readonly vtep: IpAddress | undefined;
  readonly bridges: readonly Bridge[];
  readonly vxlans: readonly VxlanDevice[];
  /** What others send to this host through the tunnel, besides its own addresses. */
  readonly ownedPrefixes: readonly OwnedPrefix[];
  readonly forwards: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly snat: readonly SourceNat[];
  /** Prefixes that must never leave by another way than the overlay: an `unreachable` of the highest metric each. */
  readonly unreachable: readonly IpPrefix[];
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
  /** The smallest tunnel of any peer: a WireGuard interface has one MTU. */
  readonly mtu: MtuBytes;
  /** The peer whose path sets `mtu`; `undefined` when there is no peer. */
  readonly limitingPeer: string | undefined;
  /** wg-quick's Table: `auto` adds a route for each AllowedIP, `off` leaves routing to FRR. */
  readonly table: "auto" | "off";
  /** Ids of {@link Network.peers}, sorted. */
  readonly peers: readonly string[];
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
  /** That of the subnet. */
  readonly origin: Origin;
}

/** The local end of a segment. */
export interface VxlanDevice {
  readonly name: string;
  readonly segment: string;
  readonly vni: Vni;
  readonly macAddress: string;
  readonly local: IpAddress;
  readonly port: UdpPort;
  readonly mtu: MtuBytes;
  readonly bridge: string;
  readonly flooding: Flooding;
  /** That of the segment. */
  readonly origin: Origin;
}

/** Who tells a VTEP where frames go: EVPN, or a list of all other VTEPs and learning from traffic. */
export type Flooding = { readonly kind: "evpn" } | { readonly kind: "static"; readonly remotes: readonly IpAddress[] };

export interface OwnedPrefix {
  readonly prefix: IpPrefix;
  /** The subnet's name, or `route` for a prefix behind the host. */
  readonly use: string;
  readonly origin: Origin;
}

export interface SourceNat {
  readonly prefix: IpPrefix;
  readonly uplink: string;
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
  /** The member with the smallest WireGuard MTU, and the peer whose path sets it; the same host twice where it has none. */
  readonly limitingPair: readonly [string, string];
}

/** A prefix that the overlay owns, and what for. */
export interface OverlayPrefix {
  readonly prefix: IpPrefix;
  readonly use:
    | { readonly kind: "pool" }
    | { readonly kind: "subnet"; readonly subnet: string }
    | { readonly kind: "route"; readonly host: string };
  readonly span: Span;
}

// ── Control plane ───────────────────────────────────────────────────────────────────────────────────────────────────

export type Bgp =
  | { readonly kind: "none" }
  | { readonly kind: "evpn"; readonly asn: Asn; readonly bfd: Bfd; readonly origin: Origin };

export type Bfd =
  | { readonly kind: "none" }
  | { readonly kind: "on"; readonly intervalMs: number; readonly multiplier: number };

export type BgpSpeaker =
  | { readonly kind: "none" }
  | {
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
    };

export interface BgpNeighbour {
  readonly host: string;
  readonly address: IpAddress;
  /** This host reflects to it. */
  readonly isClient: boolean;
}

export interface GatewayVni {
  readonly vni: Vni;
  /** `default-gateway`: the segment's only gateway. `svi-ip`: one of several, each with an address of its own. */
  readonly advertise: "default-gateway" | "svi-ip";
}
