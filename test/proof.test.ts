/** What a lab measured, as a file: the same text comes back, and it is known whether it still speaks of a tree. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { formatProof, hostsApart, isWholeProof, type Proof, parseProof, proofSummary } from "../src/report/proof.ts";
import { hostHashes } from "../src/write/manifest.ts";
import { FIXTURES } from "./fixtures.ts";
import { CLI } from "./netgen.ts";

const kept = {
  kind: "mtu",
  subject: "alpha -> beta",
  promise: "exactly 1412 bytes",
  kept: true,
  measured: "1412 pass",
};

const TOPOLOGY = `${FIXTURES}/hypervisors/topology.yaml`;
const hashes = hostHashes(compile({ name: "topology.yaml", text: readFileSync(TOPOLOGY, "utf8") }).files);

const PROOF: Proof = {
  netgenProof: 1,
  name: "hypervisors",
  version: "0.1.0",
  topology: "aa",
  tree: hashes,
  hosts: Object.keys(hashes),
  kinds: ["handshake", "mtu"],
  boot: false,
  kernel: "6.1.0",
  programs: { nftables: "1.0.6-2", systemd: "252.39" },
  promises: [kept, { ...kept, kind: "handshake", promise: "a handshake" }],
  at: "2026-11-28T10:00:00.000Z",
  seconds: 61,
};

describe("the file", () => {
  test("has a line for each promise, and what differs from run to run in its last two", () => {
    const text = formatProof(PROOF);
    expect(parseProof(text)).toEqual(PROOF);
    const later = formatProof({ ...PROOF, at: "2026-12-01T00:00:00.000Z", seconds: 3 });
    const differing = text.split("\n").filter((line, index) => line !== later.split("\n")[index]);
    expect(differing).toEqual(['  "at": "2026-11-28T10:00:00.000Z",', '  "seconds": 61']);
    expect(text.split("\n").filter((line) => line.includes('"promise":'))).toHaveLength(2);
  });

  test.each([
    ["no JSON", "{"],
    ["another version", formatProof(PROOF).replace('"netgenProof": 1', '"netgenProof": 2')],
    ["a manifest", '{"netgenManifest": 1}'],
    ["a list", "[]"],
    ["a field that is missing", formatProof(PROOF).replace(/ {2}"kernel".*\n/, "")],
    ["hosts that are no list of names", formatProof(PROOF).replace(/"hosts": .*/, '"hosts": [1],')],
    ["hashes that are no text", formatProof(PROOF).replace(/"tree": .*/, '"tree": {"alpha": 1},')],
    ["a word for how it was run", formatProof(PROOF).replace('"boot": false', '"boot": "no"')],
    ["promises that are none", formatProof(PROOF).replace('"kept":true', '"kept":"yes"')],
    ["a promise that is no object", formatProof(PROOF).replace(/\{"kind":"mtu".*\},/, "null,")],
  ])("is not taken from %s", (_, text) => {
    expect(parseProof(text)).toBeUndefined();
  });

  test("knows the hosts whose files are other ones, new ones, and gone ones", () => {
    const [first = "", second = ""] = Object.keys(hashes);
    expect(hostsApart(PROOF, hashes)).toEqual([]);
    const { [first]: _, ...rest } = hashes;
    expect(hostsApart(PROOF, { ...rest, [second]: "00", zeta: "00" })).toEqual([first, second, "zeta"].sort());
  });
});

describe("the summary", () => {
  test("says what was measured with what, and what was left out", () => {
    const two = { ...PROOF, hosts: Object.keys(hashes).slice(1) };
    expect(proofSummary(two, ["handshake", "mtu", "tcp"])).toMatchInlineSnapshot(`
      "**All 2 promises are kept.** 2026-11-28, netgen 0.1.0: 1 host, Linux 6.1.0, nftables 1.0.6-2, systemd 252.39. Measured without the hosts alpha and without the kinds tcp.

      | promises | kept |
      |---|---|
      | mtu | 1 of 1 |
      | handshake | 1 of 1 |
      "
    `);
    expect(isWholeProof(two)).toBe(true);
  });

  test("names what is broken", () => {
    const broken = {
      ...PROOF,
      boot: true,
      promises: [...PROOF.promises, { ...kept, kept: false, measured: "1400 pass" }],
    };
    expect(proofSummary(broken, PROOF.kinds)).toMatchInlineSnapshot(`
      "**1 of 3 promises are broken.** 2026-11-28, netgen 0.1.0: 2 hosts that booted by themselves, Linux 6.1.0, nftables 1.0.6-2, systemd 252.39.

      | promises | kept |
      |---|---|
      | mtu | 1 of 2 |
      | handshake | 1 of 1 |

      - mtu: alpha -> beta: exactly 1412 bytes: 1400 pass
      "
    `);
    expect(isWholeProof(broken)).toBe(false);
  });

  test("is not green of nothing", () => {
    const empty = { ...PROOF, promises: [] };
    expect(proofSummary(empty, PROOF.kinds)).toContain("**No promise was measured.**");
    expect(isWholeProof(empty)).toBe(false);
  });
});

