/** The shapes of the static class: who has a tunnel with whom, what lies behind it, and that everyone reaches everyone. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { containsAddress, containsPrefix, type IpAddress, type IpPrefix, prefixLengthBits } from "../src/base/ip.ts";
import { contentOf } from "../src/emit/file.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import type { Peer } from "../src/model/reach.ts";
import { relaysOf } from "../src/model/relays.ts";
import { reportMtu } from "../src/report/mtu.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";
import { fc, test as property } from "./property.ts";
import { testPublicKey } from "./test-keys.ts";

const HUB = "wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha]}\n";
const MESH = "wireguard: {addresses: [10.250.0.0/24], hubs: [alpha]}\n";
const links = (...pairs: readonly string[]): string =>
  `wireguard: {addresses: [10.250.0.0/24], shape: links, links: [${pairs.map((pair) => `[${pair}]`).join(", ")}]}\n`;

const NAMES = ["alpha", "beta", "gamma", "delta"];
const open = (index: number): string => `endpoint: 198.51.100.${index + 1}`;
const host = (index: number, way: string): string => `  ${NAMES[index]}: {id: ${index + 1}, ${way}}\n`;
const hosts = (...ways: readonly string[]): string => `hosts:\n${ways.map((way, index) => host(index, way)).join("")}`;
const NAT = "behindNat: true";
const FOUR = hosts(open(0), open(1), NAT, NAT);

const peersOf = ({ peers }: Network, { interfaces }: Host): readonly Peer[] =>
  interfaces.flatMap((link) =>
    link.peers.map((id) =>
      must(
        peers.find((peer) => peer.id === id),
        `${id} is a peer`,
      ),
    ),
  );

/** AllowedIPs of a host by peer. */
function allowedOf(network: Network, name: string): Readonly<Record<string, string>> {
  const peers = peersOf(network, hostOf(network, name));
  return Object.fromEntries(peers.map((peer) => [peer.id, peer.allowedIps.join(" ")]));
}

// ── Walking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const addressOf = ({ interfaces }: Host): IpAddress =>
  must(interfaces[0]?.addresses[0], "a host has an address").address;

/** The peer that a host sends an address to: the longest prefix. */
function peerFor(network: Network, from: Host, to: IpAddress): Peer | undefined {
  const length = ({ allowedIps }: Peer): number =>
    Math.max(-1, ...allowedIps.filter((prefix) => containsAddress(prefix, to)).map(prefixLengthBits));
  const peers = peersOf(network, from).filter((peer) => length(peer) >= 0);
  return peers.sort((a, b) => length(b) - length(a))[0];
}

/** The hosts that a packet comes by from one to another, each of which takes it out of the tunnel that it came by. */
function walk(network: Network, from: Host, to: Host): readonly string[] {
  const passed: string[] = [];
  for (let at = from; at !== to; ) {
    passed.push(at.name);
    const peer = must(peerFor(network, at, addressOf(to)), `${at.name} has a way to ${to.name}`);
    const next = hostOf(network, peer.host);
    expect(peerFor(network, next, addressOf(from))?.host, `${next.name} takes what ${from.name} sends`).toBe(at.name);
    expect(passed).not.toContain(next.name);
    at = next;
  }
  return [...passed, to.name];
}

/** What holds for every network of one way between any two hosts. */
function checkWays(network: Network): void {
  const relays = relaysOf(network);
  for (const from of network.hosts) {
    const allowed = peersOf(network, from).flatMap(({ allowedIps }) => allowedIps);
    expect(new Set(allowed).size).toBe(allowed.length);
    const isLongerWithin = (prefix: IpPrefix): boolean =>
      allowed.some((each) => each !== prefix && containsPrefix(each, prefix));
    const own = new Set(from.ownedPrefixes.map(({ prefix }) => prefix));
    expect(allowed.filter((prefix) => own.has(prefix))).toEqual([]);
    expect(from.unreachable.filter((prefix) => !own.has(prefix) && isLongerWithin(prefix))).toEqual([]);
    for (const to of network.hosts) {
      const between = from === to ? [] : walk(network, from, to).slice(1, -1);
      for (const name of between) {
        expect(relays).toContain(name);
        expect(hostOf(network, name).forwards.ipv4).toBe(true);
      }
    }
  }
}

