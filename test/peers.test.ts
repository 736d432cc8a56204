/** BGP neighbours of somebody else's: where each may be, what it may be told, and what comes of it where BGP routes. */

import { describe, expect, test } from "vitest";
import { peersOf } from "../src/model/peer.ts";
import { connectedPrefixes } from "../src/ways/routes.ts";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";
import { textOf } from "./fixtures.ts";

const withPeer = (peer: string, more = "bgp: {asn: 65000}\n"): string => `wireguard: {addresses: [10.250.0.0/24]}
sites: {roz: {lan: [192.168.2.0/24], gateways: [alpha]}, wro: {lan: [192.168.3.0/24], gateways: [gamma]}}
hosts:
  alpha: {id: 1, site: roz, endpoint: 192.0.2.1, routes: [10.40.0.0/16], peers: [${peer}]}
  beta: {id: 2, endpoint: 192.0.2.2, routes: [{cidr: 10.0.0.0/8, exceptMoreSpecifics: true}]}
  gamma: {id: 3, site: wro, endpoint: 192.0.2.3}
subnets:
  vms: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1}}
  web: {cidr: 10.78.0.0/22, hosts: [alpha, beta], perHost: 24}
${more}`;

/** What is said under a code that begins so. */
const saidOf = (code: string, body: string): readonly string[] =>
  messagesOf(body).flatMap((message) => (message.startsWith(code) ? [message.replace(/^[a-z-]+: /, "")] : []));

const said = (peer: string, more?: string): readonly string[] => saidOf("peer-", withPeer(peer, more));

describe("where a peer may be", () => {
  test.each([
    ["on a network that the overlay does not know", "192.168.30.2"],
    ["on the LAN of its host's site", "192.168.2.9"],
    ["behind its host", "10.40.0.9"],
    ["a guest of the host that is the only gateway", "10.77.0.9"],
  ])("%s", (_, address) => {
    expect(said(`{address: ${address}, asn: 64600}`)).toEqual([]);
  });

  test.each([
    ["on another site's LAN", "192.168.3.9", "192.168.3.0/24 (the LAN of wro)"],
    ["behind another host", "10.9.0.9", "10.0.0.0/8 (a route of beta)"],
    ["the gateway itself", "10.77.0.1", "10.77.0.0/24 (subnet vms)"],
    ["on another host's slice", "10.78.2.9", "10.78.0.0/22 (subnet web)"],
  ])("not %s", (_, address, where) => {
    expect(said(`{address: ${address}, asn: 64600}`)).toEqual([
      `the peer ${address} of alpha lies inside ${where}, where alpha meets nobody by a link of its own`,
    ]);
  });
});

test.each([
  ["alpha", []],
  ["beta", []],
  [
    "gamma",
    [
      "the peer 10.9.0.9 of gamma lies inside 10.9.0.0/24 (the network tenant of OVN's), where gamma meets nobody by a link of its own",
    ],
  ],
])("in a network of OVN's that has two gateways, seen by %s", (host, expected) => {
  const body = `wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
bgp: {asn: 65000}
hosts: {alpha: {id: 1, endpoint: 192.0.2.1}, beta: {id: 2, endpoint: 192.0.2.2}, gamma: {id: 3}}
ovn: {central: gamma, networks: {tenant: {cidr: 10.9.0.0/24, gateway: [alpha, beta]}}}
`;
  expect(saidOf("peer-", body.replace(`${host}: {`, `${host}: {peers: [{address: 10.9.0.9, asn: 64600}], `))).toEqual(
    expected,
  );
});

const VRFS = "vrfs: {blue: {vni: 5000, exits: [{host: beta, interface: eth0}]}, red: {vni: 6000}}\nbgp: {asn: 65000}\n";

describe("what a peer may be told", () => {
  test("the default of a VRF with an exit, in the IP version of that", () => {
    expect(said("{address: 192.168.30.2, asn: 64600, vrf: blue, announce: [0.0.0.0/0]}", VRFS)).toEqual([]);
    for (const peer of [
      '{address: "2001:db8::2", asn: 64600, vrf: blue, announce: ["::/0"]}',
      "{address: 192.168.30.2, asn: 64600, vrf: red, announce: [0.0.0.0/0]}",
    ])
      expect(said(peer, VRFS).join()).toMatch(/which is the default route, and no exit makes one there$/);
  });

  test("no prefix of another table", () => {
    expect(said("{address: 192.168.30.2, asn: 64600, vrf: blue, announce: [10.77.0.0/24]}", VRFS)).toEqual([
      "the peer 192.168.30.2 of alpha is to be told of 10.77.0.0/24, which is no prefix of the VRF blue as the topology declares it",
    ]);
  });

  test("a peer of a VRF that is not there is spoken of once", () => {
    const peer = "{address: 192.168.30.2, asn: 64600, vrf: bleu, announce: [0.0.0.0/0]}";
    expect(compileText(withPeer(peer, VRFS)).diagnostics.map(({ code }) => code)).toContain("vrf-unknown");
  });
});

