/** What verify's list has of OVN where the fixtures have nothing alike; test/oracle/verify-ovn.test.ts asks real programs by it. */
import { expect, test } from "vitest";
import { linesOf } from "./compile-text.ts";

const listOf = (topology: string, host: string) =>
  linesOf(topology, `${host}/etc/netgen/verify.list`)
    .map((line) => line.split("\t"))
    .map(([kind = "", name = "", command = "", words = ""]) => ({ kind, name, command, words }));

const ovnOf = (topology: string, host: string) => listOf(topology, host).filter(({ kind }) => kind === "ovn");

const networks = (count: number): string =>
  Array.from({ length: count }, (_, index) => `net${index}: {cidr: 10.9.${index}.0/24, gateway: alpha}`).join(", ");

const mesh = (count: number): string => `wireguard: {addresses: [10.250.0.0/24]}
ovn: {central: alpha, networks: {${networks(count)}}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3}
`;

test("a database that is dead keeps verify no longer with many networks than with one", () => {
  const commands = (count: number) => [...new Set(ovnOf(mesh(count), "alpha").map(({ command }) => command))];
  expect(commands(30)).toEqual(commands(1));
  const asked = commands(1).filter((command) => /o(vs|vn)-/.test(command));
  // A minute at the most.
  expect(asked.length).toBeLessThanOrEqual(12);
  expect(asked.filter((command) => !command.includes("--timeout=5"))).toEqual([]);
});

test("addresses of IPv6 are written as Open vSwitch has them", () => {
  const six = mesh(1).replace("10.250.0.0/24", "fd00:250::/64");
  const names = ovnOf(six, "alpha").map(({ name, words }) => `${name}: ${words}`);
  for (const line of [
    "ovn-encap-ip=fd00:250::1: ovn-encap-ip=fd00:250::1",
    "ovn-remote=tcp:[fd00:250::1]:6642: ovn-remote=tcp:[fd00:250::1]:6642",
    "southbound tcp:[fd00:250::1]:6642: ptcp:6642:[fd00:250::1]",
    "chassis fd00:250::2 beta: beta fd00:250::2 geneve",
    "geneve fd00:250::3 gamma: remote_ip=fd00:250::3",
  ])
    expect(names).toContain(line);
});

test("of two that share a key, of which one alone reaches the central, nothing is asked that needs it", () => {
  const pair = `sites: {rack: {lan: [192.168.2.0/24], gateways: [alpha, beta], vrrp: {address: 192.168.2.254/24, id: 51}}}
wireguard: {addresses: [10.250.0.0/24]}
ovn: {central: gamma, chassis: [alpha, delta], networks: {tenant: {cidr: 10.9.0.0/24}}}
hosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, behindNat: true, lanEndpoint: 192.168.2.3, uplink: eth0, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, site: rack, endpoint: 192.0.2.1, behindNat: true, lanEndpoint: 192.168.2.4, uplink: eth0, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  gamma: {id: 3, endpoint: 192.0.2.3}
  delta: {id: 4, endpoint: 192.0.2.4}
`;
  expect(ovnOf(pair, "alpha").map(({ name }) => name.replace(/=.*/, ""))).toEqual([
    "ovs-vswitchd",
    "system-id",
    "ovn-encap-type",
    "ovn-encap-ip",
    "ovn-set-local-ip",
    "ovn-remote",
  ]);
  expect(ovnOf(pair, "delta").map(({ name }) => name)).toContain("connected tcp:10.250.0.3:6642");
});
