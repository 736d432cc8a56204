/** Properties as tests: a counterexample is printed with the seed that finds it again. */
import * as fc from "fast-check";
import { test as vitestTest } from "vitest";

export { fc };

/** The same values in every run, so that a red run is about the change; another seed looks elsewhere. */
export const seed = Number(process.env.PROPERTY_SEED ?? 7348);

/** How many values of each: `PROPERTY_RUNS`, or 500. */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 500);
/** The slowest takes a tenth of a second for each value, on a machine that does nothing else. */
const TIMEOUT_MS = 60_000 + numRuns * 500;

type Arbitraries<T extends unknown[]> = { [K in keyof T]: fc.Arbitrary<T[K]> };

/** Holds `check` for values that the arbitraries make. */
export function test<T extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: Arbitraries<T>,
  check: (...values: T) => void,
): void {
  vitestTest(name, { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property<T>(...(arbitraries as Arbitraries<T>), (...values) => check(...values)),
      { numRuns, seed },
    );
  });
}
