/** What a lab builds around compiled hosts, for every scenario fixture and for generated fleets. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, prefixOf } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import { neighbourRoutes, neighboursOf } from "../src/lab/machine/cables.ts";
import { cableEnds } from "../src/lab/machine/uplink.ts";
import { watchRules } from "../src/lab/machine/watch-rules.ts";
import {
  areOnOneLan,
  cablesOf,
  type LabCable,
  type LabHost,
  type LabPath,
  type LabPlan,
  membersOf,
} from "../src/lab/plan/plan.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import { mtuTowards } from "../src/model/tunnel.ts";
import { modelOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { compileFleet, fleets } from "./fleet.ts";
import { fc } from "./property.ts";

const duplicatesIn = <T>(list: readonly T[]): readonly T[] =>
  list.filter((each, index) => list.indexOf(each) !== index);

const named = <T extends { readonly name: string }>(list: readonly T[], name: string): T =>
  must(
    list.find((each) => each.name === name),
    `there is ${name}`,
  );

/** The address under which a host shows itself to another. */
const seenAs = (from: LabHost, to: LabHost): readonly IpAddress[] =>
  areOnOneLan(from, to) ? from.lan.addresses : from.publicAddresses;

function pathsBetween({ paths, hosts }: LabPlan, from: string, to: string): readonly LabPath[] {
  const [a, b] = [named(hosts, from), named(hosts, to)];
  const { addresses } = areOnOneLan(a, b) ? b.lan : b.uplink;
  return paths.filter((path) => addresses.includes(path.to) && seenAs(a, b).includes(path.from));
}

const peersOf = ({ peers }: Network, host: Host): readonly string[] =>
  host.interfaces.flatMap((each) =>
    each.peers.map(
      (id) =>
        named(
          peers.map((peer) => ({ ...peer, name: peer.id })),
          id,
        ).host,
    ),
  );

/** What holds for every lab; throws where it does not. */
function checkPlan(network: Network): LabPlan {
  const plan = planLab(network);
  checkAddresses(network, plan);
  checkPaths(network, plan);
  checkForwards(network, plan);
  checkGuests(plan);
  return plan;
}

/** Everyone has addresses of their own, and none of them is one that belongs in a tunnel, but for those of a gateway's LAN. */
function checkAddresses(network: Network, { hosts, routers, routerAddresses, outside, names, overlay }: LabPlan): void {
  const cables = hosts.flatMap(cablesOf);
  const own = [...cables.flatMap(({ addresses }) => addresses), ...routerAddresses, ...outside];
  expect(duplicatesIn(own)).toEqual([]);
  const ofRouters = routers.flatMap(({ addresses }) => addresses);
  expect(ofRouters.filter((each) => own.includes(each))).toEqual([]);
  const all = [...own, ...ofRouters, ...names.map(({ address }) => address)];
  const lans = network.prefixes.flatMap(({ prefix, use }) => (use.kind === "lan" ? [prefix] : []));
  const isOnLan = (address: IpAddress): boolean =>
    lans.some((prefix) => containsAddress(prefix, address)) &&
    cables.some(
      (each) => each.addresses.includes(address) && network.hosts.some(({ reach }) => reach.site === each.router),
    );
  const inside = all.filter((address) => overlay.some((prefix) => containsAddress(prefix, address)));
  expect(inside.filter((address) => !isOnLan(address))).toEqual([]);
}

/** A path ends at a host behind the router that enforces it, and every pair of peers has one. */
function checkPaths(network: Network, plan: LabPlan): void {
  for (const { router, from, to } of plan.paths) {
    named(plan.routers, router);
    const members = membersOf(router, plan);
    expect(members.flatMap(({ addresses, shared }) => [...addresses, ...shared])).toContain(to);
    const all = [...plan.hosts.flatMap(cablesOf).flatMap(({ addresses }) => addresses)];
    expect([...all, ...plan.hosts.flatMap(({ publicAddresses }) => publicAddresses)]).toContain(from);
  }
  for (const host of network.hosts) {
    for (const peer of peersOf(network, host)) {
      const mtus = pathsBetween(plan, host.name, peer).map(({ mtu }) => mtu);
      // IPv4 and UDP headers, WireGuard's own 32 bytes.
      const needed = Math.min(...host.interfaces.map((link) => mtuTowards(link, peer))) + 60;
      expect(Math.min(...mtus), `${host.name} to ${peer}`).toBeGreaterThanOrEqual(needed);
      const [a, b] = [named(plan.hosts, host.name), named(plan.hosts, peer)];
      expect((areOnOneLan(a, b) ? b.lan : b.uplink).mtu).toBeGreaterThanOrEqual(Math.max(...mtus));
    }
  }
}

