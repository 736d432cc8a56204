import { expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { parseAddress } from "../src/base/ip.ts";
import { addressRanges } from "../src/emit/nft-words.ts";

const addresses = (...texts: readonly string[]) => texts.map((text) => must(parseAddress(text), "an address"));

test.each([
  ["none", [], []],
  ["one", ["10.250.0.7"], ["10.250.0.7"]],
  ["neighbours", ["10.250.0.254", "10.250.0.255", "10.250.1.0"], ["10.250.0.254-10.250.1.0"]],
  ["gaps", ["10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.6"], ["10.0.0.1", "10.0.0.3-10.0.0.4", "10.0.0.6"]],
  ["the last ones there are", ["255.255.255.254", "255.255.255.255"], ["255.255.255.254-255.255.255.255"]],
  ["IPv6", ["fd00::fffe", "fd00::ffff", "fd00::1:0", "fd00::1:2"], ["fd00::fffe-fd00::1:0", "fd00::1:2"]],
])("a set of intervals takes %s in as few words as may be, and no other address", (_, texts, expected) => {
  expect(addressRanges(addresses(...texts))).toEqual(expected);
});
