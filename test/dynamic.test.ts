/** More than one way between hosts: interfaces, addresses, sessions, and how long it takes to change over. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import type { IpPrefix } from "../src/base/ip.ts";
import type { Host } from "../src/model/host.ts";
import { failoverOf, poolAddresses, unicastOf } from "../src/model/loopback.ts";
import type { Network } from "../src/model/network.ts";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";
import { testPublicKey } from "./test-keys.ts";

const WIREGUARD = "addresses: [10.250.0.0/24], transit: [10.251.0.0/16]";
const HUBS = `wireguard: {${WIREGUARD}, shape: hub-and-spoke, hubs: [alpha, beta]}\nbgp: {asn: 65000}\n`;
const TWO_HUBS = "hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: 192.0.2.2}\n";
const STAR = `${HUBS}${TWO_HUBS}  gamma: {id: 3, routes: [10.9.0.0/16]}\n  delta: {id: 4}\n`;

/** `name address,address port mtu: peers` of each interface of a host. */
const linksOf = (network: Network, name: string): readonly string[] =>
  hostOf(network, name).interfaces.map(
    ({ name: link, addresses, listenPort, peers }) =>
      `${link} ${addresses.map((each) => `${each.address}/${each.lengthBits}`)} ${listenPort}: ${peers.join(" ")}`,
  );

const unicast = (host: Host) => must(unicastOf(host), "it routes by BGP");

/** `host interface preference client` of each session of a host. */
const sessionsOf = (network: Network, name: string): readonly string[] =>
  unicast(hostOf(network, name)).neighbours.map(
    (each) => `${each.host} ${each.interface} ${each.preference ?? "-"} ${each.isClient}`,
  );

const viewOf = (network: Network, id: string) =>
  must(
    network.peers.find((peer) => peer.id === id),
    `${id} is a peer`,
  );

