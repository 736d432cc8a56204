/** Prefixes inside others: the longest leads, on every host, by every shape, and nothing of the one goes to the other. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { containsAddress, type IpAddress, type IpPrefix } from "../src/base/ip.ts";
import { contentOf } from "../src/emit/file.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { unicastOf } from "../src/model/loopback.ts";
import type { Network } from "../src/model/network.ts";
import { announcedTo } from "../src/ways/bgp-choice.ts";
import { roundTrip } from "../src/ways/reach.ts";
import { routeTo } from "../src/ways/routes.ts";
import { waysOf } from "../src/ways/ways.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";

const WIDE = "{cidr: 10.0.0.0/8, exceptMoreSpecifics: true}";
const open = (id: number, rest = ""): string => `{id: ${id}, endpoint: 192.0.2.${id}${rest && `, ${rest}`}}`;
const routes = (...all: readonly string[]): string => `routes: [${all.join(", ")}]`;
const hosts = (each: Readonly<Record<string, string>>): string =>
  `hosts:\n${Object.entries(each)
    .map(([name, words]) => `  ${name}: ${words}\n`)
    .join("")}`;
const wireguard = (rest = ""): string => `wireguard: {addresses: [10.250.0.0/24]${rest}}\n`;

/** A network behind alpha that holds what is behind beta, which holds what is behind gamma. */
const CHAIN = {
  alpha: open(1, routes(WIDE)),
  beta: open(2, routes("{cidr: 10.20.0.0/16, exceptMoreSpecifics: true}")),
  gamma: open(3, routes("10.20.3.0/24")),
};

const codesOf = (body: string): readonly string[] => messagesOf(body).map((each) => each.slice(0, each.indexOf(":")));

/** What a host has in AllowedIPs besides pool addresses, by the host that is sent it. */
function sentBy(network: Network, name: string): Readonly<Record<string, string>> {
  const ids = hostOf(network, name).interfaces.flatMap(({ peers }) => peers);
  const peers = ids.map((id) =>
    must(
      network.peers.find((peer) => peer.id === id),
      `${id} is a peer`,
    ),
  );
  return Object.fromEntries(
    peers.map(({ host, allowedIps }) => [host, allowedIps.filter((each) => !each.startsWith("10.250.")).join(" ")]),
  );
}

/** Where each host sends an address: to a neighbour, or into a subnet of its own. */
function nextHops(network: Network, address: string): Readonly<Record<string, string>> {
  const ways = waysOf(network);
  return Object.fromEntries(
    network.hosts.map((host) => {
      const route = routeTo(ways, host, undefined, address as IpAddress);
      return [host.name, route === undefined ? "nowhere" : route.kind === "tunnel" ? route.peer : route.kind];
    }),
  );
}

const fileOf = (body: string, path: string): string =>
  new TextDecoder().decode(
    contentOf(
      must(
        compileText(body).files.find((file) => file.path === path),
        `there is ${path}`,
      ),
    ),
  );

