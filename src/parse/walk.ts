/** One walk over a composed document: the plain value, the place of every node, and the checks that need both. */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { type Diagnostic, diagnostic, type Result } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import type { Span } from "../base/source.ts";
import { MAX_REPORTED_PLACES, refusedCharacters } from "./characters.ts";
import type { ParsedYaml, Spans } from "./tree.ts";

/** Levels of lists and mappings; the deepest part of the language has 8, and every later pass recurses. */
export const MAX_DEPTH = 64;

/** Values that may come into being by aliases; a topology of 10,000 hosts has fewer in all. */
export const MAX_ALIASED_VALUES = 100_000;

export function tooDeep(offset: number): Diagnostic {
  return diagnostic("yaml-too-deep", { limit: MAX_DEPTH }, { start: offset, end: offset + 1 });
}

interface Walk {
  readonly text: string;
  readonly spans: Map<string, Spans>;
  readonly diagnostics: Diagnostic[];
  /** The last node so far under each anchor: YAML lets an anchor be given again. */
  readonly anchors: Map<string, Node>;
  /** What each alias stood for when the walk first came by. */
  readonly targets: Map<Alias, Node>;
  /** Nodes that the walk is inside of: an alias of one of them has no end. */
  readonly open: Set<Node>;
  depth: number;
  aliasDepth: number;
  /** Where the outermost alias that the walk is inside of is written. */
  aliasSpan: Span | undefined;
  aliasedValues: number;
  /** There is a value to go on with. */
  isUsable: boolean;
}

/** Where a node is: its pointer, its key's place, and the place to name if it is empty and has none of its own. */
interface Place {
  readonly pointer: string;
  readonly key: Span | undefined;
  readonly empty: Span;
}

/** The plain value of a document and the place of each of its nodes. Mappings have no prototype, so any key is safe. */
export function walk(root: Node | null, text: string): Result<ParsedYaml | undefined> {
  const state: Walk = {
    text,
    spans: new Map(),
    diagnostics: [],
    anchors: new Map(),
    targets: new Map(),
    open: new Set(),
    depth: 0,
    aliasDepth: 0,
    aliasSpan: undefined,
    aliasedValues: 0,
    isUsable: true,
  };
  const end = { start: text.length, end: text.length };
  const value = readNode(state, root, { pointer: "", key: undefined, empty: end });
  const spanOf = (pointer: string): Spans => must(state.spans.get(pointer), `the YAML has a node "${pointer}"`);
  return { value: state.isUsable ? { value, spanOf } : undefined, diagnostics: state.diagnostics };
}

function readNode(state: Walk, node: Node | null, place: Place): unknown {
  const span = spanOfNode(state, node) ?? place.empty;
  // A value inside an alias has its own place, in the anchor's text; the alias itself stands where it is written.
  state.spans.set(place.pointer, { key: place.key ?? span, value: span });
  if (state.aliasDepth > 0 && !isAlias(node)) state.aliasedValues += 1;
  if (node === null || !state.isUsable) return null;
  if (isAlias(node)) return readAlias(state, node, place);
  if (state.aliasDepth === 0 && node.anchor) state.anchors.set(node.anchor, node);
  if (isScalar(node)) return readScalar(state, node, span);
  if (state.depth === MAX_DEPTH) return fail(state, tooDeep((state.aliasSpan ?? span).start));
  state.depth += 1;
  state.open.add(node);
  const value = isSeq(node) ? readList(state, node, place) : isMap(node) ? readMapping(state, node, place) : null;
  state.open.delete(node);
  state.depth -= 1;
  return value;
}

/** Reports a mistake; inside an alias it has been reported before, where it is written. */
function report(state: Walk, problem: Diagnostic): void {
  if (state.aliasDepth === 0 && state.diagnostics.length < MAX_REPORTED_PLACES) state.diagnostics.push(problem);
}

/** Reports what leaves no value to go on with. */
function fail(state: Walk, problem: Diagnostic): null {
  state.diagnostics.push(problem);
  state.isUsable = false;
  return null;
}

