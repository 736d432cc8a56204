import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { endpointText } from "../src/model/reach.ts";
import { compileText, messagesOf } from "./compile-text.ts";
import { testPublicKey } from "./test-keys.ts";

const POOL = "wireguard: {addresses: [10.250.0.0/24]}\n";
const DUAL = 'wireguard: {addresses: [10.250.0.0/24, "fd00::/64"]}\n';
const TWO = "hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: 192.0.2.2}\n";

/** The codes of a topology, and the lines that each points at, its related places behind it. */
function placesOf(body: string): readonly string[] {
  const text = `netgen: 1\nname: t\n${body}`;
  const line = (offset: number): number => text.slice(0, offset).split("\n").length;
  return compileText(body).diagnostics.map(
    ({ code, span, related }) =>
      `${code} ${[span, ...related.map((each) => each.span)].map((each) => line(each.start)).join(" ")}`,
  );
}

describe("addresses and prefixes", () => {
  test("a pin that another host's id has already", () => {
    const hosts =
      "hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: 192.0.2.2, addresses: [10.250.0.1]}\n";
    expect(placesOf(POOL + hosts)).toEqual(["address-duplicate 6 5"]);
  });

  test("an id beyond the pools is not a lack of IPv4 for EVPN as well", () => {
    const rest = "bgp: {asn: 65000}\nsubnets: {s: {vxlan: {vni: 1}, hosts: all}}\n";
    expect(messagesOf(DUAL + TWO.replace("id: 2", "id: 300") + rest)).toEqual([
      expect.stringMatching(/^id-outside-pool: beta has the id 300, which has no address in 10\.250\.0\.0\/24/),
    ]);
    const without = `wireguard: {addresses: ["fd00::/64"]}\n${TWO}${rest}`;
    expect(messagesOf(without)).toEqual([expect.stringMatching(/^evpn-without-ipv4: s would have IPv6 VTEPs/)]);
  });

  test.each([
    ["a pool and a subnet", "subnets: {s: {cidr: 10.250.0.128/25, hosts: [alpha]}}\n"],
    ["two subnets", "subnets: {s: {cidr: 10.1.0.0/16, hosts: [alpha]}, t: {cidr: 10.1.2.0/24, hosts: [beta]}}\n"],
    ["equal subnets", "subnets: {s: {cidr: 10.1.0.0/16, hosts: [alpha]}, t: {cidr: 10.1.0.0/16, hosts: [beta]}}\n"],
    [
      "the wider one written last",
      "subnets: {s: {cidr: 10.1.2.0/24, hosts: [alpha]}, t: {cidr: 10.1.0.0/16, hosts: [beta]}}\n",
    ],
  ])("%s overlap", (_, subnets) => {
    expect(messagesOf(POOL + TWO + subnets)).toEqual([
      expect.stringMatching(/^prefix-overlap: .* overlap; one prefix/),
    ]);
  });

  test("three prefixes inside one are three errors, and neighbours are none", () => {
    const cidrs = ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "10.255.255.0/24", "11.0.0.0/8", "12.0.0.0/8"];
    const subnets = cidrs.map((cidr, index) => `  s${index}: {cidr: ${cidr}, hosts: [alpha]}\n`).join("");
    const found = messagesOf(`wireguard: {addresses: ["fd00::/64"]}\n${TWO}subnets:\n${subnets}`);
    expect(found.map((each) => each.slice(0, 34))).toEqual([
      "prefix-overlap: 10.1.0.0/16 (subne",
      "prefix-overlap: 10.2.0.0/16 (subne",
      "prefix-overlap: 10.255.255.0/24 (s",
    ]);
  });
});

