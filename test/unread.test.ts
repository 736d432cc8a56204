/** Nothing is asked of a user that nobody reads, and nothing stands in the model that nobody prints, judges or shows. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { ROOT } from "./built-package.ts";

const SRC = join(ROOT, "src");
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".generated.ts"))
  .map((path) => join(SRC, path));

/** The room that makes the model; a field that only it knows is of no use to anybody. */
const MAKER = join(SRC, "resolve/");

const service = ts.createLanguageService({
  getScriptFileNames: () => files,
  getScriptVersion: () => "0",
  getScriptSnapshot: (path) =>
    ts.sys.fileExists(path) ? ts.ScriptSnapshot.fromString(readFileSync(path, "utf8")) : undefined,
  getCurrentDirectory: () => ROOT,
  getCompilationSettings: () => ({
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ["node"],
  }),
  getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
  fileExists: ts.sys.fileExists,
  readFile: ts.sys.readFile,
  directoryExists: ts.sys.directoryExists,
  getDirectories: ts.sys.getDirectories,
});

interface Field {
  readonly name: string;
  readonly file: string;
  readonly position: number;
}

/** The fields of all types that a file declares. */
function fieldsIn(file: string): readonly Field[] {
  const source = service.getProgram()?.getSourceFile(file);
  const found: Field[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node)) found.push({ name: node.name.getText(), file, position: node.name.getStart() });
    ts.forEachChild(node, visit);
  };
  if (source !== undefined) visit(source);
  return found;
}

function isRead({ file, position }: Field): boolean {
  const uses = service.findReferences(file, position)?.flatMap(({ references }) => references) ?? [];
  return uses.some(({ fileName, isDefinition }) => isDefinition !== true && !fileName.startsWith(MAKER));
}

test("every field of the model is read by somebody who does not make it", () => {
  const fields = files.filter((path) => path.startsWith(join(SRC, "model/"))).flatMap(fieldsIn);
  expect(fields.length).toBeGreaterThan(100);
  const unread = fields
    .filter((field) => !isRead(field))
    .map(({ name, file }) => `${file.slice(SRC.length + 1)}: ${name}`);
  expect(unread, "print it, judge it, or take it out of the model").toEqual([]);
}, 300_000);

/** The names of all properties below a schema. */
function keysOf(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === "properties" ? Object.keys(value) : []),
    ...keysOf(value),
  ]);
}

test("every key of the schema is decoded", () => {
  const schema: unknown = JSON.parse(readFileSync(join(ROOT, "schemas/topology.schema.json"), "utf8"));
  const keys = [...new Set(keysOf(schema))];
  expect(keys).toContain("presharedKeys");
  const decoders = files.filter(
    (path) => path.startsWith(join(SRC, "validate/")) || path === join(SRC, "base/programs.ts"),
  );
  const text = decoders.map((path) => readFileSync(path, "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "")).join("\n");
  const undecoded = keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text));
  expect(undecoded, "decode it in src/validate, or take it out of the schema").toEqual([]);
});