describe("what may lie inside", () => {
  test.each([
    ["a route of another host", { beta: open(2, routes("10.20.0.0/16")) }, ""],
    ["a pool alone", { beta: open(2) }, ""],
    ["a subnet", { beta: open(2) }, "subnets: {s: {cidr: 10.20.0.0/16, hosts: [beta]}}\n"],
    ["slices", { beta: open(2) }, "subnets: {s: {cidr: 10.20.0.0/16, perHost: 24, hosts: all}}\n"],
    ["a subnet of its own host", { beta: open(2) }, "subnets: {s: {cidr: 10.20.0.0/16, hosts: [alpha]}}\n"],
    ["a segment", { beta: open(2) }, "subnets: {s: {cidr: 10.20.0.0/16, vxlan: {vni: 9}, hosts: all}}\n"],
    [
      "the LAN of a site with a gateway",
      {
        beta: open(2, "site: s, lanEndpoint: 10.5.0.2"),
        node: "{id: 9, site: s, wireguard: false, lanEndpoint: 10.5.0.9}",
      },
      "sites: {s: {lan: [10.5.0.0/24], gateways: [beta]}}\n",
    ],
  ])("%s", (_, others, rest) => {
    const body = (wide: string): string => wireguard() + rest + hosts({ alpha: open(1, routes(wide)), ...others });
    expect(messagesOf(body(WIDE))).toEqual([]);
    expect(new Set(codesOf(body("10.0.0.0/8")))).toEqual(new Set(["prefix-overlap"]));
  });

  test("of a chain each that holds another says so, and the error names the one that does not", () => {
    const beta = open(2, routes("10.20.0.0/16"));
    expect(messagesOf(wireguard() + hosts(CHAIN))).toEqual([]);
    expect(messagesOf(wireguard() + hosts({ ...CHAIN, beta }))).toEqual([
      "prefix-overlap: 10.20.3.0/24 (a route of gamma) and 10.20.0.0/16 (a route of beta) overlap; one prefix can lead to one host only",
    ]);
  });

  test("an equal prefix is one too many, whoever says it", () => {
    expect(codesOf(wireguard() + hosts({ alpha: open(1, routes(WIDE)), beta: open(2, routes(WIDE)) }))).toEqual([
      "prefix-overlap",
    ]);
    expect(codesOf(wireguard() + hosts({ alpha: open(1, routes(WIDE, "10.0.0.0/8")), beta: open(2) }))).toEqual([
      "prefix-overlap",
    ]);
  });

  test("nothing, and it need not be said; another VRF's, or a neighbour, is nothing", () => {
    const unused = (wide: string, other: string): readonly string[] =>
      codesOf(
        `wireguard: {addresses: [192.168.250.0/24]}\nbgp: {asn: 65000}\nvrfs: {blue: {vni: 5000}}\n` +
          hosts({ alpha: open(1, routes(wide)), beta: open(2, routes(other)) }),
      );
    expect(unused(WIDE, "11.0.0.0/8")).toEqual(["exception-unused"]);
    expect(unused(WIDE, "{cidr: 10.20.0.0/16, vrf: blue}")).toEqual(["exception-unused"]);
    expect(unused(WIDE.replace("}", ", vrf: blue}"), "{cidr: 10.20.0.0/16, vrf: blue}")).toEqual([]);
    expect(unused('{cidr: "fd00::/16", exceptMoreSpecifics: true}', "10.20.0.0/16")).toEqual(["exception-unused"]);
  });
});

describe("in a mesh", () => {
  const network = modelOf(wireguard() + hosts({ ...CHAIN, delta: open(4) }));

  test("each peer has what is its own, and the longest prefix leads", () => {
    expect(sentBy(network, "delta")).toEqual({ alpha: "10.0.0.0/8", beta: "10.20.0.0/16", gamma: "10.20.3.0/24" });
    expect(nextHops(network, "10.20.3.9")).toEqual({ alpha: "gamma", beta: "gamma", gamma: "subnet", delta: "gamma" });
    expect(nextHops(network, "10.20.9.9")).toEqual({ alpha: "beta", beta: "subnet", gamma: "beta", delta: "beta" });
    expect(nextHops(network, "10.9.9.9")).toEqual({ alpha: "subnet", beta: "alpha", gamma: "alpha", delta: "alpha" });
  });

  test("no host sends by another way what is another's, nor follows the wider one with what is its own", () => {
    const unreachable = (name: string): readonly string[] => hostOf(network, name).unreachable;
    expect(unreachable("alpha")).toEqual(["10.20.0.0/16", "10.20.3.0/24", "10.250.0.0/24"]);
    expect(unreachable("beta")).toEqual(["10.0.0.0/8", "10.20.0.0/16", "10.20.3.0/24", "10.250.0.0/24"]);
    expect(unreachable("gamma")).toEqual(["10.0.0.0/8", "10.20.0.0/16", "10.20.3.0/24", "10.250.0.0/24"]);
  });

  test("what is a host's own inside its own has its own way, as all of it", () => {
    const own = modelOf(wireguard() + hosts({ alpha: open(1, routes(WIDE, "10.20.0.0/16")), beta: open(2) }));
    expect(hostOf(own, "alpha").unreachable).toEqual(["10.250.0.0/24"]);
    expect(sentBy(own, "beta")).toEqual({ alpha: "10.0.0.0/8 10.20.0.0/16" });
  });

  test("a segment is not held to a peer that only the wider prefix leads to", () => {
    const paths = "underlay: {paths: [{between: [alpha, gamma], mtu: 1400}]}\n";
    const subnets = "subnets: {s: {vxlan: {vni: 9}, hosts: [beta, gamma]}}\n";
    const segment = modelOf(wireguard(", mtu: per-peer") + paths + hosts(CHAIN) + subnets).segments[0];
    expect(segment?.mtu).toMatchObject({ computed: 1500 - 60 - 50 });
  });
});

