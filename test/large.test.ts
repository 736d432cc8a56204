/**
 * Large files, good and bad: each would take hours, or all memory, if anything looked at every thing once for every other.
 * The time is held by the test runner's own limit alone.
 */
import { expect, test } from "vitest";
import { compile, judge } from "../src/compile.ts";

const HEAD = "netgen: 1\nname: many\nwireguard: {addresses: [10.0.0.0/8]}\n";

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => `${line(index + 1)}\n`).join("");

const keyOf = (index: number): string => Buffer.from(String(index).padStart(32, "k")).toString("base64");

/** A host with a mistake in place of a part, or after all. */
const host = (index: number, endpoint = `198.18.${index >> 8}.${index & 255}`, rest = ""): string =>
  `  node${index}: {id: ${index}, endpoint: ${endpoint}, publicKey: "${keyOf(index)}"${rest}}`;

/** How often each code was said. */
function countsOf(text: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { code } of compile({ name: "t.yaml", text }).diagnostics) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

const MANY = 10_000;

test.each([
  // The last of them says how many more there are.
  ["key-unknown", 20, (index: number) => host(index, undefined, ", colour: red")],
  ["endpoint-malformed", MANY, (index: number) => host(index, `"2001:db8::${index}"`)],
  ["site-unknown", MANY, (index: number) => host(index, undefined, `, site: place${index}`)],
  ["prefix-host-bits", MANY, (index: number) => host(index, undefined, ", routes: [172.16.0.1/12]")],
  ["id-duplicate", MANY - 1, (index: number) => host(index).replace(/id: \d+/, "id: 1")],
  ["public-key-duplicate", MANY - 1, (index: number) => host(index).replace(keyOf(index), keyOf(1))],
  ["endpoint-in-overlay", MANY, (index: number) => host(index, `10.${index >> 8}.${index & 255}.1`)],
])("ten thousand hosts, each with the mistake %s", (code, count, line) => {
  expect(countsOf(`${HEAD}hosts:\n${lines(MANY, line)}`)).toEqual({ [code]: count });
});

test("five thousand hosts of as many sites, each mistyped", () => {
  const sites = lines(5000, (index) => `  place${index}: {}`);
  const hosts = lines(5000, (index) => host(index, undefined, `, site: plaec${index}`));
  expect(countsOf(`${HEAD}sites:\n${sites}hosts:\n${hosts}`)).toEqual({ "site-unknown": 5000 });
});

test("two thousand hosts, each with the address of the next behind it", () => {
  const route = (index: number): string => `, routes: [198.18.${(index + 1) >> 8}.${(index + 1) & 255}/32]`;
  const hosts = lines(2000, (index) => host(index, undefined, route(index)));
  expect(countsOf(`${HEAD}hosts:\n${hosts}`)).toEqual({ "lan-in-allowed-ips": 1999 });
});

test("a host with fifty thousand prefixes behind it", () => {
  const prefixes = Array.from({ length: 50_000 }, (_, index) => `"fd00:${(index + 1).toString(16)}::/32"`).join(", ");
  expect(countsOf(`${HEAD}hosts:\n${host(1, undefined, `, routes: [${prefixes}]`)}\n`)).toEqual({});
});

test("twenty thousand statements about one path", () => {
  const paths = lines(20_000, (index) => `    - {between: [node1, node2], mtu: ${1400 + (index % 100)}}`);
  const hosts = lines(2, (index) => host(index));
  expect(countsOf(`${HEAD}underlay:\n  paths:\n${paths}hosts:\n${hosts}`)).toEqual({});
});

test("seven megabytes of hosts: as many as there are ids, and more than any mesh holds", () => {
  const text = `${HEAD}hosts:\n${lines(65_535, (index) => host(index, `h${index}.example.net`))}`;
  expect(text.length).toBeGreaterThan(7_000_000);
  expect(countsOf(text)).toEqual({ "mesh-too-large": 1 });
});

test.each([
  ["a mesh of three thousand hosts", 3000, ""],
  ["ten thousand spokes", MANY, ", shape: hub-and-spoke, hubs: [node1]"],
])("%s with a segment and EVPN", (_, count, shape) => {
  const subnets = "subnets:\n  vms: {cidr: 172.16.0.0/16, vxlan: {vni: 100}, hosts: all}\n";
  const bgp = shape === "" ? "bgp: {asn: 65000, routeReflectors: [node1, node2]}\n" : "bgp: {asn: 65000}\n";
  const head = HEAD.replace("]}", `]${shape}}`);
  const text = `${head}${bgp}hosts:\n${lines(count, (index) => host(index))}${subnets}`;
  const { model, diagnostics } = judge({ name: "t.yaml", text });
  expect(diagnostics).toEqual([]);
  expect(model?.hosts.length).toBe(count);
  expect(model?.hosts[2000]?.interfaces[0]?.peers.length).toBe(shape === "" ? count - 1 : 1);
});

test("a ring of twelve thousand links", () => {
  const count = 12_000;
  const links = lines(count, (index) => `    - [node${index}, node${(index % count) + 1}]`);
  const wireguard = `wireguard:\n  addresses: ["fd00:1::/64"]\n  transit: ["fd00:2::/64"]\n  shape: links\n  links:\n${links}`;
  const text = `netgen: 1\nname: ring\nbgp: {asn: 65000}\n${wireguard}hosts:\n${lines(count, (index) => host(index))}`;
  const { model, diagnostics } = judge({ name: "t.yaml", text });
  expect(diagnostics).toEqual([]);
  expect(model?.hosts.every(({ interfaces }) => interfaces.length === 2)).toBe(true);
});

test("seven megabytes of comment", () => {
  expect(countsOf(`${HEAD}${"# x\n".repeat(1_800_000)}hosts:\n${host(1)}\n`)).toEqual({});
});

test("twenty thousand aliases of one host", () => {
  const text = `${HEAD}hosts:\n  a: &a {id: 1, endpoint: 192.0.2.1, publicKey: "${keyOf(1)}"}\n${lines(20_000, (index) => `  h${index}: *a`)}`;
  expect(countsOf(text)).toEqual({ "id-duplicate": 20_000, "public-key-duplicate": 20_000 });
});