describe("two hubs", () => {
  const network = modelOf(STAR);

  test("a spoke has an interface for each hub, a hub one for its spokes and one for the other hub", () => {
    expect(linksOf(network, "gamma")).toEqual([
      "wg1 10.251.1.3/24 51821: alpha:hub",
      "wg2 10.251.2.3/24 51822: beta:hub",
    ]);
    expect(linksOf(network, "beta")).toEqual([
      "wg1 10.251.2.1/32 51821: alpha:trunk:beta",
      "wg2 10.251.2.2/24 51820: delta:leaf:beta gamma:leaf:beta",
    ]);
    expect(network.hosts.flatMap(({ interfaces }) => interfaces.map(({ routedBy }) => routedBy))).not.toContain("file");
  });

  test("a hub knows what is a spoke's own, everyone else takes anything", () => {
    const leaf = viewOf(network, "gamma:leaf:beta");
    expect(leaf.allowedIps).toEqual(["10.251.2.3/32", "10.250.0.3/32", "10.9.0.0/16"]);
    expect(leaf.endpoints).toEqual([]);
    expect(viewOf(network, "alpha:hub")).toMatchObject({ allowedIps: ["0.0.0.0/0", "::/0"], keepaliveSeconds: 25 });
    expect(viewOf(network, "alpha:trunk:beta")).toMatchObject({
      allowedIps: ["0.0.0.0/0", "::/0"],
      endpoints: [{ address: "192.0.2.1", port: 51_822 }],
    });
  });

  test("a spoke prefers what it says, else what its site says, else the order of the hubs", () => {
    const text = (of: { readonly spoke?: string; readonly site?: string }) => `
wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta, gamma]}
sites: {s: {${of.site ?? ""}}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3, site: s}
  delta: {id: 4, site: s${of.spoke ?? ""}}
  epsilon: {id: 5}
bgp: {asn: 65000}
`;
    const order = (name: string, of: Parameters<typeof text>[0]) => {
      const model = must(compileText(text(of)).model, "it has a model");
      const { neighbours } = must(unicastOf(hostOf(model, name)), "it has BGP");
      const preferred = neighbours.map(({ host, preference = 0 }) => [preference, host] as const);
      return preferred.sort(([a], [b]) => b - a).map(([, host]) => host);
    };
    const both = { spoke: ", hubs: [gamma]", site: "hubs: [beta, alpha]" };
    expect(order("delta", {})).toEqual(["alpha", "beta", "gamma"]);
    expect(order("delta", { site: both.site })).toEqual(["beta", "alpha", "gamma"]);
    expect(order("delta", both)).toEqual(["gamma", "alpha", "beta"]);
    expect(order("epsilon", both)).toEqual(["alpha", "beta", "gamma"]);
    expect(messagesOf(text(both)).filter((each) => each.startsWith("preferred"))).toEqual([]);
  });

  test("who prefers a hub has several to choose from, and names one of them", () => {
    const codes = (wireguard: string, hubs: string) =>
      messagesOf(`wireguard: {${wireguard}}\n${TWO_HUBS}  gamma: {id: 3, hubs: [${hubs}]}\nbgp: {asn: 65000}\n`).map(
        (each) => each.split(":")[0],
      );
    expect(codes(`${WIREGUARD}, shape: hub-and-spoke, hubs: [alpha, beta]`, "beta")).toEqual([]);
    expect(codes(`${WIREGUARD}, shape: hub-and-spoke, hubs: [alpha, beta]`, "gamma")).toEqual([
      "preferred-hub-unknown",
    ]);
    expect(codes(`${WIREGUARD}, shape: hub-and-spoke, hubs: [alpha, beta]`, "nobody")).toEqual(["host-unknown"]);
    const unused = ["preferred-hub-unused", "bgp-without-vxlan"];
    expect(codes("addresses: [10.250.0.0/24]", "beta")).toEqual(unused);
    expect(codes("addresses: [10.250.0.0/24], hubs: [alpha, beta]", "beta")).toEqual(unused);
  });

  test("what is drained can be replaced by one that is not", () => {
    const codes = (wireguard: string, hosts: string, more = "") =>
      messagesOf(`wireguard: {addresses: [10.250.0.0/24], ${wireguard}}\nhosts:\n${hosts}${more}`)
        .map((each) => each.split(" ")[0])
        .filter((each) => each?.startsWith("drained"));
    const host = (name: string, id: number, more = "") => `  ${name}: {id: ${id}, endpoint: 192.0.2.${id}${more}}\n`;
    const drained = ", drained: true";
    const hubs = "shape: hub-and-spoke, transit: [10.251.0.0/16], hubs: [a, b]";
    const bgp = "bgp: {asn: 65000}\n";
    const spoke = host("c", 3);
    expect(codes(hubs, host("a", 1, drained) + host("b", 2) + spoke, bgp)).toEqual([]);
    expect(codes(hubs, host("a", 1, drained) + host("b", 2, drained) + spoke, bgp)).toHaveLength(2);
    expect(codes(hubs, host("a", 1) + host("b", 2) + host("c", 3, drained), bgp)).toEqual(["drained-unused:"]);
    // Nothing passes through anybody.
    expect(codes("shape: mesh", host("a", 1, drained) + host("b", 2))).toEqual(["drained-unused:"]);
    const ring = "shape: links, transit: [10.251.0.0/16], links: [[a, b], [b, c], [c, d], [d, a], [d, e]]";
    const five = (...names: readonly string[]) =>
      ["a", "b", "c", "d", "e"]
        .map((name, index) => host(name, index + 1, names.includes(name) ? drained : ""))
        .join("");
    expect(codes(ring, five("a"), bgp)).toEqual([]);
    expect(codes(ring, five("d"), bgp)).toEqual([]);
    expect(codes(ring, five("a", "c"), bgp)).toEqual(["drained-unused:", "drained-unused:"]);
    expect(codes(ring, five("e"), bgp)).toEqual(["drained-unused:"]);
    const line = "shape: links, links: [[a, b], [b, c]]";
    expect(codes(line, host("a", 1) + host("b", 2, drained) + spoke)).toEqual(["drained-unused:"]);
    const exits = (...names: readonly string[]) =>
      `vrfs: {blue: {vni: 5000, exits: [${names.map((name) => `{host: ${name}, interface: eth0}`)}]}}\n` +
      `subnets: {g: {cidr: 10.78.0.0/24, hosts: [c], vrf: blue}}\n${bgp}`;
    expect(codes("shape: mesh", host("a", 1, drained) + host("b", 2) + spoke, exits("a", "b"))).toEqual([]);
    expect(codes("shape: mesh", host("a", 1, drained) + host("b", 2) + spoke, exits("a"))).toHaveLength(1);
  });

  test("pool addresses are on the loopback, and what is announced is the host's own", () => {
    const gamma = hostOf(network, "gamma");
    expect(poolAddresses(gamma)).toEqual([{ address: "10.250.0.3", lengthBits: 32 }]);
    expect(unicast(gamma).announced).toEqual(["10.9.0.0/16", "10.250.0.3/32"]);
    expect(unicast(gamma).accepted).toEqual(["10.9.0.0/16", "10.250.0.0/24"]);
    expect(unicast(gamma).hubInterface).toBeUndefined();
    expect(unicast(gamma).nearby).toEqual(["10.250.0.1/32", "10.250.0.2/32"]);
  });

  test("spokes prefer hubs in their order; hubs pass on, and forward", () => {
    expect(sessionsOf(network, "gamma")).toEqual(["alpha wg1 200 false", "beta wg2 199 false"]);
    expect(sessionsOf(network, "alpha")).toEqual(["gamma wg1 - true", "delta wg1 - true", "beta wg2 - true"]);
    expect(network.hosts.filter(({ forwards }) => forwards.ipv4).map(({ name }) => name)).toEqual([
      "alpha",
      "beta",
      "gamma",
    ]);
  });

  test("another order of hubs changes preferences and nothing else", () => {
    const other = modelOf(STAR.replace("[alpha, beta]", "[beta, alpha]"));
    expect(sessionsOf(other, "gamma")).toEqual(["alpha wg1 199 false", "beta wg2 200 false"]);
    expect(linksOf(other, "gamma")).toEqual(linksOf(network, "gamma"));
  });

  test("one hub more changes no number of those that are there", () => {
    const three = modelOf(
      STAR.replace("[alpha, beta]", "[alpha, beta, delta]").replace("{id: 4}", "{id: 4, endpoint: 192.0.2.4}"),
    );
    expect(linksOf(three, "gamma").slice(0, 2)).toEqual(linksOf(network, "gamma"));
    expect(sessionsOf(three, "gamma").slice(0, 2)).toEqual(sessionsOf(network, "gamma"));
  });

  test("EVPN is reflected by the hubs, unless others are asked to", () => {
    const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: [gamma, delta]}}\n";
    const reflectors = (body: string) =>
      modelOf(body).hosts.flatMap(({ name, bgp }) => (bgp.kind !== "none" && bgp.isReflector ? [name] : []));
    expect(reflectors(STAR + segment)).toEqual(["alpha", "beta"]);
    expect(reflectors(STAR.replace("asn: 65000", "asn: 65000, routeReflectors: [beta]") + segment)).toEqual(["beta"]);
    expect(reflectors(STAR)).toEqual([]);
  });

  test("two hubs without an endpoint are each one mistake, and not one more as a pair", () => {
    const lost = STAR.replaceAll(/, endpoint: 192.0.2.[12]/g, "");
    expect(messagesOf(lost).map((each) => each.split(" ").slice(0, 2).join(" "))).toEqual([
      "hub-without-endpoint: alpha",
      "hub-without-endpoint: beta",
    ]);
  });

  test("a spoke that no hub can be dialled by", () => {
    expect(messagesOf(STAR.replace(", endpoint: 192.0.2.2", ""))).toEqual([
      expect.stringMatching(/^hub-without-endpoint: beta is a hub without an endpoint/),
    ]);
  });

  test("hubs that cannot meet are a pair as any other", () => {
    const hidden = STAR.replace("192.0.2.1", "192.0.2.9, site: s, behindNat: true")
      .replace("192.0.2.2", '"192.0.2.9:999", site: s, behindNat: true')
      .replace("hosts:", "sites: {s: }\nhosts:");
    expect(messagesOf(hidden)).toEqual([expect.stringMatching(/^pair-behind-one-nat: alpha and beta/)]);
  });

  test("a hub with a mistake of its own is left out, and the rest is judged", () => {
    const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: [gamma, delta]}}\n";
    const mistaken = compileText(STAR.replace("192.0.2.2", "192.0.2.300") + segment);
    expect(mistaken.diagnostics.map(({ code }) => code)).toEqual(["endpoint-malformed"]);
    expect(hostOf(must(mistaken.model, "there is a model"), "gamma").interfaces.map(({ name }) => name)).toEqual([
      "wg1",
    ]);
  });

  test("without a pool nobody routes, and nothing breaks", () => {
    const outside = compileText(STAR.replace("{id: 4}", "{id: 300}"));
    const delta = hostOf(must(outside.model, "there is a model"), "delta");
    expect(outside.diagnostics.map(({ code }) => code)).toEqual(["id-outside-pool", "transit-too-small"]);
    expect(delta.bgp).toEqual({ kind: "none" });
  });
});

