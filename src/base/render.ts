import type { Code } from "./catalogue.ts";
import { type Diagnostic, printable, type Severity } from "./diagnostic.ts";
import { grouped } from "./grouped.ts";
import { maskKeys } from "./key.ts";
import { type LineStarts, lineStarts, positionAt, type Source, type Span } from "./source.ts";

/** How a severity or a caret is set off on a terminal; identity where there are no colours. */
export type Paint = (text: string, role: Severity | "frame") => string;

const plain: Paint = (text) => text;

/** A span as people and editors count: from 1, columns in UTF-16 code units, the end exclusive. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

function locate(source: Source, starts: LineStarts, span: Span): Location {
  const start = positionAt(starts, span.start);
  const end = positionAt(starts, span.end);
  return { file: source.name, line: start.line, column: start.column, endLine: end.line, endColumn: end.column };
}

/** The lines of a text, which are looked for once. */
function createStarts(): (text: Source) => LineStarts {
  const known = new Map<Source, LineStarts>();
  return (text) => {
    const starts = known.get(text) ?? lineStarts(text.text);
    known.set(text, starts);
    return starts;
  };
}

const MAX_EXCERPT_LENGTH = 160;

/** The line that a span begins on, and a caret line as long as the span on it. */
function excerpt(source: Source, starts: LineStarts, span: Span, paint: Paint): readonly string[] {
  const { line, column } = positionAt(starts, span.start);
  const lineStart = starts[line - 1] as number;
  const lineEnd = starts[line] ?? source.text.length;
  // Before anything reads it: a file of one line may have as many mistakes as words.
  if (lineEnd - lineStart > MAX_EXCERPT_LENGTH) return [];
  // A private key that was put where it does not belong must not end up in a log as well.
  const text = maskKeys(source.text.slice(lineStart, lineEnd).replace(/[\r\n]+$/, ""));
  const length = Math.max(1, Math.min(span.end - span.start, text.length - column + 1));
  const gutter = String(line);
  const before = printable(text.slice(0, column - 1).replaceAll("\t", " "));
  const marked = printable(text.slice(column - 1, column - 1 + length).replaceAll("\t", " "));
  const after = printable(text.slice(column - 1 + length).replaceAll("\t", " "));
  return [
    `${paint(`  ${gutter} |`, "frame")} ${before}${marked}${after}`,
    `${paint(`  ${" ".repeat(gutter.length)} |`, "frame")} ${" ".repeat(before.length)}${paint("^".repeat(Math.max(1, marked.length)), "frame")}`,
  ];
}

/** Of one code; what all hosts have wrong has one cause, and who reads that has seen it long before. */
const MAX_ALIKE = 20;

/**
 * Diagnostics as text for people: place, code, message, the line with a caret, related places, the hint. Of one code twenty,
 * and how many more there are; as JSON each.
 */
export function renderText(source: Source, diagnostics: readonly Diagnostic[], paint: Paint = plain): string {
  const startsOf = createStarts();
  const place = (span: Span, text = source): string => {
    const { file, line, column } = locate(text, startsOf(text), span);
    return `${printable(file)}:${line}:${column}`;
  };
  const crowds = [...grouped(diagnostics, ({ code }) => code).values()].filter((all) => all.length > MAX_ALIKE);
  const unsaid = new Set(crowds.flatMap((all) => all.slice(MAX_ALIKE)));
  const more = new Map(crowds.map((all) => [all[MAX_ALIKE - 1], `and ${all.length - MAX_ALIKE} more like this: `]));
  const head = ({ severity, code }: Diagnostic): string => paint(`${severity}[${code}]`, severity);
  const shown = diagnostics.filter((each) => !unsaid.has(each));
  const lines = shown.flatMap((each) => [
    `${place(each.span)}: ${head(each)}: ${each.message}`,
    ...excerpt(source, startsOf(source), each.span, paint),
    ...each.related.flatMap(({ message, span, source: text = source }) => [
      `  ${place(span, text)}: ${message}`,
      ...excerpt(text, startsOf(text), span, paint),
    ]),
    `  ${paint("hint:", "note")} ${each.hint}`,
    "",
    ...(more.has(each) ? [`${more.get(each)}${head(each)}`, ""] : []),
  ]);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** A diagnostic with its places as people and editors count, for programs to read; docs/commands.md lists the fields. */
export interface Located extends Location {
  readonly code: Code;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  readonly related: readonly (Location & { readonly message: string })[];
}

/** Each diagnostic with its places; `nameOf`: what a file is called, which is by its name unless said otherwise. */
export function locateAll(
  source: Source,
  diagnostics: readonly Diagnostic[],
  nameOf: (file: string) => string = (file) => file,
): readonly Located[] {
  const startsOf = createStarts();
  const place = (span: Span, text = source): Location => {
    const location = locate(text, startsOf(text), span);
    return { ...location, file: nameOf(location.file) };
  };
  return diagnostics.map(({ code, severity, message, span, hint, related }) => ({
    code,
    severity,
    message,
    ...place(span),
    hint,
    related: related.map((each) => ({ message: each.message, ...place(each.span, each.source) })),
  }));
}

/** Diagnostics as JSON, one object a line. */
export function renderJson(source: Source, diagnostics: readonly Diagnostic[]): string {
  return locateAll(source, diagnostics)
    .map((each) => `${JSON.stringify(each)}\n`)
    .join("");
}
