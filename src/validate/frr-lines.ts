/**
 * What a line of the user's may say in each block of FRR's configuration. FRR carries out a line that the block does not know,
 * but one around it does, by leaving the block: all that follows in the file is then somewhere else. So a line begins with a
 * form that its block knows, in FRR 8.4 and in 10.3, far enough that no block around it takes what this one refuses. Forms
 * that open a block of their own are left out, and those of daemons that do not run.
 */
import { listInWords } from "../base/text.ts";

/** A block that lines can be written for; in a VRF some of them are the VRF's. */
export type FrrBlock = "global" | "bgp" | "ipv4" | "ipv6" | "evpn" | "routeMap" | "vrf";

/** Words of a form that take more than themselves: any word, a number, a prefix of one family. */
const WILDCARDS: Readonly<Record<string, { readonly takes: RegExp; readonly says: string }>> = {
  "*": { takes: /./, says: "a name or an address" },
  "#": { takes: /^\d+$/, says: "a number" },
  "4": { takes: /^[\d.]+\/\d+$/, says: "an IPv4 prefix" },
  "6": { takes: /^[\dA-Fa-f.]*:[\dA-Fa-f:.]*\/\d+$/, says: "an IPv6 prefix" },
};

/** Words, each its choices; written as in `bgp session-dscp|update-delay`. */
type Form = readonly (readonly string[])[];
const parsed = (texts: readonly string[]): readonly Form[] =>
  texts.map((text) => text.split(" ").map((word) => word.split("|")));

/** Of both families. */
const unicast = (family: "4" | "6"): readonly string[] => [
  `network ${family}`,
  `aggregate-address ${family}`,
  "neighbor * activate|addpath-tx-all-paths|addpath-tx-bestpath-per-AS|advertise-map|allowas-in|as-override",
  "neighbor * attribute-unchanged|default-originate|disable-addpath-rx|distribute-list|filter-list|maximum-prefix",
  "neighbor * maximum-prefix-out|next-hop-self|prefix-list|remove-private-AS|route-map|route-reflector-client",
  "neighbor * route-server-client|send-community|soft-reconfiguration|soo|unsuppress-map|weight",
  "neighbor * capability orf",
  "redistribute connected|kernel|static",
  "maximum-paths",
  "table-map",
  "distance bgp",
  `distance # ${family}`,
  "bgp dampening",
  "import vrf|vpn",
  "export vpn",
  "rd vpn",
  "rt|route-target vpn",
  "label vpn",
  "nexthop vpn",
  "route-map vpn import|export",
];

/** FRR numbers what has no number by its order, which is not kept where Proxmox merges the file. */
const NUMBERED = "seq # permit|deny";

export const FRR_FORMS: Readonly<Record<FrrBlock, readonly Form[]>> = {
  global: parsed([
    ...["ip prefix-list", "ipv6 prefix-list"].flatMap((list) => [`${list} * ${NUMBERED}`, `${list} * description`]),
    ...["access-list", "ipv6 access-list", "mac access-list"].flatMap((list) => [
      `${list} * ${NUMBERED}`,
      `${list} * remark`,
    ]),
    `bgp as-path access-list * ${NUMBERED}`,
    `bgp community-list|extcommunity-list|large-community-list standard|expanded * ${NUMBERED}`,
    "bgp community alias",
    "bgp session-dscp|suppress-fib-pending|update-delay",
    "ip route|protocol|nht|import-table",
    "ipv6 route|protocol|nht",
    "zebra nexthop-group|route-map",
  ]),
  bgp: parsed([
    "bgp allow-martian-nexthop|always-compare-med|bestpath|client-to-client|cluster-id|conditional-advertisement",
    "bgp confederation|dampening|default|deterministic-med|disable-ebgp-connected-route-check|ebgp-requires-policy",
    "bgp fast-convergence|fast-external-failover|graceful-restart|graceful-restart-disable|graceful-shutdown",
    "bgp hard-administrative-reset|listen|log-neighbor-changes|long-lived-graceful-restart|max-med|minimum-holdtime",
    "bgp network|reject-as-sets|route-map|route-reflector|router-id|shutdown|suppress-duplicates|suppress-fib-pending",
    "neighbor",
    "timers",
    "coalesce-time",
    "read-quanta",
    "write-quanta",
    "update-delay",
    "maximum-paths",
  ]),
  ipv4: parsed(unicast("4")),
  ipv6: parsed([...unicast("6"), "neighbor * nexthop-local"]),
  evpn: parsed([
    "neighbor * activate|allowas-in|attribute-unchanged|next-hop-self|route-map|route-reflector-client",
    "neighbor * route-server-client|soft-reconfiguration|soo",
    "advertise ipv4|ipv6",
    "advertise-all-vni",
    "advertise-default-gw",
    "advertise-pip",
    "advertise-svi-ip",
    "autort",
    "default-originate",
    "dup-addr-detection",
    "flooding",
    "rd *",
    "route-target",
  ]),
  routeMap: parsed(["match", "set", "call", "on-match", "continue", "description"]),
  vrf: parsed(["ip route|protocol|nht", "ipv6 route|protocol|nht"]),
};

