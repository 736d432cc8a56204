import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { contentOf } from "../src/emit/file.ts";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";

const POOL = "wireguard: {addresses: [10.250.0.0/24]}\nhostDefaults: {uplink: eth0}\nbgp: {asn: 65000}\n";
const host = (name: string, id: number, rest = ""): string =>
  `  ${name}: {id: ${id}, endpoint: 192.0.2.${id}${rest}}\n`;
const THREE = `hosts:\n${host("alpha", 1)}${host("beta", 2)}${host("gamma", 3)}`;
const SITES = `sites: {s: , t: }\nhosts:\n${host("alpha", 1, ", site: s")}${host("beta", 2, ", site: t")}${host("gamma", 3, ", site: t")}`;
const GUESTS = "  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all, gateway: 10.77.0.1, vrf: blue}\n";
const exits = (...hosts: readonly string[]): string =>
  `vrfs: {blue: {vni: 5000, exits: [${hosts.map((each) => `{host: ${each}, snat: true}`).join(", ")}]}}\n`;
const NO_EXIT = "vrfs: {blue: {vni: 5000}}\n";

describe("who has an instance of a VRF", () => {
  const members = (body: string) => modelOf(POOL + body).vrfs.map((vrf) => [vrf.name, vrf.members]);

  test("hosts with a subnet of it, a route in it or an exit, and no other", () => {
    const routes = `hosts:\n${host("alpha", 1)}${host("beta", 2, ", routes: [{cidr: 192.168.3.0/24, vrf: blue}]")}${host("gamma", 3)}${host("delta", 4)}`;
    const body = `${routes}${exits("gamma")}subnets:\n  web: {cidr: 10.78.0.0/24, hosts: [alpha], vrf: blue}\n`;
    expect(members(body)).toEqual([["blue", ["alpha", "beta", "gamma"]]]);
  });

  test("VRFs by name, and one that nobody has a part of is on no host", () => {
    const body = `${THREE}vrfs: {red: {vni: 6000}, blue: {vni: 5000}}\nsubnets:\n${GUESTS}`;
    expect(members(body)).toEqual([
      ["blue", ["alpha", "beta", "gamma"]],
      ["red", []],
    ]);
  });
});

test("its VXLAN device takes the port, where there is no segment too", () => {
  const body = POOL.replace("}", ", listenPort: 4789}") + THREE + exits("gamma");
  expect(messagesOf(body).map((each) => each.split(":")[0])).toEqual(["listen-port-taken"]);
});

