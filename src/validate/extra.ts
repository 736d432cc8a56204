/** Raw lines of the user's: each must be one line that stays inside its block, whatever it does there. */
import { diagnostic } from "../base/diagnostic.ts";
import { isWireguardKey, keysIn } from "../base/key.ts";
import { sortedBy } from "../base/text.ts";
import type { Extra } from "../model/host.ts";
import { entries, keySpan, member, members, type Node, type Reader, refuse, report, textAt } from "./reader.ts";

/** The reason why a line is refused, or `undefined`. */
type Rule = (line: string) => string | undefined;

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

/** What may begin a line: commands of `router bgp` that open no block of their own. */
const FRR_COMMANDS = [
  "bgp",
  "neighbor",
  "timers",
  "coalesce-time",
  "read-quanta",
  "write-quanta",
  "update-delay",
  "maximum-paths",
];

/**
 * What may follow "bgp": the words that FRR 8.4 knows inside the block. Another, such as community-list or update-delay, is a
 * command of the top level: FRR leaves the block to carry it out, and all that follows in the file is no longer inside.
 */
const BGP_WORDS = new Set([
  "allow-martian-nexthop",
  "always-compare-med",
  "bestpath",
  "client-to-client",
  "cluster-id",
  "conditional-advertisement",
  "confederation",
  "dampening",
  "default",
  "deterministic-med",
  "disable-ebgp-connected-route-check",
  "ebgp-requires-policy",
  "fast-convergence",
  "fast-external-failover",
  "graceful-restart",
  "graceful-restart-disable",
  "graceful-shutdown",
  "hard-administrative-reset",
  "listen",
  "log-neighbor-changes",
  "long-lived-graceful-restart",
  "max-med",
  "minimum-holdtime",
  "network",
  "reject-as-sets",
  "route-map",
  "route-reflector",
  "router-id",
  "shutdown",
  "suppress-duplicates",
  "suppress-fib-pending",
]);

const frrRule: Rule = (line) => {
  const words = line.split(" ").filter((word) => word !== "");
  const [command = "", second = ""] = words[0] === "no" ? words.slice(1) : words;
  if (!FRR_COMMANDS.includes(command)) return `it must begin with ${FRR_COMMANDS.join(", ")}, or "no" and one of them`;
  // "!" and "#" begin a comment, "|" a filter, "?" asks for help.
  if (/[!#|?]/.test(line)) return "it must be without ! # | and ?";
  if (command === "bgp" && !BGP_WORDS.has(second)) return `"bgp ${second}" is no command of router bgp`;
  // FRR takes each word by as much of it as is plain: "passw" is enough.
  const isPassword = words.some((word) => word.startsWith("passw"));
  return isPassword ? "a password is a secret, and a topology holds none" : undefined;
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

/** A key, but for one behind the word that wg(8) expects a public key after. */
const holdsSecret = (line: string): boolean =>
  keysIn(line.replace(/\bpeer\s+\S+/g, "")).some(({ key }) => isWireguardKey(key));

function reasonAgainst(line: string, rule: Rule): string | undefined {
  if (line === "") return "it is empty";
  return holdsSecret(line) ? "a key is a secret, and a topology holds none" : rule(line);
}

function linesAt(reader: Reader, list: Node, rule: Rule): readonly string[] {
  return entries(list).flatMap((node) => {
    const line = textAt(reader, node);
    if (line === undefined) return [];
    const reason = reasonAgainst(line.trim(), rule);
    if (reason === undefined) return [line.trim()];
    refuse(reader, node, { reason });
    return [];
  });
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

/** A second line of what is said once, and where the first is. */
interface Twice {
  readonly key: string;
  readonly what: string;
  readonly node: Node;
  readonly first: Node;
}

function reportTwice(reader: Reader, { key, what, node, first }: Twice): void {
  const related = [{ message: "it is set here as well", span: keySpan(reader, first.pointer) }];
  const params = { value: key, reason: `${what} is set twice` };
  report(reader, node.pointer, diagnostic("extra-refused", params, keySpan(reader, node.pointer), related));
}

/** The kinds of lines that are given; a kind that is absent is `undefined`, so that a default can stand in for it. */
export type ExtraInput = { readonly [Kind in keyof Extra]: Extra[Kind] | undefined };

/** The lines of `extra`, trimmed. */
export function extraAt(reader: Reader, extra: Node): ExtraInput {
  const given = <T>(kind: keyof Extra, read: (node: Node) => T): T | undefined => {
    const node = member(extra, kind);
    return node.value === undefined ? undefined : read(node);
  };
  return {
    wireguard: given("wireguard", (node) => wireguardAt(reader, node)),
    frr: given("frr", (node) => linesAt(reader, node, frrRule)),
    nftables: given("nftables", (node) => linesAt(reader, node, nftablesRule)),
    sysctl: given("sysctl", (node) => sysctlAt(reader, node)),
  };
}
