/** One host, with all that its files say. */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { PLATFORM_NAMES, ProgramVersions } from "../base/programs.ts";
import type { MtuBytes, UdpPort } from "../base/units.ts";
import type { BgpSpeaker } from "./bgp.ts";
import type { ContainerNetwork } from "./containers.ts";
import type { Bridge, InterfaceAddress, VlanBridge, VxlanDevice, WireguardInterface } from "./device.ts";
import type { Egress, OpenExit } from "./exit.ts";
import type { Extra } from "./extra.ts";
import type { KubernetesNode } from "./kubernetes.ts";
import type { Origin } from "./origin.ts";
import type { Reach } from "./reach.ts";
import type { VrfInstance } from "./vrf.ts";

/** The distribution of a host, which has a version of each program; or what has none, and is told no more than its tunnel. */
export type Platform = (typeof PLATFORM_NAMES)[number];

/** Debian with ifupdown2, an SDN of its own, and a firewall that puts a bridge `fwbr…` before each guest. */
export const isProxmox = (platform: Platform): boolean => platform === "proxmox8" || platform === "proxmox9";

/** Its packages are RPMs, NetworkManager has the links, and networkd is there only where somebody has put it. */
export const isRedHat = (platform: Platform): boolean => isEnterprise(platform) || platform === "fedora44";

/** RHEL 9 made anew: networkd is none of its own packages, but one of EPEL. */
export const isEnterprise = (platform: Platform): boolean => platform === "rocky9" || platform === "alma9";

/** What the guard takes from the tunnels only. */
export const GUARDED_SERVICES = ["vxlan", "bgp", "bfd"] as const;
export type GuardedService = (typeof GUARDED_SERVICES)[number];

/** Acts on what lasts, of what verify finds. */
export interface HealthGate {
  /** How many times in a row. */
  readonly failures: number;
  /** A program of the owner's, as an absolute path. */
  readonly run: string | undefined;
  /** Entries that lead to no member any more are taken away first. */
  readonly recovers: boolean;
}

export interface Host {
  readonly name: string;
  readonly platform: Platform;
  /** The platform's, or what the topology states; `none`: those of an app. */
  readonly programs: ProgramVersions;
  /** 1 to 65535; addresses, router-id and MACs follow from it. */
  readonly id: number;
  readonly reach: Reach;
  readonly publicKey: string;
  readonly uplink: string | undefined;
  /** By which it is on the LAN of its site. */
  readonly lanInterface: string | undefined;
  /** Of its private key: in clear, or encrypted for this machine by systemd. */
  readonly keyStore: "file" | "credential";
  readonly networkManager: "networkd" | "NetworkManager" | "other";
  /** The kernel is to go on taking router advertisements on the uplink, though the host forwards IPv6. */
  readonly acceptsRa: boolean;
  /** Docker's rules drop what the host forwards, unless its own chain for that lets it through. */
  readonly hasDocker: boolean;
  /** `undefined`: it is no node of Kubernetes. */
  readonly kubernetes: KubernetesNode | undefined;
  /** What its verify sees is written for node_exporter, every minute. */
  readonly hasMetrics: boolean;
  /** What is done when its verify misses something for long; `undefined`: nobody asks. */
  readonly healthGate: HealthGate | undefined;
  /** Who may speak what to this host outside the tunnels. Sorted. */
  readonly guardOpen: Readonly<Record<GuardedService, readonly IpPrefix[]>>;
  readonly interfaces: readonly WireguardInterface[];
  /** Source of VXLAN and BGP; `undefined` on a host that is neither a VTEP nor a BGP speaker. */
  readonly vtep: IpAddress | undefined;
  /** One for each of its subnets that is a link of the host's, by that link. */
  readonly bridges: readonly Bridge[];
  /** Those of {@link bridges} that have VLANs, each once, by name. */
  readonly vlanBridges: readonly VlanBridge[];
  readonly vxlans: readonly VxlanDevice[];
  /** By subnet. */
  readonly containers: readonly ContainerNetwork[];
  /** By name. */
  readonly vrfs: readonly VrfInstance[];
  /** What others send to this host through the tunnel, besides its own addresses. */
  readonly ownedPrefixes: readonly OwnedPrefix[];
  /** By which others leave that are in no VRF; `undefined`: it is none of the exits. */
  readonly exit: OpenExit | undefined;
  /** What leaves by exits; `undefined`: nothing but by its own uplink. */
  readonly egress: Egress | undefined;
  readonly forwards: { readonly ipv4: boolean; readonly ipv6: boolean };
  readonly snat: readonly SourceNat[];
  /** Prefixes that must never leave by another way than the overlay: an `unreachable` of the highest metric each. */
  readonly unreachable: readonly IpPrefix[];
  /** Routes by the LAN: to the overlay by the gateway of the site, or to what is behind a neighbour. Sorted by prefix. */
  readonly lanRoutes: readonly LanRoute[];
  /** The address that it shares with another host; `undefined`: none. */
  readonly vrrp: Vrrp | undefined;
  readonly bgp: BgpSpeaker;
  /** A phone, a laptop, a vendor's router; `undefined`: a host that netgen writes files for. */
  readonly app: AppSettings | undefined;
  readonly frrMode: "complete" | "snippet";
  /** Who makes bridges, VXLAN devices, VRFs and the configuration of BGP. */
  readonly segmentsBy: "netgen" | "proxmox-sdn";
  /** Neighbour table entries that the host's segments may need, per family. */
  readonly neighbourCount: { readonly ipv4: number; readonly ipv6: number };
  readonly extra: Extra;
  readonly origin: Origin;
}

