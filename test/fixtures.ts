/**
 * The fixture directories. `<scenario>` holds a topology, its model, the whole tree that it compiles to, what follows
 * a change of each file, and what apps take in; `err-<code>[-variant]` and `warn-<code>[-variant]` hold a topology with one mistake, and what is
 * said about it. `scripts` holds what is no host's own: the scripts that are alike on all hosts of all scenarios.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Code, catalogue } from "../src/base/catalogue.ts";
import { renderText } from "../src/base/render.ts";
import type { Source } from "../src/base/source.ts";
import { type Compilation, compile } from "../src/compile.ts";
import { contentOf, type OutputFile } from "../src/emit/file.ts";
import { renderModel } from "../src/report/model.ts";
import { generatedInputs } from "./generated-inputs.ts";

export const FIXTURES = fileURLToPath(new URL("../fixtures", import.meta.url));

/** The names under which a fixture's results stand in its directory. */
export const TOPOLOGY = "topology.yaml";
/** Another fleet on hosts of the same names; most fixtures have none. */
export const BESIDE = "beside.yaml";
export const MODEL = "model.json";
export const DIAGNOSTICS = "diagnostics.txt";
export const AFTER = "after.txt";
export const EXPECT = "expect";
export const APPS = "apps";
export const SCRIPTS = "scripts";

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
  const own = entries.map((entry) => entry.name).filter((name) => name !== SCRIPTS);
  const names = new Set([...own, ...Object.keys(generatedInputs)]);
  return [...names].sort().map(describeFixture);
}

/** The text of a fixture's topology: generated where it would be no small file. */
export function sourceOf({ name, directory }: Fixture): Source {
  const text = generatedInputs[name]?.() ?? readFileSync(`${directory}/${TOPOLOGY}`, "utf8");
  return { name: TOPOLOGY, text };
}

/** The other fleet that a fixture is compiled with, if it has one. */
export function besideOf({ directory }: Fixture): readonly { readonly source: Source }[] {
  const path = `${directory}/${BESIDE}`;
  return existsSync(path) ? [{ source: { name: BESIDE, text: readFileSync(path, "utf8") } }] : [];
}

/** A fixture's results as files of its directory: path → text. */
export type Results = ReadonlyMap<string, string>;

export interface Outcome {
  readonly compilation: Compilation;
  /** All but the scripts. */
  readonly results: Results;
  /** As the results. */
  readonly scripts: Results;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const goldenPath = (file: OutputFile): string => `${EXPECT}/${file.path}`;
export const textOf = (file: OutputFile): string => decoder.decode(contentOf(file));
const isScript = (file: OutputFile): boolean => file.mode === 0o755;
const withoutOwner = (text: string): string => text.replace(/ from \S+ for \S+;/, " from TOPOLOGY for HOST;");

/** Each path on a host with the commands that follow a change there, and the hosts where not all are alike. */
function renderAfter(files: readonly OutputFile[]): string {
  const hostsOf = new Map<string, readonly string[]>();
  for (const { path, after } of files) {
    const [host = "", ...rest] = path.split("/");
    const line = JSON.stringify([rest.join("/"), after.join("; ") || "nothing"]);
    hostsOf.set(line, [...(hostsOf.get(line) ?? []), host]);
  }
  const all = new Set([...hostsOf.values()].flat()).size;
  const lines = [...hostsOf].map(([line, hosts]) => {
    const [path, commands] = JSON.parse(line) as [string, string];
    return `${path}${hosts.length === all ? "" : ` (${hosts.join(", ")})`}: ${commands}\n`;
  });
  return lines.sort().join("");
}

/** Compiles a fixture, and gives what should stand in its directory besides the topology. */
export function runFixture(fixture: Fixture): Outcome {
  const source = sourceOf(fixture);
  const compilation = compile(source, { beside: besideOf(fixture) });
  const results = new Map<string, string>();
  const said = renderText(source, compilation.diagnostics);
  if (said !== "") results.set(DIAGNOSTICS, said);
  if (fixture.kind !== "scenario" || compilation.model === undefined)
    return { compilation, results, scripts: new Map() };
  const { files, model, configurations } = compilation;
  results.set(MODEL, renderModel(model));
  results.set(AFTER, renderAfter(files));
  for (const file of files.filter((each) => !isScript(each))) results.set(goldenPath(file), textOf(file));
  for (const [name, text] of Object.entries(configurations)) results.set(`${APPS}/${name}.conf`, text);
  const scripts = files.filter(isScript).map((file) => [goldenPath(file), textOf(file)] as const);
  return { compilation, results, scripts: new Map(scripts) };
}

/** A fleet's scripts differ from those of others: `wg-reload-2`. */
function nameOf(path: string): string {
  const [, fleet = "", name = ""] = /\/etc\/netgen(\d?)\/(.*)$/.exec(path) ?? [];
  return fleet === "" ? name : `${name}-${fleet}`;
}

/** Every script by its name, less whom it was written for. */
export function namedScripts({ scripts }: Outcome): readonly (readonly [name: string, text: string])[] {
  return [...scripts].map(([path, text]) => [nameOf(path), withoutOwner(text)]);
}

/** The scripts that are the same wherever one of their name is, by name. */
export function commonScripts(outcomes: readonly Outcome[]): Results {
  const textsOf = new Map<string, Set<string>>();
  for (const [name, text] of outcomes.flatMap(namedScripts)) {
    textsOf.set(name, (textsOf.get(name) ?? new Set()).add(text));
  }
  return new Map(
    [...textsOf].filter(([, texts]) => texts.size === 1).map(([name, texts]) => [name, [...texts].join("")]),
  );
}

/** What stands in a fixture's own directory when the scripts of these names stand elsewhere. */
export function ownResults({ results, scripts }: Outcome, common: Results): Results {
  return new Map([...results, ...[...scripts].filter(([path]) => !common.has(nameOf(path)))]);
}

/** What stands in a fixture's directory besides the topology. */
export function readExpected({ directory }: Pick<Fixture, "directory">): Results {
  if (!existsSync(directory)) return new Map();
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(directory.length + 1))
    .filter((path) => path !== TOPOLOGY && path !== BESIDE);
  return new Map(paths.sort().map((path) => [path, readFileSync(`${directory}/${path}`, "utf8")]));
}
