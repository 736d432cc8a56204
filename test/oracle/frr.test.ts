/** frr.conf and daemons in the real FRR: `vtysh -C` knows the grammar only, the daemons refuse what it lets pass. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { compile } from "../../src/compile.ts";
import { createContext } from "../../src/emit/context.ts";
import { contentOf } from "../../src/emit/file.ts";
import { emitFrr, frrUnits } from "../../src/emit/frr.ts";
import type { Host } from "../../src/model/host.ts";
import {
  blockStatements,
  commands,
  established,
  FLOOD,
  openMesh,
  reloadChanges,
  remoteVteps,
  startFrr,
  strayLines,
  USERS_LINES,
  vtysh,
} from "./frr-box.ts";
import { goldenFiles } from "./golden-trees.ts";
import { type Box, openBox, until } from "./netns.ts";
import { type Booted, link, settle, startNetworkd } from "./networkd-box.ts";
import { address, aHost, aNetwork, EVPN, emitted, isEquipped, run, SPEAKER } from "./nft-helpers.ts";

const CONFIGURATION = "etc/frr/frr.conf";
const SNIPPET = "etc/netgen/frr.conf.snippet";
const isReady = isEquipped(
  "vtysh",
  "/usr/lib/frr/frrinit.sh",
  "/usr/lib/frr/frr-reload.py",
  "ip",
  "unshare",
  "nsenter",
);

const scratch = mkdtempSync(join(tmpdir(), "netgen-frr-"));
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A box with the files of a tree, in which FRR runs; what its start script said. */
async function bootFrr(tree: string): Promise<{ readonly box: Box; readonly said: string }> {
  const box = await openBox(tree);
  boxes.push(box);
  return { box, said: startFrr(box) };
}

function treeOf(files: ReadonlyMap<string, string>): string {
  const tree = mkdtempSync(join(scratch, "tree-"));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  return tree;
}

const filesOf = (fields: Partial<Host>): ReadonlyMap<string, string> =>
  emitted(emitFrr, aNetwork([aHost("alpha", { bgp: SPEAKER, ...fields })], { bgp: EVPN }));

const neighbour = (index: number, isClient = false) => ({
  host: `host${index}`,
  address: address(`10.250.${index >> 8}.${index & 255}`),
  asn: SPEAKER.asn,
  isClient,
  vnis: undefined,
  targets: [],
});

/** What a complete frr.conf of the user's looks like around the snippet. */
function withSnippet(tree: string): string {
  const merged = mkdtempSync(join(scratch, "merged-"));
  cpSync(tree, merged, { recursive: true });
  mkdirSync(join(merged, "etc/frr"), { recursive: true });
  writeFileSync(join(merged, CONFIGURATION), `frr defaults datacenter\n${readFileSync(join(tree, SNIPPET), "utf8")}`);
  writeFileSync(join(merged, "etc/frr/daemons"), "bgpd=yes\nbfdd=yes\nvtysh_enable=yes\n");
  return merged;
}

const complete = goldenFiles(CONFIGURATION);
const treeOfFile = (file: string, path: string): string => file.slice(0, -path.length);

test("there are golden files of both kinds", () => {
  expect(complete.length).toBeGreaterThan(0);
  expect(goldenFiles(SNIPPET).length).toBeGreaterThan(0);
});

describe.runIf(isReady)("golden files", () => {
  test.each(complete)("$name: vtysh knows every line", ({ file }) => {
    expect(run("vtysh", ["-C", "-f", file])).toEqual({ status: 0, output: "" });
  });

  const loadable = [
    ...complete.map(({ name, file }) => ({ name, tree: () => treeOfFile(file, CONFIGURATION) })),
    ...goldenFiles(SNIPPET).map(({ name, file }) => ({ name, tree: () => withSnippet(treeOfFile(file, SNIPPET)) })),
  ];
  test.each(loadable)(
    "$name: the daemons run with every line, and a reload finds nothing to change",
    async ({ tree }) => {
      const directory = tree();
      const { box, said } = await bootFrr(directory);
      expect(said).not.toMatch(/line \d+|%|[Ff]ail/);

      const text = readFileSync(join(directory, CONFIGURATION), "utf8");
      const running = vtysh(box, "show running-config");
      // Where a block ends is said in several ways.
      const words = (conf: string) => blockStatements(conf, "router bgp", "bfd").filter((line) => line !== "exit");
      const mine = words(text);
      expect(mine.length).toBeGreaterThan(5);
      expect([...words(running)].sort()).toEqual([...mine].sort());
      expect(running).toContain("frr defaults datacenter");

      // The host's name is the machine's here, and what is on is not listed: see the test of forwarding.
      expect(
        reloadChanges(box).filter((line) => !/^(no )?hostname |^(ip|ipv6) forwarding$|^interface \S+$/.test(line)),
      ).toEqual([]);
    },
  );
});

