/** What the laws say of a topology in which something else is wrong: a host with a mistake of its own is not there for them. */
import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { compileText, messagesOf } from "./compile-text.ts";
import { manyHosts } from "./generated-inputs.ts";

const codesOf = (body: string): readonly string[] => compileText(body).diagnostics.map(({ code }) => code);

const linked = (beta: string): string => `wireguard:
  addresses: [10.250.0.0/24]
  shape: links
  links: [[alpha, beta], [gamma, delta]]
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, ${beta}: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3}
  delta: {id: 4, endpoint: 192.0.2.4}
`;

test("who is joined by links is said once all that are linked can be read", () => {
  expect(codesOf(linked("endpoint"))).toEqual(["links-apart"]);
  expect(codesOf(linked("endpiont"))).toEqual(["key-unknown"]);
});

const gated = (gate: string): string => `wireguard: {addresses: [10.250.0.0/24]}
sites: {north: {gateways: [alpha]}}
hosts:
  alpha: {id: 1, site: north, ${gate}: 192.0.2.1}
  beta: {id: 2, site: north, wireguard: false, lanEndpoint: 192.168.7.2}
  gamma: {id: 3, endpoint: 192.0.2.3}
`;

test("a gateway that cannot be read lacks no address", () => {
  expect(codesOf(gated("endpoint"))).toEqual(["lan-address-missing"]);
  expect(codesOf(gated("endpiont"))).toEqual(["key-unknown"]);
});

test("a host without WireGuard needs no link", () => {
  const sites = "sites: {north: {gateways: [alpha]}}\n";
  const outsider = "  omega: {id: 5, site: north, wireguard: false, lanEndpoint: 192.168.7.5}\n";
  const gate = "id: 1, site: north, lanEndpoint: 192.168.7.1,";
  const body = linked("endpoint").replace("gamma, delta]]", "gamma, delta], [beta, gamma]]").replace("id: 1,", gate);
  expect(codesOf(sites + body + outsider)).toEqual([]);
});

const pair = (subnet: string): string => `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets: {guests: {cidr: 10.1.1.0/24, hosts: all, snat: true, ${subnet}}}
`;

/** What is said, under codes that begin so, of a subnet of one host or two, beside what else the topology has. */
const saidOfGuests =
  (code: string) =>
  (subnet: string, more = ""): readonly string[] =>
    messagesOf(`wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
${more}subnets: {guests: {${subnet}}}
`).filter((each) => each.startsWith(code));

