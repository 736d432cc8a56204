/** VRFs that import each other: who has which, what leads where, and what the guard lets through. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { contentOf } from "../src/emit/file.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";

const HOSTS = `wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3}
  delta: {id: 4, endpoint: 192.0.2.4}
`;
const vrfs = (red: string, green: string, shared: string): string =>
  `vrfs: {red: {vni: 5000${red}}, green: {vni: 6000${green}}, shared: {vni: 7000${shared}}}\n`;
const BOTH = vrfs(", imports: [shared]", ", imports: [shared]", "");
const subnet = (vrf: string, host: string, cidr: string): string =>
  `  ${vrf}-${host}: {cidr: ${cidr}, hosts: [${host}], vrf: ${vrf}}\n`;
const SUBNETS = `subnets:\n${subnet("red", "alpha", "10.1.0.0/24")}${subnet("green", "beta", "10.2.0.0/24")}${subnet("shared", "gamma", "10.3.0.0/24")}`;

const textOf = (body: string, path: string): string => {
  const found = must(
    compileText(body).files.find((each) => each.path === path),
    `there is ${path}`,
  );
  return new TextDecoder().decode(contentOf(found));
};

describe("who has an instance", () => {
  const members = (body: string) => Object.fromEntries(modelOf(body).vrfs.map((each) => [each.name, each.members]));

  test("hosts of a VRF have those that it imports, and those that import it; no more, and nobody else", () => {
    expect(members(HOSTS + BOTH + SUBNETS)).toEqual({
      green: ["beta", "gamma"],
      red: ["alpha", "gamma"],
      shared: ["alpha", "beta", "gamma"],
    });
  });

  test("a VRF that nobody has a part of brings nothing, and has nothing brought to it but by those that import it", () => {
    const body = HOSTS + vrfs("", "", ", imports: [red]") + SUBNETS.replace(/ {2}shared-.*\n/, "");
    expect(members(body)).toEqual({ green: ["beta"], red: ["alpha"], shared: ["alpha"] });
  });
});

describe("whoever imports is imported", () => {
  const leaks = (words: string) => modelOf(HOSTS + words + SUBNETS).vrfs.map((each) => [each.name, each.leaks]);
  const expected = [
    ["green", []],
    ["red", ["shared"]],
    ["shared", ["red"]],
  ];

  test.each([
    ["said by the one", vrfs(", imports: [shared]", "", "")],
    ["said by the other", vrfs("", "", ", imports: [red]")],
    ["said by both", vrfs(", imports: [shared]", "", ", imports: [red]")],
  ])("%s", (_, words) => {
    expect(leaks(words)).toEqual(expected);
  });

  test("all of several, by name", () => {
    expect(leaks(vrfs("", "", ", imports: [red, green]"))[2]).toEqual(["shared", ["green", "red"]]);
  });
});

describe("what a host does with it", () => {
  test("an instance knows the others of its host, with their tables and all of their prefixes", () => {
    const network = modelOf(HOSTS + BOTH.replace("vni: 7000", "vni: 7000, table: 7100") + SUBNETS);
    const leaksOn = (host: string) => hostOf(network, host).vrfs.map(({ name, leaks }) => [name, leaks]);
    const shared = { vrf: "shared", table: 7100, prefixes: ["10.3.0.0/24"] };
    expect(leaksOn("alpha")).toEqual([
      ["red", [shared]],
      ["shared", [{ vrf: "red", table: 5000, prefixes: ["10.1.0.0/24"] }]],
    ]);
    expect(leaksOn("delta")).toEqual([]);
  });

  test("a route into the device for each prefix, in the other's table, and an end there for when the device is gone", () => {
    const unit = textOf(HOSTS + BOTH + SUBNETS, "alpha/etc/systemd/network/20-netgen-shared.network");
    expect(unit).toContain("\n[Route]\nDestination=10.3.0.0/24\nTable=5000\n");
    expect(unit).toContain("\n[Route]\nDestination=10.1.0.0/24\nType=unreachable\nTable=7000\n");
    expect(unit).not.toContain("10.2.0.0/24");
  });

  test("what another VRF leads back to gets past the reverse path check: the bridge that it enters by has an address", () => {
    const addresses = (words: string) =>
      modelOf(HOSTS + words + SUBNETS).hosts.flatMap(({ name, vrfs: own }) =>
        own.map((each) => [`${name} ${each.name}`, each.bridgeAddresses.length]),
      );
    expect(Object.fromEntries(addresses(vrfs(", imports: [shared]", "", "")))).toEqual({
      "alpha red": 1,
      "alpha shared": 1,
      "beta green": 0,
      "gamma red": 1,
      "gamma shared": 1,
    });
    const unit = textOf(HOSTS + BOTH + SUBNETS, "alpha/etc/systemd/network/20-netgen-br7000.network");
    expect(unit).toContain("\nAddress=127.0.0.1/8\n");
  });

  test("FRR is told nothing of it: BGP would tell others", () => {
    const config = (words: string) => textOf(HOSTS + words + SUBNETS, "gamma/etc/frr/frr.conf");
    const block = /router bgp 65000 vrf shared\n[\s\S]*?\nexit\n/;
    expect(config(BOTH).match(block)?.[0]).toBe(config(vrfs("", "", "")).match(block)?.[0]);
  });

  test("the guard lets each through under its own addresses, and only in a family that both have", () => {
    const dual = SUBNETS.replace("10.1.0.0/24", '[10.1.0.0/24, "fd01::/64"]');
    const rules = textOf(HOSTS + BOTH + dual, "gamma/etc/netgen/netgen.nft").split("\n");
    expect(rules.filter((rule) => /oifname.*saddr/.test(rule)).map((rule) => rule.trim())).toEqual([
      'iifname "green" oifname "shared" ip saddr 10.2.0.0/24 ip daddr 10.3.0.0/24 return',
      'iifname "red" oifname "shared" ip saddr 10.1.0.0/24 ip daddr 10.3.0.0/24 return',
      'iifname "shared" oifname "green" ip saddr 10.3.0.0/24 ip daddr 10.2.0.0/24 return',
      'iifname "shared" oifname "red" ip saddr 10.3.0.0/24 ip daddr 10.1.0.0/24 return',
    ]);
  });
});

describe("laws", () => {
  const codes = (body: string) => messagesOf(HOSTS + body).map((each) => each.split(":")[0]);

  test("what imports a VRF with mistakes is judged once that is mended", () => {
    const broken = vrfs(", imports: [shared]", ", imports: [shared]", "").replace("vni: 7000", "vni: 0");
    expect(codes(broken + SUBNETS)).toEqual(["value-range"]);
  });

  test("tenants that share nothing may have the same addresses", () => {
    const same = SUBNETS.replace("10.2.0.0/24", "10.1.0.0/24");
    expect(codes(vrfs(", imports: [shared]", "", "") + same)).toEqual([]);
    expect(codes(BOTH + same)).toEqual(["vrf-import-overlap"]);
  });

  test("an overlap of two is said once, however many tables lead to both", () => {
    const same = SUBNETS.replace("10.3.0.0/24", "10.1.0.0/16");
    expect(codes(vrfs(", imports: [shared]", ", imports: [red, shared]", "") + same)).toEqual(["vrf-import-overlap"]);
  });

  test("a route behind a host, and what a peer may say, are prefixes of the VRF", () => {
    const routes = HOSTS.replace("id: 3", "id: 3, routes: [{cidr: 10.1.0.128/25, vrf: shared}]");
    expect(messagesOf(routes + BOTH + SUBNETS)[0]).toMatch(
      /^vrf-import-overlap: 10\.1\.0\.0\/24 \(subnet red-alpha, VRF red\) and 10\.1\.0\.128\/25 \(a route of gamma, VRF shared\)/,
    );
  });

  test("a host has no address in what its guests' VRF imports: they would reach the host instead", () => {
    const held = SUBNETS.replace("10.3.0.0/24", "192.0.2.0/30");
    expect(codes(vrfs(", imports: [shared]", "", "") + held)).toEqual(["vrf-holds-host-address"]);
    const one = SUBNETS.replace("10.3.0.0/24", "192.0.2.1/32");
    expect(codes(vrfs("", "", "") + one)).toEqual([]);
    expect(codes(vrfs(", imports: [shared]", "", "") + one)).toEqual(["vrf-holds-host-address"]);
  });
});
