/** Sites with gateways, hosts without WireGuard, and two hosts that share an address. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpPrefix, overlaps } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import { compileText, hostOf, modelOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

function fixture(name: string): Network {
  const found = must(
    listFixtures().find((each) => each.name === name),
    `there is ${name}`,
  );
  return must(compile(sourceOf(found)).model, "a scenario has a model");
}

const hostNamed = ({ hosts }: Network, name: string): Host =>
  must(
    hosts.find((host) => host.name === name),
    `there is ${name}`,
  );

/** AllowedIPs of a host, by the name of the peer. */
function allowed(network: Network, name: string): Readonly<Record<string, readonly IpPrefix[]>> {
  const peers = new Map(network.peers.map((peer) => [peer.id, peer]));
  const own = hostNamed(network, name).interfaces.flatMap((link) => link.peers);
  return Object.fromEntries(
    own.map((id) => {
      const { host, allowedIps } = must(peers.get(id), "an id names a peer");
      return [host, allowedIps];
    }),
  );
}

const vpc = fixture("kubernetes-vpc");

describe("a site with a gateway", () => {
  test("has one peer for all others, with all that is in it and no more", () => {
    expect(allowed(vpc, "gpu1")).toEqual({
      gateway: ["10.42.12.0/24", "10.250.0.1/32", "10.250.0.13/32", "172.31.0.0/24"],
      gpu2: ["10.250.1.5/32", "10.42.61.0/24"],
    });
  });

  test("sends all of other sites to its gateway, and nothing of its own LAN", () => {
    expect(allowed(vpc, "worker2")).toEqual({
      gateway: ["10.42.61.0/24", "10.250.0.1/32", "10.250.1.4/32", "10.250.1.5/32"],
    });
  });

  test("no AllowedIPs of any host hold a part of its own LAN", () => {
    for (const network of [vpc, fixture("vrrp-gateways")]) {
      for (const { name, reach } of network.hosts) {
        const lan = network.sites.find((site) => site.name === reach.site)?.lan ?? [];
        const inside = Object.values(allowed(network, name)).flat();
        expect(inside.filter((prefix) => lan.some((each) => overlaps(each, prefix)))).toEqual([]);
      }
    }
  });

  test("its gateway forwards, and needs no source NAT", () => {
    const gateway = hostNamed(vpc, "gateway");
    expect(gateway.forwards.ipv4).toBe(true);
    expect(gateway.snat).toEqual([]);
  });
});

describe("a gateway among others", () => {
  const names = ["door", "far", "gate", "inner", "other", "shelf", "yard"];
  const keys = Object.fromEntries(names.map((name) => [name, testPublicKey(name)]));
  // The site of the gateway that is named last is written first.
  const hosts = `sites: {stack: {gateways: [gate]}, rack: {gateways: [door]}, office: {}}
hosts:
  door: {id: 1, site: rack, endpoint: 198.51.100.1, lanEndpoint: 10.7.0.1, routes: [10.9.1.0/24]}
  inner: {id: 2, site: rack, lanEndpoint: 10.7.0.2}
  shelf: {id: 3, site: rack, lanEndpoint: 10.7.0.3}
  gate: {id: 4, site: stack, endpoint: 198.51.100.4, lanEndpoint: 10.8.0.4}
  yard: {id: 5, site: stack, lanEndpoint: 10.8.0.5}
  far: {id: 6, site: office, endpoint: 198.51.100.6}
  other: {id: 7, endpoint: 198.51.100.7}
wireguard: {addresses: [10.250.0.0/24]}
`;
  const made = (more: string): Network => {
    const { model, diagnostics } = compileText(hosts + more, keys);
    expect(diagnostics).toEqual([]);
    return must(model, "it has a model");
  };

  test("has as its neighbours the hosts of a site without one, as those of no site", () => {
    const network = made("");
    expect(Object.keys(allowed(network, "far"))).toEqual(["door", "gate", "other"]);
    expect(Object.keys(allowed(network, "other"))).toEqual(["door", "far", "gate"]);
    expect(Object.keys(allowed(network, "inner"))).toEqual(["door", "shelf"]);
  });

  test("leads its own site to what is behind itself as well", () => {
    expect(allowed(made(""), "inner").door).toEqual([
      "10.9.1.0/24",
      "10.250.0.1/32",
      "10.250.0.4/32",
      "10.250.0.5/32",
      "10.250.0.6/32",
      "10.250.0.7/32",
    ]);
  });

  test("counts in a segment that goes through it, and in none that lies on one side of it", () => {
    const mtu = (members: string, between: string) =>
      made(`underlay: {paths: [{between: [${between}], mtu: 1400}]}
subnets: {s: {vxlan: {vni: 100}, hosts: [${members}]}}\n`).segments[0]?.mtu;
    expect(mtu("far, inner", "door, other")).toMatchObject({ bytes: 1290, limitingPair: ["door", "other"] });
    expect(mtu("far, yard", "door, other")?.bytes).toBe(1390);
    expect(mtu("inner, shelf", "door, other")?.bytes).toBe(1390);
    expect(mtu("far, inner", "gate, other")?.bytes).toBe(1390);
    expect(mtu("inner, yard", "door, gate")).toMatchObject({ bytes: 1290, limitingPair: ["door", "gate"] });
  });
});