describe("endpoints", () => {
  const three = (alpha: string, beta: string, gamma: string): string =>
    `${POOL}sites: {s: }\nhosts:\n  alpha: {id: 1, ${alpha}}\n  beta: {id: 2, ${beta}}\n  gamma: {id: 3, ${gamma}}\n`;

  test("inside a pool", () => {
    expect(messagesOf(three("endpoint: 10.250.0.9", "endpoint: 192.0.2.2", "endpoint: 192.0.2.3"))).toEqual([
      "endpoint-in-overlay: alpha is dialled at 10.250.0.9, which lies inside 10.250.0.0/24: the tunnel's own packets would go into the tunnel",
    ]);
  });

  test("inside a pool, but dialled by nobody", () => {
    expect(placesOf(`${POOL}hosts: {alpha: {id: 1, endpoint: 10.250.0.9}}\n`)).toEqual([]);
  });

  test("inside a route of its own, which all others follow", () => {
    const body = three(
      "endpoint: 198.51.100.1, routes: [198.51.100.0/24]",
      "endpoint: 192.0.2.2",
      "endpoint: 192.0.2.3",
    );
    expect(placesOf(body)).toEqual(["endpoint-in-overlay 6 6"]);
  });

  test("inside a route of the only host that dials it: for that host it is no overlay", () => {
    const body = `${POOL}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1, behindNat: true}\n  beta: {id: 2, endpoint: 192.0.2.2, routes: [192.0.2.1/32]}\n`;
    expect(placesOf(body)).toEqual([]);
  });

  test("the LAN of a site mate in AllowedIPs, said once and with both places", () => {
    const body = three(
      "site: s, lanEndpoint: 192.168.2.3, endpoint: a.example.net, routes: [192.168.2.0/24]",
      "site: s, lanEndpoint: 192.168.2.4, endpoint: b.example.net",
      "endpoint: 192.0.2.3",
    );
    expect(placesOf(body)).toEqual(["endpoint-in-overlay 6 6", "lan-in-allowed-ips 6 7"]);
  });

  test("inside another host's slice, and so inside the whole subnet, said once", () => {
    const subnet = "subnets: {s: {cidr: 192.0.0.0/16, perHost: 24, hosts: [beta]}}\n";
    const body = three("endpoint: 192.0.2.1", "endpoint: 198.51.100.2", "endpoint: 198.51.100.3") + subnet;
    expect(placesOf(body)).toEqual(["lan-in-allowed-ips 9 6"]);
    // Of a router's address before it the host itself has none.
    expect(placesOf(body.replace("192.0.2.1", "192.0.2.1, behindNat: true"))).toEqual(["endpoint-in-overlay 6 9"]);
  });

  test("inside a prefix that two declare, said once", () => {
    const ends = ["198.51.100.1, routes: [198.51.100.0/24]", "192.0.2.2, routes: [198.51.100.0/24]", "192.0.2.3"];
    const [alpha = "", beta = "", gamma = ""] = ends.map((end) => `endpoint: ${end}`);
    const said = placesOf(three(alpha, beta, gamma));
    expect(said.filter((each) => each.startsWith("endpoint-in-overlay"))).toEqual(["endpoint-in-overlay 6 6"]);
  });

  test("two hosts at one address and port; one LAN address in two sites is none", () => {
    expect(placesOf(three("endpoint: a.example.net", "endpoint: a.example.net", "endpoint: 192.0.2.3"))).toEqual([
      "endpoint-duplicate 7 6",
    ]);
    expect(placesOf(three("endpoint: a.example.net", "endpoint: A.Example.NET", "endpoint: 192.0.2.3"))).toEqual([
      "endpoint-duplicate 7 6",
    ]);
    const lan = (site: string) => `site: ${site}, lanEndpoint: 192.168.0.1, endpoint: ${site}.example.net`;
    const body = `${POOL}sites: {s: , r: }\nhosts:\n  alpha: {id: 1, ${lan("s")}}\n  beta: {id: 2, ${lan("r")}}\n`;
    expect(placesOf(body)).toEqual([]);
    expect(placesOf(body.replace("site: r", "site: s"))).toEqual(["endpoint-duplicate 7 6"]);
  });

  test("a host without a site shares no LAN with anyone", () => {
    const lan = "lanEndpoint: 192.168.0.1";
    expect(
      placesOf(three(`endpoint: a.example.net, ${lan}`, `endpoint: b.example.net, ${lan}`, "endpoint: 192.0.2.3")),
    ).toEqual([]);
  });
});

