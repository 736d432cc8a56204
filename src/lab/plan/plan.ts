/** What the lab builds around the compiled hosts, decided before anything is started: plain data, no namespaces yet. */
import type { IpAddress, IpPrefix } from "../../base/ip.ts";
import type { Asn, VlanId } from "../../base/units.ts";
import type { Peer } from "../../model/bgp.ts";
import type { InterfaceAddress } from "../../model/device.ts";
import type { Station } from "../../ways/station.ts";
import type { RoutedLan } from "./routed.ts";

/** How a host is joined to a router. */
export interface LabCable {
  /** Of the host. */
  readonly interface: string;
  readonly router: string;
  /** IP MTU: the largest of all its paths. */
  readonly mtu: number;
  /** Its own underlay addresses there. */
  readonly addresses: readonly IpAddress[];
  /** Addresses that it has there while another does not: VRRP gives them to one of two. */
  readonly shared: readonly IpAddress[];
}

/** A host of the topology, as it stands in the underlay. */
export interface LabHost {
  readonly name: string;
  /** An app configures its tunnel: nothing of netgen's boots on it. */
  readonly isDevice: boolean;
  /** Whether systemd-networkd configures it; else something else does, as ifupdown would. */
  readonly isNetworkd: boolean;
  /** Its way out. */
  readonly uplink: LabCable;
  /** The LAN of its site: the same, where it has no interface of its own for that. */
  readonly lan: LabCable;
  /** What the internet sees it as: addresses of its own, or of the router that it is behind. One per family. */
  readonly publicAddresses: readonly IpAddress[];
  readonly isBehindNat: boolean;
}

/** One, or two where the LAN is not on the uplink. */
export const cablesOf = ({ uplink, lan }: LabHost): readonly LabCable[] => [...new Set([uplink, lan])];

/** Whether two hosts reach each other by the LAN of their site. */
export const areOnOneLan = (a: LabHost, b: LabHost): boolean => a.lan.router === b.lan.router;

/** The end of a cable at a router. */
export interface LabMember extends LabCable {
  readonly host: string;
}

/** Who is joined to a router. */
export const membersOf = (router: string, { hosts }: Pick<LabPlan, "hosts">): readonly LabMember[] =>
  hosts.flatMap((host) =>
    cablesOf(host)
      .filter((cable) => cable.router === router)
      .map((cable) => ({ ...cable, host: host.name })),
  );

/** A UDP port of a router that leads to a host. */
export interface PortForward {
  readonly address: IpAddress;
  readonly port: number;
  readonly to: IpAddress;
  readonly toPort: number;
}

/** The router of a site; a host without a site has one to itself, and so has one whose uplink is not on its site's LAN. */
export interface LabRouter {
  readonly name: string;
  /** Its hosts are on one LAN with each other; else a cable leads to each, and it routes between them. */
  readonly hasLan: boolean;
  /** It is what the topology says routes on the LAN. */
  readonly routed: RoutedLan | undefined;
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
  /** The host's end of the guest's cable. */
  readonly port: string;
  readonly bridge: string;
  /** By which the host is on the subnet. */
  readonly link: string;
  /** Which VLAN of the bridge it is in, by a tag of its own where the host's files plug it in; `undefined`: there are none. */
  readonly vlan: VlanId | undefined;
  /** The host's own files plug the port in: it has to be there before networkd starts. */
  readonly isPluggedByHost: boolean;
  /** The outsider whose end of the cable `port` is; `undefined`: it is the host's. */
  readonly behind: string | undefined;
  /** What the subnet carries, in bytes of IP packet. */
  readonly mtu: number;
}

/** A router of somebody else's: the BGP peer of a host. */
export interface LabOutsider {
  /** `<address>@<host>`. */
  readonly name: string;
  readonly host: string;
  readonly peer: Peer;
  readonly routerId: IpAddress;
  /** The host, as it knows it. */
  readonly neighbour: { readonly address: IpAddress; readonly asn: Asn };
  /** The host's end of its cable. */
  readonly port: string;
  /** Where it is a guest of the host's: the place of one. `undefined`: the cable is between the two alone. */
  readonly seat: Pick<LabGuest, "bridge" | "link" | "vlan" | "addresses" | "gateways"> | undefined;
  /** What it says and the host is to take: of what several peers may say, one alone does. */
  readonly taken: readonly IpPrefix[];
  /** What it says besides. */
  readonly refused: readonly IpPrefix[];
}

/** A VLAN of such a bridge, with a device of that program's. */
export interface ForeignVlan {
  readonly id: VlanId;
  readonly link: string;
  readonly addresses: readonly InterfaceAddress[];
}

/** A bridge that the topology leaves to somebody else: an existing one, Podman's, a LAN behind a host. */
export interface ForeignBridge {
  readonly host: string;
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  /** It tells these apart; `undefined`: it has none. */
  readonly vlans: readonly ForeignVlan[] | undefined;
  /** What is reached by it besides what it is connected to. */
  readonly routes: readonly IpPrefix[];
  /** Whoever it belongs to has put it into this VRF, once that is there. */
  readonly vrf: string | undefined;
}

/** The network of a remote, which a host leads to by an interface that leads nowhere else. */
export interface LabPremises {
  /** `<remote>@<host>`. */
  readonly name: string;
  readonly remote: string;
  readonly host: string;
  readonly interface: string;
  /** Whoever comes by the host is seen as it. */
  readonly hasSnat: boolean;
  /** One of each family: the host's own address there, and that of the one who stands for the remote. */
  readonly networks: readonly {
    readonly gateway: IpAddress;
    readonly address: IpAddress;
    readonly lengthBits: number;
  }[];
}

export interface LabPlan {
  readonly name: string;
  /** What names of netgen's own have of the fleet: nothing, or its number. */
  readonly fleet: string;
  readonly hosts: readonly LabHost[];
  readonly routers: readonly LabRouter[];
  readonly paths: readonly LabPath[];
  /** For every host's hosts file. */
  readonly names: readonly { readonly name: string; readonly address: IpAddress }[];
  readonly guests: readonly LabGuest[];
  readonly outsiders: readonly LabOutsider[];
  readonly foreignBridges: readonly ForeignBridge[];
  /** Where routers answer their hosts, one per family: nobody else's. */
  readonly routerAddresses: readonly IpAddress[];
  /** Stands for the rest of the internet, one per family. */
  readonly outside: readonly IpAddress[];
  /** What exits ask whether they lead out: on the internet as well. */
  readonly probes: readonly IpAddress[];
  /** Who stands for each remote, where it is, by its name: one per family. */
  readonly remotes: readonly { readonly name: string; readonly address: IpAddress }[];
  readonly premises: readonly LabPremises[];
  /** What belongs inside the tunnels: a packet to it that a router sees has left in clear. None overlap. */
  readonly overlay: readonly IpPrefix[];
}