describe("what an instance is made of", () => {
  const network = modelOf(`${POOL}${THREE}${exits("alpha")}subnets:\n${GUESTS}`);
  const instances = network.hosts.flatMap((each) => each.vrfs);

  test("each host has a router MAC of its own, and they share device names, VNI and MTU", () => {
    expect(instances.map((each) => each.routerMac)).toEqual([
      "22:00:13:88:00:01",
      "22:00:13:88:00:02",
      "22:00:13:88:00:03",
    ]);
    const devices = instances.map(({ bridge, vxlan }) => [bridge, vxlan.name, vxlan.vni, vxlan.mtu]);
    expect(new Set(devices.map(String))).toEqual(new Set(["br5000,vx5000,5000,1390"]));
  });

  test("the gateway is the same everywhere, and in the VRF", () => {
    const bridges = network.hosts.flatMap((each) => each.bridges);
    expect(new Set(bridges.map(({ macAddress, vrf }) => `${macAddress} ${vrf}`))).toEqual(
      new Set(["02:00:00:64:00:00 blue"]),
    );
  });

  test("its prefixes are in nobody's AllowedIPs, and the host's own table holds no unreachable route for them", () => {
    expect(network.peers.flatMap((peer) => peer.allowedIps)).toEqual([
      "10.250.0.1/32",
      "10.250.0.2/32",
      "10.250.0.3/32",
    ]);
    expect(network.hosts.map((each) => each.unreachable)).toEqual(network.hosts.map(() => ["10.250.0.0/24"]));
    expect(network.hosts.flatMap((each) => each.ownedPrefixes)).toEqual([]);
  });

  test("every host with one forwards, its exit masquerades", () => {
    expect(network.hosts.map((each) => each.forwards)).toEqual(network.hosts.map(() => ({ ipv4: true, ipv6: false })));
    expect(hostOf(network, "alpha").snat).toEqual([{ prefix: "10.77.0.0/24", uplink: "eth0" }]);
    expect(hostOf(network, "beta").snat).toEqual([]);
  });

  test("what lies behind the host itself has no unreachable route: FRR would announce it for that", () => {
    const routes = `hosts:\n${host("alpha", 1, ", routes: [{cidr: 192.168.3.0/24, vrf: blue}]")}${host("beta", 2)}`;
    const own = modelOf(`${POOL}${routes}${NO_EXIT}subnets:\n${GUESTS}`);
    expect(hostOf(own, "alpha").vrfs[0]).toMatchObject({ behind: ["192.168.3.0/24"], unreachable: ["10.77.0.0/24"] });
    expect(hostOf(own, "beta").vrfs[0]?.unreachable).toEqual(["10.77.0.0/24", "192.168.3.0/24"]);
  });

  test("a host that is an exit and no more forwards as well", () => {
    const out = modelOf(`${POOL}${THREE}${exits("gamma")}subnets:\n${GUESTS.replace("all", "[alpha, beta]")}`);
    expect(hostOf(out, "gamma")).toMatchObject({ bridges: [], forwards: { ipv4: true, ipv6: false } });
  });

  test("of what lies behind a host each VRF has its own, sorted, and none of it what is in no VRF", () => {
    const ways = "{cidr: 192.168.9.0/24, vrf: blue}, 10.9.0.0/24, {cidr: 192.168.3.0/24, vrf: blue}";
    const body = `hosts:\n${host("alpha", 1, `, routes: [${ways}]`)}${host("beta", 2)}${NO_EXIT}subnets:\n${GUESTS}`;
    const alpha = hostOf(modelOf(POOL + body), "alpha");
    expect(alpha.vrfs.map(({ behind }) => behind)).toEqual([["192.168.3.0/24", "192.168.9.0/24"]]);
    expect(alpha.ownedPrefixes.map(({ prefix }) => prefix)).toEqual(["10.9.0.0/24"]);
  });

  test("IPv6 only where a prefix or the exit has it; an exit without it masquerades none", () => {
    const dual = GUESTS.replace("10.77.0.0/24", '[10.77.0.0/24, "fd77::/64"]').replace(
      "10.77.0.1",
      '[10.77.0.1, "fd77::1"]',
    );
    const both = modelOf(`${POOL}${THREE}${exits("alpha")}subnets:\n${dual}`);
    expect(hostOf(both, "beta").vrfs[0]?.families).toEqual([4, 6]);
    expect(hostOf(both, "alpha").snat.map(({ prefix }) => prefix)).toEqual(["10.77.0.0/24"]);
    const out = modelOf(`${POOL}${THREE}${exits("alpha").replace("snat", "ipv6: true, snat")}subnets:\n${GUESTS}`);
    expect(hostOf(out, "alpha").vrfs[0]).toMatchObject({ families: [4, 6], exit: { families: [4, 6] } });
    expect(hostOf(out, "beta").vrfs[0]?.families).toEqual([4]);
  });

  test("with both families a route of each that stays, each host its own", () => {
    const dual = GUESTS.replace("10.77.0.0/24", '[10.77.0.0/24, "fd77::/64"]').replace(
      "10.77.0.1",
      '[10.77.0.1, "fd77::1"]',
    );
    const hosts = `hosts:\n${host("alpha", 1)}${host("beta", 254)}`;
    expect(modelOf(`${POOL}${hosts}${NO_EXIT}subnets:\n${dual}`).hosts.map(({ vrfs }) => vrfs[0]?.anchors)).toEqual([
      ["10.250.0.1/32", "100::1/128"],
      ["10.250.0.254/32", "100::fe/128"],
    ]);
    expect(instances.map(({ anchors }) => anchors)).toEqual([[], [], []]);
  });

  test("BGP is spoken for a VRF without a segment as well", () => {
    const routed = modelOf(
      `${POOL}${THREE}${NO_EXIT}subnets:\n  web: {cidr: 10.78.0.0/24, hosts: [alpha, ], vrf: blue}\n`,
    );
    expect(routed.hosts.map(({ bgp }) => bgp.kind)).toEqual(["evpn", "none", "none"]);
  });
});

