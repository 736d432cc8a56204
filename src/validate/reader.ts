/** A topology being read: the plain tree, what is wrong with it so far, and ways to take values that are in order. */
import type { Diagnostic } from "../base/diagnostic.ts";
import type { Span } from "../base/source.ts";
import type { Origin } from "../model/origin.ts";
import { refusedCharacters } from "../parse/characters.ts";
import type { ParsedYaml } from "../parse/tree.ts";
import { malformed, type Refusal } from "./malformed.ts";
import { below, isMapping, placeAt } from "./place.ts";

export interface Reader {
  readonly tree: ParsedYaml;
  readonly found: Diagnostic[];
  /** Pointers of the values with a mistake: nothing more is said about them. */
  readonly broken: Set<string>;
}

export interface Node {
  readonly pointer: string;
  readonly value: unknown;
}

export function report(reader: Reader, pointer: string, problem: Diagnostic): void {
  reader.broken.add(pointer);
  reader.found.push(problem);
}

/**
 * Reports a text that is not what its place asks for. A text with a character that may not stand in a topology at all has
 * been reported by the parser.
 */
export function refuse(reader: Reader, { pointer, value }: Node, refusal: Refusal = {}): void {
  reader.broken.add(pointer);
  if (typeof value === "string" && refusedCharacters(value).length > 0) return;
  const problem = malformed(placeAt(reader.tree.value, pointer), valueSpan(reader, pointer), refusal);
  reader.found.push(problem);
}

export const keySpan = (reader: Reader, pointer: string): Span => reader.tree.spanOf(pointer).key;
export const valueSpan = (reader: Reader, pointer: string): Span => reader.tree.spanOf(pointer).value;

export const rootOf = (reader: Reader): Node => ({ pointer: "", value: reader.tree.value });

/** The member of a mapping; without a value when there is none. */
export function member({ pointer, value }: Node, key: string): Node {
  const isThere = isMapping(value) && Object.hasOwn(value, key);
  return { pointer: below(pointer, key), value: isThere ? value[key] : undefined };
}

/** The members of a mapping by name, in the order of the file; nothing when it is none. */
export function members({ pointer, value }: Node): readonly (readonly [string, Node])[] {
  if (!isMapping(value)) return [];
  return Object.entries(value).map(([key, each]) => [key, { pointer: below(pointer, key), value: each }] as const);
}

/** The entries of a list; a single value that may stand for a list of one is one; nothing for what is absent. */
export function entries({ pointer, value }: Node): readonly Node[] {
  if (Array.isArray(value)) return value.map((each, index) => ({ pointer: below(pointer, index), value: each }));
  return value === undefined || value === null || isMapping(value) ? [] : [{ pointer, value }];
}

/** A text without a mistake; `undefined` when it is absent, or has been reported. */
export function textAt(reader: Reader, { pointer, value }: Node): string | undefined {
  return typeof value === "string" && !reader.broken.has(pointer) ? value : undefined;
}

export function numberAt(reader: Reader, { pointer, value }: Node): number | undefined {
  return typeof value === "number" && !reader.broken.has(pointer) ? value : undefined;
}

export function truthAt({ value }: Node): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

/** One of the values that the schema allows there. */
export function choiceAt<const T extends string | number>(node: Node, choices: readonly T[]): T | undefined {
  return choices.find((choice) => choice === node.value);
}

/** The start of the file, for what is said about the whole of it: its text is too long to be shown. */
export function startOfFile(reader: Reader): Span {
  const { start } = valueSpan(reader, "");
  return { start, end: start };
}

/** The places of an entry's fields, all levels down, and its key's as `""`. */
export function originOf(reader: Reader, entry: Node): Origin {
  const origin: Record<string, Span> = { "": keySpan(reader, entry.pointer) };
  const visit = (node: Node): void => {
    const inner = Array.isArray(node.value) ? entries(node) : members(node).map(([, each]) => each);
    for (const each of inner) {
      origin[each.pointer.slice(entry.pointer.length + 1)] = valueSpan(reader, each.pointer);
      visit(each);
    }
  };
  visit(entry);
  return origin;
}