describe("a segment's MTU", () => {
  test("is said to be that of the first by its name, where two in between are as narrow", () => {
    const path = "underlay: {paths: [{between: [alpha, beta], mtu: 1480}]}\n";
    const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: [gamma, delta]}}\n";
    const { segments } = modelOf(STAR.replace("[alpha, beta]", "[beta, alpha]") + segment + path);
    expect(segments[0]?.mtu.limitingPair).toEqual(["alpha", "beta"]);
  });

  test("is that of the narrowest tunnel of its members and of all hosts in between", () => {
    const segment =
      "subnets: {s: {vxlan: {vni: 100}, hosts: [gamma, delta]}, t: {vxlan: {vni: 101}, hosts: [gamma]}}\n";
    const path = "underlay: {paths: [{between: [alpha, beta], mtu: 1400}]}\n";
    const { segments } = modelOf(STAR + segment + path);
    expect(segments.map(({ mtu }) => mtu.bytes)).toEqual([1400 - 60 - 50, 1500 - 60 - 50]);
    expect(segments[0]?.mtu.limitingPair).toEqual(["alpha", "beta"]);
  });
});

describe("links in a ring", () => {
  const ring = (links: string): string =>
    `wireguard: {${WIREGUARD}, shape: links, links: ${links}}\nbgp: {asn: 65000}\n${TWO_HUBS}  gamma: {id: 3}\n  delta: {id: 4}\n`;

  test("each end of a link has an interface with the other's id, its number in a block of its own", () => {
    const network = modelOf(ring("[[alpha, beta], [beta, gamma], [gamma, alpha], [alpha, delta]]"));
    expect(linksOf(network, "gamma")).toEqual([
      "wg1 10.251.3.1/32 51821: alpha:trunk:gamma",
      "wg2 10.251.3.2/32 51822: beta:trunk:gamma",
    ]);
    expect(sessionsOf(network, "gamma")).toEqual(["alpha wg1 - true", "beta wg2 - true"]);
    // At the end of the line there is nobody to pass anything on to.
    expect(sessionsOf(network, "delta")).toEqual(["alpha wg1 - false"]);
  });

  test("of many that cannot meet the first by their names are said, whatever the order of the links", () => {
    const names = Array.from({ length: 60 }, (_, index) => `n${index + 10}`);
    const hidden = names.map((name, index) => `  ${name}: {id: ${index + 10}}\n`).join("");
    const keys = Object.fromEntries(["alpha", "beta", "gamma", ...names].map((name) => [name, testPublicKey(name)]));
    const said = (spokes: readonly string[]) => {
      const links = ["[alpha, beta]", "[beta, gamma]", "[gamma, alpha]", ...spokes.map((name) => `[gamma, ${name}]`)];
      const wireguard = `wireguard: {${WIREGUARD}, shape: links, links: [${links.join(", ")}]}\n`;
      const { diagnostics } = compileText(
        `${wireguard}bgp: {asn: 65000}\n${TWO_HUBS}  gamma: {id: 3}\n${hidden}`,
        keys,
      );
      return diagnostics.map(({ message }) => message.split(" can never")[0]);
    };
    const expected = names.slice(0, 50).map((name) => `gamma and ${name}`);
    expect(said(names)).toEqual(expected);
    expect(said(names.toReversed())).toEqual(expected);
  });
});

