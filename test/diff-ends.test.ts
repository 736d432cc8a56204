/** What a unified diff leaves out of its search, it must not leave out of its sums. */
import { applyPatch, structuredPatch } from "diff";
import { expect } from "vitest";
import { diffOf } from "../src/deliver/diff.ts";
import { fc, test } from "./property.ts";

/** Longer than what is compared in one go. */
const LONG = `${"x".repeat(5000)}\n`;
const lines = fc.array(fc.constantFrom("a\n", "b\n", "ü\n", "\n", "ab\n", LONG), { maxLength: 12 });
const end = fc.constantFrom("", "a", "\n");
const texts = fc.record({ head: lines, one: lines, other: lines, tail: lines, ends: fc.tuple(end, end) });

test("a patch is the shortest there is, and leads from one text to the other", [texts], (parts) => {
  const [before = "", after = ""] = [parts.one, parts.other].map((middle, index) =>
    [...parts.head, ...middle, ...parts.tail, parts.ends[index]].join(""),
  );
  fc.pre(before !== after);
  const { patch, added, removed } = diffOf({
    path: "alpha/etc/file",
    change: "changed",
    before: Buffer.from(before),
    after: Buffer.from(after),
  });
  expect(applyPatch(before, patch)).toBe(after);
  const whole = structuredPatch("", "", before, after).hunks.flatMap((hunk) => hunk.lines);
  expect([added, removed]).toEqual(["+", "-"].map((sign) => whole.filter((line) => line.startsWith(sign)).length));
});
