/** What a user gets who installs the package. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUILD_TIMEOUT_MS, type BuiltPackage, buildPackage, ROOT } from "./built-package.ts";

let built: BuiltPackage;

beforeAll(() => {
  built = buildPackage();
}, BUILD_TIMEOUT_MS);
afterAll(() => built.remove());

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Runs a program of a user's inside the package's own scope, where its name leads to its exports. */
function runProgram(text: string): string {
  const path = join(built.directory, "program.mjs");
  writeFileSync(path, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

describe("the archive", () => {
  function packed(): readonly string[] {
    // Without scripts: `prepare` would build a second time.
    const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const { stdout } = spawnSync("npm", args, { cwd: built.directory, encoding: "utf8" });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    return files.map(({ path }) => path);
  }

  test("holds the compiled program, the schema and the documents, and nothing else", () => {
    const paths = packed();
    const known = /^(dist\/.*\.(js|d\.ts)|schemas\/topology\.schema\.json|docs\/.*\.md)$/;
    const others = paths.filter((path) => !known.test(path));
    expect([...others].sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    const needed = ["dist/cli.js", "dist/index.js", "dist/index.d.ts", "schemas/topology.schema.json"];
    expect(needed.filter((path) => !paths.includes(path))).toEqual([]);
  });

  test("holds no source and no test", () => {
    const sources = packed().filter((path) =>
      /(^|\/)(test|src|fixtures|templates)\/|\.test\.|(?<!\.d)\.ts$/.test(path),
    );
    expect(sources).toEqual([]);
  });
});

describe("package.json", () => {
  test("names a program that has a shebang and runs", () => {
    const path = join(built.directory, manifest.bin.netgen);
    expect(readFileSync(path, "utf8").split("\n")[0]).toBe("#!/usr/bin/env node");
    const { status, stdout } = spawnSync(process.execPath, [path, "--version"], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, `${manifest.version}\n`]);
  });

  test("exports only files that are there", () => {
    const targets = Object.values(manifest.exports as Record<string, string | Record<string, string>>).flatMap(
      (each) => (typeof each === "string" ? [each] : Object.values(each)),
    );
    expect(targets).toContain("./dist/index.d.ts");
    expect(targets.filter((target) => !existsSync(join(built.directory, target)))).toEqual([]);
  });

  test("names as dependencies what the program imports, each at one version, and no more", () => {
    const dist = join(built.directory, "dist");
    const scripts = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".js"));
    const targets = scripts.flatMap((path) =>
      [...readFileSync(join(dist, path), "utf8").matchAll(/^(?:import |.* from )"([^"]+)";$/gm)].map(
        ([, target]) => target as string,
      ),
    );
    const packages = targets.filter((target) => !/^(\.|node:)/.test(target)).map((target) => target.split("/")[0]);
    expect([...new Set(packages)].sort()).toEqual(Object.keys(manifest.dependencies).sort());
    const versions = Object.values(manifest.dependencies as Record<string, string>);
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
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
    expect([...keys].sort()).toEqual(["content", "group", "mode", "owner", "path"]);
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

  test("gives its schema and its package.json by their names", () => {
    const found = runProgram(`
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      const { version } = require("netgen/package.json");
      console.log(JSON.stringify([require("netgen/schemas/topology.schema.json").type, version]));
    `);
    expect(JSON.parse(found)).toEqual(["object", manifest.version]);
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

  test("has types that a user's program can be checked against", () => {
    const check = (name: string, text: string): { readonly status: number | null; readonly stdout: string } => {
      const path = join(built.directory, name);
      writeFileSync(path, text);
      const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
      const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023", "--ignoreConfig"];
      return spawnSync(process.execPath, [compiler, ...flags, path], { encoding: "utf8" });
    };
    const uses = `import { compile, contentOf, type Compilation, type Diagnostic, type OutputFile } from "netgen";
const result: Compilation = compile({ name: "t", text: "" }, { publicKeys: {} });
export const files: readonly OutputFile[] = result.files;
export const bytes: readonly Uint8Array[] = files.map(contentOf);
export const codes: readonly Diagnostic["code"][] = result.diagnostics.map(({ code }) => code);
`;
    expect(check("good.ts", uses)).toMatchObject({ status: 0, stdout: "" });
    const abuses = `import { compile } from "netgen";\nexport const text: string = compile({ name: 7 }).files;\n`;
    expect(check("bad.ts", abuses).stdout).toContain("error TS");
  });
});
