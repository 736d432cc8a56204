/** What nft is to show of the tables that are netgen's own: their chains, and how many rules each has. */
import { grouped } from "../base/grouped.ts";
import type { Host } from "../model/host.ts";
import type { EmitContext } from "./context.ts";
import { tableTexts } from "./nftables.ts";

/** A chain, of whichever sections its rules are. */
interface RuleChain {
  readonly name: string;
  /** How many rules it has: their words differ from what is written with the release of nft. */
  readonly rules: number;
}

/** A table, by its family and name such as `inet netgen`. */
interface RuleTable {
  readonly name: string;
  readonly chains: readonly RuleChain[];
}

const CHAIN = /^ {2}chain (\S+) \{\n([\s\S]*?)^ {2}\}$/gm;
const RULE = /^ {4}(?!type |#)\S/gm;

function chainsOf(texts: readonly Uint8Array[]): readonly RuleChain[] {
  const blocks = texts.flatMap((text) => [...new TextDecoder().decode(text).matchAll(CHAIN)]);
  return [...grouped(blocks, ([, name = ""]) => name)].map(([name, own]) => ({
    name,
    rules: own.flatMap(([, , body = ""]) => body.match(RULE) ?? []).length,
  }));
}

/** In the order of the file. */
export const ruleTables = (host: Host, context: EmitContext): readonly RuleTable[] =>
  [...tableTexts(host, context)].map(([family, texts]) => ({
    name: `${family} netgen${context.fleet}`,
    chains: chainsOf(texts),
  }));