/** A forwarded port leads to where the host listens, and the host's answers leave as that address. */
function checkForwards(network: Network, plan: LabPlan): void {
  for (const { name, addresses, forwards, masquerades } of plan.routers) {
    const members = membersOf(name, plan);
    for (const { address, to, toPort } of forwards) {
      const member = must(
        members.find((each) => [...each.addresses, ...each.shared].includes(to)),
        "a port leads to a host of the router",
      );
      const ports = named(network.hosts, member.host).interfaces.map(({ listenPort }) => listenPort);
      expect(ports).toContain(toPort);
      expect(addresses).toContain(address);
      expect(masquerades).toContainEqual({ from: to, to: address });
    }
    expect(duplicatesIn(forwards.map(({ address, port }) => `${address} ${port}`))).toEqual([]);
  }
}

function checkGuests({ guests, hosts, outsiders }: LabPlan): void {
  expect(duplicatesIn(guests.map(({ name }) => name))).toEqual([]);
  const cables = [...guests, ...outsiders.map((each) => ({ ...each, behind: undefined }))];
  expect(duplicatesIn(cables.map(({ host, port, behind = host }) => `${behind} ${port}`))).toEqual([]);
  const others = outsiders.flatMap(({ peer, neighbour }) => [peer.address, neighbour.address]);
  expect(guests.flatMap(({ addresses }) => addresses).filter(({ address }) => others.includes(address))).toEqual([]);
  const gateways = new Set(guests.flatMap((guest) => guest.gateways));
  for (const { host, addresses, ...guest } of guests) {
    named(hosts, host);
    expect(addresses.length).toBeGreaterThan(0);
    for (const { address, lengthBits } of addresses) {
      expect(gateways.has(address)).toBe(false);
      const own = guest.gateways.filter((gateway) => familyOf(gateway) === familyOf(address));
      expect(own.filter((gateway) => !containsAddress(prefixOf(address, lengthBits), gateway))).toEqual([]);
    }
  }
  // Subnets without a prefix are islands that may look alike.
  const known = guests.filter(({ gateways: own }) => own.length > 0);
  expect(duplicatesIn(known.flatMap(({ addresses }) => addresses.map(({ address }) => address)))).toEqual([]);
}

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");

const networkOf = (name: string): Network => must(compile(sourceOf(named(scenarios, name))).model, "it compiles");

describe.each(scenarios)("$name", ({ name }) => {
  const network = networkOf(name);

  test("can be built", () => {
    const plan = checkPlan(network);
    expect(plan.hosts.map((host) => host.name)).toEqual(network.hosts.map((host) => host.name));
  });

  test("the narrowest path is exactly what the tunnel's MTU was counted from", () => {
    const plan = planLab(network);
    for (const host of network.hosts) {
      for (const { mtu, limitingPeer } of host.interfaces) {
        const paths = pathsBetween(plan, host.name, must(limitingPeer, "the hosts of a fixture have peers"));
        expect(paths.map((path) => path.mtu - mtu).some((bytes) => bytes === 60 || bytes === 80)).toBe(true);
      }
    }
  });

  test("the same network gives the same lab", () => expect(planLab(network)).toEqual(planLab(network)));
});

test("any fleet can be built", () => {
  fc.assert(
    fc.property(fleets, (fleet) => {
      checkPlan(compileFleet(fleet).model);
    }),
    { numRuns: 100, seed: 7348 },
  );
});

test("hosts behind one router are told apart by their ports", () => {
  const { routers } = planLab(networkOf("proxmox"));
  const ports = named(routers, "roz").forwards.map(({ port, toPort }) => [port, toPort]);
  expect(ports).toEqual([
    [51_820, 51_820],
    [51_822, 51_820],
  ]);
});

test("what must not leave in clear is what is one thing to all guests", () => {
  const SUBNETS = { web: "10.78.0.0/24", db: "10.79.0.0/24" };
  const overlayOf = (...vrfs: readonly (string | undefined)[]): readonly string[] => {
    const subnets = Object.entries(SUBNETS).map(([name, cidr], index) => {
      const vrf = vrfs[index];
      return `  ${name}: {cidr: ${cidr}, hosts: [alpha]${vrf === undefined ? "" : `, vrf: ${vrf}`}}\n`;
    });
    const text = `wireguard: {addresses: [10.250.0.0/24]}\nbgp: {asn: 65000}
vrfs: {red: {vni: 5000}, blue: {vni: 6000}}
hosts: {alpha: {id: 1, endpoint: 192.0.2.1}, beta: {id: 2, endpoint: 192.0.2.2}}\nsubnets:\n${subnets.join("")}`;
    return planLab(modelOf(text)).overlay;
  };
  expect(overlayOf("red", "red")).toEqual(["10.78.0.0/24", "10.79.0.0/24", "10.250.0.0/24"]);
  expect(overlayOf("red", "blue")).toEqual(["10.250.0.0/24"]);
  expect(overlayOf(undefined, "red")).toEqual(["10.78.0.0/24", "10.250.0.0/24"]);
});

