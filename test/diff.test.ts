/** `netgen diff`: what a build would change, and nothing else. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./built-package.ts";
import { runNetgen } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

let home: string;

eachInNewDirectory((path) => {
  home = path;
  cpSync(join(ROOT, "fixtures/proxmox/topology.yaml"), join(home, "topology.yaml"));
});

const netgen = (...args: readonly string[]) => runNetgen(home, args);

/** Every file of the tree but the manifest, by path. */
function treeOf(directory: string): Readonly<Record<string, string>> {
  const names = readdirSync(join(home, directory), { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile() && entry.name !== "manifest.json");
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(
    paths.map((path) => [path.slice(home.length + directory.length + 2), readFileSync(path, "utf8")]),
  );
}

/** A site that moves, a host that goes and one that comes. */
function changeTopology(): void {
  const text = readFileSync(join(home, "topology.yaml"), "utf8");
  const changed = text
    .replace("wanMtu: 1492", "wanMtu: 1480")
    .replaceAll("roz2", "roz3")
    .replace("vni: 10300", "vni: 10301");
  writeFileSync(join(home, "topology.yaml"), changed);
}

const NOTHING = { status: 0, stdout: "", stderr: "" };

test("after a build there is no difference, and modes are none: git keeps none", () => {
  netgen("build", "topology.yaml");
  expect(netgen("diff", "topology.yaml")).toEqual(NOTHING);
  chmodSync(join(home, "out/roz1/etc/wireguard/wg0.conf"), 0o644);
  expect(netgen("diff", "topology.yaml")).toEqual(NOTHING);
});

test("the patch applied is the build, and nothing was written meanwhile", () => {
  netgen("build", "topology.yaml");
  changeTopology();
  const before = treeOf("out");
  const { status, stdout, stderr } = netgen("diff", "topology.yaml");
  expect([status, stderr, treeOf("out")]).toEqual([1, "", before]);

  netgen("build", "topology.yaml", "-o", "wanted");
  const applied = spawnSync("git", ["apply", "-p1"], { cwd: join(home, "out"), input: stdout, encoding: "utf8" });
  expect([applied.status, applied.stderr]).toEqual([0, ""]);
  expect(treeOf("out")).toEqual(treeOf("wanted"));
});

test("before the first build everything is new", () => {
  const { status, stdout } = netgen("diff", "topology.yaml", "--hosts", "wro1", "--stat");
  expect(status).toBe(1);
  expect(stdout).toMatch(/^ wro1\/etc\/frr\/daemons +\| created \+\d+ -0$/m);
  expect(stdout).not.toContain("roz1/");
  expect(stdout).toMatch(/^ \d+ files, \+\d+ -0$/m);
});

test("--format json has an object for each file, the patch in it unless --stat", () => {
  netgen("build", "topology.yaml");
  changeTopology();
  const objects = (...args: readonly string[]) =>
    netgen("diff", "topology.yaml", "--format", "json", ...args)
      .stdout.trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const whole = objects();
  expect(Object.keys(whole[0] ?? {}).sort()).toEqual(["added", "change", "patch", "path", "removed"]);
  expect(new Set(whole.map((each) => each.change))).toEqual(new Set(["created", "changed", "removed"]));
  expect(objects("--stat")).toEqual(whole.map(({ patch: _, ...counts }) => counts));
});

test("a manifest that alone is behind is a difference", () => {
  netgen("build", "topology.yaml");
  const path = join(home, "out/manifest.json");
  writeFileSync(path, readFileSync(path, "utf8").replace("frr.service", "old.service"));
  const { status, stdout } = netgen("diff", "topology.yaml");
  expect(status).toBe(1);
  expect(stdout).toContain("+++ b/manifest.json");
  expect(stdout.split("\n").filter((line) => /^[-+] /.test(line))).toHaveLength(2);
});

test("what a build would refuse, diff refuses; what has errors has no difference", () => {
  netgen("build", "topology.yaml");
  rmSync(join(home, "out/manifest.json"));
  writeFileSync(join(home, "out/roz1/etc/frr/frr.conf"), "mine\n");
  const refused = netgen("diff", "topology.yaml");
  expect([refused.status, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("! roz1/etc/frr/frr.conf");

  writeFileSync(join(home, "topology.yaml"), "netgen: 1\n");
  const wrong = netgen("diff", "topology.yaml");
  expect([wrong.status, wrong.stdout]).toEqual([1, ""]);
  expect(wrong.stderr).toContain("error[key-missing]");
});

/** What `build --check` says of the files, without its last line. */
function named(...args: readonly string[]) {
  const { status, stdout, stderr } = netgen("build", "topology.yaml", "--check", ...args);
  return { status, stderr, files: stdout.split("\n").slice(0, -2), verdict: stdout.split("\n").at(-2) };
}

test("build --check finds what diff finds, writes nothing, and names the files as a build does", () => {
  netgen("build", "topology.yaml");
  expect(named()).toEqual({ status: 0, stderr: "", files: [], verdict: "out: as a build would write it" });
  changeTopology();
  const before = treeOf("out");
  const stat = netgen("diff", "topology.yaml", "--stat").stdout;
  const expected = { created: "+", changed: "~", removed: "-" };
  const files = [...stat.matchAll(/^ (\S+) +\| (created|changed|removed) /gm)].map(
    ([, path, change]) => `  ${expected[change as keyof typeof expected]} ${path}`,
  );
  const found = named("--hosts", "wro1,roz1");
  expect([found.status, found.stderr, treeOf("out")]).toEqual([1, "", before]);
  expect(found.files.length).toBeGreaterThan(3);
  expect(found.files.filter((line) => !files.includes(line))).toEqual([]);
  const { verdict } = named();
  expect(verdict).toBe(`out: ${files.length} files not as a build would have it; netgen diff shows how`);
  expect(netgen("build", "topology.yaml", "--check", "-q").stdout).toMatch(/^( {2}[+~-] .*\n)+$/);
});

test("build --check tells a manifest that alone is behind, an edit, and refuses where a build would", () => {
  netgen("build", "topology.yaml");
  const path = join(home, "out/manifest.json");
  const manifest = readFileSync(path, "utf8");
  writeFileSync(path, manifest.replace("frr.service", "old.service"));
  expect(named()).toMatchObject({ status: 1, files: ["  ~ manifest.json"] });
  writeFileSync(path, manifest);
  writeFileSync(join(home, "out/roz1/etc/frr/frr.conf"), "mine\n");
  expect(named()).toMatchObject({ status: 1, files: ["  ~ roz1/etc/frr/frr.conf"] });
  rmSync(path);
  expect(netgen("build", "topology.yaml", "--check")).toMatchObject({ status: 2, stdout: "" });
  expect(netgen("build", "topology.yaml", "--check", "--force").stderr).toContain(
    "cannot be used with option '--force'",
  );
  writeFileSync(join(home, "topology.yaml"), "netgen: 1\n");
  expect(netgen("build", "topology.yaml", "--check")).toMatchObject({ status: 1, stdout: "" });
});
