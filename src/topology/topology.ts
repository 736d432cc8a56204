/**
 * The topology as it was written, decoded: every text parsed, every number branded, short forms spelt out. What the user
 * left out is `undefined` here; defaults are decided in `resolve/` and nowhere else.
 */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { ProgramVersions } from "../base/programs.ts";
import type { RouteTarget } from "../base/route-target.ts";
import type { Span } from "../base/source.ts";
import type { Asn, MtuBytes, UdpPort, VlanId, Vni } from "../base/units.ts";
import type { Extra, VrfLines } from "../model/extra.ts";
import type { GuardedService, HealthGate, Platform } from "../model/host.ts";
import type { Origin } from "../model/origin.ts";
import type { Families } from "../model/reach.ts";
import type { ContainerInput } from "./container.ts";
import type { ExitInput, ExitOrder, RemoteInput } from "./exit.ts";
import type { KubernetesInput, NodeInput } from "./kubernetes.ts";
import type { Located } from "./located.ts";
import type { OvnInput } from "./ovn.ts";
import type { BfdInput, PeerInput } from "./peer.ts";

export type { ContainerInput } from "./container.ts";
export type { ExitInput, ExitOrder, RemoteInput } from "./exit.ts";
export type { Located } from "./located.ts";
export type { AcceptedInput, BfdInput, PeerInput } from "./peer.ts";

export interface Topology {
  readonly name: string;
  /** 1 to 9. */
  readonly fleet: number | undefined;
  readonly underlay: UnderlayInput;
  readonly sites: readonly SiteInput[];
  readonly wireguard: WireguardInput;
  /** Entries with an error of their own are left out; `hostNames` still has them. In the order of the file. */
  readonly hosts: readonly HostInput[];
  readonly hostNames: ReadonlySet<string>;
  readonly subnets: readonly SubnetInput[];
  readonly vrfs: readonly VrfInput[];
  /** Of what is in no VRF; in the order of the file. */
  readonly exits: readonly ExitInput[];
  readonly exitOrder: ExitOrder | undefined;
  /** In the order of the file. */
  readonly remotes: readonly RemoteInput[];
  readonly ovn: OvnInput | undefined;
  readonly bgp: BgpInput | undefined;
  readonly kubernetes: KubernetesInput;
  /** The UDP port of all VXLAN devices. */
  readonly vxlanPort: UdpPort | undefined;
  readonly guardAllowFrom: readonly Located<IpPrefix>[];
  readonly guardInterfaces: readonly string[];
  readonly origin: Origin;
}

export interface UnderlayInput {
  readonly pathMtu: MtuBytes | undefined;
  readonly ipVersion: IpFamily | "auto" | undefined;
  readonly paths: readonly {
    readonly between: readonly [string, string];
    readonly mtu: MtuBytes;
    readonly origin: Origin;
  }[];
}

/** A pair of hosts that share an address by VRRP. */
export interface VrrpInput {
  /** The address as written, with the length of the prefix that it lies in. */
  readonly address: { readonly address: IpAddress; readonly lengthBits: number };
  readonly id: number | undefined;
  readonly span: Span;
}

export interface SiteInput {
  readonly name: string;
  readonly lan: readonly Located<IpPrefix>[];
  readonly gateways: readonly Located<string>[];
  /** Those that its spokes prefer, the best first. */
  readonly hubs: readonly Located<string>[];
  readonly vrrp: VrrpInput | undefined;
  readonly asn: Asn | undefined;
  readonly lanRouter: IpAddress | undefined;
  readonly lanMtu: MtuBytes | undefined;
  readonly wanMtu: MtuBytes | undefined;
  readonly origin: Origin;
}

export interface WireguardInput {
  readonly interface: string | undefined;
  readonly addresses: readonly Located<IpPrefix>[];
  readonly transit: readonly Located<IpPrefix>[];
  readonly listenPort: UdpPort | undefined;
  readonly shape: "mesh" | "hub-and-spoke" | "links" | undefined;
  /** In the order of the file: the preferred one first. */
  readonly hubs: readonly Located<string>[];
  readonly links: readonly { readonly hosts: readonly [string, string]; readonly span: Span }[];
  readonly vrrp: VrrpInput | undefined;
  readonly presharedKeys: boolean | undefined;
  readonly mtu: "per-interface" | "per-peer" | undefined;
  readonly origin: Origin;
}

/** An endpoint as written: the port may be left to the host's listenPort. */
export type EndpointInput =
  | { readonly kind: "address"; readonly address: IpAddress; readonly port: UdpPort | undefined }
  | { readonly kind: "name"; readonly name: string; readonly port: UdpPort | undefined };

/** A prefix behind a host, with the VRF that it belongs to. */
export interface RouteInput extends Located<IpPrefix> {
  readonly vrf: Located<string> | undefined;
  /** Others may lie inside, and lead elsewhere. */
  readonly exceptsMoreSpecifics: boolean;
  /** It is a network of OVN's, which several hosts may lead to. */
  readonly isOfOvn: boolean;
}