test("a peer is a router of somebody else's, with a guest behind it in what it may say and in what it may not", () => {
  const plan = checkPlan(networkOf("peers"));
  const said = plan.outsiders.map(({ name, taken, refused }) => [name, taken, refused]);
  expect(said).toEqual([
    ["192.168.30.2@alpha", ["10.90.0.0/24", "10.91.0.11/32"], ["198.19.0.0/24", "0.0.0.0/0"]],
    ["2001:db8:30::2@alpha", [], ["2001:2:0:1::/64", "::/0"]],
    ["10.77.0.5@beta", ["10.92.0.0/24", "10.93.0.0/24"], ["198.19.2.0/24", "0.0.0.0/0"]],
    // What two may say one says.
    ["192.168.31.2@beta", ["10.94.0.0/24"], ["198.19.3.0/24"]],
  ]);
  const [rack, , guest] = plan.outsiders;
  expect([rack?.seat, rack?.neighbour]).toEqual([undefined, { address: "192.168.30.11", asn: 65_000 }]);
  expect([guest?.seat?.bridge, guest?.neighbour.address]).toEqual(["br-blue-vms", "10.77.0.1"]);
  const behind = plan.guests.filter((each) => each.behind === rack?.name).map(({ name, gateways }) => [name, gateways]);
  expect(behind).toEqual([
    ["10.90.0.0/24@192.168.30.2@alpha", ["10.90.0.1"]],
    ["10.91.0.0/24@192.168.30.2@alpha", ["10.91.0.1"]],
    ["198.19.0.0/24@192.168.30.2@alpha", ["198.19.0.1"]],
  ]);
});

test("a peer may have a prefix of one address, in which is no guest", () => {
  const plan = checkPlan(
    modelOf(`wireguard: {addresses: [10.250.0.0/24]}\nbgp: {asn: 65000}
hosts: {alpha: {id: 1, endpoint: 192.0.2.1, peers: [{address: 192.168.30.2, asn: 64600, accept: [10.90.0.7/32]}]}, beta: {id: 2, endpoint: 192.0.2.2}}`),
  );
  expect(plan.outsiders.map(({ taken }) => taken)).toEqual([["10.90.0.7/32"]]);
  expect(plan.guests.map(({ subnet }) => subnet)).toEqual(["198.19.0.0/24"]);
});

test("what a peer says that it may not is no part of the network", () => {
  const whole = `wireguard: {addresses: [10.250.0.0/24]}\nbgp: {asn: 65000}
hosts: {alpha: {id: 1, endpoint: 192.0.2.1, peers: [{address: 192.168.30.2, asn: 64600, accept: [198.19.0.0/16]}]}, beta: {id: 2, endpoint: 192.0.2.2}}`;
  const plan = checkPlan(modelOf(whole));
  expect(plan.outsiders.map(({ taken, refused }) => [taken, refused])).toEqual([[["198.19.0.0/16"], ["0.0.0.0/0"]]]);
});

test("a LAN that is narrower than the way out of it is as narrow as declared", () => {
  const plan = planLab(networkOf("vrrp-bgp-gateways"));
  const [gate, node] = [named(plan.hosts, "gate1"), named(plan.hosts, "node")];
  expect([gate.uplink.mtu, node.uplink.mtu]).toEqual([1500, 1500]);
  const mtus = neighboursOf(node, plan).map(({ address, mtu }) => [address, mtu]);
  expect(mtus).toContainEqual(["192.168.7.1", 1400]);
  expect(mtus).toContainEqual(["192.168.7.254", 1400]);
  expect(neighbourRoutes("eth0", neighboursOf(node, plan))).toContain("192.168.7.1/32 dev eth0 mtu lock 1400\n");
  // Where it is as wide as all else, nothing is said.
  const wide = planLab(networkOf("vrrp-gateways"));
  const neighbours = neighboursOf(named(wide.hosts, "node1"), wide);
  expect(neighbours.filter(({ mtu }) => mtu !== undefined)).toEqual([]);
  expect(neighbourRoutes("eth0", neighbours)).not.toContain("mtu");
});

