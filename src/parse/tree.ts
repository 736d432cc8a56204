import type { Span } from "../base/source.ts";

/** Where a value and, in a mapping, its key stand. */
export interface Spans {
  readonly key: Span;
  readonly value: Span;
}

/** Looks up a place by JSON pointer (RFC 6901); every node of the value has one. The root's key span is its value's. */
export type SpanOf = (pointer: string) => Spans;

/** A YAML text as plain JSON-like data, with the place of every node. */
export interface ParsedYaml {
  readonly value: unknown;
  readonly spanOf: SpanOf;
}
