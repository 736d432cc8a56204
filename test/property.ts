/** Properties as tests: a counterexample is printed with the seed that finds it again. */
import * as fc from "fast-check";
import { test as vitestTest } from "vitest";

export { fc };

/** The same values in every run, so that a red run is about the change; another seed looks elsewhere. */
const seed = Number(process.env.PROPERTY_SEED ?? 7348);

type Arbitraries<T extends unknown[]> = { [K in keyof T]: fc.Arbitrary<T[K]> };

/** Holds `check` for values that the arbitraries make. */
export function test<T extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: Arbitraries<T>,
  check: (...values: T) => void,
): void {
  vitestTest(name, () => {
    fc.assert(
      fc.property<T>(...(arbitraries as Arbitraries<T>), (...values) => check(...values)),
      { numRuns: 500, seed },
    );
  });
}
