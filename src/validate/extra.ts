/** Raw lines of the user's: each must be one line that stays inside its block, whatever it does there. */
import { sortedBy } from "../base/text.ts";
import type { Extra, NftChain } from "../model/extra.ts";
import { type FrrLinesInput, frrLinesAt, NO_FRR_LINES } from "./extra-frr.ts";
import { linesAt, type Rule, reportTwice } from "./extra-lines.ts";
import { entries, member, members, type Node, type Reader, textAt } from "./reader.ts";

// Address, MTU, Table, SaveConfig, DNS and the keys are netgen's, or would make wg-quick rewrite or leave its file.
const WIREGUARD_LINE = /^(?:PreUp|PostUp|PreDown|PostDown|FwMark)\s*=\s*\S/i;

const FWMARK_LINE = /^FwMark\s*=\s*(.*)$/i;

/** What wg(8) reads: off, or 32 bits, decimal, or hexadecimal after a small x (wireguard-tools, src/config.c, parse_fwmark). */
const isFwMark = (text: string): boolean =>
  /^off$/i.test(text) || (/^(?:0x[0-9a-fA-F]+|\d+)$/.test(text) && Number(text) <= 0xffff_ffff);

const wireguardRule: Rule = (line) => {
  if (!WIREGUARD_LINE.test(line)) return 'it must begin with PreUp, PostUp, PreDown, PostDown or FwMark and a "="';
  const mark = FWMARK_LINE.exec(line)?.[1];
  if (mark !== undefined && !isFwMark(mark)) return "FwMark is off or a number of at most 32 bits, such as 0x1";
  // wg-quick cuts every line at "#" before it looks at it (wireguard-tools 1.0.20210914, parse_options).
  return line.includes("#") ? 'wg-quick takes "#" for the begin of a comment, also inside quotes' : undefined;
};

/** What may stand in a chain but is no rule, and what begins a block of its own. */
const NFTABLES_WORDS = new Set([
  "include",
  "define",
  "undefine",
  "redefine",
  "policy",
  "type",
  "flags",
  "devices",
  "comment",
  "table",
  "chain",
  "flush",
  "destroy",
]);

const nftablesRule: Rule = (line) => {
  if (/[;#\\$]/.test(line)) return "it must be without ; # $ and a backslash";
  const command = /^\s*([A-Za-z]*)/.exec(line)?.[1] ?? "";
  if (NFTABLES_WORDS.has(command.toLowerCase())) return `"${command}" begins no rule`;
  return areBracesClosed(line) ? undefined : "every brace and quote that it opens must be closed, and no other";
};

/** True when no brace closes what the line did not open, and all is closed at its end. Quotes hold no braces. */
function areBracesClosed(line: string): boolean {
  const unquoted = line.replace(/"[^"]*"/g, "");
  if (unquoted.includes('"')) return false;
  let depth = 0;
  for (const character of unquoted) {
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}

/** Of two marks wg(8) takes the last: one of them was not meant. */
function wireguardAt(reader: Reader, list: Node): readonly string[] {
  const lines = linesAt(reader, list, wireguardRule);
  const [first, ...others] = entries(list).filter((node) => FWMARK_LINE.test(textAt(reader, node)?.trim() ?? ""));
  for (const node of others) {
    reportTwice(reader, { node, first: first ?? node, key: String(node.value), what: "the mark" });
  }
  return lines;
}

/** By key, for stable output; but to forward or not resets other keys (inet_forward_change), so that comes first. */
const sysctlOrder = ({ key }: Extra["sysctl"][number]): string =>
  `${/(?:forwarding|ip_forward)$/.test(key) ? "first" : "then"} ${key}`;

function sysctlAt(reader: Reader, mapping: Node): Extra["sysctl"] {
  const seen = new Map<string, Node>();
  const settings = members(mapping).flatMap(([key, node]) => {
    if (reader.broken.has(node.pointer)) return [];
    const first = seen.get(canonical(key));
    seen.set(canonical(key), first ?? node);
    if (first !== undefined) reportTwice(reader, { key, node, first, what: "the same parameter" });
    return [{ key, value: String(node.value).trim() }];
  });
  return sortedBy(settings, sysctlOrder);
}

/** sysctl.d(5): the first separator decides; with "/" the two trade places. */
function canonical(key: string): string {
  const isSlashed = /[./]/.exec(key)?.[0] === "/";
  return isSlashed ? key.replace(/[./]/g, (separator) => (separator === "/" ? "." : "/")) : key;
}

const NO_RULES: Extra["nftables"] = {
  prerouting: [],
  input: [],
  forward: [],
  output: [],
  postrouting: [],
  dstnat: [],
  srcnat: [],
};

/** Those of the forward chain as a list, or lists by chain. */
function nftablesAt(reader: Reader, node: Node): Extra["nftables"] {
  const chain = (name: NftChain): Node => member(node, name);
  const linesOf = (list: Node) => linesAt(reader, list, nftablesRule);
  if (Array.isArray(node.value)) return { ...NO_RULES, forward: linesOf(node) };
  return {
    prerouting: linesOf(chain("prerouting")),
    input: linesOf(chain("input")),
    forward: linesOf(chain("forward")),
    output: linesOf(chain("output")),
    postrouting: linesOf(chain("postrouting")),
    dstnat: linesOf(chain("dstnat")),
    srcnat: linesOf(chain("srcnat")),
  };
}

/** The kinds of lines that are given; a kind that is absent is `undefined`, so that a default can stand in for it. */
export interface ExtraInput {
  readonly wireguard: Extra["wireguard"] | undefined;
  readonly frr: FrrLinesInput | undefined;
  readonly nftables: Extra["nftables"] | undefined;
  readonly sysctl: Extra["sysctl"] | undefined;
}

/** What a host has of which neither itself nor hostDefaults say anything. */
export const NO_LINES = { wireguard: [], frr: NO_FRR_LINES, nftables: NO_RULES, sysctl: [] } satisfies ExtraInput;

/** The lines of `extra`, trimmed. */
export function extraAt(reader: Reader, extra: Node): ExtraInput {
  const given = <T>(kind: keyof Extra, read: (reader: Reader, node: Node) => T): T | undefined => {
    const node = member(extra, kind);
    return node.value === undefined ? undefined : read(reader, node);
  };
  return {
    wireguard: given("wireguard", wireguardAt),
    frr: given("frr", frrLinesAt),
    nftables: given("nftables", nftablesAt),
    sysctl: given("sysctl", sysctlAt),
  };
}
