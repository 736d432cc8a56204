/** What a network becomes where a fixture would be too large a way of saying it. */
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../src/base/diagnostic.ts";
import { must } from "../src/base/invariant.ts";
import { type Compilation, compile } from "../src/compile.ts";
import { emitNetwork } from "../src/emit/index.ts";
import type { Network } from "../src/model/network.ts";
import { testPublicKey } from "./test-keys.ts";

const names = Array.from({ length: 12 }, (_, index) => `host${String(index + 1).padStart(2, "0")}`);
const testKeys = Object.fromEntries(["alpha", "beta", "gamma", ...names].map((name) => [name, testPublicKey(name)]));

interface Parts {
  readonly wireguard?: string;
  readonly hosts?: string;
  readonly rest?: string;
  readonly publicKeys?: Readonly<Record<string, string>>;
}

const ALPHA = "  alpha: {id: 1, endpoint: 198.51.100.1}\n";
const BETA = "  beta: {id: 2, endpoint: 203.0.113.9}\n";
const GAMMA = "  gamma: {id: 3, endpoint: 192.0.2.7}\n";

function compileParts({
  wireguard = "[10.250.0.0/24]",
  hosts = ALPHA + BETA,
  rest = "",
  publicKeys = testKeys,
}: Parts) {
  const text = `netgen: 1\nname: test\nwireguard: {addresses: ${wireguard}}\nhosts:\n${hosts}${rest}`;
  return compile({ name: "topology.yaml", text }, { publicKeys });
}

