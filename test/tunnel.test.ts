import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { type IpAddress, parseAddress } from "../src/base/ip.ts";
import { type MtuBytes, mtuBytes, type UdpPort, udpPort } from "../src/base/units.ts";
import type { PathRule, Site, Underlay } from "../src/model/network.ts";
import { indexPaths, type PathIndex, pathBetween } from "../src/model/path.ts";
import type { Endpoint, Reach } from "../src/model/reach.ts";
import { dial, KEEPALIVE_SECONDS, meeting, needsKeepalive, outerFamily, tunnelBetween } from "../src/model/tunnel.ts";
import { fc, test as property } from "./property.ts";

const bytes = (value: number): MtuBytes => must(mtuBytes(value), "an MTU");
const port: UdpPort = must(udpPort(51820), "a port");

/** An endpoint: an address, or else a name. */
function endpoint(text: string): Endpoint {
  const address: IpAddress | undefined = parseAddress(text);
  return address === undefined ? { kind: "name", name: text, port } : { kind: "address", address, port };
}

function reach(name: string, parts: Partial<Omit<Reach, "name">> = {}): Reach {
  const nothing = {
    site: undefined,
    endpoints: [],
    lanEndpoint: undefined,
    isBehindNat: false,
    families: "both" as const,
    isShared: false,
    isApp: false,
  };
  return { name, ...nothing, ...parts };
}

const open = (name: string, site?: string): Reach => reach(name, { site, endpoints: [endpoint("192.0.2.1")] });
const closed = (name: string, site?: string): Reach => reach(name, { site });
const forwarded = (name: string, site?: string): Reach => ({ ...open(name, site), isBehindNat: true });
const named = (name: string): Reach => reach(name, { endpoints: [endpoint("b.example.net")] });
const over6 = (name: string, families: Reach["families"], site?: string): Reach =>
  reach(name, { site, families, endpoints: [endpoint("2001:db8::1")] });
const withLan = (host: Reach): Reach => ({ ...host, lanEndpoint: endpoint("192.168.2.3") });

describe("who dials whom", () => {
  test.each([
    ["a host with an endpoint can be dialled", closed("a"), open("b"), "wan"],
    ["a host without one cannot", open("a"), closed("b"), undefined],
    ["a forwarded port can be dialled", closed("a"), forwarded("b"), "wan"],
    ["inside a site its lanEndpoint comes first", open("a", "roz"), withLan(open("b", "roz")), "lan"],
    ["also where it has no other", open("a", "roz"), withLan(closed("b", "roz")), "lan"],
    ["from another site a lanEndpoint is of no use", open("a", "wro"), withLan(closed("b", "roz")), undefined],
    ["nor between hosts without a site", open("a"), withLan(closed("b")), undefined],
    ["two behind the NAT of one site do not dial through it", forwarded("a", "roz"), forwarded("b", "roz"), undefined],
    ["two behind NATs of their own do", forwarded("a", "roz"), forwarded("b", "wro"), "wan"],
    ["one of a site behind NAT, the other not", forwarded("a", "roz"), open("b", "roz"), "wan"],
    ["two of one site behind NAT with a lanEndpoint", forwarded("a", "roz"), withLan(forwarded("b", "roz")), "lan"],
    ["one that lacks the version of the endpoint does not", { ...closed("a"), families: 6 }, open("b"), undefined],
    ["one that has it alone does", { ...closed("a"), families: 4 }, open("b"), "wan"],
    ["a translation is a way", { ...closed("a"), families: "464xlat" }, open("b"), "wan"],
    ["a LAN may have what the way out lacks", { ...open("a", "roz"), families: 6 }, withLan(open("b", "roz")), "lan"],
    ["a name leads to what both have", { ...closed("a"), families: 4 }, { ...named("b"), families: 4 }, "wan"],
    ["from IPv6 by NAT64 to IPv4", { ...closed("a"), families: 6 }, { ...named("b"), families: 4 }, "wan"],
    ["and never the other way", { ...closed("a"), families: 4 }, { ...named("b"), families: 6 }, undefined],
  ] as const)("%s", (_, from, to, scope) => {
    expect(dial(from, to)?.scope).toBe(scope);
  });

  test("of several endpoints those that its way out carries, in the order that they have", () => {
    const [v6, name, v4] = [endpoint("2001:db8::1"), endpoint("b.example.net"), endpoint("192.0.2.1")];
    const b = reach("b", { endpoints: [v6, name, v4] });
    expect(dial(closed("a"), b)?.endpoints).toEqual([v6, name, v4]);
    expect(dial(reach("a", { families: 4 }), b)?.endpoints).toEqual([name, v4]);
    expect(dial(reach("a", { families: 6 }), b)?.endpoints).toEqual([v6, name]);
    expect(dial(reach("a", { families: 4 }), { ...b, families: 6 })?.endpoints).toEqual([v4]);
    expect(dial(reach("a", { families: 4 }), reach("b", { endpoints: [v6] }))).toBeUndefined();
  });
});