describe("a host alone", () => {
  const alone = (pool: string): readonly string[] =>
    placesOf(`underlay: {pathMtu: 1300}\n${pool}hosts: {alpha: {id: 1, endpoint: 192.0.2.1}}\n`);

  test("has IPv6 only on an interface that is large enough for a first peer's", () => {
    expect(alone(DUAL)).toEqual(["mtu-wireguard-below-ipv6 3"]);
    expect(alone(POOL)).toEqual([]);
  });
});

describe("interfaces", () => {
  const subnets = (text: string): string => `${POOL}hostDefaults: {uplink: eth0}\n${TWO}subnets:\n${text}`;
  test.each([
    [
      "a bridge and the tunnel",
      "  s: {cidr: 10.1.0.0/24, hosts: [alpha], bridge: wg0}\n",
      'on alpha the interface "wg0" is the WireGuard interface, and the bridge of s as well',
    ],
    [
      "two bridges",
      "  s: {cidr: 10.1.0.0/24, hosts: [alpha], bridge: b}\n  t: {cidr: 10.2.0.0/24, hosts: [alpha], bridge: b}\n",
      'on alpha the interface "b" is the bridge of s, and the bridge of t as well',
    ],
    [
      "a port and the uplink",
      "  s: {cidr: 10.1.0.0/24, hosts: [alpha], ports: {alpha: [eth0]}}\n",
      'on alpha the interface "eth0" is the uplink, and a port of s as well',
    ],
    [
      "a bridge and a vxlan device, said for one of its hosts",
      "  s: {vxlan: {vni: 7}, hosts: all}\n  t: {vxlan: {vni: 8}, hosts: all, bridge: vx7}\n",
      'on alpha the interface "vx7" is the bridge of t, and the vxlan device of s as well',
    ],
    [
      "a bridge and the link that segments are cut up by, of two segments",
      "  s: {vxlan: {vni: 7}, hosts: all, mtu: 1500, fragment: true}\n  t: {vxlan: {vni: 8}, hosts: all, bridge: netgen-cut, mtu: 1500, fragment: true}\n",
      'on alpha the interface "netgen-cut" is the link that segments are cut up by, and the bridge of t as well',
    ],
  ])("%s", (_, text, message) => {
    expect(messagesOf(subnets(text))).toEqual([`interface-name-taken: ${message}`]);
  });

  test("one bridge name on two hosts is two bridges", () => {
    const text =
      "  s: {cidr: 10.1.0.0/24, hosts: [alpha], bridge: b}\n  t: {cidr: 10.2.0.0/24, hosts: [beta], bridge: b}\n";
    expect(messagesOf(subnets(text))).toEqual([]);
  });
});

