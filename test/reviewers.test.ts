/** Diagnostics for those who show them beside the text: GitHub's annotations, and SARIF. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Ajv } from "ajv";
import Draft04 from "ajv-draft-04";
import { describe, expect, test } from "vitest";
import { diagnostic } from "../src/base/diagnostic.ts";
import { type Located, locateAll } from "../src/base/render.ts";
import type { Span } from "../src/base/source.ts";
import { compile } from "../src/compile.ts";
import { renderGithub } from "../src/report/github.ts";
import { renderSarif } from "../src/report/sarif.ts";
import { ROOT } from "./built-package.ts";
import { besideOf, listFixtures, sourceOf } from "./fixtures.ts";
import { marked } from "./markers.ts";
import { runNetgen, runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

/** What is said about every fixture: each code of the catalogue, with others' files among the related places. */
const SAID: readonly Located[] = listFixtures().flatMap((fixture) => {
  const source = sourceOf(fixture);
  return locateAll(source, compile(source, { beside: besideOf(fixture) }).diagnostics);
});

/** One diagnostic with the value and the file's name as hostile as they may be. */
function hostile(value: string, file: string): readonly Located[] {
  const { text, spans } = marked("«a»: 1\n«b:\n  c»: 2\n");
  const [first, second] = spans as [Span, Span];
  const related = [{ message: `[see](https://example.com) {0} \\ ${value}`, span: first }];
  const said = diagnostic("yaml-duplicate-key", { key: value }, second, related);
  return locateAll({ name: file, text }, [said, diagnostic("yaml-duplicate-key", { key: "a" }, first)]);
}

interface Annotation {
  readonly command: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly text: string;
}

/** As GitHub's runner reads a line. */
function readCommand(line: string): Annotation {
  const [, command = "", properties = "", text = ""] = /^::(\w+) (.*?)::(.*)$/.exec(line) ?? [];
  const unescapeText = (each: string): string =>
    each.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
  const unescapeValue = (each: string): string => unescapeText(each.replaceAll("%3A", ":").replaceAll("%2C", ","));
  const entries = properties.split(",").map((each) => each.split(/=(.*)/s) as [string, string]);
  return {
    command,
    properties: Object.fromEntries(entries.map(([name, value]) => [name, unescapeValue(value)])),
    text: unescapeText(text),
  };
}

describe("GitHub's annotations", () => {
  test("place, code, message, related places and hint, on one line", () => {
    const [said] = hostile("b", "topology.yaml");
    expect(renderGithub([said as Located])).toBe(
      '::error file=topology.yaml,line=2,endLine=3,title=yaml-duplicate-key::the key "b" stands twice in one mapping; only ' +
        "one value can count%0Atopology.yaml:1:1: [see](https://example.com) {0} \\ b%0Ahint: delete one of the two, or rename it\n",
    );
  });

  test("columns are those of one line, and left out of several", () => {
    const [several, one] = renderGithub(hostile("b", "t")).trimEnd().split("\n").map(readCommand);
    expect(several?.properties).not.toHaveProperty("col");
    expect(one?.properties).toMatchObject({ line: "1", endLine: "1", col: "1", endColumn: "2" });
  });

  test("nothing in a name or a value ends a property, the properties or the line", () => {
    const file = "a,line=9::b%0A\r\n::error::x.yaml";
    const said = renderGithub(hostile("100%25::\n::error::x", file)).trimEnd().split("\n");
    expect(said).toHaveLength(2);
    const command = readCommand(said[0] ?? "");
    expect(command.properties).toMatchObject({ file, line: "2", title: "yaml-duplicate-key" });
    expect(command.text.split("\n")[0]).toContain('the key "100%25::\\u{a}::error::x" stands twice');
  });

  test("each code of the catalogue, read again", () => {
    const read = renderGithub(SAID).trimEnd().split("\n").map(readCommand);
    expect(read).toHaveLength(SAID.length);
    for (const [index, { command, properties, text }] of read.entries()) {
      const { file, line, code, severity, message, hint } = SAID[index] as Located;
      expect(command).toBe(severity === "note" ? "notice" : severity);
      expect(properties).toMatchObject({ file, line: String(line), title: code });
      expect([text.startsWith(`${message}\n`), text.endsWith(`\nhint: ${hint}`)]).toEqual([true, true]);
    }
  });
});

