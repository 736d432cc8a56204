// Writes the generated parts of docs/: the language from the schema, the diagnostics from the catalogue and the fixtures,
// what netgen prints in the recorded session, and what the README shows of files and of what netgen prints.
// `--check` writes nothing and fails when a page is not what would be written; the last two are left to their own tests.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A module of TypeScript that imports no more than its own parts, as a browser loads it: without its types, in one address. */
function addressOf(path) {
  const { outputText } = ts.transpileModule(readFileSync(path, "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext },
  });
  const whole = outputText.replace(/from "(\..+)"/g, (_, part) => `from "${addressOf(join(dirname(path), part))}"`);
  return `data:text/javascript,${encodeURIComponent(whole)}`;
}

async function readCatalogue() {
  const { catalogue } = await import(addressOf(join(root, "src/base/catalogue.ts")));
  return catalogue;
}

// ── The language ────────────────────────────────────────────────────────────────────────────────────────────────────

const code = (text) => `\`${text}\``;
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
/** The anchor that GitHub makes of a heading. */
const anchor = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");

/** A value as one would write it in the topology, on one line. */
function asYaml(value) {
  if (Array.isArray(value)) return `[${value.map(asYaml).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value)
      .map(([key, each]) => `${key}: ${asYaml(each)}`)
      .join(", ")}}`;
  }
  if (typeof value !== "string") return String(value);
  // A version such as 10.2 would be read as a number.
  const isNumber = Number.isFinite(Number(value));
  return !isNumber && /^[A-Za-z0-9][A-Za-z0-9./_-]*( [A-Za-z0-9./_=-]+)*$/.test(value) ? value : JSON.stringify(value);
}

/** Every mapping of the schema that has keys of its own, in order; the same mapping in two places is listed once. */
function listSections(schema) {
  const sections = [];
  const visit = (node, name) => {
    if (node.properties !== undefined) {
      const text = JSON.stringify(node.properties);
      const same = sections.find((section) => section.text === text);
      if (same !== undefined) {
        same.names.push(name);
        return;
      }
      sections.push({ names: [name], node, text });
    }
    for (const [key, child] of Object.entries(node.properties ?? {}))
      visit(child, name === "" ? key : `${name}.${key}`);
    if (typeof node.additionalProperties === "object") visit(node.additionalProperties, `${name}.NAME`);
    if (node.items !== undefined) visit(node.items, `${name}[]`);
  };
  visit(schema, "");
  return sections;
}

const titleOf = (section) => section.names.map((name) => (name === "" ? "The file" : name)).join(" and ");

function rangeOf({ minimum, maximum }) {
  const isBounded = Number.isFinite(minimum) && Math.abs(minimum) < Number.MAX_SAFE_INTEGER;
  return isBounded ? `, ${minimum} to ${maximum}` : "";
}

function typeOf(node, link) {
  if (link !== undefined) return link;
  if (node.enum !== undefined) return node.enum.map((value) => code(String(value))).join(" or ");
  if (node.type === "integer") return `whole number${rangeOf(node)}`;
  if (node.type === "boolean") return `${code("true")} or ${code("false")}`;
  const expected = cell(node["x-expects"] ?? "text");
  const isList = Array.isArray(node.type) && node.type.includes("array");
  return isList && !expected.includes("list") ? `${expected}, or a list of them` : expected;
}

function defaultOf(node, isRequired) {
  if (isRequired) return "**required**";
  return node.default === undefined ? "–" : code(asYaml(node.default));
}

function row([key, node], { required, linkOf }) {
  const examples = (node.examples ?? []).map((example) => code(cell(asYaml(example))));
  const cells = [
    code(key),
    typeOf(node, linkOf(node)),
    defaultOf(node, required.includes(key)),
    cell(node.description),
    examples.join("<br>"),
  ];
  return `| ${cells.join(" | ")} |`;
}