describe.runIf(isReady)("daemons", () => {
  const pids = (box: Box) => box.shell("cd /run/frr; echo *.pid").trim().split(" ");

  test("only those run that are needed, and nothing but BGP listens beyond the host itself", async () => {
    const { box } = await bootFrr(
      treeOf(filesOf({ bgp: { ...SPEAKER, bfd: { kind: "none" }, neighbours: [neighbour(2)] } })),
    );
    expect(pids(box)).toEqual(["bgpd.pid", "staticd.pid", "watchfrr.pid", "zebra.pid"]);
    const listening = box
      .run("ss", "-Hltn")
      .split("\n")
      .map((line) => line.split(/\s+/)[3] ?? "");
    expect(listening.filter((local) => !local.startsWith("127.0.0.1:")).sort()).toEqual([
      "",
      "0.0.0.0:179",
      "[::]:179",
    ]);
  });

  test("a host with very many neighbours gets the file descriptors for them, others keep the default", async () => {
    const neighbours = Array.from({ length: 600 }, (_, index) => neighbour(index + 2));
    const { box } = await bootFrr(treeOf(filesOf({ bgp: { ...SPEAKER, neighbours } })));
    expect(box.shell("cat /proc/$(cat /run/frr/bgpd.pid)/limits")).toMatch(/Max open files +2048 +2048 /);
    expect(filesOf({ bgp: { ...SPEAKER, neighbours: neighbours.slice(0, 480) } }).get("etc/frr/daemons")).not.toContain(
      "MAX_FDS",
    );
  });

  const FORWARDING = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding";
  const reload = (box: Box): string => box.shell("/usr/lib/frr/frrinit.sh reload > /run/frr.log 2>&1 < /dev/null");

  test.each([
    { what: "needed", needed: true, before: 0, after: "1\n1\n" },
    { what: "not needed, and another program's", needed: false, before: 1, after: "1\n1\n" },
    { what: "not needed, and off", needed: false, before: 0, after: "0\n0\n" },
  ])("forwarding that is $what: so it is from the start, and after a reload", async ({ needed, before, after }) => {
    const box = await openBox(treeOf(filesOf({ forwards: { ipv4: needed, ipv6: needed } })));
    boxes.push(box);
    box.run("sysctl", "-qw", `net.ipv4.ip_forward=${before}`, `net.ipv6.conf.all.forwarding=${before}`);
    startFrr(box);
    expect(box.shell(FORWARDING)).toBe(after);
    reload(box);
    expect(box.shell(FORWARDING)).toBe(after);
  });

  test("a reload still brings what the file says, without an opinion on forwarding", async () => {
    const { box } = await bootFrr(treeOf(filesOf({})));
    box.shell(`sed -i 's/^hostname .*/ip forwarding/' /etc/frr/frr.conf`);
    reload(box);
    expect(box.shell(FORWARDING)).toBe("1\n0\n");
  });

  test("a daemon more is started by a reload, and those that run go on", async () => {
    const { box } = await bootFrr(treeOf(filesOf({ bgp: { ...SPEAKER, bfd: { kind: "none" } } })));
    const running = () => box.shell("cd /run/frr; tail -n 1 bgpd.pid staticd.pid zebra.pid");
    const before = running();
    expect(pids(box)).not.toContain("bfdd.pid");
    const watched = filesOf({ bgp: SPEAKER });
    for (const name of ["daemons", "frr.conf"]) {
      box.shell(`cat > /etc/frr/${name} << 'END'\n${watched.get(`etc/frr/${name}`)}END`);
    }
    reload(box);
    expect(pids(box)).toContain("bfdd.pid");
    expect(running()).toBe(before);
    // A daemon that has just begun goes by the machine's name, which on a host is that of the file.
    expect(reloadChanges(box).filter((line) => !/^(no )?hostname /.test(line))).toEqual([]);
  });

  test("FRR's own script alone would turn forwarding on", async () => {
    const { box } = await bootFrr(treeOf(filesOf({})));
    box.run("/usr/lib/frr/frr-reload.py", "--reload", "--stdout", "/etc/frr/frr.conf");
    expect(box.shell("cat /proc/sys/net/ipv4/ip_forward")).toBe("1\n");
  });
});