// ── Hub and spoke ───────────────────────────────────────────────────────────────────────────────────────────────────

describe("hub and spoke", () => {
  test("spokes dial the hub and keep alive, and the hub dials nobody", () => {
    const network = modelOf(HUB + FOUR);
    const ids = network.hosts.map((each) => peersOf(network, each).map(({ id }) => id));
    expect(ids).toEqual([["beta:passive", "delta", "gamma"], ...Array(3).fill(["alpha:keepalive:all"])]);
    const views = network.peers.map(({ id, endpoints, keepaliveSeconds }) => [
      id,
      endpoints.length > 0,
      keepaliveSeconds,
    ]);
    expect(views).toEqual([
      ["alpha:keepalive:all", true, 25],
      ["beta:passive", false, 0],
      ["delta", false, 0],
      ["gamma", false, 0],
    ]);
  });

  test("to the hub goes everything but what is the spoke's own, to a spoke what is its own", () => {
    const subnets = `subnets:
  b: {cidr: 10.1.0.0/24, hosts: [beta]}
  c: {cidr: 10.1.1.0/24, hosts: [gamma]}
  slices: {cidr: 10.2.0.0/16, perHost: 24, hosts: all}
  none: {cidr: 10.3.0.0/24, vxlan: {vni: 1}, hosts: all}\n`;
    const network = modelOf(HUB + hosts(open(0), `${NAT}, routes: [10.1.2.0/23]`, NAT) + subnets);
    checkWays(network);
    expect(allowedOf(network, "beta")).toEqual({ "alpha:keepalive@beta": "10.1.1.0/24 10.2.0.0/16 10.250.0.0/24" });
    expect(allowedOf(network, "gamma")).toEqual({
      "alpha:keepalive@gamma": "10.1.0.0/24 10.1.2.0/23 10.2.0.0/16 10.250.0.0/24",
    });
    expect(allowedOf(network, "alpha")).toEqual({
      beta: "10.250.0.2/32 10.1.0.0/24 10.1.2.0/23 10.2.2.0/24",
      gamma: "10.250.0.3/32 10.1.1.0/24 10.2.3.0/24",
    });
    // Not what is behind the host itself, and its own parts besides.
    expect(hostOf(network, "beta").unreachable).toEqual([
      "10.1.0.0/23",
      "10.1.0.0/24",
      "10.2.0.0/16",
      "10.2.2.0/24",
      "10.3.0.0/24",
      "10.250.0.0/24",
    ]);
  });

  test("a spoke's part of a subnet is guarded whatever the subnet is called, a word of the model's own among them", () => {
    const unreachable = (subnet: string) => {
      const subnets = `subnets:\n  ${subnet}: {cidr: 10.66.0.0/16, perHost: 24, hosts: all}\n`;
      return modelOf(`${HUB}${FOUR}${subnets}`).hosts.map((each) => each.unreachable);
    };
    const expected = unreachable("guests");
    for (const word of ["route", "lan", "site"]) expect(unreachable(word), word).toEqual(expected);
  });

  test("all means the spokes: the hub has a part in a segment only when it is named", () => {
    const segment = (members: string): string => `subnets: {s: {vxlan: {vni: 100}, hosts: ${members}}}\n`;
    expect(modelOf(HUB + FOUR + segment("all")).segments[0]?.members).toEqual(["beta", "delta", "gamma"]);
    expect(modelOf(HUB + FOUR + segment("[alpha, beta]")).segments[0]?.members).toEqual(["alpha", "beta"]);
  });

  test("the hub reflects, unless others are named", () => {
    const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: all}}\n";
    const reflectors = (bgp: string): readonly string[] =>
      modelOf(`${HUB}${FOUR}${segment}bgp: {asn: 65000${bgp}}\n`)
        .hosts.filter(({ bgp: speaker }) => speaker.kind !== "none" && speaker.isReflector)
        .map(({ name }) => name);
    expect(reflectors("")).toEqual(["alpha"]);
    expect(reflectors(", routeReflectors: [beta]")).toEqual(["beta"]);
  });

  test("a segment carries no more than the hub passes on, which another spoke may limit", () => {
    const path = "underlay: {paths: [{between: [alpha, delta], mtu: 1480}]}\n";
    const network = modelOf(`${path}${HUB}${FOUR}subnets: {s: {vxlan: {vni: 100}, hosts: [beta, gamma]}}\n`);
    expect(network.segments[0]?.mtu).toMatchObject({ bytes: 1370, limitingPair: ["alpha", "delta"] });
    expect(reportMtu(network).segments[0]).toMatchObject({ tunnelMtu: 1420, mtu: 1370 });
    const alone = modelOf(`${path}${HUB}${FOUR}subnets: {s: {vxlan: {vni: 100}, hosts: [beta]}}\n`);
    expect(alone.segments[0]?.mtu).toMatchObject({ bytes: 1390, limitingPair: ["beta", "alpha"] });
    const pin = (mtu: number): string =>
      `${path}${HUB}${FOUR}subnets: {s: {vxlan: {vni: 1}, hosts: [beta, gamma], mtu: ${mtu}}}\n`;
    expect(messagesOf(pin(1371))).toEqual([expect.stringMatching(/^mtu-pin-too-large: .*alpha.*delta/)]);
  });

  test("a hub with one spoke passes nothing on", () => {
    const network = modelOf(HUB + hosts(open(0), NAT));
    expect(allowedOf(network, "beta")).toEqual({ "alpha:keepalive": "10.250.0.1/32" });
    expect(relaysOf(network)).toEqual(new Set());
    expect(hostOf(network, "alpha").forwards).toEqual({ ipv4: false, ipv6: false });
  });

  test("a spoke is not dialled, so a LAN that only the hub knows it by is no path", () => {
    const sites = "sites: {s: {lanMtu: 9000}}\n";
    const network = modelOf(sites + HUB + hosts(`${open(0)}, site: s`, "site: s, lanEndpoint: 192.168.0.2"));
    expect(hostOf(network, "beta").interfaces[0]?.mtu).toBe(1440);
    expect(reportMtu(network).tunnels[0]).toMatchObject({ mtu: 1440 });
  });

  test("a hub without an endpoint is one mistake, whatever its site can do", () => {
    expect(messagesOf(HUB + hosts(NAT, open(1), open(2)))).toEqual([
      expect.stringMatching(/^hub-without-endpoint: alpha/),
    ]);
    const last = HUB.replace("[alpha]", "[gamma]");
    expect(messagesOf(last + hosts(open(0), open(1), NAT))).toEqual([
      expect.stringMatching(/^hub-without-endpoint: gamma/),
    ]);
    const lan = "site: s, lanEndpoint: 192.168.0.";
    expect(messagesOf(`sites: {s: }\n${HUB}${hosts(`${lan}1`, `${lan}2`)}`)).toEqual([]);
  });

  test("its guard lets pass between tunnels what comes from hosts", () => {
    const { files } = compileText(`${HUB}${FOUR}subnets: {s: {vxlan: {vni: 100}, hosts: all}}\n`);
    const ruleset = (name: string): string => {
      const file = must(
        files.find(({ path }) => path === `${name}/etc/netgen/netgen.nft`),
        "there is a ruleset",
      );
      return Buffer.from(contentOf(file)).toString();
    };
    const transit = ruleset("alpha").split("chain transit")[1];
    expect(transit).toContain('iifname "wg0" ip saddr @vteps4 return');
    expect(ruleset("alpha")).toMatch(/set vteps4 \{[^}]*10\.250\.0\.2-10\.250\.0\.4,/);
    expect(ruleset("beta")).not.toContain("chain transit");
  });
});