describe("guests are configured by DHCP", () => {
  const saidOf = saidOfGuests("dhcp");
  const said = (subnet: string, more = "") => saidOf(`dhcp: true, ${subnet}`, more);
  const bgp = "bgp: {asn: 65000}\n";
  const vxlan = "cidr: 10.1.1.0/24, hosts: all, vxlan: {vni: 100}";

  test.each([
    ["cidr: 10.1.1.0/24, hosts: [alpha]", undefined],
    ["cidr: [10.1.1.0/24, 'fd00::/64'], hosts: [alpha]", undefined],
    ["cidr: 10.1.0.0/16, perHost: 29, hosts: all", undefined],
    [`${vxlan}, gateway: {beta: 10.1.1.1}`, undefined],
    [
      `cidr: [10.1.1.0/24, 'fd00::/64'], hosts: all, vxlan: {vni: 100}, isolated: true, gateway: {alpha: [10.1.1.1], beta: ['fd00::1']}`,
      undefined,
    ],
    [vxlan, "no host is the gateway of 10.1.1.0/24"],
    ["cidr: 10.1.1.0/24, hosts: [alpha], gateway: none", "no host is the gateway of 10.1.1.0/24"],
    ["cidr: [10.1.1.0/24, 'fd00::/64'], hosts: [alpha], gateway: 'fd00::1'", "no host is the gateway of 10.1.1.0/24"],
    ["cidr: [10.1.1.0/24, 10.1.2.0/24], hosts: [alpha], gateway: [10.1.2.1, 10.1.1.1]", undefined],
    ["cidr: [10.1.1.0/24, 10.1.2.0/24], hosts: [alpha], gateway: 10.1.2.1", "no host is the gateway of 10.1.1.0/24"],
    [`${vxlan}, isolated: true, gateway: {alpha: 10.1.1.1, beta: 10.1.1.2}`, "alpha and beta would give out"],
    ["cidr: 'fd00::/64', hosts: [alpha]", "it has no IPv4 prefix"],
    ["cidr: 10.1.1.0/24, hosts: [alpha], interface: external", "its bridge is another program's"],
    ["cidr: 10.1.1.0/24, hosts: [alpha], bridge: {name: vmbr1, existing: true}", "its bridge is there already"],
    ["cidr: 10.1.1.0/30, hosts: [alpha]", "/30 has no room for it"],
    ["cidr: 10.1.0.0/16, perHost: 30, hosts: all", "/30 has no room for it"],
  ])("%s", (subnet, why) => {
    const expected = why === undefined ? [] : [expect.stringContaining(`by DHCP, and ${why}`)];
    expect(said(subnet)).toEqual(expected);
  });

  test("of several gateways at one address nobody answers, nor in a VRF", () => {
    const shared = said(`${vxlan}, gateway: 10.1.1.1, isolated: true`, bgp);
    expect(shared).toEqual([expect.stringContaining("alpha and beta would give out")]);
    const inside = said(`${vxlan}, gateway: {alpha: 10.1.1.1}, vrf: blue`, `vrfs: {blue: {vni: 5000}}\n${bgp}`);
    expect(inside).toEqual([expect.stringContaining("it is in a VRF")]);
  });

  test.each([
    ["10.1.1.2, 10.1.1.2", "", undefined],
    ["10.1.1.2, 10.1.1.254", "", undefined],
    ["10.1.1.1, 10.1.1.9", "", "the gateway 10.1.1.1 is among them"],
    ["10.1.1.2, 10.1.1.9", ", gateway: 10.1.1.9", "the gateway 10.1.1.9 is among them"],
    ["10.1.1.10, 10.1.1.20", ", gateway: {alpha: 10.1.1.9}", undefined],
    ["10.1.1.2, 10.1.1.255", "", "10.1.1.255 is no host address of 10.1.1.0/24"],
    ["10.1.2.1, 10.1.1.9", "", "10.1.2.1 is no host address of 10.1.1.0/24"],
    ["10.1.1.9, 10.1.1.8", "", "the last comes before the first"],
  ])("the range %s%s", (range, gateway, why) => {
    const body = `cidr: 10.1.1.0/24, hosts: [alpha]${gateway}, dhcp: {range: [${range}]}`;
    const expected = why === undefined ? [] : [expect.stringContaining(`to guests of guests: ${why}`)];
    expect(saidOf(body)).toEqual(expected);
  });

  test("of several prefixes the range says which one is given out", () => {
    const of = (range: string, gateway: string) =>
      saidOf(`cidr: [10.1.1.0/24, 10.1.2.0/24], hosts: [alpha], gateway: [${gateway}], dhcp: {range: [${range}]}`);
    expect(of("10.1.2.2, 10.1.2.9", "10.1.1.1, 10.1.2.1")).toEqual([]);
    expect(of("10.1.2.2, 10.1.2.9", "10.1.1.1")).toEqual([
      expect.stringContaining("no host is the gateway of 10.1.2.0/24"),
    ]);
    expect(of("10.1.2.2, 10.1.2.9", "10.1.1.1, 10.1.2.5")).toEqual([
      expect.stringContaining("the gateway 10.1.2.5 is among them"),
    ]);
    expect(of("10.1.1.9, 10.1.2.9", "10.1.1.1, 10.1.2.1")).toEqual([
      expect.stringContaining("10.1.2.9 is no host address of 10.1.1.0/24"),
    ]);
  });

  test("slices have no range in common, and name servers are IPv4's", () => {
    const sliced = "cidr: 10.1.0.0/16, perHost: 24, hosts: all, dhcp: {range: [10.1.1.2, 10.1.1.9]}";
    expect(saidOf(sliced)).toEqual([expect.stringContaining("each host has a slice of its own")]);
    expect(saidOf("cidr: 10.1.1.0/24, hosts: [alpha], dhcp: {dns: [9.9.9.9, 'fd00::53']}")).toHaveLength(1);
    expect(saidOf("cidr: 10.1.1.0/24, hosts: [nobody], dhcp: true")).toEqual([]);
  });
});

