/** netgen host add: one more host in a topology, and every other byte as it was. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { replaceText } from "../src/commands/replace-file.ts";
import { compile } from "../src/compile.ts";
import { addHost } from "../src/edit/add-host.ts";
import { topologySchema } from "../src/validate/place.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { type Fleet, fleets, topologyOf } from "./fleet.ts";
import { runNetgen } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { fc, test as property } from "./property.ts";
import { testPublicKey } from "./test-keys.ts";

interface Asked {
  readonly name?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly subnets?: readonly string[];
}

function add(text: string, { name = "gamma", fields = {}, subnets = [] }: Asked = {}) {
  const source = { name: "topology.yaml", text };
  return addHost({ source, ...compile(source) }, { name, fields, subnets }, {});
}

/** The text with the host, which must be taken. */
function added(text: string, asked: Asked = {}): string {
  const addition = add(text, asked);
  if (addition.kind !== "added")
    throw new Error(JSON.stringify("result" in addition ? addition.result.diagnostics : addition));
  return addition.result.source.text;
}

/** True if all that was there is there still, in order. */
function isSubsequence<T>(old: readonly T[], now: readonly T[]): boolean {
  let at = 0;
  for (const each of now) if (at < old.length && old[at] === each) at += 1;
  return at === old.length;
}

const HEAD = "netgen: 1\nname: two\nwireguard: {addresses: [10.250.0.0/24]}\n";
const ENDPOINT = { endpoint: "192.0.2.7" };

