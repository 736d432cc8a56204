import { type Code, catalogue, type ParamsOf } from "./catalogue.ts";
import { maskKeys } from "./key.ts";
import type { Source, Span } from "./source.ts";
import { compareText, visible } from "./text.ts";

export type Severity = "error" | "warning" | "note";

/** A second place that a diagnostic points at, with what is to be seen there. */
export interface Related {
  readonly message: string;
  readonly span: Span;
  /** The text that the span is in; left out: that of the diagnostic. */
  readonly source?: Source;
}

/** A user's mistake, or a word of advice, as data. */
export interface Diagnostic {
  readonly code: Code;
  readonly severity: Severity;
  /** One sentence: what is wrong, with the value and the legal range. */
  readonly message: string;
  /** One sentence: what to do. */
  readonly hint: string;
  readonly span: Span;
  readonly related: readonly Related[];
}

/** What a pass gives back: its result, and all that it has to say about its input. */
export interface Result<T> {
  readonly value: T;
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_QUOTED_LENGTH = 240;

/** Text from the topology as it may stand in a message: nothing invisible, and not endless. */
export function printable(text: string): string {
  const shown = visible(text);
  return shown.length > MAX_QUOTED_LENGTH ? `${shown.slice(0, MAX_QUOTED_LENGTH)}…` : shown;
}

function fill(template: string, params: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => printable(maskKeys(String(params[name]))));
}

/** The only way to make a {@link Diagnostic}: a code of the catalogue and the values that its text asks for. */
export function diagnostic<C extends Code>(
  code: C,
  params: ParamsOf<C>,
  span: Span,
  related: readonly Related[] = [],
): Diagnostic {
  const entry = catalogue[code];
  const message = fill(entry.message, params);
  const hint = fill(entry.hint, params);
  return { code, severity: entry.severity, message, hint, span, related };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((each) => each.severity === "error");
}

/** Sorted by place, then code, then text, for stable output; the same thing is said once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const sorted = [...diagnostics].sort(
    (a, b) =>
      a.span.start - b.span.start ||
      a.span.end - b.span.end ||
      compareText(a.code, b.code) ||
      compareText(a.message, b.message),
  );
  return sorted.filter((each, index) => {
    const previous = sorted[index - 1];
    return previous?.code !== each.code || previous.message !== each.message || previous.span.start !== each.span.start;
  });
}
