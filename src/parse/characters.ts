/** What may stand in a topology at all: looked at before any of it is parsed. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";

/** 8 MiB: a topology of 10,000 hosts is a tenth of it, and no larger text can be a topology. */
export const MAX_SOURCE_BYTES = 8 * 1024 * 1024;

/** As many places of one kind of mistake as anyone will read; a binary file would give millions. */
export const MAX_REPORTED_PLACES = 20;

// Control characters but tab and line ends, format characters (bidi and zero-width ones among them), line and paragraph
// separators, halves of surrogate pairs, and the two noncharacters that YAML 1.2 §5.1 leaves out. A carriage return
// alone ends a line in YAML but not in most programs that show the file, so that it could hide one.
const REFUSED = /(?![\t\n])\p{Cc}(?<!\r(?=\n))|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]/gu;

/** As much of a file as tells in what form it was saved. */
const FORM_LENGTH = 64;

const BYTE_ORDER_MARK = "\uFEFF";

/** The first characters of a text that no topology may hold, as `U+202E`, with their places. */
export function refusedCharacters(text: string): readonly { readonly character: string; readonly offset: number }[] {
  const found = [];
  for (const match of text.matchAll(REFUSED)) {
    const codePoint = match[0].codePointAt(0) as number;
    found.push({ character: `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`, offset: match.index });
    if (found.length === MAX_REPORTED_PLACES) break;
  }
  return found;
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** What a text is that was saved in another form; `undefined`: it may be what it should. */
function otherForm(text: string): string | undefined {
  // Half of what is plain text in UTF-16 is NUL, read as UTF-8.
  const start = text.slice(0, FORM_LENGTH);
  if (start.split("\0").length - 1 > start.length / 3) return "text in UTF-16";
  return text.includes("\r") && !text.includes("\n") ? "text whose lines end in a carriage return alone" : undefined;
}

/** Refuses what is too large or holds characters that a reader would not see. */
export function checkCharacters({ text }: Source): readonly Diagnostic[] {
  // A UTF-16 code unit is 1 to 3 bytes of UTF-8.
  const bytes = text.length * 3 > MAX_SOURCE_BYTES ? utf8Bytes(text) : 0;
  if (bytes > MAX_SOURCE_BYTES) {
    return [diagnostic("source-too-large", { bytes, limit: MAX_SOURCE_BYTES }, { start: 0, end: 0 })];
  }
  const form = otherForm(text);
  if (form !== undefined) return [diagnostic("source-form", { form }, { start: 0, end: 0 })];
  // A byte order mark is one only at the very start; the blank keeps every offset what it is.
  const judged = text.startsWith(BYTE_ORDER_MARK) ? ` ${text.slice(1)}` : text;
  return refusedCharacters(judged).map(({ character, offset }) => {
    const length = String.fromCodePoint(judged.codePointAt(offset) as number).length;
    return diagnostic("source-control-character", { character }, { start: offset, end: offset + length });
  });
}
