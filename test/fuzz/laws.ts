/** All laws of a tree, by their names. */
import * as bgp from "./laws-bgp.ts";
import * as mtu from "./laws-mtu.ts";
import * as overlay from "./laws-overlay.ts";
import * as ways from "./laws-ways.ts";
import * as wireguard from "./laws-wireguard.ts";
import type { Tree } from "./tree.ts";
import { type Law, worldOf } from "./world.ts";

export const laws: Readonly<Record<string, Law>> = {
  onePeerForEachPrefix: wireguard.onePeerForEachPrefix,
  routesHavePeers: wireguard.routesHavePeers,
  peersHaveRoutes: wireguard.peersHaveRoutes,
  peersAreMutual: wireguard.peersAreMutual,
  endpointsAreOutside: wireguard.endpointsAreOutside,
  endpointsAreNotAnnounced: wireguard.endpointsAreNotAnnounced,
  portsAreRight: wireguard.portsAreRight,
  portsAreFree: wireguard.portsAreFree,
  addressesAreDistinct: wireguard.addressesAreDistinct,
  vtepsAreOwn: overlay.vtepsAreOwn,
  floodingIsMutual: overlay.floodingIsMutual,
  segmentsHaveOneMtu: overlay.segmentsHaveOneMtu,
  segmentsAreApart: overlay.segmentsAreApart,
  leaksAreMutual: overlay.leaksAreMutual,
  guardKnowsVteps: overlay.guardKnowsVteps,
  setsAreApart: overlay.setsAreApart,
  guestsAreGivenTheirOwn: overlay.guestsAreGivenTheirOwn,
  routersAdvertiseTheirOwn: overlay.routersAdvertiseTheirOwn,
  sessionsAreMutual: bgp.sessionsAreMutual,
  peersAreHeldTo: bgp.peersAreHeldTo,
  routerIdsAreDistinct: bgp.routerIdsAreDistinct,
  evpnReachesAll: bgp.evpnReachesAll,
  targetsAreOfOneNetwork: bgp.targetsAreOfOneNetwork,
  unicastReachesAll: bgp.unicastReachesAll,
  loopbacksAreAnnounced: bgp.loopbacksAreAnnounced,
  endpointsAreOfBoth: mtu.endpointsAreOfBoth,
  tunnelsFitTheirPaths: mtu.tunnelsFitTheirPaths,
  segmentsFitTheirTunnels: mtu.segmentsFitTheirTunnels,
  fragmentsAreLetPass: mtu.fragmentsAreLetPass,
  hostsReachEachOther: ways.hostsReachEachOther,
  prefixesLeadHome: ways.prefixesLeadHome,
};

/** What a reader of the tree objects to, each with the name of its law. */
export function objections(topology: object, tree: Tree): readonly string[] {
  const world = worldOf(topology, tree);
  return Object.entries(laws).flatMap(([name, law]) => law(world).map((each) => `${name}: ${each}`));
}
