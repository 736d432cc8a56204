/** Text that stands in many files is printed once per compilation, and its bytes are shared: never write into them. */
import { must } from "../base/invariant.ts";
import { onceByKey } from "../base/once.ts";
import type { EmitContext } from "./context.ts";
import { joined } from "./file.ts";
import { encode, render, type View } from "./template.ts";

/** A template with what to print through it. */
export interface Print {
  readonly template: string;
  readonly view: View;
}

const printed = onceByKey<EmitContext, Uint8Array>();

/** What a view prints: equal views share their bytes, so that what many hosts have alike is printed once for all. */
export function print(context: EmitContext, { template, view }: Print): Uint8Array {
  return printed(context, `${template} ${JSON.stringify(view)}`, () =>
    encode(render(template, { ...view, fleet: context.fleet })),
  );
}

/** Texts one after the other in one piece of memory, each found by its id. */
export interface Strip {
  readonly bytes: Uint8Array;
  readonly places: ReadonlyMap<string, { readonly start: number; readonly end: number }>;
}

/** Lays texts out in the order given. */
export function layOut(texts: readonly (readonly [id: string, text: string])[]): Strip {
  const places = new Map<string, { start: number; end: number }>();
  let start = 0;
  const chunks = texts.map(([id, text]) => {
    const chunk = encode(text);
    places.set(id, { start, end: start + chunk.length });
    start += chunk.length;
    return chunk;
  });
  return { bytes: joined(chunks), places };
}

/** The texts of these ids, in their order, in as few pieces as the strip has them in: neighbours there are one piece. */
export function piecesOf({ bytes, places }: Strip, ids: readonly string[]): readonly Uint8Array[] {
  if (bytes.length === 0) return [];
  const pieces: Uint8Array[] = [];
  let [from, to] = [0, 0];
  const cut = (): void => {
    if (from < to) pieces.push(bytes.subarray(from, to));
  };
  for (const id of ids) {
    const { start, end } = must(places.get(id), "every text that is asked for was laid out");
    if (start !== to) {
      cut();
      from = start;
    }
    to = end;
  }
  cut();
  return pieces;
}
