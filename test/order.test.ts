/** The order in which hosts change: what carries others comes last, and nobody changes with who stands in for it. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { rolloutBatches } from "../src/deliver/order.ts";
import type { Network } from "../src/model/network.ts";
import { relaysOf } from "../src/model/relays.ts";
import { modelOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");

function fixture(name: string): Network {
  const found = scenarios.find((each) => each.name === name);
  return must(compile(sourceOf(must(found, `${name} is a fixture`))).model, "it compiles");
}

const namesOf = (network: Network): readonly string[] =>
  rolloutBatches(network).map((batch) => batch.map(({ name }) => name).join(" "));

describe("in the order", () => {
  const cases: readonly (readonly [fixture: string, why: string, order: readonly string[]])[] = [
    ["hub-and-spoke", "a gateway after those without, the hub last", ["north", "south", "east", "hub"]],
    ["two-hubs", "hubs one by one, and spokes together", ["epsilon", "gamma", "delta", "alpha", "beta"]],
    ["ring", "of a ring each passes on, and nobody goes with another", ["east", "north", "south", "west"]],
    ["links", "the ends of a chain before what is between", ["alpha", "delta", "beta", "gamma"]],
    ["minimal", "who has no gateway first", ["beta", "alpha"]],
    ["pods", "ends of a tunnel look at each other", ["host-a", "host-b", "host-c"]],
    ["two-gateways", "a branch before the gateways of a site", ["branch", "node1", "node2", "gate1", "gate2"]],
    ["exits", "exits after those who leave by them", ["far", "lab", "roz", "wro"]],
    ["several-prefixes", "who is in the segment, its gateway, the reflector", ["gamma", "beta", "alpha"]],
    [
      "vrrp-gateways",
      "machines without WireGuard together, the gateways of their site one by one",
      ["inside", "laptop", "node1 node2", "office", "gate2", "gate1"],
    ],
  ];
  test.each(cases)("of %s: %s", (name, _, order) => expect(namesOf(fixture(name))).toEqual(order));

  test("a batch has as many hosts as have changed before, and only those that get files", () => {
    const spokes = Array.from({ length: 9 }, (_, index) => `s${index + 1}`);
    const names = ["hub", ...spokes];
    const hosts = names.map((name, index) => {
      const app = name === "s9" ? ", platform: wireguard-app" : "";
      const endpoint = name === "hub" ? "endpoint: 198.51.100.1" : "behindNat: true";
      return `  ${name}: {id: ${index + 1}, ${endpoint}${app}, publicKey: "${testPublicKey(name)}"}\n`;
    });
    const network = modelOf(
      `wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [hub]}\nhosts:\n${hosts.join("")}`,
    );
    expect(namesOf(network)).toEqual(["s1", "s2", "s3 s4", "s5 s6 s7 s8", "hub"]);
  });
});

/** Lists of hosts that can do the same, written down without what is tested. */
function standIns(network: Network): readonly (readonly string[])[] {
  const { hosts, segments, sites, vrfs, remotes, exits } = network;
  const relays = relaysOf(network);
  const gateways = segments.map(({ gateway }) =>
    "hosts" in gateway ? gateway.hosts.map((each) => (typeof each === "string" ? each : each.host)) : [],
  );
  return [
    ...sites.map((site) => site.gateways),
    ...gateways,
    ...[...vrfs, ...remotes, { exits }].map((each) => each.exits.map(({ host }) => host)),
    ...hosts.map(({ name, vrrp }) => [name, vrrp?.other.host ?? name]),
    // Where BGP routes, prefixes of a peer say nothing about who passes on: its hubs reflect.
    network.bgp.kind === "routing" ? [] : hosts.filter(({ name }) => relays.has(name)).map(({ name }) => name),
    hosts.filter(({ bgp }) => bgp.kind !== "none" && bgp.isReflector).map(({ name }) => name),
  ].map((list) => [...new Set(list)]);
}

describe.each(scenarios.map(({ name }) => name))("of %s", (name) => {
  const network = fixture(name);
  const batches = rolloutBatches(network).map((batch) => batch.map((host) => host.name));

  test("each host that gets files stands once", () => {
    const expected = network.hosts.filter(({ app }) => app === undefined).map((host) => host.name);
    expect(batches.flat().sort()).toEqual([...expected].sort());
  });

  test("no two stand together that can do the same", () => {
    const both = standIns(network).flatMap((list) =>
      batches.filter((batch) => batch.filter((host) => list.includes(host)).length > 1),
    );
    expect(both).toEqual([]);
  });
});