describe.runIf(isReady)("extra.frr", () => {
  /** The words that may follow "bgp" at a place of FRR's grammar, as it lists its commands there. */
  function wordsAfterBgp(...way: readonly string[]): ReadonlySet<string> {
    const file = join(treeOf(new Map([["frr.conf", [...way, "list", ""].join("\n")]])), "frr.conf");
    const { output } = run("vtysh", ["-C", "-f", file]);
    return new Set([...output.matchAll(/^ +(?:\[no\] |no )?bgp ([a-z-]+)/gm)].map(([, word = ""]) => word));
  }
  const isTaken = (line: string): boolean => {
    const text = `netgen: 1\nwireguard: {addresses: 10.0.0.0/24}\nhosts: {a: {id: 1, extra: {frr: ["${line}"]}}}\n`;
    const { diagnostics } = compile({ name: "topology.yaml", text });
    return !diagnostics.some(({ code }) => code === "extra-refused");
  };

  test("each line runs in its block", async () => {
    const { files } = compile({ name: "t.yaml", text: `netgen: 1\nname: t\n${USERS_LINES}` });
    const own = files.filter(({ path }) => path.startsWith("alpha/"));
    const texts = own.map(
      (file) => [file.path.slice("alpha/".length), new TextDecoder().decode(contentOf(file))] as const,
    );
    const { box } = await bootFrr(treeOf(new Map(texts)));
    expect(strayLines(vtysh(box, "show running-config"))).toEqual([]);
  });

  test("bgp is followed by what FRR knows in router bgp, and by nothing else", () => {
    const [inside, outside] = [wordsAfterBgp("router bgp 65000"), wordsAfterBgp()];
    expect([inside.has("bestpath"), outside.has("community-list")]).toEqual([true, true]);
    for (const word of [...inside, ...outside])
      expect([word, isTaken(`bgp ${word}`)]).toEqual([word, inside.has(word)]);
  });

  test.each([
    ["bgp community-list standard OURS permit 65000:1", true],
    ["bgp bestpath compare-routerid", false],
    ["neighbor 10.0.0.1 no-such-word", false],
  ])("%s leaves the block: %s", (line, leaves) => {
    const file = join(
      treeOf(new Map([["frr.conf", `router bgp 1\n ${line}\n address-family l2vpn evpn\n`]])),
      "frr.conf",
    );
    expect(run("vtysh", ["-C", "-f", file]).output.includes("address-family l2vpn evpn")).toBe(leaves);
  });
});

describe.runIf(isReady)("what FRR must refuse", () => {
  const good = filesOf({ bgp: { ...SPEAKER, neighbours: [neighbour(2)] } });
  const broken = (right: string, wrong: string): string => {
    const text = good.get(CONFIGURATION) ?? "";
    expect(text).toContain(right);
    return treeOf(new Map(good).set(CONFIGURATION, text.replace(right, wrong)));
  };

  test("an unknown command: vtysh", () => {
    const tree = broken("advertise-all-vni", "advertise-every-vni");
    const { status, output } = run("vtysh", ["-C", "-f", join(tree, CONFIGURATION)]);
    expect(status).toBe(2);
    expect(output).toContain("% Unknown command");
  });

  test.each([
    ["a group that does not exist", "10.250.0.2 peer-group ", "10.250.0.2 peer-group NOBODY-"],
    ["a router-id that is none", "router-id 10.250.0.1", "router-id 0.0.0.0"],
  ])("%s: vtysh lets it pass, the daemons do not", async (_, right, wrong) => {
    const tree = broken(right, wrong);
    expect(run("vtysh", ["-C", "-f", join(tree, CONFIGURATION)]).status).toBe(0);
    const { box, said } = await bootFrr(tree);
    expect(`${said}${vtysh(box, "show running-config")}`).not.toContain(wrong);
  });
});

