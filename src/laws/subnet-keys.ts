/** Which keys of a subnet go together. */
import type { Diagnostic } from "../base/diagnostic.ts";
import type { SubnetInput, Topology } from "../topology/topology.ts";
import { type Conflict, conflictsSaid } from "./conflicts.ts";

const routedConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "tagged",
    isSet: subnet.isTagged,
    with: "a routed subnet",
    advice: 'only a segment with "vxlan:" costs bytes for inner VLAN tags: take it out',
  },
  {
    key: "vlan",
    isSet: subnet.vlan !== undefined,
    with: "a routed subnet",
    advice: 'only a segment with "vxlan:" is one of several on a bridge: take it out',
  },
  {
    key: "isolated",
    isSet: subnet.isIsolated,
    with: "a routed subnet",
    advice: 'only a segment with "vxlan:" can be reachable from inside alone: take it out',
  },
  {
    key: "fragment",
    isSet: subnet.isFragmented,
    with: "a routed subnet",
    advice: 'only what a segment with "vxlan:" sends by the tunnels is cut up there: take it out',
  },
  {
    key: "separateSwitches",
    isSet: subnet.hasSeparateSwitches,
    with: "a routed subnet",
    advice: 'only a segment with "vxlan:" joins the switches that its ports lead to: take it out',
  },
  {
    key: "mtu",
    isSet: subnet.mtu !== undefined,
    with: "a routed subnet",
    advice: "routed packets are held to the tunnel's MTU by routing itself: take it out",
  },
];

/** A gateway that is the same on every member has one MAC; whose bridge is another program's, its own. */
const gatewayMacConflicts = ({ gateway, gatewayMac, vxlan, bridge }: SubnetInput): readonly Conflict[] => [
  {
    key: "gatewayMac",
    isSet: gatewayMac !== undefined && (vxlan === undefined || gateway?.kind !== "shared"),
    with: vxlan === undefined ? "a routed subnet" : "a gateway that is not the same on every member",
    advice: 'only "gateway:" with an address or a list of a segment is one gateway on several hosts: take it out',
  },
  {
    key: "gatewayMac",
    isSet: gatewayMac !== undefined && vxlan !== undefined && bridge?.isExisting === true,
    with: "a bridge of another program's",
    advice: "that program sets its MAC: take one of the two out",
  },
];

/** On a bridge with VLANs; the ports of another program's are that program's. */
const vlanConflicts = ({ isTagged, ports, bridge }: SubnetInput): readonly Conflict[] => [
  {
    key: "tagged",
    isSet: isTagged,
    with: "vlan",
    advice:
      "the tag of a VLAN stays on the bridge, and a frame with a second one is none of it: take one of the two out",
  },
  {
    key: "ports",
    isSet: bridge?.isExisting === true && ports.length > 0,
    with: "a VLAN of a bridge that exists",
    advice: "which VLANs a port carries is said where the bridge is configured: take them out",
  },
];

const stretchedConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "perHost",
    isSet: subnet.perHost !== undefined,
    with: "vxlan",
    advice: "a segment is one range on all its hosts: take out perHost, or vxlan",
  },
  {
    key: "interface",
    isSet: subnet.isExternal,
    with: "vxlan",
    advice: 'to join a bridge of another program\'s write "bridge:" with its name and "existing: true"',
  },
];

const externalConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "bridge",
    isSet: subnet.bridge !== undefined,
    with: "interface: external",
    advice: "the bridge is the other program's: take one of the two out",
  },
  {
    key: "ports",
    isSet: subnet.ports.length > 0,
    with: "interface: external",
    advice: "the bridge is the other program's: take one of the two out",
  },
  {
    key: "gateway",
    isSet: subnet.gateway !== undefined && subnet.gateway.kind !== "none",
    with: "interface: external",
    advice: "the other program sets the gateway's address: take one of the two out",
  },
];

const slicedConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "gateway",
    isSet: subnet.gateway?.kind === "shared",
    with: "perHost",
    advice: "leave it out (the first address of each slice), or give each host its own",
  },
];

const snatConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "snat",
    isSet: subnet.vxlan !== undefined && (subnet.gateway ?? { kind: "none" }).kind === "none",
    with: "a segment without a gateway",
    advice: "nothing leaves it through these hosts: take it out, or name a gateway",
  },
];

const exitConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "snat",
    isSet: subnet.hasSnat,
    with: "exits",
    advice: 'guests leave by exits, which hide them by a "snat: true" of their own: take it out',
  },
  {
    key: "exits",
    isSet: subnet.vrf !== undefined,
    with: "vrf",
    advice: "a VRF has exits of its own, for all that is in it: name them there",
  },
  {
    key: "exits",
    isSet: subnet.isIsolated && subnet.vrf === undefined,
    with: "isolated",
    advice: "no answer would find back to a subnet that is reachable from inside alone: take one of the two out",
  },
  {
    key: "exits",
    isSet: subnet.vxlan !== undefined && (subnet.gateway ?? { kind: "none" }).kind === "none",
    with: "a segment without a gateway",
    advice: "nothing leaves it through these hosts: take it out, or name a gateway",
  },
];

const vrfConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "isolated",
    isSet: subnet.isIsolated,
    with: "vrf",
    advice: "nothing outside a VRF reaches it anyway: take one of the two out",
  },
  {
    key: "snat",
    isSet: subnet.hasSnat,
    with: "vrf",
    advice: 'guests of a VRF leave by its exits: say "snat: true" there',
  },
  {
    key: "interface",
    isSet: subnet.isExternal,
    with: "vrf",
    advice: "the bridge of another program's has its routes in the host's own table: take one of the two out",
  },
  {
    key: "bridge",
    isSet: subnet.bridge?.isExisting === true && (subnet.gateway ?? { kind: "none" }).kind !== "none",
    with: "a gateway in a VRF",
    advice:
      "netgen would have to take the bridge's addresses away: let netgen make the bridge, or leave the gateway out",
  },
];

const hasTargets = ({ vxlan }: SubnetInput): boolean =>
  vxlan !== undefined && vxlan.routeTargets.imports.length + vxlan.routeTargets.exports.length > 0;

const floodedConflicts = (subnet: SubnetInput): readonly Conflict[] => [
  {
    key: "neighborSuppression",
    at: "vxlan/neighborSuppression",
    isSet: subnet.vxlan?.suppressesNeighbors === true,
    with: "static flooding",
    advice: 'only BGP tells a host what it could answer: add "bgp:", or take it out',
  },
  {
    key: "routeTargets",
    at: "vxlan/routeTargets",
    isSet: hasTargets(subnet),
    with: "static flooding",
    advice: 'only routes of BGP have any: add "bgp:", or take it out',
  },
];

function conflictsOf(subnet: SubnetInput, hasBgp: boolean): readonly Conflict[] {
  return [
    ...(hasBgp ? [] : floodedConflicts(subnet)),
    ...gatewayMacConflicts(subnet),
    ...(subnet.vxlan === undefined ? routedConflicts(subnet) : stretchedConflicts(subnet)),
    ...(subnet.vlan === undefined ? [] : vlanConflicts(subnet)),
    ...(subnet.isExternal ? externalConflicts(subnet) : []),
    ...(subnet.perHost === undefined ? [] : slicedConflicts(subnet)),
    ...(subnet.vrf === undefined ? [] : vrfConflicts(subnet)),
    ...(subnet.exits.length === 0 ? [] : exitConflicts(subnet)),
    ...(subnet.hasSnat ? snatConflicts(subnet) : []),
  ];
}

/** No key of a subnet contradicts another. */
export function subnetKeysGoTogether({ subnets, bgp }: Topology): readonly Diagnostic[] {
  return subnets.flatMap((subnet) => conflictsSaid(subnet, conflictsOf(subnet, bgp !== undefined)));
}
