/** Ways out of what is in no VRF: who leaves by whom, and how that gets there. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import { exitOf, exitsOf, ownExitsOf } from "../src/ways/exits.ts";
import { waysOf } from "../src/ways/ways.ts";
import { compileText, modelOf } from "./compile-text.ts";
import { testPublicKey } from "./test-keys.ts";

const hostNamed = ({ hosts }: Network, name: string): Host =>
  must(
    hosts.find((host) => host.name === name),
    `there is ${name}`,
  );

const egressOf = (network: Network, name: string) => hostNamed(network, name).egress;

const order = (network: Network, name: string) => egressOf(network, name)?.exits.map(({ host }) => host);

const [NEAR, FAR] = ["near", "far"].map(testPublicKey);

const MESH = `
wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
sites: {east: {}}
hostDefaults: {uplink: eth0}
exits:
  - {host: alpha, snat: true, ipv6: true, reach: [192.0.2.53]}
  - {host: beta, snat: true}
  - {host: gamma}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, routes: [192.168.9.0/24]}
  beta: {id: 2, endpoint: 198.51.100.2, site: east}
  gamma: {id: 3, endpoint: 198.51.100.3}
  near: {publicKey: "${NEAR}", id: 4, endpoint: 198.51.100.4, site: east, exits: [alpha, beta, gamma]}
  far: {publicKey: "${FAR}", id: 5, endpoint: 198.51.100.5}
subnets:
  vms: {cidr: [10.65.5.0/24, "fd65::/64"], hosts: [far], exits: [alpha, beta]}
  slices: {cidr: 10.66.0.0/16, perHost: 24, hosts: [beta, far], exits: [alpha, beta]}
  plain: {cidr: 10.67.0.0/24, hosts: [far]}
`;

describe("in a mesh", () => {
  const network = modelOf(MESH);

  test("the host's own exit comes first, then one of its site, then the order of the file, and last who is drained", () => {
    expect(order(network, "far")).toEqual(["alpha", "beta"]);
    expect(order(network, "beta")).toEqual(["beta", "alpha"]);
    expect(order(network, "near")).toEqual(["beta", "alpha", "gamma"]);
    const drained = modelOf(MESH.replace("alpha: {id: 1", "alpha: {drained: true, id: 1"));
    expect(order(drained, "far")).toEqual(["beta", "alpha"]);
  });

  test("in strict order all take them as they are named, an exit's own guests too, and last who is drained", () => {
    const strict = MESH.replace("exits:", "exitOrder: strict\nexits:");
    expect(["far", "beta", "near"].map((name) => order(modelOf(strict), name))).toEqual([
      ["alpha", "beta"],
      ["alpha", "beta"],
      ["alpha", "beta", "gamma"],
    ]);
    const drained = modelOf(strict.replace("alpha: {id: 1", "alpha: {drained: true, id: 1"));
    expect(order(drained, "near")).toEqual(["beta", "gamma", "alpha"]);
    expect(order(modelOf(strict.replace("strict", "near")), "beta")).toEqual(["beta", "alpha"]);
  });

  test("who names none leaves by its own uplink", () => {
    expect([egressOf(network, "alpha"), egressOf(network, "gamma")]).toEqual([undefined, undefined]);
  });

  test("guests of all subnets that name them leave by exits, and no others", () => {
    expect(egressOf(network, "far")?.prefixes).toEqual(["10.65.5.0/24", "10.66.5.0/24", "fd65::/64"]);
    expect(egressOf(network, "far")?.own).toBeUndefined();
  });

  test("the host's own leave by the address that it has in the overlay, but for answers by its uplink", () => {
    expect(egressOf(network, "near")?.own).toEqual({ sources: ["10.250.0.4", "fd00:250::4"], links: ["eth0"] });
    expect(egressOf(network, "near")?.prefixes).toEqual([]);
  });

  test("an exit is told what may leave by it, and leads to what is behind it as well", () => {
    expect(hostNamed(network, "alpha").exit).toMatchObject({
      sources: ["10.65.5.0/24", "10.66.2.0/24", "10.66.5.0/24", "10.250.0.4/32", "fd00:250::4/128", "fd65::/64"],
      reach: ["192.0.2.53/32", "192.168.9.0/24"],
    });
    expect(hostNamed(network, "alpha").snat).toHaveLength(6);
    expect(hostNamed(network, "beta").exit?.sources).not.toContain("fd65::/64");
    expect(hostNamed(network, "gamma").snat).toEqual([]);
    expect(hostNamed(network, "alpha").forwards).toEqual({ ipv4: true, ipv6: true });
    expect(hostNamed(network, "gamma").forwards).toEqual({ ipv4: true, ipv6: false });
  });

  test("everything goes to the peer that is taken, which nobody is before", () => {
    const [first] = egressOf(network, "far")?.exits ?? [];
    expect(first?.way).toEqual({
      kind: "tunnel",
      interface: "wg0",
      address: "10.250.0.1",
      moves: true,
      mtu: undefined,
    });
    expect(network.peers.flatMap(({ allowedIps }) => allowedIps).filter((prefix) => prefix.endsWith("/0"))).toEqual([]);
    expect(egressOf(network, "beta")?.exits[0]?.way).toEqual({ kind: "here" });
  });

  test("a tunnel that carries less than the interface is not given more", () => {
    const text = `underlay: {paths: [{between: [far, beta], mtu: 1400}]}\n${MESH}`;
    const sized = modelOf(text.replace("wireguard: {", "wireguard: {mtu: per-peer, "));
    expect(egressOf(sized, "far")?.exits.map(({ way }) => way.kind === "tunnel" && way.mtu)).toEqual([undefined, 1340]);
  });

  test("what the topology asks is asked of it: by whom stations and hosts get out", () => {
    const station = {
      host: "far",
      subnet: "vms",
      vrf: undefined,
      addresses: [
        { address: "10.65.5.9", lengthBits: 24 },
        { address: "fd65::9", lengthBits: 64 },
      ],
      gateways: ["10.65.5.1", "fd65::1"],
    } as unknown as Parameters<typeof exitsOf>[1];
    const ways = waysOf(network, []);
    expect(exitsOf(ways, station, 4).map(({ host }) => host)).toEqual(["alpha", "beta"]);
    expect(exitsOf(ways, station, 6).map(({ host }) => host)).toEqual(["alpha"]);
    expect(exitOf(ways, station, 4)?.name).toBe("alpha");
    const ipv4 = { ...station, addresses: station.addresses.slice(0, 1) };
    expect([exitsOf(ways, ipv4, 6), exitOf(ways, ipv4, 6)]).toEqual([[], undefined]);
    const homeless = { ...station, gateways: [] };
    expect([exitsOf(ways, homeless, 4), exitOf(ways, homeless, 4)]).toEqual([[], undefined]);
    const plain = {
      ...station,
      subnet: "plain",
      addresses: [{ address: "10.67.0.9", lengthBits: 24 }],
      gateways: ["10.67.0.1"],
    } as unknown as typeof station;
    expect(exitsOf(ways, plain, 4)).toEqual([]);
    expect(exitOf(ways, plain, 4)).toBeUndefined();
    const forwards = { ipv4: false, ipv6: false };
    const still = waysOf({ ...network, hosts: network.hosts.map((each) => ({ ...each, forwards })) }, []);
    expect(exitOf(still, plain, 4)).toBeUndefined();
    expect(exitsOf(ways, { ...station, vrf: "blue" }, 4)).toEqual([]);
    expect(exitOf(ways, { ...station, vrf: "blue" }, 4)).toBeUndefined();
    // The prefix is known there, and the host has no part of the VRF.
    const prefixes = network.prefixes.map((each) => ({ ...each, vrf: "blue" }));
    const tenant = waysOf({ ...network, prefixes }, []);
    expect(exitsOf(tenant, { ...station, vrf: "blue" }, 4)).toEqual([]);
    expect(exitOf(tenant, { ...station, vrf: "blue" }, 4)).toBeUndefined();
    const without = waysOf(modelOf(MESH.replace("host: alpha, snat: true, ipv6: true", "host: alpha")), []);
    expect(exitOf(without, station, 4)).toBeUndefined();
    expect(exitOf(without, station, 6)).toBeUndefined();
    const [near, far] = ["near", "far"].map((name) => hostNamed(network, name)) as [Host, Host];
    expect(ownExitsOf(network, near, 4).map(({ host }) => host)).toEqual(["beta", "alpha", "gamma"]);
    expect(ownExitsOf(network, far, 4)).toEqual([]);
  });
});

test("of several ways each hub has everything, and the route alone moves", () => {
  const network = modelOf(`
wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
bgp: {asn: 65000}
exits: [{host: alpha, interface: eth0, snat: true}, {host: beta, interface: eth0, snat: true}]
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 198.51.100.2}
  gamma: {id: 3, exits: [beta, alpha]}
`);
  expect(egressOf(network, "gamma")?.exits.map(({ way }) => way)).toEqual([
    { kind: "tunnel", interface: "wg2", address: "10.251.2.2", moves: false, mtu: undefined },
    { kind: "tunnel", interface: "wg1", address: "10.251.1.1", moves: false, mtu: undefined },
  ]);
});

test("an app takes its exit in, of the families that it carries", () => {
  const text = (ipv6: boolean) => `
wireguard: {addresses: [10.250.0.0/24]}
exits: [{host: alpha, interface: eth0, snat: true, ipv6: ${ipv6}}]
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 198.51.100.2}
  gamma: {id: 3, platform: wireguard-app, exits: [alpha]}
`;
  const listsOf = (ipv6: boolean) =>
    [...(compileText(text(ipv6)).configurations.gamma ?? "").matchAll(/^AllowedIPs = (.*)$/gm)].map(([, list]) => list);
  expect(listsOf(false)).toEqual(["10.250.0.1/32, 0.0.0.0/0", "10.250.0.2/32"]);
  expect(listsOf(true)).toEqual(["10.250.0.1/32, 0.0.0.0/0, ::/0", "10.250.0.2/32"]);
  const network = modelOf(text(true));
  expect(egressOf(network, "gamma")).toBeUndefined();
  expect(ownExitsOf(network, hostNamed(network, "gamma"), 6).map(({ host }) => host)).toEqual(["alpha"]);
});

test("an exit can be drained that another stands behind", () => {
  const codes = (exits: string) =>
    compileText(`
wireguard: {addresses: [10.250.0.0/24]}
exits: [{host: alpha, interface: eth0}, {host: beta, interface: eth0}]
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, drained: true}
  beta: {id: 2, endpoint: 198.51.100.2}
  gamma: {id: 3, endpoint: 198.51.100.3, exits: ${exits}}
`).diagnostics.map(({ code }) => code);
  expect(codes("[alpha, beta]")).toEqual([]);
  expect(codes("[alpha]")).toEqual(["exit-unused", "drained-unused"]);
});

test("what apps leave by without IPv6 is said once for all of them, and not where they have none", () => {
  const said = (exit: string, device = "") =>
    compileText(`
wireguard: {addresses: [10.250.0.0/24]}
exits: [{host: alpha, interface: eth0${exit}}]
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  gamma: {id: 3, endpoint: 198.51.100.3, exits: [alpha]}
  beta: {id: 2, platform: wireguard-app, exits: [alpha]${device}}
  delta: {id: 4, platform: wireguard-app, exits: [alpha]${device}}
`).diagnostics.map(({ code, message }) => `${code}: ${message.replace(/:.*/, "")}`);
  expect(said("")).toEqual(["exit-without-ipv6: IPv6 of beta, delta leaves beside the tunnel"]);
  expect(said(", ipv6: true")).toEqual([]);
  expect(said("", ", families: 4")).toEqual([]);
});

test("an exit of which no endpoint is an address is one dialled by a name, and one that dials is none", () => {
  const codes = (endpoint: string) =>
    compileText(`
wireguard: {addresses: [10.250.0.0/24]}
exits: [{host: alpha, interface: eth0}]
hosts:
  alpha: {id: 1${endpoint}}
  gamma: {id: 3, endpoint: 198.51.100.3, exits: [alpha]}
`).diagnostics.map(({ code }) => code);
  expect(codes(", endpoint: alpha.example.net")).toEqual(["exit-dialled-by-name"]);
  expect(codes(", endpoint: [alpha.example.net, 198.51.100.1]")).toEqual([]);
  expect(codes("")).toEqual([]);
});
