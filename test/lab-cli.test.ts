/** What `netgen lab` refuses, and how: all that needs no root. What does is in test/lab. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { mtuBytes } from "../src/base/units.ts";
import { compile } from "../src/compile.ts";
import { freeInstances, instancesComplaint, instancesOf } from "../src/lab/machine/inotify.ts";
import { memoryComplaint, neededBytes } from "../src/lab/machine/memory.ts";
import { findObstacles, type Machine, type Probe } from "../src/lab/machine/needs.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { selectHosts, silentSegment } from "../src/lab/plan/select.ts";
import type { Network } from "../src/model/network.ts";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { CLI } from "./netgen.ts";

const pathOf = (name: string): string => join(ROOT, "fixtures", name, "topology.yaml");

function networkOf(name: string): Network {
  const { model } = compile({ name: "topology.yaml", text: readFileSync(pathOf(name), "utf8") });
  if (model === undefined) throw new Error(`${name} has no model`);
  return model;
}

// ── The process ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe("the command", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "netgen-lab-"));
  }, BUILD_TIMEOUT_MS);
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  /** Whoever runs the tests, for netgen it is nobody in particular: another user could not read the checkout of root. */
  const AS_NOBODY = ["--import", "data:text/javascript,process.getuid = () => 65534"];

  function netgen(...args: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync(process.execPath, [...AS_NOBODY, CLI, ...args], { encoding: "utf8" });
  }

  test("not root: exit code 2, and what to do", () => {
    const { status, stdout, stderr } = netgen("lab", pathOf("minimal"));
    expect(stderr).toContain("it needs root");
    expect(stderr).not.toContain("a bug in netgen");
    expect([status, stdout]).toEqual([2, ""]);
  });

  test.each([["exec", "alpha", "--", "true"], ["down"], ["list"]])("not root: lab %s", (...args) => {
    const { status, stderr } = netgen("lab", ...args);
    expect([status, stderr]).toEqual([2, "netgen: labs are root's: use sudo\n"]);
  });

  test("a topology with errors: its diagnostics, as a build shows them, exit code 1", () => {
    const topology = join(directory, "topology.yaml");
    writeFileSync(topology, readFileSync(pathOf("minimal"), "utf8").replace("vni: 100", "vni: 0"));
    const lab = netgen("lab", topology);
    const build = netgen("build", topology, "-o", join(directory, "out"));
    expect([lab.status, lab.stdout]).toEqual([1, ""]);
    expect(lab.stderr).toBe(build.stderr);
    expect(lab.stderr).toMatch(/error\[/);
  });

  test.each([
    [["--timeout", "0"], "It must be 1 to 86400 seconds"],
    [["--timeout", "soon"], "It must be 1 to 86400 seconds"],
    [["--prove", "mtu,speed"], '"speed" is no kind of promise; they are boot, daemons, handshake, '],
    [["--prove", "mtu,boot"], "the kind boot is of hosts that boot by themselves: add --boot"],
    [["--hosts", "nobody"], 'the topology has no host "nobody"'],
    [["--format", "xml"], "Allowed choices are text, json"],
    [["--bogus"], "unknown option '--bogus'"],
  ])("%j is refused before anything else", (options, words) => {
    const { status, stderr } = netgen("lab", pathOf("minimal"), ...options);
    expect(stderr).toContain(words);
    expect(status).toBe(2);
  });

  test.each([
    [[], "missing required argument 'topology'"],
    [["exec"], "missing required argument 'host'"],
    [["exec", "alpha"], "missing required argument 'command'"],
    [[pathOf("minimal"), "more"], "too many arguments"],
    [["/nowhere.yaml"], "/nowhere.yaml: there is no such file or directory"],
  ])("lab %j", (args, words) => {
    const { status, stderr } = netgen("lab", ...args);
    expect(stderr).toContain(words);
    expect(status).toBe(2);
  });

  test("hosts of a segment that cannot hear of each other are refused with the reflectors that help", () => {
    const { status, stderr } = netgen("lab", pathOf("dual-stack"), "--quiet", "--hosts", "fra2,ams1");
    expect(stderr).toBe(
      "netgen: --hosts: the hosts of tenant hear of each other by a route reflector only; add fra1 or reflector\n",
    );
    expect(status).toBe(2);
  });
});

