/** `netgen diff`: what a build would change, and nothing else. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./built-package.ts";
import { runNetgen } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

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

// ── The plan, and revisions ─────────────────────────────────────────────────────────────────────────────────────────

const git = (...args: readonly string[]) => {
  const who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.net"];
  return spawnSync("git", [...who, ...args], { cwd: home, encoding: "utf8" });
};

function commitAll(message: string): void {
  git("init", "-q");
  git("add", "-A");
  expect(git("commit", "-q", "-m", message).stderr).toBe("");
}

test("--plan says what each host does, in their order, and exits with 1; with nothing to do it says nothing", () => {
  netgen("build", "topology.yaml");
  expect(netgen("diff", "topology.yaml", "--plan")).toEqual(NOTHING);
  changeTopology();
  const before = treeOf("out");
  const { status, stdout, stderr } = netgen("diff", "topology.yaml", "--plan");
  expect([status, stderr, treeOf("out")]).toEqual([1, "", before]);
  const places = [
    "! mtu-lowered: ",
    "! host-gone: roz2 ",
    "\n\n1. roz1\n",
    "\n  run ",
    "\n\n2. roz3\n",
    "\n\n3. wro1\n",
  ];
  const found = places.map((text) => stdout.indexOf(text));
  expect(found.filter((at) => at < 0)).toEqual([]);
  expect(found).toEqual([...found].sort((a, b) => a - b));
  expect(stdout).toContain(
    "systemctl reload wg-quick@wg0.service; interrupts peers whose lines changed (roz2), up to ",
  );
  expect(netgen("diff", "topology.yaml", "--plan", "--hosts", "wro1").stdout).toContain("\n1. wro1\n");
});

test("--plan --format json is one object, in which nothing is left out", () => {
  netgen("build", "topology.yaml");
  changeTopology();
  const plan = JSON.parse(netgen("diff", "topology.yaml", "--plan", "--format", "json").stdout);
  expect(Object.keys(plan)).toEqual(["batches", "hosts", "cautions"]);
  expect(plan.batches).toEqual([["roz1"], ["roz3"], ["wro1"]]);
  const [first] = plan.hosts;
  expect(Object.keys(first)).toEqual(["host", "files", "stops", "starts", "actions", "batch"]);
  expect(first.actions).toContainEqual({
    command: "networkctl delete vx10300",
    interrupts: { what: "what this link carries", atMostMs: null, of: [] },
  });
  expect(first.actions).toContainEqual({ command: "networkctl reload", interrupts: null });
  expect(Object.keys(plan.cautions[0])).toEqual(["kind", "hosts", "interrupts", "first", "last", "text"]);
  expect(plan.cautions[0]).toMatchObject({ kind: "mtu-lowered", interrupts: null });
});

test("--from compares with the topology and the public keys of a revision, by the tree that these compile to", () => {
  const text = readFileSync(join(home, "topology.yaml"), "utf8");
  netgen("build", "topology.yaml");
  commitAll("first");
  expect(netgen("diff", "topology.yaml", "--plan", "--from", "HEAD")).toEqual(NOTHING);
  changeTopology();
  for (const args of [["--plan"], ["--stat"], []]) {
    const onDisk = netgen("diff", "topology.yaml", ...args);
    expect(netgen("diff", "topology.yaml", ...args, "--from", "HEAD")).toEqual(onDisk);
  }
  // A key that moves into keys/ is no change; another one there is.
  const key = /publicKey: "(.*)"/.exec(text)?.[1] ?? "";
  mkdirSync(join(home, "keys"));
  writeFileSync(join(home, "keys/roz1.pub"), `${key}\n`);
  writeFileSync(join(home, "topology.yaml"), text.replace(/ *publicKey: ".*"\n/, ""));
  expect(netgen("diff", "topology.yaml", "--plan", "--from", "HEAD")).toEqual(NOTHING);
  commitAll("second");
  writeFileSync(join(home, "keys/roz1.pub"), `${testPublicKey("another")}\n`);
  expect(netgen("diff", "topology.yaml", "--plan", "--from", "HEAD").stdout).toMatch(/^! key: roz1 has a new key, /);
});

test("--from finds the public keys of a revision whatever git grep is configured to print and to take for a pattern", () => {
  const text = readFileSync(join(home, "topology.yaml"), "utf8");
  const key = /publicKey: "(.*)"/.exec(text)?.[1] ?? "";
  mkdirSync(join(home, "keys"));
  writeFileSync(join(home, "keys/roz1.pub"), `${key}\n`);
  writeFileSync(join(home, "topology.yaml"), text.replace(/ *publicKey: ".*"\n/, ""));
  commitAll("first");
  writeFileSync(join(home, "keys/roz1.pub"), `${testPublicKey("another")}\n`);
  for (const [name, value] of [
    ["lineNumber", "true"],
    ["column", "true"],
    ["fullName", "true"],
    ["patternType", "fixed"],
  ] as const) {
    spawnSync("git", ["-C", home, "config", `grep.${name}`, value]);
    const { stdout } = netgen("diff", "topology.yaml", "--plan", "--from", "HEAD");
    expect(stdout, name).toMatch(/^! key: roz1 has a new key, /);
  }
});

test("--from says what git does not find, and what did not compile then", () => {
  const fails = (...args: readonly string[]) => {
    const { status, stdout, stderr } = netgen("diff", ...args);
    expect(stdout).toBe("");
    return [status, stderr];
  };
  const repository = fails("topology.yaml", "--from", "HEAD");
  expect(repository).toEqual([
    2,
    expect.stringContaining("topology.yaml is in no repository that git opens: not a git"),
  ]);
  writeFileSync(join(home, "notes.txt"), "");
  const text = readFileSync(join(home, "topology.yaml"), "utf8");
  writeFileSync(join(home, "topology.yaml"), text.replace(/^hosts:/m, "hostz:"));
  mkdirSync(join(home, "was.yaml"));
  writeFileSync(join(home, "was.yaml/notes.txt"), "");
  commitAll("first");
  rmSync(join(home, "was.yaml"), { recursive: true });
  writeFileSync(join(home, "topology.yaml"), text);
  for (const [file, revision] of [
    ["new.yaml", "HEAD"],
    // Then a directory.
    ["was.yaml", "HEAD"],
    // All that is not in it.
    ["topology.yaml", "^HEAD"],
  ] as const) {
    writeFileSync(join(home, file), text);
    const said = `there is no ${file} in ${revision}; `;
    expect(fails(file, "--from", revision)).toEqual([2, expect.stringContaining(said)]);
  }
  for (const revision of ["v9", "-n", "HEAD:topology.yaml"]) {
    const said = `netgen: --from: git knows no revision "${revision}" here; `;
    expect(fails("topology.yaml", "--from", revision)).toEqual([2, expect.stringContaining(said)]);
  }
  expect(fails("topology.yaml", "--from", "HEAD")).toEqual([
    1,
    expect.stringMatching(/^HEAD:topology\.yaml:.*error\[key-missing\]/),
  ]);
  expect(fails("-", "--from", "HEAD")).toEqual([2, expect.stringContaining("standard input")]);
  expect(fails("topology.yaml", "--from", "HEAD", "-o", "out")).toEqual([2, expect.stringContaining("name one")]);
  expect(fails("topology.yaml", "--plan", "--stat")).toEqual([2, expect.stringContaining("ask for one")]);
});

test("--from without git says so", () => {
  const { status, stderr } = runNetgen(home, ["diff", "topology.yaml", "--from", "HEAD"], { env: { PATH: home } });
  expect([status, stderr]).toEqual([2, "netgen: --from needs git, and there is none here; install it\n"]);
});
