import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test as it } from "vitest";
import { isTreePath, type Manifest, type ManifestFile, parseManifest } from "../src/write/manifest.ts";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { listFixtures } from "./fixtures.ts";
import { runNetgen } from "./netgen.ts";
import { fc, test as property } from "./property.ts";

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly propertyNames?: Node;
}

const SCHEMA = JSON.parse(readFileSync(join(ROOT, "schemas/manifest.schema.json"), "utf8")) as Node & {
  readonly $schema: string;
  readonly $id: string;
};
// Strict: a misspelt keyword of the schema is an error here, not a rule that never applies.
const validate = new Ajv({ strict: true, allErrors: true }).compile(SCHEMA);
const isValid = (value: unknown): boolean => validate(value) as boolean;
const isParsed = (value: unknown): boolean => parseManifest(JSON.stringify(value)) !== undefined;

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "netgen-manifest-"));
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

const netgen = (...args: readonly string[]) => runNetgen(home, args);

/** Builds a topology; the manifest that then stands there. */
function manifestOf(topology: string, directory: string, ...args: readonly string[]): Manifest {
  expect(netgen("build", topology, "-o", directory, ...args)).toMatchObject({ status: 0 });
  return JSON.parse(readFileSync(resolve(home, directory, "manifest.json"), "utf8"));
}

const fixture = (name: string): string => join(ROOT, "fixtures", name, "topology.yaml");

/** Every property that the schema describes, by its path. */
function nodesOf(node: Node, path: string): readonly (readonly [string, Node])[] {
  const { properties = {}, items, additionalProperties: others, propertyNames } = node;
  return [
    [path, node],
    ...Object.entries(properties).flatMap(([key, each]) => nodesOf(each, `${path}.${key}`)),
    ...(items === undefined ? [] : nodesOf(items, `${path}[]`)),
    ...(typeof others === "object" ? nodesOf(others, `${path}.HOST`) : []),
    ...(propertyNames === undefined ? [] : nodesOf(propertyNames, `${path}.(name)`)),
  ];
}

describe("the schema", () => {
  it("has the draft of the topology's, and its version in its name", () => {
    const topology = JSON.parse(readFileSync(join(ROOT, "schemas/topology.schema.json"), "utf8"));
    expect([SCHEMA.$schema, SCHEMA.$id]).toEqual([topology.$schema, "urn:netgen:schema:manifest:1"]);
  });

  it("describes every property in a sentence", () => {
    const nodes = nodesOf(SCHEMA, "manifest");
    expect(nodes.length).toBeGreaterThan(12);
    expect(nodes.filter(([, { description = "" }]) => !/^[A-Z].*\.$/.test(description)).map(([path]) => path)).toEqual(
      [],
    );
  });

  it("is what netgen schema manifest prints; without a word it is still the topology's", () => {
    const { status, stdout, stderr } = netgen("schema", "manifest");
    expect([status, JSON.parse(stdout), stderr]).toEqual([0, SCHEMA, ""]);
    expect(netgen("schema")).toEqual(netgen("schema", "topology"));
    expect(JSON.parse(netgen("schema").stdout).title).toBe("netgen topology");
    expect(netgen("schema", "model")).toMatchObject({ status: 2, stdout: "" });
  });
});

const scenarios = listFixtures()
  .filter(({ kind }) => kind === "scenario")
  .map(({ name }) => name);

describe.each(scenarios)("the manifest of %s", (name) => {
  let manifest: Manifest;
  beforeAll(() => {
    manifest = manifestOf(fixture(name), name);
  });

  it("is one by the schema and by the parser", () => {
    isValid(manifest);
    expect(validate.errors).toBeNull();
    expect(parseManifest(JSON.stringify(manifest))).toEqual(manifest);
  });

  it("has what the schema names and no more", () => {
    const keys = (...path: readonly string[]) => {
      const node = path.reduce<Node>((each, step) => (each as never)[step], SCHEMA);
      return Object.keys(node.properties ?? {}).sort();
    };
    expect(Object.keys(manifest).sort()).toEqual(keys());
    const hosts = Object.values(manifest.hosts).map((each) => Object.keys(each));
    expect(hosts.filter((each) => `${each}` !== `${keys("properties", "hosts", "additionalProperties")}`)).toEqual([]);
    const files = manifest.files.map((each) => Object.keys(each).sort());
    // One that got to its end knows no earlier bytes.
    const ofFile = keys("properties", "files", "items").filter((key) => key !== "before");
    expect(files.filter((each) => `${each}` !== `${ofFile}`)).toEqual([]);
  });

  it("keeps what its descriptions promise: sorted, each file once, every host listed", () => {
    const paths = manifest.files.map(({ path }) => path);
    expect(paths).toEqual([...new Set(paths)].sort());
    expect([...new Set(paths.map((path) => path.split("/")[0]))]).toEqual(Object.keys(manifest.hosts).sort());
    for (const { enable } of Object.values(manifest.hosts)) expect(enable).toEqual([...enable].sort());
  });
});

it("the manifest of a build of one host alone is one too", () => {
  const whole = manifestOf(fixture("minimal"), "part");
  expect(isValid(manifestOf(fixture("minimal"), "part", "--hosts", "beta"))).toBe(true);
  rmSync(join(home, "part"), { recursive: true });
  const beta = manifestOf(fixture("minimal"), "part", "--hosts", "beta");
  expect([isValid(beta), Object.keys(beta.hosts)]).toEqual([true, ["beta"]]);
  expect(beta.files).toEqual(whole.files.filter(({ path }) => path.startsWith("beta/")));
});

