/**
 * The fixture directories. `<scenario>` holds a topology, its model and the whole tree that it compiles to;
 * `err-<code>[-variant]` and `warn-<code>[-variant]` hold a topology with one mistake, and what is said about it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Code, catalogue } from "../src/base/catalogue.ts";
import { renderText } from "../src/base/render.ts";
import type { Source } from "../src/base/source.ts";
import { type Compilation, compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { renderModel } from "../src/report/model.ts";
import { generatedInputs } from "./generated-inputs.ts";

export const FIXTURES = fileURLToPath(new URL("../fixtures", import.meta.url));

/** The names under which a fixture's results stand in its directory. */
export const TOPOLOGY = "topology.yaml";
export const MODEL = "model.json";
export const DIAGNOSTICS = "diagnostics.txt";
export const EXPECT = "expect";

export interface Fixture {
  readonly name: string;
  readonly directory: string;
  readonly kind: "scenario" | "err" | "warn";
  /** What an `err` or `warn` fixture is about; `undefined` also where its name holds no code of the catalogue. */
  readonly code: Code | undefined;
}

function describeFixture(name: string): Fixture {
  const directory = `${FIXTURES}/${name}`;
  const [, kind, rest] = /^(err|warn)-(.*)$/.exec(name) ?? [];
  if (rest === undefined) return { name, directory, kind: "scenario", code: undefined };
  const codes = (Object.keys(catalogue) as Code[]).filter((code) => `${rest}-`.startsWith(`${code}-`));
  // One code may be the beginning of another.
  const code = codes.sort((a, b) => b.length - a.length)[0];
  return { name, directory, kind: kind as "err" | "warn", code };
}

/** Every directory in fixtures/, sorted by name. */
export function listFixtures(): readonly Fixture[] {
  const entries = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = new Set([...entries.map((entry) => entry.name), ...Object.keys(generatedInputs)]);
  return [...names].sort().map(describeFixture);
}

/** The text of a fixture's topology: generated where it would be no small file. */
export function sourceOf({ name, directory }: Fixture): Source {
  const text = generatedInputs[name]?.() ?? readFileSync(`${directory}/${TOPOLOGY}`, "utf8");
  return { name: TOPOLOGY, text };
}

/** A fixture's results as files of its directory: path → text. */
export type Results = ReadonlyMap<string, string>;

export interface Outcome {
  readonly compilation: Compilation;
  readonly results: Results;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Compiles a fixture, and gives what should stand in its directory besides the topology. */
export function runFixture(fixture: Fixture): Outcome {
  const source = sourceOf(fixture);
  const compilation = compile(source);
  const results = new Map<string, string>();
  const said = renderText(source, compilation.diagnostics);
  if (said !== "") results.set(DIAGNOSTICS, said);
  if (fixture.kind === "scenario" && compilation.model !== undefined) {
    results.set(MODEL, renderModel(compilation.model));
    for (const file of compilation.files) results.set(`${EXPECT}/${file.path}`, decoder.decode(contentOf(file)));
  }
  return { compilation, results };
}

/** What stands in a fixture's directory besides the topology. */
export function readExpected({ directory }: Fixture): Results {
  if (!existsSync(directory)) return new Map();
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(directory.length + 1))
    .filter((path) => path !== TOPOLOGY);
  return new Map(paths.sort().map((path) => [path, readFileSync(`${directory}/${path}`, "utf8")]));
}
