/** Many losses in turn, as many as there is time for. Pure: time is counted in what is asked, so that the answer is the same everywhere. */
import { allLosses } from "./loss.ts";
import type { Ways } from "./ways.ts";
import { type WhatIf, whatIf, workOf } from "./what-if.ts";

export type EachKind = "host" | "link" | "site";

/** What may be asked. */
export interface Bounds {
  /** Pairs of those who may speak with each other: with these begins all. */
  readonly pairs: number;
  /** The work of all losses together, see {@link workOf}. */
  readonly work: number;
}

export const UNBOUNDED: Bounds = { pairs: Number.POSITIVE_INFINITY, work: Number.POSITIVE_INFINITY };

export interface Each {
  readonly results: readonly WhatIf[];
  /** Kinds of which there are too many to ask; of these nothing is known. */
  readonly unasked: readonly EachKind[];
}

const pairsOf = (count: number): number => (count * (count - 1)) / 2;

/** Every loss of each kind in turn; a kind that would be too much work is left out whole, and those after it still asked. */
export function whatIfEach(ways: Ways, kinds: readonly EachKind[], bounds: Bounds): Each {
  const { network, stations } = ways;
  if (pairsOf(stations.length) + pairsOf(network.hosts.length) > bounds.pairs) return { results: [], unasked: kinds };
  let left = bounds.work;
  const results: WhatIf[] = [];
  const unasked: EachKind[] = [];
  for (const kind of kinds) {
    const losses = allLosses(ways, kind);
    let rest = left;
    const isFeasible = losses.every((loss) => {
      if (rest !== Number.POSITIVE_INFINITY) rest -= workOf(ways, loss);
      return rest >= 0;
    });
    if (!isFeasible) {
      unasked.push(kind);
      continue;
    }
    left = rest;
    results.push(...losses.map((loss) => whatIf(ways, loss)));
  }
  return { results, unasked };
}
