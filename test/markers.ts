/** Texts with marked places: `a: «b»` is the text `a: b` and the span of `b`. */
import type { Span } from "../src/base/source.ts";

export interface Marked {
  readonly text: string;
  /** In the order of their first marks; one may stand inside another. */
  readonly spans: readonly Span[];
}

export function marked(textWithMarks: string): Marked {
  const spans: { start: number; end: number }[] = [];
  const open: { start: number; end: number }[] = [];
  let text = "";
  for (const character of textWithMarks) {
    if (character === "«") {
      const span = { start: text.length, end: text.length };
      spans.push(span);
      open.push(span);
    } else if (character === "»") {
      const span = open.pop();
      if (span === undefined) throw new Error("a mark ends that did not begin");
      span.end = text.length;
    } else text += character;
  }
  if (open.length > 0) throw new Error("a mark does not end");
  return { text, spans };
}