describe("guests are configured by router advertisements", () => {
  const saidOf = saidOfGuests("ra-");
  const said = (subnet: string, more = "") => saidOf(`sendRa: true, ${subnet}`, more);
  const bgp = "bgp: {asn: 65000}\n";
  const vxlan = "cidr: 'fd00::/64', hosts: all, vxlan: {vni: 100}";

  test.each([
    ["cidr: 'fd00::/64', hosts: [alpha]", undefined],
    ["cidr: [10.1.1.0/24, 'fd00::/64', 'fd01::/64'], hosts: [alpha]", undefined],
    ["cidr: 'fd00::/48', perHost: 64, hosts: all", undefined],
    [`${vxlan}, gateway: {beta: 'fd00::1'}`, undefined],
    [
      `cidr: [10.1.1.0/24, 'fd00::/64'], hosts: all, vxlan: {vni: 100}, isolated: true, gateway: {alpha: [10.1.1.1], beta: ['fd00::1']}`,
      undefined,
    ],
    [vxlan, "no host is the gateway of its IPv6 prefixes"],
    [
      "cidr: [10.1.1.0/24, 'fd00::/64'], hosts: [alpha], gateway: 10.1.1.1",
      "no host is the gateway of its IPv6 prefixes",
    ],
    [
      "cidr: [10.1.1.0/24, 'fd00::/64'], hosts: [alpha], gateway: {alpha: 10.1.1.1}",
      "no host is the gateway of its IPv6 prefixes",
    ],
    ["cidr: 'fd00::/64', hosts: [alpha], gateway: none", "no host is the gateway of its IPv6 prefixes"],
    [`${vxlan}, isolated: true, gateway: {alpha: 'fd00::1', beta: 'fd00::2'}`, "each of alpha and beta would call"],
    ["cidr: 10.1.1.0/24, hosts: [alpha]", "it has no IPv6 prefix"],
    ["cidr: 'fd00::/64', hosts: [alpha], interface: external", "its bridge is another program's"],
    ["cidr: 'fd00::/64', hosts: [alpha], bridge: {name: vmbr1, existing: true}", "its bridge is there already"],
  ])("%s", (subnet, why) => {
    const expected = why === undefined ? [] : [expect.stringContaining(`by router advertisements, and ${why}`)];
    expect(said(subnet)).toEqual(expected);
  });

  test("one address on every member is one router; in a VRF there is none", () => {
    expect(said(`${vxlan}, gateway: 'fd00::1', isolated: true`, bgp)).toEqual([]);
    const inside = said(`${vxlan}, gateway: {alpha: 'fd00::1'}, vrf: blue`, `vrfs: {blue: {vni: 5000}}\n${bgp}`);
    expect(inside).toEqual([expect.stringContaining("it is in a VRF")]);
  });

  test("prefixes have 64 bits, and name servers are IPv6's", () => {
    expect(said("cidr: ['fd00::/56', 'fd01::/64', 10.1.1.0/24], hosts: [alpha]")).toEqual([
      expect.stringContaining("cannot make addresses of fd00::/56"),
    ]);
    expect(said("cidr: 'fd00::/48', perHost: 56, hosts: all")).toEqual([expect.stringContaining("these have 56")]);
    expect(saidOf("cidr: 'fd00::/64', hosts: [alpha], sendRa: {dns: [9.9.9.9, 'fd00::53']}")).toHaveLength(1);
    expect(saidOf("cidr: 'fd00::/64', hosts: [nobody], sendRa: true")).toEqual([]);
    expect(saidOf("cidr: 10.1.1.0/24, hosts: [alpha], sendRa: false")).toEqual([]);
  });
});

test("no host lacks an uplink for guests that leave by none", () => {
  expect(codesOf(pair("gateway: {alpha: 10.1.1.1}, vxlan: {vni: 100}"))).toEqual(["snat-without-uplink"]);
  expect(codesOf(pair("gateway: 10.1.1.1, vxlan: {vni: 100}")).filter((code) => code.startsWith("snat"))).toEqual([
    "snat-without-uplink",
    "snat-without-uplink",
  ]);
  expect(codesOf(pair("vxlan: {vni: 100}"))).toEqual(["subnet-key-conflict"]);
  expect(codesOf(pair("bridge: br-guests"))).toEqual(["subnet-several-owners"]);
});

const ported = (hosts: string): string => `wireguard: {addresses: [10.250.0.0/24]}
sites: {north: {}}
hosts:
  alpha: {id: 1, site: north, endpoint: 192.0.2.1}
  beta: {id: 2, site: north, endpoint: 192.0.2.2}
subnets: {guests: {vxlan: {vni: 100}, hosts: ${hosts}, ports: {alpha: [eno2], beta: [eno2]}}}
`;

test("a host that is not on the segment makes no loop", () => {
  expect(codesOf(ported("all"))).toEqual(["ports-in-one-site"]);
  expect(codesOf(ported("[alpha]"))).toEqual(["host-not-member"]);
});

test("keys that the language does not know, one in each of very many mappings, are one cause", () => {
  const keyOf = (host: string): string => Buffer.from(host.padEnd(32, "-")).toString("base64");
  const hosts = manyHosts(3000, "wireguard: {addresses: [10.240.0.0/16]}\n", keyOf);
  const text = hosts.replaceAll("{id:", "{colour: red, id:").replace("name: many", "name: many\ncolour: red");
  const { diagnostics } = compile({ name: "t.yaml", text });
  const unknown = diagnostics.filter(({ code }) => code === "key-unknown");
  expect(unknown.length).toBe(21);
  expect(unknown.at(-1)?.message).toBe('"colour" is no key of hosts.node20; 2980 more behind it are none either');
  expect(diagnostics).toHaveLength(21);
});
