/** Where a new host is written, among the hosts and in the lists of subnets. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";
import { appendBlock, appendFlow, type Collection, indentOf, insertLines, isFlow, memberOf } from "./collection.ts";
import { columnOf, nextLine, type Splice } from "./splice.ts";
import { type Fields, writeHost, writeName } from "./style.ts";

/** The changes that an edit takes, or why it cannot be made. */
export type Placed = { readonly splices: readonly Splice[] } | { readonly reason: string };

/** A text and the mapping that it is as a whole. */
export interface Parsed {
  readonly text: string;
  readonly root: Node | null;
}

function append(text: string, collection: Collection, lines: readonly string[]): readonly Splice[] {
  return isFlow(collection) ? appendFlow(text, collection, lines.join(" ")) : [appendBlock(text, collection, lines)];
}

const USUAL_STEP = 2;

/** How many columns the file's author goes in at each level, judged by the first mapping below the whole. */
function stepOf(root: Node | null): number {
  const pairs = isMap(root) ? (root as YAMLMap<Node, Node | null>).items : [];
  const inner = pairs.map(({ value }) => value).find((value) => isMap(value) && !isFlow(value as Collection));
  return inner === undefined ? USUAL_STEP : indentOf(inner as Collection) - indentOf(root as Collection);
}

/** The first host of all, below a key without a value, or in the place of `{}`. */
function placeFirst({ text, root }: Parsed, hosts: Pair<Node, Node | null>, lines: readonly string[]): Placed {
  const keyEnd = hosts.key.range?.[1] ?? 0;
  const [start, end] = isMap(hosts.value) && hosts.value.range ? hosts.value.range : [keyEnd, keyEnd];
  const blanks = /[ \t]*$/.exec(text.slice(0, start))?.[0].length ?? 0;
  const indent = columnOf(text, hosts.key.range?.[0] ?? 0) + stepOf(root);
  const indented = lines.map((line) => " ".repeat(indent) + line);
  const removed = { start: start - (end > start ? blanks : 0), end, text: "" };
  return { splices: [removed, insertLines(text, nextLine(text, end), indented)] };
}

/** A host at the end of all hosts. */
export function placeHost(parsed: Parsed, name: string, fields: Fields): Placed {
  const { text, root } = parsed;
  const pair = memberOf(root, "hosts");
  if (pair === undefined) return { reason: 'it has no "hosts:" to add to' };
  const { value } = pair;
  const step = stepOf(root);
  if (isAlias(value)) return { reason: 'its "hosts:" is an alias; hosts are added where its anchor stands, by hand' };
  if (!isFlow(root as Collection) && isEmpty(text, value)) {
    return placeFirst(parsed, pair, writeHost({ text, hosts: undefined, step }, name, fields));
  }
  if (!isMap(value)) return { reason: 'its "hosts:" is no mapping of names' };
  const hosts = value as unknown as YAMLMap.Parsed;
  return { splices: append(text, hosts, writeHost({ text, hosts, step }, name, fields)) };
}

/** Nothing, or braces with nothing in them, not even a comment. */
function isEmpty(text: string, value: Node | null): boolean {
  if (value === null || (isScalar(value) && value.value === null)) return true;
  const [start, end] = value.range ?? [0, 0];
  return /^\{\s*\}$/.test(text.slice(start, end));
}

/** A host at the end of the list of a subnet's hosts. */
export function placeMember({ text, root }: Parsed, subnet: string, name: string): Placed {
  const list = memberOf(memberOf(memberOf(root, "subnets")?.value, subnet)?.value, "hosts")?.value;
  if (!isSeq(list)) return { reason: `its subnet "${subnet}" has no list of hosts to add to` };
  const collection = list as unknown as Collection;
  const entry = writeName(name, list.items.at(-1));
  return { splices: append(text, collection, [isFlow(collection) ? entry : `- ${entry}`]) };
}
