/** What etc/netgen/verify and metrics say of a host, without one. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type FakeHost, fakeHost } from "./apply-host.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

const TOPOLOGY = `
netgen: 1
name: office
wireguard: {addresses: [10.250.0.0/24]}
hostDefaults: {metrics: true}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "${testPublicKey("alpha")}"}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "${testPublicKey("beta")}"}
subnets: {guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all}}
`;

let host: FakeHost;
let home: string;
eachInNewDirectory((path) => {
  home = path;
  host = fakeHost(path);
});
beforeEach(() => {
  host.stage(TOPOLOGY);
  expect(host.apply()).toMatchObject({ status: 0 });
});

const wrong = (...args: readonly string[]): readonly string[] => {
  const { stdout } = host.run("verify", ...args);
  return stdout.split("\n").filter((line) => line.startsWith("not ok"));
};

describe("verify", () => {
  test("is TAP, with a plan that counts its lines", () => {
    const { status, stdout, stderr } = host.run("verify");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toBe("TAP version 13");
    expect(lines.at(-1)).toBe(`1..${lines.length - 2}`);
    expect(wrong()).toEqual([]);
  });

  test("judges links, units, and files that somebody edited", () => {
    writeFileSync(join(host.root, "sys/class/net/wg0/mtu"), "1500\n");
    rmSync(join(host.root, "units/active/wg-quick@wg0.service"));
    host.write("etc/wireguard/wg0.conf", `${host.read("etc/wireguard/wg0.conf")}# by hand\n`);
    const { status, stdout } = host.run("verify");
    expect(status).toBe(1);
    expect(wrong().map((line) => line.replace(/^not ok \d+ - /, ""))).toEqual([
      "unit wg-quick@wg0.service",
      "link wg0",
      "files",
    ]);
    expect(stdout).toContain("# ip -d -o link show dev wg0 up: not mtu 1440: wg0: mtu 1500\n");
    expect(stdout).toContain("# etc/wireguard/wg0.conf: FAILED\n");
  });

  test("says with --quick nothing of what only traffic shows, and waits for nobody", () => {
    host.write("silent", "ListenPort = 51820\n");
    expect(wrong()).toHaveLength(2);
    expect(wrong("--quick")).toEqual([]);
    expect(host.run("verify", "--quick").stdout).not.toMatch(/ - (handshake|size) /);
  });

  test.each([
    ["set ahead since, and the far end answers", -86_400, false, []],
    ["set ahead since, and the far end is silent", -86_400, true, ["handshake", "size"]],
    ["set back since, and the far end is silent", 86_400, true, ["handshake", "size"]],
    ["not set, and the far end is silent", 0, true, ["size"]],
  ] as const)("dates handshakes by a clock that was %s", (_, skew, isSilent, kinds) => {
    host.write("skew", `${skew}`);
    if (isSilent) host.write("silent", "ListenPort = 51820\n");
    expect(wrong().map((line) => line.split(" ")[4])).toEqual(kinds);
  });

  test("ends with 2 and says so where there is no list", () => {
    rmSync(join(host.root, "etc/netgen/verify.list"));
    const { status, stdout, stderr } = host.run("verify");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("etc/netgen/verify.list: No such file or directory");
  });
});

describe("metrics", () => {
  test("of tunnels, links, files, and what stands in the bundle's list", () => {
    const directory = join(home, "textfiles");
    mkdirSync(directory);
    host.write("etc/wireguard/wg0.conf", `${host.read("etc/wireguard/wg0.conf")}# by hand\n`);
    expect(host.run("metrics", directory)).toEqual({ status: 0, stdout: "", stderr: "" });
    const { stdout } = spawnSync("cat", [join(directory, "netgen.prom")], { encoding: "utf8" });
    const digest = host.read("var/lib/netgen/applied.list").split("\n")[0]?.split("\t")[2];
    for (const line of [
      `netgen_tree_info{fleet="netgen",host="alpha",sha256="${digest}"} 1`,
      'netgen_mtu_probe_success{fleet="netgen",interface="wg0",bytes="1412",peer="beta"} 1',
      'netgen_link_up{fleet="netgen",device="wg0"} 1',
      'netgen_files_changed{fleet="netgen"} 1',
      'netgen_guard_loaded{fleet="netgen",table="inet netgen"} 1',
      'netgen_promise_kept{fleet="netgen",kind="unit",name="netgen-metrics.timer"} 1',
    ])
      expect(stdout.split("\n")).toContain(line);
    expect(stdout).toMatch(
      /^netgen_wireguard_last_handshake_seconds\{fleet="netgen",interface="wg0",peer="beta",.*keepalive="false"\} \d{10}$/m,
    );
  });
});
