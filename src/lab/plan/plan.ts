/** What the lab builds around the compiled hosts, decided before anything is started: plain data, no namespaces yet. */
import type { IpAddress, IpPrefix } from "../../base/ip.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import type { Station } from "../../ways/station.ts";

/** A host of the topology, as it stands in the underlay. */
export interface LabHost {
  readonly name: string;
  /** The interface that leads to its router. */
  readonly uplink: string;
  /** Whether systemd-networkd configures it; else something else does, as ifupdown would. */
  readonly isNetworkd: boolean;
  /** IP MTU of that interface: the largest of all its paths. */
  readonly uplinkMtu: number;
  /** Its own underlay addresses. */
  readonly addresses: readonly IpAddress[];
  /** What the internet sees it as: addresses of its own, or of the router that it is behind. One per family. */
  readonly publicAddresses: readonly IpAddress[];
  readonly router: string;
  readonly isBehindNat: boolean;
  /** Addresses that it has while another does not: VRRP gives them to one of two. */
  readonly shared: readonly IpAddress[];
}

/** A UDP port of a router that leads to a host. */
export interface PortForward {
  readonly address: IpAddress;
  readonly port: number;
  readonly to: IpAddress;
  readonly toPort: number;
}

/** The router of a site; a host without a site has one to itself. */
export interface LabRouter {
  readonly name: string;
  /** Its hosts are on one LAN with each other; else a cable leads to each, and it routes between them. */
  readonly hasLan: boolean;
  /** Addresses of its own on the internet: what its NAT hides hosts behind. */
  readonly addresses: readonly IpAddress[];
  readonly forwards: readonly PortForward[];
  /** Sources that leave as somebody else. */
  readonly masquerades: readonly { readonly from: IpAddress; readonly to: IpAddress }[];
}

/** A direction between two hosts: packets from one address to another carry so many bytes, headers included. */
export interface LabPath {
  /** The router that enforces it: the last one before `to`. */
  readonly router: string;
  readonly from: IpAddress;
  readonly to: IpAddress;
  readonly mtu: number;
}

/** A station that the lab puts on a subnet. */
export interface LabGuest extends Station {
  /** `<subnet>@<host>`. */
  readonly name: string;
  /** The host's end of the guest's cable. */
  readonly port: string;
  readonly bridge: string;
  /** The host's own files plug the port in: it has to be there before networkd starts. */
  readonly isPluggedByHost: boolean;
  /** What the subnet carries, in bytes of IP packet. */
  readonly mtu: number;
}

/** A bridge that the topology leaves to somebody else: an existing one, Podman's, a LAN behind a host. */
export interface ForeignBridge {
  readonly host: string;
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  /** Whoever it belongs to has put it into this VRF, once that is there. */
  readonly vrf: string | undefined;
}

export interface LabPlan {
  readonly name: string;
  readonly hosts: readonly LabHost[];
  readonly routers: readonly LabRouter[];
  readonly paths: readonly LabPath[];
  /** For every host's hosts file. */
  readonly names: readonly { readonly name: string; readonly address: IpAddress }[];
  readonly guests: readonly LabGuest[];
  readonly foreignBridges: readonly ForeignBridge[];
  /** Where routers answer their hosts, one per family: nobody else's. */
  readonly routerAddresses: readonly IpAddress[];
  /** Stands for the rest of the internet, one per family. */
  readonly outside: readonly IpAddress[];
  /** What the exits of VRFs ask whether they lead out: on the internet as well. */
  readonly probes: readonly IpAddress[];
  /** What belongs inside the tunnels: a packet to it that a router sees has left in clear. None overlap. */
  readonly overlay: readonly IpPrefix[];
}