describe("MTU", () => {
  const segment = (rest: string): string => `subnets: {s: {vxlan: {vni: 1}, hosts: all${rest}}}\n`;

  test("the smallest path that carries IPv6, by the pair that needs it", () => {
    const paths = "underlay: {pathMtu: 1500, paths: [{between: [alpha, beta], mtu: 1320}]}\n";
    expect(messagesOf(DUAL + paths + TWO)).toEqual([
      "mtu-wireguard-below-ipv6: the tunnel between alpha and beta carries 1260 bytes (path 1320 - 60), and IPv6 inside needs 1280: Linux takes the IPv6 address off such an interface",
    ]);
    expect(placesOf(DUAL + paths + TWO)).toEqual(["mtu-wireguard-below-ipv6 4"]);
    expect(messagesOf(DUAL + paths.replace("1320", "1340") + TWO)).toEqual([]);
  });

  test("IPv6 behind a host counts as IPv6 inside", () => {
    const hosts =
      'hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1, routes: ["fd09::/64"]}\n  beta: {id: 2, endpoint: 192.0.2.2}\n';
    expect(messagesOf(`${POOL}underlay: {pathMtu: 1300}\n${hosts}`)[0]).toMatch(/^mtu-wireguard-below-ipv6/);
    expect(messagesOf(`${POOL}underlay: {pathMtu: 1300}\n${TWO}`)).toEqual([]);
  });

  test.each([
    ["IPv4 VTEPs", POOL, 1389, 1390],
    ["tagged", POOL, 1393, 1394],
  ])("a segment with IPv6 over %s: %i is too small, %i will do", (kind, pool, small, enough) => {
    const rest = `, cidr: "fd77::/64"${kind === "tagged" ? ", tagged: true" : ""}`;
    const body = (path: number): string => `${pool}underlay: {pathMtu: ${path}}\n${TWO}${segment(rest)}`;
    const [found] = compileText(body(small)).diagnostics;
    expect(found?.code).toBe("mtu-segment-below-ipv6");
    expect(found?.hint).toContain(`the smallest path that would do is ${enough}`);
    expect(messagesOf(body(enough))).toEqual([]);
  });

  test("a segment on one host alone has the sum of the default path", () => {
    const body = `${POOL}underlay: {pathMtu: 1300, ipVersion: 4}\nhosts: {alpha: {id: 1}}\n${segment(', cidr: "fd77::/64"')}`;
    expect(messagesOf(body)).toEqual([
      "mtu-segment-below-ipv6: s carries 1190 bytes between alpha and alpha (path 1300 - 60 - 50), and IPv6 in it needs 1280",
    ]);
  });

  test("a pin: too large with the sum, equal without a word, lower with a note, too low for IPv6 at the pin", () => {
    const pinned = (mtu: number, more = ""): string => POOL + TWO + segment(`, mtu: ${mtu}${more}`);
    expect(messagesOf(pinned(1391))).toEqual([
      "mtu-pin-too-large: s is pinned to 1391 bytes but carries only 1390 between alpha and beta (path 1500 - 60 - 50)",
    ]);
    expect(messagesOf(pinned(1390))).toEqual([]);
    expect(messagesOf(pinned(1389))).toEqual(["mtu-pin-lower: s is pinned to 1389 bytes; 1390 would fit"]);
    expect(placesOf(pinned(1200, ', cidr: "fd77::/64"'))).toEqual(["mtu-pin-lower 7", "mtu-segment-below-ipv6 7"]);
  });
});

