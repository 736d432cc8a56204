/** What an index of prefixes finds is what comparing each with each would. */
import { expect, test } from "vitest";
import { comparePrefixes, containsAddress, type IpAddress, type IpPrefix, overlaps } from "../src/base/ip.ts";
import { createPrefixIndex } from "../src/base/prefix-index.ts";

const PREFIXES = [
  ...["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.0/25", "10.1.2.128/25", "10.1.2.7/32", "10.2.0.0/16"],
  ...["0.0.0.0/0", "192.168.0.0/24", "192.168.1.0/24", "::/0", "fd00::/8", "fd00::/64", "fd00:0:0:1::/64"],
] as unknown as readonly IpPrefix[];
const items = PREFIXES.toSorted(comparePrefixes).map((prefix) => ({ prefix }));
const index = createPrefixIndex(items.toReversed());

test.each(PREFIXES)("what overlaps %s, in order", (prefix) => {
  expect(index.overlapping(prefix)).toEqual(items.filter((each) => overlaps(each.prefix, prefix)));
});

test.each(["10.1.2.7", "10.1.2.200", "10.255.255.255", "192.168.1.0", "fd00::1", "::1"])(
  "what holds %s, the longest first",
  (text) => {
    const address = text as IpAddress;
    const holding = items.filter((each) => containsAddress(each.prefix, address));
    expect(index.holding(address)).toEqual(holding.toReversed());
  },
);

test("one prefix twice is found twice", () => {
  const twice = createPrefixIndex([...items, ...items]);
  expect(twice.holding("10.2.0.1" as IpAddress).map(({ prefix }) => prefix)).toEqual([
    ...["10.2.0.0/16", "10.2.0.0/16", "10.0.0.0/8", "10.0.0.0/8", "0.0.0.0/0", "0.0.0.0/0"],
  ]);
});
