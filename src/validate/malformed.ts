/** Texts that are not what they should be, each under the code that the schema gives its place. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { Place } from "./place.ts";
import { exampleFor, expectation } from "./words.ts";

/** What is known about the mistake beyond what the schema says. */
export interface Refusal {
  readonly expected?: string;
  /** A text that would do. */
  readonly example?: string;
  /** For lines of `extra`. */
  readonly reason?: string;
}

/** The diagnostic for a malformed value. */
export function malformed(place: Place, span: Span, refusal: Refusal = {}): Diagnostic {
  const { schema, words: where } = place;
  const value = String(place.value);
  const expected = refusal.expected ?? expectation(schema);
  const example = exampleFor(place, refusal.example);
  const code = schema["x-code"] ?? "text-malformed";
  switch (code) {
    case "name-malformed":
      return diagnostic(code, { value, what: schema["x-noun"] ?? "this" }, span);
    case "public-key-malformed":
      return diagnostic(code, { value, host: where.split(".").slice(1, -1).join(".") }, span);
    case "interface-name-malformed":
      return diagnostic(code, { where, value, example }, span);
    case "version-malformed":
      return diagnostic(code, { where, value, example }, span);
    case "extra-refused":
      return diagnostic(code, { value, reason: refusal.reason ?? `it must be ${expected}` }, span);
    case "address-malformed":
    case "prefix-malformed":
    case "endpoint-malformed":
    case "text-malformed":
      return diagnostic(code, { where, value, expected, example }, span);
    default:
      return code satisfies never;
  }
}

/** The diagnostic for a key that cannot be a name there. */
export function malformedKey(place: Place, key: string, span: Span): Diagnostic {
  const schema = place.schema.propertyNames ?? place.schema;
  return malformed({ words: `${place.words}.${key}`, key: undefined, value: key, schema }, span);
}