describe("what may be cut up", () => {
  const cut = (rest: string, pool = POOL): string =>
    `${pool}${TWO}subnets: {s: {vxlan: {vni: 1}, hosts: all, fragment: true${rest}}}\n`;

  test.each([
    ["1500", ", mtu: 1500", []],
    ["as much as two packets hold", ", mtu: 2806", []],
    [
      "more than two hold",
      ", mtu: 2807",
      [
        "fragments-too-many: s would be cut into 3 packets at 2807 bytes, where 1390 are whole between alpha and beta (path 1500 - 60 - 50)",
      ],
    ],
    [
      "tagged, more than two hold",
      ", mtu: 2803, tagged: true",
      [
        "fragments-too-many: s would be cut into 3 packets at 2803 bytes, where 1386 are whole between alpha and beta (path 1500 - 60 - 54)",
      ],
    ],
    [
      "what fits",
      ", mtu: 1390",
      ["fragment-unused: s may be cut up in the tunnels, which carry its 1390 bytes whole (1390 would fit)"],
    ],
    [
      "less than fits",
      ", mtu: 1280",
      ["fragment-unused: s may be cut up in the tunnels, which carry its 1280 bytes whole (1390 would fit)"],
    ],
  ])("%s", (_, rest, messages) => {
    expect(messagesOf(cut(rest))).toEqual(messages);
  });

  test("the most that the hint names is what two packets hold", () => {
    for (const tagged of ["", ", tagged: true"]) {
      const hints = compileText(cut(`, mtu: 9000${tagged}`)).diagnostics.map(({ hint }) => hint);
      const most = Number(/"mtu: (\d+)"/.exec(hints.join())?.[1]);
      expect(messagesOf(cut(`, mtu: ${most}${tagged}`))).toEqual([]);
      expect(messagesOf(cut(`, mtu: ${most + 1}${tagged}`))).toHaveLength(1);
    }
  });

  test("between IPv6 addresses only what fits", () => {
    const six = 'wireguard: {addresses: ["fd00:250::/64"]}\n';
    expect(messagesOf(cut(", mtu: 9000", six))).toEqual([
      "fragment-without-ipv4: s cannot be cut up between the IPv6 addresses of alpha and beta: Linux drops such VXLAN packets",
    ]);
    expect(messagesOf(cut(", mtu: 1280", six))[0]).toMatch(/^fragment-unused/);
  });

  test("a size that is a mistake is not taken for none", () => {
    expect(messagesOf(cut(", mtu: 1")).map((each) => each.split(":")[0])).toEqual(["value-range"]);
  });

  test("nobody's segment is not cut up", () => {
    expect(
      messagesOf(`${POOL}${TWO}subnets: {s: {vxlan: {vni: 1}, hosts: [alpha], fragment: true, mtu: 1500}}\n`),
    ).toEqual([]);
  });
});

