/** The laws that a network must keep. Each is a function from the model to diagnostics; none changes anything. */
import type { Diagnostic } from "../base/diagnostic.ts";
import type { Network } from "../model/network.ts";
import { distinctAddresses, distinctPrefixes, exceptionsAreUsed } from "./addressing.ts";
import { siteNumbersAreUsed, systemsHaveNumbers } from "./autonomous.ts";
import { endpointOutsideOverlay, lanAddressesOutsideOverlay } from "./endpoints.ts";
import {
  evpnHasIpv4Vteps,
  evpnHasSegments,
  floodListFits,
  oneGatewayLeadsOut,
  sharedGatewayNeedsEvpn,
} from "./evpn.ts";
import {
  appsLeaveByBothVersions,
  exitsAreNeighbours,
  ownExitsAreDialledByAddress,
  remotesAreReachedAtOnce,
} from "./exits.ts";
import { fragmentsAreTwo, fragmentsHaveIpv4Vteps } from "./fragments.ts";
import { openServicesAreGuarded } from "./guard.ts";
import {
  existingBridgesHaveGateways,
  forwardingKeepsUplink,
  interfaceNamesDistinct,
  interfaceNamesFit,
} from "./interfaces.ts";
import { clusterPrefixesAreFree, cnisHaveTheirVxlan, podsCarryIpv6 } from "./kubernetes.ts";
import { lanRoutersOutsideOverlay, siteLansOutsideOverlay } from "./lans.ts";
import { gatewayMacsAreFree } from "./macs.ts";
import { pathsAreOfOnePeer, pathsAreUsed, pinsFit, segmentsCarryIpv6, tunnelsCarryIpv6 } from "./mtu.ts";
import { networksCarryIpv6, sharedGatewaysTakeAnything } from "./ovn.ts";
import { passwordsAreGiven, peersAreToldOfWhatIsReached, peersStandOutside } from "./peers.ts";
import { programsAreNewEnough } from "./programs.ts";
import { distinctTunnelEndpoints, tunnelNamesFit } from "./tunnels.ts";
import { vlansFitTogether } from "./vlans.ts";
import { leakedAddressesAreOne } from "./vrf-leaks.ts";
import { exitHostsDistinct, exitsKnowWhoIsMeant, probesLeadOut, vrfsHaveBgp, vrfsSpareHostAddresses } from "./vrfs.ts";
import {
  distinctEndpoints,
  distinctPublicKeys,
  endpointsDiffer,
  forwardedPorts,
  pairsHaveOneKey,
  portsAreUnguarded,
  presharedKeysBearable,
  vxlanPortIsFree,
  vxlanPortIsUsed,
} from "./wireguard.ts";

export type Check = (network: Network) => readonly Diagnostic[];

/** Order is for the reader of this list; diagnostics are sorted by their place in the file. */
export const checks: readonly Check[] = Object.freeze([
  distinctAddresses,
  distinctPrefixes,
  exceptionsAreUsed,
  distinctPublicKeys,
  distinctEndpoints,
  endpointsDiffer,
  distinctTunnelEndpoints,
  forwardedPorts,
  portsAreUnguarded,
  vxlanPortIsFree,
  vxlanPortIsUsed,
  openServicesAreGuarded,
  endpointOutsideOverlay,
  lanAddressesOutsideOverlay,
  siteLansOutsideOverlay,
  clusterPrefixesAreFree,
  podsCarryIpv6,
  cnisHaveTheirVxlan,
  lanRoutersOutsideOverlay,
  pairsHaveOneKey,
  presharedKeysBearable,
  interfaceNamesFit,
  tunnelNamesFit,
  interfaceNamesDistinct,
  vlansFitTogether,
  programsAreNewEnough,
  forwardingKeepsUplink,
  existingBridgesHaveGateways,
  oneGatewayLeadsOut,
  sharedGatewayNeedsEvpn,
  gatewayMacsAreFree,
  floodListFits,
  evpnHasSegments,
  evpnHasIpv4Vteps,
  vrfsHaveBgp,
  vrfsSpareHostAddresses,
  leakedAddressesAreOne,
  exitHostsDistinct,
  exitsKnowWhoIsMeant,
  probesLeadOut,
  exitsAreNeighbours,
  remotesAreReachedAtOnce,
  ownExitsAreDialledByAddress,
  appsLeaveByBothVersions,
  systemsHaveNumbers,
  siteNumbersAreUsed,
  sharedGatewaysTakeAnything,
  networksCarryIpv6,
  peersStandOutside,
  peersAreToldOfWhatIsReached,
  passwordsAreGiven,
  pathsAreUsed,
  pathsAreOfOnePeer,
  tunnelsCarryIpv6,
  segmentsCarryIpv6,
  pinsFit,
  fragmentsHaveIpv4Vteps,
  fragmentsAreTwo,
]);

export function runChecks(network: Network): readonly Diagnostic[] {
  return checks.flatMap((check) => check(network));
}
