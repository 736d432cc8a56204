/** Remotes: prefixes outside that some hosts lead to, and how all others get there. */
import { expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { contentOf } from "../src/emit/file.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import { exitOf, remoteExitsOf } from "../src/ways/exits.ts";
import { waysOf } from "../src/ways/ways.ts";
import { compileText, modelOf } from "./compile-text.ts";

const hostNamed = ({ hosts }: Network, name: string): Host =>
  must(
    hosts.find((host) => host.name === name),
    `there is ${name}`,
  );

const MESH = `
wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
sites: {east: {lan: [10.9.0.0/24], gateways: [beta]}}
hostDefaults: {uplink: eth0}
remotes:
  office: {cidr: [192.168.50.0/24, "fd50::/64"], exits: [{host: alpha, snat: true, probe: 192.168.50.1}, {host: beta, snat: true}]}
  lab: {cidr: 172.20.0.0/16, exits: [{host: alpha, interface: eth2}]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 198.51.100.2, site: east, lanEndpoint: 10.9.0.2}
  inner: {id: 3, site: east, lanEndpoint: 10.9.0.3, wireguard: false}
  gamma: {id: 4, endpoint: 198.51.100.4}
  delta: {id: 5, platform: wireguard-app}
subnets:
  vms: {cidr: 10.65.4.0/24, hosts: [gamma]}
`;
const network = modelOf(MESH);
const remoteOf = (host: string, name: string, of: Network = network) =>
  hostNamed(of, host).egress?.remotes.find((remote) => remote.name === name);

test("whoever has a tunnel gets there by the first, and who leads there by itself before that", () => {
  expect(remoteOf("gamma", "office")).toMatchObject({
    prefixes: ["192.168.50.0/24", "fd50::/64"],
    own: undefined,
    exits: [
      {
        host: "alpha",
        families: [4, 6],
        way: { kind: "tunnel", interface: "wg0", address: "10.250.0.1", moves: true },
      },
      { host: "beta", families: [4, 6], way: { kind: "tunnel", address: "10.250.0.2" } },
    ],
  });
  expect(remoteOf("beta", "office")?.exits.map(({ host, way }) => [host, way.kind])).toEqual([
    ["beta", "here"],
    ["alpha", "tunnel"],
  ]);
  expect(hostNamed(network, "gamma").egress).toMatchObject({ prefixes: [], exits: [], own: undefined });
  const drained = modelOf(MESH.replace("alpha: {", "alpha: {drained: true, "));
  expect(remoteOf("gamma", "office", drained)?.exits.map(({ host }) => host)).toEqual(["beta", "alpha"]);
});

test("in strict order who leads there itself goes by the first as well, and other lists stay as they are", () => {
  const strict = MESH.replace("{cidr: [192", "{exitOrder: strict, cidr: [192").replace(
    "remotes:",
    "exits: [{host: alpha}, {host: beta}]\nremotes:",
  );
  const model = modelOf(
    strict.replace("subnets:", "subnets:\n  own: {cidr: 10.65.2.0/24, hosts: [beta], exits: [alpha, beta]}"),
  );
  expect(remoteOf("beta", "office", model)?.exits.map(({ host }) => host)).toEqual(["alpha", "beta"]);
  expect(hostNamed(model, "beta").egress?.exits.map(({ host }) => host)).toEqual(["beta", "alpha"]);
});

test("no file of WireGuard's has it but an app's, who goes by the preferred one", () => {
  const { files, configurations } = compileText(MESH);
  const tunnels = files.filter(({ path }) => path.endsWith("/wg0.conf")).map((file) => contentOf(file));
  expect(Buffer.concat(tunnels).toString()).not.toMatch(/192\.168\.50|fd50/);
  const lists = [...(configurations.delta ?? "").matchAll(/^AllowedIPs = (.*)$/gm)].map(([, list]) => list);
  expect(lists[0]).toBe("10.250.0.1/32, fd00:250::1/128, 172.20.0.0/16, 192.168.50.0/24, fd50::/64");
  expect(lists.filter((list) => list?.includes("192.168.50.0/24"))).toHaveLength(1);
});

test("an app that has no tunnel with who leads there does not get there", () => {
  const hubs = modelOf(`
wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha]}
remotes: {office: {cidr: 192.168.50.0/24, exits: [{host: beta, interface: eth0}]}}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 198.51.100.2}
  delta: {id: 5, platform: wireguard-app}
`);
  expect(hostNamed(hubs, "delta").app?.remotes).toEqual([]);
});

test("who has no WireGuard sends it to the gateway of its site", () => {
  expect(hostNamed(network, "inner").egress).toBeUndefined();
  expect(hostNamed(network, "inner").lanRoutes).toContainEqual({
    prefix: "192.168.50.0/24",
    via: "10.9.0.2",
    mtu: expect.anything(),
  });
});

test("all of the overlay hides behind who leads there, but for its own LAN, and nothing else of it does", () => {
  const sources = (host: string) =>
    hostNamed(network, host)
      .snat.filter(({ to }) => to === "192.168.50.0/24")
      .map(({ prefix }) => prefix);
  expect(sources("alpha")).toEqual(["10.9.0.0/24", "10.65.4.0/24", "10.250.0.0/24"]);
  expect(sources("beta")).toEqual(["10.65.4.0/24", "10.250.0.0/24"]);
  expect(hostNamed(network, "alpha").snat.map(({ to }) => to)).not.toContain("172.20.0.0/16");
  expect(hostNamed(network, "alpha").forwards).toEqual({ ipv4: true, ipv6: true });
  const station = {
    host: "gamma",
    subnet: "vms",
    vrf: undefined,
    addresses: [{ address: "10.65.4.9", lengthBits: 24 }],
    gateways: ["10.65.4.1"],
  } as unknown as Parameters<typeof exitOf>[1];
  expect(exitOf(waysOf(network, []), station, 4)).toBeUndefined();
});

test("ways are asked for by host, remote and family", () => {
  const ways = (host: string, remote: string, family: 4 | 6) =>
    remoteExitsOf(network, hostNamed(network, host), remote, family).map((exit) => exit.host);
  expect(ways("beta", "office", 6)).toEqual(["beta", "alpha"]);
  expect([ways("gamma", "lab", 4), ways("gamma", "lab", 6)]).toEqual([["alpha"], []]);
  expect(ways("inner", "office", 4)).toEqual([]);
});

test("an exit for all else leads to the remote as well, near as that may be", () => {
  const exits = "exits: [{host: alpha, snat: true}]\nremotes:";
  const both = modelOf(MESH.replace("remotes:", exits).replace("hosts: [gamma]}", "hosts: [gamma], exits: [alpha]}"));
  expect(hostNamed(both, "alpha").exit?.reach).toEqual(["172.20.0.0/16", "192.168.50.0/24", "fd50::/64"]);
  expect(hostNamed(both, "gamma").egress).toMatchObject({
    prefixes: ["10.65.4.0/24"],
    exits: [{ host: "alpha" }],
    remotes: [{ name: "lab" }, { name: "office" }],
  });
});

test("of several ways each hub has all of it, and the route alone moves", () => {
  const hubs = modelOf(`
wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
bgp: {asn: 65000}
remotes: {office: {cidr: 192.168.50.0/24, exits: [{host: alpha, interface: eth0}, {host: beta, interface: eth0}]}}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 198.51.100.2}
  gamma: {id: 3}
`);
  expect(remoteOf("gamma", "office", hubs)?.exits.map(({ way }) => way)).toMatchObject([
    { kind: "tunnel", interface: "wg1", moves: false },
    { kind: "tunnel", interface: "wg2", moves: false },
  ]);
  expect(remoteOf("alpha", "office", hubs)?.own?.interface).toBe("eth0");
});

test("a host that leads there can be drained where another does, too", () => {
  const codes = (text: string) => compileText(text).diagnostics.map(({ code }) => code);
  expect(codes(MESH.replace("alpha: {", "alpha: {drained: true, "))).toEqual([]);
  const alone = MESH.replace(", {host: beta, snat: true}", "").replace("alpha: {", "alpha: {drained: true, ");
  expect(codes(alone)).toEqual(["drained-unused"]);
});
