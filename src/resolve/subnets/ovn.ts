/** Who runs OVN, what it may send, and its networks. */
import { must } from "../../base/invariant.ts";
import { comparePrefixes, hostAddress, type IpAddress, type IpPrefix } from "../../base/ip.ts";
import { geneveOverhead, totalBytes } from "../../base/mtu.ts";
import { sortedBy } from "../../base/text.ts";
import type { Ovn, OvnNetwork } from "../../model/ovn.ts";
import { createMembers } from "../../topology/members.ts";
import type { OvnNetworkInput } from "../../topology/ovn.ts";
import type { Topology } from "../../topology/topology.ts";
import { vtepAddress, vtepFamily } from "./devices.ts";
import { routerPortMac } from "./mac.ts";
import { type Below, segmentMtu, vtepsOf } from "./segments.ts";

function resolveNetwork({ name, prefixes, gateways, origin }: OvnNetworkInput): OvnNetwork {
  const all = prefixes.map(({ value }) => value).sort(comparePrefixes);
  const addressAt = (prefix: IpPrefix, offset: number): IpAddress =>
    must(hostAddress(prefix, offset), "the schema asks for a prefix of 6 hosts");
  const first = must(all[0], "a network has a prefix");
  return {
    name,
    prefixes: all.map((prefix) => ({ prefix, address: addressAt(prefix, 1) })),
    mac: routerPortMac(addressAt(first, 1)),
    gateways: [...new Set(gateways.map(({ value }) => value))],
    // Of addresses that no other port of a router has.
    entryMac: routerPortMac(addressAt(first, 2)),
    exitMac: routerPortMac(addressAt(first, 3)),
    origin,
  };
}

/** `undefined`: the topology has none, or its central is no host with an address; that is an error already. */
export function resolveOvn(topology: Topology, below: Below): Ovn | undefined {
  const { ovn } = topology;
  const central = below.hosts.get(ovn?.central?.value ?? "");
  const centralAddress = central && vtepAddress(central);
  if (ovn === undefined || central === undefined || centralAddress === undefined) return undefined;
  const gateways = ovn.networks.flatMap((network) => network.gateways);
  const membersOf = createMembers(topology);
  const named = membersOf({ members: ovn.chassis.length === 0 ? "all" : ovn.chassis });
  const all = [...named, ...membersOf({ members: gateways })].map(({ name }) => name);
  const chassis = sortedBy([...new Set(all)], (name) => name);
  const family = vtepFamily(vtepsOf(chassis, below.hosts));
  return {
    central: central.input.name,
    centralAddress,
    chassis,
    family,
    mtu: segmentMtu({ members: chassis, pin: undefined }, totalBytes(geneveOverhead(family)), below),
    networks: sortedBy(ovn.networks.map(resolveNetwork), ({ name }) => name),
  };
}