describe("netgen check --proof", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "netgen-proof-"));
    copyFileSync(TOPOLOGY, join(directory, "topology.yaml"));
    return () => rmSync(directory, { recursive: true });
  });
  const check = (text: string, ...args: readonly string[]) => {
    writeFileSync(join(directory, "proof.json"), text);
    const words = [CLI, "check", "topology.yaml", "--proof", "proof.json", ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: directory, encoding: "utf8" });
    return { status, stdout, stderr };
  };

  test("prints the summary of this tree's", () => {
    expect(check(formatProof(PROOF))).toMatchObject({
      status: 0,
      stderr: "",
      stdout: expect.stringMatching(/^\*\*All 2 promises are kept/),
    });
    expect(check(formatProof(PROOF), "-q")).toEqual({ status: 0, stderr: "", stdout: "" });
  });

  test.each([
    [
      "a broken promise",
      formatProof({ ...PROOF, promises: [{ ...kept, kept: false }] }),
      1,
      /1 of 1 promises are broken/,
      /^$/,
    ],
    [
      "another tree",
      formatProof({ ...PROOF, tree: { ...hashes, zeta: "00" } }),
      1,
      /^$/,
      /does not speak of this tree any more: zeta has other files .* netgen lab topology\.yaml --record proof\.json/,
    ],
    [
      "another topology",
      formatProof({ ...PROOF, name: "other" }),
      1,
      /^$/,
      /is of another topology, other; prove this one/,
    ],
    ["something else", "{}", 2, /^$/, /proof\.json is no proof of netgen's/],
  ])("is red for %s", (_, text, status, stdout, stderr) => {
    const ended = check(text);
    expect(ended.status).toBe(status);
    expect(ended.stdout).toMatch(stdout);
    expect(ended.stderr).toMatch(stderr);
  });

  test("is of one topology, as text", () => {
    expect(check(formatProof(PROOF), "--format", "json")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/leave --format out/),
    });
    expect(check(formatProof(PROOF), "other.yaml")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/name one/),
    });
  });

  test("names what is there in its place, and how to get one where there is nothing", () => {
    expect(check("", "--proof", ".")).toEqual({
      status: 2,
      stdout: "",
      stderr: "netgen: .: it is a directory, not a file\n",
    });
    expect(check("", "--proof", "new.json")).toEqual({
      status: 2,
      stdout: "",
      stderr:
        "netgen: --proof: there is no new.json; prove this topology: netgen lab topology.yaml --record new.json\n",
    });
  });

  test("takes a topology's own errors before", () => {
    writeFileSync(join(directory, "topology.yaml"), "netgen: 1\n");
    expect(check(formatProof(PROOF))).toMatchObject({ status: 1, stdout: expect.stringMatching(/error/) });
  });
});

describe("netgen report --proof", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "netgen-proof-"));
    copyFileSync(TOPOLOGY, join(directory, "topology.yaml"));
    return () => rmSync(directory, { recursive: true });
  });
  const report = (text: string) => {
    writeFileSync(join(directory, "proof.json"), text);
    const words = [CLI, "report", "topology.yaml", "--proof", "proof.json", "-o", "-"];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: directory, encoding: "utf8" });
    const section = /<section id="measured"[\s\S]*?<\/section>/.exec(stdout)?.[0] ?? "";
    return { status, section, stderr };
  };

  test("shows what is broken first, then each kind", () => {
    const broken = { ...kept, kept: false, measured: "<b>1400" };
    const { status, section, stderr } = report(formatProof({ ...PROOF, promises: [...PROOF.promises, broken] }));
    expect([status, stderr]).toEqual([0, ""]);
    expect(section).toContain("<b>1 of 3 promises are broken.</b> 2026-11-28, netgen 0.1.0: 2 hosts, Linux 6.1.0");
    const [, first = "", ...kinds] = section.split("<caption>");
    expect(first).toMatch(/^Broken promises[\s\S]*<td>mtu<\/td><td>alpha -&gt; beta<\/td>.*<td>&lt;b&gt;1400<\/td>/);
    expect(kinds.map((each) => /^[^<]*/.exec(each)?.[0])).toEqual(["Promises of mtu", "Promises of handshake"]);
    expect(section).toContain("<summary>mtu <small>1 of 2 kept</small>");
    expect(section).not.toContain("not of this network");
  });

  test("lists no more than a page can show", () => {
    const promises = Array.from({ length: 201 }, () => kept);
    expect(report(formatProof({ ...PROOF, promises })).section).toContain("201 promises: the proof has them");
  });

  test("says in the page and beside it that a proof is of another tree", () => {
    const { status, section, stderr } = report(formatProof({ ...PROOF, tree: { ...hashes, zeta: "00" } }));
    const said = "proof.json does not speak of this tree any more: zeta has other files";
    expect([status, stderr]).toEqual([0, expect.stringContaining(said)]);
    expect(section).toContain(said);
  });

  test("takes nothing else for one", () => {
    expect(report("{}")).toMatchObject({ status: 2, stderr: expect.stringMatching(/is no proof of netgen's/) });
  });
});