/** What the tests read of a log. */
interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly semanticVersion: string; readonly rules: readonly { id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly { readonly physicalLocation: PhysicalLocation }[];
      readonly relatedLocations: readonly { readonly id: number; readonly physicalLocation: PhysicalLocation }[];
    }[];
  }[];
}

interface PhysicalLocation {
  readonly artifactLocation: { readonly uri: string };
  readonly region: Readonly<Record<string, number>>;
}

const schema = JSON.parse(readFileSync(join(ROOT, "test/fixtures/sarif-2.1.0-rtm.5.json"), "utf8"));
// Formats are asked for below: all URIs are those of files. One pattern of the schema is none of Unicode's.
const validate = new (Draft04 as unknown as typeof Ajv)({
  strict: false,
  validateFormats: false,
  unicodeRegExp: false,
}).compile(schema);

/** The errors of a log, as the schema has them. */
function wrongIn(log: object): readonly string[] {
  validate(log);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const logOf = (said: readonly Located[]): Log => JSON.parse(renderSarif(said, "1.2.3")) as Log;
const resultsOf = ({ runs }: Log) => runs[0]?.results ?? [];

describe("SARIF", () => {
  test("of each code of the catalogue is valid, with each rule once and every result at its rule", () => {
    const log = logOf(SAID);
    expect(wrongIn(log)).toEqual([]);
    const rules = log.runs[0]?.tool.driver.rules ?? [];
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    const results = resultsOf(log);
    expect(results).toHaveLength(SAID.length);
    expect(results.map(({ ruleIndex }) => rules[ruleIndex]?.id)).toEqual(SAID.map(({ code }) => code));
    expect(results.map(({ level }) => level)).toEqual(SAID.map(({ severity }) => severity));
    // No hole of the catalogue is left for a reader to fill.
    expect(JSON.stringify(rules)).not.toMatch(/[{]\w+[}]/);
  });

  test("the schema refuses what is no log", () => {
    const log = logOf(SAID.slice(0, 1));
    const [run] = log.runs;
    expect(wrongIn({ ...log, version: "2.0.0" })).not.toEqual([]);
    expect(wrongIn({ ...log, runs: [{ ...run, columnKind: "bytes" }] })).not.toEqual([]);
    expect(wrongIn({ ...log, runs: [{ results: run?.results }] })).not.toEqual([]);
  });

  test("has the places and the version", () => {
    const log = logOf(hostile("b", "topology.yaml"));
    expect(log.runs[0]?.tool.driver.semanticVersion).toBe("1.2.3");
    expect(resultsOf(log)[0]?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: "topology.yaml", uriBaseId: "%SRCROOT%" },
      region: { startLine: 2, startColumn: 1, endLine: 3, endColumn: 4 },
    });
  });

  test("links to places of its own alone, and has no placeholder", () => {
    const [result] = resultsOf(logOf(hostile("[x](javascript:0) {1}", "t")));
    const text = result?.message.text ?? "";
    // Links as 3.11.6 has them, and what stands for a brace as 3.11.5 has it.
    const links = [...text.matchAll(/\[((?:[^\\[\]]|\\[\\[\]])*)\]\(([^)]*)\)/g)];
    expect(links.map(([, , target]) => target)).toEqual(["0"]);
    expect(links[0]?.[1]?.replace(/\\(.)/g, "$1").replaceAll("{{", "{").replaceAll("}}", "}")).toBe(
      "[see](https://example.com) {0} \\ [x](javascript:0) {1}",
    );
    expect(text.replaceAll("{{", "").replaceAll("}}", "")).not.toMatch(/[{}]/);
    expect(result?.relatedLocations.map(({ id }) => id)).toEqual([0]);
  });

  test.each(["a b.yaml", "ä%20:#?.yaml", "c:d/e f.yaml", "-"])("has %j as a URI that leads to it", (file) => {
    const uri = resultsOf(logOf(hostile("b", file)))[0]?.locations[0]?.physicalLocation.artifactLocation.uri ?? "";
    expect(fileURLToPath(new URL(uri, "file:///top/"))).toBe(`/top/${file}`);
  });

  test("of nothing is valid, and says that nothing was found", () => {
    const log = logOf([]);
    expect(wrongIn(log)).toEqual([]);
    expect(resultsOf(log)).toEqual([]);
  });
});

