/**
 * What tells a fleet from others on the same host: a number, 1 to 9, which everything of netgen's own has that is not named by a
 * subnet, a VNI or the user. A fleet without one has the plain names.
 */
import type { Network } from "./network.ts";

/** What is put to a name of netgen's own: `netgen2-routes.service` and `/etc/netgen2`; nothing without a number. */
export const fleetMark = ({ fleet }: Pick<Network, "fleet">): string => (fleet === undefined ? "" : String(fleet));

/**
 * The routing protocol of its routes and rules, the routing table of those who leave without a VRF, and the conntrack zone of
 * a closed exit: one number, which each of the three has room for. As protocol: 210 to 219 are free in iproute2's rt_protos,
 * in linux/rtnetlink.h (up to 99 and from 186 to 192) and in FRR, which adds 190 to 198. As table: free in iproute2's
 * rt_tables. As zone: 0 holds all that nobody assigns, and Proxmox uses 1.
 */
export const fleetNumber = ({ fleet = 0 }: Pick<Network, "fleet">): number => 210 + fleet;

/**
 * The link whose route tells VXLAN that all fits: left to itself VXLAN answers a guest's packet that is larger than the way to
 * the other host, and may not be cut up, with ICMP (net/ipv4/ip_tunnel_core.c, skb_tunnel_check_pmtu). No packet leaves by it.
 */
export const cutLink = (network: Pick<Network, "fleet">): string => `netgen${fleetMark(network)}-cut`;

/**
 * The routing table that VXLAN asks where segments are cut up: free in iproute2's rt_tables, and no daemon's own, as 52 is
 * Tailscale's, 220 strongSwan's, which asks it for every packet, and 2004 and 2005 Cilium's. No VRF has it.
 */
export const cutTable = ({ fleet = 0 }: Pick<Network, "fleet">): number => 230 + fleet;

/** Routing tables of netgen's own, and what each is in words. */
export const ownTables = (network: Pick<Network, "fleet">): ReadonlyMap<number, string> =>
  new Map([
    [fleetNumber(network), "that of those who leave without a VRF"],
    [cutTable(network), "that of segments that are cut up"],
  ]);
