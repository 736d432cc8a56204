/** How a file writes its hosts, and a host written so. */
import { isMap, isScalar, type Node, type Pair, type Scalar, type YAMLMap } from "yaml";
import { isMapping } from "../validate/place.ts";
import { asYaml } from "../validate/words.ts";
import { breakOf, indentOf, isFlow, memberOf } from "./collection.ts";
import { columnOf, lineEndAt, lineStart } from "./splice.ts";

type Quote = Scalar["type"];
/** The values of a host by key, in the order of the file. */
export type Fields = Readonly<Record<string, unknown>>;

/** The hosts whose style is followed; `undefined` where there is none yet. */
export interface Company {
  readonly text: string;
  readonly hosts: YAMLMap.Parsed | undefined;
  /** Columns that a host's keys go in, where there is no host to go by. */
  readonly step: number;
}

interface Model extends Company {
  /** The last host with keys of its own. */
  readonly sibling: YAMLMap.Parsed | undefined;
}

type HostPair = Pair<Node, Node | null>;
const pairsOf = (map: YAMLMap.Parsed | undefined): readonly HostPair[] => (map?.items ?? []) as readonly HostPair[];

function modelOf(company: Company): Model {
  const { hosts } = company;
  const values = pairsOf(hosts).map(({ value }) => value);
  const maps = values.filter((value) => isMap(value) && value.items.length > 0);
  return { ...company, sibling: maps.at(-1) as YAMLMap.Parsed | undefined };
}

const quoteOf = (node: unknown): Quote => (isScalar(node) ? node.type : undefined);

/** How the values of a key are quoted: as in the last host that has it, else as the keys are. */
function quoteOfField({ hosts, sibling }: Model, key: string): Quote {
  const values = pairsOf(hosts).map(({ value }) => memberOf(value, key)?.value);
  const last = values.findLast((value) => isScalar(value) && typeof value.value === "string");
  return last === undefined ? quoteOf(pairsOf(sibling)[0]?.key) : quoteOf(last);
}

/** A value on one line, in the quotes given where that is possible, or in those that it needs. */
function written(value: unknown, quote: Quote): string {
  if (Array.isArray(value)) return `[${value.map((each) => written(each, quote)).join(", ")}]`;
  if (isMapping(value)) {
    const items = Object.entries(value).map(([key, each]) => `${asYaml(key)}: ${written(each, quote)}`);
    return `{${items.join(", ")}}`;
  }
  if (typeof value !== "string") return asYaml(value);
  if (quote === "QUOTE_DOUBLE") return JSON.stringify(value);
  // Nothing can be escaped in single quotes but the quote itself.
  if (quote === "QUOTE_SINGLE" && /^[ -~]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return asYaml(value);
}

function members(model: Model, fields: Fields): readonly string[] {
  const keyQuote = quoteOf(pairsOf(model.sibling)[0]?.key);
  return Object.entries(fields).map(
    ([key, value]) => `${written(key, keyQuote)}: ${written(value, quoteOfField(model, key))}`,
  );
}

/** `{id: 3, site: roz}`, with the blanks and line breaks of its sibling. */
function flowMap({ text, sibling }: Model, items: readonly string[]): string {
  if (sibling === undefined || !isFlow(sibling)) return `{${items.join(", ")}}`;
  const [opening, closing] = sibling.range;
  const before = breakOf(text, sibling);
  if (before === undefined) {
    const blank = text[opening + 1] === " " ? " " : "";
    return `{${blank}${items.join(", ")}${blank}}`;
  }
  const isAlone = text.slice(lineStart(text, closing - 1), closing - 1).trim() === "";
  const after = isAlone ? lineEndAt(text, closing - 1) + " ".repeat(columnOf(text, closing - 1)) : "";
  return `{${before}${items.join(`,${before}`)}${after}}`;
}

/** A name in the quotes of its neighbour. */
export function writeName(name: string, neighbour: unknown): string {
  return written(name, quoteOf(neighbour));
}

/** The host as lines, to stand among these hosts; in a flow mapping it is one. */
export function writeHost(company: Company, name: string, fields: Fields): readonly string[] {
  const model = modelOf(company);
  const { hosts, sibling } = model;
  const items = members(model, fields);
  const key = writeName(name, pairsOf(hosts).at(-1)?.key);
  const isOneLine = hosts !== undefined && isFlow(hosts);
  if (isOneLine || (sibling !== undefined && isFlow(sibling))) return [`${key}: ${flowMap(model, items)}`];
  const step = hosts === undefined || sibling === undefined ? model.step : indentOf(sibling) - indentOf(hosts);
  return [`${key}:`, ...items.map((item) => " ".repeat(step) + item)];
}
