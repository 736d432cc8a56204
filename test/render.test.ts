import { describe, expect, test } from "vitest";
import { type Diagnostic, diagnostic } from "../src/base/diagnostic.ts";
import { type Paint, renderJson, renderText } from "../src/base/render.ts";
import type { Span } from "../src/base/source.ts";
import { marked } from "./markers.ts";

interface Example {
  readonly source: { readonly name: string; readonly text: string };
  readonly spans: readonly Span[];
}

function example(textWithMarks: string): Example {
  const { text, spans } = marked(textWithMarks);
  return { source: { name: "topology.yaml", text }, spans };
}

const duplicate = (span: Span | undefined, first: Span | undefined): Diagnostic =>
  diagnostic("yaml-duplicate-key", { key: "id" }, span as Span, [
    { message: "the first one is here", span: first as Span },
  ]);

describe("text for people", () => {
  test("place, code, message, the line with a caret as long as the span, related places, the hint", () => {
    const { source, spans } = example("hosts:\n  alpha:\n    «id»: 1\n    «id»: 2\n");
    expect(renderText(source, [duplicate(spans[1], spans[0])])).toBe(
      [
        'topology.yaml:4:5: error[yaml-duplicate-key]: the key "id" stands twice in one mapping; only one value can count',
        "  4 |     id: 2",
        "    |     ^^",
        "  topology.yaml:3:5: the first one is here",
        "  3 |     id: 1",
        "    |     ^^",
        "  hint: delete one of the two, or rename it",
        "",
        "",
      ].join("\n"),
    );
  });

  test("a file name that would colour the terminal is shown, not printed", () => {
    const source = { name: "\u001b[31mx.yaml", text: "a" };
    const text = renderText(source, [diagnostic("yaml-duplicate-key", { key: "a" }, { start: 0, end: 1 })]);
    expect(text.split(" ")[0]).toBe("\\u{1b}[31mx.yaml:1:1:");
  });

  /** The excerpt alone. */
  function excerptOf(textWithMarks: string): string {
    const { source, spans } = example(textWithMarks);
    const said = renderText(source, [diagnostic("yaml-syntax", { problem: "x" }, spans[0] as Span)]);
    return said.split("\n").slice(1, -3).join("\n");
  }

  test.each([
    ["a span of several lines is marked on its first", "a: «[1,\n 2]»\n", "  1 | a: [1,\n    |    ^^^"],
    ["an empty span has one caret", "a:«»\nb: 1\n", "  1 | a:\n    |   ^"],
    ["the end of a file without a last newline", "a: «x»", "  1 | a: x\n    |    ^"],
    ["a line that ends in CR LF", "a: «x»\r\nb: 1\r\n", "  1 | a: x\n    |    ^"],
    ["a tab is one column wide", "\ta:\t«x»\n", "  1 |  a: x\n    |     ^"],
    [
      "what cannot be seen is spelt out",
      "a: \u202E«\u200B»b\n",
      "  1 | a: \\u{202e}\\u{200b}b\n    |            ^^^^^^^^",
    ],
    ["a wide gutter", `${"\n".repeat(99)}«a»: 1\n`, "  100 | a: 1\n      | ^"],
    ["a line that nobody could read is left out", `${"x".repeat(200)}«y»\n`, ""],
  ])("%s", (_, textWithMarks, excerpt) => {
    expect(excerptOf(textWithMarks)).toBe(excerpt);
  });

  test("several, one after the other; none, nothing", () => {
    const { source, spans } = example("«a»: 1\n«b»: 2\n");
    const several = spans.map((span) => diagnostic("yaml-syntax", { problem: "x" }, span));
    expect(renderText(source, several).match(/^topology\.yaml:\d+:1: error/gm)).toHaveLength(2);
    expect(renderText(source, [])).toBe("");
  });

  test("twenty of a code, and how many more there are; the others are all there", () => {
    const { source, spans } = example("hosts:\n  alpha:\n    «id»: 1\n    «id»: 2\n");
    const other = diagnostic("name-taken", { name: "alpha" }, spans[0] as Span);
    const many = (count: number) => [...Array.from({ length: count }, () => duplicate(spans[1], spans[0])), other];
    const heads = (count: number) =>
      renderText(source, many(count))
        .split("\n")
        .filter((line) => /^(topology|and )/.test(line))
        .map((line) => line.replace(/^topology\S+ (\S+): .*/, "$1"));
    const alike = Array.from({ length: 20 }, () => "error[yaml-duplicate-key]");
    expect(heads(20)).toEqual([...alike, "error[name-taken]"]);
    expect(heads(10_000)).toEqual([
      ...alike,
      "and 9980 more like this: error[yaml-duplicate-key]",
      "error[name-taken]",
    ]);
    expect(renderJson(source, many(10_000)).split("\n")).toHaveLength(10_002);
  });

  test("colour is the caller's, and touches nothing but the frame and the words of the head", () => {
    const { source, spans } = example("a: «x»\n");
    const paint: Paint = (text, role) => `<${role}>${text}</>`;
    expect(renderText(source, [diagnostic("yaml-syntax", { problem: "x" }, spans[0] as Span)], paint)).toBe(
      [
        "topology.yaml:1:4: <error>error[yaml-syntax]</>: this is not YAML: x",
        "<frame>  1 |</> a: x",
        "<frame>    |</>    <frame>^</>",
        "  <note>hint:</> look at the indentation, the colon and the quotes of this line and the one before it",
        "",
        "",
      ].join("\n"),
    );
  });
});

describe("JSON lines", () => {
  test("positions from 1 in UTF-16 units, ends exclusive, on one line each", () => {
    const { source, spans } = example("# 🦊 «a»\n«b:\n  c»: 1\n");
    const lines = renderJson(source, [duplicate(spans[1], spans[0]), duplicate(spans[0], spans[0])]).split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("");
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      code: "yaml-duplicate-key",
      severity: "error",
      message: 'the key "id" stands twice in one mapping; only one value can count',
      file: "topology.yaml",
      line: 2,
      column: 1,
      endLine: 3,
      endColumn: 4,
      hint: "delete one of the two, or rename it",
      related: [
        { message: "the first one is here", file: "topology.yaml", line: 1, column: 6, endLine: 1, endColumn: 7 },
      ],
    });
  });

  test("none is nothing", () => {
    expect(renderJson({ name: "topology.yaml", text: "" }, [])).toBe("");
  });
});
