/** Rewrites all that the golden tests compare. The diff it makes is what a reviewer reads. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import {
  AFTER,
  APPS,
  commonScripts,
  DIAGNOSTICS,
  EXPECT,
  FIXTURES,
  listFixtures,
  MODEL,
  ownResults,
  type Results,
  runFixture,
  SCRIPTS,
} from "./fixtures.ts";

/** Replaces what stands under these names in a directory. */
function rewrite(directory: string, names: readonly string[], results: Results): void {
  for (const name of names) rmSync(join(directory, name), { recursive: true, force: true });
  for (const [path, text] of results) {
    mkdirSync(dirname(`${directory}/${path}`), { recursive: true });
    writeFileSync(`${directory}/${path}`, text);
  }
}

test("every fixture's directory holds what its topology compiles to", () => {
  expect(process.env.CI, "CI compares; it never rewrites what it compares with").toBeFalsy();
  // All compiled first: a defect that throws must not leave an empty directory behind.
  const outcomes = listFixtures().map((fixture) => ({ fixture, outcome: runFixture(fixture) }));
  const scripts = commonScripts(outcomes.map(({ outcome }) => outcome));
  rewrite(`${FIXTURES}/${SCRIPTS}`, ["."], scripts);
  for (const { fixture, outcome } of outcomes) {
    rewrite(fixture.directory, [EXPECT, MODEL, DIAGNOSTICS, AFTER, APPS], ownResults(outcome, scripts));
  }
  process.stdout.write(execFileSync("git", ["diff", "--stat", "--", FIXTURES], { encoding: "utf8" }));
});