/** How FRR calls each block. */
const BLOCK_NAMES: Readonly<Record<FrrBlock, string>> = {
  global: "the top level",
  bgp: "router bgp",
  ipv4: "address-family ipv4 unicast",
  ipv6: "address-family ipv6 unicast",
  evpn: "address-family l2vpn evpn",
  routeMap: "a route-map",
  vrf: "vrf",
};

const takes = (choices: readonly string[], word: string): boolean =>
  choices.some((choice) => WILDCARDS[choice]?.takes.test(word) ?? choice === word);

/** How many words of a form the line has, from its begin. */
function matched(form: Form, words: readonly string[]): number {
  const wrong = form.findIndex((choices, index) => !takes(choices, words[index] ?? ""));
  return wrong < 0 ? form.length : wrong;
}

const sayChoice = (choice: string): string => WILDCARDS[choice]?.says ?? choice;

/** What may stand where a line stops being one of the block's, and how many words come before that. */
function legalNext(words: readonly string[], block: FrrBlock) {
  const forms = FRR_FORMS[block];
  const known = Math.max(...forms.map((form) => matched(form, words)));
  const nearest = forms.filter((form) => matched(form, words) === known);
  const isWhole = nearest.some((form) => form.length === known);
  return { isWhole, known, next: [...new Set(nearest.flatMap((form) => form[known] ?? []))] };
}

const ALL_BLOCKS = Object.keys(FRR_FORMS) as readonly FrrBlock[];
/** The keys of `extra.frr` for lines of each block. */
const KEYS: Readonly<Record<FrrBlock, string>> = {
  global: "global",
  bgp: "bgp",
  ipv4: "ipv4",
  ipv6: "ipv6",
  evpn: "evpn",
  routeMap: "routeMaps",
  vrf: "vrfs.NAME.vrf",
};

/** The keys of other blocks that take such a line; `router bgp` takes any neighbour's, so it counts where it is the only one. */
function keysElsewhere(words: readonly string[]): readonly string[] {
  const blocks = ALL_BLOCKS.filter((block) => legalNext(words, block).isWhole);
  const others = blocks.filter((block) => block !== "bgp");
  return (others.length > 0 ? others : blocks).map((block) => KEYS[block]);
}

function formReason(words: readonly string[], block: FrrBlock): string | undefined {
  const { isWhole, known, next } = legalNext(words, block);
  if (isWhole) return undefined;
  const word = words[known] ?? "";
  const full = next.filter((choice) => word !== "" && choice.startsWith(word));
  if (full.length > 0) return `"${word}" is cut short: FRR would guess, so write ${listInWords(full, "or")}`;
  const elsewhere = keysElsewhere(words);
  const wrong = `"${words.slice(0, known + 1).join(" ")}" is no command of ${BLOCK_NAMES[block]}`;
  if (elsewhere.length > 0) return `${wrong}; such a line stands under ${listInWords(elsewhere, "or")}`;
  const choices = next.map(sayChoice).join(", ");
  if (known === 0) return `it must begin with ${choices}, or "no" and one of them`;
  return `${wrong}, where "${words.slice(0, known).join(" ")}" is followed by ${choices}`;
}

/**
 * The reason why a line is refused in a block, or `undefined`. It is one of the block's as far as its form says; FRR itself
 * judges the rest, and where that is wrong leaves out the line alone.
 */
export function frrReason(line: string, block: FrrBlock): string | undefined {
  const all = line.split(" ").filter((word) => word !== "");
  // FRR takes each word by as much of it as is plain: "passw" is enough.
  if (all.some((word) => word.startsWith("passw"))) return "a password is a secret, and a topology holds none";
  const words = all[0] === "no" ? all.slice(1) : all;
  const reason = formReason(words, block);
  if (reason !== undefined) return reason;
  // "!" and "#" begin a comment, "|" a filter, "?" asks for help. Within a word "|" is one of a regular expression's.
  if (/[!#?]/.test(line)) return "it must be without ! # and ?";
  if (/(?:^|\s)\||\|(?:\s|$)/.test(line)) return 'a "|" with a blank beside it begins a filter';
  // Proxmox's reader of merged files looks for it everywhere.
  if (line.includes("address-family")) return 'it must be without "address-family", which begins a block of its own';
  // At the top level a route may name its VRF, in a VRF's block it may not; any part of the word is enough.
  const namesVrf = block === "vrf" && words.slice(2).some((word) => word !== "" && "vrf".startsWith(word));
  return namesVrf ? 'it must be without "vrf": it stands in the block of one' : undefined;
}
