/** What docs/outputs.md says about the manifest: its example and its fields. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Manifest } from "../src/write/manifest.ts";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { CLI } from "./netgen.ts";

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "netgen-manifest-"));
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

/** Builds a topology; the manifest that then stands there. */
function manifestOf(topology: string, directory: string): Manifest {
  const args = [CLI, "build", topology, "-o", directory];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: home, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(readFileSync(resolve(home, directory, "manifest.json"), "utf8"));
}

const MINIMAL = join(ROOT, "fixtures/minimal/topology.yaml");

const SECTION =
  readFileSync(join(ROOT, "docs/outputs.md"), "utf8")
    .split(/^## /m)
    .find((each) => each.startsWith("The manifest\n")) ?? "";
const blockOf = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(SECTION)?.[1] ?? `no block of ${language}`;

describe("outputs.md", () => {
  test("shows a part of a real manifest", () => {
    const shown = JSON.parse(blockOf("json")) as Manifest;
    const { name, hosts, files } = manifestOf(MINIMAL, "shown");
    expect([shown.name, shown.hosts]).toEqual([name, { alpha: hosts.alpha }]);
    expect(shown.files).toEqual(files.filter(({ path }) => path === shown.files[0]?.path));
  });

  test("names every field", () => {
    const cells = SECTION.split("\n").flatMap((line) => /^\| (`[^|]*`) \|/.exec(line)?.[1] ?? []);
    const shown = cells.join(" ").replace(/[`,]/g, "").replaceAll("files[].", "").split(" ");
    const fields = [
      "netgenManifest",
      "name",
      "hosts.HOST.enable",
      ...Object.keys(manifestOf(MINIMAL, "fields").files[0] ?? {}),
      // In one that a killed build has left.
      "before",
    ];
    expect([...shown].sort()).toEqual([...fields].sort());
  });
});
