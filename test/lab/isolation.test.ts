/**
 * A lab touches nothing of the machine's own, and however it ends, nothing is left of it. The machine is a namespace with
 * an uplink, routes, rules and a ruleset, so that no other test is in sight and there is something of its own. Needs root.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { runLab, type Watch } from "../../src/lab/run.ts";
import { BUILD_TIMEOUT_MS, ROOT } from "../built-package.ts";
import { CLI } from "../netgen.ts";

/** Two hosts and nothing between them but a tunnel: what is quickest to prove. */
const NAME = `isolation-${process.pid}`;
const TOPOLOGY = `
netgen: 1
name: ${NAME}
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
`;
const WITH_BRIDGE = `${TOPOLOGY}subnets: {vms: {cidr: 10.78.1.0/24, hosts: [alpha]}}\n`;
const STATE_FILE = `/run/netgen/lab/${NAME}.json`;
/** In the environment of all that a lab starts. */
const MARK = `NETGEN_TEST_MARK=${randomUUID()}`;

const STAND_IN = `
# Namespaces that other tests have named: they may go meanwhile, and their mounts with them.
umount -R /run/netns 2> /dev/null || true
mount -t tmpfs tmpfs /run/netns 2> /dev/null || true
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
ip link set lo up
ip link add eth0 type veth peer name far
ip link set eth0 up; ip link set far up
ip link add br0 type bridge
ip address add 192.0.2.7/24 dev eth0
ip address add 2001:db8::7/64 dev eth0 nodad
ip route add default via 192.0.2.1
ip rule add fwmark 51820 table 51820
ip -6 rule add fwmark 51820 table 51820
nft 'add table inet own; add chain inet own input { type filter hook input priority 0; }; add rule inet own input tcp dport 23 drop'
echo ready
read -r _ || true
`;

let directory: string;
let topology: string;
let standIn: ChildProcess;

/** Words that run a command on the stand-in, in the place of it. */
const inside = (): readonly string[] => ["-t", String(standIn.pid), "-n", "-m", "--"];

beforeAll(async () => {
  standIn = spawn("unshare", ["-n", "-m", "bash", "-euc", STAND_IN], { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    standIn.stdout?.once("data", resolve);
    standIn.once("exit", () => reject(new Error("there is no machine to stand in for this one")));
  });
  directory = mkdtempSync(join(tmpdir(), "netgen-isolation-"));
  topology = join(directory, "topology.yaml");
  writeFileSync(topology, TOPOLOGY);
}, BUILD_TIMEOUT_MS);

afterAll(() => {
  standIn.stdin?.end();
  rmSync(directory, { recursive: true });
});

// ── What there is to see ────────────────────────────────────────────────────────────────────────────────────────────

const show = (program: string, ...args: readonly string[]): string =>
  // Lifetimes run on by themselves.
  execFileSync("nsenter", [...inside(), program, ...args], { encoding: "utf8", maxBuffer: 1 << 26 }).replace(
    /(valid_lft|preferred_lft|expires) \w+/g,
    "",
  );

/** The machine's own network as its programs tell it, and what is mounted. */
function machine() {
  const words = [...inside(), "sysctl", "-a", "--pattern", "^net\\."];
  const settings = spawnSync("nsenter", words, { encoding: "utf8", maxBuffer: 1 << 26 }).stdout;
  return {
    links: show("ip", "-d", "link"),
    addresses: show("ip", "address"),
    routes4: show("ip", "-4", "route", "show", "table", "all"),
    routes6: show("ip", "-6", "route", "show", "table", "all"),
    rules: show("ip", "rule") + show("ip", "-6", "rule"),
    rulesets: show("nft", "list", "ruleset"),
    mounts: readFileSync(`/proc/${standIn.pid}/mounts`, "utf8"),
    namespaces: show("ip", "netns"),
    // Counts of what the machine does besides.
    settings: settings.split("\n").filter((line) => !/nf_conntrack_count|_buckets|route\.flush/.test(line)),
  };
}

/** A module that a lab has loaded brings settings of its own: those that were there before have to be as they were. */
function expectUntouched(before: ReturnType<typeof machine>): void {
  const now = machine();
  const known = new Set(before.settings.map((line) => line.split(" = ")[0]));
  const settings = now.settings.filter((line) => known.has(line.split(" = ")[0]));
  expect({ ...now, settings }).toEqual(before);
}