test("one session in a VRF is named once", () => {
  const twice = ["10.90.0.0/24", "10.91.0.0/24"].map(
    (prefix) => `{address: 192.168.30.2, asn: 64600, vrf: blue, accept: [${prefix}]}`,
  );
  expect(said(twice.join(", "), VRFS)).toEqual([
    "alpha has the peer 192.168.30.2 twice in the VRF blue; it can have one session with it there",
  ]);
});

test("two hosts may hear one prefix in a VRF, and not in the default one, nor two that overlap", () => {
  const hosts = (one: string, other: string, vrf: string): string => `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, peers: [{address: 192.168.30.2, asn: 64600, accept: [${one}]${vrf}}]}
  beta: {id: 2, endpoint: 192.0.2.2, peers: [{address: 192.168.31.2, asn: 64600, accept: [${other}]${vrf}}]}
vrfs: {blue: {vni: 5000}}
bgp: {asn: 65000}
`;
  const overlaps = (...parts: [string, string, string]) => saidOf("prefix-overlap", hosts(...parts)).length;
  expect(overlaps("10.90.0.0/24", "10.90.0.0/24", ", vrf: blue")).toBe(0);
  expect(overlaps("10.90.0.0/24", "10.90.0.0/25", ", vrf: blue")).toBe(1);
  expect(overlaps("10.90.0.0/24", "10.90.0.0/24", "")).toBe(1);
  const { model } = compileText(hosts("10.90.0.0/24", "10.90.0.0/24", ", vrf: blue"));
  expect(model?.vrfs.map(({ prefixes }) => prefixes)).toEqual([["10.90.0.0/24"]]);
});

const HUBS = `wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma:
    id: 3
    routes: [10.40.0.0/16]
    peers:
      - address: 192.168.30.2
        asn: 64600
        accept: [10.90.0.0/24, {cidr: 10.91.0.0/24, moreSpecifics: true}]
        announce: [10.250.0.0/24, 10.40.0.0/16]
      - {address: 192.168.30.6, asn: 64600, accept: [10.91.0.0/24]}
bgp: {asn: 65000}
`;

describe("where BGP routes", () => {
  const { model, files } = compileText(HUBS);
  const frrOf = (host: string): string => {
    const file = files.find(({ path }) => path === `${host}/etc/frr/frr.conf`);
    return file === undefined ? "" : textOf(file);
  };

  test("a pool is told of as the addresses of the hosts that are there", () => {
    const gamma = model?.hosts.find(({ name }) => name === "gamma");
    expect(gamma && peersOf(gamma)[0]?.announced).toEqual([
      "10.40.0.0/16",
      "10.250.0.1/32",
      "10.250.0.2/32",
      "10.250.0.3/32",
    ]);
  });

  test("the host passes on what it hears, as the way there, and its hubs take it from nobody else", () => {
    const own = frrOf("gamma");
    expect(own.match(/^ {2}network .*$/gm)).toEqual(["  network 10.40.0.0/16", "  network 10.250.0.3/32"]);
    expect(own.match(/^ {2}neighbor WG\S+ next-hop-self$/gm)).toHaveLength(2);
    const list = frrOf("alpha").match(/^ip prefix-list OF-\S+ .*$/gm);
    expect(list?.filter((line) => line.includes("OF-gamma")).map((line) => line.replace(/^.* permit /, ""))).toEqual([
      "10.40.0.0/16",
      "10.250.0.3/32",
      "10.90.0.0/24",
      "10.91.0.0/24 le 32",
    ]);
    expect(frrOf("alpha")).not.toMatch(/next-hop-self$/m);
  });

  test("a hub gives no spoke what its own peer has, while BGP is silent, though a spoke has what lies around it", () => {
    const body = `wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, uplink: eth0, peers: [{address: 192.168.31.2, asn: 64601, accept: [10.90.1.0/24]}]}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, routes: [{cidr: 10.90.0.0/16, exceptMoreSpecifics: true}]}
bgp: {asn: 65000}
`;
    const ways = linesOf(body, "alpha/etc/frr/frr.conf").filter((line) => line.endsWith(" wg1 254"));
    expect(ways).toEqual(["ip route 10.90.0.0/16 wg1 254", "ip route 10.250.0.0/24 wg1 254"]);
  });
});

test("what a peer of a VRF says is behind its host while it says so, and not at any time", () => {
  const network = modelOf(`
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
vrfs: {blue: {vni: 5000}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, peers: [{address: 192.168.31.2, asn: 64601, vrf: blue, accept: [10.92.0.0/24]}]}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets: {vms: {cidr: 10.77.0.0/24, hosts: [alpha], vrf: blue}}
`);
  expect(connectedPrefixes(hostOf(network, "alpha"), "blue")).toEqual(["10.77.0.0/24"]);
});