const codes = ({ diagnostics }: Compilation): readonly string[] => diagnostics.map(({ code }) => code);
const only = ({ diagnostics }: Compilation): Diagnostic => {
  expect(diagnostics).toHaveLength(1);
  return diagnostics[0] as Diagnostic;
};
const modelOf = (compilation: Compilation): Network => {
  expect(compilation.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return must(compilation.model, "there is a model");
};
const hostOf = (network: Network, name: string) =>
  must(
    network.hosts.find((host) => host.name === name),
    `there is a host ${name}`,
  );

describe("public keys that are handed in", () => {
  test("stand in for those that the topology does not have; its own go first", () => {
    const own = testPublicKey("someone else");
    const hosts = `  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "${own}"}\n${BETA}`;
    const network = modelOf(compileParts({ hosts }));
    expect(network.hosts.map(({ publicKey }) => publicKey)).toEqual([own, testKeys.beta]);
  });

  test("a name of JavaScript's own is no key", () => {
    const hosts = `${ALPHA}  constructor: {id: 2, endpoint: 203.0.113.9}\n`;
    expect(codes(compileParts({ hosts }))).toEqual(["public-key-missing"]);
  });

  test.each([
    ["cut off", "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgc"],
    ["of zeros", `${"A".repeat(43)}=`],
    ["not canonical", `${"A".repeat(42)}B=`],
    ["two lines", `${testKeys.beta}\n`],
  ])("one that is %s is refused", (_, key) => {
    expect(only(compileParts({ publicKeys: { ...testKeys, beta: key } })).code).toBe("public-key-malformed");
  });

  test("one that two hosts have is refused", () => {
    const publicKeys = { ...testKeys, beta: testPublicKey("alpha") };
    expect(only(compileParts({ publicKeys }))).toMatchObject({
      code: "public-key-duplicate",
      message: expect.stringContaining("alpha and beta have the same public key"),
    });
  });
});

describe("a host alone", () => {
  test("gets the MTU that a first peer would give it over the default path", () => {
    const mtu = (underlay: string) =>
      modelOf(compileParts({ hosts: ALPHA, rest: underlay })).hosts[0]?.interfaces[0]?.mtu;
    expect(mtu("")).toBe(1420);
    expect(mtu("underlay: {ipVersion: 4}\n")).toBe(1440);
    expect(mtu("underlay: {pathMtu: 9000, ipVersion: 6}\n")).toBe(8920);
  });

  test("its segment is limited by itself, and a mistake there names the sum", () => {
    const segment = "subnets: {guests: {cidr: 'fd77::/64', vxlan: {vni: 100}, hosts: [alpha]}}\n";
    const network = modelOf(compileParts({ hosts: ALPHA, rest: segment }));
    expect(network.segments[0]?.mtu).toEqual({
      bytes: 1370,
      computed: 1370,
      pin: undefined,
      limitingPair: ["alpha", "alpha"],
    });
    const tooSmall = compileParts({ hosts: ALPHA, rest: `${segment}underlay: {pathMtu: 1400}\n` });
    expect(only(tooSmall)).toMatchObject({
      code: "mtu-segment-below-ipv6",
      message: expect.stringContaining("path 1400 - 80 - 50"),
      hint: expect.stringContaining("is 1410"),
    });
  });
});

describe("MTU", () => {
  test("the smallest path decides, wherever in the alphabet its ends are", () => {
    const paths = "underlay: {paths: [{between: [beta, gamma], mtu: 1450}, {between: [gamma, beta], mtu: 1460}]}\n";
    const segment = "subnets: {guests: {vxlan: {vni: 100}, hosts: all}}\n";
    const network = modelOf(compileParts({ hosts: ALPHA + BETA + GAMMA, rest: paths + segment }));
    expect(network.hosts.map(({ interfaces }) => interfaces[0]?.mtu)).toEqual([1440, 1390, 1390]);
    expect(network.segments[0]?.mtu).toMatchObject({ computed: 1340, limitingPair: ["beta", "gamma"] });
  });

  test("paths are sorted, so that the order in which equals are written changes nothing", () => {
    const rules = ["{between: [alpha, beta], mtu: 1492}", "{between: [alpha, beta], mtu: 1480}"];
    const [one, other] = [rules, [...rules].reverse()].map((list) =>
      modelOf(compileParts({ rest: `underlay: {paths: [${list}]}\n` })).underlay.paths.map(({ mtu }) => mtu),
    );
    expect(one).toEqual([1480, 1492]);
    expect(other).toEqual(one);
  });

  test("a default path that is too small for IPv6 is named where it is written", () => {
    const rest = "underlay: {pathMtu: 1300}\n";
    const compilation = compileParts({ wireguard: "['fd00:250::/64']", rest });
    expect(only(compilation)).toMatchObject({
      code: "mtu-wireguard-below-ipv6",
      hint: expect.stringContaining("is 1340"),
    });
  });

  test("so is a pin that takes IPv6 off a segment that would carry it", () => {
    const segment = "subnets: {guests: {cidr: 'fd77::/64', vxlan: {vni: 100}, hosts: all, mtu: 1279}}\n";
    const compilation = compileParts({ rest: segment });
    expect(codes(compilation)).toContain("mtu-segment-below-ipv6");
    const [problem] = compilation.diagnostics.filter(({ severity }) => severity === "error");
    expect(problem?.message).toContain("pinned");
  });
});

describe("who meets whom", () => {
  test("a fleet that forgot its endpoints is told of 50 pairs, not of all", () => {
    const hosts = names.map((name, index) => `  ${name}: {id: ${index + 1}}\n`).join("");
    const compilation = compileParts({ hosts });
    expect(compilation.diagnostics).toHaveLength(50);
    expect(new Set(codes(compilation))).toEqual(new Set(["pair-cannot-meet"]));
  });

  test("behind one NAT, also where only the second has a forwarded port", () => {
    const hosts =
      "  alpha: {id: 1, site: roz, behindNat: true}\n  beta: {id: 2, site: roz, endpoint: 203.0.113.9, behindNat: true}\n";
    expect(only(compileParts({ hosts, rest: "sites: {roz: {}}\n" })).code).toBe("pair-behind-one-nat");
  });

  test("where only one side can dial inside a site, the other has no endpoint for it", () => {
    const beta = "  beta: {id: 2, site: roz, endpoint: 203.0.113.9, behindNat: true}\n";
    const alpha = "  alpha: {id: 1, site: roz, lanEndpoint: 192.168.2.3, behindNat: true}\n";
    const network = modelOf(compileParts({ hosts: alpha + beta, rest: "sites: {roz: {}}\n" }));
    expect(hostOf(network, "alpha").interfaces[0]?.peers).toEqual(["beta:passive"]);
    expect(hostOf(network, "beta").interfaces[0]?.peers).toEqual(["alpha:lan:keepalive"]);
    expect(network.peers.find(({ id }) => id === "beta:passive")?.endpoints).toEqual([]);
  });

  test("two lanEndpoints may be equal in two places, not in one", () => {
    const hosts = (site: string) =>
      `  alpha: {id: 1, site: roz, lanEndpoint: 192.168.2.3, endpoint: 198.51.100.1}\n  beta: {id: 2, ${site}lanEndpoint: 192.168.2.3, endpoint: 203.0.113.9}\n`;
    const sites = "sites: {roz: {}}\n";
    expect(codes(compileParts({ hosts: hosts(""), rest: sites }))).toEqual([]);
    expect(codes(compileParts({ hosts: hosts("site: roz, "), rest: sites }))).toEqual(["endpoint-duplicate"]);
  });
});

describe("subnets", () => {
  const withSubnets = (subnets: string, parts: Parts = {}): Compilation =>
    compileParts({ ...parts, rest: `subnets:\n${subnets}${parts.rest ?? ""}` });

  test("many owners are counted, not all named", () => {
    const hosts = names
      .map((name, index) => `  ${name}: {id: ${index + 1}, endpoint: 192.0.2.${index + 1}}\n`)
      .join("");
    const { message } = only(withSubnets("  vms: {cidr: 10.1.1.0/24, hosts: all}\n", { hosts }));
    expect(message).toContain("12 hosts (host01, host02, host03 and 9 more)");
  });

  test("each host of a split subnet may have a gateway address of its own", () => {
    const network = modelOf(
      withSubnets(
        "  pods: {cidr: 10.2.0.0/16, perHost: 24, hosts: all, gateway: {alpha: 10.2.1.254, beta: 10.2.2.1}}\n",
      ),
    );
    const addresses = network.hosts.map(({ bridges }) => bridges[0]?.addresses);
    expect(addresses).toEqual([[{ address: "10.2.1.254", lengthBits: 24 }], [{ address: "10.2.2.1", lengthBits: 24 }]]);
  });

  test("a gateway outside its host's slice, or on a host that has none, is reported", () => {
    const split = "cidr: 10.2.0.0/16, perHost: 24, hosts: [alpha]";
    const found = withSubnets(`  pods: {${split}, gateway: {alpha: 10.2.2.1, beta: 10.2.2.1}}\n`);
    expect(codes(found)).toEqual(["gateway-outside-subnet", "host-not-member"]);
  });

  test.each([
    ["10.2.0.0/16", 12, "write a prefix length between the two, such as 24"],
    ["10.2.0.0/28", 24, "write a prefix length between the two, such as 32"],
    // One that would be right for either is wrong for the other.
    ['[10.2.0.0/16, "fd02::/28"]', 24, "write a prefix length between the two, such as 32"],
    ['[10.2.0.0/16, "fd02::/48"]', 24, "no length fits 10.2.0.0/16 and fd02::/48: give each host a subnet of its own"],
  ])("what is said of a slice of %s that is /%i long can be done", (cidr, perHost, advice) => {
    const { code, hint } = only(withSubnets(`  pods: {cidr: ${cidr}, perHost: ${perHost}, hosts: all}\n`));
    expect([code, hint?.split(" instead")[0]]).toEqual(["slice-length-wrong", advice]);
  });

  test("a slice of one address has no room for a gateway, and needs none", () => {
    const network = modelOf(withSubnets("  ids: {cidr: 10.2.0.0/24, perHost: 32, hosts: all}\n"));
    expect(network.hosts.map(({ ownedPrefixes }) => ownedPrefixes.map(({ prefix }) => prefix))).toEqual([
      ["10.2.0.1/32"],
      ["10.2.0.2/32"],
    ]);
    expect(network.hosts.flatMap(({ bridges }) => bridges)).toEqual([]);
  });

  test("a gateway of a segment without a range", () => {
    expect(codes(withSubnets("  guests: {vxlan: {vni: 100}, hosts: all, gateway: {alpha: 10.77.0.1}}\n"))).toContain(
      "subnet-without-prefix",
    );
  });

  test("keys that do not go together", () => {
    const conflict = (subnet: string) =>
      codes(withSubnets(`  vms: {${subnet}}\n`, { hosts: ALPHA.replace("}", ", uplink: eth0}") + BETA }));
    expect(conflict("cidr: 10.2.0.0/16, hosts: [alpha], interface: external, gateway: 10.2.0.1")).toEqual([
      "subnet-key-conflict",
    ]);
    expect(conflict("cidr: 10.2.0.0/16, hosts: [alpha], interface: external, gateway: none")).toEqual([]);
    expect(conflict("cidr: 10.2.0.0/16, hosts: [alpha], vxlan: {vni: 7}, snat: true")).toEqual(["subnet-key-conflict"]);
  });

  test("snat is for the hosts that guests leave by", () => {
    const hosts = ALPHA.replace("}", ", uplink: eth0}") + BETA;
    const stretched = "cidr: 10.77.0.0/24, hosts: all, vxlan: {vni: 100}, gateway: {alpha: 10.77.0.1}, snat: true";
    const network = modelOf(withSubnets(`  guests: {${stretched}}\n`, { hosts }));
    expect(network.hosts.map(({ snat }) => snat)).toEqual([[{ prefix: "10.77.0.0/24", uplink: "eth0" }], []]);
  });

  test("a subnet whose hosts have mistakes of their own brings no mistakes of its own", () => {
    const hosts = `  alpha: {endpoint: 198.51.100.1}\n${BETA}`;
    const routed = withSubnets("  vms: {cidr: 10.1.1.0/24, hosts: [alpha], gateway: 10.1.1.1}\n", { hosts });
    expect(codes(routed)).toEqual(["key-missing"]);
    const stretched = "cidr: 'fd77::/64', vxlan: {vni: 100}, hosts: [alpha], gateway: none, mtu: 1300";
    expect(codes(withSubnets(`  guests: {${stretched}}\n`, { hosts }))).toEqual(["key-missing"]);
  });

  test("of two prefixes that overlap, the one further down is the mistake", () => {
    const overlap = (first: string, second: string) =>
      only(withSubnets(`  one: {cidr: ${first}, hosts: [alpha]}\n  two: {cidr: ${second}, hosts: [beta]}\n`)).message;
    expect(overlap("172.16.0.0/12", "172.17.0.0/16")).toMatch(/^172\.17\.0\.0\/16 \(subnet two\)/);
    expect(overlap("172.17.0.0/16", "172.16.0.0/12")).toMatch(/^172\.16\.0\.0\/12 \(subnet two\)/);
    expect(overlap("172.17.0.0/16", "172.17.0.0/16")).toMatch(/^172\.17\.0\.0\/16 \(subnet two\)/);
  });

  test("one host cannot own one prefix twice", () => {
    const hosts = `  alpha: {id: 1, endpoint: 198.51.100.1, routes: [10.1.1.0/24]}\n${BETA}`;
    expect(codes(withSubnets("  vms: {cidr: 10.1.1.0/24, hosts: [alpha]}\n", { hosts }))).toEqual(["prefix-overlap"]);
  });

  test("BFD has an interval and a multiplier where none is given", () => {
    const network = modelOf(
      withSubnets("  guests: {vxlan: {vni: 100}, hosts: all}\n", { rest: "bgp: {asn: 65000, bfd: {}}\n" }),
    );
    expect(network.bgp).toMatchObject({ kind: "evpn", bfd: { kind: "on", intervalMs: 1000, multiplier: 5 } });
  });
});

test("two files of one path are a defect of netgen, and none of them is lost in silence", () => {
  const network = modelOf(compileParts({ hosts: ALPHA }));
  const twice = network.hosts.map((host) => ({ ...host, interfaces: [...host.interfaces, ...host.interfaces] }));
  expect(() => emitNetwork({ ...network, hosts: twice })).toThrow(
    /^two emitters write alpha\/etc\/systemd\/network\/05-netgen-wg0\.network/,
  );
});

describe("ids", () => {
  test.each([
    ["10.250.0.0/30", 2],
    ["10.250.0.0/31", 1],
    ["'fd00:250::/126'", 3],
  ])("in %s go up to %i", (pool, last) => {
    const hosts = `${ALPHA}  beta: {id: 9, endpoint: 203.0.113.9}\n`;
    expect(only(compileParts({ wireguard: `[${pool}]`, hosts })).message).toContain(`from 1 to ${last}`);
  });
});