describe("netgen check", () => {
  let home: string;
  eachInNewDirectory((path) => {
    home = path;
    mkdirSync(join(home, ".git"));
    mkdirSync(join(home, "nets/a"), { recursive: true });
    writeFileSync(join(home, "nets/wrong.yaml"), "netgen: 2\n");
    writeFileSync(join(home, "nets/a/right.yaml"), readFileSync(join(ROOT, "fixtures/minimal/topology.yaml")));
    writeFileSync(join(home, "nets/a/noted.yaml"), readFileSync(join(ROOT, "fixtures/warn-path-unused/topology.yaml")));
  });
  const check = (place: string, ...args: readonly string[]) => runNetgen(join(home, place), ["check", ...args]);

  test("names files from the top of the repository, wherever it runs and however they are named", () => {
    for (const args of [
      ["a/noted.yaml", "wrong.yaml"],
      [join(home, "nets/a/noted.yaml"), "../nets/wrong.yaml"],
    ]) {
      const github = check("nets", ...args, "--format", "github");
      expect([github.status, github.stderr]).toEqual([1, ""]);
      const files = github.stdout
        .trimEnd()
        .split("\n")
        .map((line) => readCommand(line).properties.file);
      expect(new Set(files)).toEqual(new Set(["nets/a/noted.yaml", "nets/wrong.yaml"]));
      const log = JSON.parse(check("nets", ...args, "--format", "sarif").stdout) as Log;
      expect(wrongIn(log)).toEqual([]);
      expect(resultsOf(log).map(({ locations }) => locations[0]?.physicalLocation.artifactLocation.uri)).toEqual(files);
    }
  });

  test("names them from where it runs if there is no repository", () => {
    const { stdout } = runShell(home, "rmdir .git; cd nets; netgen check wrong.yaml --format github");
    expect(readCommand(stdout.split("\n")[0] ?? "").properties.file).toBe("wrong.yaml");
  });

  test("has the package's version in its log, and one log for several files", () => {
    const { status, stdout } = check("nets", "a/right.yaml", "a/noted.yaml", "--format", "sarif");
    const log = JSON.parse(stdout) as Log;
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect([status, log.runs.length, log.runs[0]?.tool.driver.semanticVersion]).toEqual([0, 1, version]);
    expect(resultsOf(log).map(({ ruleId }) => ruleId)).toEqual(["path-unused"]);
  });

  test("looks at each of several files by itself: one that is wrong is 1, and the others are said to be right", () => {
    const { status, stdout } = check("nets", "a/right.yaml", "wrong.yaml");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^a\/right\.yaml: no errors, 2 hosts\nwrong\.yaml:1:9: error\[language-version-unknown\]/);
    expect(check("nets", "a/right.yaml", "a/right.yaml")).toMatchObject({ status: 0, stderr: "" });
  });

  test("one that cannot be read is 2", () => {
    const { status, stderr } = check("nets", "a/right.yaml", "none.yaml");
    expect([status, stderr]).toEqual([2, "netgen: none.yaml: there is no such file or directory\n"]);
  });

  test("build has no such formats: its diagnostics are not its result", () => {
    expect(check("nets", "wrong.yaml", "--format", "xml").status).toBe(2);
    expect(runNetgen(home, ["build", "nets/wrong.yaml", "--format", "sarif"]).status).toBe(2);
  });
});