describe("the layout of a file is followed", () => {
  const block = "  alpha:\n    id: 1\n    endpoint: 192.0.2.1\n";
  test.each<[string, string, string]>([
    ["a block mapping", block, `${block}  gamma:\n    id: 2\n    endpoint: 192.0.2.7\n`],
    ["flow mappings", "  alpha: {id: 1}\n", "  alpha: {id: 1}\n  gamma: {id: 2, endpoint: 192.0.2.7}\n"],
    ["blanks in braces", "  alpha: { id: 1 }\n", "  alpha: { id: 1 }\n  gamma: { id: 2, endpoint: 192.0.2.7 }\n"],
    [
      "four columns, and two more for the keys",
      "    alpha:\n      id: 1\n",
      "    alpha:\n      id: 1\n    gamma:\n      id: 2\n      endpoint: 192.0.2.7\n",
    ],
    [
      "quotes",
      "  'alpha':\n    id: 1\n    endpoint: '192.0.2.1'\n",
      "  'alpha':\n    id: 1\n    endpoint: '192.0.2.1'\n  'gamma':\n    id: 2\n    endpoint: '192.0.2.7'\n",
    ],
    [
      "empty lines between hosts",
      "  alpha: {id: 1}\n\n  beta: {id: 5, behindNat: true, endpoint: 192.0.2.5}\n\nsubnets: {}\n",
      "  alpha: {id: 1}\n\n  beta: {id: 5, behindNat: true, endpoint: 192.0.2.5}\n\n  gamma: {id: 6, endpoint: 192.0.2.7}\n\nsubnets: {}\n",
    ],
    [
      "comments on the line, below it, and of what comes next",
      "  alpha: {id: 1} # the first\n    # its rack is full\n  # beta: {id: 2}\n\n# What runs on them\nsubnets: {}\n",
      "  alpha: {id: 1} # the first\n    # its rack is full\n  gamma: {id: 2, endpoint: 192.0.2.7}\n  # beta: {id: 2}\n\n# What runs on them\nsubnets: {}\n",
    ],
    [
      "tabs in comments",
      "  alpha: {id: 1}\t#\tx\n\t# y\n",
      "  alpha: {id: 1}\t#\tx\n  gamma: {id: 2, endpoint: 192.0.2.7}\n\t# y\n",
    ],
    ["no line end at the end", "  alpha: {id: 1}", "  alpha: {id: 1}\n  gamma: {id: 2, endpoint: 192.0.2.7}"],
    [
      "an end of the document",
      "  alpha: {id: 1}\n...\n",
      "  alpha: {id: 1}\n  gamma: {id: 2, endpoint: 192.0.2.7}\n...\n",
    ],
    [
      "an anchor and an alias",
      "  alpha:\n    id: 1\n    routes: &none []\n    addresses: &pin [10.250.0.2]\nsubnets: {}\n",
      "  alpha:\n    id: 1\n    routes: &none []\n    addresses: &pin [10.250.0.2]\n  gamma:\n    id: 3\n    endpoint: 192.0.2.7\nsubnets: {}\n",
    ],
    [
      "a last value that is left empty",
      "  alpha:\n    id: 1\n    site: # to come\n\n# What runs on them\nsubnets: {}\n",
      "  alpha:\n    id: 1\n    site: # to come\n  gamma:\n    id: 2\n    endpoint: 192.0.2.7\n\n# What runs on them\nsubnets: {}\n",
    ],
    ["explicit keys", "  ? alpha\n  : {id: 1}\n", "  ? alpha\n  : {id: 1}\n  gamma: {id: 2, endpoint: 192.0.2.7}\n"],
    [
      "a flow mapping over several lines",
      "  alpha: {\n    id: 1,\n  }\n",
      "  alpha: {\n    id: 1,\n  }\n  gamma: {\n    id: 2,\n    endpoint: 192.0.2.7\n  }\n",
    ],
    [
      "a block of text that keeps its empty lines",
      "  alpha:\n    id: 1\n    extra:\n      nftables: [counter]\n      frr:\n        - |-\n          timers bgp 3 9\n\n\nsubnets: {}\n",
      "  alpha:\n    id: 1\n    extra:\n      nftables: [counter]\n      frr:\n        - |-\n          timers bgp 3 9\n  gamma:\n    id: 2\n    endpoint: 192.0.2.7\n\n\nsubnets: {}\n",
    ],
  ])("%s", (_, hosts, expected) => {
    expect(added(`${HEAD}hosts:\n${hosts}`, { fields: ENDPOINT })).toBe(`${HEAD}hosts:\n${expected}`);
  });

  test.each<[string, string, string]>([
    [
      "hosts on one line",
      "hosts: {alpha: {id: 1}}\n",
      "hosts: {alpha: {id: 1}, gamma: {id: 2, endpoint: 192.0.2.7}}\n",
    ],
    [
      "no host yet",
      "hosts: {} # none\nsubnets: {}\n",
      "hosts: # none\n  gamma:\n    id: 1\n    endpoint: 192.0.2.7\nsubnets: {}\n",
    ],
    [
      "no host yet, in a file of four columns",
      "hosts: {}\nsites:\n    roz: {}\n",
      "hosts:\n    gamma:\n        id: 1\n        endpoint: 192.0.2.7\nsites:\n    roz: {}\n",
    ],
    [
      "nothing below hosts",
      "hosts:\n# none yet\n",
      "hosts:\n  gamma:\n    id: 1\n    endpoint: 192.0.2.7\n# none yet\n",
    ],
    ["nothing below hosts, not even a line end", "hosts:", "hosts:\n  gamma:\n    id: 1\n    endpoint: 192.0.2.7"],
    [
      "one host a line, in braces",
      "hosts: {\n  alpha: {id: 1}, # first\n  beta: {id: 2, endpoint: 192.0.2.2} # second\n}\n",
      "hosts: {\n  alpha: {id: 1}, # first\n  beta: {id: 2, endpoint: 192.0.2.2}, # second\n  gamma: {id: 3, endpoint: 192.0.2.7}\n}\n",
    ],
    [
      "a comma after the last",
      "hosts: {\n  alpha: {id: 1}, # first\n}\n",
      "hosts: {\n  alpha: {id: 1}, # first\n  gamma: {id: 2, endpoint: 192.0.2.7},\n}\n",
    ],
  ])("%s", (_, hosts, expected) => {
    expect(added(HEAD + hosts, { fields: ENDPOINT })).toBe(HEAD + expected);
  });

  test("JSON stays JSON, in its own indentation", () => {
    const json = (hosts: object): string =>
      JSON.stringify({ netgen: 1, name: "two", wireguard: { addresses: ["10.250.0.0/24"] }, hosts }, null, 4);
    const text = json({ alpha: { id: 1, behindNat: true } });
    const fields = { ...ENDPOINT, behindNat: false, publicKey: testPublicKey("gamma") };
    const result = added(text, { fields });
    expect(result).toBe(json({ alpha: { id: 1, behindNat: true }, gamma: { id: 2, ...fields } }));
  });

  test("Windows line ends and a byte order mark", () => {
    const text = `\uFEFF${HEAD}hosts:\n  alpha:\n    id: 1\nsubnets: {}\n`.replaceAll("\n", "\r\n");
    const lines = added(text, { fields: ENDPOINT });
    expect(lines).toBe(text.replace("subnets", "  gamma:\r\n    id: 2\r\n    endpoint: 192.0.2.7\r\nsubnets"));
  });

  test("every key of a host that the language has, in any order, is read back", () => {
    const fields = {
      lanEndpoint: "[fd00::7]:51820",
      routes: ["192.168.9.0/24", "fd09::/64"],
      addresses: ["10.250.0.77"],
      networkManager: "other",
      frr: "snippet",
      uplink: "1e3",
      platform: "rocky9",
      programs: { frr: "10.2", kernel: "6.12.1", systemd: "253" },
      publicKey: testPublicKey("gamma"),
    };
    const text = added(`${HEAD}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n`, { name: "10", fields });
    expect(parse(text).hosts["10"]).toEqual({ id: 2, ...fields });
  });
});

