import { must } from "../base/invariant.ts";
import type { Span } from "../base/source.ts";

/** Where an entry of the topology was written: path of a field below the entry (`""`: its key) → its span. */
export type Origin = Readonly<Record<string, Span>>;

/**
 * The span of a field of an entry, or of the nearest thing around it that was written: `gateway/0`, else `gateway`, else
 * the entry's key.
 * @throws InternalError when the entry itself has no span.
 */
export function originSpan(origin: Origin, field = ""): Span {
  let path = field;
  while (path !== "") {
    const span = origin[path];
    if (span !== undefined) return span;
    path = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  }
  return must(origin[""], "every entry of the model has a span");
}