describe("ports above the last", () => {
  const ring = (more: Readonly<Record<string, string>>): string =>
    `wireguard: {${WIREGUARD}, shape: links, links: [[alpha, beta], [beta, gamma], [gamma, alpha]]}\nbgp: {asn: 65000}\nhosts:
  alpha: {id: 1, ${more.alpha ?? "endpoint: 192.0.2.1"}}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, ${more.gamma ?? "endpoint: 192.0.2.3"}}\n`;
  const tooHigh = (to: string, port: string) =>
    expect.stringMatching(`^tunnel-port-too-high: the tunnel to ${to} would have the port ${port},`);

  test("are said of who listens there, be it the first or the second of a link", () => {
    expect(messagesOf(ring({}))).toEqual([]);
    expect(messagesOf(ring({ alpha: "listenPort: 65533" }))).toEqual([tooHigh("gamma", "65533 \\+ 3")]);
    expect(messagesOf(ring({ gamma: "listenPort: 65534" }))).toEqual([tooHigh("beta", "65534 \\+ 2")]);
  });

  test("are said of who dials one that is forwarded", () => {
    const forwarded = (port: number): string => `endpoint: "192.0.2.9:${port}", behindNat: true`;
    expect(messagesOf(ring({ alpha: forwarded(65_533) }))).toEqual([tooHigh("gamma", "65533 \\+ 3")]);
    expect(messagesOf(ring({ gamma: forwarded(65_534) }))).toEqual([tooHigh("beta", "65534 \\+ 2")]);
  });
});

