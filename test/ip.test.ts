import { describe, expect, test } from "vitest";
import { InternalError } from "../src/base/invariant.ts";
import {
  addressBits,
  addressFromInteger,
  addressToInteger,
  collapsePrefixes,
  compareAddresses,
  comparePrefixes,
  containsAddress,
  containsPrefix,
  familyOf,
  formatAddressAndPort,
  hostAddress,
  hostPrefix,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  isHostAddress,
  mergePrefixes,
  networkAddress,
  overlaps,
  parseAddress,
  parsePrefix,
  prefixesWithout,
  prefixLengthBits,
  prefixOf,
  rangeOf,
  subPrefix,
} from "../src/base/ip.ts";
import { fc, test as property } from "./property.ts";

const address = (text: string): IpAddress => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};
const prefix = (text: string): IpPrefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined || parsed.hasHostBits) throw new Error(`${text} is no prefix`);
  return parsed.prefix;
};

describe("parseAddress", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8::0001", "2001:db8::1"],
    ["::", "::"],
    ["::1", "::1"],
    // RFC 5952 §4.2: one zero field is not shortened, the longest run is, and of equal runs the first.
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ])("%s is %s", (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "0x1.2.3.4",
    "1.2.3.4/32",
    " 1.2.3.4",
    "1.2.3.4\n",
    "10.0.0.1:51820",
    "[::1]",
    "fe80::1%eth0",
    ":::",
    "1::2::3",
    "12345::",
    "::1/64",
    "g::1",
    "1:2:3:4:5:6:7:8:9",
    "roz.example.net",
    "١.٢.٣.٤",
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe("parsePrefix", () => {
  test.each([
    ["10.1.0.0/16", "10.1.0.0/16", "10.1.0.0", false],
    ["10.1.2.3/16", "10.1.0.0/16", "10.1.2.3", true],
    ["0.0.0.0/0", "0.0.0.0/0", "0.0.0.0", false],
    ["192.0.2.1/32", "192.0.2.1/32", "192.0.2.1", false],
    ["FD00:250::/64", "fd00:250::/64", "fd00:250::", false],
    ["fd00::1/64", "fd00::/64", "fd00::1", true],
    ["::/0", "::/0", "::", false],
  ])("%s", (text, expected, written, hasHostBits) => {
    expect(parsePrefix(text)).toEqual({ prefix: expected, address: written, hasHostBits });
  });

  test.each([
    "10.0.0.0",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/ 8",
    "/8",
    "10.0.0.0/8/8",
  ])("%j is no prefix", (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });
});

describe("hosts of a prefix", () => {
  test.each([
    ["10.250.0.0/24", 1, "10.250.0.1"],
    ["10.250.0.0/24", 254, "10.250.0.254"],
    ["10.250.0.0/24", 255, undefined],
    ["10.250.0.0/24", 256, undefined],
    ["10.250.0.0/24", 0, undefined],
    ["10.250.0.0/16", 256, "10.250.1.0"],
    ["10.250.0.0/31", 1, "10.250.0.1"],
    ["10.250.0.0/31", 2, undefined],
    ["fd00:250::/64", 10, "fd00:250::a"],
    ["fd00:250::/64", 65535, "fd00:250::ffff"],
    ["fd00::/126", 3, "fd00::3"],
    ["fd00::/126", 4, undefined],
  ])("number %2$i of %1$s", (network, offset, expected) => {
    expect(hostAddress(prefix(network), offset)).toBe(expected);
  });

  test.each([
    ["10.0.0.0/24", "10.0.0.0", false],
    ["10.0.0.0/24", "10.0.0.1", true],
    ["10.0.0.0/24", "10.0.0.255", false],
    ["10.0.0.0/24", "10.0.1.1", false],
    // RFC 3021: both addresses of a /31 are hosts. A /32 is one.
    ["10.0.0.0/31", "10.0.0.0", true],
    ["10.0.0.0/31", "10.0.0.1", true],
    ["10.0.0.7/32", "10.0.0.7", true],
    // IPv6 has no broadcast; the first address is the routers' anycast (RFC 4291 §2.6.1).
    ["fd00::/64", "fd00::", false],
    ["fd00::/64", "fd00::ffff:ffff:ffff:ffff", true],
    ["fd00::/127", "fd00::", true],
    ["fd00::/64", "10.0.0.1", false],
  ])("in %s, %s may be a host's: %s", (network, host, expected) => {
    expect(isHostAddress(prefix(network), address(host))).toBe(expected);
  });

  test.each([
    ["10.2.0.0/16", 24, 0, "10.2.0.0/24"],
    ["10.2.0.0/16", 24, 7, "10.2.7.0/24"],
    ["10.2.0.0/16", 24, 255, "10.2.255.0/24"],
    ["10.2.0.0/16", 24, 256, undefined],
    ["10.2.0.0/16", 24, -1, undefined],
    ["10.2.0.0/16", 16, 0, "10.2.0.0/16"],
    ["10.2.0.0/16", 15, 0, undefined],
    ["10.2.0.0/16", 33, 0, undefined],
    ["fd00::/48", 64, 65535, "fd00:0:0:ffff::/64"],
  ])("slice %3$i of %1$s, /%2$i long", (parent, lengthBits, index, expected) => {
    expect(subPrefix(prefix(parent), lengthBits, index)).toBe(expected);
  });
});

test("lists are sorted by family, number and length, whatever their order was", () => {
  const sorted = ["0.0.0.0/0", "9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "::/0", "fd00::/8"].map(prefix);
  expect([...sorted].reverse().sort(comparePrefixes)).toEqual(sorted);
  expect(compareAddresses(address("10.0.0.9"), address("10.0.0.10"))).toBe(-1);
  expect(compareAddresses(address("::1"), address("::1"))).toBe(0);
});

test("a list is collapsed to what no other entry contains", () => {
  const list = ["10.1.1.0/24", "10.0.0.0/8", "10.0.0.0/8", "192.0.2.0/24", "fd00::1/128", "fd00::/64"].map(prefix);
  expect(collapsePrefixes(list)).toEqual(["10.0.0.0/8", "192.0.2.0/24", "fd00::/64"]);
});

test("IPv6 has brackets before a port, IPv4 has not", () => {
  expect(formatAddressAndPort(address("2001:db8::1"), 51820)).toBe("[2001:db8::1]:51820");
  expect(formatAddressAndPort(address("192.0.2.1"), 51820)).toBe("192.0.2.1:51820");
});

test("what does not fit is a defect of netgen", () => {
  expect(() => addressFromInteger(4, 1n << 32n)).toThrow(InternalError);
  expect(() => addressFromInteger(6, -1n)).toThrow(InternalError);
  expect(() => prefixOf(address("10.0.0.0"), 33)).toThrow(InternalError);
  expect(() => prefixOf(address("10.0.0.0"), -1)).toThrow(InternalError);
});

// ── Properties ──────────────────────────────────────────────────────────────────────────────────────────────────────

const anyFamily = fc.constantFrom<IpFamily>(4, 6);
const anyAddress = anyFamily.chain((family) =>
  fc.bigInt(0n, (1n << BigInt(addressBits(family))) - 1n).map((value) => ({ family, value })),
);
const anyPrefix = anyAddress.chain(({ family, value }) =>
  fc.integer({ min: 0, max: addressBits(family) }).map((length) => prefixOf(addressFromInteger(family, value), length)),
);
// Two at random hardly ever meet: the second is often cut from the first.
const anyTwoPrefixes = fc.tuple(anyPrefix, anyPrefix, fc.integer({ min: 0, max: 128 })).map(([a, b, length]) => {
  const longer = Math.min(addressBits(familyOf(a)), length);
  return length % 3 === 0 ? ([a, b] as const) : ([a, prefixOf(networkAddress(a), longer)] as const);
});

property("an address is read back as it was written", [anyAddress], ({ family, value }) => {
  const written = addressFromInteger(family, value);
  expect(parseAddress(written)).toBe(written);
  expect(addressToInteger(written)).toBe(value);
  expect(familyOf(written)).toBe(family);
});

property("an IPv6 address is the same in capitals and written out in full", [anyAddress], ({ value }) => {
  const full = value.toString(16).padStart(32, "0").match(/.{4}/g)?.join(":") ?? "";
  expect(parseAddress(full.toUpperCase())).toBe(addressFromInteger(6, value));
});

property("a prefix is read back as it was written, without host bits", [anyPrefix], (written) => {
  const lengthBits = prefixLengthBits(written);
  expect(parsePrefix(written)).toEqual({ prefix: written, address: networkAddress(written), hasHostBits: false });
  expect(prefixOf(networkAddress(written), lengthBits)).toBe(written);
});

property("contains agrees with the arithmetic of integers", [anyPrefix, anyAddress], (outer, { family, value }) => {
  const { first, last } = rangeOf(outer);
  const isInside = familyOf(outer) === family && value >= first && value <= last;
  expect(containsAddress(outer, addressFromInteger(family, value))).toBe(isInside);
});

property("so do containing and overlapping prefixes", [anyTwoPrefixes], ([a, b]) => {
  const [x, y] = [rangeOf(a), rangeOf(b)];
  const isSameFamily = x.family === y.family;
  expect(containsPrefix(a, b)).toBe(isSameFamily && x.first <= y.first && y.last <= x.last);
  expect(overlaps(a, b)).toBe(isSameFamily && x.first <= y.last && y.first <= x.last);
  expect(overlaps(b, a)).toBe(overlaps(a, b));
});

property("a host's own prefix holds it and nothing else", [anyAddress], ({ family, value }) => {
  const { first, last } = rangeOf(hostPrefix(addressFromInteger(family, value)));
  expect([first, last]).toEqual([value, value]);
});

property("collapsing loses no address and keeps no overlap", [fc.array(anyTwoPrefixes), anyAddress], (pairs, probe) => {
  const list = pairs.flat();
  const collapsed = collapsePrefixes(list);
  const probed = addressFromInteger(probe.family, probe.value);
  const holds = (prefixes: readonly IpPrefix[], one: IpAddress): boolean =>
    prefixes.some((p) => containsAddress(p, one));
  for (const one of [probed, ...list.map(networkAddress)]) expect(holds(collapsed, one)).toBe(holds(list, one));
  for (const [index, each] of collapsed.entries()) {
    expect(collapsed.slice(index + 1).some((other) => overlaps(each, other))).toBe(false);
  }
});

property("merging keeps every address and joins all halves", [fc.array(anyTwoPrefixes), anyAddress], (pairs, probe) => {
  const list = pairs.flat();
  const merged = mergePrefixes(list);
  const holds = (prefixes: readonly IpPrefix[], one: IpAddress): boolean =>
    prefixes.some((p) => containsAddress(p, one));
  for (const one of [addressFromInteger(probe.family, probe.value), ...list.map(networkAddress)])
    expect(holds(merged, one)).toBe(holds(list, one));
  expect(merged.length).toBeLessThanOrEqual(collapsePrefixes(list).length);
  expect(mergePrefixes(merged)).toEqual(merged);
  // Taken apart and merged again: whatever is taken out is what was missing.
  for (const each of list) {
    const without = prefixesWithout(merged, [each]);
    expect(holds(without, networkAddress(each))).toBe(false);
    expect(mergePrefixes([...without, each])).toEqual(merged);
  }
});

test("two halves are one prefix, up to everything there is", () => {
  expect(mergePrefixes([prefix("10.1.1.0/24"), prefix("10.1.0.0/24")])).toEqual(["10.1.0.0/23"]);
  expect(mergePrefixes([prefix("10.1.1.0/24"), prefix("10.1.2.0/24")])).toEqual(["10.1.1.0/24", "10.1.2.0/24"]);
  expect(mergePrefixes([prefix("0.0.0.0/1"), prefix("128.0.0.0/1"), prefix("::/1"), prefix("8000::/1")])).toEqual([
    "0.0.0.0/0",
    "::/0",
  ]);
});

test("what is taken out of a merged list leaves the fewest pieces; what is not in it leaves the list", () => {
  const merged = [prefix("10.0.0.0/22"), prefix("10.9.0.0/24")];
  expect(prefixesWithout(merged, [prefix("10.0.1.0/24")])).toEqual(["10.0.0.0/24", "10.0.2.0/23", "10.9.0.0/24"]);
  expect(prefixesWithout(merged, [prefix("10.9.0.0/24")])).toEqual(["10.0.0.0/22"]);
  expect(prefixesWithout(merged, [prefix("10.8.0.0/24")])).toBe(merged);
});

property("comparing is an order", [anyTwoPrefixes], ([a, b]) => {
  expect(Math.sign(comparePrefixes(a, b))).toBe(-Math.sign(comparePrefixes(b, a)) + 0);
  expect(comparePrefixes(a, b) === 0).toBe(a === b);
});
