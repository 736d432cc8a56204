/** `wireguard.mtu: per-peer`: each pair has the MTU of its own path, on one interface. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";

const wireguard = (pools = "[10.250.0.0/24]"): string => `wireguard: {addresses: ${pools}, mtu: per-peer}\n`;
const THREE = `hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3, routes: [10.9.0.0/24]}
`;
const paths = (...rules: readonly string[]): string => `underlay: {paths: [${rules.join(", ")}]}\n`;
const JUMBO = "{between: [alpha, beta], mtu: 9000}";
const PPPOE = "{between: [alpha, gamma], mtu: 1492}";

describe("an MTU for each peer", () => {
  test("the interface has that of its largest tunnel, and whoever carries less is listed with all that goes to it", () => {
    const model = modelOf(wireguard() + paths(JUMBO, PPPOE) + THREE);
    expect(hostOf(model, "alpha").interfaces[0]).toMatchObject({
      mtu: 8940,
      limitingPeer: "beta",
      smallerPeers: [{ host: "gamma", mtu: 1432, prefixes: ["10.250.0.3/32", "10.9.0.0/24"] }],
    });
    expect(hostOf(model, "gamma").interfaces[0]).toMatchObject({
      mtu: 1440,
      limitingPeer: "beta",
      smallerPeers: [{ host: "alpha", mtu: 1432 }],
    });
  });

  // In a full mesh hosts that meet all others alike are made as one.
  test("of hosts of one kind each has the others, and not itself, among those that get less", () => {
    const six = (id: number): string => `{id: ${id}, endpoint: "[2001:db8::${id}]"}`;
    const hosts = `hosts:\n  alpha: ${six(1)}\n  beta: ${six(2)}\n  gamma: {id: 3, endpoint: 192.0.2.3, families: 4}\n`;
    const model = modelOf(wireguard() + hosts);
    const smaller = (name: string) =>
      hostOf(model, name).interfaces[0]?.smallerPeers.map(({ host, mtu }) => `${host} ${mtu}`);
    expect(smaller("alpha")).toEqual(["beta 1420"]);
    expect(smaller("beta")).toEqual(["alpha 1420"]);
    expect(smaller("gamma")).toEqual([]);
  });

  test("both ends of a pair send each other the same", () => {
    const model = modelOf(wireguard() + paths(JUMBO, PPPOE, "{between: [beta, gamma], mtu: 1400}") + THREE);
    const sends = (from: string, to: string): number | undefined => {
      const link = hostOf(model, from).interfaces[0];
      return link?.smallerPeers.find(({ host }) => host === to)?.mtu ?? link?.mtu;
    };
    for (const [a, b, mtu] of [
      ["alpha", "beta", 8940],
      ["alpha", "gamma", 1432],
      ["beta", "gamma", 1340],
    ] as const) {
      expect([sends(a, b), sends(b, a)]).toEqual([mtu, mtu]);
    }
  });

  test("a host alone has what its first peer would get, and nobody is smaller", () => {
    const model = modelOf(`${wireguard()}hosts: {alpha: {id: 1}}\n`);
    expect(hostOf(model, "alpha").interfaces[0]).toMatchObject({
      mtu: 1420,
      limitingPeer: undefined,
      smallerPeers: [],
    });
  });

  test("a segment has the smallest of its own pairs, not of its members' interfaces", () => {
    const subnets = `subnets:
  fast: {vxlan: {vni: 1}, hosts: [alpha, beta]}
  slow: {vxlan: {vni: 2}, hosts: all}
  far: {vxlan: {vni: 3}, hosts: [beta, gamma]}
`;
    const { segments } = modelOf(wireguard() + paths(JUMBO, PPPOE) + THREE + subnets);
    expect(segments.map(({ mtu }) => [mtu.computed, mtu.limitingPair])).toEqual([
      [8890, ["alpha", "beta"]],
      [1382, ["alpha", "gamma"]],
      [1390, ["beta", "gamma"]],
    ]);
  });

  describe("of which several are smaller", () => {
    /** What alpha has, which sends most to delta. */
    const held = (toBeta: number, toGamma: number, subnet: string) => {
      const rules = paths(
        "{between: [alpha, delta], mtu: 9000}",
        `{between: [alpha, beta], mtu: ${toBeta}}`,
        `{between: [alpha, gamma], mtu: ${toGamma}}`,
      );
      const delta = "  delta: {id: 4, endpoint: 192.0.2.4}\n";
      return modelOf(`${wireguard()}${rules}${THREE}${delta}subnets: {s: {${subnet}}}\n`);
    };

    test("a segment has the smallest, and of equal ones the first", () => {
      const limits = (toBeta: number, toGamma: number) => {
        const { segments } = held(toBeta, toGamma, "vxlan: {vni: 1}, hosts: [alpha, beta, gamma]");
        return segments.map(({ mtu }) => [mtu.computed, mtu.limitingPair]);
      };
      expect(limits(1480, 1490)).toEqual([[1370, ["alpha", "beta"]]]);
      expect(limits(1490, 1480)).toEqual([[1370, ["alpha", "gamma"]]]);
      expect(limits(1480, 1480)).toEqual([[1370, ["alpha", "beta"]]]);
    });

    test("guests are told the smallest, whichever comes first", () => {
      const told = (toBeta: number, toGamma: number) => {
        const network = held(toBeta, toGamma, "cidr: 10.8.0.0/24, hosts: [alpha], dhcp: true");
        return hostOf(network, "alpha").bridges.map(({ dhcp }) => dhcp?.mtu);
      };
      expect(told(1480, 1490)).toEqual([1420]);
      expect(told(1490, 1480)).toEqual([1420]);
    });
  });

  test("only the hosts with a smaller peer have routes with an MTU; other peers need one for what lies behind them", () => {
    const { files } = compileText(wireguard() + paths(JUMBO) + THREE);
    const routesOf = (host: string): readonly string[] => {
      const file = must(
        files.find(({ path }) => path === `${host}/etc/netgen/routes`),
        "it has routes",
      );
      return (
        Buffer.concat(file.content)
          .toString()
          .match(/^.* dev .*$/gm) ?? []
      );
    };
    const smaller = ["10.250.0.3/32 dev wg0 metric 2100 mtu 1440", "10.9.0.0/24 dev wg0 metric 2100 mtu 1440"];
    expect(routesOf("alpha")).toEqual(smaller);
    expect(routesOf("beta")).toEqual(smaller);
    expect(routesOf("gamma")).toEqual([]);
    const plain = compileText(`wireguard: {addresses: [10.250.0.0/24]}\n${THREE}`).files;
    expect(
      plain
        .filter(({ path }) => path.endsWith("/etc/netgen/routes"))
        .flatMap(
          ({ content }) =>
            Buffer.concat(content)
              .toString()
              .match(/^.* dev wg0 .*$/gm) ?? [],
        ),
    ).toEqual(["10.9.0.0/24 dev wg0 metric 2100", "10.9.0.0/24 dev wg0 metric 2100"]);
  });

  test("a route below 1280 bytes carries no IPv6 either, though the interface would", () => {
    const body = wireguard('["fd00::/64"]') + paths(JUMBO, "{between: [alpha, gamma], mtu: 1330}") + THREE;
    expect(messagesOf(body)).toEqual([
      "mtu-wireguard-below-ipv6: the tunnel between alpha and gamma carries 1270 bytes (path 1330 - 60), and IPv6 inside needs 1280: Linux takes the IPv6 address off such an interface",
    ]);
  });
});

describe("where FRR alone routes", () => {
  test.each([
    ["two hubs", "shape: hub-and-spoke, hubs: [alpha, beta]", ""],
    ["a site with two gateways", "", "sites: {s: {gateways: [alpha, beta]}}\n"],
  ])("%s: refused", (_, keys, sites) => {
    const body = `wireguard: {addresses: [10.250.0.0/24], mtu: per-peer, ${keys}}\n${sites}${THREE}`;
    expect(messagesOf(body)).toContainEqual(expect.stringMatching(/^mtu-per-peer-with-bgp: /));
  });

  test("one hub: not refused", () => {
    const body = `wireguard: {addresses: [10.250.0.0/24], mtu: per-peer, shape: hub-and-spoke, hubs: [alpha]}\n${THREE}`;
    expect(messagesOf(body)).not.toContainEqual(expect.stringMatching(/^mtu-per-peer-with-bgp: /));
  });
});
