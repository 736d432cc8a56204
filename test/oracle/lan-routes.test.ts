/** The routes by the LAN come back with the link, whoever configures it and in whatever way it goes. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { allGoldenTrees } from "./golden-trees.ts";
import { type Box, openBox, until } from "./netns.ts";
import { startNetworkManager } from "./network-manager.ts";
import { startNetworkd } from "./networkd-box.ts";
import { trixieTree } from "./trixie-tree.ts";

const NODE = must(
  allGoldenTrees().find(({ name }) => name === "kubernetes-vpc/control1"),
  "a scenario has a host without WireGuard",
);
const WANTED = readFileSync(join(NODE.directory, "etc/netgen/routes"), "utf8").match(/ via /g)?.length ?? 0;
const UPLINK = "[Match]\nName=eth0\n[Network]\nAddress=172.31.0.11/24\nIPv6AcceptRA=no\n";

const opened: (() => void)[] = [];

afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** Its LAN, with a cable that the gateway's end can take out. */
async function openLan(): Promise<{ readonly node: Box; readonly gateway: Box }> {
  const tree = mkdtempSync(join(tmpdir(), "netgen-lan-"));
  opened.push(() => rmSync(tree, { recursive: true }));
  cpSync(join(NODE.directory, "etc"), join(tree, "etc"), { recursive: true });
  mkdirSync(join(tree, "etc/systemd/network"), { recursive: true });
  writeFileSync(join(tree, "etc/systemd/network/80-uplink.network"), UPLINK);
  const node = await openBox(tree);
  opened.push(node.close);
  const gateway = await openBox();
  opened.push(gateway.close);
  gateway.cable("lan", node, "eth0");
  gateway.run("ip", "address", "add", "172.31.0.2/24", "dev", "lan");
  return { node, gateway };
}

const lanRoutes = (box: Box): readonly string[] =>
  box
    .run("ip", "route", "show", "proto", "210")
    .split("\n")
    .filter((line) => line.includes(" via ") && !line.includes("linkdown"))
    .map((line) => line.trim());

const settled = (box: Box, wanted: number): Promise<void> =>
  until(
    () => lanRoutes(box).length === wanted,
    () => `${wanted} routes expected:\n${box.run("ip", "route", "show")}`,
  );

const setCable = (gateway: Box, state: "up" | "down"): string => gateway.run("ip", "link", "set", "lan", state);

const MANAGERS = {
  // It takes the addresses away while there is no carrier.
  "systemd-networkd": {
    start: async (node: Box) => {
      const networkd = startNetworkd(node);
      await networkd.says("Enumeration completed");
    },
    lose: (_: Box, gateway: Box) => setCable(gateway, "down"),
    regain: (_: Box, gateway: Box) => setCable(gateway, "up"),
  },
  ifupdown: {
    start: async (node: Box) => void node.run("ip", "address", "add", "172.31.0.11/24", "dev", "eth0"),
    lose: (node: Box) => node.shell("ip address del 172.31.0.11/24 dev eth0; ip link set eth0 down"),
    regain: (node: Box) => node.shell("ip address add 172.31.0.11/24 dev eth0; ip link set eth0 up"),
  },
  "a hand that sets the interface down": {
    start: async (node: Box) => void node.run("ip", "address", "add", "172.31.0.11/24", "dev", "eth0"),
    lose: (node: Box) => node.run("ip", "link", "set", "eth0", "down"),
    regain: (node: Box) => node.run("ip", "link", "set", "eth0", "up"),
  },
  "a hand that flushes": {
    start: async (node: Box) => void node.run("ip", "address", "add", "172.31.0.11/24", "dev", "eth0"),
    lose: (node: Box) => node.run("ip", "address", "flush", "dev", "eth0"),
    regain: (node: Box) => node.run("ip", "address", "add", "172.31.0.11/24", "dev", "eth0"),
  },
} as const;

test.each(Object.entries(MANAGERS))("%s", async (_, { start, lose, regain }) => {
  const { node, gateway } = await openLan();
  await start(node);
  node.start("/etc/netgen/routes-follow");
  await settled(node, WANTED);
  const before = lanRoutes(node);
  expect(before.every((line) => /via 172\.31\.0\.\d+ dev eth0 .*metric 2100/.test(line))).toBe(true);
  lose(node, gateway);
  await settled(node, 0);
  regain(node, gateway);
  await settled(node, WANTED);
  expect(lanRoutes(node)).toEqual(before);
});

test.runIf(trixieTree() !== undefined)("NetworkManager, which leaves netgen's links alone", async () => {
  const { node, gateway } = await openLan();
  node.shell(`
    ip link add vx100 type vxlan id 100 dstport 4789 local 10.250.0.1; ip link add br100 type bridge
    ip link set vx100 master br100; ip address add 10.77.0.1/24 dev br100; ip link set vx100 up; ip link set br100 up`);
  const links = () => node.shell("ip -br address show br100; ip -br link show vx100");
  const manager = startNetworkManager(node, "172.31.0.11/24");
  node.start("/etc/netgen/routes-follow");
  await settled(node, WANTED);
  const [before, own] = [lanRoutes(node), links()];
  // As is what somebody else has set up: it takes note of it.
  expect(manager.ask("--fields", "DEVICE,STATE", "device").split("\n")).toEqual(
    expect.arrayContaining(["eth0:connected", "br100:connected (externally)"]),
  );
  setCable(gateway, "down");
  // After some seconds it takes the address away, and the kernel with it the routes.
  const address = () => node.run("ip", "-br", "address", "show", "eth0");
  await until(() => !address().includes("172.31.0.11"), address);
  expect(node.run("ip", "route", "show", "proto", "210")).not.toContain(" via ");
  setCable(gateway, "up");
  await settled(node, WANTED);
  expect(lanRoutes(node)).toEqual(before);
  expect(links()).toBe(own);
  expect(manager.log()).not.toMatch(/br100|vx100|netgen/);
});

test("a route of this kind that somebody deletes is back, the others' are not touched, and what cannot be is told once", async () => {
  const { node } = await openLan();
  node.shell("ip address add 172.31.0.11/24 dev eth0; ip route add 10.99.0.0/16 via 172.31.0.2");
  const follower = node.start("/etc/netgen/routes-follow");
  await settled(node, WANTED);
  node.shell("ip route flush proto 210");
  await settled(node, WANTED);
  expect(node.run("ip", "route", "show", "10.99.0.0/16")).toContain("via 172.31.0.2");
  node.run("ip", "link", "set", "eth0", "down");
  await follower.says("cannot add");
  for (const _ of [1, 2]) {
    node.run("ip", "route", "add", "10.98.0.0/16", "dev", "lo");
    node.run("ip", "route", "del", "10.98.0.0/16", "dev", "lo");
  }
  node.run("ip", "link", "set", "eth0", "up");
  await settled(node, WANTED);
  expect(follower.log().match(/cannot add 10\.250\.0\.0\/16/g)).toHaveLength(1);
});
