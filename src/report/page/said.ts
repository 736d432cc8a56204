/** Warnings and notes in the page, each with its place in the topology. */
import type { Diagnostic } from "../../base/diagnostic.ts";
import { grouped } from "../../base/grouped.ts";
import { type Located, locateAll } from "../../base/render.ts";
import type { Source, Span } from "../../base/source.ts";
import type { Host } from "../../model/host.ts";
import { type Markup, markup } from "../markup.ts";

/** One of them, as an item of a list. */
export function diagnosticItem({ severity, code, message, hint, file, line, column, related }: Located): Markup {
  return markup`<li class="${severity}"><b>${severity}</b> <code>${code}</code> <small>${file}:${line}:${column}</small><br>${message}${related.map(
    (other) => markup`<br><small>${other.file}:${other.line}:${other.column}: ${other.message}</small>`,
  )}<br><span class="hint">${hint}</span></li>
`;
}

/** Where a host stands in the text: from its name to the end of the last thing said of it. */
function extentOf({ origin }: Host): Span | undefined {
  const spans = Object.values(origin);
  const [first] = spans;
  return (
    first &&
    spans.reduce(
      ({ start, end }, span) => ({ start: Math.min(start, span.start), end: Math.max(end, span.end) }),
      first,
    )
  );
}

export interface Said {
  readonly all: readonly Located[];
  /** Those within what was written of a host, by its name. */
  readonly ofHosts: ReadonlyMap<string, readonly Located[]>;
}

/** All that is said of a topology, and which of it of which host. */
export function said(source: Source, diagnostics: readonly Diagnostic[], hosts: readonly Host[]): Said {
  const all = locateAll(source, diagnostics);
  const extents = hosts
    .flatMap((host) => {
      const extent = extentOf(host);
      return extent === undefined ? [] : [{ host: host.name, ...extent }];
    })
    .sort((a, b) => a.start - b.start);
  const hostAt = ({ start }: Span): string | undefined =>
    extents.find((extent) => extent.start <= start && start < extent.end)?.host;
  const placed = diagnostics.flatMap(({ span }, index) => {
    const host = hostAt(span);
    const located = all[index];
    return host === undefined || located === undefined ? [] : [{ host, located }];
  });
  const ofHosts = grouped(placed, ({ host }) => host);
  return { all, ofHosts: new Map([...ofHosts].map(([host, list]) => [host, list.map(({ located }) => located)])) };
}