describe("lists of subnets", () => {
  const hosts = "hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n";
  const put = (subnet: string, site = ""): string =>
    added(`${HEAD}sites: {roz: {}}\n${hosts}subnets:\n  wide:\n    vxlan: {vni: 7}\n${subnet}`, {
      fields: site === "" ? {} : { site },
      subnets: ["wide", "wide"],
    });

  test.each([
    ["    hosts: [alpha]\n", "    hosts: [alpha, gamma]\n"],
    ["    hosts: [alpha ,]\n", "    hosts: [alpha , gamma,]\n"],
    [
      "    hosts:\n      - alpha # one\n    mtu: 1300\n",
      "    hosts:\n      - alpha # one\n      - gamma\n    mtu: 1300\n",
    ],
    ["    hosts: ['alpha']\n", "    hosts: ['alpha', 'gamma']\n"],
    ["    hosts:\n    - alpha\n", "    hosts:\n    - alpha\n    - gamma\n"],
    ["    hosts: all\n", "    hosts: all\n"],
  ])("%j", (before, after) => {
    const text = put(before);
    expect(text.slice(text.indexOf("vni: 7}\n") + 8)).toBe(after);
  });

  test("a name that would be a number without quotes has them", () => {
    const text = `${HEAD}${hosts}subnets:\n  wide: {vxlan: {vni: 7}, hosts: [alpha]}\n`;
    expect(added(text, { name: "10", fields: ENDPOINT, subnets: ["wide"] })).toContain('hosts: [alpha, "10"]');
  });

  test("a host that is on it by its site is not named again", () => {
    expect(put("    hosts: [alpha, roz]\n", "roz")).toContain("    hosts: [alpha, roz]\n");
  });

  test("a list that is written once and used twice is not changed behind the user's back", () => {
    const subnets = "subnets:\n  a: {vxlan: {vni: 7}, hosts: &m [alpha]}\n  b: {vxlan: {vni: 8}, hosts: *m}\n";
    const reason = (subnet: string): unknown => add(HEAD + hosts + subnets, { subnets: [subnet] });
    expect(reason("a")).toEqual({ kind: "impossible", reason: expect.stringContaining("aliases") });
    expect(reason("b")).toEqual({ kind: "impossible", reason: expect.stringContaining("no list of hosts") });
    expect(reason("c")).toEqual({ kind: "impossible", reason: 'it has no subnet "c"' });
  });
});

