// The order of a run's files. Vitest begins with the largest, and some that are small take minutes: of a file that comes last
// all other cores would wait for the end.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const TESTS = fileURLToPath(new URL("..", import.meta.url));

/** Begins with these files of test/, in this order; the others come as Vitest has them. */
export function longestFirst(...names: readonly string[]): typeof BaseSequencer {
  const paths = names.map((name) => `${TESTS}${name}.test.ts`);
  const gone = paths.filter((path) => !existsSync(path));
  if (gone.length > 0) throw new Error(`there is no ${gone.join(", ")}`);
  const placeOf = ({ moduleId }: TestSpecification): number =>
    paths.includes(moduleId) ? paths.indexOf(moduleId) : paths.length;
  return class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      return (await super.sort(files)).sort((a, b) => placeOf(a) - placeOf(b));
    }
  };
}
