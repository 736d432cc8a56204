/** OVN, decoded. */

import type { OvnInput, OvnNetworkInput } from "../topology/ovn.ts";
import type { RouteInput } from "../topology/topology.ts";
import { member, members, originOf, type Reader, rootOf, textAt } from "./reader.ts";
import { locatedAt, prefixAt } from "./scalars.ts";

/** `undefined` where the topology has none. */
export function decodeOvn(reader: Reader): OvnInput | undefined {
  const ovn = member(rootOf(reader), "ovn");
  if (ovn.value === undefined) return undefined;
  const [central] = locatedAt(reader, member(ovn, "central"), textAt);
  return {
    central,
    chassis: locatedAt(reader, member(ovn, "chassis"), textAt),
    networks: decodeNetworks(reader),
    origin: originOf(reader, ovn),
  };
}

function decodeNetworks(reader: Reader): readonly OvnNetworkInput[] {
  return members(member(member(rootOf(reader), "ovn"), "networks")).flatMap(([name, node]) => {
    const prefixes = locatedAt(reader, member(node, "cidr"), prefixAt);
    const gateways = locatedAt(reader, member(node, "gateway"), textAt);
    const places = Object.fromEntries(gateways.map(({ span }, index) => [`gateway/${index}`, span]));
    if (prefixes.length === 0) return [];
    return [{ name, prefixes, gateways, origin: { ...originOf(reader, node), ...places } }];
  });
}

/** What OVN has behind a host: to the overlay it is as any other prefix behind one. */
export function ovnRoutes(ovn: OvnInput | undefined, host: string): readonly RouteInput[] {
  const own = (ovn?.networks ?? []).filter(({ gateways }) => gateways.some(({ value }) => value === host));
  const all = own.flatMap(({ prefixes }) => prefixes);
  return all.map((prefix) => ({ ...prefix, vrf: undefined, exceptsMoreSpecifics: false, isOfOvn: true }));
}