test("an interface is called by the name that was chosen, with the id in the place of the number at its end", () => {
  const names = (chosen: string) =>
    hostOf(modelOf(STAR.replace("shape:", `interface: ${chosen}, shape:`)), "gamma").interfaces.map(({ name }) => name);
  expect(names("wg0")).toEqual(["wg1", "wg2"]);
  expect(names("v4net10")).toEqual(["v4net1", "v4net2"]);
  expect(names("mesh")).toEqual(["mesh1", "mesh2"]);
});

test("a host without IPv4 is known to BGP by its id", () => {
  const six = STAR.replace("[10.250.0.0/24]", '["fd00:250::/64"]')
    .replace("[10.251.0.0/16]", '["fd00:251::/64"]')
    .replace("10.9.0.0/16", '"fd00:9::/48"');
  expect(hostOf(modelOf(six), "gamma").bgp).toMatchObject({ routerId: "0.0.0.3" });
});

describe("two gateways of a site", () => {
  const keys = Object.fromEntries(["g1", "g2", "n1", "n2", "far", "off"].map((name) => [name, testPublicKey(name)]));
  const body = (shape: string): string =>
    `sites: {rack: {gateways: [g1, g2], vrrp: {address: 10.7.0.254/24}}}\nwireguard: {${WIREGUARD}${shape}}\nbgp: {asn: 65000}\nhostDefaults: {uplink: eth0}\nhosts:
  g1: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 10.7.0.1}
  g2: {id: 2, site: rack, endpoint: 192.0.2.2, lanEndpoint: 10.7.0.2}
  n1: {id: 11, site: rack, lanEndpoint: 10.7.0.11, behindNat: true}
  n2: {id: 12, site: rack, lanEndpoint: 10.7.0.12, behindNat: true}
  far: {id: 21, endpoint: 192.0.2.21}
  off: {id: 22, wireguard: false, lanEndpoint: 10.7.0.22, site: rack}\n`;
  const network = (shape = ""): Network => must(compileText(body(shape), keys).model, "there is a model");

  test("who is behind them meets them and nobody else, in their order", () => {
    const mesh = network();
    expect(linksOf(mesh, "n1")).toEqual([
      "wg1 10.251.1.11/24 51821: g1:hub:lan",
      "wg2 10.251.2.11/24 51822: g2:hub:lan",
    ]);
    expect(sessionsOf(mesh, "n1")).toEqual(["g1 wg1 200 false", "g2 wg2 199 false"]);
    expect(linksOf(mesh, "g1")).toEqual([
      "wg1 10.251.1.1/24 51820: n1:leaf:g1 n2:leaf:g1",
      "wg2 10.251.1.2/32 51822: g2:trunk:g1",
      "wg21 10.251.1.21/32 51841: far:trunk:g1",
    ]);
    expect(sessionsOf(mesh, "far")).toEqual(["g1 wg1 - false", "g2 wg2 - false"]);
  });

  test("two that cannot meet are told of no hub, as nobody relays for a mesh", () => {
    const text = body(", hubs: [far]").replace(
      "off:",
      "out: {id: 23, behindNat: true}\n  away: {id: 24, behindNat: true}\n  off:",
    );
    const { diagnostics } = compileText(text, { ...keys, out: testPublicKey("out"), away: testPublicKey("away") });
    expect(diagnostics.map(({ code, hint }) => `${code}: ${hint}`)).toEqual([
      'pair-cannot-meet: give away or out an endpoint (a forwarded port will do), or write "shape: hub-and-spoke" with hubs that both can meet',
    ]);
  });

  test("nobody on its LAN takes a way there from BGP, others do", () => {
    const text = body("").replace("gateways: [g1, g2],", "lan: [10.7.0.0/24], gateways: [g1, g2],");
    const lan = must(compileText(text, keys).model, "there is a model");
    const takers = lan.hosts.filter(
      (host) => host.bgp.kind === "routing" && unicast(host).accepted.includes("10.7.0.0/24" as IpPrefix),
    );
    expect(takers.map(({ name }) => name)).toEqual(["far"]);
    for (const name of ["g1", "g2"]) expect(unicast(hostOf(lan, name)).announced).toContain("10.7.0.0/24");
  });

  test("a mesh is what is meant where no shape is said", () => {
    for (const name of ["g1", "n1", "far"])
      expect(linksOf(network(", shape: mesh"), name)).toEqual(linksOf(network(), name));
  });

  test("the hubs of a mesh are for pairs that cannot meet: where all meet they pass nothing on, and reflect nothing", () => {
    const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: [far, n1, n2]}}\n";
    const relayed = must(compileText(body(", hubs: [far]") + segment, keys).model, "there is a model");
    const far = hostOf(relayed, "far");
    expect(far.forwards).toEqual({ ipv4: false, ipv6: false });
    expect(sessionsOf(relayed, "far")).toEqual(["g1 wg1 - false", "g2 wg2 - false"]);
    expect(far.bgp).toMatchObject({ isReflector: false, neighbours: [{ host: "n1" }, { host: "n2" }] });
  });

  test("a site that nobody declared has no gateways, and that is all there is to say", () => {
    const lost = compileText(body("").replace("far: {id: 21,", "far: {id: 21, site: nowhere,"), keys);
    expect(lost.diagnostics.map(({ code }) => code)).toEqual(["site-unknown"]);
  });

  test("gateways are joined to each other whatever the shape, and lead to its hubs", () => {
    const star = network(", shape: hub-and-spoke, hubs: [far]");
    expect(hostOf(star, "g1").interfaces.map(({ name }) => name)).toEqual(["wg1", "wg2", "wg21"]);
    expect(hostOf(star, "far").interfaces.map(({ name }) => name)).toEqual(["wg1", "wg2"]);
  });

  const others = ["west", "zed"].map((name) => [name, testPublicKey(name)]);
  const joinedIn = (topology: string) => compileText(topology, { ...keys, ...Object.fromEntries(others) });

  test("gateways of two sites meet by the hub, and no spoke meets a gateway", () => {
    const sites = body(", shape: hub-and-spoke, hubs: [zed]").replace(
      "sites: {",
      "sites: {coast: {gateways: [west]}, ",
    );
    const { model, diagnostics } = joinedIn(
      `${sites}  west: {id: 31, site: coast, endpoint: 192.0.2.31}\n  zed: {id: 41, endpoint: 192.0.2.41}\n`,
    );
    const star = must(model, "there is a model");
    expect(diagnostics).toEqual([]);
    expect(linksOf(star, "west")).toEqual(["wg41 10.251.31.41/32 51861: zed:trunk:west"]);
    expect(linksOf(star, "far")).toEqual(["wg41 10.251.41.21/24 51861: zed:hub"]);
    expect(hostOf(star, "g1").interfaces.map(({ name }) => name)).toEqual(["wg1", "wg2", "wg41"]);
  });

  const linked = (links: string) => joinedIn(`${body(`, shape: links, links: [${links}]`)}  west: {id: 31}\n`);

  test("in links gateways are joined to each other, and lead along their own", () => {
    const { model, diagnostics } = linked("[g1, far], [g2, far], [far, west], [n1, g1], [n2, g1]");
    const along = must(model, "there is a model");
    expect(diagnostics).toEqual([]);
    expect(hostOf(along, "g1").interfaces.map(({ name }) => name)).toEqual(["wg1", "wg2", "wg21"]);
    expect(hostOf(along, "g2").interfaces.map(({ name }) => name)).toEqual(["wg1", "wg2", "wg21"]);
    expect(hostOf(along, "n2").interfaces.map(({ name }) => name)).toEqual(["wg1", "wg2"]);
    expect(hostOf(along, "west").interfaces.map(({ name }) => name)).toEqual(["wg21"]);
  });

  test("whoever is behind them has no link that leads past them", () => {
    const { diagnostics } = linked("[g1, far], [g2, far], [far, west], [n1, g1], [n2, far]");
    expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      "gateway-without-mesh: rack has a gateway and, besides, n2 with WireGuard; in a links the gateway does not carry for it",
    ]);
  });

  test("a gateway that cannot be read is missed by nobody", () => {
    const broken = body(", shape: links, links: [[g1, far], [g2, far], [n1, g1], [n2, g2]]").replace(
      "1, site",
      "1, siet",
    );
    expect(compileText(broken, keys).diagnostics.map(({ code }) => code)).toEqual(["key-unknown"]);
  });
});