// ── Links ───────────────────────────────────────────────────────────────────────────────────────────────────────────

describe("links", () => {
  const CHAIN = links("alpha, beta", "beta, gamma", "gamma, delta");
  const OPEN = hosts(open(0), open(1), open(2), open(3));

  test("each neighbour gets all that lies behind it", () => {
    const network = modelOf(CHAIN + OPEN);
    checkWays(network);
    expect(allowedOf(network, "beta")).toEqual({
      alpha: "10.250.0.1/32",
      "gamma@beta": "10.250.0.3/32 10.250.0.4/32",
    });
    expect(relaysOf(network)).toEqual(new Set(["beta", "gamma"]));
    expect(network.hosts.map(({ forwards }) => forwards.ipv4)).toEqual([false, true, false, true]);
  });

  test("peers are in the order of their names, whatever that of the links", () => {
    const network = modelOf(links("beta, gamma", "delta, beta", "beta, alpha") + OPEN);
    expect(hostOf(network, "beta").interfaces[0]?.peers).toEqual(["alpha", "delta", "gamma"]);
  });

  test("a segment is as narrow as the hosts between its members", () => {
    const path = "underlay: {paths: [{between: [beta, gamma], mtu: 1480}]}\n";
    const mtu = (members: string) =>
      modelOf(`${path}${CHAIN}${OPEN}subnets: {s: {vxlan: {vni: 100}, hosts: [${members}]}}\n`).segments[0]?.mtu;
    expect(mtu("alpha, delta")).toMatchObject({ bytes: 1370, limitingPair: ["beta", "gamma"] });
    expect(mtu("alpha")).toMatchObject({ bytes: 1390 });
  });

  test("and not as what branches off behind one of them", () => {
    const names = ["a", "b", "fork", "tine1", "tine2"];
    const body = names.map((name, index) => `  ${name}: {id: ${index + 1}, ${open(index)}}\n`).join("");
    const path = "underlay: {paths: [{between: [fork, tine1], mtu: 1480}]}\n";
    const branches = links("a, b", "b, fork", "fork, tine1", "fork, tine2");
    const mtu = (members: string) => {
      const segment = `subnets: {s: {vxlan: {vni: 100}, hosts: [${members}]}}\n`;
      const keys = Object.fromEntries(names.map((name) => [name, testPublicKey(name)]));
      return compileText(`${path}${branches}hosts:\n${body}${segment}`, keys).model?.segments[0]?.mtu.bytes;
    };
    expect(mtu("a, b")).toBe(1390);
    expect(mtu("a, tine2")).toBe(1370);
  });

  test("what joins nothing is said", () => {
    const apart = links("alpha, beta", "gamma, delta");
    expect(messagesOf(apart + OPEN)).toEqual([
      "links-apart: the links join alpha, beta with each other, and delta, gamma, but no link joins the two parts",
    ]);
    expect(messagesOf(links("alpha, beta") + hosts(open(0), open(1), open(2)))).toEqual([
      expect.stringMatching(/^host-unlinked: gamma/),
    ]);
    expect(messagesOf(links("alpha, beta", "beta, alpha") + hosts(open(0), open(1)))).toEqual([
      expect.stringMatching(/^link-duplicate: beta and alpha/),
    ]);
  });

  test("many hosts of a part are counted", () => {
    const names = Array.from({ length: 7 }, (_, index) => `h${index + 1}`);
    const body = names.map((name, index) => `  ${name}: {id: ${index + 1}, ${open(index)}}\n`).join("");
    const pairs = ["h1, h2", "h2, h3", "h3, h4", "h4, h5", "h6, h7"];
    const keys = Object.fromEntries(names.map((name) => [name, testPublicKey(name)]));
    expect(messagesOf(`${links(...pairs)}hosts:\n${body}`, keys)).toEqual([
      expect.stringContaining("join h1, h2, h3 and 2 more with each other, and h6, h7"),
    ]);
  });
});

