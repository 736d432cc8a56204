/** What a user gets who installs the package: the archive, the program, the library and its types. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUILD_TIMEOUT_MS, builtPackage, ROOT } from "./built-package.ts";
import { type InstalledPackage, installPackage, reachableFrom } from "./installed-package.ts";

/** Unpacked it has just below 3 MB, in an archive of 0.8: the program with all that it uses, and the documents. */
const MAX_BYTES = 3_000_000;

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
let installed: InstalledPackage;

beforeAll(() => {
  installed = installPackage();
}, BUILD_TIMEOUT_MS);
afterAll(() => installed.remove());

/** Runs a JavaScript program of the user's. */
function runProgram(text: string): string {
  writeFileSync(join(installed.project, "program.js"), text);
  const { status, stdout, stderr } = installed.run(process.execPath, "program.js");
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

describe("the archive", () => {
  const paths = () => installed.archive.files.map(({ path }) => path);

  test("holds the program, the schemas and the documents, and nothing else", () => {
    const known = /^(dist\/(chunks\/)?[a-z-]+\d?(\.generated)?\.js|dist\/([a-z]+\/)*[a-z-]+\.d\.ts|docs\/[a-z-]+\.md)$/;
    expect(
      paths()
        .filter((path) => !known.test(path))
        .sort(),
    ).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist/THIRD-PARTY.txt",
      "package.json",
      "schemas/manifest.schema.json",
      "schemas/topology.schema.json",
    ]);
  });

  test("holds every page of docs/, which the README leads to", () => {
    const pages = readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`);
    expect(pages.filter((page) => !paths().includes(page))).toEqual([]);
  });

  test('has the types that the library needs and no others: "files" of package.json names them', () => {
    const needed = reachableFrom(installed.directory, "dist/index.d.ts", (target) =>
      target.replace(/\.[jt]s$/, ".d.ts"),
    );
    expect(
      paths()
        .filter((path) => path.endsWith(".d.ts"))
        .sort(),
    ).toEqual([...needed].sort());
  });

  test("has no script that nothing imports", () => {
    const used = ["dist/cli.js", "dist/index.js"].flatMap((path) => [...reachableFrom(installed.directory, path)]);
    expect(paths().filter((path) => path.endsWith(".js") && !used.includes(path))).toEqual([]);
  });

  test("is small, and what can be run is the program alone", () => {
    expect(installed.archive.unpackedSize).toBeLessThan(MAX_BYTES);
    expect(installed.archive.unpackedSize).toBeGreaterThan(MAX_BYTES / 3);
    expect(installed.archive.files.filter(({ path }) => /\.map$|node_modules|^\.|\/\./.test(path))).toEqual([]);
  });
});

describe("the program", () => {
  test("can be run as it is built: npx in a checkout makes only the first build so", () => {
    expect(statSync(join(builtPackage(), "dist/cli.js")).mode & 0o111).toBe(0o111);
  });

  test("is what npx runs", () => {
    expect(installed.run("npx", "netgen", "--version")).toEqual({
      status: 0,
      stdout: `${manifest.version}\n`,
      stderr: "",
    });
  });

  test("builds a whole topology", () => {
    const topology = readFileSync(join(ROOT, "fixtures/proxmox/topology.yaml"), "utf8");
    mkdirSync(join(installed.project, "network"));
    writeFileSync(join(installed.project, "network/topology.yaml"), topology);
    const { status, stdout, stderr } = installed.run("npx", "netgen", "build", "network/topology.yaml");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^network\/out: \d+ new, 0 changed, 0 removed, 0 as they were\n$/);
    for (const path of ["roz1/etc/frr/frr.conf", "wro1/etc/wireguard/wg0.conf"]) {
      const expected = readFileSync(join(ROOT, "fixtures/proxmox/expect", path), "utf8");
      expect(readFileSync(join(installed.project, "network/out", path), "utf8")).toBe(expected);
    }
  });
});

describe("package.json", () => {
  test("exports only files that are there", () => {
    const targets = Object.values(manifest.exports as Record<string, string | Record<string, string>>).flatMap(
      (each) => (typeof each === "string" ? [each] : Object.values(each)),
    );
    const paths = [...installed.archive.files.map(({ path }) => `./${path}`)];
    expect(targets).toContain("./dist/index.d.ts");
    expect(targets.filter((target) => !paths.includes(target))).toEqual([]);
  });

  test("names no dependencies, as the program has all that it imports, each with its licence", () => {
    const dist = join(installed.directory, "dist");
    const scripts = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".js"));
    const texts = scripts.map((path) => readFileSync(join(dist, path), "utf8"));
    const targets = texts.flatMap((text) =>
      [...text.matchAll(/(?:^|;|\n)(?:import|import[^"';]*?\bfrom) ?"([^"]+)"/g)].map(([, it]) => it),
    );
    expect(targets).toContain("node:fs");
    expect(targets.filter((target = "") => !/^(\.|node:)/.test(target))).toEqual([]);
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual(["devDependencies"]);

    const notices = readFileSync(join(dist, "THIRD-PARTY.txt"), "utf8");
    const parts = notices.split(/^-{80}$/m).map((part) => part.trim());
    for (const name of [
      "age-encryption",
      "commander",
      "diff",
      "ip-address",
      "nunjucks",
      "tar-stream",
      "tweetnacl",
      "yaml",
    ]) {
      const version = manifest.devDependencies[name];
      expect(
        parts.some((part) => part.includes(`${name} ${version} (`) && part.length > 500),
        name,
      ).toBe(true);
    }
  });
});

describe("the library", () => {
  test("compiles a topology to files, a model and no diagnostics", () => {
    const topology = JSON.stringify(join(ROOT, "fixtures/minimal/topology.yaml"));
    const found = runProgram(`
      import { readFileSync } from "node:fs";
      import { compile, contentOf } from "netgen";
      const { files, model, diagnostics } = compile({ name: "t", text: readFileSync(${topology}, "utf8") });
      const wireguard = files.find(({ path }) => path === "alpha/etc/wireguard/wg0.conf");
      console.log(JSON.stringify({
        paths: files.map(({ path }) => path),
        empty: files.filter((file) => contentOf(file).length === 0).length,
        keys: Object.keys(wireguard),
        text: Buffer.from(contentOf(wireguard)).toString(),
        hosts: model.hosts.map(({ name }) => name),
        diagnostics,
      }));
    `);
    const { paths, empty, keys, text, hosts, diagnostics } = JSON.parse(found);
    expect([empty, hosts, diagnostics]).toEqual([0, ["alpha", "beta"], []]);
    expect(paths.length).toBeGreaterThan(10);
    expect([...keys].sort()).toEqual(["after", "content", "group", "mode", "owner", "path"]);
    expect(text).toBe(readFileSync(join(ROOT, "fixtures/minimal/expect/alpha/etc/wireguard/wg0.conf"), "utf8"));
  });

  test("takes public keys, and gives diagnostics in place of files without them", () => {
    const found = runProgram(`
      import { compile, renderJson, renderText } from "netgen";
      const text = "netgen: 1\\nname: x\\nwireguard: {addresses: [10.0.0.0/24]}\\nhosts: {a: {id: 1}}\\n";
      const without = compile({ name: "t", text });
      const key = "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s=";
      const withKey = compile({ name: "t", text }, { publicKeys: { a: key } });
      console.log(JSON.stringify([
        without.files.length, without.diagnostics.map(({ code }) => code),
        renderText({ name: "t", text }, without.diagnostics).split("\\n")[0],
        JSON.parse(renderJson({ name: "t", text }, without.diagnostics)).code,
        withKey.files.length > 0, withKey.diagnostics.length,
      ]));
    `);
    const first = "t:4:9: error[public-key-missing]: a has no public key";
    expect(JSON.parse(found)).toEqual([0, ["public-key-missing"], first, "public-key-missing", true, 0]);
  });

  test("exports these names", () => {
    const names = JSON.parse(runProgram(`console.log(JSON.stringify(Object.keys(await import("netgen")).sort()));`));
    expect(names).toEqual(["compile", "contentOf", "renderJson", "renderText"]);
  });

  test("gives its schemas and its package.json by their names", () => {
    const found = runProgram(`
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      const { version } = require("netgen/package.json");
      const titles = ["topology", "manifest"].map((name) => require("netgen/schemas/" + name + ".schema.json").title);
      console.log(JSON.stringify([...titles, version]));
    `);
    expect(JSON.parse(found)).toEqual(["netgen topology", "netgen manifest, version 1", manifest.version]);
  });

  test("does not let anyone import what it does not export", () => {
    expect(() => runProgram(`import "netgen/dist/keys/store.js";`)).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });

  test("opens no file and starts no timer when it is imported", () => {
    const found = runProgram(`
      import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      const opened = [];
      const { readFileSync } = fs;
      fs.readFileSync = (...args) => { opened.push(String(args[0])); return readFileSync(...args); };
      syncBuiltinESMExports();
      const { compile } = await import("netgen");
      compile({ name: "t", text: "netgen: 1" });
      console.log(JSON.stringify([opened.filter((path) => !/\\.(c|m)?js$|package\\.json$/.test(path)), process.getActiveResourcesInfo().filter((each) => each === "Timeout")]));
    `);
    expect(JSON.parse(found)).toEqual([[], []]);
  });

  test("is there for CommonJS where Node can require modules, and says so where it cannot", () => {
    writeFileSync(join(installed.project, "old.cjs"), 'console.log(typeof require("netgen").compile);\n');
    const { status, stdout, stderr } = installed.run(process.execPath, "old.cjs");
    if (process.features.require_module) expect([status, stdout]).toEqual([0, "function\n"]);
    else expect([status, stderr]).toEqual([1, expect.stringContaining("ERR_REQUIRE_ESM")]);
    writeFileSync(
      join(installed.project, "new.cjs"),
      'import("netgen").then((it) => console.log(typeof it.compile));\n',
    );
    expect(installed.run(process.execPath, "new.cjs").stdout).toBe("function\n");
  });
});

describe("the types", () => {
  const RESOLUTIONS = [
    ["node16", "node16"],
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ];

  /** What the compiler says of a user's program, as strict as it can be, where only ECMAScript's own types are known. */
  function check(text: string, [module = "", resolution = ""]: readonly string[]): string {
    writeFileSync(join(installed.project, "user.ts"), text);
    const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
    const language = ["--target", "es2023", "--lib", "es2023", "--ignoreConfig"];
    const modules = ["--module", module, "--moduleResolution", resolution];
    const strict = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
    return installed.run(process.execPath, compiler, ...strict, ...modules, ...language, "user.ts").stdout;
  }

  const USES = `import { compile, contentOf, renderText } from "netgen";
import type { Code, Compilation, CompileOptions, Diagnostic, Network, OutputFile, Source } from "netgen";

const source: Source = { name: "t", text: "" };
const options: CompileOptions = { publicKeys: { alpha: "" } };
const result: Compilation = compile(source, options);
export const text: string = renderText(source, result.diagnostics);
export const first: OutputFile | undefined = result.files[0];
export const bytes: readonly Uint8Array[] = result.files.map(contentOf);
export const hosts: readonly string[] = result.model?.hosts.map((host) => host.name) ?? [];
export const codes: readonly Code[] = result.diagnostics.map(({ code }: Diagnostic) => code);
export const names = (network: Network): readonly string[] => network.hosts.map(({ name }) => name);
`;
  const ABUSES = [
    "compile({ name: 7, text: '' });",
    "compile({ name: 't' });",
    "compile(source, { privateKeys: {} });",
    "const lines: string = result.files;",
    "result.files[0].path;",
    "result.diagnostics.push(result.diagnostics[0]!);",
    "const code: Code = 'no-such-code';",
  ];

  test.each(RESOLUTIONS)("hold with module %s and resolution %s, and refuse what is wrong", (...resolution) => {
    const refused = ABUSES.map((line) => `// @ts-expect-error\n${line}\n`).join("");
    expect(check(USES + refused, resolution)).toBe("");
    // Not because nothing is known of the package at all.
    expect(check(USES + ABUSES[0], resolution)).toContain("Type 'number' is not assignable to type 'string'");
  });
});
