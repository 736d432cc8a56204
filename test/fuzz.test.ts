/**
 * Whole topologies over the language, compiled, and their trees read anew by a reader that knows no line of what wrote them.
 * `FUZZ_RUNS` says how many, `PROPERTY_SEED` which: see src/README.md.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { catalogue } from "../src/base/catalogue.ts";
import { withKeys } from "../src/base/key.ts";
import { type Compilation, compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { isMapping, type SchemaNode, topologySchema } from "../src/validate/place.ts";
import { laws, objections } from "./fuzz/laws.ts";
import { mutants } from "./fuzz/mutants.ts";
import { SPOILT, type Spoilt } from "./fuzz/spoilt.ts";
import { type Topology, topologies } from "./fuzz/topologies.ts";
import type { Tree } from "./fuzz/tree.ts";
import { seed } from "./property.ts";

/** How many of each kind; these take a minute together. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 1000);
/** For each, on a machine that does much else. */
const TIMEOUT_MS = 60_000 + numRuns * 1000;

/** What a device is given, with a key for whoever others share one with, where its wg-quick would look for it. */
function configurationsOf({ configurations, model }: Compilation): Tree {
  const peers = model?.peers.filter(({ hasPresharedKey }) => hasPresharedKey) ?? [];
  const presharedKeys = new Map(peers.map(({ publicKey }) => [publicKey, "preshared"]));
  return new Map(
    Object.entries(configurations).map(([name, text]) => [
      `${name}/etc/wireguard/wg0.conf`,
      withKeys(text, { privateKey: "private", presharedKeys }),
    ]),
  );
}

const treeOf = (compilation: Compilation): Tree =>
  new Map([
    ...compilation.files.map((file) => [file.path, new TextDecoder().decode(contentOf(file))] as const),
    ...configurationsOf(compilation),
  ]);

/** Compiles what must not make the compiler fail, whatever it is; true when it has no mistake. */
function judge(topology: Topology): Compilation | undefined {
  const text = JSON.stringify(topology);
  const compilation = compile({ name: "fuzz.yaml", text });
  for (const { code, span, severity } of compilation.diagnostics) {
    expect(Object.keys(catalogue)).toContain(code);
    expect([code, 0 <= span.start && span.start <= span.end && span.end <= text.length, severity]).toEqual([
      code,
      true,
      catalogue[code].severity,
    ]);
  }
  return compilation.diagnostics.some(({ severity }) => severity === "error") ? undefined : compilation;
}

/** Reads the tree of every topology that compiles. */
function fuzz(arbitrary: fc.Arbitrary<Topology>): void {
  const count = { compiled: 0, all: 0 };
  const check = (topology: Topology): void => {
    const compilation = judge(topology);
    count.all += 1;
    if (compilation === undefined) return;
    count.compiled += 1;
    expect(objections(topology, treeOf(compilation))).toEqual([]);
  };
  fc.assert(fc.property(arbitrary, check), { numRuns, seed });
  console.info(`${count.all} topologies, of which ${count.compiled} compiled and were read`);
  expect(count.compiled).toBeGreaterThan(count.all / 50);
}

describe(`of ${numRuns} topologies`, () => {
  test(
    "each is refused in words of the catalogue, or gives a tree that holds together",
    () => fuzz(topologies),
    TIMEOUT_MS,
  );

  test("each that was changed at random does so as well", () => fuzz(mutants), TIMEOUT_MS);
});

/** Every key that the schema has, as `hosts.*.id`; with a value only those that stand in it. */
function keysIn(schema: SchemaNode, value?: unknown, path = ""): readonly string[] {
  const { properties = {}, additionalProperties, items } = schema;
  const isGiven = value !== undefined;
  const mapping = isMapping(value) ? value : {};
  const inside = (node: SchemaNode | false | undefined, values: readonly unknown[], step: string) =>
    node ? (isGiven ? values : [undefined]).flatMap((each) => keysIn(node, each, `${path}${step}`)) : [];
  const named = Object.entries(properties).filter(([key]) => !isGiven || Object.hasOwn(mapping, key));
  return [
    ...named.flatMap(([key, node]) => [`${path}.${key}`, ...keysIn(node, mapping[key], `${path}.${key}`)]),
    ...inside(additionalProperties, Object.values(mapping), ".*"),
    ...inside(items, Array.isArray(value) ? value : [], "[]"),
  ];
}

/** Keys of hostDefaults are those of a host; what all hosts share is not drawn for these. */
const ALIKE = ["site", "behindNat", "uplink", "lanInterface", "wireguard"].map((key) => `.hostDefaults.${key}`);

test("every key of the language stands in some of them", () => {
  const drawn = new Set(
    fc.sample(topologies, { numRuns: 1000, seed: 1 }).flatMap((each) => keysIn(topologySchema, each)),
  );
  const missing = [...new Set(keysIn(topologySchema))].filter((key) => !drawn.has(key));
  expect(missing, "have test/fuzz/topologies.ts, hosts.ts or subnets.ts draw it").toEqual(ALIKE);
});

describe("the reader", () => {
  const compiled = ({ topology }: Spoilt): Tree => {
    const compilation = compile({ name: "spoilt.yaml", text: JSON.stringify(topology) });
    expect(compilation.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    return treeOf(compilation);
  };

  test.each(SPOILT.map((each) => [each.what, each] as const))("objects to %s", (_, spoilt) => {
    const tree = compiled(spoilt);
    expect(objections(spoilt.topology, tree)).toEqual([]);
    const broken = new Map(tree);
    const path = `${spoilt.host}/etc/${spoilt.file}`;
    const before = tree.get(path) ?? "";
    const after = before.replace(spoilt.from, spoilt.to);
    expect(after, `${path} has ${spoilt.from}`).not.toBe(before);
    broken.set(path, after);
    const found = objections(spoilt.topology, broken).map((each) => each.slice(0, each.indexOf(":")));
    expect(found).toContain(spoilt.law);
  });

  test("has no law that no broken tree breaks", () => {
    expect([...new Set(SPOILT.map(({ law }) => law))].sort()).toEqual(Object.keys(laws).sort());
  });
});