function sectionPage(section, linkOf) {
  const { properties, required = [], description } = section.node;
  const rows = Object.entries(properties).map((entry) => row(entry, { required, linkOf }));
  return [
    `### ${titleOf(section)}`,
    "",
    description,
    "",
    "| key | value | default | meaning | for example |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ];
}

function languagePart(schema) {
  const sections = listSections(schema);
  const linkTo = (section) => `[${titleOf(section)}](#${anchor(titleOf(section))})`;
  const linkOf = (node) => {
    const inner = [node, node.additionalProperties, node.items].find((each) => each?.properties !== undefined);
    if (inner === undefined) return undefined;
    const link = linkTo(sections.find((section) => section.text === JSON.stringify(inner.properties)));
    if (inner === node.items && inner.type !== "object") return `a list, each ${cell(inner["x-expects"])}: ${link}`;
    if (inner === node.items) return `a list, each as in ${link}`;
    if (inner === node.additionalProperties) return `names, each with what is in ${link}`;
    return node.type === "object" ? `the keys of ${link}` : `${cell(node["x-expects"])}: ${link}`;
  };
  return sections.flatMap((section) => sectionPage(section, linkOf)).join("\n");
}

// ── The diagnostics ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The rendered text of a code in the first fixture that is named for it; undefined where there is none yet. */
function exampleOf(name, codes) {
  const fixtures = join(root, "fixtures");
  const isFor = (directory) => {
    const rest = /^(?:err|warn)-(.*)$/.exec(directory)?.[1];
    const found = codes.filter((each) => rest !== undefined && `${rest}-`.startsWith(`${each}-`));
    // One code may be the beginning of another.
    return found.sort((a, b) => b.length - a.length)[0] === name;
  };
  const files = readdirSync(fixtures)
    .sort()
    .filter(isFor)
    .map((directory) => join(fixtures, directory, "diagnostics.txt"));
  const blocks = files.filter((file) => existsSync(file)).flatMap((file) => readFileSync(file, "utf8").split("\n\n"));
  return blocks.find((block) => block.includes(`[${name}]:`))?.trim();
}

function diagnosticPart(name, { severity, message, hint }, example) {
  const shown = example === undefined ? [] : ["```text", example, "```", ""];
  return [`### ${name}`, "", `${severity}: ${cell(message)}`, "", `What to do: ${cell(hint)}`, "", ...shown];
}

function diagnosticsPart(catalogue) {
  const codes = Object.keys(catalogue);
  const rows = codes.map((name) => `| [${name}](#${anchor(name)}) | ${catalogue[name].severity} |`);
  const parts = codes.flatMap((name) => diagnosticPart(name, catalogue[name], exampleOf(name, codes)));
  return ["| code | severity |", "|---|---|", ...rows, "", ...parts].join("\n");
}

// ── The pages ───────────────────────────────────────────────────────────────────────────────────────────────────────

const BEGIN = "<!-- Generated by npm run docs:update: begin -->\n";
const END = "<!-- Generated by npm run docs:update: end -->\n";

/** The page with what stands between its two marks replaced. */
function withPart(page, part) {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page needs these two lines:\n${BEGIN}${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${part}\n${page.slice(end)}`;
}

const parts = {
  "docs/language.md": languagePart(JSON.parse(readFileSync(join(root, "schemas/topology.schema.json"), "utf8"))),
  "docs/diagnostics.md": diagnosticsPart(await readCatalogue()),
};
for (const [name, part] of Object.entries(parts)) {
  const path = join(root, name);
  const page = readFileSync(path, "utf8");
  const next = withPart(page, part);
  if (next === page) continue;
  if (process.argv.includes("--check")) {
    console.log(`${name} is not current: run npm run docs:update`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, next);
    console.log(`${name} written`);
  }
}

// ── What the program prints ─────────────────────────────────────────────────────────────────────────────────────────

const program = join(root, "dist/cli.js");
const netgen = (...args) => execFileSync(process.execPath, [program, ...args], { cwd: root, encoding: "utf8" });

/** The README's blocks that are a file or what a command prints, and the count at the end of its first build. */
function renewReadme() {
  const path = join(root, "README.md");
  const contentOf = (what) =>
    what.startsWith("netgen ") ? netgen(...what.split(" ").slice(1)) : readFileSync(join(root, what), "utf8");
  const out = mkdtempSync(join(tmpdir(), "netgen-docs-"));
  try {
    const [count] = /\d+ new, .*/.exec(netgen("build", "fixtures/proxmox/topology.yaml", "-o", out));
    const page = readFileSync(path, "utf8")
      .replace(/(<!-- the same as (.*) -->\n```\w*\n)[\s\S]*?(?=```)/g, (_, head, what) => head + contentOf(what))
      .replace(/^out: \d+ new, .*$/m, `out: ${count}`);
    writeFileSync(path, page);
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** Records the sessions with the program as the sources make it now. */
function recordSessions() {
  const bin = mkdtempSync(join(tmpdir(), "netgen-docs-"));
  writeFileSync(join(bin, "netgen"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 });
  try {
    for (const page of ["docs/first-quarter.md", "docs/questions.md"]) {
      const args = [join(root, "scripts/transcript.mjs"), page, bin, "--write"];
      execFileSync(process.execPath, args, { cwd: root, stdio: "inherit" });
    }
  } finally {
    rmSync(bin, { recursive: true });
  }
}

if (!process.argv.includes("--check")) {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
  renewReadme();
  recordSessions();
}
