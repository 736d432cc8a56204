/** FRR's prefix-lists, and its words for a family. */
import { addressBits, familyOf, type IpFamily, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import type { AcceptedPrefix } from "../model/bgp.ts";
import type { View } from "./template.ts";

/** How FRR calls an address family. */
export const nameOf = (family: IpFamily) => (family === 4 ? "ipv4" : "ipv6");

/** How FRR calls a family's commands. */
export const commandOf = (family: IpFamily): string => (family === 4 ? "ip" : "ipv6");

const SPACING = 5;

/** `ip prefix-list` lines of one family, in their order: the first entry that matches decides. */
export function entriesView(name: string, family: IpFamily, rules: readonly string[]): readonly View[] {
  const command = commandOf(family);
  return rules.map((rule, index) => ({ command, name, number: String((index + 1) * SPACING), rule }));
}

/** An entry of a prefix-list, without its place in it. */
export interface Rule {
  readonly prefix: IpPrefix;
  readonly words: string;
}

export const exactly = (prefix: IpPrefix): Rule => ({ prefix, words: `permit ${prefix}` });

/** A prefix with all that lies in it. */
export const withInside =
  (action: "permit" | "deny") =>
  (prefix: IpPrefix): Rule => {
    const longest = addressBits(familyOf(prefix));
    const inside = prefixLengthBits(prefix) < longest ? ` le ${longest}` : "";
    return { prefix, words: `${action} ${prefix}${inside}` };
  };

/** What somebody else's speaker may say. */
export const acceptedRules = (accepted: readonly AcceptedPrefix[]): readonly Rule[] =>
  accepted.map(({ prefix, hasMoreSpecifics }) => (hasMoreSpecifics ? withInside("permit")(prefix) : exactly(prefix)));

/** A list without an entry would permit all. */
export const wordsOf = (rules: readonly Rule[]): readonly string[] =>
  rules.length === 0 ? ["deny any"] : rules.map(({ words }) => words);

/**
 * The number of a community list's one entry, 1 to 4294967295. frr-reload.py adds what is new before it takes away what is
 * old; an entry of the same number has replaced the old one by then, taking that away fails, and with the reload FRR is stopped.
 * So another content has another number: its FNV-1a hash.
 */
export function entryNumber(content: string): string {
  let hash = 0x811c9dc5;
  for (const character of content) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return String(hash >>> 0 || 1);
}
