/** Rulesets in the real nft: `nft -c` accepts what the kernel refuses, so each is really loaded, in a namespace. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { emitNftables } from "../../src/emit/nftables.ts";
import { goldenFiles, goldenTrees } from "./golden-trees.ts";
import {
  aBridge,
  address,
  aHost,
  aNetwork,
  aTunnel,
  aVxlan,
  EVPN,
  emitted,
  isEquipped,
  mtu,
  NO_EXTRA,
  prefix,
  run,
  SPEAKER,
  scratch,
} from "./nft-helpers.ts";

const RULESET = "etc/netgen/netgen.nft";
const UNIT = "etc/systemd/system/netgen-nftables.service";
const WATCH = "etc/netgen/nft-watch";
/** What keeps them loaded. */
const KEPT = [
  WATCH,
  "etc/systemd/system/nftables.service.d/10-netgen.conf",
  "etc/systemd/system/netgen-nftables-watch.service",
  "etc/systemd/system/netgen-nftables-watch.timer",
];

const { directory, write, remove } = scratch();
afterAll(remove);

/** Runs a line of shell in a network namespace of its own, which ends with it. */
const inNamespace = (script: string, ...args: readonly string[]) =>
  run("unshare", ["-rn", "sh", "-euc", script, "sh", ...args]);

const listed = (file: string) => inNamespace('nft -f "$1" && nft list ruleset', file);

const forwarding = (forward: readonly string[]) => ({ ...NO_EXTRA, nftables: { ...NO_EXTRA.nftables, forward } });

/** A host with every part of a ruleset. */
const everything = aNetwork(
  [
    aHost("alpha", {
      uplink: "eth0",
      interfaces: [aTunnel("wg0"), aTunnel("wg1")],
      vtep: address("10.250.0.1"),
      bridges: [
        aBridge("br-vms", { mtu: mtu(1370) }),
        aBridge("br-lan"),
        aBridge("vmbr1", { isExisting: true, mtu: mtu(1370) }),
      ],
      vxlans: [aVxlan("vx100"), aVxlan("vx300", { bridge: "vmbr1" }), aVxlan("vx200", { mtu: mtu(1350) })],
      forwards: { ipv4: true, ipv6: true },
      snat: [
        { prefix: prefix("10.1.1.0/24"), to: undefined, uplink: "eth0" },
        { prefix: prefix("fd01:1::/64"), to: undefined, uplink: "eth0" },
      ],
      bgp: SPEAKER,
      extra: forwarding(['iifname "eth9" counter drop']),
    }),
    aHost("beta", { vtep: address("10.250.0.2") }),
    aHost("gamma", { vtep: address("fd00:250::3") }),
  ],
  { bgp: EVPN, guardAllowFrom: ["198.51.100.7/32", "198.51.100.0/24", "2001:db8::7/128"].map(prefix) },
);

const EXTRA = "etc/netgen/extra.nft";
const ruleset = (network = everything): string => emitted(emitNftables, network).get(RULESET) ?? "";

