/** No text of a topology breaks out of its place: every place that the schema has for one, and every way out we know. */
import { describe, expect, test } from "vitest";
import { type Compilation, compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { NFT_CHAINS } from "../src/model/extra.ts";
import { schema } from "../src/validate/schema.generated.ts";
import { testPublicKey } from "./test-keys.ts";

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
}

/** A way down from the root: a key, `*` for the first that is there, `[]` for a list, `<key>` for the name of a key. */
type Path = readonly string[];

/** Every place for a text, by the schema itself: a new key is tested without a word here. */
function textPlaces(node: Schema, path: Path = []): readonly Path[] {
  const { properties = {}, additionalProperties, propertyNames, items } = node;
  const named = Object.entries(properties).flatMap(([key, inner]) => textPlaces(inner, [...path, key]));
  return [
    ...([node.type].flat().includes("string") ? [path] : []),
    ...named,
    ...(propertyNames ? [[...path, "<key>"]] : []),
    ...(additionalProperties ? textPlaces(additionalProperties, [...path, "*"]) : []),
    ...(items ? textPlaces(items, [...path, "[]"]) : []),
  ];
}

const PLACES = textPlaces(schema as Schema);

/** A rule in each chain. */
const CHAINS = Object.fromEntries(NFT_CHAINS.map((name) => [name, ["ip daddr 10.1.1.7 drop"]]));

/** A topology without mistakes that says something in every section. */
const WHOLE = {
  netgen: 1,
  name: "test",
  underlay: { paths: [{ between: ["alpha", "beta"], mtu: 1400 }] },
  sites: { roz: { lanMtu: 9000 } },
  wireguard: { addresses: ["10.250.0.0/24"], presharedKeys: true },
  hostDefaults: {
    extra: { sysctl: { "net.core.x": 1 }, nftables: CHAINS },
    healthGate: { run: "/usr/local/sbin/one" },
  },
  hosts: {
    alpha: {
      id: 1,
      site: "roz",
      endpoint: "a.example.net",
      publicKey: testPublicKey("alpha"),
      uplink: "eth0",
      extra: { sysctl: { "net.core.y": 2 } },
      healthGate: { run: "/usr/local/sbin/other" },
    },
    beta: { id: 2, endpoint: "203.0.113.2", publicKey: testPublicKey("beta") },
  },
  subnets: {
    vms: {
      cidr: ["10.1.1.0/24"],
      vxlan: { vni: 1 },
      hosts: "all",
      gateway: { alpha: ["10.1.1.1"] },
      ports: { alpha: ["eno2"] },
    },
  },
  bgp: { asn: 65_000, routeReflectors: ["alpha"] },
  guard: { allowFrom: ["198.51.100.7"] },
};

/** A copy with the text in its place; what leads there is made where it is not there. */
function withText(value: unknown, [step, ...rest]: Path, text: string): unknown {
  if (step === undefined) return text;
  if (step === "[]") return [withText(undefined, rest, text)];
  const mapping = (typeof value === "object" && !Array.isArray(value) ? value : {}) as Record<string, unknown>;
  const [first = "alpha"] = Object.keys(mapping);
  if (step === "<key>") return { ...mapping, [text]: mapping[first] ?? 1 };
  const key = step === "*" ? first : step;
  return { ...mapping, [key]: withText(mapping[key], rest, text) };
}

const compiled = (value: unknown): Compilation => compile({ name: "topology.yaml", text: JSON.stringify(value) });

/** Every line of every file, behind its path. */
const linesOf = ({ files }: Compilation): readonly string[] =>
  files.flatMap((file) => {
    const text = new TextDecoder().decode(contentOf(file));
    return text.split("\n").map((line) => `${file.path}: ${line}`);
  });

const WAYS_OUT = [
  "../../etc/cron.d/x",
  "a/../b",
  "/etc/passwd",
  "a\nPostUp = reboot",
  "a\r\nb",
  "a\u0000b",
  "a\u001b[31mb",
  "a\u0085b",
  "a\u2028b",
  "a\u202eb",
  "a\u200bb",
  "a]\n[Peer]",
  "a]b",
  "a#b",
  "a%i",
  "$(reboot)",
  "`reboot`",
  "$PATH",
  "a; reboot",
  "a | reboot",
  "a && reboot",
  'a"b',
  "a'b",
  "a\\",
  "{{ view.host }}",
  "a{b",
  "-rf",
  "*",
  "~",
  " a",
  "a b",
  "ä",
  "",
  "x".repeat(2000),
];

/** Raw lines are meant to be raw: what they may say is in the tests of each kind. */
const isRaw = (path: Path): boolean => path.includes("extra") && path.at(-1) === "[]";

/**
 * Where some of these texts are in order: as a comment, as the value of a parameter, as a rule of the user's own, and as the path of
 * a program.
 */
const mayTake = (path: Path): boolean =>
  /^name$|\.(?:sysctl\.\*|nftables(?:\.[a-z]+)?\.\[\]|healthGate\.run)$/.test(path.join("."));

