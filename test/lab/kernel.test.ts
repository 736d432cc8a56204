/** Labs inside a virtual machine with Debian's kernel: what goes in and comes out, and how it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { findKernelObstacles, type KernelRun, runInKernel } from "../../src/lab/machine/kernel.ts";
import { debianKernel } from "../../src/lab/machine/kernel-image.ts";
import { thisMachine } from "../../src/lab/machine/needs.ts";
import { ROOT } from "../built-package.ts";
import { CLI } from "../netgen.ts";
import { isWhole } from "../proofs.ts";
import { brokenIn, runLab } from "./netgen-lab.ts";

/** An emulated processor on a busy machine. */
const LONG_MS = 1_800_000;
/** The smallest that has all that a kernel does for a lab. */
const text = `
netgen: 1
name: kernel
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all}
`;
const TOPOLOGY = join(ROOT, "fixtures/minimal/topology.yaml");

const network = must(compile({ name: "topology.yaml", text }).model, "the fixture has no mistake");
const obstacles = findKernelObstacles(network, thisMachine(), process.arch);
const isReady = process.env.CI !== undefined || obstacles.length === 0;
if (!isReady) console.warn(`SKIPPED: no virtual machine here:\n${obstacles.join("\n")}`);

/** Runs a command in a virtual machine, and gives all that came out of it. */
async function inKernel(stdin: string, signal: AbortSignal, ...command: readonly string[]) {
  return runIn({ stdin, signal, command });
}

async function runIn(run: Pick<KernelRun, "stdin" | "signal" | "command" | "silenceMs">) {
  const output: string[] = [];
  const errors: string[] = [];
  const phases: string[] = [];
  const end = await runInKernel({
    ...run,
    onPhase: (phase) => phases.push(phase),
    onLine: (line) => output.push(line),
    onErrorLine: (line) => errors.push(line),
  });
  return { end, output, errors, phases };
}

const never = new AbortController().signal;

/** Processes below another. */
const childrenOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);

const isMachine = (pid: string): boolean => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("qemu-system");

