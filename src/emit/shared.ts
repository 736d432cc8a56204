import type { EmitContext } from "./context.ts";
import { encode, render, type View } from "./template.ts";

const printed = new WeakMap<EmitContext, Map<string, Uint8Array>>();

/** A template with what to print through it; `key` sets apart the texts of one template. */
export interface Print {
  readonly template: string;
  readonly key: string;
  readonly view: View;
}

/**
 * Text that stands in many files, printed once per compilation: a memo, as a view gives the same text each time.
 * The bytes are shared: never write into them.
 */
export function printOnce(context: EmitContext, { template, key, view }: Print): Uint8Array {
  const texts = printed.get(context) ?? new Map<string, Uint8Array>();
  printed.set(context, texts);
  const name = `${template} ${key}`;
  const text = texts.get(name) ?? encode(render(template, view));
  texts.set(name, text);
  return text;
}
