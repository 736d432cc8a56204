import type { Span } from "../base/source.ts";

/** A value and where it was written. */
export interface Located<T> {
  readonly value: T;
  readonly span: Span;
}
