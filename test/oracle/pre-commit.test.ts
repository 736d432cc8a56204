/** The hooks of docs/ci.md and of .pre-commit-hooks.yaml, run by pre-commit on real commits. Nothing is fetched. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HOOKS_FILE, hooks, hooksText, localConfig } from "../ci-page.ts";
import { CLI } from "../netgen.ts";
import { eachInNewDirectory } from "../new-directory.ts";
import { isEquipped } from "./nft-helpers.ts";

describe.runIf(isEquipped("git", "pre-commit"))("pre-commit", () => {
  let home: string;
  let project: string;

  function run(cwd: string, line: string) {
    const name = { GIT_AUTHOR_NAME: "Ada", GIT_COMMITTER_NAME: "Ada" };
    const email = { GIT_AUTHOR_EMAIL: "ada@example.net", GIT_COMMITTER_EMAIL: "ada@example.net" };
    const place = { HOME: home, PRE_COMMIT_HOME: join(home, "cache"), PATH: `${home}/bin:${process.env.PATH}` };
    const env = { ...process.env, ...name, ...email, ...place };
    const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", line], { cwd, env, encoding: "utf8" });
    return { status, text: `${stdout}${stderr}` };
  }

  function succeed(cwd: string, line: string): void {
    const { status, text } = run(cwd, line);
    if (status !== 0) throw new Error(`${line}: status ${status}\n${text}`);
  }

  eachInNewDirectory((path) => {
    home = path;
    project = join(home, "project");
    for (const name of ["bin", "project", "hooks"]) mkdirSync(join(home, name));
    symlinkSync(CLI, join(home, "bin/netgen"));
    succeed(
      project,
      `git init -q . && netgen init -q topology.yaml && netgen keys generate -q topology.yaml && netgen build -q topology.yaml`,
    );
  });

  /** A commit of all that is there; whether it was made, and what each hook said. */
  function commit(): { readonly isMade: boolean; readonly verdicts: readonly string[] } {
    const { status, text } = run(project, "git add . && git commit -qm all");
    const verdicts = [...text.matchAll(/^(netgen .*?)\.{3,}.*?(Passed|Failed|Skipped)$/gm)];
    return { isMade: status === 0, verdicts: verdicts.map(([, name, verdict]) => `${name}: ${verdict}`) };
  }

  const edit = (path: string, change: (text: string) => string): void => {
    const file = join(project, path);
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };

  /** The hooks of the repository, as pre-commit clones them, but with the netgen that is here. */
  function repositoryConfig(): string {
    writeFileSync(join(home, "hooks", HOOKS_FILE), hooksText().replaceAll("language: node", "language: system"));
    succeed(join(home, "hooks"), "git init -q . && git add . && git commit -qm hooks && git tag v1");
    const ids = hooks().map(({ id }) => ({ id }));
    return JSON.stringify({ repos: [{ repo: join(home, "hooks"), rev: "v1", hooks: ids }] });
  }

  test.each([
    ["the page's own configuration", localConfig],
    ["the hooks of the repository", repositoryConfig],
  ])("%s lets a commit pass that is right, and stops a mistake and a tree that is behind", (_, configuration) => {
    writeFileSync(join(project, ".pre-commit-config.yaml"), configuration());
    succeed(project, "pre-commit install");
    expect(commit()).toEqual({ isMade: true, verdicts: ["netgen check: Passed", "netgen build --check: Passed"] });

    writeFileSync(join(project, "README.md"), "What none of them is about.\n");
    expect(commit()).toEqual({ isMade: true, verdicts: ["netgen check: Skipped", "netgen build --check: Skipped"] });

    // Another topology, in a directory of its own: pre-commit names both.
    succeed(project, "mkdir second && cp -r topology.yaml keys second/");
    edit("topology.yaml", (text) => text.replace(/^name: .*$/m, "name: another"));
    expect(commit()).toEqual({ isMade: false, verdicts: ["netgen check: Passed", "netgen build --check: Failed"] });
    succeed(project, "netgen build -q topology.yaml");
    edit("second/topology.yaml", (text) => text.replace(/id: 2\b/, "id: 1"));
    expect(commit()).toEqual({ isMade: false, verdicts: ["netgen check: Failed", "netgen build --check: Passed"] });
    succeed(project, "cp topology.yaml second/");
    expect(commit()).toEqual({ isMade: true, verdicts: ["netgen check: Passed", "netgen build --check: Passed"] });
  });
});
