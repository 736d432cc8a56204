/** A new user's first minutes: init, keys, build, export. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { CLI, runNetgen } from "./netgen.ts";
import { eachInNewDirectory, modeOf } from "./new-directory.ts";

let home: string;

eachInNewDirectory((path) => {
  home = path;
});

const netgen = (...args: readonly string[]) => runNetgen(home, args);

const read = (path: string): string => readFileSync(join(home, path), "utf8");
const modeAt = (path: string): string => modeOf(join(home, path));

describe("netgen init", () => {
  test.each(["1", "2", "3", "10", "250"])("--hosts %s gives what builds unedited, without a word", (count) => {
    expect(netgen("init", "--hosts", count)).toMatchObject({ status: 0, stderr: "" });
    expect(netgen("keys", "generate", "topology.yaml")).toMatchObject({ status: 0, stderr: "" });
    expect(netgen("check", "topology.yaml").stdout).toBe(
      `topology.yaml: no errors, ${count} host${count === "1" ? "" : "s"}\n`,
    );
    expect(netgen("build", "topology.yaml")).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(join(home, "out")).filter((name) => /^host\d+$/.test(name))).toHaveLength(Number(count));
    expect(netgen("diff", "topology.yaml")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.each(["topology.yaml", "my net.yaml"])("the commands in the comments of %s work, in their order", (path) => {
    expect(netgen("init", path).status).toBe(0);
    const commands = [...read(path).matchAll(/^# .*: +netgen (.*)$/gm)].map(([, command]) => command as string);
    expect(commands.map((command) => command.split(" ")[0])).toEqual(["keys", "check", "mtu", "build"]);
    for (const command of commands) {
      const { status, stderr } = spawnSync("sh", ["-c", `"$0" "$1" ${command}`, process.execPath, CLI], {
        cwd: home,
        encoding: "utf8",
      });
      expect([command, status, stderr]).toEqual([command, 0, ""]);
    }
  });

  test("a name that cannot stand in a comment leaves the starter whole", () => {
    expect(netgen("init", "a\nb.yaml").status).toBe(0);
    expect(netgen("keys", "generate", "a\nb.yaml")).toMatchObject({ status: 0, stderr: "" });
  });

  test("the starter with its IPv6 pool and its BGP put in compiles too", () => {
    netgen("init");
    const text = read("topology.yaml")
      .replace("[10.250.0.0/24]", '[10.250.0.0/24, "fd00:250::/64"]')
      .replace("# bgp:", "bgp:");
    writeFileSync(join(home, "topology.yaml"), text);
    netgen("keys", "generate", "topology.yaml");
    expect(netgen("build", "topology.yaml")).toMatchObject({ status: 0, stderr: "" });
    expect(existsSync(join(home, "out/host1/etc/frr/frr.conf"))).toBe(true);
  });

  test("overwrites nothing, and follows no link to where nothing is", () => {
    writeFileSync(join(home, "topology.yaml"), "mine\n");
    expect(netgen("init")).toMatchObject({ status: 2, stdout: "" });
    expect(read("topology.yaml")).toBe("mine\n");
    symlinkSync("elsewhere.yaml", join(home, "link.yaml"));
    expect(netgen("init", "link.yaml")).toMatchObject({ status: 2, stdout: "" });
    expect(existsSync(join(home, "elsewhere.yaml"))).toBe(false);
    expect(netgen("init", "other.yaml").status).toBe(0);
  });

  test.each(["0", "251", "two", "1.5"])("--hosts %s is refused", (count) => {
    const { status, stderr } = netgen("init", "--hosts", count);
    expect([status, readdirSync(home)]).toEqual([2, []]);
    expect(stderr).toContain("from 1 to 250");
  });
});

describe("netgen keys export", () => {
  beforeEach(() => {
    netgen("init", "--hosts", "3");
    writeFileSync(
      join(home, "topology.yaml"),
      read("topology.yaml").replace("wireguard:\n", "wireguard:\n  presharedKeys: true\n  interface: mesh\n"),
    );
    netgen("keys", "generate", "topology.yaml");
  });

  test("puts the key and every preshared key of one host where that host has them, for nobody else's eyes", () => {
    const { status, stdout } = netgen("keys", "export", "host2", "-o", "x");
    expect(status).toBe(0);
    const paths = ["etc/wireguard/mesh.key", "etc/wireguard/psk/host1.psk", "etc/wireguard/psk/host3.psk"];
    expect(stdout).toBe(paths.map((path) => `  + ${path}\n`).join(""));
    expect(paths.map((path) => modeAt(`x/${path}`))).toEqual(["600", "600", "600"]);
    expect(["x", "x/etc/wireguard", "x/etc/wireguard/psk"].map(modeAt)).toEqual(["700", "700", "700"]);
    expect(read("x/etc/wireguard/mesh.key")).toBe(read("keys/host2.key"));
    expect(read("x/etc/wireguard/psk/host1.psk")).toBe(read("keys/psk/host1--host2.psk"));
  });

  test("does nothing the second time, and never writes over another key", () => {
    netgen("keys", "export", "host2", "-o", "x");
    expect(netgen("keys", "export", "host2", "-o", "x").status).toBe(0);
    const { status, stderr } = netgen("keys", "export", "host1", "-o", "x");
    expect(status).toBe(2);
    expect(stderr).toContain("x/etc/wireguard/mesh.key is there already and holds another key");
    expect(read("x/etc/wireguard/mesh.key")).toBe(read("keys/host2.key"));
  });

  test("writes nothing when one key is missing or broken, and shows none", () => {
    const secret = read("keys/psk/host2--host3.psk").trim();
    rmSync(join(home, "keys/psk/host1--host2.psk"));
    expect(netgen("keys", "export", "host2", "-o", "x")).toMatchObject({
      status: 2,
      stderr: "netgen: keys/psk/host1--host2.psk: there is no such file or directory\n",
    });
    writeFileSync(join(home, "keys/psk/host1--host2.psk"), `${secret}${secret}\n`);
    const { status, stderr } = netgen("keys", "export", "host2", "-o", "x");
    expect([status, existsSync(join(home, "x"))]).toEqual([2, false]);
    expect(stderr).toContain("keys/psk/host1--host2.psk is not a WireGuard");
    expect(stderr).not.toContain(secret);
  });

  test("names a host that is not there", () => {
    const { status, stderr } = netgen("keys", "export", "host9", "-o", "x");
    expect([status, stderr]).toEqual([2, expect.stringContaining('netgen: topology.yaml has no host "host9"')]);
  });
});