describe.each(PLACES.map((path) => ({ path, name: path.join(".") })))("$name", ({ path }) => {
  test("a text that would break out is refused and nothing is written, or it stays in its line", () => {
    const usual = new Set(linesOf(compiled(WHOLE)));
    for (const text of WAYS_OUT) {
      const result = compiled(withText(WHOLE, path, text));
      const isRefused = result.diagnostics.some((each) => each.severity === "error");
      expect([text, isRefused || mayTake(path)]).toEqual([text, true]);
      const changed = linesOf(result).filter((line) => !usual.has(line));
      if (isRefused) expect(changed).toEqual([]);
      // A blank line and a heading come with the first raw line of its kind.
      else expect(changed.filter((line) => !line.includes(text.trim()) && !/: *(#.*)?$/.test(line))).toEqual([]);
    }
  });
});

test.each(["\n", "\0", "\u001b", "\u202e", "#", "\\"])("whatever the place: %j is refused", (character) => {
  for (const path of PLACES) {
    const { files } = compiled(withText(WHOLE, path, `a${character}b`));
    expect([path.join("."), files.length]).toEqual([path.join("."), 0]);
  }
});

test("the schema has as many places for text as this test visits", () => {
  expect(PLACES.length).toBeGreaterThan(50);
  expect(PLACES.filter(isRaw)).toHaveLength(42);
});

test("a name of the network stands in comments only", () => {
  const usual = new Set(linesOf(compiled(WHOLE)));
  const changed = linesOf(compiled({ ...WHOLE, name: "a -b .c" })).filter((line) => !usual.has(line));
  expect(changed.length).toBeGreaterThan(10);
  expect(changed.filter((line) => !/: [#!].*a -b \.c/.test(line))).toEqual([]);
});

const RULES = ['ip saddr 10.0.0.1 counter log prefix "a}b{%i(`x`)" drop', "tcp dport { 25, 465 } reject"];
const OF_BGP = ["neighbor 10.9.9.9 description ]$(reboot)`x`;%{{ x }}", "no bgp suppress-duplicates"];
const OF_IPV4 = ["neighbor ]$(reboot)`x`;%{{x}} activate", "no network 10.9.9.0/24"];
const OF_IPV6 = ["neighbor ]$(reboot)`x`;%{{x}} activate", "no network fd09::/64"];
const OF_EVPN = ["neighbor ]$(reboot)`x`;%{{x}} activate", "no flooding disable"];
const OF_VRF = ["ip route 10.9.9.0/24 ]$(reboot)`x`;%{{x}}", "no ipv6 route fd09::/64 blackhole"];

/** Lines that their place takes, as wild as they come. */
const RAW: Readonly<Record<string, readonly string[]>> = {
  wireguard: ["PostUp = echo \"$(id)\" '%i' `x` ; [Peer] ../..", "FwMark = 0x7"],
  frr: OF_BGP,
  "frr/global": [
    "bgp as-path access-list ]$(reboot)`x`;%{{x}} seq 5 permit ^(1|2)$",
    "no ip prefix-list A seq 5 permit any",
  ],
  "frr/bgp": OF_BGP,
  "frr/ipv4": OF_IPV4,
  "frr/ipv6": OF_IPV6,
  "frr/evpn": OF_EVPN,
  "frr/routeMaps/A permit 10": ["description ]$(reboot)`x`;%{{ x }}", "no match tag 7"],
  "frr/vrfs/blue/vrf": OF_VRF,
  "frr/vrfs/blue/bgp": OF_BGP,
  "frr/vrfs/blue/ipv4": OF_IPV4,
  "frr/vrfs/blue/ipv6": OF_IPV6,
  "frr/vrfs/blue/evpn": OF_EVPN,
  nftables: RULES,
  ...Object.fromEntries(NFT_CHAINS.map((chain) => [`nftables/${chain}`, RULES])),
};

const VRFS = { vrfs: { blue: { vni: 5000 } } };
const OF_BLUE = { blue: { cidr: "10.2.2.0/24", hosts: ["alpha"], gateway: "10.2.2.1", vrf: "blue" } };

test.each(Object.entries(RAW))(
  "a raw line of %s stays one line of one block, and changes no other line",
  (place, lines) => {
    const withLines = (raw: readonly string[]): readonly string[] => {
      const extra = place.split("/").reduceRight<unknown>((inner, key) => ({ [key]: inner }), raw);
      const alpha = { ...WHOLE.hosts.alpha, extra };
      const subnets = { ...WHOLE.subnets, ...OF_BLUE };
      const result = compiled({ ...WHOLE, ...VRFS, subnets, hosts: { ...WHOLE.hosts, alpha } });
      expect(result.diagnostics.filter((each) => each.severity === "error")).toEqual([]);
      return linesOf(result);
    };
    const [none, one, both] = [withLines([]), withLines(lines.slice(0, 1)), withLines(lines)];
    const added = both.filter((line) => !one.includes(line));
    expect(added).toHaveLength(1);
    expect(added[0]).toMatch(/^alpha\/etc\//);
    expect(added[0]).toContain(lines[1]);
    expect(both).toHaveLength(one.length + 1);
    expect(one.filter((line) => line.includes(lines[0] as string))).toHaveLength(1);
    expect(none.filter((line) => !one.includes(line))).toEqual([]);
  },
);
