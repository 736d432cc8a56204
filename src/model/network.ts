/**
 * The resolved network: everything that the checks judge and the emitters print, with every default decided. Plain,
 * immutable, serialisable data. Nothing here is optional: absence is a `kind`, an empty list, or `undefined` written out.
 * Lists are sorted (hosts, sites, subnets, VRFs by name; segments by VNI; addresses and prefixes by number), never in input order.
 */
import type { IpAddress, IpFamily, IpPrefix } from "../base/ip.ts";
import type { Span } from "../base/source.ts";
import type { Asn, MtuBytes } from "../base/units.ts";
import type { Bgp } from "./bgp.ts";
import type { Exit, Remote } from "./exit.ts";
import type { Host } from "./host.ts";
import type { KubernetesCluster } from "./kubernetes.ts";
import type { Origin } from "./origin.ts";
import type { Ovn } from "./ovn.ts";
import type { Peer } from "./reach.ts";
import type { Segment } from "./segment.ts";
import type { Vrf } from "./vrf.ts";

export interface Network {
  readonly name: string;
  /** By which its files, units and tables are told from those of other fleets on a host, 1 to 9; `undefined`: by nothing. */
  readonly fleet: number | undefined;
  readonly underlay: Underlay;
  readonly sites: readonly Site[];
  readonly hosts: readonly Host[];
  /** Each host once per way of being seen as a peer; interfaces refer to it by id. */
  readonly peers: readonly Peer[];
  readonly segments: readonly Segment[];
  readonly vrfs: readonly Vrf[];
  /** Of what is in no VRF; in the order of the file. */
  readonly exits: readonly Exit[];
  /** By name. */
  readonly remotes: readonly Remote[];
  /** `undefined`: the hosts run none. */
  readonly ovn: Ovn | undefined;
  /** Prefixes that belong to the overlay, as declared: pools, subnets, routes behind hosts. */
  readonly prefixes: readonly OverlayPrefix[];
  readonly bgp: Bgp;
  /** `undefined`: no host is a node of one. */
  readonly kubernetes: KubernetesCluster | undefined;
  /** Others that may speak VXLAN and BGP to these hosts outside the tunnel. */
  readonly guardAllowFrom: readonly IpPrefix[];
  /** By which the overlay is entered besides netgen's own links; a `*` at the end of one stands for any ending. Sorted. */
  readonly guardInterfaces: readonly string[];
  readonly origin: Origin;
}

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
  /** What routes between its hosts, each of which has an address and no neighbours; `undefined`: they are on one Ethernet. */
  readonly lanRouter: IpAddress | undefined;
  /** What its LAN has to send to hosts of the site, where it has gateways: the overlay, and what is behind them. Sorted by prefix. */
  readonly routes: readonly SiteRoute[];
  /** The AS of its hosts; `undefined`: that of the network. */
  readonly asn: Asn | undefined;
  readonly origin: Origin;
}

/** What whoever is on the LAN of a site sends to one of its hosts. */
export interface SiteRoute {
  readonly prefix: IpPrefix;
  /** The first of the gateways, or a host that it is on or behind. */
  readonly host: string;
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
    /** What a BGP neighbour of somebody else's may say to the host. */
    | { readonly kind: "peer"; readonly host: string; readonly address: IpAddress }
    /** A site's LAN, or an address on it of a host without WireGuard: behind the site's gateway. */
    | { readonly kind: "lan"; readonly site: string }
    /** Behind the gateways of a network of OVN's. */
    | { readonly kind: "ovn"; readonly network: string }
    /** Outside, where some hosts lead: no AllowedIPs of a file have it. */
    | { readonly kind: "remote"; readonly remote: string };
  /** `undefined`: the default VRF. */
  readonly vrf: string | undefined;
  /** Longer ones may lie inside: what they hold is theirs, the rest of this is where it leads to. */
  readonly exceptsMoreSpecifics: boolean;
  readonly span: Span;
}
