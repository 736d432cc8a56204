/** Who may import whom. A line that needs a change here is a line in the wrong room. */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const src = fileURLToPath(new URL("../src", import.meta.url));

/** Each room and what it may import besides itself; `types` where only `import type` is meant. */
const ROOMS: Readonly<Record<string, { readonly values: readonly string[]; readonly types?: readonly string[] }>> = {
  base: { values: [] },
  parse: { values: ["base"] },
  model: { values: ["base"] },
  topology: { values: ["base", "model"] },
  validate: { values: ["base", "parse"], types: ["model", "topology"] },
  laws: { values: ["base", "model", "topology"] },
  resolve: { values: ["base", "model", "topology"] },
  checks: { values: ["base", "model"] },
  emit: { values: ["base", "model"] },
  write: { values: ["base", "emit"] },
  "compile.ts": { values: ["base", "parse", "validate", "laws", "resolve", "model", "checks", "emit"] },
  keys: { values: ["base", "write"] },
  deliver: { values: ["base", "compile.ts", "emit", "model", "write"] },
  import: { values: ["base", "compile.ts", "parse", "validate"], types: ["model"] },
  edit: { values: ["base", "compile.ts", "parse", "validate"] },
  report: { values: ["base", "model", "compile.ts", "ways"], types: ["write"] },
  ways: { values: ["base", "model"] },
  lab: { values: ["base", "emit", "model", "ways"] },
  commands: {
    values: [
      "base",
      "compile.ts",
      "deliver",
      "edit",
      "import",
      "keys",
      "lab",
      "model",
      "parse",
      "report",
      "validate",
      "ways",
      "write",
    ],
    types: ["emit"],
  },
  "index.ts": { values: ["base", "compile.ts", "emit"], types: ["model"] },
  "cli.ts": { values: ["base", "commands", "compile.ts"], types: ["model"] },
};

/** Rooms within rooms, and the files beside them: what is below comes first, and imports nothing of what comes after it. */
const ROOMS_WITHIN: Readonly<Record<string, readonly string[]>> = {
  report: [
    "github.ts",
    "lan.ts",
    "markup.ts",
    "model.ts",
    "ovn.ts",
    "kubernetes.ts",
    "mtu.ts",
    "mtu-text.ts",
    "proof.ts",
    "rollout-files.ts",
    "rollout-load.ts",
    "rollout.ts",
    "sarif.ts",
    "trace.ts",
    "what-if.ts",
    "leaving.ts",
    "draw",
    "describe",
    "page",
  ],
  lab: ["plan", "machine", "measure", "life", "prove", "prove.ts", "report.ts", "run.ts"],
  resolve: [
    "hosts",
    "joins",
    "tunnels",
    "subnets",
    "bgp",
    "prefixes.ts",
    "lans.ts",
    "unreachable.ts",
    "egress.ts",
    "dynamic-class.ts",
    "kubernetes.ts",
    "assemble.ts",
    "resolve.ts",
  ],
};

/** Packages, and the one file or room of each that knows it. */
const OWNERS: Readonly<Record<string, string>> = {
  commander: "cli.ts commands",
  "age-encryption": "keys/age.ts",
  diff: "deliver/diff.ts",
  "tar-stream": "deliver/tar.ts",
  "fastest-levenshtein": "validate/suggest.ts",
  "ip-address": "base/ip.ts",
  "nunjucks/browser/nunjucks-slim.min.js": "emit/template.ts",
  picocolors: "commands",
  tweetnacl: "keys/keypair.ts",
  uqr: "commands/qr.ts",
  yaml: "parse edit",
};

/** Rooms that know the process, the disk and the console. */
const MACHINE_ROOMS = new Set(["cli.ts", "commands", "deliver", "keys", "lab", "write"]);

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isType: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts") && !path.endsWith(".generated.ts"));

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(src, file), "utf8");
  const statements = text.matchAll(/^(?:import|export)\s(type\s)?[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm);
  return [...statements].map(([, type, from, bare]) => ({
    file,
    target: from ?? bare ?? "",
    isType: type !== undefined,
  }));
}

const imports = files.flatMap(importsOf);
const relative = imports.filter(({ target }) => target.startsWith("."));
const roomOf = (path: string): string => path.split("/")[0] ?? path;
const targetPath = ({ file, target }: Import): string => posix.normalize(posix.join(dirname(file), target));

test("every room is in the table, and every room in the table is there", () => {
  expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(ROOMS).sort());
});

test("there is something to look at", () => {
  expect(relative.length).toBeGreaterThan(files.length);
  expect(imports.some(({ target }) => target === "yaml")).toBe(true);
});

describe.each(Object.entries(ROOMS))("%s", (room, { values, types = [] }) => {
  test("imports nothing that the table does not list", () => {
    const strangers = relative
      .filter(({ file }) => roomOf(file) === room)
      .filter((each) => {
        const target = roomOf(targetPath(each));
        return target !== room && !values.includes(target) && !(each.isType && types.includes(target));
      });
    expect(strangers.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });
});

test("relative imports name a file that is there, with its .ts", () => {
  const known = new Set([...files, ...readdirSync(src, { recursive: true, encoding: "utf8" })]);
  const wrong = relative.filter((each) => !known.has(targetPath(each)) && !targetPath(each).endsWith(".generated.ts"));
  expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
});

test("each package has one owner, and no package comes in unnoticed", () => {
  const isNode = (target: string): boolean => target.startsWith("node:") || builtinModules.includes(target);
  const foreign = imports.filter(({ target }) => !target.startsWith(".") && !isNode(target));
  const wrong = foreign.filter(({ file, target }) => {
    const owners = OWNERS[target]?.split(" ") ?? [];
    return !owners.some((owner) => owner === file || owner === roomOf(file));
  });
  expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
});

test("only the rooms at the edge know Node, and of the lab not what decides what is built", () => {
  const isEdge = (file: string): boolean => MACHINE_ROOMS.has(roomOf(file)) && !file.startsWith("lab/plan/");
  const wrong = imports.filter(({ file, target }) => target.startsWith("node:") && !isEdge(file));
  expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
});

describe.each(Object.entries(ROOMS_WITHIN))("the rooms of %s", (room, order) => {
  const within = (path: string): string => path.split("/")[1] ?? path;
  const own = relative.filter((each) => roomOf(each.file) === room && roomOf(targetPath(each)) === room);

  test("are all in their list, and there", () => {
    const found = new Set(files.filter((file) => roomOf(file) === room).map(within));
    expect([...found].sort()).toEqual([...order].sort());
  });

  test("import what stands before them", () => {
    const wrong = own.filter((each) => order.indexOf(within(targetPath(each))) > order.indexOf(within(each.file)));
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });
});

/** Files that can be reached from themselves, imports of types included. */
function filesInCircles(): readonly string[] {
  const targets = new Map(
    files.map((file) => [file, relative.filter((each) => each.file === file).map(targetPath)] as const),
  );
  const isInCircle = (start: string): boolean => {
    const seen = new Set<string>();
    const waiting = [...(targets.get(start) ?? [])];
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (file === start) return true;
      if (seen.has(file)) continue;
      seen.add(file);
      waiting.push(...(targets.get(file) ?? []));
    }
    return false;
  };
  return files.filter(isInCircle).sort();
}

test("no files need each other in a circle, not even for a type", () => {
  expect(filesInCircles()).toEqual([]);
});

test("no source file is longer than 250 lines", () => {
  const long = files.filter((file) => readFileSync(join(src, file), "utf8").split("\n").length > 251);
  expect(long).toEqual([]);
});