// ── The machine ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe("what stands in the way", () => {
  const all: Machine = {
    platform: "linux",
    isRoot: true,
    hasProgram: () => true,
    probe: async () => ({ missing: [] }),
    canOpen: () => true,
  };
  const without =
    (...names: readonly string[]) =>
    (program: string): boolean =>
      !names.includes(program);
  const probing = (probe: Probe) => async (): Promise<Probe> => probe;
  const obstacles = (name: string, machine: Partial<Machine>): Promise<readonly string[]> =>
    findObstacles(networkOf(name), { ...all, ...machine });

  test("nothing, on a machine that has it all", async () => {
    expect(await obstacles("proxmox", {})).toEqual([]);
  });

  test("another system than Linux", async () => {
    expect(await obstacles("proxmox", { platform: "darwin", isRoot: false })).toEqual([
      "it runs on Linux only, and this is darwin",
    ]);
  });

  test("every missing program at once, by package", async () => {
    expect(await obstacles("proxmox", { hasProgram: without("vtysh", "wg", "wg-quick", "nft") })).toEqual([
      "vtysh: not found; Debian has it in the package frr",
      "nft: not found; Debian has it in the package nftables",
      "wg, wg-quick: not found; Debian has it in the package wireguard-tools",
      "all of these at once: apt-get install frr nftables wireguard-tools",
    ]);
  });

  test("FRR only where there is BGP, networkd only where there are links for it", async () => {
    const bare = without("vtysh", "/usr/lib/frr/frrinit.sh", "/usr/lib/frr/frr-reload.py");
    expect(await obstacles("minimal", { hasProgram: bare })).toEqual([]);
    expect(await obstacles("kubernetes", { hasProgram: without("/lib/systemd/systemd-networkd") })).toEqual([]);
    expect(await obstacles("minimal", { hasProgram: without("/lib/systemd/systemd-networkd") })).not.toEqual([]);
  });

  test("namespaces that are not to be had, with the system's own words", async () => {
    const refusal = "unshare: unshare failed: Operation not permitted";
    expect((await obstacles("minimal", { probe: probing({ refusal }) })).join()).toContain(refusal);
  });

  test("a kernel without WireGuard needs wireguard-go and /dev/net/tun", async () => {
    const probe = probing({ missing: ["wireguard"] });
    expect(await obstacles("minimal", { probe })).toEqual([]);
    const found = await obstacles("minimal", { probe, hasProgram: without("wireguard-go"), canOpen: () => false });
    expect(found[0]).toBe("wireguard-go: not found; Debian has it in the package wireguard-go");
    expect(found.at(-1)).toContain("/dev/net/tun cannot be opened");
  });

  test("a kernel without VXLAN", async () => {
    expect(await obstacles("minimal", { probe: probing({ missing: ["vxlan"] }) })).toEqual([
      "the kernel makes no vxlan device; the module vxlan of Debian's linux-image-amd64 does",
    ]);
  });

  test("devices are asked for only where the topology has them", async () => {
    const asked: string[] = [];
    const probe = async (kinds: readonly string[]): Promise<Probe> => {
      asked.push(...kinds);
      return { missing: [] };
    };
    await obstacles("kubernetes", { probe });
    expect(asked).toEqual(["veth", "wireguard"]);
  });

  test("wireguard-go pads to the MTU of the interface, so a route with less has to be a multiple of 16", async () => {
    const probe = probing({ missing: ["wireguard"] });
    expect(await obstacles("jumbo", { probe })).toEqual([]);
    const network = networkOf("jumbo");
    const hosts = network.hosts.map((host) => ({
      ...host,
      interfaces: host.interfaces.map((link) => ({
        ...link,
        smallerPeers: link.smallerPeers.map((peer) => ({ ...peer, mtu: must(mtuBytes(1432), "1432 is an MTU") })),
      })),
    }));
    expect(await findObstacles({ ...network, hosts }, { ...all, probe })).toEqual([
      "the kernel has no WireGuard, and wireguard-go would pad what storage1 sends to office past its MTU of 1432: --kernel debian has it",
    ]);
  });
});

