/** VRFs that import each other. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import type { Vrf } from "../model/vrf.ts";
import { overlapsAmong, useInWords } from "./addressing.ts";

const isOneVrf = (a: OverlayPrefix, b: OverlayPrefix): boolean => a.vrf === b.vrf;

const nameOf = ({ vrf }: OverlayPrefix): string => must(vrf, "what is leaked is a VRF's");

function overlap([a, b]: readonly [OverlayPrefix, OverlayPrefix], { name: table }: Vrf): Diagnostic {
  const [later, earlier] = a.span.start > b.span.start ? [a, b] : [b, a];
  const params = {
    prefix: later.prefix,
    use: useInWords(later),
    vrf: nameOf(later),
    other: earlier.prefix,
    otherUse: useInWords(earlier),
    otherVrf: nameOf(earlier),
    table,
  };
  const related = [{ message: `${earlier.prefix} is declared here`, span: earlier.span }];
  return diagnostic("vrf-import-overlap", params, later.span, related);
}

/** A table that leads to several VRFs knows each address once. */
export function leakedAddressesAreOne({ vrfs, prefixes }: Network): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  // The busiest first: it is the one that most have in common.
  for (const vrf of [...vrfs].sort((a, b) => b.leaks.length - a.leaks.length)) {
    const known = new Set<string | undefined>([vrf.name, ...vrf.leaks]);
    if (known.size === 1) continue;
    for (const pair of overlapsAmong(
      prefixes.filter((each) => known.has(each.vrf)),
      isOneVrf,
    )) {
      const key = pair.map(({ span }) => span.start).join();
      if (!found.has(key)) found.set(key, overlap(pair, vrf));
    }
  }
  return [...found.values()];
}
