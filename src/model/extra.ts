/** Raw lines of the user's, each checked to stay inside its block; a list without lines is empty. */

/** Of one instance of BGP: lines of its own, and of its address families: `ipv4 unicast`, `ipv6 unicast`, `l2vpn evpn`. */
export interface BgpLines {
  readonly bgp: readonly string[];
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly evpn: readonly string[];
}

/** Of a VRF and its instance of BGP. */
export interface VrfLines extends BgpLines {
  readonly vrf: readonly string[];
}

export interface FrrLines extends BgpLines {
  /** Of no block. */
  readonly global: readonly string[];
  readonly routeMaps: readonly RouteMapLines[];
}

export interface RouteMapLines {
  /** Name, permit or deny, and number, as FRR writes them: `FROM-TRANSIT permit 10`. */
  readonly entry: string;
  readonly lines: readonly string[];
}

/** The chains of the user's own table: five where nft may match, drop and mark, two where it translates addresses. */
export const NFT_CHAINS = ["prerouting", "input", "forward", "output", "postrouting", "dstnat", "srcnat"] as const;
export type NftChain = (typeof NFT_CHAINS)[number];

export interface Extra {
  readonly wireguard: readonly string[];
  readonly frr: FrrLines;
  readonly nftables: Readonly<Record<NftChain, readonly string[]>>;
  readonly sysctl: readonly { readonly key: string; readonly value: string }[];
}