describe("inotify instances", () => {
  const network = networkOf("proxmox");

  test("are as many as hosts that boot were seen to take", () => {
    expect(instancesComplaint(network, 27)).toBeUndefined();
  });

  test("where too few are left, the order that gives more is named", () => {
    expect(instancesComplaint(network, 26)).toMatch(
      /^3 hosts that boot need 27 inotify instances, and the kernel has 26 left, .*: sysctl -w fs\.inotify\.max_user_instances=1024; /,
    );
    const hosts = Array.from({ length: 70 }, () => must(network.hosts[0], "it has hosts"));
    expect(instancesComplaint({ ...network, hosts }, -3)).toMatch(
      /need 630 .* has 0 left, .*max_user_instances=2048; /,
    );
  });

  test("are those that processes have open", async () => {
    // Node's own watcher opens one.
    const watch = 'require("fs").watch("/"); process.stdout.write("watching")';
    const watchers = Array.from({ length: 3 }, () => spawn(process.execPath, ["-e", watch]));
    await Promise.all(watchers.map((each) => once(each.stdout, "data")));
    const pids = watchers.map(({ pid }) => String(pid));
    expect(instancesOf([...pids, "0"])).toBe(3);
    for (const each of watchers) each.kill();
  });

  test("leave less than the kernel has", () => {
    const limit = Number(readFileSync("/proc/sys/fs/inotify/max_user_instances", "utf8"));
    expect(freeInstances()).toBeLessThanOrEqual(limit);
  });
});

describe("memory", () => {
  const network = networkOf("proxmox");
  const plan = planLab(network);
  const needed = neededBytes(network, plan);

  test("what fits is not refused, nor where nobody knows", () => {
    expect(memoryComplaint(network, needed, needed)).toBeUndefined();
    expect(memoryComplaint(network, needed, undefined)).toBeUndefined();
  });

  test("what does not fit is, with how many hosts would", () => {
    expect(memoryComplaint(network, needed, needed - 1)).toMatch(/^3 hosts need about \d+ MiB .*: 2 would fit; /);
    expect(memoryComplaint(network, needed, 1 << 20)).toContain(": 0 would fit");
  });
});

// ── A part of a network ─────────────────────────────────────────────────────────────────────────────────────────────

describe("some hosts of a network", () => {
  const part = (name: string, ...hosts: readonly string[]) => {
    const network = networkOf(name);
    return selectHosts(network, planLab(network), hosts);
  };

  test("all of them are the whole network", () => {
    const network = networkOf("dual-stack");
    const plan = planLab(network);
    const names = network.hosts.map(({ name }) => name);
    expect(selectHosts(network, plan, names)).toEqual({ network, plan });
  });

  test("nobody else is booted, or has a guest, a cable or a session", () => {
    const { network, plan } = part("proxmox", "roz2", "wro1");
    const named = [
      ...network.hosts.map(({ name }) => name),
      ...plan.hosts.map(({ name }) => name),
      ...plan.guests.map(({ host }) => host),
      ...network.segments.flatMap(({ members }) => members),
      ...network.hosts.flatMap(({ bgp }) => (bgp.kind !== "none" ? bgp.neighbours.map(({ host }) => host) : [])),
    ];
    expect([...new Set(named)].sort()).toEqual(["roz2", "wro1"]);
    expect(plan.routers.map(({ name }) => name)).toEqual(["roz", "wro"]);
  });

  test("the addresses are those that the whole lab gives, and absent names resolve", () => {
    const whole = planLab(networkOf("proxmox"));
    const { plan } = part("proxmox", "wro1");
    expect(plan.hosts).toEqual(whole.hosts.filter(({ name }) => name === "wro1"));
    expect(plan.names).toEqual(whole.names);
    expect(plan.names.length).toBeGreaterThan(1);
  });

  test("a gateway of somebody absent is none", () => {
    const { network, plan } = part("minimal", "beta");
    expect(network.segments.map(({ gateway }) => gateway.kind)).toEqual(["none"]);
    expect(plan.guests.map(({ gateways }) => gateways)).toEqual([[]]);
  });

  test("a reflector of both lets two hosts hear of each other", () => {
    const network = networkOf("dual-stack");
    expect(silentSegment(network, ["fra2", "ams1"])).toBe("tenant");
    expect(silentSegment(network, ["fra2", "ams1", "reflector"])).toBeUndefined();
    expect(silentSegment(network, ["fra2"])).toBeUndefined();
    expect(silentSegment(networkOf("proxmox"), ["roz2", "wro1"])).toBeUndefined();
  });
});
