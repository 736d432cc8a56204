/** All of a file's mistakes at once, whichever pass finds them, and none that is only the consequence of another. */
import { describe, expect, test } from "vitest";
import { parseDocument } from "yaml";
import { type Compilation, compile } from "../src/compile.ts";
import { compileText } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

/** Mistakes that only later passes can see: a prefix inside another, and a gateway outside its subnet. */
const LATER =
  "subnets: {s: {cidr: 10.1.2.0/24, hosts: [alpha]}, t: {cidr: 10.1.0.0/16, hosts: [beta], gateway: 10.9.0.1}}\n";
const LATER_CODES = ["gateway-outside-subnet", "prefix-overlap"];

interface Parts {
  readonly top?: string;
  readonly wireguard?: string;
  readonly alpha?: string;
}

const topology = ({ top = "", wireguard = "", alpha = "" }: Parts): string =>
  `${top}wireguard: {addresses: [10.250.0.0/24]${wireguard}}\nhosts:\n  alpha: {id: 1, endpoint: 192.0.2.1${alpha}}\n` +
  `  beta: {id: 2, endpoint: 192.0.2.2}\n  gamma: {id: 3, endpoint: 192.0.2.3}\n${LATER}`;

const codesOf = ({ diagnostics }: Compilation): readonly string[] => diagnostics.map((each) => each.code).sort();