describe("by a hub", () => {
  const HUB = wireguard(", shape: hub-and-spoke, hubs: [hub]");
  const keys = Object.fromEntries(
    ["hub", "alpha", "beta", "gamma"].map((name, index) => [name, Buffer.alloc(32, index + 1).toString("base64")]),
  );
  const made = (each: Readonly<Record<string, string>>): Network =>
    must(compileText(HUB + hosts(each), keys).model, "there is a model");
  const network = made({ hub: open(9), ...CHAIN });

  test("a spoke sends all by the wider prefix, and what is in its own only as far as it is another's", () => {
    expect(sentBy(network, "gamma")).toEqual({ hub: "10.0.0.0/8" });
    expect(sentBy(network, "beta")).toEqual({ hub: "10.0.0.0/8 10.20.3.0/24" });
    expect(sentBy(network, "alpha")).toEqual({ hub: "10.20.0.0/16 10.20.3.0/24" });
    expect(sentBy(network, "hub")).toEqual({ alpha: "10.0.0.0/8", beta: "10.20.0.0/16", gamma: "10.20.3.0/24" });
  });

  test("a spoke with one prefix that holds one other sends the other, and not its own", () => {
    const apart = HUB.replace("10.250.0.0/24", "192.168.250.0/24");
    const two = { hub: open(9), alpha: CHAIN.alpha, gamma: CHAIN.gamma };
    const { model, diagnostics } = compileText(apart + hosts(two), keys);
    expect(diagnostics).toEqual([]);
    expect(sentBy(must(model, "there is a model"), "alpha")).toEqual({ hub: "10.20.3.0/24 192.168.250.0/24" });
  });

  test("what nobody has of the pool is sent to no hub that would send it back", () => {
    const [peer] = hostOf(network, "alpha").interfaces.flatMap(({ peers }) => peers);
    const { allowedIps } = must(
      network.peers.find(({ id }) => id === peer),
      "it has a peer",
    );
    expect(allowedIps.filter((each) => each.startsWith("10.250."))).toEqual([
      "10.250.0.2/32",
      "10.250.0.3/32",
      "10.250.0.9/32",
    ]);
  });

  test("unreachable is what is another's inside its own, and its own inside another's", () => {
    expect(hostOf(network, "alpha").unreachable).toEqual(["10.20.0.0/16", "10.250.0.0/24"]);
    expect(hostOf(network, "beta").unreachable).toEqual(["10.0.0.0/8", "10.20.0.0/16", "10.20.3.0/24"]);
    expect(hostOf(network, "gamma").unreachable).toEqual(["10.0.0.0/8", "10.20.3.0/24"]);
  });

  test("a hub with the wider one keeps the rest", () => {
    const own = made({ hub: open(9, routes(WIDE)), beta: CHAIN.beta, gamma: CHAIN.gamma });
    expect(sentBy(own, "hub")).toEqual({ beta: "10.20.0.0/16", gamma: "10.20.3.0/24" });
    expect(sentBy(own, "beta")).toEqual({ hub: "10.0.0.0/8 10.20.3.0/24" });
    expect(nextHops(own, "10.20.9.9")).toEqual({ hub: "beta", beta: "subnet", gamma: "hub" });
    expect(hostOf(own, "hub").unreachable).toEqual(["10.20.0.0/16", "10.20.3.0/24", "10.250.0.0/24"]);
  });
});

describe("by others", () => {
  test("along links each neighbour has all that lies behind it", () => {
    const network = modelOf(wireguard(", shape: links, links: [[alpha, beta], [beta, gamma]]") + hosts(CHAIN));
    expect(sentBy(network, "alpha")).toEqual({ beta: "10.20.0.0/16 10.20.3.0/24" });
    expect(sentBy(network, "gamma")).toEqual({ beta: "10.0.0.0/8 10.20.0.0/16" });
  });

  test("a relay has what is behind it besides its own", () => {
    const network = modelOf(
      wireguard(", hubs: [beta]") +
        hosts({
          ...CHAIN,
          alpha: `{id: 1, behindNat: true, ${routes(WIDE)}}`,
          gamma: `{id: 3, behindNat: true, ${routes("10.20.3.0/24")}}`,
        }),
    );
    expect(sentBy(network, "alpha")).toEqual({ beta: "10.20.0.0/16 10.20.3.0/24" });
    expect(sentBy(network, "gamma")).toEqual({ beta: "10.0.0.0/8 10.20.0.0/16" });
  });

  test("a gateway has all of its site, also what lies in another's that lies in its own", () => {
    const network = modelOf(
      `sites: {s: {lan: [10.5.0.0/24], gateways: [beta]}}\n${wireguard()}${hosts({
        alpha: open(1, `site: s, lanEndpoint: 10.5.0.1, ${routes(WIDE, "10.20.3.0/24")}`),
        beta: open(2, "site: s, lanEndpoint: 10.5.0.2"),
        gamma: open(3, routes("{cidr: 10.20.0.0/16, exceptMoreSpecifics: true}")),
      })}`,
    );
    expect(sentBy(network, "gamma")).toEqual({ beta: "10.0.0.0/8 10.5.0.0/24 10.20.3.0/24" });
    expect(nextHops(network, "10.20.3.9")).toEqual({ alpha: "subnet", beta: "alpha", gamma: "beta" });
    expect(nextHops(network, "10.20.9.9")).toEqual({ alpha: "beta", beta: "gamma", gamma: "subnet" });
  });
});

