/** A template prints; it never decides. What nunjucks would let pass in silence is an error here. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import nunjucks from "nunjucks";
import { describe, expect, test } from "vitest";
import { InternalError } from "../src/base/invariant.ts";
import { render, type View } from "../src/emit/template.ts";
import { templates as precompiled } from "../src/emit/templates.generated.ts";
import { listFixtures, runFixture } from "./fixtures.ts";

const root = fileURLToPath(new URL("../templates", import.meta.url));
const emitters = fileURLToPath(new URL("../src/emit", import.meta.url));

const names = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".njk"))
  .sort();
const textOf = (name: string): string => readFileSync(`${root}/${name}`, "utf8");

/** nunjucks' parse tree, of which its types say nothing. */
interface TreeNode {
  readonly typename: string;
  readonly lineno: number;
  readonly fields: readonly string[];
  readonly value?: unknown;
  readonly children?: readonly TreeNode[];
  readonly [field: string]: unknown;
}

const parser = (nunjucks as unknown as { parser: { parse: (text: string) => TreeNode } }).parser;
const isNode = (value: unknown): value is TreeNode =>
  typeof value === "object" && value !== null && "typename" in value;

/** All that a template may be made of. `NodeList`, `Root` and `TemplateData` are the text itself. */
const ALLOWED = new Set([
  "Root",
  "NodeList",
  "Output",
  "TemplateData",
  "Symbol",
  "LookupVal",
  "Literal",
  "If",
  "For",
  "Include",
]);

/** What a template does that it may not, each with its line: forbidden nodes and names that are nobody's. */
function violations(text: string): readonly string[] {
  const found: string[] = [];
  const visit = (node: TreeNode, known: ReadonlySet<string>): void => {
    found.push(...faultsOf(node, known).map((fault) => `${fault} at line ${node.lineno + 1}`));
    const inner = node.typename === "For" && isNode(node.name) ? new Set([...known, String(node.name.value)]) : known;
    for (const child of childrenOf(node)) visit(child, child === node.arr ? known : inner);
  };
  visit(parser.parse(text), new Set(["view"]));
  return found;
}

function faultsOf(node: TreeNode, known: ReadonlySet<string>): readonly string[] {
  const { typename, value } = node;
  const isLiteral = typename === "Output" && node.children?.some((child) => child.typename === "Literal") === true;
  return [
    ...(ALLOWED.has(typename) ? [] : [typename]),
    ...(typename === "Symbol" && !known.has(String(value)) ? [`the name ${String(value)}`] : []),
    ...(typename === "If" && !isClaim(node.cond) ? ["a condition that is no claim of the view"] : []),
    ...(isLiteral ? ["a literal"] : []),
  ];
}

/** `view.isThis`, `set.isThat`: something that the emitter has decided. */
function isClaim(condition: unknown): boolean {
  return isNode(condition) && condition.typename === "LookupVal" && isNode(condition.target);
}

function childrenOf(node: TreeNode): readonly TreeNode[] {
  const fields = node.fields.map((field) => node[field]).filter(isNode);
  return [...new Set([...(node.children ?? []), ...fields])];
}

describe("the rules catch what they are for", () => {
  test.each([
    ["{{ veiw.name }}", "the name veiw at line 1"],
    ["\n{{ view.mtu + 1 }}", "Add at line 2"],
    ["{{ view.mtu - 50 }}", "Sub at line 1"],
    ["{{ view.a ~ view.b }}", "Concat at line 1"],
    ["{{ view.a if view.b }}", "InlineIf at line 1"],
    ["{% set x = 1 %}", "Set at line 1"],
    ["{{ view.a | default(1) }}", "Filter at line 1"],
    ["{{ view.f() }}", "FunCall at line 1"],
    ["{% if not view.a %}x{% endif %}", "Not at line 1"],
    ["{% if view.a and view.b %}x{% endif %}", "And at line 1"],
    ["{% if view.a == view.b %}x{% endif %}", "a condition that is no claim of the view at line 1"],
    ["{% if view %}x{% endif %}", "a condition that is no claim of the view at line 1"],
    ["{% macro m() %}{% endmacro %}", "Macro at line 1"],
    ["{{ 'text' }}", "a literal at line 1"],
    ["{% for x in view.l %}{{ y }}{% endfor %}", "the name y at line 1"],
    ["{% for x in x %}{% endfor %}", "the name x at line 1"],
  ])("%j", (text, violation) => {
    expect(violations(text)).toContain(violation);
  });

  test("and let pass what a template is for", () => {
    const text =
      '{% for x in view.l %}{{ x.n }}{% if x.isY %}{{ view.z }}{% else %}-{% endif %}{% endfor %}{% include "a" %}';
    expect(violations(text)).toEqual([]);
  });
});

test("there are templates", () => {
  expect(names.length).toBeGreaterThan(10);
});

describe.each(names)("%s", (name) => {
  test("prints and does not decide", () => {
    expect(violations(textOf(name))).toEqual([]);
  });

  test("ends in one newline, without tabs that nothing asks for and spaces behind a line", () => {
    expect(textOf(name)).toMatch(/[^\n]\n$/);
    expect(textOf(name)).not.toMatch(/[ \t]\n|\r/);
  });

  test("names no moment, no version and no user", () => {
    expect(textOf(name)).not.toMatch(/\b20\d\d-\d\d-\d\d\b|\bgenerated (on|at)\b|\/home\/|\/work\//i);
  });
});

test("every template prints in some fixture", () => {
  const printed = new Set<string>();
  for (const [name, template] of Object.entries(
    precompiled as Record<string, { root: (...args: unknown[]) => void }>,
  )) {
    const { root: print } = template;
    template.root = (...args) => {
      printed.add(name);
      print(...args);
    };
  }
  for (const fixture of listFixtures().filter(({ kind }) => kind === "scenario")) runFixture(fixture);
  expect(names.filter((name) => !printed.has(name))).toEqual([]);
});

test("every name of an include or an emitter is a template", () => {
  const sources = readdirSync(emitters)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".generated.ts"))
    .map((file) => readFileSync(`${emitters}/${file}`, "utf8").replace(/^ *(\/\/|\*|\/\*).*$/gm, ""));
  const asked = [...sources, ...names.map(textOf)].flatMap((text) => [...text.matchAll(/"([^"\s]+\.njk)"/g)]);
  // Some emitters add the folder to all names of theirs.
  const isTemplate = (asked = "") => names.some((name) => name === asked || name.endsWith(`/${asked}`));
  expect(asked.map((match) => match[1]).filter((name) => !isTemplate(name))).toEqual([]);
});

test("what is compiled in is what is written, no more and no less", () => {
  expect(Object.keys(precompiled).sort()).toEqual(names);
});

describe("the strict view", () => {
  // Any template that reads its view will do.
  const name = "routes/routes.service.njk";

  test("a template cannot read what its view does not define", () => {
    expect(() => render(name, {} satisfies View)).toThrow(InternalError);
    expect(() => render(name, {} satisfies View)).toThrow(/read view\.\w+/);
  });

  test("nor what a part of it does not, which is named by the way there", () => {
    expect(() => render("radvd/radvd.conf.njk", { fleet: "", links: [{}] })).toThrow(/read view\.links\.0\.\w+, /);
  });

  test("a template that does not exist is a defect of netgen", () => {
    expect(() => render("no/such.njk", {})).toThrow(InternalError);
  });
});