test("a gateway with an uplink of its own has a cable to its LAN besides, as wide as that is", () => {
  const plan = planLab(networkOf("two-armed"));
  const [gate, node] = [named(plan.hosts, "gate1"), named(plan.hosts, "node")];
  const words = ({ interface: name, router, mtu }: LabCable) => [name, router, mtu];
  expect(cablesOf(gate).map(words)).toEqual([
    ["eth0", "gate1", 1500],
    ["eth1", "rack", 9000],
  ]);
  expect(cablesOf(node).map(words)).toEqual([["eth0", "rack", 9000]]);
  expect([gate.uplink.addresses, gate.lan.addresses]).toEqual([["198.51.100.1"], ["192.168.7.1"]]);
  expect([gate.uplink.shared, gate.lan.shared]).toEqual([[], ["192.168.7.254"]]);
  // The LAN's router knows nothing of what the gateway has on the internet, nor the internet of the LAN.
  expect(membersOf("rack", plan).flatMap(({ addresses }) => addresses)).toEqual([
    "192.168.7.1",
    "192.168.7.2",
    "192.168.7.11",
  ]);
  const ends = cableEnds(gate, plan);
  expect(ends).toContain(`address add 192.168.7.1/32 dev eth1\nip -4 route add 192.168.7.2/32 dev eth1\n`);
  expect(ends.match(/route add default .*/g)).toEqual([expect.stringContaining("dev eth0 onlink")]);
});

test("what hosts of a site send each other is not in clear, though others reach their LAN by a tunnel", () => {
  const plan = planLab(networkOf("lan-gateways"));
  const members = membersOf("rack", plan);
  const lines = (rules: string) => rules.split("\n").map((line) => line.trim());
  const watched = lines(watchRules(plan, members));
  const own = "{ 198.51.100.1, 192.168.7.1, 198.51.100.2, 192.168.7.2 }";
  const [exempt, counted] = [`ip saddr ${own} ip daddr ${own} return`, "ip daddr 192.168.7.0/24 counter"];
  expect(watched.indexOf(exempt)).toBeGreaterThan(0);
  expect(watched.indexOf(counted)).toBeGreaterThan(watched.indexOf(exempt));
  // On the internet nobody has an excuse.
  expect(lines(watchRules(plan)).filter((line) => line.endsWith("return"))).toEqual([]);
});

test("a LAN that is routed has a router that sends on, and hosts without neighbours", () => {
  const plan = planLab(networkOf("routed-lan"));
  const { hasLan, routed } = named(plan.routers, "fsn");
  expect(hasLan).toBe(false);
  expect(routed?.routes.map(({ prefix, via }) => `${prefix} ${via}`)).toEqual([
    "10.42.12.0/24 10.0.1.12",
    "10.250.0.0/24 10.0.1.2",
    "10.250.0.13/32 10.0.1.13",
    "192.168.7.0/24 10.0.1.2",
  ]);
  expect(neighboursOf(named(plan.hosts, "worker1"), plan)).toEqual([{ address: "10.0.0.1", mtu: undefined }]);
  const rules = watchRules(plan, membersOf("fsn", plan), routed?.inClear);
  expect(rules).toContain("ip saddr 10.42.12.0/24 return");
  expect(rules).not.toContain("addr 10.250.0.0/24 return");
});

test("a gateway that nobody on a routed LAN sends to may have no address there", () => {
  const plan = checkPlan(
    modelOf(`
sites: {fsn: {lan: [10.0.0.0/16], lanRouter: 10.0.0.1, gateways: [alpha]}}
wireguard: {addresses: [10.250.0.0/24]}
hosts: {alpha: {id: 1, site: fsn, endpoint: 192.0.2.1}, beta: {id: 2, endpoint: 192.0.2.2}}`),
  );
  expect(named(plan.routers, "fsn").routed?.routes).toEqual([]);
});

test("a host has addresses of the IP versions that its way out carries, and a translation's narrower path", () => {
  const hosts = (families: string): string => `
wireguard: {addresses: [10.250.0.0/24]}
hosts: {alpha: {id: 1, endpoint: alpha.example.net}, beta: {id: 2, endpoint: 192.0.2.2}, gamma: {id: 3, families: ${families}}}`;
  const planOf = (families: string): LabPlan => checkPlan(modelOf(hosts(families)));
  const familiesOf = (plan: LabPlan) => named(plan.hosts, "gamma").uplink.addresses.map(familyOf);
  const four = planOf("4");
  expect(familiesOf(four)).toEqual([4]);
  // A name is what everybody gets to.
  expect(four.names.map(({ address }) => familyOf(address))).toEqual([4]);
  const lite = planOf("ds-lite");
  expect(familiesOf(lite)).toEqual([4, 6]);
  const mtus = (peer: string) => pathsBetween(lite, "gamma", peer).map(({ to, mtu }) => [familyOf(to), mtu]);
  expect(mtus("beta")).toEqual([
    [4, 1460],
    [6, 1500],
  ]);
});
