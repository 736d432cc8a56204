/** How hosts can be reached, and how others see them. */
import type { IpAddress, IpPrefix } from "../base/ip.ts";
import type { UdpPort } from "../base/units.ts";

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