/** From the node's first character to its last; the library counts trailing line ends to a collection. */
function spanOfNode({ text }: Walk, node: Node | null): Span | undefined {
  if (!node?.range) return undefined;
  const [start, valueEnd] = node.range;
  let end = valueEnd;
  while (end > start && /\s/.test(text[end - 1] as string)) end -= 1;
  return { start, end };
}

function readAlias(state: Walk, node: Alias, place: Place): unknown {
  const span = spanOfNode(state, node) ?? place.empty;
  const target = state.targets.get(node) ?? state.anchors.get(node.source);
  if (target === undefined) {
    const problem = `no anchor &${node.source} stands before this alias`;
    return fail(state, diagnostic("yaml-syntax", { problem }, span));
  }
  if (state.open.has(target)) return fail(state, diagnostic("yaml-alias-cycle", { alias: node.source }, span));
  if (state.aliasedValues > MAX_ALIASED_VALUES) {
    return fail(state, diagnostic("yaml-alias-bomb", { limit: MAX_ALIASED_VALUES }, state.aliasSpan ?? span));
  }
  state.targets.set(node, target);
  if (state.aliasDepth === 0) state.aliasSpan = span;
  state.aliasDepth += 1;
  const value = readNode(state, target, place);
  state.aliasDepth -= 1;
  if (state.aliasDepth === 0) state.aliasSpan = undefined;
  state.spans.set(place.pointer, { key: place.key ?? span, value: span });
  return value;
}

function readScalar(state: Walk, { value, type }: Scalar, span: Span): unknown {
  // Only an escape can still bring in a character that the text as a whole was searched for.
  if (type === "QUOTE_DOUBLE" && typeof value === "string") {
    for (const { character } of refusedCharacters(value).slice(0, 1)) {
      report(state, diagnostic("source-control-character", { character }, span));
    }
  }
  return value;
}

function readList(state: Walk, node: YAMLSeq, { pointer, empty }: Place): readonly unknown[] {
  return node.items.map((item, index) =>
    readNode(state, item as Node | null, { pointer: `${pointer}/${index}`, key: undefined, empty }),
  );
}

function readMapping(state: Walk, node: YAMLMap, { pointer, empty }: Place): Readonly<Record<string, unknown>> {
  const value: Record<string, unknown> = Object.create(null);
  for (const pair of node.items) {
    const keyNode = pair.key as Node | null;
    const key = spanOfNode(state, keyNode) ?? empty;
    const name = readKey(state, keyNode, key);
    const child = `${pointer}/${escapePointer(name ?? "")}`;
    const first = name === undefined ? undefined : state.spans.get(child);
    // "~" before anything but 0 and 1 is in no pointer: what has no place of its own is read for its mistakes only.
    const isKept = name !== undefined && first === undefined;
    if (first !== undefined) report(state, duplicate(name ?? "", key, first.key));
    const place = { pointer: isKept ? child : `${child}~`, key, empty: { start: key.end, end: key.end } };
    const item = readNode(state, pair.value as Node | null, place);
    if (isKept) value[name] = item;
  }
  return value;
}

function duplicate(key: string, span: Span, first: Span): Diagnostic {
  return diagnostic("yaml-duplicate-key", { key }, span, [{ message: "the first one is here", span: first }]);
}

/** A key as it was written: `10:` is "10". */
function readKey(state: Walk, node: Node | null, span: Span): string | undefined {
  if (isScalar(node) && node.value !== null) {
    if (state.aliasDepth === 0 && node.anchor) state.anchors.set(node.anchor, node);
    const text = readScalar(state, node, span);
    return typeof text === "string" ? text : (node.source ?? String(text));
  }
  const kind = isMap(node) ? "mapping" : isSeq(node) ? "list" : isAlias(node) ? "reference" : "null";
  report(state, diagnostic("yaml-key-not-text", { kind }, span));
  return undefined;
}

/** RFC 6901 §3. */
function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
