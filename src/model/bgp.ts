/** The control plane: BGP of the network, and of one host. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import type { RouteTarget } from "../base/route-target.ts";
import type { Asn, Vni } from "../base/units.ts";
import type { InterfaceAddress } from "./device.ts";
import type { Origin } from "./origin.ts";
import type { RouteTargets } from "./segment.ts";

/** What BGP listens on, TCP (RFC 4271 §8). */
export const BGP_PORT = 179;
/** BFD's, UDP: control of neighbours on one link and echo (RFC 5881 §4), control over several hops (RFC 5883 §5). */
export const BFD_PORTS: readonly number[] = Object.freeze([3784, 3785, 4784]);

export type Bgp = { readonly kind: "none" } | SpokenBgp;
export type SpokenBgp = EvpnBgp | RoutingBgp;

interface BgpSettings {
  readonly asn: Asn;
  readonly bfd: Bfd;
  readonly origin: Origin;
}

/** Where there is one way between hosts: BGP carries EVPN alone. */
export interface EvpnBgp extends BgpSettings {
  readonly kind: "evpn";
}

/** Where there is more than one: BGP carries the routes between hosts as well. */
export interface RoutingBgp extends BgpSettings {
  readonly kind: "routing";
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

/** The hold time of FRR's datacenter defaults: a session that BFD does not end ends itself. */
const HOLD_MS = 9000;
/** For BGP to choose anew and the kernel to be told, on every host on the way; some 100 ms where hosts are idle. */
const CHANGE_MS = 1000;

/** What follows from how sessions are watched. */
export function failoverBound(bfd: Bfd): Failover {
  const detectionMs = bfd.kind === "on" ? Math.min(bfd.intervalMs * bfd.multiplier, HOLD_MS) : HOLD_MS;
  return { detectionMs, boundMs: detectionMs + CHANGE_MS };
}

export type BgpSpeaker = { readonly kind: "none" } | Speaker;
export type Speaker = EvpnSpeaker | RoutingSpeaker;

interface SpeakerSettings {
  readonly asn: Asn;
  /** Dotted quad: the IPv4 pool address, or 0.0.x.y from the id. */
  readonly routerId: string;
  readonly updateSource: IpAddress;
  readonly isReflector: boolean;
  /** A VTEP announces its VNIs; a mere reflector must not. */
  readonly isVtep: boolean;
  readonly neighbours: readonly BgpNeighbour[];
  /** Others' speakers in the host's own table, by address. */
  readonly peers: readonly Peer[];
  /** Told to these on this host's own word, as BGP has no route to it here. */
  readonly originated: readonly IpPrefix[];
  /** VNIs of segments of which this host says more than that it is in them. */
  readonly vnis: readonly SpokenVni[];
  readonly bfd: Bfd;
  /** It asks the others to send by somebody else what they can (RFC 8326). */
  readonly isDrained: boolean;
}

export interface EvpnSpeaker extends SpeakerSettings {
  readonly kind: "evpn";
}

/** A speaker that carries the routes between hosts as well. */
export interface RoutingSpeaker extends SpeakerSettings {
  readonly kind: "routing";
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
  /** What of that is taken from nobody all the same: the LAN that the host is on, where a wider prefix holds it. */
  readonly refused: readonly IpPrefix[];
  /** What the host's hubs have themselves: reached by the shortest way, not by the preferred hub. */
  readonly nearby: readonly IpPrefix[];
  /** The interface of the tunnels to all whose hub it is, each peer with its own prefixes as AllowedIPs. */
  readonly hubInterface: string | undefined;
  /** Hosts of the network are in different ASes: the tunnels inside one count as well, by MED. */
  readonly hasSeveralSystems: boolean;
  /** How often the host's own AS may stand in the path of a route: each time it comes by another host of that AS. */
  readonly ownAsMost: number;
  readonly neighbours: readonly UnicastNeighbour[];
}

/** A session over a tunnel, for the routes of its own family. */
export interface UnicastNeighbour {
  readonly host: string;
  /** The interface of the tunnel, and this host's address on it. */
  readonly interface: string;
  readonly source: IpAddress;
  readonly address: IpAddress;
  /** Another than the speaker's own: eBGP. */
  readonly asn: Asn;
  /** No prefix is connected: the neighbour's address needs a route of its own. */
  readonly isPointToPoint: boolean;
  /** This host passes on what it hears to it. */
  readonly isClient: boolean;
  /** BGP's local preference for its routes; `undefined`: BGP's default. */
  readonly preference: number | undefined;
  /** All that it may say, of the session's family; `undefined`: it passes on what others say. */
  readonly announced: readonly IpPrefix[] | undefined;
  /** What it may say besides: of that family, from others' speakers. */
  readonly passedOn: readonly AcceptedPrefix[];
}

export interface BgpNeighbour {
  readonly host: string;
  readonly address: IpAddress;
  /** Another than the speaker's own: eBGP. */
  readonly asn: Asn;
  /** This host reflects to it. */
  readonly isClient: boolean;
  /**
   * The VXLAN networks that it is in, and may speak of by what is derived from AS number and VNI; `undefined`: it passes on
   * what others say. Sorted.
   */
  readonly vnis: readonly Vni[] | undefined;
  /** By what it may speak of the others that it is in. */
  readonly targets: readonly RouteTarget[];
}

export interface SpokenVni {
  readonly vni: Vni;
  /**
   * What this host announces of its own gateway address. `default-gateway`: the segment's only gateway. `svi-ip`: one of
   * several, each with an address of its own. `undefined`: nothing.
   */
  readonly advertise: "default-gateway" | "svi-ip" | undefined;
  readonly routeTargets: RouteTargets;
}

/** A BGP neighbour that netgen does not configure, in the host's own table or in a VRF, with all that may be said either way. */
export interface Peer {
  readonly address: IpAddress;
  /** Another than the host's. */
  readonly asn: Asn;
  readonly vrf: string | undefined;
  /** By which its packets come in, as nft is told; `undefined`: by any link that is not netgen's. */
  readonly interface: string | undefined;
  readonly distance: Distance;
  /** What it may say; of its address's family, sorted. */
  readonly accepted: readonly AcceptedPrefix[];
  /** What it is told, as the host's BGP knows it; sorted. */
  readonly announced: readonly IpPrefix[];
  /** How much of what is accepted may come at once; `undefined`: all of it. */
  readonly maxPrefixes: number | undefined;
  readonly bfd: Bfd;
  /** On the host; `undefined`: the session has no password. */
  readonly passwordFile: string | undefined;
  readonly origin: Origin;
}

export type Distance =
  /** At the other end of a link. */
  | { readonly kind: "link" }
  /** Up to so many hops away. */
  | { readonly kind: "multihop"; readonly hops: number }
  /** No further away than that, by the count in each packet (RFC 5082). */
  | { readonly kind: "ttl-security"; readonly hops: number };

export interface AcceptedPrefix {
  readonly prefix: IpPrefix;
  /** Longer ones inside it, too. */
  readonly hasMoreSpecifics: boolean;
}