/** A node whose segments Proxmox's SDN makes: netgen has its tunnels. */
export const isOfSdn = ({ segmentsBy }: Pick<Host, "segmentsBy">): boolean => segmentsBy === "proxmox-sdn";

/** The host's own ways to others outside the overlay: its uplink, and its interface to the LAN where that is another. */
export const outerLinks = ({ uplink, lanInterface }: Host): readonly string[] =>
  [...new Set([uplink, lanInterface])].filter((name) => name !== undefined);

export interface OwnedPrefix {
  readonly prefix: IpPrefix;
  readonly use: /** The host's part of a subnet. */
    | { readonly kind: "subnet"; readonly subnet: string }
    /** Behind the host. */
    | { readonly kind: "route" }
    /** What a BGP neighbour of somebody else's may say. */
    | { readonly kind: "peer" }
    /** A network of OVN's. */
    | { readonly kind: "ovn" }
    /** Of the LAN that the host is the gateway of. */
    | { readonly kind: "lan" }
    /** Behind a host on that LAN. */
    | { readonly kind: "lan-route" };
  readonly origin: Origin;
}

export interface SourceNat {
  readonly prefix: IpPrefix;
  /** `undefined`: wherever it goes. */
  readonly to: IpPrefix | undefined;
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
  /** The way out where that is another interface: whoever loses it gives the address away. */
  readonly uplink: string | undefined;
  /** The virtual router's id, 1 to 255. */
  readonly id: number;
  readonly address: InterfaceAddress;
  /** The host's own address on the LAN, by which it speaks with the other. */
  readonly source: IpAddress;
  readonly other: { readonly host: string; readonly address: IpAddress };
  /** 1 to 254; the higher one is the master when both begin. */
  readonly priority: number;
  /** Also from the other while that is the master: it is drained. */
  readonly takesOver: boolean;
  /** The two share one key: only the master's tunnels are up. Else both are, and the address is for the LAN alone. */
  readonly isExclusive: boolean;
}

/** What the configuration of an app says of its device besides the tunnel. */
export interface AppSettings {
  /** The name servers to use while the tunnel is up; none: those that it has anyway. */
  readonly dns: readonly IpAddress[];
  /** What goes to which host besides: prefixes outside the overlay. */
  readonly remotes: readonly { readonly host: string; readonly prefixes: readonly IpPrefix[] }[];
  /** The host that takes all that is for nobody else, of these families; `undefined`: the device's own network does. */
  readonly exit: { readonly host: string; readonly families: readonly IpFamily[] } | undefined;
  /** `undefined`: nobody dials it, and any port will do. */
  readonly listenPort: UdpPort | undefined;
}
