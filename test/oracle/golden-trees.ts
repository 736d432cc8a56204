/** The trees of all scenarios on disk, for the programs that read them: what fixtures/ holds, the common scripts in place. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import { compile } from "../../src/compile.ts";
import { contentOf } from "../../src/emit/file.ts";
import { sourceOf } from "../fixtures.ts";
import { allScenarios, forNow, ON_EACH_CHANGE } from "../proofs.ts";

/** The tree of one host of one fixture. */
export interface GoldenTree {
  /** `fixture/host`. */
  readonly name: string;
  readonly directory: string;
}

let trees: readonly GoldenTree[] | undefined;

function writeTrees(): readonly GoldenTree[] {
  const root = mkdtempSync(join(tmpdir(), "netgen-golden-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const names = allScenarios.flatMap((fixture) =>
    compile(sourceOf(fixture)).files.map((file) => {
      const path = join(root, fixture.name, file.path);
      mkdirSync(dirname(path), { recursive: true });
      // Owners and modes are the manifest's business; a script has to run.
      writeFileSync(path, contentOf(file), { mode: file.mode === 0o755 ? 0o755 : 0o644 });
      return `${fixture.name}/${file.path.split("/")[0]}`;
    }),
  );
  return [...new Set(names)].sort().map((name) => ({ name, directory: join(root, name) }));
}

/** Those of all scenarios, sorted by name. To be asked for while a file's tests are collected, after which the trees go. */
export function allGoldenTrees(): readonly GoldenTree[] {
  trees ??= writeTrees();
  return trees;
}

let treesForNow: readonly GoldenTree[] | undefined;

/** Those that are for now. */
export function goldenTrees(): readonly GoldenTree[] {
  treesForNow ??= forNow(allGoldenTrees(), ({ name }) => ON_EACH_CHANGE.has(dirname(name)), "hosts' trees");
  return treesForNow;
}

/** The golden trees that hold a file, with where it is. */
export function goldenFiles(path: string): readonly { readonly name: string; readonly file: string }[] {
  const files = goldenTrees().map(({ name, directory }) => ({ name, file: join(directory, path) }));
  return files.filter(({ file }) => existsSync(file));
}
