/** Lines of the user's for FRR. Where netgen has their block they stand at its end; the other blocks are made for them. */
import type { BgpLines, FrrLines } from "../model/extra.ts";
import type { View } from "./template.ts";

/** Address families as the model calls them, and as FRR does. */
const FAMILY_NAMES = { ipv4: "ipv4 unicast", ipv6: "ipv6 unicast", evpn: "l2vpn evpn" } as const;
export type FamilyKey = keyof typeof FAMILY_NAMES;

/** The blocks of address families that there are for these lines only: all with a line but those of netgen's own. */
export function otherFamilies(lines: BgpLines, own: readonly FamilyKey[]): readonly View[] {
  const keys: readonly FamilyKey[] = ["ipv4", "ipv6", "evpn"];
  return keys
    .filter((key) => lines[key].length > 0 && !own.includes(key))
    .map((key) => ({ name: FAMILY_NAMES[key], lines: lines[key] }));
}

/** What stands before `router bgp`. */
export function topLevelView({ global, routeMaps }: FrrLines) {
  return {
    hasGlobal: global.length > 0,
    global,
    hasRouteMaps: routeMaps.length > 0,
    routeMaps: routeMaps.map(({ entry, lines }) => ({ entry, lines })),
  };
}
