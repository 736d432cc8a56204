import { createTwoFilesPatch } from "diff";
import { describe, expect, test } from "vitest";
import { catalogue } from "../src/base/catalogue.ts";
import type { OutputFile } from "../src/emit/file.ts";
import {
  commonScripts,
  FIXTURES,
  type Fixture,
  listFixtures,
  namedScripts,
  ownResults,
  type Results,
  readExpected,
  runFixture,
  SCRIPTS,
  textOf,
} from "./fixtures.ts";

const fixtures = listFixtures();
const ofKind = (kind: Fixture["kind"]): readonly Fixture[] => fixtures.filter((fixture) => fixture.kind === kind);

/** Paths first, then bytes: a surplus or missing file says more than its contents. */
function expectSame(actual: Results, expected: Results): void {
  expect([...actual.keys()].sort(), "run `npm run golden:update` if this is intended").toEqual(
    [...expected.keys()].sort(),
  );
  const patches = [...actual].flatMap(([path, text]) => {
    const old = expected.get(path);
    return old === text ? [] : [createTwoFilesPatch(`expected/${path}`, `actual/${path}`, old ?? "", text)];
  });
  expect(patches.join("\n"), "run `npm run golden:update` if this is intended").toBe("");
}

/** Mode and owner by what a file is: what may hold hints at keys, FRR's own, what can be run, and the rest. */
function modeAndOwner({ path, content }: OutputFile): string {
  if (/^[^/]+\/etc\/wireguard\/[^/]+\.conf$/.test(path)) return "600 root:root";
  if (/^[^/]+\/etc\/frr\//.test(path)) return "640 frr:frr";
  return content[0]?.[0] === "#".charCodeAt(0) && content[0][1] === "!".charCodeAt(0)
    ? "755 root:root"
    : "644 root:root";
}

const scenarios = ofKind("scenario").map((fixture) => ({ ...fixture, outcome: runFixture(fixture) }));
const scripts = readExpected({ directory: `${FIXTURES}/${SCRIPTS}` });

test("the scripts that all hosts have alike are those of a directory of their own, and no other is there", () => {
  expectSame(commonScripts(scenarios.map(({ outcome }) => outcome)), scripts);
});

describe.each(scenarios)("$name", ({ outcome, ...fixture }) => {
  const { compilation, results } = outcome;

  test("compiles to what its directory holds", () => {
    expectSame(ownResults(outcome, scripts), readExpected(fixture));
  });

  test("has the scripts that all hosts have, on every host", () => {
    for (const [name, text] of namedScripts(outcome)) {
      const common = scripts.get(name);
      if (common !== undefined) expectSame(new Map([[name, text]]), new Map([[name, common]]));
    }
  });

  test("has no error, and files for every host", () => {
    expect(compilation.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const hosts = new Set(compilation.files.map(({ path }) => path.split("/")[0]));
    expect([...hosts]).toEqual(compilation.model?.hosts.map(({ name }) => name));
  });

  test("every file has the mode and owner that its path asks for", () => {
    const actual = compilation.files.map(({ path, mode, owner, group }) => [
      path,
      `${mode.toString(8)} ${owner}:${group}`,
    ]);
    expect(actual).toEqual(compilation.files.map((file) => [file.path, modeAndOwner(file)]));
  });

  test("every file ends in one newline, has no line end but LF and nothing behind a line", () => {
    for (const file of compilation.files) {
      const { path } = file;
      const text = textOf(file);
      expect(text.endsWith("\n") && !text.endsWith("\n\n"), path).toBe(true);
      expect(/\r|[ \t]\n|^\n/.test(text), path).toBe(false);
    }
  });

  test("nothing was printed that is no text, and no secret", () => {
    for (const [path, text] of [...results, ...outcome.scripts]) {
      expect(text, path).not.toMatch(/\[object |\bundefined\b|\bNaN\b/);
      expect(text, path).not.toMatch(/^\s*(PrivateKey|PresharedKey)\s*=/m);
    }
  });
});

describe.each(ofKind("err"))("$name", (fixture) => {
  const { compilation, results } = runFixture(fixture);

  test("says what its directory holds", () => {
    expectSame(results, readExpected(fixture));
  });

  test("has the mistake it is named for, and no other error", () => {
    const errors = compilation.diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
    expect([...new Set(errors)]).toEqual([fixture.code]);
  });

  test("compiles to nothing", () => {
    expect(compilation.files).toEqual([]);
  });
});

describe.each(ofKind("warn"))("$name", (fixture) => {
  const { compilation, results } = runFixture(fixture);

  test("says what its directory holds", () => {
    expectSame(results, readExpected(fixture));
  });

  test("says what it is named for, and nothing else", () => {
    expect([...new Set(compilation.diagnostics.map(({ code }) => code))]).toEqual([fixture.code]);
  });

  test("compiles all the same", () => {
    expect(compilation.files.length).toBeGreaterThan(0);
  });
});

test("every fixture that is named for a code is named for one of the catalogue, of its severity", () => {
  const wrong = fixtures.filter(({ kind, code }) => {
    if (kind === "scenario") return false;
    return code === undefined || (catalogue[code].severity === "error") !== (kind === "err");
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});