/** Processes that a lab of this test has started, and that are still there. */
function remains(): readonly string[] {
  return readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return readFileSync(`/proc/${entry}/environ`, "utf8").split("\0").includes(MARK);
    } catch {
      return false;
    }
  });
}

const until = async (isTrue: () => boolean, seconds: number): Promise<void> => {
  const deadline = Date.now() + seconds * 1000;
  while (!isTrue() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
};

async function expectNothingLeft(): Promise<void> {
  await until(() => remains().length === 0, 60);
  expect(remains()).toEqual([]);
  expect(existsSync(STATE_FILE)).toBe(false);
}

// ── A run ───────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Run {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or the signal that it died of. */
  readonly ended: Promise<number | string | null>;
}

const started: ChildProcess[] = [];

function start(...args: readonly string[]): Run {
  const [name = "", value] = MARK.split("=");
  const words = [...inside(), process.execPath, CLI, "lab", ...args];
  const child = spawn("nsenter", words, { env: { ...process.env, [name]: value } });
  started.push(child);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (data) => {
      said[stream] += data;
    });
  }
  return {
    process: child,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal))),
  };
}

const run = async (...args: readonly string[]) => {
  const lab = start(...args);
  return { status: await lab.ended, stdout: lab.stdout(), stderr: lab.stderr() };
};

async function reach(lab: Run, phase: string): Promise<void> {
  await until(() => lab.stderr().includes(`${phase}: begun`), 240);
  expect(lab.stderr()).toContain(`${phase}: begun`);
}

afterEach(async () => {
  // What a failed test has left behind, and was to be kept, would be in the way of all that follow.
  for (const child of started.splice(0)) child.kill("SIGKILL");
  if (existsSync(STATE_FILE)) await run("down", NAME);
});

test("while a lab with all kinds of devices is up, and when it has gone, the machine is as it was", async () => {
  const before = machine();
  const lab = start(join(ROOT, "fixtures/proxmox/topology.yaml"));
  await reach(lab, "proving mtu");
  expectUntouched(before);
  expect(remains().length).toBeGreaterThan(10);
  lab.process.kill("SIGINT");
  expect(await lab.ended).toBe(130);
  await expectNothingLeft();
  expectUntouched(before);
});

test("a whole run is green whatever the umask, and leaves nothing", async () => {
  const umask = process.umask(0o077);
  const running = run(topology);
  process.umask(umask);
  const { status, stdout, stderr } = await running;
  expect(stderr).not.toContain("netgen:");
  expect(stdout).toMatch(/all \d+ promises are kept/);
  expect(status).toBe(0);
  await expectNothingLeft();
});

test.each([
  ["SIGINT", "underlay", "building the underlay", 130],
  ["SIGTERM", "hosts", "booting the hosts", 143],
  ["SIGHUP", "proving life", "proving the kind life", 129],
] as const)("%s in the phase %s", async (signal, phase, doing, code) => {
  const lab = start(topology, "--keep");
  await reach(lab, phase);
  lab.process.kill(signal);
  expect(await lab.ended).toBe(code);
  expect(lab.stderr()).toContain(`netgen: interrupted while ${doing}; nothing of the lab is left\n`);
  await expectNothingLeft();
});

test.each(["namespaces", "underlay", "hosts", "proving life"])(
  "netgen killed in the phase %s, although the lab was to be kept",
  async (phase) => {
    const lab = start(topology, "--keep");
    await reach(lab, phase);
    lab.process.kill("SIGKILL");
    expect(await lab.ended).toBe("SIGKILL");
    await expectNothingLeft();
  },
);

test("stopped by the last result, although the lab was to be kept", async () => {
  const { model, ...rest } = compile({ name: "topology.yaml", text: TOPOLOGY });
  const compiled = { network: must(model, "the topology has no mistake"), ...rest };
  const controller = new AbortController();
  let results = 0;
  const watch: Watch = {
    onPhase: () => undefined,
    onBooted: () => undefined,
    onProven: (_, __, count) => {
      results += 1;
      if (results === count) controller.abort("SIGTERM");
    },
  };
  const end = await runLab({ compiled, kinds: ["daemons"], isKept: true, stop: controller.signal }, watch);
  expect(end).toEqual({ kind: "stopped", phase: "daemons" });
  expect(existsSync(STATE_FILE)).toBe(false);
});