describe("the next id", () => {
  const idOf = (hosts: string, rest = "", asked: Asked = {}): number =>
    parse(added(`netgen: 1\nname: ids\n${rest}hosts:\n${hosts}`, { fields: ENDPOINT, ...asked })).hosts.gamma.id;
  const SMALL = "wireguard: {addresses: [10.250.0.0/29]}\n";
  const host = (id: number, more = ""): string => `  h${id}: {id: ${id}, endpoint: 192.0.2.${id}${more}}\n`;

  test("is one above the largest, so that nobody inherits the number of a host that is gone", () => {
    expect(idOf(host(1) + host(4), SMALL)).toBe(5);
  });
  test("is the smallest free one where the pool ends", () => {
    expect(idOf(host(1) + host(3) + host(6), SMALL)).toBe(2);
  });
  test("keeps to the smallest of several pools", () => {
    expect(idOf(host(2), 'wireguard: {addresses: ["fd00::/64", 10.250.0.0/30]}\n')).toBe(1);
  });
  test("passes over an address that a host has pinned", () => {
    expect(idOf(host(1, ", addresses: [10.250.0.2]"), SMALL)).toBe(3);
  });
  test("keeps to the slices of a subnet that the host is on, by all, by its site or by name", () => {
    const sliced = (members: string): string =>
      `wireguard: {addresses: [10.250.0.0/24]}\nsites: {roz: {}}\nsubnets: {s: {cidr: 10.2.0.0/24, perHost: 26, hosts: ${members}}}\n`;
    const hosts = host(2) + host(3, ", site: roz");
    expect(idOf(hosts, sliced("all"))).toBe(1);
    expect(idOf(hosts, sliced("[roz]"))).toBe(4);
    expect(idOf(hosts, sliced("[roz]"), { fields: { ...ENDPOINT, site: "roz" } })).toBe(1);
    expect(idOf(hosts, sliced("[h2]"), { subnets: ["s"] })).toBe(1);
  });
  test("is none where the pool is full: then the compiler says how large that is", () => {
    const full = [1, 2, 3, 4, 5, 6].map((id) => host(id)).join("");
    const addition = add(`netgen: 1\nname: ids\n${SMALL}hosts:\n${full}`, { fields: ENDPOINT });
    expect(addition.kind).toBe("refused");
    expect(JSON.stringify(addition)).toContain('"id-outside-pool"');
  });
});

describe("what would bring in an error is refused, with the compiler's own words", () => {
  const text = `${HEAD}hosts:\n  alpha: {id: 1}\n`;
  test.each<[string, Asked]>([
    ["yaml-duplicate-key", { name: "alpha" }],
    ["name-malformed", { name: "Gamma\n" }],
    ["name-malformed", { name: "a: {b" }],
    ["name-reserved", { name: "all" }],
    ["pair-cannot-meet", {}],
    ["endpoint-malformed", { fields: { endpoint: "http://x" } }],
    ["source-control-character", { fields: { endpoint: "x\u202Ey" } }],
    ["public-key-malformed", { fields: { ...ENDPOINT, publicKey: "short" } }],
    ["id-duplicate", { fields: { id: 1, ...ENDPOINT } }],
    ["value-type", { fields: { id: "two", ...ENDPOINT } }],
    ["value-range", { fields: { id: 0, ...ENDPOINT } }],
    ["site-unknown", { fields: { ...ENDPOINT, site: "roz" } }],
  ])("%s", (code, asked) => {
    const addition = add(text, asked);
    expect(addition.kind).toBe("refused");
    const found = addition.kind === "refused" ? addition.result.diagnostics.map((each) => each.code) : [];
    expect(found).toContain(code);
  });

  test("mistakes that were there before are none of its business", () => {
    const broken = `${text}subnets:\n  vms: {cidr: 10.1.1.7/24, hosts: [alpha]}\n`;
    expect(added(broken, { fields: ENDPOINT })).toContain("  gamma: {id: 2, endpoint: 192.0.2.7}\nsubnets:\n");
  });

  test("but a file that is no YAML is left alone, and so is one without hosts", () => {
    expect(add("hosts: [\n").kind).toBe("refused");
    expect(add("a: 1\na: 2\n").kind).toBe("refused");
    expect(add(HEAD)).toEqual({ kind: "impossible", reason: 'it has no "hosts:" to add to' });
    expect(add(`${HEAD}hosts: 7\n`)).toMatchObject({ kind: "impossible" });
    expect(add(`${HEAD}x: &h {a: {id: 1}}\nhosts: *h\n`)).toMatchObject({ kind: "impossible" });
  });
});

// ── Any topology, in any hand ───────────────────────────────────────────────────────────────────────────────────────