describe("who keeps the way open", () => {
  test("every 25 seconds", () => {
    expect(KEEPALIVE_SECONDS).toBe(25);
  });

  // The pair, then: does the first keep alive, does the second.
  test.each([
    ["two in the open: neither", open("a"), open("b"), false, false],
    ["no endpoint: it does, as nobody can dial it", closed("a"), open("b"), true, false],
    ["a forwarded port: it does too, as its mapping expires", forwarded("a"), open("b"), true, false],
    ["two forwarded ports: both", forwarded("a"), forwarded("b"), true, true],
    ["no endpoint and a forwarded port: the one that can dial", closed("a"), forwarded("b"), true, false],
    ["two that cannot meet: neither", closed("a"), closed("b"), false, false],
    [
      "inside a site by lanEndpoint there is no NAT",
      withLan(forwarded("a", "s")),
      withLan(forwarded("b", "s")),
      false,
      false,
    ],
    ["inside a site where only one can be dialled", closed("a", "s"), withLan(closed("b", "s")), true, false],
    ["IPv4 by DS-Lite: it does, by the NAT of its provider", over6("a", "ds-lite"), open("b"), true, false],
    ["IPv4 by 464XLAT", over6("a", "464xlat"), open("b"), true, false],
    ["a name that may be IPv4's, by NAT64", over6("a", 6), named("b"), true, false],
    ["IPv6 alone is translated by nobody", over6("a", "ds-lite"), over6("b", 6), false, false],
    ["nor is a name that leads to no other", over6("a", 6), { ...named("b"), families: 6 as const }, false, false],
    ["inside a site nobody translates", withLan(over6("a", "ds-lite", "s")), withLan(open("b", "s")), false, false],
  ])("%s", (_, a, b, first, second) => {
    expect([needsKeepalive(a, b, meeting(a, b)), needsKeepalive(b, a, meeting(b, a))]).toEqual([first, second]);
  });
});

describe("the family of the outer packets", () => {
  test.each([
    ["192.0.2.1", "auto", 4, "192.0.2.1 is IPv4"],
    ["192.0.2.1", 6, 4, "192.0.2.1 is IPv4"],
    ["2001:db8::1", "auto", 6, "2001:db8::1 is IPv6"],
    ["roz.example.net", "auto", 6, "roz.example.net may resolve to IPv6"],
    ["roz.example.net", 4, 4, "roz.example.net, and underlay.ipVersion is 4"],
    ["roz.example.net", 6, 6, "roz.example.net, and underlay.ipVersion is 6"],
  ] as const)("%s with ipVersion %s", (text, ipVersion, family, why) => {
    expect(outerFamily(endpoint(text), ipVersion)).toEqual({ family, why });
  });
});

// ── Paths ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const site = (name: string, lanMtu?: number, wanMtu?: number): Site => ({
  name,
  asn: undefined,
  lanMtu: lanMtu === undefined ? undefined : bytes(lanMtu),
  wanMtu: wanMtu === undefined ? undefined : bytes(wanMtu),
  lan: [],
  gateways: [],
  lanRouter: undefined,
  routes: [],
  origin: {},
});

function paths(rules: readonly (readonly [string, string, number])[], sites: readonly Site[] = []): PathIndex {
  const declared: PathRule[] = rules.map(([a, b, mtu]) => ({ between: [a, b], mtu: bytes(mtu), origin: {} }));
  const underlay: Underlay = { pathMtu: bytes(1500), ipVersion: "auto", paths: declared };
  return indexPaths(underlay, sites);
}

