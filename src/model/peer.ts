/** BGP neighbours that netgen does not configure, asked of a host. */
import type { IpPrefix } from "../base/ip.ts";
import type { Peer } from "./bgp.ts";
import { type Host, isOfSdn } from "./host.ts";

/** Those of all tables: the host's own first, then VRF by VRF. */
export const peersOf = ({ bgp, vrfs }: Pick<Host, "bgp" | "vrfs">): readonly Peer[] => [
  ...(bgp.kind === "none" ? [] : bgp.peers),
  ...vrfs.flatMap((vrf) => vrf.peers),
];

/** Whether BFD is spoken, with hosts of the network or with others. Proxmox's controllers watch every session by it. */
export const watchesByBfd = (host: Pick<Host, "bgp" | "vrfs" | "segmentsBy">): boolean =>
  host.bgp.kind !== "none" && (isOfSdn(host) || [host.bgp, ...peersOf(host)].some(({ bfd }) => bfd.kind === "on"));

/** What the peers in one table may say, each prefix once. */
export const takenFrom = (peers: readonly Peer[]): readonly IpPrefix[] => [
  ...new Set(peers.flatMap(({ accepted }) => accepted.map(({ prefix }) => prefix))),
];