// ── What is no manifest ─────────────────────────────────────────────────────────────────────────────────────────────

const FILE: ManifestFile = {
  path: "alpha/etc/systemd/network/20-netgen-vx100.netdev",
  mode: "0644",
  owner: "root",
  group: "root",
  sha256: "0".repeat(64),
  after: ["networkctl delete vx100", "networkctl reload"],
};
const MANIFEST: Manifest = { netgenManifest: 1, name: "x", hosts: { alpha: { enable: [] } }, files: [FILE] };
const withFile = (change: object) => ({ ...MANIFEST, files: [{ ...FILE, ...change }] });
const without = (value: object, key: string) =>
  Object.fromEntries(Object.entries(value).filter(([each]) => each !== key));

describe("what is none", () => {
  it("differs from this one, which is", () => {
    expect([isValid(MANIFEST), isParsed(MANIFEST)]).toEqual([true, true]);
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["an empty object", {}],
    ["another version", { ...MANIFEST, netgenManifest: 2 }],
    ["a version as text", { ...MANIFEST, netgenManifest: "1" }],
    ...["netgenManifest", "name", "hosts", "files"].map(
      (key) => [`no ${key}`, without(MANIFEST, key)] as [string, unknown],
    ),
    ...Object.keys(FILE).map(
      (key) => [`a file without ${key}`, { ...MANIFEST, files: [without(FILE, key)] }] as [string, unknown],
    ),
    ...Object.keys(FILE).map((key) => [`a number for a file's ${key}`, withFile({ [key]: 7 })] as [string, unknown]),
    ["hosts as a list", { ...MANIFEST, hosts: [] }],
    ["files by name", { ...MANIFEST, files: {} }],
    ["a command that is no text", withFile({ after: [7] })],
  ])("%s: neither for the schema nor for the parser", (_, value) => {
    expect([isValid(value), isParsed(value)]).toEqual([false, false]);
  });

  // The parser reads back what netgen wrote; what nobody may rely on only the schema holds.
  it.each([
    ["a number for a mode's digits", withFile({ mode: "644" })],
    ["a mode with a set-user bit", withFile({ mode: "4755" })],
    ["an owner with a space", withFile({ owner: "root x" })],
    ["a group as a number", withFile({ group: "0" })],
    ["a hash in capitals", withFile({ sha256: "A".repeat(64) })],
    ["a command with something for a shell", withFile({ after: ["networkctl delete vx1; reboot"] })],
    ["a command without arguments", withFile({ after: ["reboot"] })],
    ["a name with a line end", { ...MANIFEST, name: "x\ny" }],
    ["a host without units", { ...MANIFEST, hosts: { alpha: {} } }],
    ["a host whose name leads out", { ...MANIFEST, hosts: { "..": { enable: [] } } }],
    ["a unit that is an option", { ...MANIFEST, hosts: { alpha: { enable: ["--now"] } } }],
    ["a unit twice", { ...MANIFEST, hosts: { alpha: { enable: ["a.service", "a.service"] } } }],
  ])("%s: not for the schema", (_, value) => {
    expect(isValid(value)).toBe(false);
  });

  it.each([
    "",
    "manifest.json",
    "alpha",
    "alpha/",
    "/etc/passwd",
    "//etc/passwd",
    "../etc/passwd",
    "alpha/../../etc/passwd",
    "alpha/..",
    "alpha/./etc",
    "./alpha/etc",
    "alpha//etc",
    "alpha/etc/",
    "alpha/e\0tc",
    "alpha/etc/a\nb",
    "alpha/etc/a\tb",
    "alpha/etc/\u001b[2J",
    "..",
    "../..",
  ])("the path %j: neither for the schema nor for the parser", (path) => {
    expect([isValid(withFile({ path })), isParsed(withFile({ path }))]).toEqual([false, false]);
  });

  it.each(["Alpha/etc/x", "-rf/etc/x", ".git/config"])(
    "the path %j, which no build makes: not for the schema",
    (path) => {
      expect(isValid(withFile({ path }))).toBe(false);
    },
  );

  const parts = fc.constantFrom("..", ".", "", "alpha", "etc", "a.b", "..a", "a..", "...", " ", "~", "\0", "C:", "\\");
  property("no path that leaves the tree passes the schema", [fc.array(parts, { maxLength: 5 })], (list) => {
    const path = list.join("/");
    if (isValid(withFile({ path }))) expect(isTreePath(path)).toBe(true);
    if (!isTreePath(path)) expect(isValid(withFile({ path }))).toBe(false);
  });

  const names = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,8}$/).filter((name) => !name.includes(".."));
  property("any host's files in any directory pass both", [names, fc.array(names, { minLength: 1 })], (host, list) => {
    const value = withFile({ path: [host, ...list].join("/") });
    expect([isValid(value), isParsed(value)]).toEqual([true, true]);
  });
});

it("what a later netgen adds within version 1 passes the schema and the parser of today", () => {
  const hosts = { alpha: { enable: [], role: "new" } };
  const value = { ...MANIFEST, made: "new", hosts, files: [{ ...FILE, size: 7 }] };
  expect([isValid(value), isParsed(value)]).toEqual([true, true]);
});

it("a VXLAN device whose file changed goes before networkd reads it; a bridge never goes", () => {
  const { files } = manifestOf(fixture("minimal"), "devices");
  const after = (name: string) => files.find(({ path }) => path === `alpha/etc/systemd/network/${name}`)?.after;
  expect(after("20-netgen-vx100.netdev")).toEqual(["networkctl delete vx100", "networkctl reload"]);
  expect(after("20-netgen-br100.netdev")).toEqual(["networkctl reload"]);
});
