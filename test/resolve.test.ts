import { describe, expect, test } from "vitest";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";

const POOL = "wireguard: {addresses: [10.250.0.0/24]}\n";
const TWO = "hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: 192.0.2.2}\n";

/** The peers of a host as their ids say. */
const peersOf = (body: string, host: string): readonly string[] =>
  hostOf(modelOf(body), host).interfaces[0]?.peers ?? [];

describe("who dials and who keeps alive", () => {
  const pair = (alpha: string, beta: string): string =>
    `${POOL}sites: {s: }\nhosts:\n  alpha: {id: 1, ${alpha}}\n  beta: {id: 2, ${beta}}\n`;
  test.each([
    ["both can be dialled", "endpoint: 192.0.2.1", "endpoint: 192.0.2.2", ["beta"], ["alpha"]],
    ["one has no endpoint", "endpoint: 192.0.2.1", "behindNat: true", ["beta"], ["alpha:keepalive"]],
    [
      "a forwarded port",
      "endpoint: 192.0.2.1",
      'endpoint: "192.0.2.2:999", behindNat: true',
      ["beta"],
      ["alpha:keepalive"],
    ],
    [
      "two forwarded ports",
      "endpoint: 192.0.2.1, behindNat: true",
      "endpoint: 192.0.2.2, behindNat: true",
      ["beta:keepalive"],
      ["alpha:keepalive"],
    ],
    [
      "inside one site",
      "site: s, endpoint: 192.0.2.1, lanEndpoint: 192.168.0.1, behindNat: true",
      "site: s, endpoint: 192.0.2.2, lanEndpoint: 192.168.0.2, behindNat: true",
      ["beta:lan"],
      ["alpha:lan"],
    ],
    [
      "inside one site, one LAN address, one NAT",
      "site: s, lanEndpoint: 192.168.0.1, behindNat: true",
      "site: s, endpoint: 192.0.2.2, behindNat: true",
      ["beta:passive"],
      ["alpha:lan:keepalive"],
    ],
  ])("%s", (_, alpha, beta, ofAlpha, ofBeta) => {
    const body = pair(alpha, beta);
    expect(peersOf(body, "alpha")).toEqual(ofAlpha);
    expect(peersOf(body, "beta")).toEqual(ofBeta);
  });

  test("two hosts behind NATs of their own cannot meet, and both are named", () => {
    const [message] = messagesOf(pair("behindNat: true", "behindNat: true"));
    expect(message).toMatch(/^pair-cannot-meet: alpha and beta can never meet/);
  });

  const IPV4 = "endpoint: 192.0.2.1, families: 4";
  test.each([
    ["no port of it is forwarded", "behindNat: true, site: s", "behindNat: true, site: s", "pair-cannot-meet"],
    ["two sites", `${IPV4}, behindNat: true, site: s`, "families: 6, behindNat: true, site: t", "pair-families-apart"],
    ["no site", `${IPV4}, behindNat: true`, "families: 6, behindNat: true", "pair-families-apart"],
    ["only the second", `${IPV4}, site: s`, "families: 6, behindNat: true, site: s", "pair-families-apart"],
    ["only the first", `${IPV4}, behindNat: true, site: s`, "families: 6, site: s", "pair-families-apart"],
    ["only the first, elsewhere", `${IPV4}, behindNat: true, site: t`, "families: 6, site: s", "pair-families-apart"],
  ])("what is no matter of one NAT is not laid to it: %s", (_, alpha, beta, code) => {
    const found = messagesOf(pair(alpha, beta).replace("{s: }", "{s: , t: }"));
    expect(found).toEqual([expect.stringMatching(`^${code}: alpha and beta `)]);
  });

  test("while a hub has a mistake of its own, nobody is told that it cannot meet another", () => {
    const hub = (endpoint: string): string =>
      `wireguard: {addresses: [10.250.0.0/24], hubs: [alpha]}\nhosts:\n  alpha: {id: 1, endpoint: ${endpoint}}\n  beta: {id: 2}\n  gamma: {id: 3}\n`;
    expect(messagesOf(hub("192.0.2.1"))).toEqual([]);
    expect(messagesOf(hub("192.0.2.300"))).toEqual([expect.stringMatching(/^endpoint-malformed: /)]);
    const gateway = `${POOL}sites: {s: {gateways: [alpha]}}\nhosts:\n  alpha: {id: 1, site: s, endpoint: 192.0.2.300}\n  beta: {id: 2, site: s}\n  gamma: {id: 3}\n`;
    expect(messagesOf(gateway)).toEqual([expect.stringMatching(/^endpoint-malformed: /)]);
  });

  test("two forwarded ports of one NAT: the way out and in again is not counted on", () => {
    const nat = "behindNat: true, site: s";
    const [message] = messagesOf(pair(`endpoint: 192.0.2.1, ${nat}`, `endpoint: "192.0.2.1:5", ${nat}`));
    expect(message).toMatch(/^pair-behind-one-nat: alpha and beta are both behind the NAT of s/);
  });

  test("a mesh without any endpoint reports some pairs, not all", () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${index + 1}`);
    const keys = Object.fromEntries(names.map((name, index) => [name, Buffer.alloc(32, index + 1).toString("base64")]));
    const hosts = names.map((name, index) => `  ${name}: {id: ${index + 1}}\n`).join("");
    expect(messagesOf(`${POOL}hosts:\n${hosts}`, keys)).toHaveLength(50);
  });
});

describe("keys from files", () => {
  test("a key in the topology goes before one from a file", () => {
    const key = Buffer.alloc(32, 7).toString("base64");
    const model = compileText(`${POOL}hosts:\n  alpha: {id: 1, publicKey: "${key}"}\n`).model;
    expect(model?.hosts[0]?.publicKey).toBe(key);
  });

  test.each([["short"], [`${"A".repeat(43)}=`]])("%j is refused, with the host", (key) => {
    const [message] = messagesOf(`${POOL}hosts:\n  alpha: {id: 1}\n`, { alpha: key });
    expect(message).toMatch(/^public-key-malformed: the public key of alpha/);
  });

  test("two hosts whose files hold one key are told apart from each other", () => {
    const key = Buffer.alloc(32, 7).toString("base64");
    const found = messagesOf(POOL + TWO, { alpha: key, beta: key });
    expect(found).toEqual([
      "public-key-duplicate: alpha and beta have the same public key; WireGuard knows a peer by its key alone",
    ]);
  });

  test("a name that every object has is no key", () => {
    expect(messagesOf(`${POOL}hosts:\n  constructor: {id: 1}\n`)).toEqual([
      "public-key-missing: constructor has no public key",
    ]);
  });
});

describe("addresses", () => {
  test("id n is network + n of each pool; a pin goes before", () => {
    const model = modelOf(
      'wireguard: {addresses: [10.250.0.0/24, "fd00::/64"]}\nhosts:\n  alpha: {id: 10, addresses: ["fd00::1:0"]}\n',
    );
    expect(hostOf(model, "alpha").interfaces[0]?.addresses).toEqual([
      { address: "10.250.0.10", lengthBits: 24 },
      { address: "fd00::1:0", lengthBits: 64 },
    ]);
  });

  test("VXLAN and BGP have that of IPv4 where there is one, whatever the order of the pools", () => {
    const made = (pools: string) =>
      modelOf(
        `wireguard: {addresses: ${pools}}\n${TWO}subnets: {s: {vxlan: {vni: 100}, hosts: all}}\nbgp: {asn: 65000}\n`,
      );
    const beta = hostOf(made('["fd00::/64", 10.250.0.0/24]'), "beta");
    expect(beta.vtep).toBe("10.250.0.2");
    expect(beta.bgp).toMatchObject({ routerId: "10.250.0.2", updateSource: "10.250.0.2" });
  });

  test.each([
    ["10.250.0.0/30", 3, 2],
    ["10.250.0.0/31", 2, 1],
    ["fd00::/120", 256, 255],
  ])("in %s the id %i has no address, %i is the last", (pool, id, last) => {
    const [message] = messagesOf(`wireguard: {addresses: ["${pool}"]}\nhosts:\n  alpha: {id: ${id}}\n`);
    expect(message).toBe(
      `id-outside-pool: alpha has the id ${id}, which has no address in ${pool}: ids there go from 1 to ${last}`,
    );
    expect(modelOf(`wireguard: {addresses: ["${pool}"]}\nhosts:\n  alpha: {id: ${last}}\n`).hosts).toHaveLength(1);
  });

  test("a host without an address has no VTEP and speaks no BGP, and nothing breaks", () => {
    const body =
      "wireguard: {addresses: [10.250.0.0/30]}\nhosts:\n  alpha: {id: 9}\nsubnets: {s: {vxlan: {vni: 5}, hosts: all}}\nbgp: {asn: 65000}\n";
    const { model } = compileText(body);
    expect(model?.hosts[0]).toMatchObject({ vtep: undefined, vxlans: [], bgp: { kind: "none" } });
  });
});

describe("segments", () => {
  const segment = (rest: string, more = ""): string =>
    `${POOL}${TWO}subnets:\n  s: {vxlan: {vni: 100}, hosts: all${rest}}\n${more}`;

  test("static flooding lists the other VTEPs, EVPN none", () => {
    expect(hostOf(modelOf(segment("")), "alpha").vxlans[0]?.flooding).toEqual({
      kind: "static",
      remotes: ["10.250.0.2"],
    });
    expect(hostOf(modelOf(segment("", "bgp: {asn: 1}\n")), "alpha").vxlans[0]?.flooding).toEqual({
      kind: "evpn",
      suppressesNeighbors: false,
    });
  });

  test("MACs: role, VNI, id; a shared gateway has id 0; no two collide", () => {
    const shared = segment(", cidr: 10.77.0.0/24, gateway: 10.77.0.1, isolated: true", "bgp: {asn: 1}\n");
    const model = modelOf(shared);
    expect(model.hosts.map((host) => host.bridges[0]?.macAddress)).toEqual(["02:00:00:64:00:00", "02:00:00:64:00:00"]);
    expect(model.hosts.map((host) => host.vxlans[0]?.macAddress)).toEqual(["fe:00:00:64:00:01", "fe:00:00:64:00:02"]);
  });

  test("a gateway on one host leads there; an isolated one leads nowhere", () => {
    const one = ", cidr: 10.77.0.0/24, gateway: {alpha: 10.77.0.1}";
    expect(hostOf(modelOf(segment(one)), "alpha").ownedPrefixes.map((each) => each.prefix)).toEqual(["10.77.0.0/24"]);
    expect(hostOf(modelOf(segment(`${one}, isolated: true`)), "alpha").ownedPrefixes).toEqual([]);
  });

  test("where one host alone is on it, its gateway is as any other: nobody shares it, and nobody has to be told of it", () => {
    const alone = (gateway: string) =>
      hostOf(
        modelOf(segment(`, cidr: 10.77.0.0/24, gateway: ${gateway}`, "bgp: {asn: 1}\n").replace("all", "[alpha]")),
        "alpha",
      );
    const shared = alone("10.77.0.1");
    expect(shared.bridges).toMatchObject([{ macAddress: "02:00:00:64:00:01", isSharedGateway: false }]);
    expect(shared.ownedPrefixes.map(({ prefix }) => prefix)).toEqual(["10.77.0.0/24"]);
    for (const { bgp } of [shared, alone("{alpha: 10.77.0.1}")]) expect(bgp).toMatchObject({ vnis: [] });
  });

  test("each of several gateways masquerades for those who leave by it", () => {
    const own = ["10.77.0.0/24 eth0"];
    const snat = (gateway: string) =>
      modelOf(
        `hostDefaults: {uplink: eth0}\n${segment(`, cidr: 10.77.0.0/24, gateway: ${gateway}, isolated: true, snat: true`)}bgp: {asn: 1}\n`,
      ).hosts.map((host) => host.snat.map(({ prefix, uplink }) => `${prefix} ${uplink}`));
    expect(snat("10.77.0.1")).toEqual([own, own]);
    expect(snat("{alpha: 10.77.0.1, beta: 10.77.0.2}")).toEqual([own, own]);
    expect(snat("{beta: 10.77.0.2}")).toEqual([[], own]);
  });

  test("the MTU is that of the member with the smallest tunnel, and a segment without members has none to speak of", () => {
    const paths = "underlay: {paths: [{between: [beta, gamma], mtu: 1400}]}\n";
    const hosts = `${TWO}  gamma: {id: 3, endpoint: 192.0.2.3}\n`;
    const model = modelOf(`${POOL}${paths}${hosts}subnets: {s: {vxlan: {vni: 1}, hosts: [alpha, beta]}}\n`);
    expect(model.segments[0]?.mtu).toEqual({
      bytes: 1290,
      computed: 1290,
      pin: undefined,
      limitingPair: ["beta", "gamma"],
    });
    const empty = modelOf(`${POOL}sites: {s: }\n${TWO}subnets: {none: {vxlan: {vni: 1}, hosts: [s]}}\n`);
    expect(empty.segments[0]).toMatchObject({ members: [], mtu: { limitingPair: ["", ""] } });
  });

  test("only gateways that others must find are announced", () => {
    const announced = (rest: string) =>
      modelOf(segment(`, cidr: 10.77.0.0/24, ${rest}`, "bgp: {asn: 1}\n")).hosts.map((host) =>
        host.bgp.kind !== "none" ? host.bgp.vnis.map((each) => each.advertise) : [],
      );
    expect(announced("gateway: {alpha: 10.77.0.1}")).toEqual([["default-gateway"], []]);
    expect(announced("gateway: {alpha: 10.77.0.1, beta: 10.77.0.2}, isolated: true")).toEqual([["svi-ip"], ["svi-ip"]]);
    expect(announced("gateway: 10.77.0.1, isolated: true")).toEqual([[], []]);
    expect(announced("gateway: none")).toEqual([[], []]);
  });
});

describe("BGP", () => {
  const fleet = (bgp: string): string =>
    `${POOL}${TWO}  gamma: {id: 3, endpoint: 192.0.2.3}\nsubnets: {s: {vxlan: {vni: 1}, hosts: [alpha, beta]}}\nbgp: ${bgp}\n`;
  const neighbours = (bgp: string) =>
    Object.fromEntries(
      modelOf(fleet(bgp)).hosts.map((host) => [
        host.name,
        host.bgp.kind !== "none"
          ? host.bgp.neighbours.map((each) => each.host + (each.isClient ? "*" : ""))
          : undefined,
      ]),
    );

  test("without reflectors all VTEPs peer; a host that is none does not speak", () => {
    expect(neighbours("{asn: 65000}")).toEqual({ alpha: ["beta"], beta: ["alpha"], gamma: undefined });
  });

  test("where nothing is stretched nobody speaks, the reflectors included", () => {
    const speakers = (wireguard: string, reflectors: string) =>
      modelOf(
        `wireguard: {addresses: [10.250.0.0/24]${wireguard}}\nbgp: {asn: 65000${reflectors}}\n${TWO}  gamma: {id: 3}\n`,
      )
        .hosts.filter(({ bgp }) => bgp.kind !== "none")
        .map(({ name }) => name);
    expect(speakers("", ", routeReflectors: [beta]")).toEqual([]);
    expect(speakers(", shape: hub-and-spoke, hubs: [alpha]", "")).toEqual([]);
  });

  test("a client peers with reflectors only, and reflectors with all", () => {
    expect(neighbours("{asn: 65000, routeReflectors: [gamma]}")).toEqual({
      alpha: ["gamma"],
      beta: ["gamma"],
      gamma: ["alpha*", "beta*"],
    });
    expect(neighbours("{asn: 65000, routeReflectors: [gamma, alpha]}")).toEqual({
      alpha: ["beta*", "gamma"],
      beta: ["alpha", "gamma"],
      gamma: ["alpha", "beta*"],
    });
  });

  test("BFD is off unless asked for, and has defaults of its own", () => {
    expect(modelOf(fleet("{asn: 1}")).bgp).toMatchObject({ bfd: { kind: "none" } });
    expect(modelOf(fleet("{asn: 1, bfd: {}}")).bgp).toMatchObject({
      bfd: { kind: "on", intervalMs: 1000, multiplier: 5 },
    });
    expect(modelOf(fleet("{asn: 1, bfd: {intervalMs: 300, multiplier: 3}}")).bgp).toMatchObject({
      bfd: { kind: "on", intervalMs: 300, multiplier: 3 },
    });
  });
});

describe("routed subnets", () => {
  test("each host owns its slice; the gateway is its first address, or what was given", () => {
    const body = `${POOL}${TWO}subnets:\n  p: {cidr: 10.2.0.0/16, perHost: 24, hosts: all, gateway: {beta: 10.2.2.9}}\n  q: {cidr: 10.3.0.0/16, perHost: 24, hosts: all}\n`;
    const beta = hostOf(modelOf(body), "beta");
    expect(beta.ownedPrefixes.map((each) => each.prefix)).toEqual(["10.2.2.0/24", "10.3.2.0/24"]);
    expect(beta.bridges.map((each) => each.addresses)).toEqual([
      [{ address: "10.2.2.9", lengthBits: 24 }],
      [{ address: "10.3.2.1", lengthBits: 24 }],
    ]);
  });

  test("a subnet of single addresses has no gateway and so no bridge", () => {
    const alpha = hostOf(modelOf(`${POOL}${TWO}subnets: {p: {cidr: 10.2.0.0/24, perHost: 32, hosts: all}}\n`), "alpha");
    expect(alpha.bridges).toEqual([]);
    expect(alpha.ownedPrefixes.map((each) => each.prefix)).toEqual(["10.2.0.1/32"]);
  });

  test("gateway none leaves a bare route, unless there is something to put into a bridge", () => {
    const bridges = (rest: string) =>
      hostOf(modelOf(`${POOL}${TWO}subnets: {p: {cidr: 10.2.0.0/24, hosts: [alpha], gateway: none${rest}}}\n`), "alpha")
        .bridges;
    expect(bridges("")).toEqual([]);
    expect(bridges(", ports: {alpha: [eno2]}")).toMatchObject([{ name: "br-p", ports: ["eno2"], addresses: [] }]);
    expect(bridges(", bridge: vmbr9")).toMatchObject([{ name: "vmbr9" }]);
  });

  test("a subnet on several hosts leads to none of them: an endpoint inside it is said once, not of each", () => {
    const inside = TWO.replace("192.0.2.1", "10.2.0.9");
    const found = messagesOf(`${POOL}${inside}subnets: {p: {cidr: 10.2.0.0/24, hosts: all}}\n`);
    expect(found.map((each) => each.split(":")[0])).toEqual(["endpoint-in-overlay", "subnet-several-owners"]);
  });

  test("ports and subnets that are named in another order come to the same", () => {
    const subnet = (name: string, id: number): string =>
      `  ${name}: {cidr: 10.${id}.0.0/24, hosts: [alpha], snat: true, ports: {alpha: [eno${id}2, eno${id}1]}}\n`;
    const body = `${POOL}${TWO.replace("{id: 1", "{id: 1, uplink: eth0")}subnets:\n${subnet("q", 3)}${subnet("p", 2)}`;
    const { bridges, snat } = hostOf(modelOf(body), "alpha");
    expect(bridges.map(({ ports }) => ports)).toEqual([
      ["eno21", "eno22"],
      ["eno31", "eno32"],
    ]);
    expect(snat.map(({ prefix }) => prefix)).toEqual(["10.2.0.0/24", "10.3.0.0/24"]);
  });

  test("a subnet on no host is nobody's", () => {
    const model = modelOf(
      `${POOL}sites: {s: }\n${TWO}subnets: {p: {cidr: 10.2.0.0/24, hosts: [s], gateway: 10.2.0.1}}\n`,
    );
    expect(model.hosts.flatMap((host) => host.bridges)).toEqual([]);
  });
});

describe("what a host forwards", () => {
  const forwards = (alpha: string) =>
    hostOf(modelOf(`${POOL}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1${alpha}}\n`), "alpha").forwards;
  test.each([
    ["nothing behind it", "", { ipv4: false, ipv6: false }],
    ["a prefix behind it", ', routes: ["fd09::/64"]', { ipv4: false, ipv6: true }],
    ["asked for", ", extra: {sysctl: {net.ipv4.ip_forward: 1}}", { ipv4: true, ipv6: false }],
    ["asked for with slashes", ", extra: {sysctl: {net/ipv6/conf/all/forwarding: 1}}", { ipv4: false, ipv6: true }],
    ["asked not to", ", extra: {sysctl: {net.ipv4.ip_forward: 0}}", { ipv4: false, ipv6: false }],
  ])("%s", (_, alpha, expected) => {
    expect(forwards(alpha)).toEqual(expected);
  });
});

test("whom the guard lets in stands in the order of the addresses, whatever that of the file", () => {
  const strangers = "[198.51.100.7, 192.0.2.128/25, 10.0.0.1]";
  const sorted = ["10.0.0.1/32", "192.0.2.128/25", "198.51.100.7/32"];
  const hosts = TWO.replace("{id: 1", `{id: 1, guard: {vxlan: ${strangers}, bgp: ${strangers}, bfd: ${strangers}}`);
  const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: all}}\nbgp: {asn: 65000, bfd: {}}\n";
  const model = modelOf(`${POOL}guard: {allowFrom: ${strangers}}\n${hosts}${segment}`);
  expect(model.guardAllowFrom).toEqual(sorted);
  expect(hostOf(model, "alpha").guardOpen).toEqual({ vxlan: sorted, bgp: sorted, bfd: sorted });
});

describe("paths and ends", () => {
  test("a host alone has the MTU that a first peer would get", () => {
    const mtu = (underlay: string) =>
      hostOf(modelOf(`${POOL}underlay: ${underlay}\nhosts: {alpha: {id: 1}}\n`), "alpha").interfaces[0]?.mtu;
    expect(mtu("{}")).toBe(1420);
    expect(mtu("{ipVersion: 4}")).toBe(1440);
    expect(mtu("{pathMtu: 9000, ipVersion: 6}")).toBe(8920);
  });

  test("paths are sorted, whatever the order of the file", () => {
    const rules =
      "{between: [beta, alpha], mtu: 1490}, {between: [alpha, beta], mtu: 1495}, {between: [alpha, beta], mtu: 1492}";
    const model = modelOf(`${POOL}underlay: {paths: [${rules}]}\n${TWO}`);
    expect(model.underlay.paths.map((each) => each.mtu)).toEqual([1492, 1495, 1490]);
  });

  test("pools of tunnel addresses are none of the overlay's where tunnels have none", () => {
    const model = modelOf(`${POOL.replace("}", ", transit: [10.251.0.0/16]}")}${TWO}`);
    expect(model.prefixes.map(({ prefix }) => prefix)).toEqual(["10.250.0.0/24"]);
    expect(hostOf(model, "alpha").unreachable).toEqual(["10.250.0.0/24"]);
  });

  test("no prefix behind a host is unreachable for the host itself", () => {
    const hosts =
      "hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1, routes: [172.16.0.0/24]}\n  beta: {id: 2, endpoint: 192.0.2.2}\n";
    const model = modelOf(POOL + hosts);
    expect(hostOf(model, "alpha").unreachable).toEqual(["10.250.0.0/24"]);
    expect(hostOf(model, "beta").unreachable).toEqual(["10.250.0.0/24", "172.16.0.0/24"]);
  });
});