describe("what a host opens to others", () => {
  const network = (guard: string, rest = ""): string => `
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, guard: ${guard}}
  beta: {id: 2, endpoint: 192.0.2.2}
${rest}`;
  const SEGMENT = "subnets: {s: {vxlan: {vni: 100}, hosts: all}}\n";
  const EVPN = `${SEGMENT}bgp: {asn: 65000`;

  test("is guarded there", () => {
    const unused = (service: string) =>
      `guard-open-unused: alpha opens ${service} to others, and netgen guards none there`;
    const all = "{vxlan: [192.0.2.7], bgp: [192.0.2.8], bfd: [192.0.2.8]}";
    expect(messagesOf(network(all))).toEqual(["vxlan", "bgp", "bfd"].map(unused));
    expect(messagesOf(network(all, SEGMENT))).toEqual(["bgp", "bfd"].map(unused));
    expect(messagesOf(network(all, `${EVPN}}`))).toEqual([unused("bfd")]);
    expect(messagesOf(network(all, `${EVPN}, bfd: {}}`))).toEqual([]);
  });

  test("from hostDefaults on one of the hosts, and is said once", () => {
    const defaults = "hostDefaults: {guard: {vxlan: [0.0.0.0/0]}}\n";
    const hosts = "hosts: {alpha: {id: 1, endpoint: 192.0.2.1}, beta: {id: 2, endpoint: 192.0.2.2}, gamma: {id: 3}}\n";
    const text = (members: string) =>
      `wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha]}\n${defaults}${hosts}${members}`;
    const everybody = expect.stringMatching(/^guard-open: 0\.0\.0\.0\/0 under a host's guard is everybody/);
    expect(messagesOf(text("subnets: {s: {vxlan: {vni: 100}, hosts: [beta, gamma]}}\n"))).toEqual([everybody]);
    expect(messagesOf(text(""))).toEqual([expect.stringMatching(/^guard-open-unused: alpha opens vxlan/), everybody]);
  });
});

describe("several endpoints", () => {
  const network = (alpha: string, beta = "endpoint: 192.0.2.2", rest = "") =>
    `wireguard: {addresses: [10.250.0.0/24]}\nhosts: {alpha: {id: 1, ${alpha}}, beta: {id: 2, ${beta}}}\n${rest}`;

  test.each([
    ["two that are one", "endpoint: [192.0.2.1, '192.0.2.1:51820']", "list-duplicate: the endpoint of alpha names"],
    ["one name in two spellings", "endpoint: [a.example.net, A.Example.net]", "list-duplicate: the endpoint of alpha"],
    ["another host's", "endpoint: [192.0.2.1, 192.0.2.2]", "endpoint-duplicate: alpha and beta are both dialled at"],
    ["a port that is not its own", "endpoint: [192.0.2.1, '192.0.2.1:443']", "endpoint-port-unforwarded: alpha is"],
    [
      "a version that does not come in",
      "families: 4, endpoint: [192.0.2.1, '[2001:db8::1]']",
      "endpoint-without-family: nobody reaches alpha at 2001:db8::1",
    ],
    [
      "a prefix of the overlay",
      "endpoint: [192.0.2.1, 10.250.0.77]",
      "endpoint-in-overlay: alpha is dialled at 10.250.0.77",
    ],
  ])("the second is looked at as the first is: %s", (_, alpha, said) => {
    expect(messagesOf(network(alpha))).toEqual([expect.stringContaining(said)]);
  });

  test("a host that has one IP version alone dials those of it, in order", () => {
    const alpha = "endpoint: ['[2001:db8::1]', alpha.example.net, 192.0.2.1], behindNat: true";
    const { peers, hosts } = must(compileText(network(alpha, "families: 4")).model, "it has no mistake");
    const ids = hosts.map(({ interfaces }) => interfaces.flatMap((link) => link.peers));
    expect(ids).toEqual([["beta"], ["alpha:ipv4:keepalive"]]);
    const places = peers.flatMap(({ endpoints }) => endpoints.map(endpointText));
    expect(places).toEqual(["alpha.example.net:51820", "192.0.2.1:51820"]);
  });

  test("all leaves of a hub dial those of their IP version", () => {
    const rest = "bgp: {asn: 65000}\n";
    const hubs = `wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
hosts:
  alpha: {id: 1, endpoint: [192.0.2.1, '[2001:db8::1]']}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, families: 4}
  delta: {id: 4}
`;
    const { peers } = must(compileText(hubs + rest).model, "it has no mistake");
    const hub = peers.filter(({ id }) => id.startsWith("alpha:hub"));
    expect(hub.map(({ id, endpoints }) => [id, endpoints.length])).toEqual([
      ["alpha:hub", 2],
      ["alpha:hub:ipv4", 1],
    ]);
  });
});

test("two that are one peer have one way out: what differs is said, and nothing that only follows from it", () => {
  const key = `endpoint: 203.0.113.1, publicKey: "${testPublicKey("pair")}", site: s, uplink: eth0`;
  const found = messagesOf(`sites: {s: {wanMtu: 1250, gateways: [alpha, beta], vrrp: {address: 192.168.3.254/24}}}
wireguard: {addresses: ["fd00:250::/64"]}
hosts:
  alpha: {id: 1, ${key}, behindNat: true, families: 4, lanEndpoint: 192.168.3.2}
  beta: {id: 2, ${key}, families: 6, lanEndpoint: 192.168.3.3}
  gamma: {id: 3, endpoint: 198.51.100.3}\n`);
  expect(found.filter((each) => each.startsWith("vrrp-"))).toEqual([
    expect.stringContaining("behindNat is true of alpha and false of beta"),
    expect.stringContaining("families is 4 of alpha and 6 of beta"),
  ]);
});

test("who is dialled by a version that does not come in is told so", () => {
  const codesOf = (families: string, rest: string, ipVersion = "auto") =>
    messagesOf(`
underlay: {ipVersion: ${ipVersion}}
wireguard: {addresses: [10.250.0.0/24]}
hosts: {alpha: {id: 1, families: ${families}, ${rest}}, beta: {id: 2, endpoint: "[2001:db8::2]"}}`).map(
      (each) => each.split(":")[0],
    );
  expect(codesOf("ds-lite", "endpoint: 192.0.2.1")).toEqual(["endpoint-without-family"]);
  expect(codesOf("ds-lite", "endpoint: 192.0.2.1, behindNat: true")).toEqual([]);
  expect(codesOf("464xlat", "endpoint: 192.0.2.1, behindNat: true")).toEqual(["endpoint-without-family"]);
  expect(codesOf("464xlat", "endpoint: a.example.net", "4")).toEqual(["endpoint-without-family"]);
  expect(codesOf("464xlat", "endpoint: a.example.net", "6")).toEqual([]);
  expect(codesOf("464xlat", "endpoint: a.example.net")).toEqual([]);
  const hubs = (families: string) =>
    messagesOf(`
wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha, beta], vrrp: {address: 192.0.2.10/24}}
hostDefaults: {uplink: eth0}
hosts:
  alpha: {id: 1, lanEndpoint: 192.0.2.1, families: ${families}, publicKey: "${testPublicKey("hub")}"}
  beta: {id: 2, lanEndpoint: 192.0.2.2, publicKey: "${testPublicKey("hub")}"}
  gamma: {id: 3}`).filter((each) => each.startsWith("endpoint-without-family"));
  expect(hubs("4")).toEqual([]);
  expect(hubs("464xlat")).toEqual([expect.stringContaining("nobody reaches alpha at 192.0.2.10: IPv4")]);
});

test("a host that lacks the version of names cannot dial them", () => {
  const text = (families: string, ipVersion: string, endpoint = "beta.example.net", own = "192.0.2.1") => `
underlay: {ipVersion: ${ipVersion}}
wireguard: {addresses: [10.250.0.0/24]}
hosts: {alpha: {id: 1, endpoint: "${own}"${families}}, beta: {id: 2, endpoint: "${endpoint}"}}`;
  const codes = (...args: Parameters<typeof text>) => messagesOf(text(...args)).map((each) => each.split(":")[0]);
  expect(codes(", families: 4", "6")).toEqual(["families-without-ip-version"]);
  expect(codes(", families: 464xlat", "4", "beta.example.net", "[2001:db8::1]")).toEqual([]);
  expect(codes(", families: 4", "auto")).toEqual([]);
  expect(codes("", "6")).toEqual([]);
  expect(codes(", families: 4", "6", "192.0.2.2")).toEqual([]);
});

test("who lacks the version of the other's endpoint is told of that, and not of a missing endpoint", () => {
  const text = (alpha: string, beta: string, rest = "") => `
wireguard: {addresses: [10.250.0.0/24]${rest}}
hosts: {alpha: {id: 1, ${alpha}}, beta: {id: 2, ${beta}}}`;
  const codes = (...args: Parameters<typeof text>) => messagesOf(text(...args)).map((each) => each.split(":")[0]);
  expect(codes("families: 6", "endpoint: 192.0.2.2")).toEqual(["pair-families-apart"]);
  expect(codes("endpoint: 192.0.2.1", "families: 6")).toEqual(["pair-families-apart"]);
  expect(codes("families: 6", "behindNat: true")).toEqual(["pair-cannot-meet"]);
  const star = ", shape: hub-and-spoke, hubs: [alpha]";
  expect(codes("endpoint: 192.0.2.1", "families: 6", star)).toEqual(["pair-families-apart"]);
});

test("a name is no address: of two that are alike else, a host of the other IP version gets to the one by name alone", () => {
  const found = messagesOf(`underlay: {ipVersion: 4}\nsites: {s: {wanMtu: 1250}}\n${POOL}hosts:
  alpha: {id: 1, site: s, families: 6, behindNat: true}
  beta: {id: 2, site: s, endpoint: beta.example.net, routes: ["fd20::/64"]}
  gamma: {id: 3, site: s, endpoint: 198.51.100.3}\n`);
  expect(found.map((each) => each.replace(/:.*/, ""))).toEqual([
    "mtu-wireguard-below-ipv6",
    "mtu-wireguard-below-ipv6",
    "pair-families-apart",
    "families-without-ip-version",
  ]);
});

describe("on the edge of what is allowed", () => {
  const codesOf = (body: string): readonly string[] => messagesOf(body).map((each) => each.replace(/:.*/, ""));
  const segment = (pathMtu: number, pin = ""): string =>
    `underlay: {pathMtu: ${pathMtu}}\n${POOL}${TWO}subnets: {s: {cidr: ["fd77::/64"], vxlan: {vni: 1}, hosts: all${pin}}}\n`;
  const alone = (pathMtu: number): string =>
    `underlay: {pathMtu: ${pathMtu}}\n${DUAL}hosts: {alpha: {id: 1, endpoint: "[2001:db8::1]"}}\n`;
  const slices = (endpoint: string): string =>
    `${POOL}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: ${endpoint}, behindNat: true}\n` +
    "subnets: {pods: {cidr: 10.64.0.0/16, perHost: 24, hosts: all}}\n";
  const opened = (host: string): string =>
    `${POOL}bgp: {asn: 65000}\n${TWO.replace("{id: 1,", `{id: 1, guard: {vxlan: [192.168.7.0/24]},`)}` +
    `vrfs: {blue: {vni: 500}}\nsubnets: {s: {vxlan: {vni: 1}, hosts: [${host}]}, t: {cidr: 10.7.0.0/24, hosts: [${host}], vrf: blue}}\n`;
  const tenant = (host: string): string =>
    `${POOL}sites: {rack: {lan: [192.168.30.0/24]}}\nbgp: {asn: 65000}\nvrfs: {blue: {vni: 500}}\n` +
    TWO.replace("{id: 1,", "{id: 1, site: rack,").replace(
      `${host}: {`,
      `${host}: {routes: [{cidr: 192.168.30.0/24, vrf: blue}], `,
    );
  const outside = (rest: string): string =>
    `${POOL}sites: {rack: {lan: [192.168.2.0/24], gateways: [alpha]}}\nhosts:\n` +
    "  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 192.168.2.1}\n" +
    `  beta: {id: 2, site: rack, lanEndpoint: 192.168.2.9, endpoint: "192.0.2.9:1"${rest}}\n` +
    "  gamma: {id: 3, endpoint: 192.0.2.3}\n";

  test.each([
    ["a host alone whose first tunnel has 1280 bytes", alone(1360), []],
    ["one whose first tunnel has 1279", alone(1359), ["mtu-wireguard-below-ipv6"]],
    // 60 bytes of WireGuard, 50 of VXLAN.
    ["a segment of 1280 bytes", segment(1390), []],
    ["one of 1279", segment(1389), ["mtu-segment-below-ipv6"]],
    ["one that has the pin for what it carries", segment(1390, ", mtu: 1280"), []],
    ["an endpoint in the dialler's own slice, behind a router of its own", slices("10.64.1.9"), []],
    ["one in nobody's slice", slices("10.64.3.9"), ["endpoint-in-overlay"]],
    ["a service that is guarded for a segment and a VRF", opened("alpha"), []],
    ["one that another host has", opened("beta"), ["guard-open-unused"]],
    ["a host without WireGuard that has an endpoint with a port", outside(", wireguard: false"), []],
    ["one with WireGuard", outside(""), ["endpoint-port-unforwarded"]],
    ["a LAN that a VRF leads to on the host before it", tenant("alpha"), []],
    ["one that it leads to on another host", tenant("beta"), ["lan-in-overlay"]],
  ])("%s", (_, body, codes) => {
    expect(codesOf(body)).toEqual(codes);
  });
});
