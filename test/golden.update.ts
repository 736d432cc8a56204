/** Rewrites all that the golden tests compare. The diff it makes is what a reviewer reads. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { DIAGNOSTICS, EXPECT, FIXTURES, listFixtures, MODEL, runFixture } from "./fixtures.ts";

test("every fixture's directory holds what its topology compiles to", () => {
  expect(process.env.CI, "CI compares; it never rewrites what it compares with").toBeFalsy();
  for (const fixture of listFixtures()) {
    // Compiled first: a defect that throws must not leave an empty directory behind.
    const { results } = runFixture(fixture);
    for (const name of [EXPECT, MODEL, DIAGNOSTICS]) {
      rmSync(`${fixture.directory}/${name}`, { recursive: true, force: true });
    }
    for (const [path, text] of results) {
      mkdirSync(dirname(`${fixture.directory}/${path}`), { recursive: true });
      writeFileSync(`${fixture.directory}/${path}`, text);
    }
  }
  process.stdout.write(execFileSync("git", ["diff", "--stat", "--", FIXTURES], { encoding: "utf8" }));
});
