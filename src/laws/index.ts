/**
 * The laws that a topology must keep as it was written. Each is a function from the topology to diagnostics. What breaks one
 * has no meaning, so no later pass has to give it one. What can only be judged of the network that comes of it is for
 * `checks/`.
 */

import type { Diagnostic } from "../base/diagnostic.ts";
import type { Topology } from "../topology/topology.ts";
import {
  advertisedPrefixesMakeAddresses,
  advertisementsHaveRouters,
  advertisementsNameIpv6Servers,
} from "./advertisements.ts";
import { appsHaveNoRoles, platformsHaveTheirKeys, severalWaysHaveNoApps } from "./apps.ts";
import { containersGoWithOtherKeys } from "./container-keys.ts";
import { containerRangesCanBeGiven } from "./containers.ts";
import { credentialsHaveNoPresharedKeys } from "./credentials.ts";
import { dhcpHasServers, dhcpNamesIpv4Servers, dhcpRangesCanBeGiven } from "./dhcp.ts";
import { drainedHostsAreReplaced } from "./drained.ts";
import {
  appsHaveOneExit,
  exitsAreThere,
  exitsAreUsed,
  exitsHaveInterfaces,
  exitsLeaveByThemselves,
  hostsHaveOneOrder,
  marksAreFree,
  ordersAreOfSeveral,
  strictOrdersAreShort,
} from "./exits.ts";
import {
  endpointsLeadToHosts,
  familiesHaveIpVersion,
  idsFitPools,
  idsFitTransit,
  pinsAreOneOfAPool,
  pinsLieInPools,
} from "./hosts.ts";
import {
  clusterFamiliesFit,
  clustersHaveNodes,
  clustersHaveOneCni,
  nodesHaveOneWay,
  podsHaveRoomForNodes,
} from "./kubernetes.ts";
import {
  gatewaysCanBeSentTo,
  gatewaysOfOutsidersAreOne,
  neighboursCanBeSentTo,
  outsidersCanBeSentTo,
  outsidersHaveGateways,
  rolesNeedWireguard,
  routesBehindOutsidersCanBeSent,
} from "./outsiders.ts";
import { ovnNetworksHaveOnePrefix } from "./ovn.ts";
import {
  pairsAnswerByTheirUplinks,
  pairsAreOnePeer,
  pairsHaveNoPresharedKeys,
  pairsHaveOneWayOut,
  pairsLeadNowhereElse,
  pairsListenAlike,
  pairsStandInOneSite,
  pairsWithoutBgp,
} from "./pairs.ts";
import {
  peerKeysGoTogether,
  peerPrefixesAreOfOneFamily,
  peersAreDistinct,
  peersAreOfOtherSystems,
  peersAreToldOfTheOverlay,
  peersHaveBgp,
} from "./peers.ts";
import { portsOfASiteAreOnOneHost } from "./ports.ts";
import { preferredHubsAreChosen, preferredHubsAreHubs } from "./preferred-hubs.ts";
import { guardIsNoGate, poolsCanBeRouted } from "./prefixes.ts";
import { remotesAreNoVrfs } from "./remotes.ts";
import { targetsAreOfOneNetwork } from "./route-targets.ts";
import { sdnHostsHaveSites, sdnIsOfProxmox, sdnMembersAreOfOneKind, sdnNamesFit } from "./sdn.ts";
import { sdnHasOneWay, sdnKeysAreOfProxmox } from "./sdn-keys.ts";
import { severalWaysHaveBgp, severalWaysHaveOneMtu, severalWaysHaveTransit } from "./several-ways.ts";
import {
  hostsShareOneAddress,
  lanInterfacesAreWhole,
  pairsAreTwo,
  sharedAddressesAreFree,
  sharedAddressesStandBeside,
  sharersHaveLanAddresses,
  sharersHaveUplinks,
} from "./shared-addresses.ts";
import { gatewaysNeedMesh, gatewaysStandInTheirSites, lanRoutersAreFit } from "./sites.ts";
import {
  gatewaysAreOneOfAPrefix,
  gatewaysStandInSubnets,
  portsAndGatewaysAreOnMembers,
  snatHasUplinks,
} from "./subnet-gateways.ts";
import { subnetKeysGoTogether } from "./subnet-keys.ts";
import {
  fragmentsHaveSizes,
  idsFitSlices,
  slicesFit,
  subnetsHavePrefixes,
  wholeSubnetsHaveOneOwner,
} from "./subnets.ts";
import {
  everyHostIsLinked,
  linksAreDistinct,
  linksJoinAll,
  meshesAreBearable,
  shapesHaveTheirKeys,
} from "./tunnels.ts";
import { importsAreOfOthers, tablesAreOwn } from "./vrfs.ts";

