/** Ways out of the network: of a VRF, or of what is in none. */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { MtuBytes } from "../base/units.ts";
import type { Origin } from "./origin.ts";

/** What the way out of what is in no VRF is called where VRFs have their names; none is called so. */
export const DEFAULT_VRF = "default";

/**
 * By which the packets of tunnels are known where a host's own leave by a tunnel: a firewall mark that only this host sees,
 * as ip and nft write it.
 */
export const TUNNEL_MARK = "0xd2";

/** One host's way out. */
export interface Exit {
  readonly host: string;
  readonly interface: string;
  readonly hasSnat: boolean;
  /** IPv4 always; to a remote those of its prefixes. */
  readonly families: readonly IpFamily[];
  /** Asked through the interface every few seconds, of which one has to answer; none: it is there while the interface is up. */
  readonly probes: readonly IpAddress[];
  /** What it leads to of all that is near: connected to the interface, a site's LAN, link-local. As few as may be. */
  readonly reach: readonly IpPrefix[];
  readonly origin: Origin;
}

/** A way out as its host has it. */
export interface OpenExit extends Exit {
  /** What leaves by it: of others, and of its own guests. */
  readonly sources: readonly IpPrefix[];
}

/** Prefixes outside the overlay, such as an office's, that some hosts lead to, and nothing else does. */
export interface Remote {
  /** None that a VRF has; {@link DEFAULT_VRF} is none. */
  readonly name: string;
  readonly prefixes: readonly IpPrefix[];
  /** In the order of the file. */
  readonly exits: readonly Exit[];
}

/** A remote as one host gets there. */
export interface RemoteEgress extends Pick<Remote, "name" | "prefixes"> {
  /** The preferred first. */
  readonly exits: readonly EgressExit[];
  /** The host's own way; `undefined`: it has none. */
  readonly own: Exit | undefined;
}

/** What leaves a host by exits, and by nothing else. */
export interface Egress {
  /** Whose packets: those of guests of the host. As few as may be. */
  readonly prefixes: readonly IpPrefix[];
  /** The host's own packets, too; `undefined`: they leave by its uplink. */
  readonly own: OwnEgress | undefined;
  /** By which all else of these leaves; none: by the uplink. The preferred first. */
  readonly exits: readonly EgressExit[];
  /** Where anybody's packets go by exits, by name. */
  readonly remotes: readonly RemoteEgress[];
  /** That of the host's part of the topology, or of its subnet's. */
  readonly origin: Origin;
}

export interface OwnEgress {
  /** What it is known by in the overlay, one of each family. */
  readonly sources: readonly IpAddress[];
  /** By whose addresses it is dialled from outside, and answers. */
  readonly links: readonly string[];
}

/** An exit as a host gets to it. */
export interface EgressExit {
  readonly host: string;
  readonly families: readonly IpFamily[];
  readonly way: /** The host itself is the exit. */
    | { readonly kind: "here" }
    /** No tunnel leads there. */
    | { readonly kind: "none" }
    | EgressTunnel;
}

export interface EgressTunnel {
  readonly kind: "tunnel";
  readonly interface: string;
  /** The exit's address at the other end. */
  readonly address: IpAddress;
  /** WireGuard gives it 0.0.0.0/0 and ::/0 while it is taken; else all that enters the tunnel goes to it anyway. */
  readonly moves: boolean;
  /** What the tunnel to it carries, where that is less than the interface does. */
  readonly mtu: MtuBytes | undefined;
}
