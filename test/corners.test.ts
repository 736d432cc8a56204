/** Where shapes, gateways, VRFs and MTUs meet: what no scenario has by itself. */
import { describe, expect, test } from "vitest";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";

const WIREGUARD = "wireguard: {addresses: [10.250.0.0/24]}\n";

describe("the LAN of a site", () => {
  test("what is behind an insider is reached by the LAN from a host without WireGuard", () => {
    const network = modelOf(
      `${WIREGUARD}sites: {rack: {gateways: [alpha]}}\nhosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 10.7.0.1}
  beta: {id: 2, site: rack, lanEndpoint: 10.7.0.2, routes: [10.9.2.0/24]}
  gamma: {id: 3, endpoint: 192.0.2.3}
  vpc: {id: 9, site: rack, wireguard: false, lanEndpoint: 10.7.0.9}\n`,
    );
    const routes = hostOf(network, "vpc").lanRoutes.map(({ prefix, via }) => `${prefix} ${via}`);
    expect(routes).toContain("10.9.2.0/24 10.7.0.2");
    expect(routes).toContain("10.250.0.2/32 10.7.0.2");
  });

  test("a part of it behind the only host that has tunnels there is no mistake", () => {
    const lan = `${WIREGUARD}sites: {rack: {lan: [10.7.0.0/16]}}\nhosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, routes: [10.7.9.0/24]}
  beta: {id: 2, endpoint: 192.0.2.2}\n`;
    expect(messagesOf(lan)).toEqual([]);
    expect(messagesOf(lan.replace("beta: {", "beta: {site: rack, routes: [10.8.0.0/24], "))).toEqual([
      expect.stringMatching(/^lan-in-overlay: 10\.7\.9\.0\/24/),
    ]);
  });

  test("where nobody lives nobody misses it", () => {
    const hosts = "hosts: {alpha: {id: 1, endpoint: 192.0.2.1, routes: [10.7.9.0/24]}}\n";
    expect(messagesOf(`${WIREGUARD}sites: {rack: {lan: [10.7.0.0/16]}}\n${hosts}`)).toEqual([]);
  });
});

describe("two that share an address", () => {
  const pair = (first: string, address = "10.7.0.254/24", second = "10.7.0.2"): string =>
    `${WIREGUARD}sites: {rack: {gateways: [alpha, beta], vrrp: {address: "${address}"}}}\nbgp: {asn: 65000}\nhosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, uplink: eth0${first}}
  beta: {id: 2, site: rack, endpoint: 192.0.2.2, uplink: eth0, lanEndpoint: "${second}"}
  gamma: {id: 3, endpoint: 192.0.2.3}\n`.replace("24]}", "24], transit: [10.251.0.0/16]}");

  test("each needs an address on the LAN by which the other finds it", () => {
    expect(messagesOf(pair(""))).toEqual([expect.stringMatching(/^lan-address-missing: alpha has no lanEndpoint/)]);
  });

  test("and is told so once where it has an interface to the LAN", () => {
    expect(messagesOf(pair(", lanInterface: eth1"))).toEqual([
      expect.stringMatching(/^lan-interface-incomplete: alpha /),
    ]);
  });

  test.each([
    ["10.7.0.254/24", "10.7.0.1", "10.7.0.2", "10.7.0.254/32 dev eth0"],
    ["fd07::fe/64", "[fd07::1]", "[fd07::2]", "fd07::fe/128 dev eth0"],
  ])("have %s as one address and no more: the link has its prefix already", (shared, first, second, line) => {
    const body = pair(`, lanEndpoint: "${first}"`, shared, second);
    expect(linesOf(body, "alpha/etc/keepalived/keepalived.conf")).toContain(line);
  });

  test("an address of the other IP version is beside neither", () => {
    const found = messagesOf(pair(", lanEndpoint: 10.7.0.1", "fd07::fe/64"));
    expect(found).toEqual([
      expect.stringMatching(/^vrrp-address-outside: the shared address fd07::fe\/64 does not lie beside 10\.7\.0\.1/),
    ]);
  });
});

describe("a gateway without WireGuard", () => {
  test("is told so once, and of its LAN address as a host and not as a gateway too", () => {
    const found = messagesOf(`${WIREGUARD}sites: {rack: {gateways: [alpha]}}\nhosts:
  alpha: {id: 1, site: rack, wireguard: false}
  beta: {id: 2, site: rack, wireguard: false, lanEndpoint: 10.7.0.2}
  gamma: {id: 3, endpoint: 192.0.2.3}\n`);
    expect(found).toEqual([
      expect.stringMatching(/^wireguard-needed: alpha /),
      expect.stringMatching(/^lan-address-missing: alpha .*: the gateway sends it/),
    ]);
  });
});