describe("endpoints", () => {
  const dialled = (endpoint: string, routesOfBeta: string): readonly string[] =>
    codesOf(
      wireguard() +
        hosts({ alpha: open(1, routes(WIDE)), beta: open(2, routesOfBeta), gamma: `{id: 3, endpoint: ${endpoint}}` }),
    );

  test("in the rest are dialled through the tunnel, and in a part of it as well", () => {
    expect(dialled("10.9.9.9", routes("10.20.0.0/16"))).toEqual(["lan-in-allowed-ips"]);
    expect(dialled("10.20.9.9", routes("10.20.0.0/16"))).toEqual(["lan-in-allowed-ips"]);
  });

  test("in a part that is another's, for the host that has the rest", () => {
    const two = (endpoint: string): readonly string[] =>
      codesOf(
        wireguard() +
          hosts({
            alpha: open(1, routes(WIDE)),
            beta: `{id: 2, endpoint: "${endpoint}", behindNat: true, ${routes("10.20.0.0/16")}}`,
          }),
      );
    // It is behind a NAT that has an address of the headquarters: near for these, and for nobody else.
    expect(two("10.9.9.9:51820")).toEqual([]);
    expect(two("10.20.9.9:51820")).toEqual(["endpoint-in-overlay"]);
  });

  test("on a LAN of the overlay are near, though it lies in what is far", () => {
    const body =
      `sites: {s: {lan: [10.5.0.0/24], gateways: [beta]}}\n${wireguard()}` +
      hosts({
        alpha: open(1, routes(WIDE)),
        beta: open(2, "site: s, lanEndpoint: 10.5.0.2"),
        gamma: "{id: 3, site: s, lanEndpoint: 10.5.0.3}",
      });
    expect(messagesOf(body)).toEqual([]);
    expect(codesOf(body.replace("lan: [10.5.0.0/24]", "lan: [10.5.0.0/31]"))).toContain("lan-in-allowed-ips");
    // A site without a gateway keeps its LAN out of the overlay.
    expect(codesOf(body.replace(", gateways: [beta]", ""))).toContain("lan-in-overlay");
  });
});

