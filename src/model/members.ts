/** Of whom a host takes EVPN routes of their own VXLAN networks only. */
import { knows } from "../base/programs.ts";
import type { Vni } from "../base/units.ts";
import type { BgpNeighbour } from "./bgp.ts";
import type { Host } from "./host.ts";

/** A neighbour that passes nothing on. */
export type Member = BgpNeighbour & { readonly vnis: readonly Vni[] };

/** FRR's lines end at 4096 characters, and the rest of such a one has a hundred. */
const MAX_CHARACTERS = 3600;
/** With what stands between two: of up to eight digits, or as long as 255.255.255.255:65535 with its dots escaped. */
const VNI_CHARACTERS = 9;
const TARGET_CHARACTERS = 28;

/** Nobody, where FRR's route-maps refuse what they are to take. */
export function membersToldApart({ bgp, programs }: Host): readonly Member[] {
  if (bgp.kind === "none" || knows(programs, "frr-route-maps-refuse-evpn")) return [];
  return bgp.neighbours.flatMap((each): readonly Member[] => {
    const { vnis, targets } = each;
    if (vnis === undefined) return [];
    const characters = VNI_CHARACTERS * vnis.length + TARGET_CHARACTERS * targets.length;
    return characters > MAX_CHARACTERS ? [] : [{ ...each, vnis }];
  });
}