describe("an MTU for each peer", () => {
  const THREE = `hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3}
  delta: {id: 4, endpoint: 192.0.2.4}\n`;
  const paths = (...mtus: readonly number[]): string =>
    `underlay: {pathMtu: 9000, paths: [{between: [alpha, beta], mtu: ${mtus[0]}}, {between: [alpha, gamma], mtu: ${mtus[1]}}]}\n`;
  const PER_PEER = "wireguard: {addresses: [10.250.0.0/24], mtu: per-peer}\n";

  test.each([
    [1500, 1492, "gamma"],
    [1492, 1500, "beta"],
  ])("a segment takes the smallest of several routes: %d and %d", (toBeta, toGamma, least) => {
    const segment = "subnets: {s: {vxlan: {vni: 100}, hosts: all}}\n";
    const [found] = modelOf(PER_PEER + paths(toBeta, toGamma) + THREE + segment).segments;
    expect([found?.mtu.bytes, [...(found?.mtu.limitingPair ?? [])].sort()]).toEqual([1382, ["alpha", least]]);
  });

  test("a host alone, over a path that carries no IPv6, is measured by a first peer", () => {
    const alone = 'underlay: {pathMtu: 1300}\nwireguard: {addresses: ["fd00::/64"]}\nhosts:\n  alpha: {id: 1}\n';
    expect(messagesOf(alone)).toEqual([
      expect.stringMatching(/^mtu-wireguard-below-ipv6: the tunnel between alpha and a first peer carries 1220 bytes/),
    ]);
  });
});

test("what is in a VRF asks nothing of the tunnels between two hubs, nor of hubs that pass packets on", () => {
  const network =
    modelOf(`wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha, beta], transit: [10.251.0.0/24]}
bgp: {asn: 65000}
vrfs: {blue: {vni: 5000}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3}
subnets: {pods: {cidr: "fd00:42::/48", vrf: blue, perHost: 64, hosts: all}}\n`);
  expect(hostOf(network, "alpha").forwards).toEqual({ ipv4: true, ipv6: false });
});

test("a VRF takes no bridge of the user's as its gateway", () => {
  const vrf = (subnet: string): string =>
    `${WIREGUARD}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: 192.0.2.2}
vrfs: {blue: {vni: 5000}}\nbgp: {asn: 65000}\nsubnets:
  s: {cidr: 10.5.0.0/24, vxlan: {vni: 100}, hosts: all, vrf: blue, bridge: {name: vmbr1, existing: true}${subnet}}\n`;
  expect(messagesOf(vrf(", gateway: 10.5.0.1"))).toContainEqual(expect.stringMatching(/^subnet-key-conflict: /));
  expect(messagesOf(vrf(""))).toEqual([]);
});

test("two that meet at several ports are told of the first", () => {
  // alpha is dialled by delta at 51820 + 4, beta by gamma at 51821 + 3.
  const found = messagesOf(`wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: links,
  links: [[alpha, beta], [alpha, gamma], [alpha, delta], [beta, gamma], [beta, delta]]}\nbgp: {asn: 65000}\nhosts:
  alpha: {id: 1, endpoint: "192.0.2.1:51820", behindNat: true}
  beta: {id: 2, endpoint: "192.0.2.1:51821", behindNat: true}
  gamma: {id: 3, endpoint: 192.0.2.3}\n  delta: {id: 4, endpoint: 192.0.2.4}\n`);
  expect(found).toEqual([
    expect.stringMatching(/^tunnel-endpoint-duplicate: alpha and beta are both dialled at 192\.0\.2\.1:51822:/),
  ]);
});

test.each([
  ["left alone where netgen puts nothing on it", "", "", []],
  [
    "left alone where it puts something on another",
    "",
    "  v: {vxlan: {vni: 100}, hosts: [alpha], gateway: none}\n",
    [],
  ],
  ["known to networkd as one where it has a port", ", ports: {alpha: [eth1]}", "", ["20-netgen-vmbr1.netdev"]],
])("an existing bridge is %s", (_, ports, others, expected) => {
  const { files } = compileText(`${WIREGUARD}hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}\n  beta: {id: 2, endpoint: 192.0.2.2}
subnets:\n  s: {cidr: 10.5.0.0/24, hosts: [alpha], bridge: {name: vmbr1, existing: true}${ports}}\n${others}`);
  const names = files.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  expect(names.filter((name) => name.includes("vmbr1"))).toEqual(expected);
});

test("an endpoint on a LAN that is behind its own site's gateway is no endpoint inside the overlay", () => {
  const site = (name: string): string =>
    `${WIREGUARD}sites: {rack: {lan: [10.7.0.0/24], gateways: [alpha]}, other: {}}\nhosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 10.7.0.1}
  beta: {id: 2, site: ${name}, lanEndpoint: 10.7.0.2, endpoint: 192.0.2.2}\n  gamma: {id: 3, endpoint: 192.0.2.3}\n`;
  expect(messagesOf(site("rack"))).toEqual([]);
});

test("an endpoint on a LAN behind another site's gateway is inside the overlay, which is said where the LAN is", () => {
  const body = `${WIREGUARD}sites: {rack: {lan: [10.7.0.0/24], gateways: [alpha]}}\nhosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 10.7.0.1}
  beta: {id: 2, endpoint: 10.7.0.2}\n  gamma: {id: 3, endpoint: 192.0.2.3}\n`;
  const text = `netgen: 1\nname: t\n${body}`;
  const said = compileText(body).diagnostics.map(({ code, span }) => `${code} ${text.slice(span.start, span.end)}`);
  expect(said).toEqual(["lan-in-allowed-ips 10.7.0.0/24"]);
});