// ── Relays ──────────────────────────────────────────────────────────────────────────────────────────────────────────

describe("a mesh with hubs", () => {
  test("who cannot meet is relayed, and everyone else meets", () => {
    const network = modelOf(MESH + FOUR);
    checkWays(network);
    expect(allowedOf(network, "gamma")).toEqual({
      "alpha:keepalive@gamma": "10.250.0.1/32 10.250.0.4/32",
      "beta:keepalive": "10.250.0.2/32",
    });
    expect(relaysOf(network)).toEqual(new Set(["alpha"]));
  });

  test("by the first hub that both can meet; a hub that cannot meet one is relayed itself", () => {
    const both = MESH.replace("[alpha]", "[alpha, beta]");
    const ways = hosts(`site: s, lanEndpoint: 192.168.0.1, ${NAT}`, open(1), `site: s, ${NAT}`, NAT);
    const network = modelOf(`sites: {s: }\n${both}${ways}`);
    checkWays(network);
    expect(walk(network, hostOf(network, "alpha"), hostOf(network, "delta"))).toEqual(["alpha", "beta", "delta"]);
    expect(walk(network, hostOf(network, "gamma"), hostOf(network, "delta"))).toEqual(["gamma", "beta", "delta"]);
  });

  test("a relay that is needed by no pair passes nothing on", () => {
    const network = modelOf(MESH + hosts(open(0), open(1), NAT));
    expect(relaysOf(network)).toEqual(new Set());
    expect(hostOf(network, "alpha").forwards.ipv4).toBe(false);
  });

  test("the relay's interface counts in the segment of those that it relays, and in no other", () => {
    const path = "underlay: {paths: [{between: [alpha, beta], mtu: 1480}]}\n";
    const mtu = (members: string) =>
      modelOf(`${path}${MESH}${FOUR}subnets: {s: {vxlan: {vni: 100}, hosts: [${members}]}}\n`).segments[0]?.mtu.bytes;
    expect(mtu("gamma, delta")).toBe(1370);
    expect(mtu("gamma")).toBe(1390);
  });

  test("of two relays that hold a segment to the same, the first by its name is said to", () => {
    const names = ["a", "b", "c", "hub1", "hub2"];
    const keys = Object.fromEntries(names.map((name) => [name, testPublicKey(name)]));
    // What c has to be relayed by is dialled by IPv6; a and b take the hub that is named first.
    const { model, diagnostics } = compileText(
      `underlay: {paths: [{between: [hub1, hub2], mtu: 1480}]}
wireguard: {addresses: [10.250.0.0/24], hubs: [hub2, hub1]}\nhosts:
  a: {id: 1, ${NAT}}\n  b: {id: 2, ${NAT}}\n  c: {id: 3, ${NAT}, families: 6}
  hub1: {id: 4, endpoint: "[2001:db8::4]"}\n  hub2: {id: 5, endpoint: 198.51.100.5}
subnets: {s: {vxlan: {vni: 100}, hosts: [a, b, c]}}\n`,
      keys,
    );
    expect(diagnostics).toEqual([]);
    expect(model?.segments[0]?.mtu).toMatchObject({ computed: 1350, limitingPair: ["hub1", "hub2"] });
  });

  test("a pair that no hub can meet is told of both ways out", () => {
    const { diagnostics } = compileText(MESH + hosts(NAT, open(1), NAT));
    expect(diagnostics.map(({ code, hint }) => `${code}: ${hint}`)).toEqual([
      "pair-cannot-meet: give alpha or gamma an endpoint (a forwarded port will do), or name a hub that both can meet under wireguard.hubs: it relays them",
    ]);
  });
});

// ── Any tree ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** For each host but the first, the earlier one that it is linked with. */
const trees = fc
  .integer({ min: 2, max: 6 })
  .chain((size) => fc.tuple(...Array.from({ length: size - 1 }, (_, index) => fc.integer({ min: 0, max: index }))));

property("along any tree of links everyone reaches everyone", [trees], (parents) => {
  const names = ["h0", ...parents.map((_, index) => `h${index + 1}`)];
  const body = names.map((name, index) => `  ${name}: {id: ${index + 1}, ${open(index)}}\n`).join("");
  const subnets = "subnets: {s: {cidr: 10.2.0.0/16, perHost: 24, hosts: all}}\n";
  const keys = Object.fromEntries(names.map((name) => [name, testPublicKey(name)]));
  const wireguard = links(...parents.map((parent, index) => `h${parent}, h${index + 1}`));
  const { model, diagnostics } = compileText(`${wireguard}hosts:\n${body}${subnets}`, keys);
  expect(diagnostics).toEqual([]);
  checkWays(must(model, "there is a model"));
});
