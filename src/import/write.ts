/** A draft as the text of a topology. */
import { hideKeys } from "../base/disarmed.ts";
import { visible } from "../base/text.ts";
import { asYaml } from "../validate/words.ts";
import type { Block, Draft, Entry } from "./draft.ts";

/** Comments of other files stay comments, whatever stands in them. */
const commented = (comments: readonly string[], indent: string): string =>
  comments.map((comment) => `${`${indent}# ${visible(hideKeys(comment))}`.trimEnd()}\n`).join("");

const lineOf = ({ key, value, comments }: Entry, indent: string): string =>
  `${commented(comments, indent)}${indent}${key}: ${asYaml(value)}\n`;

const blockOf = ({ name, comments, entries }: Block, indent: string): string =>
  `${commented(comments, indent)}${indent}${asYaml(name)}:\n${entries.map((each) => lineOf(each, `${indent}  `)).join("")}`;

function mappingOf(key: string, blocks: readonly Block[]): string {
  return blocks.length === 0 ? "" : `\n${key}:\n${blocks.map((block) => blockOf(block, "  ")).join("")}`;
}

/** The text, with a head that says where it comes from. */
export function writeDraft({ sections, hostDefaults, hosts, subnets, vrfs }: Draft, head: readonly string[]): string {
  return (
    `${commented(head, "")}netgen: 1\nname: imported\n` +
    sections
      .filter(({ entries }) => entries.length > 0)
      .map((section) => `\n${blockOf(section, "")}`)
      .join("") +
    (hostDefaults.length === 0 ? "" : `\nhostDefaults:\n${hostDefaults.map((each) => lineOf(each, "  ")).join("")}`) +
    mappingOf("hosts", hosts) +
    mappingOf("subnets", subnets) +
    mappingOf("vrfs", vrfs)
  );
}
