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
  type Outcome,
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

/** Below etc/: whose file it is, and what has to be enabled for it. */
const ENABLED: readonly (readonly [path: RegExp, unit: string])[] = [
  [/^wireguard\/(.+)\.conf$/, "wg-quick@$1.service"],
  [/^netgen(\d?)\/(.+)\.exit$/, "netgen$1-exit@$2.service"],
  [/^frr\/frr\.conf$/, "frr.service"],
  [/^keepalived\/keepalived\.conf$/, "keepalived.service"],
  [/^systemd\/network\/(?:20-netgen\d?-|05-netgen\d?-lo\.).+$/, "systemd-networkd.service"],
  [/^systemd\/system\/([^/@]+)$/, "$1"],
];

/** The units that a host's files are there for; a unit of netgen's own says when it starts, or another unit starts it. */
function unitsIn(files: readonly OutputFile[], host: string): readonly string[] {
  const own = files.filter(({ path }) => path.startsWith(`${host}/etc/`));
  const isSilent = own.some(({ path }) => path.endsWith("/vrrp-notify"));
  const units = own.flatMap((file) => {
    const path = file.path.slice(`${host}/etc/`.length);
    const [pattern, unit] = ENABLED.find(([each]) => each.test(path)) ?? [];
    const isStarted = path.startsWith("systemd/system/") && !textOf(file).includes("\n[Install]\n");
    return pattern === undefined || unit === undefined || isStarted ? [] : [path.replace(pattern, unit)];
  });
  // keepalived starts the tunnels of a host that is silent while another is heard.
  return [...new Set(units)].filter((unit) => !(isSilent && unit.startsWith("wg-quick@"))).sort();
}

/** Compiles a fixture once, and not before a test asks: what runs while tests are collected is no test's, also for mutants. */
function createOutcome(fixture: Fixture): () => Outcome {
  let made: Outcome | undefined;
  return () => {
    made ??= runFixture(fixture);
    return made;
  };
}

const scenarios = ofKind("scenario").map((fixture) => ({ ...fixture, compiled: createOutcome(fixture) }));
const scripts = readExpected({ directory: `${FIXTURES}/${SCRIPTS}` });

test("the scripts that all hosts have alike are those of a directory of their own, and no other is there", () => {
  expectSame(commonScripts(scenarios.map(({ compiled }) => compiled())), scripts);
});

describe.each(scenarios)("$name", ({ compiled, ...fixture }) => {
  test("compiles to what its directory holds", () => {
    const outcome = compiled();
    expectSame(ownResults(outcome, scripts), readExpected(fixture));
  });

  test("has the scripts that all hosts have, on every host", () => {
    const outcome = compiled();
    for (const [name, text] of namedScripts(outcome)) {
      const common = scripts.get(name);
      if (common !== undefined) expectSame(new Map([[name, text]]), new Map([[name, common]]));
    }
  });

  test("has no error, and files for every host, or what its app takes in", () => {
    const { compilation } = compiled();
    expect(compilation.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const hosts = new Set(compilation.files.map(({ path }) => path.split("/")[0]));
    const [devices, others] = [true, false].map((isDevice) =>
      compilation.model?.hosts.filter(({ app }) => (app !== undefined) === isDevice).map(({ name }) => name),
    );
    expect([...hosts]).toEqual(others);
    expect(Object.keys(compilation.configurations)).toEqual(devices);
    expect(Object.keys(compilation.units)).toEqual(others);
  });

  test("every host enables what its files are for, and nothing that it has no file for", () => {
    const { compilation } = compiled();
    const expected = Object.keys(compilation.units).map((host) => [host, unitsIn(compilation.files, host)]);
    expect(compilation.units).toEqual(Object.fromEntries(expected));
  });

  test("every file has the mode and owner that its path asks for", () => {
    const { compilation } = compiled();
    const actual = compilation.files.map(({ path, mode, owner, group }) => [
      path,
      `${mode.toString(8)} ${owner}:${group}`,
    ]);
    expect(actual).toEqual(compilation.files.map((file) => [file.path, modeAndOwner(file)]));
  });

  test("every file ends in one newline, has no line end but LF and nothing behind a line", () => {
    const { compilation } = compiled();
    for (const file of compilation.files) {
      const { path } = file;
      const text = textOf(file);
      expect(text.endsWith("\n") && !text.endsWith("\n\n"), path).toBe(true);
      expect(/\r|[ \t]\n|^\n/.test(text), path).toBe(false);
    }
  });

  test("nothing was printed that is no text, and no secret", () => {
    const outcome = compiled();
    const { results } = outcome;
    for (const [path, text] of [...results, ...outcome.scripts]) {
      expect(text, path).not.toMatch(/\[object |\bundefined\b|\bNaN\b/);
      expect(text, path).not.toMatch(/^\s*(PrivateKey|PresharedKey)\s*=/m);
    }
  });
});

describe.each(ofKind("err"))("$name", (fixture) => {
  const compiled = createOutcome(fixture);

  test("says what its directory holds", () => {
    const { results } = compiled();
    expectSame(results, readExpected(fixture));
  });

  test("has the mistake it is named for, and no other error", () => {
    const { compilation } = compiled();
    const errors = compilation.diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
    expect([...new Set(errors)]).toEqual([fixture.code]);
  });

  test("compiles to nothing", () => {
    const { compilation } = compiled();
    expect(compilation.files).toEqual([]);
  });
});

describe.each(ofKind("warn"))("$name", (fixture) => {
  const compiled = createOutcome(fixture);

  test("says what its directory holds", () => {
    const { results } = compiled();
    expectSame(results, readExpected(fixture));
  });

  test("says what it is named for, and nothing else", () => {
    const { compilation } = compiled();
    expect([...new Set(compilation.diagnostics.map(({ code }) => code))]).toEqual([fixture.code]);
  });

  test("compiles all the same", () => {
    const { compilation } = compiled();
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