describe("a host without WireGuard", () => {
  const outsiders = vpc.hosts.filter((host) => host.interfaces.length === 0);

  test("has neither key nor address nor peer, and is in nobody's segment", () => {
    expect(outsiders.map(({ name }) => name)).toEqual(["control1", "worker1"]);
    for (const { publicKey, vtep, bgp } of outsiders)
      expect([publicKey, vtep, bgp.kind]).toEqual(["", undefined, "none"]);
    expect(vpc.peers.filter(({ host }) => outsiders.some(({ name }) => name === host))).toEqual([]);
  });

  test("has a route to every address of the overlay, no larger than the gateway's tunnels or directly on the LAN", () => {
    const mtu = must(hostNamed(vpc, "gateway").interfaces[0], "it has a tunnel").mtu;
    const addresses = vpc.hosts.flatMap((host) =>
      host.interfaces.flatMap((link) => link.addresses.map((each): IpAddress => each.address)),
    );
    for (const { lanRoutes } of outsiders) {
      for (const address of addresses) {
        expect(lanRoutes.some(({ prefix }) => containsAddress(prefix, address))).toBe(true);
      }
      const beyond = lanRoutes.filter(({ via }) => via === "172.31.0.2");
      expect(beyond.length).toBeGreaterThan(0);
      expect(beyond.filter((route) => route.mtu !== mtu)).toEqual([]);
    }
  });

  test("has routes no larger than its LAN, where that is narrower than the tunnels", () => {
    const rack = (lanMtu: string): string => `
sites: {rack: {lan: [192.168.2.0/24], gateways: [alpha]${lanMtu}}}
hosts:
  alpha: {id: 1, site: rack, endpoint: 198.51.100.7, lanEndpoint: 192.168.2.3}
  beta: {id: 2, site: rack, wireguard: false, lanEndpoint: 192.168.2.4}
  gamma: {id: 3, endpoint: 203.0.113.9}
wireguard: {addresses: [10.250.0.0/24]}
`;
    const mtus = (text: string) => hostNamed(modelOf(text), "beta").lanRoutes.map(({ mtu }) => mtu);
    expect(mtus(rack(""))).toEqual([1440]);
    expect(mtus(rack(", lanMtu: 1400"))).toEqual([1400]);
    expect(mtus(rack(", lanMtu: 9000"))).toEqual([1440]);
  });

  test("has one route to each prefix: by the host of its LAN that has it, else by the gateway, and none to its own LAN", () => {
    const network = modelOf(`
sites: {rack: {lan: [10.7.0.0/24], gateways: [alpha]}, shed: {lan: [10.8.0.0/24], gateways: [gamma]}}
hosts:
  alpha: {id: 1, site: rack, endpoint: 198.51.100.1, lanEndpoint: 10.7.0.1}
  beta: {id: 2, site: rack, lanEndpoint: 10.7.0.2, routes: [10.9.2.0/24]}
  gamma: {id: 3, site: shed, endpoint: 198.51.100.3, lanEndpoint: 10.8.0.3}
  delta: {id: 4, site: shed, lanEndpoint: 10.8.0.4, routes: [10.9.4.0/24]}
  node: {id: 11, site: rack, wireguard: false, lanEndpoint: 10.7.0.11}
  shelf: {id: 12, site: rack, wireguard: false, lanEndpoint: 10.7.0.12, routes: [10.9.12.0/24]}
wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
`);
    expect(hostOf(network, "node").lanRoutes.map(({ prefix, via, mtu }) => `${prefix} ${via} ${mtu ?? "-"}`)).toEqual([
      "10.8.0.0/24 10.7.0.1 1440",
      "10.9.2.0/24 10.7.0.2 -",
      "10.9.4.0/24 10.7.0.1 1440",
      "10.9.12.0/24 10.7.0.12 -",
      "10.250.0.0/24 10.7.0.1 1440",
      "10.250.0.2/32 10.7.0.2 -",
    ]);
  });

  test("is passed over by hosts: all and by the name of its site", () => {
    const text = `
sites: {rack: {gateways: [gate]}}
hosts:
  gate: {id: 1, site: rack, endpoint: 198.51.100.7, lanEndpoint: "[2001:db8::1]", publicKey: "GuW7j70jBxU1kQDabHGrr0IkvMAHfdMHVRWWtBl0Rjc="}
  node: {id: 2, site: rack, wireguard: false, lanEndpoint: "[2001:db8::2]"}
  other: {id: 3, endpoint: 203.0.113.9, publicKey: "77qjKSX0yGLVjDTGXoDOEy4dFLkMKdN6+LjAQh4t3kk="}
wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
subnets:
  one: {vxlan: {vni: 1}, hosts: all}
  two: {vxlan: {vni: 2}, hosts: [rack, other]}
`;
    const { model, diagnostics } = compileText(text);
    expect(diagnostics).toEqual([]);
    expect(model?.segments.map(({ members }) => members)).toEqual([
      ["gate", "other"],
      ["gate", "other"],
    ]);
    // By the family that the gateway has on the LAN; its own LAN address is behind it as well.
    const node = hostNamed(must(model, "it has a model"), "node");
    expect(node.lanRoutes.map(({ prefix, via }) => [familyOf(prefix), via])).toEqual([[6, "2001:db8::1"]]);
    expect(allowed(must(model, "it has a model"), "other").gate).toContain("2001:db8::2/128");
  });
});

