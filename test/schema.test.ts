import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { catalogue } from "../src/base/catalogue.ts";
import { parseYaml } from "../src/parse/yaml.ts";
import { type SchemaNode, topologySchema } from "../src/validate/place.ts";
import { validate } from "../src/validate/validate.ts";

/** Every node of the schema with its path, the names of members included. */
function nodesOf(node: SchemaNode, path: string): readonly (readonly [string, SchemaNode])[] {
  const inner = [
    ...Object.entries(node.properties ?? {}).flatMap(([key, each]) => nodesOf(each, `${path}.${key}`)),
    ...(node.items ? nodesOf(node.items, `${path}[]`) : []),
    ...(node.additionalProperties ? nodesOf(node.additionalProperties, `${path}.*`) : []),
    ...(node.propertyNames ? nodesOf(node.propertyNames, `${path}.(name)`) : []),
  ];
  return [[path, node], ...inner];
}

const NODES = nodesOf(topologySchema, "topology");
const typesOf = (node: SchemaNode): readonly string[] => [node.type ?? []].flat();
const pathsWhere = (isBad: (node: SchemaNode) => boolean): readonly string[] =>
  NODES.filter(([, node]) => isBad(node)).map(([path]) => path);

describe("every value in the schema", () => {
  it("is found by this test", () => {
    expect(NODES.length).toBeGreaterThan(90);
  });

  it("has a description of at least one sentence", () => {
    expect(pathsWhere((node) => !/^[A-Za-z].*\.$/.test(node.description))).toEqual([]);
  });

  it("has an example", () => {
    expect(pathsWhere((node) => !Array.isArray(node.examples) || node.examples.length === 0)).toEqual([]);
  });

  it("has a type", () => {
    expect(pathsWhere((node) => typesOf(node).length === 0)).toEqual([]);
  });

  it("is held to a pattern or a choice if it is text", () => {
    const isFree = (node: SchemaNode) => typesOf(node).includes("string") && !node.pattern && !node.enum;
    expect(pathsWhere(isFree)).toEqual([]);
    expect(pathsWhere((node) => node.pattern !== undefined && !/^\^.*\$$/.test(node.pattern))).toEqual([]);
  });

  it("is held to a range if it is a number", () => {
    const isFree = ({ minimum, maximum, enum: choices }: SchemaNode) =>
      !choices && (minimum === undefined || maximum === undefined);
    expect(pathsWhere((node) => typesOf(node).includes("integer") && isFree(node))).toEqual([]);
    expect(pathsWhere((node) => typesOf(node).includes("number"))).toEqual([]);
  });

  it("says which keys there are if it is a mapping", () => {
    const isMapping = (node: SchemaNode) => typesOf(node).includes("object");
    expect(pathsWhere((node) => isMapping(node) && node.additionalProperties === undefined)).toEqual([]);
    expect(pathsWhere((node) => Boolean(node.additionalProperties) && node.propertyNames === undefined)).toEqual([]);
  });

  it("names a code of the catalogue wherever it has a pattern", () => {
    expect(pathsWhere((node) => node.pattern !== undefined && !Object.hasOwn(catalogue, node["x-code"] ?? ""))).toEqual(
      [],
    );
  });

  it("says in words what an editor shows in place of its pattern", () => {
    const messages = NODES.filter(([, node]) => node.pattern).map(([path, node]) => [path, node.patternErrorMessage]);
    expect(messages.length).toBeGreaterThan(20);
    expect(messages.filter(([, message]) => !/^[A-Z].{20,}\.$/.test(message ?? ""))).toEqual([]);
  });

  it("says in words what is expected, unless its type says all", () => {
    const isClear = (node: SchemaNode) => node.enum !== undefined || ["integer", "boolean"].includes(String(node.type));
    expect(pathsWhere((node) => !isClear(node) && node["x-expects"] === undefined)).toEqual([]);
  });

  it.each(NODES)("%s takes its own examples and default", (_, node) => {
    const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
    ajv.addVocabulary(["patternErrorMessage", "x-code", "x-expects", "x-noun"]);
    const check = ajv.compile(node);
    const given = [...node.examples, ...("default" in node ? [node.default] : [])];
    expect(given.filter((example) => !check(example))).toEqual([]);
  });
});

describe("the schema as a whole", () => {
  it("is no deeper than the hint of yaml-too-deep says", () => {
    const levels = NODES.map(([path]) => path.replaceAll("[]", ".[]").split(".").length);
    expect(catalogue["yaml-too-deep"].hint).toContain(" 9 levels");
    expect(Math.max(...levels)).toBeLessThanOrEqual(9);
  });

  it("uses only what the generated validator can do without helpers", () => {
    const text = JSON.stringify(topologySchema);
    for (const keyword of ["minLength", "maxLength", "uniqueItems", "anyOf", "oneOf", "$ref"]) {
      expect.soft(text).not.toContain(`"${keyword}":`);
    }
  });

  it("says of hostDefaults what it says of a host", () => {
    const defaults = topologySchema.properties?.hostDefaults?.properties ?? {};
    const host = (topologySchema.properties?.hosts?.additionalProperties || undefined)?.properties ?? {};
    for (const [key, node] of Object.entries(defaults)) expect.soft(host[key], key).toEqual(node);
    const own = Object.keys(host).filter((key) => !Object.hasOwn(defaults, key));
    const named = /\((.*?)\) cannot stand here/.exec(topologySchema.properties?.hostDefaults?.description ?? "")?.[1];
    expect(named, "the description of hostDefaults names the keys that it has not").toBe(own.join(", "));
  });

  it.each(topologySchema.examples.map((example) => [JSON.stringify(example)]))(
    "has an example without a mistake: %s",
    (text) => {
      const parsed = parseYaml({ name: "topology.yaml", text });
      const validated = parsed.value && validate(parsed.value);
      expect(validated?.diagnostics).toEqual([]);
      expect(validated?.value).toBeDefined();
    },
  );
});
