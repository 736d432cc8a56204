import { describe, expect, test } from "vitest";
import { diagnostic, hasErrors, printable, sortDiagnostics } from "../src/base/diagnostic.ts";
import { InternalError, invariant, must } from "../src/base/invariant.ts";
import { lineStarts, positionAt } from "../src/base/source.ts";
import { compareText, listInWords, shellWord, sortedBy, visibleLines } from "../src/base/text.ts";
import { asn, mtuBytes, udpPort, vlanId, vni } from "../src/base/units.ts";
import { fc, test as property } from "./property.ts";

describe("text", () => {
  test("is sorted by code unit, not by anyone's alphabet", () => {
    expect(["b", "B", "ä", "a", "a-b", "a1", "a"].sort(compareText)).toEqual(["B", "a", "a", "a-b", "a1", "b", "ä"]);
    expect(sortedBy([{ n: "b" }, { n: "a" }], ({ n }) => n)).toEqual([{ n: "a" }, { n: "b" }]);
  });

  test("is one word of a shell, in quotes where it has to be", () => {
    expect(["topology.yaml", "./a-b/c_1.yaml", "-", "my topology.yaml", "a'b;$(x).yaml", ""].map(shellWord)).toEqual([
      "topology.yaml",
      "./a-b/c_1.yaml",
      "-",
      "'my topology.yaml'",
      "'a'\\''b;$(x).yaml'",
      "''",
    ]);
  });

  test("of several lines is spelt out where it is invisible, and keeps its lines", () => {
    expect(visibleLines("a\u001b[31mb\r\nc\u202ed\n")).toBe("a\\u{1b}[31mb\\u{d}\nc\\u{202e}d\n");
  });

  test("sorting makes a copy", () => {
    const list = ["b", "a"];
    sortedBy(list, (each) => each);
    expect(list).toEqual(["b", "a"]);
  });

  test.each([
    [[], ""],
    [["a"], "a"],
    [["a", "b"], "a and b"],
    [["a", "b", "c"], "a, b and c"],
  ])("%j in words is %j", (items, words) => {
    expect(listInWords(items)).toBe(words);
  });

  test("a list may also be of choices", () => {
    expect(listInWords(["a", "b", "c"], "or")).toBe("a, b or c");
  });
});

describe("lines", () => {
  test("end at LF, CR LF and CR", () => {
    expect(lineStarts("a\nb\r\nc\rd")).toEqual([0, 2, 5, 7]);
    expect(lineStarts("")).toEqual([0]);
    expect(lineStarts("\n")).toEqual([0, 1]);
  });

  property(
    "an offset and its place say the same",
    [fc.array(fc.constantFrom("a", "é", "🦊", "\n", "\r\n"))],
    (parts) => {
      const text = parts.join("");
      const starts = lineStarts(text);
      for (let offset = 0; offset <= text.length; offset += 1) {
        const { line, column } = positionAt(starts, offset);
        expect((starts[line - 1] ?? Number.NaN) + column - 1).toBe(offset);
        expect(text.slice(0, offset).split("\n")).toHaveLength(line);
      }
    },
  );
});

describe("numbers", () => {
  test.each([
    ["mtuBytes", mtuBytes, 1, 65_535],
    ["vni", vni, 1, 16_777_215],
    ["asn", asn, 1, 4_294_967_294],
    ["VLAN", vlanId, 1, 4094],
    ["udpPort", udpPort, 1, 65_535],
  ] as [string, (value: number) => number | undefined, number, number][])(
    "%s takes %3$i to %4$i",
    (_, make, low, high) => {
      expect([low, high].map(make)).toEqual([low, high]);
      const refused = [low - 1, high + 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, -0.5];
      expect(refused.map(make)).toEqual(refused.map(() => undefined));
    },
  );
});

describe("defects of netgen", () => {
  test("are thrown with what must hold", () => {
    expect(() => invariant(false, "the sky is up")).toThrow(new InternalError("the sky is up"));
    expect(() => must(undefined, "the sky is there")).toThrow(InternalError);
    expect(new InternalError("x").name).toBe("InternalError");
  });

  test("and nothing is thrown where it holds", () => {
    expect(() => invariant(true, "the sky is up")).not.toThrow();
    expect(must(0, "zero is a value")).toBe(0);
  });
});

describe("diagnostics", () => {
  const at = (start: number, end: number, problem: string) => diagnostic("yaml-syntax", { problem }, { start, end });

  test("take their words and severity from the catalogue", () => {
    const made = diagnostic("yaml-too-deep", { limit: 64 }, { start: 3, end: 4 });
    expect(made).toEqual({
      code: "yaml-too-deep",
      severity: "error",
      message: "the file is nested more than 64 levels deep here",
      hint: "no part of the language needs more than 9 levels: look for a bracket that is never closed",
      span: { start: 3, end: 4 },
      related: [],
    });
  });

  test("text from the topology cannot hide, fake another line, or go on for ever", () => {
    expect(printable("a\nb\u202Ec\u0000\uD800")).toBe("a\\u{a}b\\u{202e}c\\u{0}\\u{d800}");
    expect(printable("größe 中文 🦊")).toBe("größe 中文 🦊");
    expect(printable("x".repeat(500))).toBe(`${"x".repeat(240)}…`);
    expect(at(0, 0, "{limit}\n").message).toBe("this is not YAML: {limit}\\u{a}");
  });

  test("are sorted by place, then code, then words, and the same is said once", () => {
    const other = diagnostic("yaml-duplicate-key", { key: "a" }, { start: 5, end: 6 });
    const sorted = [at(0, 9, "z"), at(5, 6, "q"), at(5, 7, "a"), at(5, 7, "b"), at(9, 9, "a")];
    const expected = [sorted[0], other, ...sorted.slice(1)];
    expect(sortDiagnostics([...sorted, other, ...sorted].reverse())).toEqual(expected);
  });

  test("warnings and notes alone are no errors", () => {
    const warning = diagnostic("preshared-keys-many", { hosts: 101, count: 5050 }, { start: 0, end: 0 });
    expect(hasErrors([])).toBe(false);
    expect(hasErrors([warning])).toBe(false);
    expect(hasErrors([warning, at(0, 0, "x")])).toBe(true);
  });
});
