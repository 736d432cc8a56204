/** Where one more entry of a YAML mapping or list goes, and how its neighbours are laid out. */
import { isMap, isSeq, type Node, type Pair, parseDocument, type YAMLMap, type YAMLSeq } from "yaml";
import { columnOf, lineEndAt, nextLine, type Splice } from "./splice.ts";

export type Collection = YAMLMap.Parsed | YAMLSeq.Parsed;
type Entry = Pair<Node, Node | null> | Node | null;

/** The nodes of a text without mistakes of syntax, by the rules that netgen reads it by. */
export function readNodes(text: string): Node | null {
  const options = { version: "1.2", schema: "core", resolveKnownTags: false, uniqueKeys: false } as const;
  return parseDocument(text, { ...options, keepSourceTokens: true }).contents;
}

/** A member of a mapping; `undefined` when there is none, or no mapping. */
export function memberOf(node: Node | null | undefined, name: string): Pair<Node, Node | null> | undefined {
  if (!isMap(node)) return undefined;
  return (node as YAMLMap<Node, Node | null>).items.find(({ key }) => String(key) === name);
}

export const isFlow = (collection: Collection): boolean => collection.srcToken?.type === "flow-collection";

const entriesOf = (collection: Collection): readonly Entry[] => collection.items as readonly Entry[];

const isPair = (entry: Entry): entry is Pair<Node, Node | null> => entry !== null && "key" in entry;

/** Where an entry begins: at its key, if it has one. */
function startOf(entry: Entry): number {
  const node = isPair(entry) ? entry.key : entry;
  return node?.range?.[0] ?? 0;
}

/** Where the text of an entry ends; a block collection by itself also counts the blank lines and comments after it. */
function endOf(entry: Entry): number {
  if (entry === null) return 0;
  if (isPair(entry)) return endOf(entry.value ?? entry.key);
  const isBlock = (isMap(entry) || isSeq(entry)) && !isFlow(entry as Collection);
  const last = isBlock ? entriesOf(entry as Collection).at(-1) : undefined;
  return last === undefined ? (entry.range?.[1] ?? 0) : endOf(last);
}

/** How many columns the entries of a block collection are indented. */
export function indentOf({ srcToken }: Collection): number {
  return srcToken !== undefined && "indent" in srcToken ? srcToken.indent : 0;
}

/** Past a comment that is indented further than the entries: it belongs to the last of them. */
function afterComments(text: string, start: number, indent: number): number {
  let end = start;
  for (let at = start; at < text.length; at = nextLine(text, at + 1)) {
    const line = text.slice(at, nextLine(text, at + 1));
    const column = line.search(/\S/);
    if (column === -1) continue;
    if (line[column] !== "#" || column <= indent) break;
    end = at + line.length;
  }
  return end;
}

/** True where the last two entries have an empty line between them. */
function isSpaced(text: string, collection: Collection): boolean {
  const [before, last] = entriesOf(collection).slice(-2);
  if (before === undefined || last === undefined) return false;
  return /\n[ \t]*\r?\n/.test(text.slice(endOf(before), startOf(last)));
}

/** Lines at a place where a line begins, or at the end of a text whose last line has no end. */
export function insertLines(text: string, offset: number, lines: readonly string[]): Splice {
  const end = lineEndAt(text, offset);
  const isOpen = offset > 0 && text[offset - 1] !== "\n";
  const inserted = isOpen ? lines.map((line) => end + line) : lines.map((line) => line + end);
  return { start: offset, end: offset, text: inserted.join("") };
}

/** One more entry at the end of a block collection, its lines not yet indented. */
export function appendBlock(text: string, collection: Collection, lines: readonly string[]): Splice {
  const indent = indentOf(collection);
  const last = entriesOf(collection).at(-1) ?? null;
  const offset = afterComments(text, nextLine(text, endOf(last)), indent);
  const indented = lines.map((line) => " ".repeat(indent) + line);
  return insertLines(text, offset, isSpaced(text, collection) ? ["", ...indented] : indented);
}

/** Where the comma after the last entry of a flow collection stands, if there is one. */
function trailingComma({ srcToken }: Collection): number | undefined {
  if (srcToken?.type !== "flow-collection") return undefined;
  const last = srcToken.items.at(-1);
  if (last === undefined || last.key || last.value) return undefined;
  return last.start.find((token) => token.type === "comma")?.offset;
}

/** The line break and indentation before each entry of a flow collection; `undefined` where they share a line. */
export function breakOf(text: string, collection: Collection): string | undefined {
  const [first] = entriesOf(collection);
  const opening = collection.range?.[0] ?? 0;
  if (first === undefined || !text.slice(opening, startOf(first)).includes("\n")) return undefined;
  return lineEndAt(text, startOf(first)) + " ".repeat(columnOf(text, startOf(first)));
}

/** One more entry at the end of a flow collection. */
export function appendFlow(text: string, collection: Collection, entry: string): readonly Splice[] {
  const [opening, closing] = collection.range ?? [0, 0];
  const insert = (offset: number, inserted: string): Splice => ({ start: offset, end: offset, text: inserted });
  const last = entriesOf(collection).at(-1);
  if (last === undefined) return [insert(opening + 1, entry)];
  const comma = trailingComma(collection);
  const before = breakOf(text, collection);
  const end = comma === undefined ? endOf(last) : comma + 1;
  const line = /^[^\r\n]*/.exec(text.slice(end, closing))?.[0] ?? "";
  // Past a comment on the line of the last entry, unless the bracket stands there too.
  const place = before === undefined || end + line.length === closing ? end : end + line.length;
  const added = `${before ?? " "}${entry}`;
  if (comma !== undefined) return [insert(place, `${added},`)];
  return [insert(end, ","), insert(place, added)];
}
