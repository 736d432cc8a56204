/** There and back again: what netgen built, imported from its files of WireGuard alone, and booted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { CLI, runNetgen } from "../netgen.ts";
import { forNow } from "../proofs.ts";
import { brokenIn, runLab } from "./netgen-lab.ts";

/** The files of WireGuard as hosts have them, one directory for each. */
function writeTree(directory: string, name: string): void {
  const fixture = must(
    listFixtures().find((each) => each.name === name),
    "there is such a fixture",
  );
  const { files } = compile(sourceOf(fixture));
  for (const file of files.filter(({ path }) => /\/etc\/wireguard\/[^/]+\.conf$/.test(path))) {
    mkdirSync(join(directory, dirname(file.path)), { recursive: true });
    writeFileSync(join(directory, file.path), Buffer.concat(file.content));
  }
}

/** One of each kind that files of WireGuard tell apart; test/import.test.ts goes there and back with all, by the model. */
const KINDS = [
  ...["minimal", "hub-and-spoke", "relay", "links", "dual-stack", "ipv6-only", "several-prefixes"],
  // A LAN's jumbo frames beside the internet, names, forwarded ports, nested prefixes, a second endpoint.
  ...["jumbo", "kubernetes", "proxmox", "nested", "pods-hub"],
];
const FIXTURES_HERE = forNow(KINDS, (name) => name === "minimal", "fixtures that are imported and booted");

test.each(FIXTURES_HERE)("what %s has is imported, and keeps its promises", { timeout: 600_000 }, async (name) => {
  const directory = mkdtempSync(join(tmpdir(), "netgen-import-"));
  try {
    writeTree(directory, name);
    expect(runNetgen(directory, ["import", ".", "-o", "topology.yaml"])).toMatchObject({ status: 0 });
    const lab = await runLab(CLI, [join(directory, "topology.yaml")]);
    expect(brokenIn(lab)).toEqual([]);
    expect(lab, lab.said).toMatchObject({ status: 0 });
    expect(lab.proven.length).toBeGreaterThan(5);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