test("a reader that goes away ends it, and that is no success", async () => {
  const lab = start(topology);
  lab.process.stdout?.destroy();
  expect(await lab.ended).not.toBe(0);
  await expectNothingLeft();
});

test("--timeout ends it with 2 and says where it was", async () => {
  const { status, stderr } = await run(topology, "--timeout", "4");
  expect(stderr).toMatch(/netgen: 4 s were over while \w+ing the .*; nothing of the lab is left\n$/);
  expect(status).toBe(2);
  await expectNothingLeft();
});

test.each([
  [
    "a ruleset that nft refuses",
    'nftables: ["bogus words"]',
    /booting the hosts failed.*\nalpha: .*nft.*\n.*bogus words/s,
  ],
  [
    "a wg-quick that fails",
    'wireguard: ["PostUp = echo last words; exit 3"]',
    /booting the hosts failed.*alpha: .*wg-quick up wg0.*ended with 3.*── wg-quick\n.*\nlast words\n/s,
  ],
  [
    "a networkd that dies",
    'wireguard: ["PostUp = pkill -KILL -f systemd-networkd; sleep 1"]',
    /booting the hosts failed.*alpha: systemd-networkd has ended\n.*── networkd\n.*\nbr-vms: /s,
  ],
])("%s: exit code 1, with the program's last words", async (_, extra, words) => {
  const broken = join(directory, "broken.yaml");
  writeFileSync(broken, WITH_BRIDGE.replace("{id: 1,", `{id: 1, extra: {${extra}},`));
  const { status, stderr } = await run(broken);
  expect(stderr).toMatch(words);
  expect(status).toBe(1);
  await expectNothingLeft();
});

test("a kept lab: commands in it, no second of its name, and its end", async () => {
  const before = machine();
  const { status, stdout } = await run(topology, "--keep");
  expect(stdout).toContain(`netgen lab down ${NAME}`);
  expect(status).toBe(0);
  expectUntouched(before);

  expect((await run("list")).stdout).toContain(`${NAME}: 2 hosts (alpha beta router:alpha router:beta internet)\n`);
  const ping = await run("exec", "--lab", NAME, "alpha", "--", "ping", "-c", "1", "-W", "5", "10.250.0.2");
  expect(ping.stdout).toContain("1 received");
  expect(ping.status).toBe(0);
  expect(await run("exec", "--lab", NAME, "router:beta", "--", "sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
    status: 7,
    stdout: "out\n",
    stderr: "err\n",
  });
  expect(await run("exec", "--lab", NAME, "gamma", "--", "true")).toMatchObject({
    status: 2,
    stderr: `netgen: the lab "${NAME}" has no "gamma"; it has alpha, beta, router:alpha, router:beta and internet\n`,
  });

  const second = await run(topology, "--keep");
  expect(second).toMatchObject({
    status: 2,
    stderr: `netgen: a lab "${NAME}" is up; end it first: netgen lab down ${NAME}\n`,
  });
  // Without --keep two labs of one topology do not meet.
  expect(await run(topology, "--quiet")).toMatchObject({ status: 0, stdout: "", stderr: "" });

  expect(await run("down", NAME)).toEqual({ status: 0, stdout: `${NAME}: ended\n`, stderr: "" });
  await expectNothingLeft();
  expect(await run("down", NAME)).toMatchObject({ status: 2 });
  expectUntouched(before);
});

test("what is left of a kept lab that died is cleared by the next command", async () => {
  expect((await run(topology, "--keep", "--quiet")).status).toBe(0);
  const { pid } = JSON.parse(readFileSync(STATE_FILE, "utf8")) as { readonly pid: number };
  process.kill(pid, "SIGKILL");
  await until(() => remains().length === 0, 60);
  expect((await run("list")).stdout).not.toContain(NAME);
  await expectNothingLeft();
});

test("a process that has come by the number of a dead lab is left alone", async () => {
  expect((await run(topology, "--keep", "--quiet")).status).toBe(0);
  const kept = JSON.parse(readFileSync(STATE_FILE, "utf8")) as { readonly pid: number };
  const stranger = spawn("sleep", ["60"]);
  try {
    process.kill(kept.pid, "SIGKILL");
    writeFileSync(STATE_FILE, JSON.stringify({ ...kept, pid: stranger.pid }));
    expect((await run("down", NAME)).status).toBe(2);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    await expectNothingLeft();
  } finally {
    stranger.kill();
  }
});