// A VTEP that reflects, two that do not, of which one has but a snippet, and a mere reflector.
describe.runIf(isReady)("dual-stack, live", () => {
  const fixture = fileURLToPath(new URL("../../fixtures/dual-stack/expect", import.meta.url));
  const gatewayMac = (host: Box, bridge: string): string => link(host, bridge).address;

  test("sessions come up, and gateways are announced as the files say", async () => {
    const trees = ["fra1", "ams1", "reflector", "fra2"].map((host) => join(fixture, host));
    const mesh = await openMesh([...trees.slice(0, 3), withSnippet(trees[3] as string)]);
    boxes.push(...mesh.boxes);
    const [fra1, ams1, reflector, fra2] = mesh.hosts.map(({ box }) => box) as [Box, Box, Box, Box];
    for (const { box } of mesh.hosts) startFrr(box);
    await established(fra1, ["10.250.0.2", "10.250.0.20", "10.250.4.1"]);
    await established(reflector, ["10.250.0.1", "10.250.0.2", "10.250.4.1"]);
    for (const client of [ams1, fra2]) await established(client, ["10.250.0.1", "10.250.0.20"]);

    // Type 3: every VTEP is on the flood list of the others, through the reflectors; a mere reflector is on none.
    const floods = (host: Box, id: number): string => remoteVteps(host, `vx${id}`, FLOOD).join();
    await until(
      () =>
        floods(ams1, 6400) === "10.250.0.1,10.250.0.2" &&
        floods(fra2, 6400) === "10.250.0.1,10.250.4.1" &&
        [6500, 6600].every((id) => floods(ams1, id) === "10.250.0.1"),
      () => vtysh(ams1, "show evpn vni detail"),
    );

    // Type 2: the gateway of 6600 and both of 6500; nobody's shared gateway of 6400.
    const knows = (host: Box, id: number, of: Box): boolean =>
      remoteVteps(host, `vx${id}`, gatewayMac(of, `br${id}`)).length === 1;
    await until(
      () => knows(ams1, 6600, fra1) && knows(ams1, 6500, fra1) && knows(fra1, 6500, ams1),
      () => vtysh(ams1, "show evpn mac vni all"),
    );
    expect(gatewayMac(ams1, "br6400")).toBe(gatewayMac(fra1, "br6400"));
    expect(knows(ams1, 6400, fra1)).toBe(false);
    expect(knows(fra1, 6600, ams1)).toBe(false);

    // A guest on one host has its gateway on the other.
    const guest = await openBox();
    boxes.push(guest);
    ams1.cable("guest0", guest, "eth0");
    ams1.run("ip", "link", "set", "guest0", "master", "br6600");
    guest.shell("ip address add 10.66.0.7/24 dev eth0; ip address add fd66::7/64 dev eth0 nodad");
    for (const gateway of ["10.66.0.1", "fd66::1"])
      expect(guest.run("ping", "-c3", gateway)).toContain(" 0% packet loss");

    // networkd takes away what it does not know when it starts, but nothing of this.
    const { networkd, asked } = mesh.hosts[1] as Booted;
    await networkd.stop();
    await settle(ams1, startNetworkd(ams1), asked);
    expect(floods(ams1, 6400)).toBe("10.250.0.1,10.250.0.2");
    expect(knows(ams1, 6600, fra1) && knows(ams1, 6500, fra1)).toBe(true);

    // Without the line, others do not know the MAC of the gateway and flood every frame to it.
    fra1.run(
      "vtysh",
      ...commands(
        "configure",
        "router bgp 4200000001",
        "address-family l2vpn evpn",
        "vni 6600",
        "no advertise-default-gw",
      ),
    );
    await until(
      () => !knows(ams1, 6600, fra1),
      () => vtysh(ams1, "show evpn mac vni 6600"),
    );
  });
});

describe("units", () => {
  test("FRR is enabled where its files are ours", () => {
    const units = (host: Host): readonly string[] => frrUnits(host, createContext(aNetwork([host])));
    expect(units(aHost("alpha", { bgp: SPEAKER }))).toEqual(["frr.service"]);
    expect(units(aHost("alpha", { bgp: SPEAKER, frrMode: "snippet" }))).toEqual([]);
    expect(units(aHost("alpha"))).toEqual([]);
  });
});
