/** The core never touches disk, clock, environment or console, and the same input gives the same bytes. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Compilation, compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { renderModel } from "../src/report/model.ts";
import { type Fixture, listFixtures, sourceOf } from "./fixtures.ts";
import { shuffledMappings } from "./shuffle.ts";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** Rooms that may: the edge of the program. Of the lab, not what decides what it is to be and what came of it. */
const EDGE = /^(cli\.ts|commands\/|deliver\/|keys\/|lab\/(?!plan\/|report\.ts)|write\/)/;

const BANNED: readonly (readonly [string, RegExp])[] = [
  ["the clock", /\bDate\b|\bperformance\b|\bhrtime\b/],
  ["chance", /\bMath\.random\b|\brandomBytes\b|\bcrypto\b/],
  ["the environment", /\bprocess\b|\bBuffer\b|\b__dirname\b|\bimport\.meta\b/],
  ["the console", /\bconsole\b/],
  ["the disk and the network", /["']node:|\brequire\(|\bfetch\(|\bimport\(/],
  ["anyone's alphabet", /\blocaleCompare\b|\bIntl\b|\btoLocale\w+\b/],
  ["other programs", /\beval\b|\bnew Function\b/],
];

/** What is told apart by its name: order says nothing there. */
const MAPPINGS = ["hosts", "sites", "subnets", "subnets/*/ports", "subnets/*/gateway", "vrfs", "programs"].concat([
  "hosts/*",
  "hosts/*/extra/sysctl",
  "hostDefaults/extra/sysctl",
]);

/** The code of a file without its comments. */
function codeOf(file: string): string {
  const text = readFileSync(`${src}/${file}`, "utf8");
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !path.endsWith("templates.generated.ts"));

test("the core and the edge are both there", () => {
  expect(files.filter((file) => EDGE.test(file)).length).toBeGreaterThan(5);
  expect(files.filter((file) => !EDGE.test(file)).length).toBeGreaterThan(30);
});

test.each(BANNED)("the core does not ask %s", (_, pattern) => {
  const guilty = files.filter((file) => !EDGE.test(file)).filter((file) => pattern.test(codeOf(file)));
  expect(guilty).toEqual([]);
});

test("no private key can come into the core: what makes and reads them is imported by commands alone", () => {
  const importers = files.filter((file) => /from "\.\.?\/(keys\/)?(keypair|store)\.ts"/.test(codeOf(file)));
  expect(importers.filter((file) => !/^(commands|keys)\//.test(file))).toEqual([]);
  expect(importers).not.toEqual([]);
});

// ── Behaviour ───────────────────────────────────────────────────────────────────────────────────────────────────────

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");
const decoder = new TextDecoder();

/** All that a compilation gives, as one comparable value. */
function everything({ files: output, units, model, diagnostics }: Compilation): unknown {
  const written = output.map((file) => ({ ...file, content: decoder.decode(contentOf(file)) }));
  return { written, units, model, diagnostics };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}

const run = (fixture: Fixture): Compilation =>
  compile(deepFreeze({ ...sourceOf(fixture) }), deepFreeze({ publicKeys: { stranger: "unused" } }));

test("compiling one topology leaves nothing behind for the next", () => {
  const first = scenarios.map((fixture) => everything(run(fixture)));
  const second = [...scenarios].reverse().map((fixture) => everything(run(fixture)));
  expect(second.reverse()).toEqual(first);
});

describe.each(scenarios)("$name", (fixture) => {
  test("the order in which hosts, sites and subnets are written changes no byte", () => {
    const { name, text } = sourceOf(fixture);
    const written = (source: string): readonly unknown[] =>
      compile({ name, text: source }).files.map((file) => [file.path, decoder.decode(contentOf(file))]);
    const original = written(text);
    for (const seed of [1, 2, 3]) {
      const shuffled = shuffledMappings(text, MAPPINGS, seed);
      expect(shuffled).not.toBe(text);
      expect(written(shuffled)).toEqual(original);
    }
  });

  test("the model is plain data: it survives JSON", () => {
    const { model } = run(fixture);
    expect(model).toBeDefined();
    if (model === undefined) return;
    expect(JSON.parse(renderModel(model))).toBeTypeOf("object");
    const odd: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value === "function" || typeof value === "bigint" || typeof value === "symbol") odd.push(path);
      if (typeof value !== "object" || value === null) return;
      const prototype = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) odd.push(path);
      for (const [key, each] of Object.entries(value)) visit(each, `${path}.${key}`);
    };
    visit(model, "model");
    expect(odd).toEqual([]);
  });
});