describe("failover", () => {
  test.each([
    ["", 5000],
    [", bfd: {intervalMs: 500, multiplier: 3}", 1500],
    [", bfd: {intervalMs: 5000}", 9000],
  ])("asn: 65000%s", (bfd, detectionMs) => {
    const network = modelOf(STAR.replace("asn: 65000", `asn: 65000${bfd}`));
    expect(failoverOf(network)).toEqual({ detectionMs, boundMs: detectionMs + 1000 });
  });

  test("where there is one way there is nothing to change over to", () => {
    expect(
      failoverOf(modelOf(`wireguard: {addresses: [10.250.0.0/24]}\n${TWO_HUBS}bgp: {asn: 65000}\n`)),
    ).toBeUndefined();
  });
});

describe("what it needs", () => {
  test("tunnel addresses of each IP version that is routed", () => {
    const six = STAR.replace("{id: 3,", "{id: 3, addresses: [],").replace("[10.9.0.0/16]", '["fd00:9::/64"]');
    expect(messagesOf(six.replace("addresses: [], ", ""))).toEqual([expect.stringMatching(/^transit-missing: .*IPv6/)]);
  });

  test.each([
    ["10.251.0.0/24", 0, 15, 14],
    ["10.251.0.0/31", 0, 0, 1],
    ["fd00:251::/120", 6, 15, 15],
  ])("blocks of %s", (pool, family, block, last) => {
    const six = '"fd00:250::/64"';
    const addresses = family === 6 ? `addresses: [${six}]` : "addresses: [10.250.0.0/24]";
    const body = STAR.replace("addresses: [10.250.0.0/24]", addresses)
      .replace("[10.251.0.0/16]", `["${pool}"]`)
      .replace(", routes: [10.9.0.0/16]", "")
      .replace("{id: 4}", "{id: 200}");
    expect(messagesOf(body)[0]).toMatch(/transit-too-small/);
    expect(messagesOf(body).at(-1)).toContain(`blocks 0 to ${block} of addresses 1 to ${last}`);
  });

  test("no session is made for what is not routed", () => {
    const both = modelOf(STAR.replace("10.251.0.0/16]", '10.251.0.0/16, "fd00:251::/64"]'));
    expect(hostOf(both, "gamma").interfaces[0]?.addresses.map(({ address }) => address)).toEqual([
      "10.251.1.3",
      "fd00:251::1:0:3",
    ]);
    expect(sessionsOf(both, "gamma")).toHaveLength(2);
  });

  test("ports of their own, also where two hosts are dialled by name", () => {
    const named = STAR.replace("192.0.2.1}", '"hub.example.net:51820", behindNat: true}').replace(
      "192.0.2.2}",
      '"hub.example.net:51821", behindNat: true}',
    );
    expect(messagesOf(named)).toEqual([expect.stringMatching(/^tunnel-endpoint-duplicate: .*hub.example.net:51822/)]);
  });

  test("an endpoint inside the overlay is one at any of its ports", () => {
    for (const address of ["10.250.0.77", "10.251.9.9"]) {
      const inside = STAR.replace("192.0.2.2}", `${address}, behindNat: true}`);
      expect(messagesOf(inside)).toEqual([expect.stringMatching(/^endpoint-in-overlay: beta/)]);
    }
  });
});

