/** Between which VRFs routes are leaked. */
import { grouped } from "../../base/grouped.ts";
import { compareText } from "../../base/text.ts";
import type { VrfInput } from "../../topology/topology.ts";

/**
 * By name of a VRF the others that it reaches and that reach it, sorted: whoever imports is imported, as an answer needs a
 * way back. It goes no further: two that import the same one do not know each other.
 */
export function leaksBetween(vrfs: readonly VrfInput[]): ReadonlyMap<string, readonly string[]> {
  const imported = vrfs.flatMap(({ name, imports }) => imports.map(({ value }) => [name, value] as const));
  const pairs = imported
    .filter(([a, b]) => a !== b)
    .flatMap(([a, b]) => [
      { of: a, to: b },
      { of: b, to: a },
    ]);
  const byVrf = [...grouped(pairs, ({ of }) => of)];
  return new Map(byVrf.map(([name, each]) => [name, [...new Set(each.map(({ to }) => to))].sort(compareText)]));
}
