/** How hosts can be reached, and how others see them. */
import { formatAddressAndPort, type IpAddress, type IpFamily, type IpPrefix } from "../base/ip.ts";
import type { Translation } from "../base/mtu.ts";
import type { UdpPort } from "../base/units.ts";

export type Endpoint =
  | { readonly kind: "address"; readonly address: IpAddress; readonly port: UdpPort }
  | { readonly kind: "name"; readonly name: string; readonly port: UdpPort };

/** `203.0.113.7:51820`, with an IPv6 address in brackets. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === "name") return `${endpoint.name}:${endpoint.port}`;
  return formatAddressAndPort(endpoint.address, endpoint.port);
}

/** What the way out of a host carries: one IP version alone, both, or IPv6 and IPv4 by a translation. */
export type Families = IpFamily | "both" | Translation;

/** Whether packets of a version get out, in whatever way. */
export const carries = (families: Families, family: IpFamily): boolean => families !== (family === 4 ? 6 : 4);

/** How a host can be reached from outside the overlay: all that decides who dials whom, and over how large a path. */
export interface Reach {
  readonly name: string;
  /** `undefined`: a site of its own. */
  readonly site: string | undefined;
  /** In order of preference; none: nobody outside its site can dial it. */
  readonly endpoints: readonly Endpoint[];
  readonly lanEndpoint: Endpoint | undefined;
  readonly isBehindNat: boolean;
  readonly families: Families;
  /** Two hosts share its endpoints: the one that takes them over dials all it can, to be known. */
  readonly isShared: boolean;
  /** An app dials for it, which looks names up by itself, whatever IP version the topology has others look for. */
  readonly isApp: boolean;
}

/** What a host is reached by, outside and in its site; empty: by nothing. */
export function waysInWords({ endpoints, lanEndpoint, isBehindNat }: Reach): string {
  const ways = [
    endpoints.map(endpointText).join(", "),
    lanEndpoint === undefined ? "" : `in its site ${endpointText(lanEndpoint)}`,
    isBehindNat ? "behind NAT" : "",
  ];
  return ways.filter((way) => way !== "").join("; ");
}

/** A host as others see it. */
export interface Peer {
  /** The host's name, and what sets this view apart: `beta`, `beta:lan`, `beta:lan:keepalive`. */
  readonly id: string;
  readonly host: string;
  readonly publicKey: string;
  /** Where to dial it, in order of preference; none: it dials. */
  readonly endpoints: readonly Endpoint[];
  /** 0: none. */
  readonly keepaliveSeconds: number;
  readonly allowedIps: readonly IpPrefix[];
  /** Those of them that need a route to the tunnel: none that a connected prefix covers, and none where BGP routes. */
  readonly routes: readonly IpPrefix[];
  readonly hasPresharedKey: boolean;
}

/** Whether what a peer is dialled at is decided on the host: a name has to be looked up, and of several each has its turn. */
export function isDialledByScript({ endpoints: [first, ...others] }: Pick<Peer, "endpoints">): boolean {
  return first?.kind === "name" || others.length > 0;
}
