/** The scenarios of fixtures/ are booted, and what they promise is measured: by `.ci/long` all of it, else a part. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { findKernelObstacles } from "../../src/lab/machine/kernel.ts";
import { hasHardwareHelp } from "../../src/lab/machine/kernel-machine.ts";
import { findObstacles, thisMachine } from "../../src/lab/machine/needs.ts";
import { inTurn } from "../../src/lab/measure/forge.ts";
import { PROMISE_KINDS, type PromiseKind } from "../../src/lab/measure/promise.ts";
import { isOfSdn } from "../../src/model/host.ts";
import { type Fixture, listFixtures, sourceOf } from "../fixtures.ts";
import { CLI } from "../netgen.ts";
import { allScenarios, forNow, isWhole, ON_EACH_CHANGE } from "../proofs.ts";
import { brokenIn, runLab } from "./netgen-lab.ts";

/**
 * Virtual machines on an emulated processor, one after the other, beside other labs; five hosts of five shapes that boot, of
 * which each is disturbed in ten ways, took an hour and a half.
 */
const LONGEST_MS = isWhole ? 14_400_000 : 1_800_000;

/** Of Proxmox's SDN there is none in a lab. */
const bootable = allScenarios.filter((each) => !compile(sourceOf(each)).model?.hosts.some(isOfSdn));
const scenarios = forNow(bootable, ({ name }) => ON_EACH_CHANGE.has(name), "scenarios");

/** What an emulated processor does of a network in some ten minutes: what VRFs and VLANs have alone. All of it takes half an hour. */
const EMULATED = ["--prove", "routing,reachability,exits"];

/**
 * What is proven whole on each change. The others are booted and asked for what they differ in: to load them with data, to
 * forge packets and to take their hosts away takes two to five minutes each.
 */
const WHOLE: ReadonlySet<string> = new Set(["minimal"]);
const QUICK = "daemons,handshake,routing,evpn,reachability,mtu";
/** And what only this one can show where the kernel has no VRFs. */
const quickOf = (name: string): readonly string[] => ["--prove", name === "exits" ? `${QUICK},exits` : QUICK];

/** What boots by itself on each change. */
const BOOTED: ReadonlySet<string> = new Set(["minimal", "hypervisors"]);

interface Place {
  readonly name: string;
  readonly topology: string;
  readonly args: readonly string[];
  /** Why it can be booted neither here nor in a virtual machine. */
  readonly obstacles: readonly string[];
}

/** Where a fixture can be booted: here, or where this machine lacks something, with Debian's kernel. */
async function placeOf(fixture: Fixture): Promise<Place> {
  const { name } = fixture;
  const source = sourceOf(fixture);
  const topology = source.text;
  const network = must(compile(source).model, `${name} compiles`);
  const here = await findObstacles(network, thisMachine());
  const isAsked = isWhole || WHOLE.has(name);
  if (here.length === 0) return { name, topology, args: isAsked ? [] : quickOf(name), obstacles: [] };
  const there = findKernelObstacles(network, thisMachine(), process.arch);
  const less = isWhole || hasHardwareHelp() ? [] : EMULATED;
  const args = ["--kernel", "debian", ...less];
  return { name, topology, args, obstacles: there.length === 0 ? [] : [...here, ...there] };
}

/** The same where its hosts boot by themselves, if they are to. */
function bootedOf(place: Place): readonly Place[] {
  if (place.args.includes("--kernel") || !(isWhole || BOOTED.has(place.name))) return [];
  return [{ ...place, args: ["--boot", ...(isWhole ? [] : ["--prove", "boot"])] }];
}

const started = await Promise.all(scenarios.map(placeOf));
const found = [...started, ...started.flatMap(bootedOf)];
/** Virtual machines and boots take longest: they begin, and the others run beside them. */
const isLong = ({ args }: Place): boolean => args.includes("--kernel") || args.includes("--boot");
const places = [...found].sort((a, b) => Number(isLong(b)) - Number(isLong(a)));

/** Names that a topology gives, and a fleet's number, are not what sets one kind of file apart from another. */
function fileKinds(fixture: Fixture): readonly string[] {
  const { model, files } = compile(sourceOf(fixture));
  const tunnels = model?.hosts.flatMap(({ interfaces }) => interfaces.map(({ name }) => name)) ?? [];
  const found = [...tunnels, ...[...(model?.vrfs ?? []), ...(model?.remotes ?? [])].map(({ name }) => name)];
  // A name in another: the longer one first.
  const names = found.sort((one, other) => other.length - one.length);
  return files.map(({ path }) =>
    path
      .split("/")
      .slice(1)
      .map((part) => names.reduce((text, name) => text.replace(name, "*"), part))
      .join("/")
      .replace(/netgen[1-9]/, "netgen")
      .replace(/-netgen-.*\./, "-netgen-*."),
  );
}

describe("fixtures", () => {
  const proven = new Map<Place, readonly PromiseKind[]>();
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "netgen-proofs-"));
    return () => rmSync(directory, { recursive: true });
  });

  test.concurrent.for(places)("$name keeps every promise: $args", { timeout: LONGEST_MS }, async (place, context) => {
    const { topology, args, obstacles } = place;
    const { signal } = context;
    context.skip(process.env.CI === undefined && obstacles.length > 0, `SKIPPED: ${obstacles.join("; ")}`);
    const isUrgent = args.includes("--kernel");
    // From standard input, which a virtual machine has to be handed as well.
    const record = join(directory, `${places.indexOf(place)}.json`);
    const words = ["-", "--quiet", "--record", record, ...args];
    const boot = () => runLab(CLI, words, { input: topology, signal, isUrgent });
    const run = await (isUrgent ? inTurn("virtual machine", boot) : boot());
    const kept = run.proven.filter((each) => each.kept);
    context.expect(brokenIn(run).join("\n"), run.said).toBe("");
    context.expect([run.status, kept.length], run.said).toEqual([0, run.proven.length]);
    context.expect(kept.length).toBeGreaterThan(0);
    const check = spawnSync(process.execPath, [CLI, "check", "-", "--proof", record], { input: topology });
    context
      .expect([check.status, String(check.stdout)])
      .toEqual([0, expect.stringContaining(`All ${kept.length} promises`)]);
    proven.set(
      place,
      kept.map(({ kind }) => kind),
    );
  });

  test("every kind of promise was kept by one of them, and every kind of file stood in one of them", (context) => {
    context.skip(process.env.CI === undefined && proven.size < places.length, "not all of them were run");
    expect(PROMISE_KINDS.filter((kind) => ![...proven.values()].flat().includes(kind))).toEqual([]);
    const names = new Set([...proven.keys()].map(({ name }) => name));
    const stood = new Set(scenarios.filter(({ name }) => names.has(name)).flatMap(fileKinds));
    const built = listFixtures().filter(({ kind }) => kind !== "err");
    expect([...new Set(built.flatMap(fileKinds))].filter((kind) => !stood.has(kind))).toEqual([]);
    // What tells kinds apart does so.
    expect([...stood].sort()).toContain("etc/systemd/network/20-netgen-*.netdev");
    expect([...stood].sort()).toContain("etc/wireguard/*.conf");
  });
});
