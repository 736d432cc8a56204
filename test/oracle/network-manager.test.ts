/** NetworkManager is told by netgen's file which links are not for it, and has the uplink as before. */
import { afterEach, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compileText } from "../compile-text.ts";
import { openBox, until } from "./netns.ts";
import { startNetworkManager } from "./network-manager.ts";
import { trixieTree } from "./trixie-tree.ts";

const TOPOLOGY = `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, platform: fedora44}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets:
  s: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all, ports: {alpha: [eth1]}}
`;

const SETTINGS = must(
  compileText(TOPOLOGY).files.find(({ path }) => path === "alpha/etc/NetworkManager/conf.d/90-netgen.conf"),
  "the host has the file",
);

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

test.runIf(trixieTree() !== undefined).each([
  { name: "without the file a cable to guests is connected as any other", settings: "", expected: "connect" },
  { name: "with it none is", settings: Buffer.concat(SETTINGS.content).toString(), expected: "unmanaged" },
])("$name", async ({ settings, expected }) => {
  const [node, other] = [await openBox(), await openBox()];
  opened.push(node.close, other.close);
  for (const name of ["eth0", "eth1"]) other.cable(`to-${name}`, node, name);
  node.shell(`
    ip link add vx100 type vxlan id 100 dstport 4789 local 10.250.0.1; ip link add br100 type bridge
    ip link set vx100 master br100; ip address add 10.77.0.1/24 dev br100; ip link set vx100 up; ip link set br100 up`);
  const manager = startNetworkManager(node, "172.31.0.11/24", settings);
  const states = (): ReadonlyMap<string, string> =>
    new Map(
      manager
        .ask("--fields", "DEVICE,STATE", "device")
        .trim()
        .split("\n")
        .map((line) => [line.split(":")[0] ?? "", line.split(":")[1] ?? ""]),
    );
  await until(manager.isRunning, manager.log);
  await until(
    () => states().get("eth0") === "connected",
    () => JSON.stringify([...states()]) + manager.log(),
  );
  const links = ["br100", "eth1", "vx100"].map((name) => states().get(name));
  expect(links).toEqual(links.map(() => expect.stringMatching(new RegExp(`^${expected}`))));
  expect(manager.log()).not.toMatch(/netgen|match-device|interface-name/);
});