describe("where BGP routes", () => {
  const HUBS = wireguard(", transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]");
  const body = `${HUBS}bgp: {asn: 65000}\n${hosts({
    alpha: open(1, routes(WIDE)),
    beta: open(2, routes("10.20.9.0/24")),
    gamma: `{id: 3, ${routes("{cidr: 10.20.0.0/16, exceptMoreSpecifics: true}")}}`,
    delta: `{id: 4, ${routes("10.20.3.0/24")}}`,
  })}`;

  test("each announces its own, which is all that is taken of it", () => {
    const network = modelOf(body);
    const ofDelta = announcedTo(waysOf(network), hostOf(network, "delta")).filter(
      ({ prefix }) => prefix.endsWith("0/24") || prefix.length < 13,
    );
    expect(ofDelta.map(({ prefix, peer }) => `${prefix} by ${peer}`)).toEqual([
      "10.0.0.0/8 by alpha",
      "10.20.9.0/24 by beta",
      "10.20.0.0/16 by alpha",
    ]);
    const frr = fileOf(body, "alpha/etc/frr/frr.conf");
    expect(frr.match(/^ip prefix-list OF-gamma .*$/gm)).toEqual([
      "ip prefix-list OF-gamma seq 5 permit 10.20.0.0/16",
      "ip prefix-list OF-gamma seq 10 permit 10.250.0.3/32",
    ]);
  });

  test("what a hub has is near, and not what a spoke has inside it", () => {
    expect(fileOf(body, "delta/etc/frr/frr.conf").match(/NEARBY seq .*$/gm)).toEqual([
      "NEARBY seq 5 permit 10.0.0.0/8",
      "NEARBY seq 10 permit 10.20.9.0/24",
      "NEARBY seq 15 permit 10.250.0.1/32",
      "NEARBY seq 20 permit 10.250.0.2/32",
    ]);
  });

  test("a hub gives nothing of its own to its spokes while BGP is silent", () => {
    const frr = fileOf(body, "beta/etc/frr/frr.conf");
    expect(frr.match(/^ip route .* 254$/gm)?.map((each) => each.split(" ")[2])).toEqual([
      "10.0.0.0/8",
      "10.20.0.0/16",
      "10.20.3.0/24",
      "10.250.0.0/24",
    ]);
    expect(hostOf(modelOf(body), "beta").unreachable).toContain("10.20.9.0/24");
  });

  test("the LAN that a host is on is taken from nobody, whatever holds it", () => {
    const gates =
      `sites: {s: {lan: [10.5.0.0/24], gateways: [alpha, beta]}}\n${wireguard(", transit: [10.251.0.0/16]")}bgp: {asn: 65000}\n` +
      hosts({
        alpha: open(1, "site: s, lanEndpoint: 10.5.0.1"),
        beta: open(2, "site: s, lanEndpoint: 10.5.0.2"),
        gamma: "{id: 3, site: s, lanEndpoint: 10.5.0.3}",
        delta: open(4, routes(WIDE)),
      });
    const network = modelOf(gates);
    const refused = (name: string) => unicastOf(hostOf(network, name))?.refused;
    expect(["alpha", "gamma", "delta"].map(refused)).toEqual([["10.5.0.0/24"], ["10.5.0.0/24"], []]);
    expect(fileOf(gates, "gamma/etc/frr/frr.conf").match(/OVERLAY seq .*$/gm)).toEqual([
      "OVERLAY seq 5 deny 10.5.0.0/24 le 32",
      "OVERLAY seq 10 permit 10.0.0.0/8 le 32",
    ]);
    const heard = (name: string) => announcedTo(waysOf(network), hostOf(network, name)).map(({ prefix }) => prefix);
    expect(heard("gamma")).not.toContain("10.5.0.0/24");
    expect(heard("delta")).toContain("10.5.0.0/24");
  });
});

describe("guests of a lab", () => {
  const SUBNETS = "subnets: {s: {cidr: 10.0.0.0/24, hosts: [delta]}}\n";
  const network = modelOf(wireguard() + hosts({ ...CHAIN, delta: open(4) }) + SUBNETS);
  const { guests, foreignBridges } = planLab(network);
  const named = (name: string) =>
    must(
      guests.find((each) => each.name === name),
      `${name} is a guest`,
    );

  test("take nothing for near that is another's", () => {
    const [{ address, lengthBits }] = named("10.0.0.0/8@alpha").addresses as [
      { address: IpAddress; lengthBits: number },
    ];
    const near = `${address.replace(/\.\d+$/, ".0")}/${lengthBits}` as IpPrefix;
    const inner = network.prefixes.filter(({ prefix }) => prefix !== "10.0.0.0/8").map(({ prefix }) => prefix);
    expect(inner.filter((each) => containsAddress(near, each.split("/")[0] as IpAddress))).toEqual([]);
    const bridge = foreignBridges.find(({ host }) => host === "alpha");
    expect(bridge).toMatchObject({ addresses: [{ lengthBits }], routes: ["10.0.0.0/8"] });
  });

  test("all reach each other", () => {
    const ways = waysOf(network, guests);
    const pairs = guests.flatMap((a) => guests.filter((b) => b !== a).map((b) => [a, b] as const));
    expect(pairs.filter(([a, b]) => roundTrip(ways, a, b, 4) === undefined)).toEqual([]);
  });

  test("are none where others have all of a prefix", () => {
    const halves = modelOf(
      "wireguard: {addresses: [192.168.250.0/24]}\n" +
        hosts({ alpha: open(1, routes(WIDE)), beta: open(2, routes("10.0.0.0/9", "10.128.0.0/9")) }),
    );
    expect(planLab(halves).guests.map(({ name }) => name)).toEqual(["10.0.0.0/9@beta", "10.128.0.0/9@beta"]);
  });
});