describe("the MTU of a path", () => {
  const [a, b] = [open("a", "roz"), open("b", "wro")];
  const general: readonly (readonly [string, string, number])[] = [
    ["roz", "wro", 1430],
    ["a", "wro", 1420],
    ["roz", "b", 1410],
    ["a", "b", 1490],
  ];

  test.each([
    ["nothing is declared", [], "underlay.pathMtu", 1500],
    ["between sites", general.slice(0, 1), "path roz - wro", 1430],
    ["host to site comes before site to site", general.slice(0, 2), "path a - wro", 1420],
    ["of two that are as specific, the smaller", general.slice(0, 3), "path roz - b", 1410],
    ["host to host comes before all, even if it is larger", general, "path a - b", 1490],
    ["the order of the two ends does not matter", [["wro", "roz", 1400] as const], "path wro - roz", 1400],
    [
      "paths of others do not count",
      [["a", "c", 1300] as const, ["roz", "roz", 1300] as const],
      "underlay.pathMtu",
      1500,
    ],
    ["declared twice, the smaller", [["a", "b", 1400] as const, ["b", "a", 1390] as const], "path b - a", 1390],
  ])("%s", (_, rules, rule, mtu) => {
    const index = paths(rules);
    expect(pathBetween(index, a, b, "wan")).toMatchObject({ rule, mtu });
    expect(pathBetween(index, b, a, "wan")).toMatchObject({ rule, mtu });
  });

  test("a site's ways count where no path is declared: lanMtu inside it, the smaller wanMtu outside", () => {
    const sites = [site("roz", 9000, 1492), site("wro", undefined, 1480)];
    expect(pathBetween(paths([], sites), a, open("c", "roz"), "lan")).toMatchObject({
      rule: "lanMtu of roz",
      mtu: 9000,
    });
    expect(pathBetween(paths([], sites), a, b, "wan")).toMatchObject({ rule: "wanMtu of wro", mtu: 1480 });
    expect(pathBetween(paths([], sites), b, a, "wan")).toMatchObject({ rule: "wanMtu of wro", mtu: 1480 });
    expect(pathBetween(paths([], sites.slice(0, 1)), a, b, "wan")).toMatchObject({ rule: "wanMtu of roz", mtu: 1492 });
    expect(pathBetween(paths([], sites), a, open("d"), "wan")).toMatchObject({ rule: "wanMtu of roz", mtu: 1492 });
    expect(pathBetween(paths([["a", "b", 9001]], sites), a, b, "wan")).toMatchObject({ rule: "path a - b", mtu: 9001 });
  });

  test("a site without the number, or a host without a site, falls back to the underlay's", () => {
    const sites = [site("roz", undefined, 1400)];
    expect(pathBetween(paths([], sites), a, open("c", "roz"), "lan")).toMatchObject({ rule: "underlay.pathMtu" });
    expect(pathBetween(paths([]), open("c"), open("d"), "lan")).toMatchObject({ rule: "underlay.pathMtu" });
    expect(pathBetween(paths([], sites), open("c"), open("d"), "wan")).toMatchObject({ rule: "underlay.pathMtu" });
  });
});

