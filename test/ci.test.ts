/** docs/ci.md: its files are parsed, and every line of shell in them is run on a committed topology, a right one and others. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { blocksBelow, hooks, localConfig } from "./ci-page.ts";
import { type InstalledPackage, installPackage } from "./installed-package.ts";

interface Workflow {
  readonly on: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, string>>;
}

const [workflowText = "", sarifText = ""] = blocksBelow("GitHub");
const workflow = parse(workflowText) as Workflow;
const steps = workflow.jobs.topology?.steps ?? [];
const sarifSteps = parse(sarifText) as readonly Step[];
const script = (parse(blocksBelow("GitLab")[0] ?? "") as { readonly topology: { readonly script: readonly string[] } })
  .topology.script;

const linesOf = (of: readonly Step[]): readonly string[] => of.flatMap(({ run }) => (run === undefined ? [] : [run]));

describe("what is declared", () => {
  test("the hooks of the repository are those of the page, but for where netgen comes from", () => {
    const { repos } = parse(localConfig()) as { readonly repos: readonly { readonly hooks: readonly object[] }[] };
    const local = hooks().map(({ args = [], entry, ...hook }) => {
      const { description: _, ...rest } = hook as typeof hook & { readonly description: string };
      return { ...rest, entry: [entry, ...args].join(" "), language: "system" };
    });
    expect(repos[0]?.hooks).toEqual(local);
    expect(hooks().map(({ language }) => language)).toEqual(["node", "node"]);
  });

  test("what npm pack prints in a clone is the archive's name alone, as pre-commit takes it for that", () => {
    const directory = mkdtempSync(join(tmpdir(), "netgen-clone-"));
    const pack = () => spawnSync("npm", ["pack"], { cwd: directory, encoding: "utf8" }).stdout;
    const manifest = { name: "noisy", version: "1.0.0", scripts: { prepare: "echo built" } };
    writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
    expect(pack()).toContain("built");
    copyFileSync(join(ROOT, ".npmrc"), join(directory, ".npmrc"));
    expect(pack()).toBe("noisy-1.0.0.tgz\n");
    rmSync(directory, { recursive: true });
  });

  test("a hook is given the files that it is about", () => {
    const [check, build] = hooks().map(({ files }) => new RegExp(files));
    expect(["topology.yaml", "a/topology.yaml"].every((path) => check?.test(path))).toBe(true);
    expect(["my-topology.yaml", "topology.yaml.orig", "out/a.yaml"].some((path) => check?.test(path))).toBe(false);
    for (const path of ["topology.yaml", "keys/alpha.pub", "out/alpha/etc/frr/frr.conf", "net/out/manifest.json"]) {
      expect(build?.test(path), path).toBe(true);
    }
    expect(build?.test("README.md")).toBe(false);
  });

  test("the workflow may only read, has its actions pinned, and asks what GitLab's job asks", () => {
    expect(workflow.on).toEqual(["push", "pull_request"]);
    expect(workflow.permissions).toEqual({ contents: "read" });
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.filter((uses) => !/^actions\/[a-z-]+@[0-9a-f]{40}$/.test(uses))).toEqual([]);
    expect(linesOf(steps).map((line) => line.replace(" --format github", ""))).toEqual(script);
  });

  test("the log is uploaded under the name that it is written to, also with errors", () => {
    const [check, upload] = sarifSteps;
    expect(check?.run).toMatch(new RegExp(` > ${upload?.with?.sarif_file}$`));
    expect(upload?.if).toContain("cancelled()");
  });
});

let installed: InstalledPackage;

function run(line: string) {
  return installed.run("bash", "-e", "-o", "pipefail", "-c", line);
}

/** Runs the lines until one fails, as a job does; says which, and what it printed. */
function job(lines: readonly string[]) {
  for (const line of lines) {
    const { status, stdout } = run(line);
    if (status !== 0) return { failed: line, status, stdout };
  }
  return { failed: undefined, status: 0, stdout: "" };
}

const edit = (path: string, change: (text: string) => string): void => {
  const file = join(installed.project, path);
  writeFileSync(file, change(readFileSync(file, "utf8")));
};

const hasGit = spawnSync("git", ["--version"]).status === 0;
if (!hasGit && process.env.CI) throw new Error("these tests need git");

describe.runIf(hasGit)("what is run", () => {
  const CHECK = "npx netgen check topology.yaml";
  const BUILD = "npx netgen build topology.yaml --check";

  beforeAll(() => {
    installed = installPackage();
    const { status, stderr } = run(`
      printf 'node_modules/\\n.cache/\\n' > .gitignore
      npx netgen init -q topology.yaml
      npx netgen keys generate topology.yaml
      npx netgen build topology.yaml
      git init -q .
      git -c core.autocrlf=false add .
      git -c user.name=Ada -c user.email=ada@example.net commit -qm 'A topology and what it compiles to'`);
    if (status !== 0) throw new Error(stderr);
  }, BUILD_TIMEOUT_MS);
  afterAll(() => installed.remove());
  // As a checkout has it: nothing that git does not keep, but what npm ci put there.
  beforeEach(() => {
    run("git checkout -q . && git clean -qfdx -e node_modules -e .cache");
  });

  test("what is committed holds no private key, and passes", () => {
    expect(run("git ls-files").stdout).not.toMatch(/\.(key|psk)$/m);
    expect(job(linesOf(steps)).failed).toBeUndefined();
    expect(job(script).failed).toBeUndefined();
    expect(job(linesOf(sarifSteps)).failed).toBeUndefined();
  });

  test("a mistake fails the check, at its line", () => {
    edit("topology.yaml", (text) => text.replace(/id: 2\b/, "id: 1"));
    const { failed, status, stdout } = job(linesOf(steps).slice(1));
    expect([failed, status]).toEqual([`${CHECK} --format github`, 1]);
    expect(stdout).toMatch(
      /^::error file=topology\.yaml,line=\d+,endLine=\d+,col=\d+,endColumn=\d+,title=id-duplicate::/,
    );
    expect(job(script.slice(1))).toMatchObject({ failed: CHECK, status: 1 });
    expect(job(linesOf(sarifSteps))).toMatchObject({ status: 1 });
    const log = JSON.parse(readFileSync(join(installed.project, "netgen.sarif"), "utf8"));
    expect(log.runs[0].results[0].ruleId).toBe("id-duplicate");
  });

  test("a tree that is behind, or that somebody edited, fails the build", () => {
    edit("topology.yaml", (text) => text.replace(/^name: .*$/m, "name: another"));
    expect(job(script.slice(1))).toMatchObject({ failed: BUILD, status: 1 });
    run("git checkout -q .");
    edit("out/manifest.json", (text) => text.replace("0644", "0600"));
    expect(job(linesOf(steps).slice(1))).toMatchObject({ failed: BUILD, status: 1 });
  });
});

test("the README leads to the page", () => {
  expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain("(docs/ci.md)");
});