describe("a mistake hides none of another pass", () => {
  test.each([
    ["key-unknown", topology({ top: "colour: red\n" })],
    ["value-range", topology({ wireguard: ", listenPort: 99999" })],
    ["interface-name-malformed", topology({ wireguard: ", interface: longer-than-the-kernel-takes" })],
    ["prefix-malformed", topology({}).replace("10.250.0.0/24", "10.250.0.0/24, 10.300.0.0/24")],
    ["key-unknown", topology({ top: "sites: {roz: {lanMTU: 9000}}\n" })],
    ["value-range", topology({ top: "sites: {roz: {lanMtu: 90}}\n" })],
    ["value-type", topology({ top: "sites: 5\n" })],
    ["value-range", topology({ top: "bgp: {asn: 0}\n" })],
    ["host-unknown", topology({ top: "bgp: {asn: 65000, routeReflectors: [gama]}\n" })],
    ["prefix-malformed", topology({ top: "guard: {allowFrom: [1.2.3]}\n" })],
    ["value-range", topology({ top: "underlay: {pathMtu: 90}\n" })],
    ["value-type", topology({ top: "hostDefaults: {uplink: 5}\n" })],
    ["host-unknown", topology({ wireguard: ", hubs: [alfa]" })],
  ])("%s", (code, text) => {
    expect(codesOf(compileText(text))).toEqual([...LATER_CODES, code].sort());
  });

  test("in the network's name, in the version, and where they are not there at all", () => {
    const body = topology({});
    const keys = Object.fromEntries(["alpha", "beta", "gamma"].map((host) => [host, testPublicKey(host)]));
    const codes = (head: string): readonly string[] =>
      codesOf(compile({ name: "t.yaml", text: head + body }, { publicKeys: keys }));
    expect(codes("netgen: 1\nname: t]\n")).toEqual([...LATER_CODES, "text-malformed"]);
    expect(codes('netgen: "1"\nname: t\n')).toEqual([...LATER_CODES, "value-type"]);
    expect(codes("")).toEqual(["gateway-outside-subnet", "key-missing", "key-missing", "prefix-overlap"]);
  });

  test("twenty of them, from every pass, in the order of the file", () => {
    const text = `
colour: red
underlay: {pathMtu: 100, paths: [{between: [alpha, nobody], mtu: 1400}]}
sites: {roz: {wanMtu: a lot}}
wireguard: {addresses: [10.250.0.0/24, 10.250.0.0/25], listenPort: 0}
hostDefaults: {platform: windows}
hosts:
  alpha: {id: 1, endpoint: 2001:db8::1}
  beta: {id: 2, endpoint: 192.0.2.2, addresses: [10.9.9.9]}
  gamma: {id: 2, endpoint: 192.0.2.3}
  delta: {id: 200, endpoint: 192.0.2.4, routes: [10.1.1.7/24]}
  epsilon: {id: 300, endpoint: 192.0.2.4, publicKey: short}
  zeta: {id: 6, endpoint: 192.0.2.5}
  eta: {id: 1000, endpoint: 192.0.2.6}
subnets:
  one: {cidr: 10.5.0.0/16, hosts: [zeta]}
  two: {cidr: 10.5.1.0/24, hosts: [zeta]}
  three: {cidr: 10.6.0.0/24, hosts: [zeta], gateway: 10.7.0.1}
  four: {cidr: 10.8.0.0/24, hosts: [zeta], bridge: "br#0"}
  five: {vxlan: {vni: 0}, hosts: all}
bgp: {asn: 4294967295}
guard: {allowFrom: [nowhere]}
`;
    expect(compileText(text).diagnostics.map((each) => each.code)).toEqual([
      "key-unknown",
      "value-range",
      "member-unknown",
      "value-type",
      "prefix-overlap",
      "value-range",
      "value-choice",
      "endpoint-malformed",
      "id-duplicate",
      "prefix-host-bits",
      "public-key-malformed",
      "public-key-missing",
      "public-key-missing",
      "id-outside-pool",
      "id-outside-pool",
      "prefix-overlap",
      "gateway-outside-subnet",
      "interface-name-malformed",
      "value-range",
      "value-range",
      "prefix-malformed",
    ]);
  });
});

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const key = (name: string): string | number => (Array.isArray(value) ? Number(name) : name);
  const inner = Object.entries(value).flatMap(([name, each]) => pathsIn(each, [...path, key(name)]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** A copy with a value of a type that nothing in the language has, and with the key itself misspelt. */
function broken(whole: unknown, path: Path, isKey: boolean): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return [[]];
  const entries = Object.entries(whole as object).map(([name, value]) => {
    if (name !== String(key)) return [name, value] as const;
    if (isKey && rest.length === 0) return [`${name}%`, value] as const;
    return [name, broken(value, rest, isKey)] as const;
  });
  return Array.isArray(whole) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

const scenarios = listFixtures().filter(({ kind }) => kind !== "err");

// A mistake takes away what it stands in; whatever else is said then, the user would seek in vain.
test.each(scenarios)("$name: one mistake anywhere brings about no other", (fixture) => {
  const whole = parseDocument(sourceOf(fixture).text).toJS() as Record<string, unknown>;
  if (Object.keys(whole.hosts as object).length > 50) return;
  const compiled = (value: unknown) => compile({ name: "t.yaml", text: JSON.stringify(value) });
  const known = new Set(compiled(whole).diagnostics.map(({ code }) => code));
  for (const path of pathsIn(whole)) {
    for (const isKey of typeof path.at(-1) === "string" ? [false, true] : [false]) {
      const { diagnostics, files } = compiled(broken(whole, path, isKey));
      const surplus = diagnostics.filter(({ code }) => !known.has(code) && !OF_THE_TEXT.has(code));
      expect(
        surplus.map(({ message }) => message),
        path.join("."),
      ).toEqual([]);
      expect(files.length, path.join(".")).toBe(0);
    }
  }
});

/** What is said of a value by itself, or of a name for which there is nothing. */
const OF_THE_TEXT: ReadonlySet<string> = new Set([
  "key-unknown",
  "key-missing",
  "language-version-unknown",
  "value-type",
  "value-choice",
  "value-range",
  "list-empty",
  "name-malformed",
  "address-malformed",
  "prefix-malformed",
  "endpoint-malformed",
  "public-key-malformed",
  "interface-name-malformed",
  "text-malformed",
  "extra-refused",
  "host-unknown",
  "site-unknown",
  "vrf-unknown",
  "member-unknown",
]);