describe("what the emitter writes", () => {
  test("every part of the ruleset", () => {
    const text = ruleset();
    for (const line of [
      'iifname { "wg0", "wg1", "br-vms", "vmbr1" } tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu',
      'oifname { "wg0", "wg1", "br-vms", "vmbr1" } tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu',
      'iifname { "wg0", "wg1" } ip saddr @vteps4 return',
      'iifname { "wg0", "wg1" } ip6 saddr @vteps6 return',
      "udp dport 4789 jump guard",
      "tcp dport 179 jump guard",
      "udp dport { 3784, 3785, 4784 } jump guard",
      "ip6 daddr @pools6 tcp dport 179 counter drop",
      'ip saddr 10.1.1.0/24 oifname "eth0" masquerade',
      'ip6 saddr fd01:1::/64 oifname "eth0" masquerade',
      'oifname { "vx100", "vx300" } meta protocol ip tcp flags & (syn | rst) == syn tcp option maxseg size set 1330',
      'iifname "vx200" meta protocol ip6 tcp flags & (syn | rst) == syn tcp option maxseg size set 1290',
    ]) {
      expect(text).toContain(`    ${line}\n`);
    }
    expect(text).toMatch(/[^\n]\n$/);
    expect(text).not.toContain("flush ruleset");
    expect(text).not.toMatch(/\n\n\n|[ \t]\n/);
  });

  test("lines of the user's stand in a file of their own, with a unit of its own", () => {
    const files = emitted(emitNftables, aNetwork([aHost("alpha", { extra: forwarding(["counter"]) })]));
    expect([...files.keys()]).toEqual([EXTRA, "etc/systemd/system/netgen-nftables-extra.service", ...KEPT]);
    expect(files.get(EXTRA)).toContain("    counter\n");
    expect(ruleset()).not.toContain("eth9");
  });

  test("only what a host needs", () => {
    expect(emitted(emitNftables, aNetwork([aHost("alpha")])).size).toBe(0);
    const router = aNetwork([aHost("alpha", { forwards: { ipv4: true, ipv6: false } })]);
    expect([...emitted(emitNftables, router).keys()]).toEqual([RULESET, UNIT, ...KEPT]);
    expect(ruleset(router)).not.toMatch(/guard|chain transit|bridge netgen \{|masquerade/);
  });

  test("a router that is neither VTEP nor speaker still keeps its guests from the others' ports", () => {
    const router = aHost("alpha", { forwards: { ipv4: true, ipv6: false } });
    const text = ruleset(aNetwork([router, aHost("beta", { vxlans: [aVxlan("vx100")] })]));
    expect(text).toContain("    ip daddr @pools4 udp dport 4789 counter drop\n");
    expect(text).not.toMatch(/chain input|pools6|tcp dport 179/);
  });

  test("BFD only where it is on", () => {
    const alpha = aHost("alpha", { bgp: { ...SPEAKER, bfd: { kind: "none" } }, vtep: address("10.250.0.1") });
    expect(ruleset(aNetwork([alpha], { bgp: { ...EVPN, bfd: { kind: "none" } } }))).not.toContain("3784");
  });
});

describe.skipIf(!isEquipped("nft", "unshare"))("nft", () => {
  test("loads every part, twice, and leaves other tables alone", () => {
    const file = write("everything.nft", ruleset());
    const script = `
      nft 'add table inet foreign; add chain inet foreign keep; add rule inet foreign keep counter'
      nft -f "$1"; nft list ruleset >"$1.once"
      nft -f "$1"; nft list ruleset >"$1.twice"
      cmp "$1.once" "$1.twice"; cat "$1.twice"`;
    const { status, output } = inNamespace(script, file);
    expect(output).toContain("table inet foreign {");
    for (const chain of ["guard", "input", "transit", "forward", "postrouting"])
      expect(output).toContain(`chain ${chain} {`);
    expect(output).toContain("table bridge netgen {");
    expect(status, output).toBe(0);
  });

  test("a table that is no longer needed goes", () => {
    const more = write("more.nft", ruleset());
    const less = write("less.nft", ruleset(aNetwork([aHost("alpha", { forwards: { ipv4: true, ipv6: false } })])));
    const { status, output } = inNamespace('nft -f "$1"; nft -f "$2"; nft list ruleset', more, less);
    expect(status, output).toBe(0);
    expect(output).toContain("chain forward {");
    expect(output).not.toMatch(/table bridge|chain guard/);
  });

  test("the unit's ExecStop takes both tables away, loaded or not", () => {
    const unit = emitted(emitNftables, everything).get(UNIT) ?? "";
    const command = /^ExecStop=\/usr\/sbin\/nft "(.*)"$/m.exec(unit)?.[1] ?? "";
    const file = write("stop.nft", ruleset());
    const script = `nft 'add table ip foreign'; nft "$2"; nft -f "$1"; nft "$2"; nft list tables`;
    expect(inNamespace(script, file, command)).toEqual({ status: 0, output: "table ip foreign\n" });
  });

  test("refuses a broken ruleset: rt mtu in a bridge table, which nft -c lets pass", () => {
    const broken = write("broken.nft", ruleset().replace("maxseg size set 1330", "maxseg size set rt mtu"));
    expect(listed(broken).status).not.toBe(0);
  });

  test("a word of extra.nftables that nft refuses takes nothing of the ruleset with it", () => {
    const alpha = { ...aHost("alpha"), ...everything.hosts[0] };
    const words = (lines: readonly string[]) =>
      emitted(emitNftables, aNetwork([{ ...alpha, extra: forwarding(lines) }], { bgp: EVPN }));
    const files = words(["bogus words", 'iifname "eth9" counter drop']);
    const script = 'exec 2>&1; nft -f "$1"; nft -f "$2" && echo taken; nft list tables';
    const { output } = inNamespace(
      script,
      write("own.nft", files.get(RULESET) ?? ""),
      write("bad.nft", files.get(EXTRA) ?? ""),
    );
    expect(output).toContain("bogus words");
    expect(output).toMatch(/table inet netgen\ntable bridge netgen\n$/);
    expect(output).not.toContain("taken");

    const good = write("good.nft", words(['iifname "eth9" counter drop']).get(EXTRA) ?? "");
    expect(inNamespace('nft -f "$1"; nft -f "$1"; nft list ruleset', good).output).toMatch(
      /^table inet netgen-extra \{\n\tchain forward \{\n.*\n\t\tiifname "eth9" counter .* drop\n/,
    );
  });

  test("what nftables.service flushes and its drop-in loads again is no matter for nft-watch, what stays away is", () => {
    const files = emitted(emitNftables, everything);
    const rules = write("netgen.nft", files.get(RULESET) ?? "");
    const watch = write("nft-watch", (files.get(WATCH) ?? "").replaceAll("/etc/netgen/", `${directory}/`));
    // Of the two units the first is active.
    write("systemctl", '#!/bin/sh\n[ "$3" = netgen-nftables.service ]\n');
    const script = `
      chmod 755 "$2" "$3/systemctl"; export PATH="$3:$PATH"
      { sleep 2; nft -f "$1"; } & "$2"; wait; echo flushed
      nft flush ruleset; "$2"; nft list tables`;
    expect(inNamespace(script, rules, watch, directory)).toEqual({
      status: 0,
      output: `flushed\n<4>The rules of netgen-nftables.service were flushed or changed by somebody else, and are loaded again from ${rules}.\ntable inet netgen\ntable bridge netgen\n`,
    });
  });

  const goldens = [RULESET, EXTRA].flatMap(goldenFiles);
  test("there are golden rulesets of both kinds", () => {
    expect(goldenFiles(RULESET).length).toBeGreaterThan(0);
    expect(goldenFiles(EXTRA).length).toBeGreaterThan(0);
  });

  test.each(goldens)("loads $name twice", ({ file }) => {
    const script = `
      nft 'add table inet foreign'
      nft -f "$1"; nft -f "$1"; nft list ruleset`;
    const { status, output } = inNamespace(script, file);
    expect(status, output).toBe(0);
    expect(output).toContain("table inet foreign {");
    const chains = [...readFileSync(file, "utf8").matchAll(/^ {2}(chain \w+) \{$/gm)].map((match) => match[1]);
    expect(chains.length).toBeGreaterThan(0);
    for (const chain of chains) expect(output).toContain(`${chain} {`);
  });

  const trees = goldenTrees().filter(({ directory: tree }) => existsSync(join(tree, RULESET)));
  test.each(trees)("has as many rules in $name as its verify looks for", ({ directory: tree }) => {
    const script = 'nft -f "$1/etc/netgen/netgen.nft"; NETGEN_ROOT=$1 bash "$1/etc/netgen/verify" --quick || true';
    const { status, output } = inNamespace(script, tree);
    expect(status, output).toBe(0);
    const found = [...output.matchAll(/^(not ok|ok) \d+ - rules .*$/gm)];
    expect(found.length).toBeGreaterThan(0);
    expect(found.map(([line]) => line).filter((line) => line.startsWith("not"))).toEqual([]);
  });
});
