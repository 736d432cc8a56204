/** Of whom a host takes EVPN routes of their own VXLAN networks only. */
import { knows } from "../base/programs.ts";
import type { Vni } from "../base/units.ts";
import type { BgpNeighbour } from "./bgp.ts";
import type { Host } from "./host.ts";

/** A neighbour that passes nothing on. */
export type Member = BgpNeighbour & { readonly vnis: readonly Vni[] };

/** FRR's lines end at 4096 characters, and a VNI has up to eight. */
const MAX_VNIS = 400;

/** Nobody, where FRR's route-maps refuse what they are to take. */
export function membersToldApart({ bgp, programs }: Host): readonly Member[] {
  if (bgp.kind === "none" || knows(programs, "frr-route-maps-refuse-evpn")) return [];
  return bgp.neighbours.flatMap((each) =>
    each.vnis === undefined || each.vnis.length > MAX_VNIS ? [] : [{ ...each, vnis: each.vnis }],
  );
}