const layouts = fc.record({
  indent: fc.constantFrom(1, 2, 3, 4, 8),
  collectionStyle: fc.constantFrom("block" as const, "any" as const),
  defaultStringType: fc.constantFrom("PLAIN" as const, "QUOTE_SINGLE" as const, "QUOTE_DOUBLE" as const),
  defaultKeyType: fc.constantFrom("PLAIN" as const, "QUOTE_DOUBLE" as const),
  json: fc.constantFrom(undefined, 0, 2, "\t"),
  isJson: fc.boolean(),
  hostsLast: fc.boolean(),
  flowHosts: fc.boolean(),
  end: fc.constantFrom("\n", "\r\n"),
  isOpen: fc.boolean(),
  hasMark: fc.boolean(),
  // After how many lines a comment or an empty line stands, and how far a comment is indented.
  notes: fc.array(fc.record({ after: fc.nat(40), text: fc.constantFrom("", "# note", "  # note", "      # note") })),
});
type Layout = typeof layouts extends fc.Arbitrary<infer T> ? T : never;

/** The fleet as somebody might have written it. */
function written(fleet: Fleet, layout: Layout): string {
  const { hosts, ...rest } = JSON.parse(topologyOf(fleet));
  const data = layout.hostsLast ? { ...rest, hosts } : { hosts, ...rest };
  const flow = Object.entries(hosts).map(([name, host]) => `  ${name}: ${JSON.stringify(host)}\n`);
  const text = layout.isJson
    ? JSON.stringify(data, null, layout.json === "\t" ? 3 : layout.json)
    : layout.flowHosts
      ? `hosts:\n${flow.join("")}${stringify(rest, { ...layout, lineWidth: 0 })}`
      : stringify(data, { ...layout, lineWidth: 0 });
  const lines = text.trimEnd().split("\n");
  for (const { after, text: note } of layout.notes) {
    // Between brackets the YAML library takes no comment at the very start of a line.
    if (after < lines.length) lines.splice(after, 0, layout.isJson ? note.replace(/^#/, " #") : note);
  }
  const whole = lines.join(layout.end) + (layout.isOpen ? "" : layout.end);
  return (layout.hasMark ? "\uFEFF" : "") + whole;
}

property("a host is added to any topology, and nothing else changes", [fleets, layouts], (fleet, layout) => {
  const text = written(fleet, layout);
  const fields = { endpoint: "newcomer.example.net", publicKey: KEY };
  const result = added(text, { name: "newcomer", fields });
  const [before, after] = [parse(text), parse(result)];
  const { newcomer, ...others } = after.hosts;
  expect({ ...after, hosts: others }).toEqual(before);
  expect(newcomer).toEqual({ id: expect.any(Number), ...fields });
  expect(fleet.hosts.map(({ id }) => id)).not.toContain(newcomer.id);
  // No character of the old text is gone or has moved past another; nor, where hosts are lines, has any line.
  expect(isSubsequence([...text], [...result])).toBe(true);
  const lines = (whole: string): readonly string[] => whole.split(layout.isOpen ? /\r?\n/ : /(?<=\n)/);
  if (!layout.isJson) expect(isSubsequence(lines(text), lines(result))).toBe(true);
  expect(result.includes("\r")).toBe(text.includes("\r"));
  expect(result.endsWith("\n")).toBe(text.endsWith("\n"));
});
const KEY = testPublicKey("newcomer");

describe.each(listFixtures().filter(({ kind }) => kind === "scenario"))("$name", (fixture) => {
  test("keeps every line, and the fleet compiles as before", () => {
    // A newcomer is in no link.
    if (/shape: links/.test(sourceOf(fixture).text)) return;
    // The slices of one of them are all taken.
    const text = sourceOf(fixture).text.replace("10.0.0.0/24, perHost", "10.0.0.0/22, perHost");
    // A node of Proxmox's SDN says in which cluster it is.
    const place = text.includes("proxmox: sdn") ? { site: "roz", lanEndpoint: "192.168.2.9" } : {};
    const fields = { ...place, endpoint: "192.0.2.77", publicKey: testPublicKey("newcomer") };
    const result = added(text, { name: "newcomer", fields });
    expect(isSubsequence(text.split("\n"), result.split("\n"))).toBe(true);
    expect(Object.keys(parse(result).hosts)).toEqual([...Object.keys(parse(text).hosts), "newcomer"]);
  });
});

// ── The command ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe("netgen host add", () => {
  let home: string;
  eachInNewDirectory((directory) => {
    home = directory;
    writeFileSync(path("topology.yaml"), TOPOLOGY);
  });

  const TOPOLOGY = `${HEAD}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\nsubnets:\n  wide: {vxlan: {vni: 7}, hosts: all}\n`;
  const LINE = "  gamma: {id: 2, endpoint: 192.0.2.7}\n";
  const path = (name: string): string => join(home, name);
  const read = (name = "topology.yaml"): string => readFileSync(path(name), "utf8");
  const run = (args: readonly string[], input = "") => runNetgen(home, ["host", "add", ...args], { input });

  test("says what it did and what comes next", () => {
    expect(run(["gamma", "--endpoint", "192.0.2.7"])).toEqual({
      status: 0,
      stdout:
        "topology.yaml: gamma added with the id 2, 10.250.0.2 in the tunnel\nNext: netgen keys generate topology.yaml\n",
      stderr: "",
    });
    expect(read()).toBe(TOPOLOGY.replace("subnets", `${LINE}subnets`));
    expect(readdirSync(home)).toEqual(["topology.yaml"]);
  });

  test("says nothing with --quiet, and points at the diff when there is a key", () => {
    expect(run(["gamma", "--endpoint", "192.0.2.7", "-q"])).toEqual({ status: 0, stdout: "", stderr: "" });
    const { stdout } = run(["delta", "--endpoint", "192.0.2.8", "--public-key", testPublicKey("delta")]);
    expect(stdout).toContain("\nNext: netgen diff topology.yaml\n");
  });

  test("takes versions of programs, and has the compiler say what is wrong with one", () => {
    const add = (programs: string) => run(["gamma", "--endpoint", "192.0.2.7", "--programs", programs]);
    for (const [programs, said] of [
      ["frr", "version-malformed"],
      ["frr=10.x", "version-malformed"],
      ["iptables=1.8", "key-unknown"],
      ["frr=7.5", "FRR 7.5 of gamma is older than 8.0"],
    ] as const) {
      const { status, stderr } = add(programs);
      expect([status, stderr]).toEqual([1, expect.stringContaining(said)]);
    }
    expect(read()).toBe(TOPOLOGY);
    expect(add("frr=10.10, kernel=6.12").status).toBe(0);
    expect(parse(read()).hosts.gamma.programs).toEqual({ frr: "10.10", kernel: "6.12" });
  });

  test("says when a segment gets a smaller MTU", () => {
    run(["gamma", "--endpoint", "192.0.2.7"]);
    const { stdout } = run(["delta", "--endpoint", "delta.example.net"]);
    expect(stdout).toContain(
      "The MTU of the segment wide falls from 1390 to 1370 on all its hosts; netgen mtu says why.\n",
    );
  });

  test("takes every key that a host has, by the words of the language", () => {
    const host = topologySchema.properties?.hosts?.additionalProperties || undefined;
    const { stdout } = run(["--help"]);
    for (const [key, { type, items }] of Object.entries(host?.properties ?? {})) {
      // Mappings and lists of them are no matter for a command line, but for programs and their versions.
      if ((type === "object" && key !== "programs") || items?.type === "object") continue;
      const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect.soft(stdout).toMatch(new RegExp(`^  --${flag}\\b`, "m"));
    }
    const args = ["--id", "9", "--lan-endpoint", "10.0.0.7", "--behind-nat", "--addresses", "10.250.0.99", "--routes"];
    run(["gamma", "--endpoint", "192.0.2.7", ...args, "10.8.0.0/24, fd08::/64"]);
    expect(parse(read()).hosts.gamma).toEqual({
      id: 9,
      endpoint: "192.0.2.7",
      lanEndpoint: "10.0.0.7",
      addresses: ["10.250.0.99"],
      behindNat: true,
      routes: ["10.8.0.0/24", "fd08::/64"],
    });
    run(["delta", "--endpoint", "192.0.2.8", "--no-behind-nat"]);
    expect(parse(read()).hosts.delta.behindNat).toBe(false);
    run(["epsilon", "--endpoint", "192.0.2.9, epsilon.example.net:443"]);
    expect(parse(read()).hosts.epsilon.endpoint).toEqual(["192.0.2.9", "epsilon.example.net:443"]);
  });

  test("writes nothing when the result would have an error, shows it at its line, and exits with 1", () => {
    const { status, stdout, stderr } = run(["gamma", "--endpoint", "192.0.2.7:99999"]);
    expect([status, stdout, read()]).toEqual([1, "", TOPOLOGY]);
    expect(stderr).toContain("topology.yaml:6:28: error[endpoint-malformed]");
    expect(stderr).toContain("netgen: nothing was written: with gamma it would have 1 error\n");
  });

  test("exits with 2 where there is no place to write, or no file", () => {
    expect(run(["gamma", "--endpoint", "192.0.2.7", "--subnets", "wide,thin"])).toEqual({
      status: 2,
      stdout: "",
      stderr: 'netgen: topology.yaml cannot be edited: it has no subnet "thin"\n',
    });
    expect(run(["gamma", "--topology", "none.yaml"])).toMatchObject({
      status: 2,
      stderr: "netgen: none.yaml: there is no such file or directory\n",
    });
    expect(read()).toBe(TOPOLOGY);
  });

  test("a topology that does not parse is refused with its own diagnostics", () => {
    writeFileSync(path("topology.yaml"), "hosts: [\n");
    const { status, stderr } = run(["gamma"]);
    expect(status).toBe(1);
    expect(stderr).toContain("topology.yaml:1:8: error[yaml-syntax]");
    expect(stderr).toContain("netgen: nothing was written: it has 1 error\n");
  });

  test("--dry-run prints a diff that patch takes, and writes nothing", () => {
    const { status, stdout, stderr } = run(["gamma", "--endpoint", "192.0.2.7", "--dry-run"]);
    expect([status, stderr, read()]).toEqual([0, "", TOPOLOGY]);
    expect(stdout.split("\n").filter((line) => /^[-+]/.test(line))).toEqual([
      "--- a/topology.yaml",
      "+++ b/topology.yaml",
      `+${LINE.trimEnd()}`,
    ]);
    const { status: patched } = spawnSync("git", ["apply", "-"], { cwd: home, input: stdout });
    expect([patched, read()]).toEqual([0, TOPOLOGY.replace("subnets", `${LINE}subnets`)]);
  });

  test("- reads standard input and prints the result alone", () => {
    const { status, stdout, stderr } = run(["gamma", "--endpoint", "192.0.2.7", "--topology", "-"], TOPOLOGY);
    expect([status, stderr, stdout]).toEqual([0, "", TOPOLOGY.replace("subnets", `${LINE}subnets`)]);
  });

  test("keeps the mode of the file, and writes through a link", () => {
    chmodSync(path("topology.yaml"), 0o640);
    symlinkSync("topology.yaml", path("link.yaml"));
    expect(run(["gamma", "--endpoint", "192.0.2.7", "--topology", "link.yaml"]).status).toBe(0);
    expect(lstatSync(path("link.yaml")).isSymbolicLink()).toBe(true);
    expect(lstatSync(path("topology.yaml")).isFile()).toBe(true);
    expect((statSync(path("topology.yaml")).mode & 0o777).toString(8)).toBe("640");
    expect(read()).toContain(LINE);
  });

  test("gives the file back to its owner", (context) => {
    if (process.getuid?.() !== 0) context.skip("only root can edit a file of somebody else's");
    chownSync(path("topology.yaml"), 65_534, 65_534);
    expect(run(["gamma", "--endpoint", "192.0.2.7"]).status).toBe(0);
    const { uid, gid } = statSync(path("topology.yaml"));
    expect([uid, gid, read().includes(LINE)]).toEqual([65_534, 65_534, true]);
  });

  test("does not write over what an editor has saved meanwhile, nor over what is no file", () => {
    const replace = (name: string) => () => replaceText(path(name), "what was read", "what would be written");
    expect(replace("topology.yaml")).toThrow(/topology\.yaml was changed by somebody else meanwhile/);
    spawnSync("mkfifo", [path("pipe")]);
    expect(replace("pipe")).toThrow(/pipe is no file/);
    expect([read(), readdirSync(home).sort()]).toEqual([TOPOLOGY, ["pipe", "topology.yaml"]]);
  });

  test("the keys that are beside the topology count", () => {
    spawnSync("mkdir", [path("keys")]);
    writeFileSync(path("keys/gamma.pub"), `${testPublicKey("gamma")}\n`);
    expect(run(["gamma", "--endpoint", "192.0.2.7"]).stdout).toContain("Next: netgen diff topology.yaml\n");
    expect(existsSync(path("out"))).toBe(false);
  });
});