export type Law = (topology: Topology) => readonly Diagnostic[];

/** Order is for the reader of this list; diagnostics are sorted by their place in the file. */
export const laws: readonly Law[] = Object.freeze([
  poolsCanBeRouted,
  guardIsNoGate,
  idsFitPools,
  idsFitTransit,
  pinsLieInPools,
  pinsAreOneOfAPool,
  endpointsLeadToHosts,
  familiesHaveIpVersion,
  shapesHaveTheirKeys,
  linksAreDistinct,
  everyHostIsLinked,
  linksJoinAll,
  meshesAreBearable,
  severalWaysHaveBgp,
  severalWaysHaveOneMtu,
  severalWaysHaveTransit,
  preferredHubsAreHubs,
  preferredHubsAreChosen,
  drainedHostsAreReplaced,
  gatewaysStandInTheirSites,
  gatewaysNeedMesh,
  lanRoutersAreFit,
  rolesNeedWireguard,
  platformsHaveTheirKeys,
  appsHaveNoRoles,
  severalWaysHaveNoApps,
  outsidersCanBeSentTo,
  outsidersHaveGateways,
  routesBehindOutsidersCanBeSent,
  gatewaysOfOutsidersAreOne,
  gatewaysCanBeSentTo,
  neighboursCanBeSentTo,
  pairsAreTwo,
  hostsShareOneAddress,
  sharedAddressesAreFree,
  sharedAddressesStandBeside,
  lanInterfacesAreWhole,
  sharersHaveUplinks,
  sharersHaveLanAddresses,
  pairsAreOnePeer,
  pairsListenAlike,
  pairsHaveOneWayOut,
  pairsAnswerByTheirUplinks,
  pairsStandInOneSite,
  pairsLeadNowhereElse,
  pairsWithoutBgp,
  pairsHaveNoPresharedKeys,
  credentialsHaveNoPresharedKeys,
  clustersHaveOneCni,
  nodesHaveOneWay,
  clusterFamiliesFit,
  podsHaveRoomForNodes,
  clustersHaveNodes,
  ovnNetworksHaveOnePrefix,
  subnetsHavePrefixes,
  fragmentsHaveSizes,
  subnetKeysGoTogether,
  containersGoWithOtherKeys,
  slicesFit,
  idsFitSlices,
  wholeSubnetsHaveOneOwner,
  portsAndGatewaysAreOnMembers,
  portsOfASiteAreOnOneHost,
  gatewaysStandInSubnets,
  gatewaysAreOneOfAPrefix,
  snatHasUplinks,
  dhcpHasServers,
  dhcpRangesCanBeGiven,
  dhcpNamesIpv4Servers,
  containerRangesCanBeGiven,
  advertisementsHaveRouters,
  advertisedPrefixesMakeAddresses,
  advertisementsNameIpv6Servers,
  exitsHaveInterfaces,
  exitsAreThere,
  exitsAreUsed,
  exitsLeaveByThemselves,
  appsHaveOneExit,
  hostsHaveOneOrder,
  marksAreFree,
  remotesAreNoVrfs,
  ordersAreOfSeveral,
  strictOrdersAreShort,
  peersHaveBgp,
  peersAreDistinct,
  peersAreOfOtherSystems,
  peerKeysGoTogether,
  peerPrefixesAreOfOneFamily,
  peersAreToldOfTheOverlay,
  tablesAreOwn,
  targetsAreOfOneNetwork,
  importsAreOfOthers,
  sdnIsOfProxmox,
  sdnHostsHaveSites,
  sdnMembersAreOfOneKind,
  sdnNamesFit,
  sdnKeysAreOfProxmox,
  sdnHasOneWay,
]);

export function applyLaws(topology: Topology): readonly Diagnostic[] {
  return laws.flatMap((law) => law(topology));
}