describe("two that share an address and a key", () => {
  const gates = fixture("vrrp-gateways");
  const [one, two] = [hostNamed(gates, "gate1"), hostNamed(gates, "gate2")];

  test("have the same tunnels, and are one peer to all others", () => {
    const { addresses: first, ...tunnel } = must(one.interfaces[0], "it has a tunnel");
    const { addresses: second, ...other } = must(two.interfaces[0], "it has a tunnel");
    expect(other).toEqual(tunnel);
    expect(first).not.toEqual(second);
    expect(gates.peers.filter(({ host }) => host === "gate2")).toEqual([]);
    expect(allowed(gates, "office").gate1).toEqual(expect.arrayContaining(["10.250.0.1/32", "10.250.0.2/32"]));
  });

  test("are dialled by their LAN at the shared address, and dial everyone they can", () => {
    const peers = new Map(gates.peers.map((peer) => [peer.id, peer]));
    const own = must(one.interfaces[0], "it has a tunnel").peers.map((id) => must(peers.get(id), "an id names a peer"));
    expect(own.filter(({ endpoints, keepaliveSeconds }) => (endpoints.length === 0) === keepaliveSeconds > 0)).toEqual(
      [],
    );
    expect(one.reach.lanEndpoint).toMatchObject({ address: "192.168.2.254" });
    expect(one.vrrp).toMatchObject({ source: "192.168.2.3", priority: 150, other: { address: "192.168.2.4" } });
  });

  test("the second is the master while the first is drained, and takes over from it", () => {
    const of = (...drained: readonly number[]): readonly string[] => {
      const gate = (id: number): string =>
        `gate${id}: {id: ${id}, site: rack, uplink: eth0, lanEndpoint: 192.168.2.${id}, drained: ${drained.includes(id)}, publicKey: "${testPublicKey(String(id))}"}`;
      const network = modelOf(`
wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16]}
sites: {rack: {lan: [192.168.2.0/24], gateways: [gate1, gate2], vrrp: {address: 192.168.2.254/24}}}
hosts: {${gate(1)}, ${gate(2)}, office: {id: 3, endpoint: 203.0.113.9, publicKey: "${testPublicKey("3")}"}}
bgp: {asn: 65000}
`);
      return ["gate1", "gate2"].map((name) => {
        const { vrrp } = hostNamed(network, name);
        return `${vrrp?.priority} ${vrrp?.takesOver}`;
      });
    };
    expect(of()).toEqual(["150 false", "100 false"]);
    expect(of(1)).toEqual(["100 false", "150 true"]);
    expect(of(2)).toEqual(["150 true", "100 false"]);
  });

  test("are not started at boot but by keepalived", () => {
    const { units } = compile(
      sourceOf(
        must(
          listFixtures().find(({ name }) => name === "vrrp-gateways"),
          "it is there",
        ),
      ),
    );
    expect(units.gate1).toContain("keepalived.service");
    expect(units.gate1).not.toContain("wg-quick@wg0.service");
  });

  test("as hubs are dialled where they say, else at the shared address, and have the addresses of both", () => {
    const key = testPublicKey("hub");
    const network = (endpoint: string): Network => {
      const hub = (id: number): string =>
        `hub${id}: {id: ${id}, site: core, uplink: eth0, lanEndpoint: 198.51.100.${id}, publicKey: "${key}"${endpoint}}`;
      return modelOf(`wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"], shape: hub-and-spoke, hubs: [hub1, hub2], vrrp: {address: 198.51.100.10/24}}
sites: {core: {}}
hosts: {${hub(1)}, ${hub(2)}, gamma: {id: 3}}
`);
    };
    const dialled = (endpoint: string) => network(endpoint).peers.filter(({ host }) => host === "hub1");
    expect(dialled("")).toMatchObject([{ endpoints: [{ address: "198.51.100.10", port: 51_820 }] }]);
    expect(dialled(", endpoint: hub.example.net, behindNat: true")).toMatchObject([
      { endpoints: [{ name: "hub.example.net", port: 51_820 }] },
    ]);
    expect(allowed(network(""), "gamma").hub1).toEqual([
      "10.250.0.1/32",
      "10.250.0.2/32",
      "fd00:250::1/128",
      "fd00:250::2/128",
    ]);
  });

  test("with bgp both are up, and share the address on the LAN alone", () => {
    const text = `
sites: {rack: {lan: [192.168.2.0/24], gateways: [gate1, gate2], vrrp: {address: 192.168.2.254/24}}}
hosts:
  gate1: {id: 1, site: rack, endpoint: 198.51.100.7, lanEndpoint: 192.168.2.3, uplink: eth0, publicKey: "GuW7j70jBxU1kQDabHGrr0IkvMAHfdMHVRWWtBl0Rjc="}
  gate2: {id: 2, site: rack, endpoint: 198.51.100.8, lanEndpoint: 192.168.2.4, uplink: eth0, publicKey: "77qjKSX0yGLVjDTGXoDOEy4dFLkMKdN6+LjAQh4t3kk="}
  node: {id: 11, site: rack, wireguard: false, lanEndpoint: 192.168.2.11}
  office: {id: 21, endpoint: 203.0.113.9, publicKey: "boyvZxOJvMEYrw4wVhVCNWnyvrAKyh5DTj26xIyheR0="}
wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16]}
bgp: {asn: 65000}
`;
    const { model, units, diagnostics } = compileText(text);
    expect(diagnostics).toEqual([]);
    const gate = hostNamed(must(model, "it has a model"), "gate1");
    expect(gate.vrrp?.isExclusive).toBe(false);
    expect(gate.interfaces.every(({ routedBy }) => routedBy === "bgp")).toBe(true);
    expect(units.gate1).toEqual(expect.arrayContaining(["keepalived.service", "wg-quick@wg2.service"]));
    expect(new Set(hostNamed(must(model, "it has a model"), "node").lanRoutes.map(({ via }) => via))).toEqual(
      new Set(["192.168.2.254"]),
    );
  });
});
