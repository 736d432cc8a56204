/**
 * What extra.frr takes for a block stays in it, in FRR 8.4 and in 10.3: every command that FRR lists in the block and around
 * it, whole, cut short and with a word too much.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { FRR_FORMS, type FrrBlock, frrReason } from "../../src/validate/frr-lines.ts";
import { ROOT } from "../built-package.ts";
import { compileText } from "../compile-text.ts";
import { commandsIn, type Fate, fatesOf, linesOf, type Place, readerIn } from "./frr-grammar.ts";
import { isEquipped } from "./nft-helpers.ts";
import { trixieTree } from "./trixie-tree.ts";

const FAMILY_END = "exit-address-family";
const PLACES: Readonly<Record<FrrBlock, Place>> = {
  // Where Proxmox merges the file, lines of no block stand in that of an interface, which must leave all of them alone.
  global: { way: ["interface lo"], sentinel: "description here" },
  bgp: { way: ["router bgp 1"], sentinel: "address-family l2vpn evpn" },
  ipv4: { way: ["router bgp 1", "address-family ipv4 unicast"], sentinel: FAMILY_END },
  ipv6: { way: ["router bgp 1", "address-family ipv6 unicast"], sentinel: FAMILY_END },
  evpn: { way: ["router bgp 1", "address-family l2vpn evpn"], sentinel: FAMILY_END },
  routeMap: { way: ["route-map X permit 10"], sentinel: "on-match next" },
  vrf: { way: ["vrf X"], sentinel: "exit-vrf" },
};
const BLOCKS = Object.keys(PLACES) as readonly FrrBlock[];
const SPOILT = ["", " NAME", " 10.0.0.0/8", " vrf red"];

const trixie = trixieTree();
const VERSIONS = [
  { version: "8.4", isThere: isEquipped("vtysh"), root: undefined },
  { version: "10.3", isThere: trixie !== undefined, root: trixie },
];

/** The line, and all that it begins with. */
function begins(line: string): readonly string[] {
  const words = line.replace(/^no /, "").split(" ");
  return words.map((_, index) => words.slice(0, index + 1).join(" "));
}

/** A form, once for each choice, as the words that a line begins with; a placeholder is any word. */
const wordings = (form: (typeof FRR_FORMS)["bgp"][number]): readonly RegExp[] =>
  form
    .reduce<readonly string[]>((all, choices) => all.flatMap((one) => choices.map((word) => `${one} ${word}`)), [""])
    .map((text) => new RegExp(`^${text.trim().replace(/[*#46](?= |$)/g, "\\S+")}( |$)`));

describe.each(VERSIONS.flatMap((each) => BLOCKS.map((block) => ({ ...each, block }))))(
  "FRR $version, $block",
  ({ isThere, root, block }) => {
    let fates: ReadonlyMap<string, Fate> = new Map();

    beforeAll(() => {
      if (!isThere) return;
      const read = readerIn(root);
      const { way } = PLACES[block];
      const around = way.map((_, index) => way.slice(0, index));
      const known = new Set(
        [way, ...around]
          .flatMap((each) => commandsIn(read, each))
          .flatMap(linesOf)
          .flatMap(begins),
      );
      const lines = [...known].flatMap((line) => SPOILT.flatMap((more) => [`${line}${more}`, `no ${line}${more}`]));
      const taken = lines.filter((line) => frrReason(line, block) === undefined);
      fates = fatesOf(read, PLACES[block], [...new Set(taken)]);
    }, 300_000);

    test.runIf(isThere)("a line that netgen takes stays in its block, also where FRR refuses it", () => {
      expect(fates.size).toBeGreaterThan(50);
      // Of no block: FRR has left the interface's.
      const astray = [...fates].filter(([, { isKnown, stays }]) => (block === "global" ? isKnown && stays : !stays));
      expect(astray.map(([line]) => line)).toEqual([]);
    });

    test.runIf(isThere)("FRR knows a line of each form", () => {
      const known = [...fates].filter(([, { isKnown }]) => isKnown).map(([line]) => line);
      const strange = FRR_FORMS[block]
        .flatMap(wordings)
        .filter((wording) => !known.some((line) => wording.test(line)))
        .map(String);
      // FRR knows it there, but does not list it.
      expect(strange).toEqual(block === "bgp" ? ["/^maximum-paths( |$)/"] : []);
    });
  },
);

describe.each(VERSIONS)("the example of language.md, FRR $version", ({ isThere, root }) => {
  test.runIf(isThere)("is a topology, and FRR knows every line", () => {
    const page = readFileSync(join(ROOT, "docs/language.md"), "utf8").split("## What the language cannot say")[1] ?? "";
    const [, example = ""] = /```yaml\nnetgen: 1\n([\s\S]*?)```/.exec(page) ?? [];
    const { diagnostics, files } = compileText(example);
    expect(diagnostics).toEqual([]);
    const file = must(
      files.find(({ path }) => path === "alpha/etc/frr/frr.conf"),
      "alpha speaks BGP",
    );
    const text = new TextDecoder().decode(contentOf(file));
    expect(text).toContain("  neighbor 192.0.2.9 prefix-list TO-TRANSIT out\n");
    expect(readerIn(root)(text)).toBe("");
  });
});

describe.each(VERSIONS)("FRR $version leaves the block", ({ isThere, root }) => {
  test.runIf(isThere).each<[FrrBlock, string]>([
    ["bgp", "bgp community-list standard OURS permit 65000:1"],
    ["bgp", "ip prefix-list A seq 5 permit 10.0.0.0/8"],
    ["ipv4", "neighbor 10.0.0.1 remote-as 65001"],
    ["ipv4", "neighbor 10.0.0.1 capability dynamic"],
    ["ipv4", "bgp router-id 10.0.0.1"],
    ["ipv4", "route-map vpn permit 10"],
    ["ipv6", "network 10.0.0.0/8"],
    ["ipv6", "distance 20 10.0.0.0/8"],
    ["evpn", "network 10.0.0.0/8 backdoor"],
    ["evpn", "neighbor 10.0.0.1 prefix-list A in"],
    ["routeMap", "router bgp 1"],
    ["routeMap", "ip prefix-list A seq 5 permit 10.0.0.0/8"],
    ["vrf", "ip route 10.0.0.0/8 10.0.0.1 vrf red"],
    ["vrf", "ip route 10.0.0.0/8 10.0.0.1 v red"],
    ["vrf", "ip prefix-list A seq 5 permit 10.0.0.0/8"],
  ])("%s: %s, which netgen refuses", (block, line) => {
    expect(fatesOf(readerIn(root), PLACES[block], [line]).get(line)?.stays).toBe(false);
    expect(frrReason(line, block)).toBeDefined();
  });
});
