import { describe, expect, test } from "vitest";
import { InternalError } from "../src/base/invariant.ts";
import { MAX_REPORTED_PLACES, MAX_SOURCE_BYTES } from "../src/parse/characters.ts";
import { problemInWords } from "../src/parse/problems.ts";
import { MAX_DEPTH } from "../src/parse/walk.ts";
import { parseYaml } from "../src/parse/yaml.ts";
import { marked } from "./markers.ts";
import { fc, test as property } from "./property.ts";

const parse = (text: string) => parseYaml({ name: "topology.yaml", text });

/** The value of a text that must be without mistakes, as ordinary JSON. */
function dataOf(text: string): unknown {
  const { value, diagnostics } = parse(text);
  expect(diagnostics).toEqual([]);
  return JSON.parse(JSON.stringify(value?.value));
}

/** Codes and spans found in a text, against the marks in it. */
function expectAtMarks(textWithMarks: string, codes: readonly string[]): void {
  const { text, spans } = marked(textWithMarks);
  const found = parse(text).diagnostics.map(({ code, span }) => ({ code, span }));
  expect(found).toEqual(codes.map((code, index) => ({ code, span: spans[index] })));
}

describe("values", () => {
  test.each([
    ["a: 1\nb: [x, true, null]\n", { a: 1, b: ["x", true, null] }],
    ["a:\n- {b: c}\n- d\n", { a: [{ b: "c" }, "d"] }],
    ["\uFEFFa: 1\n", { a: 1 }],
    ["a: 1\r\nb:\r\n  c: 2\r\n", { a: 1, b: { c: 2 } }],
    ["a: |\n  x\n  y\n", { a: "x\ny\n" }],
    ["a: no\nb: 12:34:56\nc: 0x10\n", { a: "no", b: "12:34:56", c: 16 }],
    ["a: [\n  1,\n]\n", { a: [1] }],
    ["a:\n", { a: null }],
    ["--- \na: 1\n...\n", { a: 1 }],
    ["%YAML 1.2\n---\na: 1\n", { a: 1 }],
  ])("%j", (text, value) => {
    expect(dataOf(text)).toEqual(value);
  });

  test("a key is what was written, whatever it would mean as a value", () => {
    expect(dataOf("10: a\n0x0A: b\ntrue: c\n1.0: d\n'q': e\n&k anchored: f\n")).toEqual({
      "10": "a",
      "0x0A": "b",
      true: "c",
      "1.0": "d",
      q: "e",
      anchored: "f",
    });
  });

  test("keys that name an object's own machinery are keys like any other", () => {
    const value = parse("__proto__: {polluted: 1}\nconstructor: 2\n").value?.value as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(value.constructor).toBe(2);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("a merge key is an ordinary key", () => {
    expect(dataOf("base: &b {x: 1}\nhost: {<<: *b}\n")).toEqual({ base: { x: 1 }, host: { "<<": { x: 1 } } });
  });

  test.each(["", "# nothing but a comment\n", "\n\n"])("%j is null, placed at the end", (text) => {
    const parsed = parse(text).value;
    expect(parsed?.value).toBeNull();
    expect(parsed?.spanOf("").value).toEqual({ start: text.length, end: text.length });
  });
});

describe("places", () => {
  test("every node has the place of its key and of its value", () => {
    const { text, spans } = marked("«hosts»: «\n  «alpha»: «{«id»: «1», «routes»: «[«10.0.0.0/8», «{}»]»}»»\n");
    const spanOf = parse(text).value?.spanOf;
    const [hosts, all, alpha, entry, id, one, routes, list, first, second] = spans;
    expect(spanOf?.("/hosts").key).toEqual(hosts);
    expect(text.slice(all?.start).trim()).toBe(text.slice(spanOf?.("/hosts").value.start).trim());
    expect(spanOf?.("/hosts/alpha")).toEqual({ key: alpha, value: entry });
    expect(spanOf?.("/hosts/alpha/id")).toEqual({ key: id, value: one });
    expect(spanOf?.("/hosts/alpha/routes")).toEqual({ key: routes, value: list });
    expect(spanOf?.("/hosts/alpha/routes/0")).toEqual({ key: first, value: first });
    expect(spanOf?.("/hosts/alpha/routes/1").value).toEqual(second);
  });

  test("a pointer escapes ~ and /", () => {
    const { text, spans } = marked("«a/b~c»: «1»\n");
    expect(parse(text).value?.spanOf("/a~1b~0c")).toEqual({ key: spans[0], value: spans[1] });
  });

  test("a collection ends with its last character, and a value that is not there stands after its key", () => {
    const text = "a:\n  - 1\n  - 2\n\n# end\nb:\n";
    const spanOf = parse(text).value?.spanOf;
    expect(text.slice(spanOf?.("/a").value.start, spanOf?.("/a").value.end)).toBe("- 1\n  - 2");
    const b = spanOf?.("/b");
    expect(b?.value).toEqual({ start: b?.key.end === undefined ? -1 : b.key.end + 1, end: text.length - 1 });
  });

  test("an alias has the place where it stands; what is in it has the place where it is written", () => {
    const { text, spans } = marked("base: &b {x: «1»}\nhost: «*b»\n");
    const spanOf = parse(text).value?.spanOf;
    expect(spanOf?.("/host").value).toEqual(spans[1]);
    expect(spanOf?.("/host/x").value).toEqual(spans[0]);
  });

  test("asking for a node that is not there is a defect of netgen", () => {
    expect(() => parse("a: 1\n").value?.spanOf("/b")).toThrow(InternalError);
  });
});

describe("characters", () => {
  test.each([
    ["a bidi override", "name: x«\u202E»y\n", "U+202E"],
    ["a bidi isolate in a comment", "a: 1 # «\u2066»\n", "U+2066"],
    ["a zero-width space", "na«\u200B»me: x\n", "U+200B"],
    ["a soft hyphen", "a«\u00AD»: x\n", "U+00AD"],
    ["a line separator", "a: x«\u2028»b: y\n", "U+2028"],
    ["NUL", "a: «\0»\n", "U+0000"],
    ["the library's own mark of a document", "«\x02»a: 1\n", "U+0002"],
    ["a C1 control", "a: «\u0085»\n", "U+0085"],
    ["a byte order mark past the start", "a: «\uFEFF»\n", "U+FEFF"],
    ["half a surrogate pair", "a: «\uD800»\n", "U+D800"],
    ["a character of two code units", "a: «\u{E0001}»\n", "U+E0001"],
    ["a carriage return on its own", "# c«\r»a: 1\n", "U+000D"],
    ["an escape that makes one", 'a: «"x\\u202E"»\n', "U+202E"],
    ["an escape in a key", '«"x\\0"»: 1\n', "U+0000"],
  ])("%s is refused where it stands", (_, textWithMarks, character) => {
    expectAtMarks(textWithMarks, ["source-control-character"]);
    expect(parse(marked(textWithMarks).text).diagnostics[0]?.message).toContain(`the character ${character} may not`);
  });

  test("letters of any script, emoji and tabs are welcome", () => {
    expect(dataOf("a: größe 中文 🦊\t# x\n")).toEqual({ a: "größe 中文 🦊" });
  });

  test("a binary file is not reported byte by byte", () => {
    expect(parse("\x01".repeat(1000)).diagnostics).toHaveLength(MAX_REPORTED_PLACES);
    expect(parse("\0".repeat(1000)).diagnostics).toHaveLength(1);
  });

  test.each([
    ["UTF-16, the lower byte first", "utf16le"],
    ["UTF-16, the higher byte first", "utf16be"],
  ])("%s, is one mistake", (_, order) => {
    const bytes = Buffer.from("netgen: 1\nname: x\n", "utf16le");
    const text = (order === "utf16be" ? bytes.swap16() : bytes).toString("latin1");
    expect(parse(text).diagnostics.map(({ code }) => code)).toEqual(["source-form"]);
  });

  test("lines that end in carriage returns alone are one mistake", () => {
    expect(parse("netgen: 1\rname: x\rhosts: {}\r").diagnostics.map(({ code }) => code)).toEqual(["source-form"]);
  });
});

describe("size and depth", () => {
  test("8 MiB of UTF-8 is the most that is read", () => {
    const comment = (bytes: number): string => `#${"é".repeat((bytes - 1) / 2)}`;
    expect(parse(comment(MAX_SOURCE_BYTES - 1)).diagnostics).toEqual([]);
    const [tooLarge] = parse(comment(MAX_SOURCE_BYTES + 1)).diagnostics;
    expect(tooLarge?.code).toBe("source-too-large");
    expect(tooLarge?.message).toContain(`${MAX_SOURCE_BYTES + 1} bytes`);
  });

  test.each([
    ["[", 1],
    ["{a: ", 4],
    ["- ", 2],
    ["a: ", 3],
    ["? ", 2],
  ])("%j again and again is refused at the level where it becomes too deep", (unit, width) => {
    for (const bytes of [100_000, 1_000_000]) {
      const { value, diagnostics } = parse(unit.repeat(bytes / unit.length));
      expect(value).toBeUndefined();
      const start = MAX_DEPTH * width;
      expect(diagnostics).toMatchObject([{ code: "yaml-too-deep", span: { start, end: start + 1 } }]);
    }
  });

  test("a staircase of mappings is refused too", () => {
    const steps = Array.from({ length: 1000 }, (_, level) => `${" ".repeat(level)}a:\n`).join("");
    expect(parse(steps).diagnostics.map(({ code }) => code)).toEqual(["yaml-too-deep"]);
  });

  test("64 levels are read", () => {
    const nested = (levels: number): string => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
    expect(parse(nested(MAX_DEPTH)).diagnostics).toEqual([]);
    expect(parse(nested(MAX_DEPTH + 1)).diagnostics.map(({ code }) => code)).toEqual(["yaml-too-deep"]);
  });

  test("aliases cannot make it deeper", () => {
    const chain = Array.from({ length: 200 }, (_, n) => `a${n}: &a${n} [${n === 0 ? "x" : `*a${n - 1}`}]\n`).join("");
    expect(parse(chain).diagnostics.map(({ code }) => code)).toEqual(["yaml-too-deep"]);
  });

  test.each(["]", "}", '"', ",", "&a ", "!", "*", "%a\n", "---\n", "...\n"])(
    "100 KB of %j ends with a word",
    (unit) => {
      const { diagnostics } = parse(unit.repeat(100_000 / unit.length));
      expect(diagnostics.length).toBeGreaterThan(0);
      expect(diagnostics.length).toBeLessThanOrEqual(MAX_REPORTED_PLACES + 1);
    },
  );
});

describe("syntax", () => {
  test.each(["", "# comment\n\n", "---\n", "# a\r\n"])(
    "a first key that is indented, behind %j, is one mistake",
    (before) => {
      const { value, diagnostics } = parse(`${before}  netgen: 1\nname: x\nhosts:\n  a: {id: 1}\n`);
      expect(value).toBeUndefined();
      expect(diagnostics.map(({ message, span }) => [message, span])).toEqual([
        [
          "this is not YAML: this first key is indented, and others below it are not",
          { start: before.length + 2, end: before.length + 8 },
        ],
      ]);
    },
  );

  test("a mapping that is indented as a whole is none", () => {
    expect(dataOf("  a: 1\n  b: 2\n")).toEqual({ a: 1, b: 2 });
    expect(parse("  a: 1\n  b: [\n").diagnostics.map(({ message }) => message)).not.toContain("first key");
  });

  test.each([
    ["a: «" + '"' + "»x\nb: 1\n", "no closing one"],
    ["a: «'»x\n", "no closing one"],
    ["a: «[»1, 2\nb: 3\n", 'no closing "]"'],
    ["a: «{»x: 1\nb: 2\n", 'no closing "}"'],
    ["a: «b»: c\n", "needs quotes"],
    ["a:\n«\t»b: 1\n", "a tab cannot indent"],
    ["a:\n  b: 1\n «c»: 2\n", "not indented like the others"],
    ["a: 1\n«b»\n", "no colon"],
    ["a: 1\n«b:2»\n", "no colon and space"],
    ["a: «@»x\n", "begins with this character"],
    ["a: «]»\n", "no opening one"],
    ['a: "«\\»d"\n', "escape"],
    ["a: «-» b\n", "line of its own"],
    ["a: [2001:db8::1]«:51820»\n", "needs quotes"],
    ["a: {id: «1 b: x»}\n", "a comma is missing"],
    ["a: «!foo» x\n", "tag"],
    ["a: «!!set» {x}\n", "tag"],
    ["a: «*x»\n", "no anchor &x"],
    ["a: «*b»\nb: &b 1\n", "no anchor &b"],
    ["«%YAML 1.1»\n---\na: no\n", "YAML 1.2 only"],
    ["«%FOO»\n---\na: 1\n", "directive"],
  ])("%j", (textWithMarks, words) => {
    const { text, spans } = marked(textWithMarks);
    const { value, diagnostics } = parse(text);
    expect(value).toBeUndefined();
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.code).toBe("yaml-syntax");
    expect(diagnostics[0]?.message).toContain(words);
    expect(diagnostics[0]?.span.start).toBe(spans[0]?.start);
  });

  test("all mistakes are reported at once, one a line", () => {
    const { text, spans } = marked("a: «@»x\nb: [«,» @y, `y]\nc: 1\nd: «`»z\n");
    expect(parse(text).diagnostics.map(({ span }) => span.start)).toEqual(spans.map(({ start }) => start));
  });

  test("a complaint of the library that has no words yet is still a sentence", () => {
    expect(problemInWords("NEW_CODE", "something new")).toBe("this is out of place here");
  });
});

describe("what YAML allows and a topology does not", () => {
  test("a key that stands twice is reported with the first", () => {
    const { text, spans } = marked("«a»: 1\nb: {«x»: 1, «x»: 2}\n«a»: 3\n");
    const { value, diagnostics } = parse(text);
    const [firstA, firstX, secondX, secondA] = spans;
    expect(diagnostics.map(({ code, span, related }) => [code, span, related[0]?.span])).toEqual([
      ["yaml-duplicate-key", secondX, firstX],
      ["yaml-duplicate-key", secondA, firstA],
    ]);
    expect(value?.value).toMatchObject({ a: 1, b: { x: 1 } });
  });

  test("what is written under the second of two keys is read as well", () => {
    expectAtMarks("a: 1\n«a»: {«~»: 1}\n", ["yaml-duplicate-key", "yaml-key-not-text"]);
  });

  test.each([
    ["«[a]»: 1\n", "list"],
    ["«{a: 1}»: 1\n", "mapping"],
    ["? «[a]»\n: 1\n", "list"],
    ["«~»: 1\n", "null"],
    ["«null»: 1\n", "null"],
    ["b: &b x\n«*b» : 1\n", "reference"],
  ])("%j has a key that is no text", (textWithMarks, kind) => {
    expectAtMarks(textWithMarks, ["yaml-key-not-text"]);
    expect(parse(marked(textWithMarks).text).diagnostics[0]?.message).toContain(`this one is a ${kind}`);
  });

  test("two documents", () => {
    expectAtMarks("a: 1\n«---»\nb: 2\n---\nc: 3\n", ["yaml-several-documents"]);
  });

  test("an alias inside its own anchor", () => {
    expectAtMarks("a: &a [1, {b: «*a»}]\n", ["yaml-alias-cycle"]);
  });

  test("a billion laughs, where the alias is written that makes them too many", () => {
    const level = (name: string, below: string) => `${name}: &${name} [${`*${below}, `.repeat(10)}]\n`;
    const small = `a: &a [${"x, ".repeat(10)}]\n${level("b", "a")}${level("c", "b")}${level("d", "c")}`;
    // 12,330 values so far, and 11,111 with each more.
    expectAtMarks(`${small}e: [${"*d, ".repeat(7)}«*d», *d]\n`, ["yaml-alias-bomb"]);
  });
});

describe("aliases", () => {
  test("an anchor that is given again counts from there on", () => {
    expect(dataOf("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  test("what an alias stands for does not change when it is read again", () => {
    expect(dataOf("a: &x 1\nb: &l [*x]\nc: &x 2\nd: *l\ne: *x\n")).toEqual({ a: 1, b: [1], c: 2, d: [1], e: 2 });
  });

  test("a mistake inside an anchor is reported once", () => {
    expectAtMarks("a: &x {b: 1, «b»: 2}\nc: [*x, *x]\n", ["yaml-duplicate-key"]);
  });

  test("a large file without aliases is no bomb", () => {
    expect(parse(`a: [${"1,".repeat(150_000)}]\n`).diagnostics).toEqual([]);
  });
});

// Text that looks like YAML finds more than text at random.
const yamlish = fc.array(
  fc.oneof(
    fc.constantFrom(
      "a",
      "b: ",
      "- ",
      "\n",
      "\n  ",
      "[",
      "]",
      "{",
      "}",
      ",",
      '"',
      "'",
      "#",
      "&a ",
      "*a",
      "!t ",
      "|",
      ">",
    ),
    fc.constantFrom("? ", ": ", "---\n", "...\n", "%YAML 1.2\n", "\t", "\\", "~", "1", "é", "\r\n", " "),
    fc.string({ unit: "binary", maxLength: 3 }),
  ),
  { maxLength: 60 },
);

property("no text makes it throw, and every place lies within the text", [yamlish], (parts) => {
  const text = parts.join("");
  const { value, diagnostics } = parse(text);
  for (const { span, related } of diagnostics.flatMap((each) => [
    each,
    ...each.related.map((r) => ({ ...r, related: [] })),
  ])) {
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.end).toBeLessThanOrEqual(text.length);
    expect(related).toBeDefined();
  }
  if (value === undefined) expect(diagnostics.length).toBeGreaterThan(0);
  else expect(value.spanOf("").value.end).toBeLessThanOrEqual(text.length);
});

property("a value that JSON writes is read as it was", [fc.jsonValue({ maxDepth: 6 })], (value) => {
  const text = JSON.stringify(value);
  // What no topology may hold, also as an escape, is another test's.
  fc.pre(!/[\p{Cf}\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]|\\[ubfr]/u.test(text));
  expect(dataOf(text)).toEqual(JSON.parse(text));
});