describe("the MTU of a tunnel", () => {
  const between = (index: PathIndex, a: Reach, b: Reach) => tunnelBetween(index, a, b, meeting(a, b));

  test("the version that one of the two has alone is that of a name", () => {
    const [a, b] = [{ ...closed("a"), families: 4 as const }, named("b")];
    expect(between(paths([]), a, b)).toMatchObject({ outer: 4, mtu: 1440, why: "b.example.net, and a has IPv4 alone" });
    expect(between(paths([]), closed("a"), { ...b, families: 4 })).toMatchObject({ outer: 4, mtu: 1440 });
    // Either, by the dearer of the two.
    const lite = { outer: 4, mtu: 1400, why: "b.example.net may resolve to IPv4" };
    expect(between(paths([]), { ...a, families: "ds-lite" }, b)).toMatchObject(lite);
    expect(between(paths([]), { ...a, families: "464xlat" }, b)).toMatchObject({ outer: 6, mtu: 1420 });
  });

  test("but not of a name on the LAN, which has what the way out lacks", () => {
    const [a, b] = [
      { ...closed("a", "roz"), families: 4 as const },
      reach("b", { site: "roz", lanEndpoint: endpoint("b.lan") }),
    ];
    expect(between(paths([]), a, b)).toMatchObject({ outer: 6, mtu: 1420, why: "b.lan may resolve to IPv6" });
  });

  test("a translation takes its header off what the access carries, and nothing off what was measured", () => {
    const [lite, xlat] = (["ds-lite", "464xlat"] as const).map((families) => ({ ...closed(families), families }));
    const to = (index: PathIndex, from: Reach, other: Reach = open("b")) =>
      must(between(index, from, other), "they meet");
    const index = paths([]);
    expect(to(index, must(lite, "it is there"))).toMatchObject({ outer: 4, overheadBytes: 100, mtu: 1400 });
    expect(to(index, must(xlat, "it is there"))).toMatchObject({ outer: 4, overheadBytes: 80, mtu: 1420 });
    // Each has its own link: they do not add up.
    const both = to(index, must(xlat, "it is there"), { ...open("b"), families: "ds-lite" });
    expect(both.subtractions.map((each) => each.bytes)).toEqual([40, 20, 8, 16, 16]);
    const ipv6 = { ...open("b"), endpoints: [endpoint("2001:db8::1")] };
    expect(to(index, must(lite, "it is there"), ipv6)).toMatchObject({ outer: 6, mtu: 1420 });
    expect(to(paths([["ds-lite", "b", 1460]]), must(lite, "it is there"))).toMatchObject({ mtu: 1400 });
    const site = { ...must(lite, "it is there"), site: "roz" };
    expect(to(index, site, withLan(open("b", "roz")))).toMatchObject({ mtu: 1440 });
  });

  test("60 bytes less where every endpoint that can be used is IPv4, else 80", () => {
    const six = reach("six", { endpoints: [endpoint("2001:db8::1")] });
    const name = reach("name", { endpoints: [endpoint("roz.example.net")] });
    expect(between(paths([]), open("a"), open("b"))).toMatchObject({ outer: 4, overheadBytes: 60, mtu: 1440 });
    expect(between(paths([]), open("a"), closed("b"))).toMatchObject({ outer: 4, mtu: 1440 });
    expect(between(paths([]), open("a"), six)).toMatchObject({ outer: 6, why: "2001:db8::1 is IPv6", mtu: 1420 });
    expect(between(paths([]), name, open("a"))).toMatchObject({ outer: 6, overheadBytes: 80, mtu: 1420 });
  });

  test("where the two ends use different ways, the smaller counts", () => {
    const sites = [site("roz", 9000, 1492)];
    const [inside, outside] = [withLan(open("a", "roz")), open("b", "roz")];
    expect(between(paths([], sites), inside, outside)).toMatchObject({ path: { rule: "wanMtu of roz" }, mtu: 1432 });
    expect(between(paths([], sites), inside, withLan(outside))).toMatchObject({ path: { mtu: 9000 }, mtu: 8940 });
  });

  test("of several endpoints the one that costs most counts, wherever it stands", () => {
    const several = (...texts: readonly string[]) => reach("b", { endpoints: texts.map((text) => endpoint(text)) });
    for (const b of [several("192.0.2.1", "2001:db8::1"), several("2001:db8::1", "192.0.2.1")]) {
      expect(between(paths([]), closed("a"), b)).toMatchObject({ outer: 6, mtu: 1420 });
      expect(between(paths([]), reach("a", { families: 4 }), b)).toMatchObject({ outer: 4, mtu: 1440 });
    }
  });

  test("two that cannot meet have none", () => {
    expect(between(paths([]), closed("a"), closed("b"))).toBeUndefined();
  });

  const anyReach = (name: string): fc.Arbitrary<Reach> =>
    fc.record({
      name: fc.constant(name),
      site: fc.constantFrom(undefined, "roz", "wro"),
      endpoints: fc
        .subarray(["192.0.2.1", "2001:db8::1", "roz.example.net"])
        .map((texts) => texts.map((text) => endpoint(text))),
      lanEndpoint: fc.constantFrom(undefined, "192.168.2.3", "fd02::3").map((e) => e && endpoint(e)),
      isBehindNat: fc.boolean(),
      families: fc.constant("both" as const),
      isShared: fc.constant(false),
      isApp: fc.constant(false),
    });
  const anyMtu = fc.option(fc.integer({ min: 1280, max: 9200 }), { nil: undefined });
  const ends = fc.constantFrom("a", "b", "roz", "wro");
  const anyRules = fc.array(fc.tuple(ends, ends, fc.integer({ min: 1280, max: 9200 })), { maxLength: 4 });

  property(
    "is the same seen from either end, and leaves room on every path that the two may use",
    [fc.tuple(anyReach("a"), anyReach("b")), anyRules, fc.array(anyMtu, { minLength: 4, maxLength: 4 })],
    ([a, b], rules, [lanRoz, wanRoz, lanWro, wanWro]) => {
      const index = paths(rules, [site("roz", lanRoz, wanRoz), site("wro", lanWro, wanWro)]);
      const there = between(index, a, b);
      const back = between(index, b, a);
      expect(there?.mtu).toBe(back?.mtu);
      for (const way of [dial(a, b), dial(b, a)]) {
        if (way === undefined) continue;
        const path = pathBetween(index, a, b, way.scope).mtu;
        for (const each of way.endpoints) {
          const { family } = outerFamily(each, "auto");
          expect((there?.mtu ?? 0) + (family === 4 ? 60 : 80)).toBeLessThanOrEqual(path);
        }
      }
      expect(there === undefined).toBe(dial(a, b) === undefined && dial(b, a) === undefined);
    },
  );
});
