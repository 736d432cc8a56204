/** Trees that are brought to hosts that run: what follows from each change, and that all promises hold afterwards. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { runInKernel } from "../../src/lab/machine/kernel.ts";
import { ROOT } from "../built-package.ts";
import { CLI } from "../netgen.ts";
import { isWhole } from "../proofs.ts";

/** An emulated processor on a busy machine. */
const LONG_MS = 2_700_000;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "netgen-apply-"));
  return () => rmSync(directory, { recursive: true });
});

interface Shape {
  readonly asn?: number;
  readonly vrfs?: string;
  readonly subnets: readonly string[];
}

const topology = ({ asn = 65000, vrfs = "", subnets }: Shape): string => `
netgen: 1
name: changes
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: ${asn}}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 203.0.113.9}
${vrfs}subnets:
${subnets.map((subnet) => `  ${subnet}\n`).join("")}`;

/** How the script is run, which leads two hosts from one topology to the next; what is written in the end is gone with that. */
const script = (): readonly string[] => ["bash", join(ROOT, "test/lab/apply.sh"), CLI, directory, "alpha", "beta"];

function write(steps: readonly Shape[]): void {
  for (const [index, step] of steps.entries()) writeFileSync(join(directory, `${index + 1}.yaml`), topology(step));
}

/** What no step may say: that it went back, or that something is missing after it. */
const complaints = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => /: it went back: |: not ok /.test(line));
/** A second run, on each host after each step. */
const seconds = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.includes(": again: ")).map((line) => line.replace(/.*: again: /, ""));
/** The devices that a host has after a step. */
const linksAfter = (lines: readonly string[], step: number): readonly string[] =>
  lines
    .filter((line) => /: links: /.test(line) && line.startsWith(`${step}.yaml `))
    .map((line) => line.replace(/.*: links: /, ""));

function runHere(): Promise<readonly string[]> {
  const [command = "", ...args] = script();
  const child = spawn(command, args);
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  return new Promise((resolve) => child.once("close", () => resolve(printed.split("\n"))));
}

test("segments with another VNI, another AS number, and one that is taken away", { timeout: LONG_MS }, async () => {
  const plain = "plain: {cidr: 10.76.0.0/24, vxlan: {vni: 100}, hosts: all}";
  const other = (vni: number): string =>
    `other: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: all, gateway: {alpha: 10.77.0.1}}`;
  write([
    { subnets: [plain, other(101)] },
    { subnets: [plain, other(102)] },
    { asn: 65001, subnets: [plain, other(102)] },
    { asn: 65001, subnets: [plain] },
  ]);
  const lines = await runHere();
  expect(complaints(lines), lines.join("\n")).toEqual([]);
  // Guests hang on the first bridge, which stays for them without being on any network; on the second one nobody does.
  expect(seconds(lines)).toEqual(Array.from({ length: 8 }, () => "same      nothing to do"));
  expect([2, 4].map((step) => linksAfter(lines, step))).toEqual([
    ["br100 br101 br102 vx100 vx102 ", "br100 br101 br102 vx100 vx102 "],
    ["br100 br101 vx100 ", "br100 br101 vx100 "],
  ]);
});

test.runIf(isWhole)(
  "a VRF with another AS number, with another VNI, and taken away",
  { timeout: LONG_MS },
  async ({ signal }) => {
    const plain = "plain: {cidr: 10.76.0.0/24, vxlan: {vni: 100}, hosts: all}";
    const blue = "web: {cidr: 10.77.0.0/24, vxlan: {vni: 101}, hosts: all, gateway: 10.77.0.1, vrf: blue}";
    write([
      { vrfs: "vrfs: {blue: {vni: 5000}}\n", subnets: [plain, blue] },
      // An instance of BGP whose L3VNI is set cannot be taken away by a reload.
      { asn: 65001, vrfs: "vrfs: {blue: {vni: 5000}}\n", subnets: [plain, blue] },
      // Other links, and another table: those of the VRF have to be put into it again.
      { asn: 65001, vrfs: "vrfs: {blue: {vni: 5001}}\n", subnets: [plain, blue] },
      // The bridge goes with the tenant, or is put down where guests hang on it: its gateway must not answer in the main table.
      { asn: 65001, subnets: [plain] },
    ]);
    const lines: string[] = [];
    const end = await runInKernel({
      command: script(),
      stdin: "",
      signal,
      onPhase: () => undefined,
      onLine: (line) => lines.push(line),
      onErrorLine: (line) => lines.push(line),
    });
    expect(end, lines.join("\n")).toEqual({ kind: "ended", status: 0 });
    expect(complaints(lines), lines.join("\n")).toEqual([]);
    expect([3, 4].map((step) => linksAfter(lines, step)[0])).toEqual([
      "blue br100 br101 br5001 vx100 vx101 vx5001 ",
      "br100 br101 vx100 ",
    ]);
    expect(lines.filter((line) => line.startsWith("4.yaml") && line.includes(": main: "))).toEqual([
      "4.yaml alpha: main: 0",
      "4.yaml beta: main: 0",
    ]);
  },
);