describe("whose exit is taken", () => {
  const others = (body: string) =>
    Object.fromEntries(
      modelOf(body).hosts.map(({ name, vrfs }) => [
        name,
        vrfs[0]?.otherExits.map((each) => `${each.host} ${each.preference}`),
      ]),
    );

  test("those of the site first, then by the order of the file; never the host's own", () => {
    expect(others(`${POOL}${SITES}${exits("alpha", "beta", "gamma")}subnets:\n${GUESTS}`)).toEqual({
      alpha: ["beta 1002", "gamma 1001"],
      beta: ["gamma 1002", "alpha 1001"],
      gamma: ["beta 1002", "alpha 1001"],
    });
  });

  test("last whoever is about to stop, be it as near as it may", () => {
    const drained = SITES.replace(/gamma: \{/, "gamma: {drained: true, ");
    expect(others(`${POOL}${drained}${exits("alpha", "beta", "gamma")}subnets:\n${GUESTS}`)).toEqual({
      alpha: ["beta 1002", "gamma 1001"],
      beta: ["alpha 1002", "gamma 1001"],
      gamma: ["beta 1002", "alpha 1001"],
    });
  });

  test("hosts without a site are near to nobody", () => {
    expect(others(`${POOL}${THREE}${exits("gamma", "alpha")}subnets:\n${GUESTS}`)).toEqual({
      alpha: ["gamma 1001"],
      beta: ["gamma 1002", "alpha 1001"],
      gamma: ["alpha 1001"],
    });
  });

  const strict = (body: string): string => body.replace("exits:", "exitOrder: strict, exits:");
  const orders = (body: string) => modelOf(body).hosts.map(({ vrfs }) => vrfs[0]?.exitOrder);
  const parts = (body: string) => modelOf(body).vrfs[0]?.exits.map(({ partBits }) => partBits);
  const three = `${POOL}${SITES}${exits("alpha", "beta", "gamma")}subnets:\n${GUESTS}`;

  test("in strict order the first of the list by all, each announcing parts of the whole for those behind it", () => {
    expect([orders(three), parts(three)]).toEqual([
      [
        ["alpha", "beta", "gamma"],
        ["beta", "gamma", "alpha"],
        ["gamma", "beta", "alpha"],
      ],
      [0, 0, 0],
    ]);
    expect([orders(strict(three)), parts(strict(three))]).toEqual([
      Array.from({ length: 3 }, () => ["alpha", "beta", "gamma"]),
      [2, 1, 0],
    ]);
    expect(others(strict(three))).toEqual({
      alpha: ["beta 1002", "gamma 1001"],
      beta: ["alpha 1002", "gamma 1001"],
      gamma: ["alpha 1002", "beta 1001"],
    });
    expect(parts(strict(three).replace(/alpha: \{/, "alpha: {drained: true, "))).toEqual([0, 2, 1]);
  });

  test("parts are in the exit's file and in FRR's list, of the families that it carries, and what those before it announce", () => {
    const body = strict(three).replace("{host: beta,", "{host: beta, ipv6: true,");
    const ofParts = (name: string) =>
      linesOf(body, `${name}/etc/netgen/blue.exit`).filter((line) => /^(?:parts|before) /.test(line));
    const lists = (name: string) =>
      linesOf(body, `${name}/etc/frr/frr.conf`).filter((line) => /prefix-list/.test(line));
    expect(["alpha", "beta", "gamma"].map(ofParts)).toEqual([
      ["parts 0.0.0.0/2 64.0.0.0/2 128.0.0.0/2 192.0.0.0/2"],
      ["parts 0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1", "before 0.0.0.0/2 ::/2"],
      ["before 0.0.0.0/1 ::/1 0.0.0.0/2 ::/2"],
    ]);
    expect(lists("beta")).toEqual([
      "ip prefix-list EXIT4-blue seq 1 permit 0.0.0.0/0 le 1",
      "match ip address prefix-list EXIT4-blue",
      "ipv6 prefix-list EXIT6-blue seq 1 permit ::/0 le 1",
      "match ipv6 address prefix-list EXIT6-blue",
    ]);
    expect(lists("gamma")).toContain("match ip address prefix-list DEFAULT");
  });

  test("its mark is made of the AS, the VRF and the host's id", () => {
    const { vrfs } = modelOf(`${POOL}${THREE}${exits("gamma")}subnets:\n${GUESTS}`);
    expect(vrfs[0]?.exits.map(({ tag }) => tag)).toEqual(["65000:5000:3"]);
  });
});

test("an exit is in the VRF itself where that is asked for, by its addresses of the families that both have", () => {
  const local = exits("alpha", "beta").replace("{host: alpha,", "{host: alpha, ipv6: true, localRouting: true,");
  const ownAddresses = (pools: string) =>
    modelOf(`${POOL.replace("10.250.0.0/24", pools)}${THREE}${local}subnets:\n${GUESTS}`).hosts.map(({ vrfs }) =>
      vrfs.flatMap((vrf) => vrf.ownAddresses.map(({ address, lengthBits }) => `${address}/${lengthBits}`)),
    );
  expect(ownAddresses("10.250.0.0/24")).toEqual([["10.250.0.1/32"], [], []]);
  expect(ownAddresses('"fd00::/64", 10.250.0.0/24')).toEqual([["10.250.0.1/32", "fd00::1/128"], [], []]);
  // Of guests without IPv6 none is let in by it.
  const body = `${POOL.replace("10.250.0.0/24", '10.250.0.0/24, "fd00::/64"')}${THREE}${local}subnets:\n${GUESTS}`;
  expect(linesOf(body, "alpha/etc/netgen/netgen.nft").filter((line) => /daddr .* return$/.test(line))).toEqual([
    'iifname "blue" ip saddr 10.77.0.0/24 ip daddr 10.250.0.1 return',
  ]);
});

test("an exit that asks whether it works asks the other exits of its own VRF, where there are any", () => {
  const body = `${POOL}${THREE}${host("delta", 4)}vrfs:
  blue: {vni: 5000, exits: [{host: alpha, probe: 9.9.9.9, reach: [10.7.0.53, 10.7.0.54]}, {host: beta, probe: 9.9.9.9}, {host: gamma}]}
  red: {vni: 6000, exits: [{host: delta, interface: eth1, probe: 9.9.9.9}, {host: alpha, interface: eth1, probe: 9.9.9.9}]}
  sole: {vni: 7000, exits: [{host: delta, interface: eth2, probe: 9.9.9.9}]}
`;
  const ofOthers = (path: string): readonly string[] =>
    linesOf(body, path).filter((line) => /^(?:others|turn|reach) /.test(line));
  expect(ofOthers("alpha/etc/netgen/blue.exit")).toEqual([
    "others 10.250.0.2 10.250.0.3",
    "turn 0",
    "reach 10.7.0.53/32 10.7.0.54/32",
  ]);
  expect(ofOthers("alpha/etc/netgen/red.exit")).toEqual(["others 10.250.0.4", "turn 1"]);
  expect(ofOthers("gamma/etc/netgen/blue.exit")).toEqual([]);
  expect(ofOthers("delta/etc/netgen/sole.exit")).toEqual([]);
});

describe("laws", () => {
  const codes = (body: string): readonly string[] => messagesOf(POOL + body).map((each) => each.split(":")[0] ?? "");

  test("two VRFs may have the same addresses, gateways too, and each gateway may be one of several", () => {
    const each = (vrf: string, vni: number): string =>
      `  ${vrf}s: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1, beta: 10.77.0.2}, vrf: ${vrf}}\n`;
    const vrfs = "vrfs: {blue: {vni: 5000, exits: [{host: alpha}]}, red: {vni: 6000, exits: [{host: beta}]}}\n";
    expect(codes(`${THREE}${vrfs}subnets:\n${each("blue", 100)}${each("red", 200)}`)).toEqual([]);
  });

  test("on one exit they may not, nor may one have the default VRF's there; IPv4 and IPv6 never overlap", () => {
    const vrfs = "vrfs: {blue: {vni: 5000, exits: [{host: alpha}]}, red: {vni: 6000, exits: [{host: alpha}]}}\n";
    const web = '  web: {cidr: "fd77::/64", hosts: [gamma], vrf: red}\n';
    expect(codes(`${THREE}${vrfs}subnets:\n${GUESTS}${web}`)).toEqual([]);
    const overlapping = "  more: {cidr: 10.77.0.0/16, hosts: [gamma], vrf: red}\n";
    expect(codes(`${THREE}${vrfs}subnets:\n${GUESTS}${overlapping}`)).toEqual(["exit-prefix-overlap"]);
  });

  test("a VRF that nobody has a part of needs no BGP, but says nothing to have it for either", () => {
    const body = "wireguard: {addresses: [10.250.0.0/24]}\nvrfs: {blue: {vni: 5000}}\n";
    expect(messagesOf(`${body}hosts:\n${host("alpha", 1)}${host("beta", 2)}`)).toEqual([]);
  });

  test("an endpoint behind NAT is no address of the host's own", () => {
    const nat = `hosts:\n${host("alpha", 1, ", behindNat: true")}${host("beta", 2)}`;
    const web = (address: string): string => `  web: {cidr: ${address}, hosts: [alpha], vrf: blue}\n`;
    expect(codes(`${nat}${NO_EXIT}subnets:\n${web("192.0.2.0/30")}`)).toEqual([]);
    expect(codes(`${THREE}${NO_EXIT}subnets:\n${web("192.0.2.0/30")}`)).toEqual(["vrf-holds-host-address"]);
  });

  test("a gateway of the default VRF's is an address of the host's own", () => {
    const subnets =
      "  plain: {cidr: 10.9.0.0/24, hosts: [alpha]}\n  web: {cidr: 10.9.0.0/16, hosts: [alpha], vrf: blue}\n";
    expect(codes(`${THREE}${NO_EXIT}subnets:\n${subnets}`)).toEqual(["vrf-holds-host-address"]);
  });

  test("IPv6 needs 1280 bytes between the hosts of a VRF as well", () => {
    const small = POOL.replace("hostDefaults", "underlay: {pathMtu: 1380}\nhostDefaults");
    const web =
      '  web: {cidr: "fd78::/64", hosts: [alpha], vrf: blue}\n  v: {cidr: 10.1.0.0/24, hosts: [beta], vrf: blue}\n';
    const [message] = messagesOf(`${small}${THREE}${NO_EXIT}subnets:\n${web}`);
    expect(message).toMatch(/^mtu-segment-below-ipv6: .*VRF blue.*1270/);
  });

  test("an exit on a host that has mistakes of its own is judged once it is mended", () => {
    const broken = `hosts:\n${host("alpha", 1)}  beta: {id: 0}\n`;
    const found = compileText(`${POOL}${broken}${exits("beta")}subnets:\n${GUESTS}`).diagnostics;
    expect(found.map(({ code }) => code)).toEqual(["value-range"]);
  });
});

test("TCP that enters a VRF by a small link is held to the smallest of them, whichever way the answer leaves", () => {
  const subnets = `${GUESTS}  small: {cidr: 10.78.0.0/24, vxlan: {vni: 101}, mtu: 1300, hosts: all, gateway: 10.78.0.1, vrf: blue}
  web: {cidr: 10.79.0.0/24, hosts: [alpha], vrf: blue}\n`;
  const { files } = compileText(`${POOL}${THREE}${NO_EXIT}subnets:\n${subnets}`);
  const ruleset = must(
    files.find(({ path }) => path === "alpha/etc/netgen/netgen.nft"),
    "alpha has a ruleset",
  );
  const lines = new TextDecoder().decode(contentOf(ruleset)).split("\n");
  const links = 'meta sdifname { "br100", "br101", "br5000" }';
  const syn = "tcp flags & (syn | rst) == syn tcp option maxseg size set";
  expect(lines.filter((line) => line.includes("sdifname")).map((line) => line.trim())).toEqual([
    `${links} meta nfproto ipv4 ${syn} 1260`,
    `${links} meta nfproto ipv6 ${syn} 1240`,
  ]);
});