const frrLines = (host: string): readonly string[] => linesOf(STAR, `${host}/etc/frr/frr.conf`);

test("FRR announces nothing but the host's own, and takes nothing but the overlay's", () => {
  const lines = frrLines("gamma");
  expect(lines.filter((line) => line.startsWith("network "))).toEqual(["network 10.9.0.0/16", "network 10.250.0.3/32"]);
  expect(lines.filter((line) => line.includes("redistribute"))).toEqual([]);
  expect(lines.filter((line) => /activate$/.test(line)).length).toBe(
    lines.filter((line) => /prefix-list OVERLAY in$/.test(line)).length,
  );
});

test("a hub gives what BGP has told no way to its leaves' tunnels, where WireGuard knows the way; leaves give it to nobody", () => {
  const routesOf = (host: string): readonly string[] => frrLines(host).filter((line) => / wg\d+ 254$/.test(line));
  expect(routesOf("alpha")).toEqual(["ip route 10.9.0.0/16 wg1 254", "ip route 10.250.0.0/24 wg1 254"]);
  expect(routesOf("gamma")).toEqual([]);
});

describe("a spoke of hubs that are known by name, with an address alone and IPv6 behind it", () => {
  const body = `wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16, "fd51::/48"], shape: hub-and-spoke, hubs: [alpha, beta]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: a.example.net}
  beta: {id: 2, endpoint: b.example.net}
  gamma: {id: 3, routes: [10.9.0.1/32, "fd09::/64"], extra: {frr: {ipv4: [maximum-paths 4], ipv6: [maximum-paths 8]}}}
`;
  const frr = (): readonly string[] => linesOf(body, "gamma/etc/frr/frr.conf");

  test("takes what lies in a prefix, and of an address that: FRR refuses a range without a length", () => {
    expect(frr().filter((line) => line.includes(" OVERLAY seq "))).toEqual([
      "ip prefix-list OVERLAY seq 5 permit 10.9.0.1/32",
      "ip prefix-list OVERLAY seq 10 permit 10.250.0.0/24 le 32",
      "ipv6 prefix-list OVERLAY seq 5 permit fd09::/64 le 128",
    ]);
  });

  test("sends from its loopback's address, of the IP version that has one", () => {
    expect(frr().filter((line) => /^set src|route-map LOOPBACK/.test(line))).toEqual([
      "route-map LOOPBACK-IPV4 permit 10",
      "set src 10.250.0.3",
      "ip protocol bgp route-map LOOPBACK-IPV4",
    ]);
  });

  test("has the user's lines in the blocks that are there, and no second block", () => {
    const blocks = frr().filter((line) => /^address-family|^maximum-paths \d/.test(line));
    expect(blocks).toEqual([
      "address-family ipv4 unicast",
      "maximum-paths 4",
      "address-family ipv6 unicast",
      "maximum-paths 8",
    ]);
  });

  test("looks their names up each time that one of the tunnels comes up", () => {
    const unit = linesOf(body, "gamma/etc/systemd/system/netgen-endpoints.service");
    expect(unit).toContain("WantedBy=wg-quick@wg1.service wg-quick@wg2.service");
  });
});

test("ids go as far as docs/redundant-hubs.md says", () => {
  const text = (transit: string, hub: number, spoke: number): string => `
wireguard: {addresses: [10.0.0.0/8], transit: [${transit}], shape: hub-and-spoke, hubs: [alpha, beta]}
hosts:
  alpha: {id: ${hub}, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: ${spoke}}
bgp: {asn: 65000}`;
  const codes = (...ids: Parameters<typeof text>) => messagesOf(text(...ids)).map((each) => each.split(":")[0]);
  expect([codes("172.16.0.0/16", 254, 253), codes("172.16.0.0/12", 1022, 1021)]).toEqual([[], []]);
  expect(codes("172.16.0.0/16", 255, 1)).toEqual(["transit-too-small"]);
  expect(codes("172.16.0.0/16", 1, 255)).toEqual(["transit-too-small"]);
  expect(codes("172.16.0.0/12", 1023, 1)).toEqual(["transit-too-small"]);
  expect([codes("172.16.0.0/13", 511, 1022), codes("172.16.0.0/13", 512, 1022)]).toEqual([[], ["transit-too-small"]]);
});
