/** What `npm run package` makes, installed and run: it compiles to the bytes that the npm package compiles to. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUILD_TIMEOUT_MS, builtPackage, ROOT, typedPackage } from "../built-package.ts";
import { isEquipped } from "./nft-helpers.ts";

const { version, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const DEB = `netgen_${version}_all.deb`;
const EXECUTABLE = `netgen-${version}-linux-${process.arch}`;
const DAY = 1_700_000_000;

describe.runIf(isEquipped("dpkg", "dpkg-deb"))("a release", () => {
  let home: string;

  function run(program: string, ...args: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: home, encoding: "utf8" });
    return { status, stdout, stderr };
  }

  function succeed(program: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = run(program, ...args);
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: status ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "netgen-release-"));
    const script = join(ROOT, "scripts/package.mjs");
    for (const [umask, name] of [
      ["022", "release"],
      ["077", "again"],
    ] as const) {
      const line = `umask ${umask}; SOURCE_DATE_EPOCH=${DAY} exec "$0" "$@"`;
      succeed("sh", "-c", line, process.execPath, script, join(home, name), typedPackage());
    }
    cpSync(join(ROOT, "fixtures/proxmox/topology.yaml"), join(home, "topology.yaml"));
    succeed(process.execPath, join(builtPackage(), "dist/cli.js"), "build", "topology.yaml", "-o", "expected");
  }, 2 * BUILD_TIMEOUT_MS);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const hashOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

  /** Has a program compile the topology, and compares every file. */
  function expectSameTree(program: string, output: string): void {
    expect(run(program, "build", "topology.yaml", "-q", "-o", output)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(run("diff", "-r", "expected", output)).toEqual({ status: 0, stdout: "", stderr: "" });
  }

  test("is the same bytes again, with another umask", () => {
    const names = readdirSync(join(home, "release")).sort();
    expect(names).toEqual(["THIRD-PARTY.txt", EXECUTABLE, `${EXECUTABLE}.cdx.json`, DEB, `${DEB}.cdx.json`].sort());
    const hashes = (directory: string) => names.map((name) => `${name} ${hashOf(join(home, directory, name))}`);
    expect(hashes("again")).toEqual(hashes("release"));
  });

  test("as a Debian package is root's, of the day that was given, and needs the Node.js of package.json", () => {
    const lines = succeed("dpkg-deb", "--contents", join("release", DEB)).trimEnd().split("\n");
    const day = new Date(DAY * 1000).toISOString().slice(0, 10);
    expect(lines.length).toBeGreaterThan(40);
    expect(lines.filter((line) => !/^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|l[rwx]{9}) root\/root /.test(line))).toEqual([]);
    expect(lines.filter((line) => !line.includes(` ${day} `))).toEqual([]);
    expect(lines.filter((line) => /^-..x/.test(line)).map((line) => line.split(" ").at(-1))).toEqual([
      "./usr/lib/netgen/dist/cli.js",
    ]);
    const fieldOf = (name: string): string => succeed("dpkg-deb", "--field", join("release", DEB), name).trim();
    expect(fieldOf("Depends")).toBe("nodejs (>= 20.12)");
    expect(fieldOf("Version")).toBe(version);
    expect(statSync(join(home, "release", DEB)).size).toBeLessThan(700_000);
  });

  test("as a Debian package, installed, compiles to the same bytes, and leaves nothing when it goes", () => {
    const root = join(home, "root");
    for (const name of ["info", "updates"]) mkdirSync(join(root, "var/lib/dpkg", name), { recursive: true });
    // Node.js is this machine's, which the root knows nothing of.
    const dpkg = (...args: readonly string[]) =>
      succeed("dpkg", `--root=${root}`, "--force-depends", "--force-script-chrootless", ...args);
    dpkg("--install", join("release", DEB));
    const program = join(root, "usr/bin/netgen");
    expect(run(program, "--version").stdout).toBe(`${version}\n`);
    expectSameTree(program, "from-deb");
    const completion = readFileSync(join(root, "usr/share/bash-completion/completions/netgen"), "utf8");
    expect(completion).toBe(run(program, "completion", "bash").stdout);
    dpkg("--remove", "netgen");
    expect(readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => /netgen$/.test(path))).toEqual([]);
  });

  test("as an executable compiles to the same bytes without any Node.js, says what is wrong, and has no lab", () => {
    const program = join(home, "release", EXECUTABLE);
    expect(run("env", "-i", program, "--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
    expectSameTree(program, "from-executable");
    expect(run(program, "build", "none.yaml")).toMatchObject({ status: 2, stdout: "" });
    expect(run(program, "biuld").stderr).toContain("unknown command 'biuld'");
    const lab = run(program, "lab", "topology.yaml");
    expect([lab.status, lab.stdout]).toEqual([2, ""]);
    expect(lab.stderr).toContain("the executable has no lab");
  });

  interface Bill {
    readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
  }

  test("lists what is bundled: the packages whose licences stand with it, each of the version here, and no tool", () => {
    const read = (name: string) => JSON.parse(readFileSync(join(home, "release", name), "utf8")) as Bill;
    const { components } = read(`${DEB}.cdx.json`);
    const notices = readFileSync(join(home, "release/THIRD-PARTY.txt"), "utf8");
    const licensed = [...notices.matchAll(/(?:^|-{80}\n\n)(?:netgen is .*\n\n)?(\S+ \S+) \(\S+\)$/gm)].map(
      ([, it]) => it,
    );
    expect(components.map((each) => `${each.name} ${each.version}`)).toEqual(licensed);
    for (const { name, version: own, purl } of components) {
      const { version: here } = JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
      expect([own, purl]).toEqual([here, `pkg:npm/${name.replace("@", "%40")}@${here}`]);
    }
    const names = components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["commander", "yaml", "nunjucks", "tar-stream", "streamx"]));
    const tools = ["vitest", "rolldown", "typescript", "postject", "ajv"];
    expect(tools.filter((name) => name in devDependencies && names.includes(name))).toEqual([]);
    const whole = read(`${EXECUTABLE}.cdx.json`).components;
    expect(whole.slice(0, -1)).toEqual(components);
    expect(whole.at(-1)?.purl).toBe(`pkg:generic/nodejs@${process.versions.node}`);
  });
});