describe.skipIf(!isReady)("a virtual machine", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "netgen-kernel-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const LOOK = `
cat
echo "to the other stream" >&2
uname -r
pwd
ls /sys/class/net
ip link add vrf0 type vrf table 100 && ip link add wg0 type wireguard && ip -br link show type wireguard
head -c 200000 /dev/zero | tr '\\0' x; echo
echo "$1" > "$2"; cat "$2"
exit 7
`;

  test("lines and bytes go in, lines and the status come out, and nothing is written", {
    timeout: LONG_MS,
  }, async () => {
    const stdin = "one line\nzwölf € without an end";
    const file = join(directory, "written");
    const words = ["a word with  two blanks and 'quotes' $HOME", file];
    const { end, output, errors, phases } = await inKernel(stdin, never, "bash", "-uc", LOOK, "bash", ...words);
    const [release = ""] = phases.at(-1)?.match(/[\d.]+-\S+$/) ?? [];
    expect(end).toEqual({ kind: "ended", status: 7 });
    expect(errors).toEqual(["to the other stream"]);
    expect(output.slice(0, 2)).toEqual(["one line", `zwölf € without an end${release}`]);
    expect(release).toMatch(/-amd64$/);
    expect(output.slice(2, 4)).toEqual([process.cwd(), "lo"]);
    expect(output[4]).toMatch(/^wg0 /);
    expect(output.slice(5)).toEqual(["x".repeat(200_000), words[0]]);
    expect(existsSync(file)).toBe(false);
  });

  test("one that breaks down says its last words", { timeout: LONG_MS }, async () => {
    const { end } = await inKernel("", never, "sh", "-c", "echo c > /proc/sysrq-trigger");
    expect(end.kind).toBe("broken");
    expect(end.kind === "broken" && end.lines.join("\n")).toContain("Kernel panic");
  });

  /** Stops every machine that this process starts as soon as it is there, as many as are said. */
  const hang = async (count: number): Promise<void> => {
    const hung = new Set<string>();
    await expect
      .poll(
        () => {
          const machine = childrenOf(process.pid).find((pid) => isMachine(pid) && !hung.has(pid));
          if (machine !== undefined) {
            process.kill(Number(machine), "SIGSTOP");
            hung.add(machine);
          }
          return hung.size;
        },
        { timeout: LONG_MS, interval: 50 },
      )
      .toBe(count);
  };

  test("one that hangs before anything came out of it is ended, and another one started", {
    timeout: LONG_MS,
  }, async ({ skip }) => {
    skip(!isWhole, "SKIPPED without NETGEN_PROOFS=whole: it takes a minute; the next one hangs twice at once");
    const run = { stdin: "", signal: never, command: ["echo", "alive"], silenceMs: 60_000 };
    const [{ end, output, phases }] = await Promise.all([runIn(run), hang(1)]);
    expect([end, output]).toEqual([{ kind: "ended", status: 0 }, ["alive"]]);
    expect(phases.filter((phase) => phase.startsWith("booting"))).toHaveLength(2);
  });

  test("two that hang are enough", { timeout: LONG_MS }, async () => {
    const run = { stdin: "", signal: never, command: ["echo", "alive"], silenceMs: 2000 };
    const [{ end }] = await Promise.all([runIn(run), hang(2)]);
    expect(end).toMatchObject({ kind: "broken", isHung: true });
    expect(end.kind === "broken" && end.lines.at(-1)).toBe("nothing was heard from it for 2 s");
  });

  test("one that is stopped while it boots is gone", { timeout: LONG_MS }, async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 3000);
    const { end, output } = await inKernel("", stop.signal, "sh", "-c", "sleep 1000; echo late");
    expect([end, output]).toEqual([{ kind: "stopped" }, []]);
  });

  test("two that need the same image at once both get it whole", { timeout: LONG_MS }, async () => {
    const making = { signal: never, onPhase: () => undefined };
    const { XDG_CACHE_HOME: before } = process.env;
    const image = await debianKernel(making);
    try {
      // With the kernel itself already there: it is not fetched for every run of this test.
      process.env.XDG_CACHE_HOME = directory;
      const there = join(image.modules, "../..");
      mkdirSync(join(directory, "netgen"));
      cpSync(there, join(directory, "netgen", basename(there)), { recursive: true });
      const old = join(directory, "netgen", `${basename(there)}-initramfs-0123456789abcdef`);
      mkdirSync(old);
      utimesSync(old, 0, 0);
      const [one, other] = await Promise.all([debianKernel(making), debianKernel(making)]);
      expect(one).toEqual(other);
      expect(existsSync(one.initramfs)).toBe(true);
      const names = [one.modules, one.initramfs].map((path) => relative(join(directory, "netgen"), path).split("/")[0]);
      expect(readdirSync(join(directory, "netgen")).sort()).toEqual(names.sort());
    } finally {
      if (before === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = before;
    }
  });
});

describe.skipIf(!isReady)("netgen lab --kernel debian", () => {
  /** What another kernel can change: its own WireGuard, VXLAN and bridge instead of this one's. */
  const KINDS = ["daemons", "handshake", "evpn", "reachability", "mtu", "tcp", "life"];

  const start = (...args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [CLI, "lab", "--kernel", "debian", ...args], { stdio: ["pipe", "pipe", "pipe"] });

  test("what another kernel could break is kept", { timeout: LONG_MS }, async ({ signal, skip }) => {
    skip(!isWhole, "SKIPPED without NETGEN_PROOFS=whole: the scenario with VRFs stands for it");
    const args = ["-", "--kernel", "debian", "--prove", KINDS.join(",")];
    const run = await runLab(CLI, args, { input: text, signal, isUrgent: true });
    expect(brokenIn(run)).toEqual([]);
    expect([run.status, run.said]).toEqual([0, ""]);
    expect([...new Set(run.proven.map(({ kind }) => kind))]).toEqual(KINDS);
  });

  test("netgen is killed: the virtual machine ends with it", { timeout: LONG_MS }, async () => {
    const netgen = start(TOPOLOGY);
    const pid = must(netgen.pid, "it has been started");
    const running = (): string | undefined => childrenOf(pid).find(isMachine);
    await expect.poll(running, { timeout: 120_000 }).toBeDefined();
    const machine = must(running(), "it has just been seen");
    netgen.kill("SIGKILL");
    await expect.poll(() => existsSync(`/proc/${machine}`), { timeout: 30_000 }).toBe(false);
  });

  test("Ctrl-C ends it in order", { timeout: LONG_MS }, async () => {
    const netgen = start(TOPOLOGY);
    let errors = "";
    netgen.stderr?.on("data", (data) => {
      errors += data;
    });
    await expect.poll(() => errors, { timeout: 120_000 }).toContain("booting Linux");
    netgen.kill("SIGINT");
    const status = await new Promise((resolve) => netgen.once("close", resolve));
    expect(errors).toContain("interrupted while the virtual machine ran; nothing of the lab is left");
    expect(status).toBe(130);
  });
});