/** A host with hostDefaults already laid under it; under a device that an app configures, only what holds for it. `origin` points into hostDefaults where the value came from there. */
export interface HostInput {
  readonly name: string;
  readonly id: number;
  readonly site: string | undefined;
  /** In order of preference. */
  readonly endpoints: readonly Located<EndpointInput>[];
  /** Left out: that of all hosts. */
  readonly listenPort: UdpPort | undefined;
  /** Those that it prefers, the best first; none: what its site prefers. */
  readonly hubs: readonly Located<string>[];
  /** By which it leaves itself, the preferred first; none: its uplink. */
  readonly exits: readonly Located<string>[];
  /** Others are to send nothing through it for which there is another way. */
  readonly isDrained: boolean;
  readonly lanEndpoint: EndpointInput | undefined;
  readonly isBehindNat: boolean | undefined;
  readonly families: Exclude<Families, "both"> | undefined;
  readonly addresses: readonly Located<IpAddress>[];
  readonly publicKey: string | undefined;
  readonly uplink: string | undefined;
  /** hostDefaults say it of hosts with a lanEndpoint. */
  readonly lanInterface: string | undefined;
  readonly routes: readonly RouteInput[];
  readonly peers: readonly PeerInput[];
  /** Of a device that an app configures. */
  readonly dns: readonly Located<IpAddress>[];
  readonly platform: Platform | undefined;
  /** The versions that are stated, and no others. */
  readonly programs: Partial<ProgramVersions>;
  /** `false`: it reaches the overlay through the gateways of its site. */
  readonly hasWireguard: boolean | undefined;
  readonly hasDocker: boolean | undefined;
  readonly hasMetrics: boolean | undefined;
  readonly healthGate: { readonly [Key in keyof HealthGate]: HealthGate[Key] | undefined } | undefined;
  readonly kubernetes: NodeInput | undefined;
  /** By the name of what is guarded. */
  readonly guardOpen: Readonly<Record<GuardedService, readonly Located<IpPrefix>[]>> | undefined;
  readonly networkManager: "networkd" | "NetworkManager" | "other" | undefined;
  readonly acceptsRa: boolean | undefined;
  readonly keyStore: "file" | "credential" | undefined;
  readonly frr: "complete" | "snippet" | undefined;
  readonly proxmox: "sdn" | undefined;
  readonly extra: Extra;
  /** Lines for VRFs, by name, whether the host has them or not. */
  readonly vrfLines: ReadonlyMap<string, VrfLines>;
  readonly origin: Origin;
}

export type GatewayInput =
  | { readonly kind: "none" }
  | { readonly kind: "shared"; readonly addresses: readonly Located<IpAddress>[] }
  | {
      readonly kind: "perHost";
      readonly hosts: readonly { readonly host: Located<string>; readonly addresses: readonly Located<IpAddress>[] }[];
    };

/** What guests are given by DHCP. */
export interface DhcpInput {
  /** The first and the last address; `undefined`: left out. */
  readonly range: readonly [Located<IpAddress>, Located<IpAddress>] | undefined;
  readonly dns: readonly Located<IpAddress>[];
}

/** What guests are told by router advertisements, besides prefixes, router and MTU. */
export interface AdvertisementInput {
  readonly dns: readonly Located<IpAddress>[];
}

/** Route targets that are not derived; empty: that side is. */
export interface RouteTargetsInput {
  readonly imports: readonly Located<RouteTarget>[];
  readonly exports: readonly Located<RouteTarget>[];
}

export interface VxlanInput {
  readonly vni: Vni;
  readonly suppressesNeighbors: boolean;
  readonly routeTargets: RouteTargetsInput;
}

export interface SubnetInput {
  readonly name: string;
  readonly prefixes: readonly Located<IpPrefix>[];
  /** Host and site names as written, or all. */
  readonly members: "all" | readonly Located<string>[];
  readonly vxlan: VxlanInput | undefined;
  readonly perHost: number | undefined;
  /** `interface: external`: the bridge is another program's. */
  readonly isExternal: boolean;
  readonly container: ContainerInput | undefined;
  /** Left out: `undefined`. */
  readonly gateway: GatewayInput | undefined;
  /** Of a gateway that is the same on every member, in lower case. */
  readonly gatewayMac: string | undefined;
  readonly isIsolated: boolean;
  readonly isTagged: boolean;
  readonly hasSnat: boolean;
  /** By which guests leave, the preferred first; none: as their host does. */
  readonly exits: readonly Located<string>[];
  readonly dhcp: DhcpInput | undefined;
  readonly advertisement: AdvertisementInput | undefined;
  readonly vrf: Located<string> | undefined;
  readonly bridge: { readonly name: string; readonly isExisting: boolean } | undefined;
  /** Which of its bridge's the segment is; left out: it has the bridge for itself. */
  readonly vlan: VlanId | undefined;
  readonly ports: readonly { readonly host: Located<string>; readonly interfaces: readonly Located<string>[] }[];
  /** Ports of one site are no way from one to the other outside the segment. */
  readonly hasSeparateSwitches: boolean;
  /** A pin for the MTU of a segment. */
  readonly mtu: number | undefined;
  /** `fragment: true`: what is larger than the tunnels carry is cut up in them. */
  readonly isFragmented: boolean;
  readonly origin: Origin;
}

export interface VrfInput {
  readonly name: string;
  readonly vni: Vni;
  /** Of the routing table; left out: the VNI. */
  readonly table: number | undefined;
  readonly routeTargets: RouteTargetsInput;
  /** In the order of the file. */
  readonly exits: readonly ExitInput[];
  readonly exitOrder: ExitOrder | undefined;
  /** Names of other VRFs. */
  readonly imports: readonly Located<string>[];
  readonly origin: Origin;
}

export interface BgpInput {
  readonly asn: Asn;
  readonly routeReflectors: readonly Located<string>[];
  readonly bfd: BfdInput | undefined;
  readonly origin: Origin;
}
