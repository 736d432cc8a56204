/** How large a full mesh can be. */
import { hasTunnels } from "./hosts.ts";
import { resolvePairs } from "./pairs.ts";
import type { Topology } from "./topology.ts";

/** As many as can be held at once, each with all others: some 50 million tunnels. Larger fleets have hubs. */
export const MAX_MESH_HOSTS = 10_000;

/** The hosts that run WireGuard; two that are one peer to all others count once. */
export function countPeers(topology: Topology): number {
  const standbys = resolvePairs(topology).filter(({ isExclusive }) => isExclusive);
  return topology.hosts.filter(hasTunnels).length - standbys.length;
}
