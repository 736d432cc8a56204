/** frr.conf as Proxmox merges it: what netgen's file says is all in it, by FRR's own comparison. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { contentOf } from "../../src/emit/file.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { forNow } from "../proofs.ts";
import { statements } from "./frr-box.ts";
import { isEquipped, succeed } from "./nft-helpers.ts";
import { MERGERS } from "./proxmox-frr.ts";
import { trixieTree } from "./trixie-tree.ts";

const RELOAD = "/usr/lib/frr/frr-reload.py";
const scratch = mkdtempSync(join(tmpdir(), "netgen-proxmox-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The files of a scenario whose hosts are all Proxmox's, by host; `edit`: of the scenario. */
function localFiles(name: string, edit = (text: string): string => text): ReadonlyMap<string, string> {
  const fixture = must(
    listFixtures().find((each) => each.name === name),
    `there is ${name}`,
  );
  const text = edit(sourceOf(fixture).text);
  const mine = text
    .replace(/^hostDefaults: \{/m, "$&platform: proxmox9, ")
    .replace(/^hostDefaults:\n/m, "$&  platform: proxmox9\n");
  const all = mine === text ? text.replace(/^hosts:$/m, "hostDefaults: {platform: proxmox9}\n$&") : mine;
  const files = compile({ name: "t.yaml", text: all }).files;
  const found = files.filter(({ path }) => path.endsWith("/etc/netgen/frr.conf.snippet"));
  return new Map(found.map((file) => [file.path.split("/")[0] ?? "", new TextDecoder().decode(contentOf(file))]));
}

/** Entries of route-maps as Proxmox numbers them. */
function numbered(text: string): string {
  const last = new Map<string, number>();
  return text.replaceAll(/^route-map (\S+) (permit|deny) \d+$/gm, (_, name: string, action: string) => {
    const number = (last.get(name) ?? 0) + 1;
    last.set(name, number);
    return `route-map ${name} ${action} ${number}`;
  });
}

function written(text: string): string {
  const path = join(mkdtempSync(join(scratch, "conf-")), "frr.conf");
  writeFileSync(path, text);
  return path;
}

/** What FRR would take away to come from one configuration to another. */
function removed(from: string, to: string): readonly string[] {
  const report = succeed(RELOAD, ["--test", "--stdout", "--input", written(from), written(to)]);
  return statements(/^Lines To Delete\n=+\n((?:(?!Lines To Add).*\n)*)/m.exec(report)?.[1] ?? "");
}

/** A host of each scenario. */
const FOR_EACH_CHANGE: ReadonlySet<string> = new Set([
  "vrfs/alpha",
  "two-hubs/gamma",
  "ebgp/fra1",
  "dual-stack/fra2",
  "extra/alpha",
]);

describe.runIf(isEquipped("vtysh", RELOAD))("frr.conf as Proxmox merges it", () => {
  // VRFs with exits, routes by BGP, autonomous systems, timers of BFD.
  const hosts = ["vrfs", "two-hubs", "ebgp", "dual-stack", "extra"].flatMap((name) =>
    [...localFiles(name)].map(([host, text]) => ({ name: `${name}/${host}`, text })),
  );

  test("there is a file of each kind", () => {
    const all = hosts.map(({ text }) => text).join("");
    for (const word of ["vrf blue", "profile tunnel", "large-community-list", "extcommunity-list", "ip protocol bgp"]) {
      expect(all).toContain(word);
    }
  });

  test.each([
    ["the longest", "{intervalMs: 60000, multiplier: 255}", "60000"],
    ["the shortest", "{intervalMs: 50, multiplier: 2}", "34"],
  ])("FRR knows the timers of BFD that follow from %s", (_, bfd, transmit) => {
    const texts = localFiles("dual-stack", (text) => text.replace(/bfd: \{.*\}/, `bfd: ${bfd}`));
    const text = must(texts.get("fra2"), "it is there");
    expect(text).toContain(`transmit-interval ${transmit}\n`);
    expect(succeed("vtysh", ["-C", "-f", written(text)])).toBe("");
  });

  const all = hosts.flatMap((host) => Object.keys(MERGERS).map((reader) => ({ ...host, reader })));
  const cases = forNow(all, ({ name }) => FOR_EACH_CHANGE.has(name), "merged files");
  test.each(cases)("$name, the reader: $reader", ({ text, reader }) => {
    const merged = must(MERGERS[reader], "it is there")(text);
    expect(succeed("vtysh", ["-C", "-f", written(merged)])).toBe("");
    expect(removed(numbered(text), merged)).toEqual([]);
  });

  const root = trixieTree();

  // Proxmox 9 has a later one than this machine.
  test.runIf(root !== undefined).each(cases)("$name, the reader: $reader, in FRR 10.3", ({ text, reader }) => {
    const path = written(must(MERGERS[reader], "it is there")(text));
    const script = 'mount --bind "$1" "$2/mnt"; exec chroot "$2" vtysh -C -f /mnt/frr.conf';
    expect(succeed("unshare", ["-m", "sh", "-euc", script, "sh", dirname(path), must(root, "it is there")])).toBe("");
  });
});
