/** Who reaches whom, as the model has it: what was seen on the real programs, case by case, and what holds of any fleet. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { familyOf, type IpAddress, type IpFamily } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import type { LabGuest } from "../src/lab/plan/plan.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import { exitOf, exitsOf } from "../src/ways/exits.ts";
import { neighbourBy } from "../src/ways/lan-routes.ts";
import { reachesHost, roundTrip, wayFromHost, wayFromStation } from "../src/ways/reach.ts";
import { connectedPrefixes, routesOf } from "../src/ways/routes.ts";
import { acrossSegment } from "../src/ways/segment.ts";
import { addressOf } from "../src/ways/station.ts";
import type { Way } from "../src/ways/way.ts";
import { waysOf } from "../src/ways/ways.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { compileFleet, fleets } from "./fleet.ts";
import { fc } from "./property.ts";

function worldOf(network: Network) {
  const { guests } = planLab(network);
  const ways = waysOf(network, guests);
  const guest = (name: string): LabGuest =>
    must(
      guests.find((each) => each.name === name),
      `${name} is a guest`,
    );
  const trip = (from: string, to: string, family: IpFamily) => roundTrip(ways, guest(from), guest(to), family);
  return { ways, guests, guest, trip };
}

function fixture(name: string) {
  const found = must(
    listFixtures().find((each) => each.name === name),
    `${name} is a fixture`,
  );
  return worldOf(must(compile(sourceOf(found)).model, "it compiles"));
}

const legs = (way: Way): readonly string[] => way.map(({ host, via, bytes }) => `${host} ${via} ${bytes}`);

describe("vrfs", () => {
  const { ways, guests, guest, trip } = fixture("vrfs");
  const ofBlue = guests.filter(({ vrf }) => vrf === "blue");
  const ofRed = guests.filter(({ vrf }) => vrf === "red");

  test("guests of one VRF all reach each other, whatever subnet they are on", () => {
    expect(ofBlue).toHaveLength(10);
    const closed = ofBlue.flatMap((a) =>
      ofBlue.filter((b) => a !== b && roundTrip(ways, a, b, 4) === undefined).map((b) => `${a.name} ${b.name}`),
    );
    expect(closed).toEqual([]);
    expect(trip("blue-vms@beta", "blue-web@gamma", 6)).toBeDefined();
  });

  test("two VRFs do not, though they have the same addresses, and none reaches a host", () => {
    const open = ofBlue.flatMap((a) => ofRed.filter((b) => roundTrip(ways, a, b, 4) || roundTrip(ways, b, a, 4)));
    expect(open).toEqual([]);
    const alpha = must(ways.hosts.get("alpha"), "alpha is a host");
    const address = must(alpha.interfaces[0]?.addresses[0], "it has an address").address;
    expect(guests.filter((each) => reachesHost(ways, each, alpha, address))).toEqual([]);
  });

  test("another subnet of the VRF is reached through the L3VNI, what is behind a host as well", () => {
    const there = (from: string, to: string) => legs(must(trip(from, to, 4), "they reach each other").there);
    expect(there("blue-vms@alpha", "blue-web@gamma")).toEqual(["alpha br5000 1382", "gamma br-blue-web 1500"]);
    expect(there("blue-db@gamma", "192.168.30.0/24@beta")).toEqual(["gamma br5000 1382", "beta 192.168.30.0/24 1500"]);
  });

  test("a guest leaves by its own host, else by one of its site", () => {
    const order = (name: string, family: IpFamily) => exitsOf(ways, guest(name), family).map(({ host }) => host);
    expect(order("blue-vms@alpha", 4)).toEqual(["alpha", "gamma"]);
    expect(order("blue-vms@beta", 6)).toEqual(["alpha", "gamma"]);
    expect(order("blue-vms@delta", 4)).toEqual(["gamma", "alpha"]);
    expect(order("red-web@delta", 4)).toEqual(["beta"]);
    expect(order("red-vms@delta", 6)).toEqual([]);
    expect(exitOf(ways, guest("red-web@delta"), 4)?.name).toBe("beta");
    expect(exitOf(ways, guest("red-vms@delta"), 6)).toBeUndefined();
  });

  test("a host has what is connected there, and routes of the VRFs that it is in only", () => {
    const gamma = must(ways.hosts.get("gamma"), "gamma is a host");
    expect(connectedPrefixes(gamma, "blue")).toContain("10.78.3.0/24");
    expect([connectedPrefixes(gamma, "green"), routesOf(ways, gamma, "green")]).toEqual([[], []]);
    expect(acrossSegment(ways, gamma, "nobody", "blue-vms")).toBeUndefined();
  });
});

describe("vrf-exits", () => {
  const { ways, guests, guest } = fixture("vrf-exits");
  const hostOf = (name: string): Host => must(ways.hosts.get(name), `${name} is a host`);
  const addressIn = (name: string, family: IpFamily) =>
    must(addressOf(hostOf(name).interfaces[0] ?? { addresses: [] }, family), "it has an address");

  test("in strict order an exit's own guests leave by the first as well, and those of its site", () => {
    const order = (name: string, family: IpFamily) => exitsOf(ways, guest(name), family).map(({ host }) => host);
    expect(guests.map(({ name }) => order(name, 4))).toEqual(guests.map(() => ["roz", "wro", "far"]));
    expect(order("vms@far", 6)).toEqual(["roz", "wro"]);
  });

  test("all guests reach the one exit that is in the VRF itself, and no other host", () => {
    const reached = (name: string, family: IpFamily) =>
      guests.filter((each) => reachesHost(ways, each, hostOf(name), addressIn(name, family)));
    expect([reached("roz", 4), reached("roz", 6)]).toEqual([guests, guests]);
    expect(["wro", "lab", "far"].map((name) => reached(name, 4))).toEqual([[], [], []]);
  });

  test("it reaches them from its own table, others go nowhere from theirs", () => {
    const wayTo = (name: string, to: IpAddress) =>
      wayFromHost(ways, hostOf(name), { source: addressIn(name, familyOf(to)), to, vrf: undefined });
    for (const to of guest("vms@far").addresses.map(({ address }) => address)) {
      expect(wayTo("roz", to)?.map(({ host, via }) => `${host} ${via}`)).toEqual(["roz br100", "roz vx100"]);
      expect(wayTo("wro", to)).toBeUndefined();
    }
  });
});

describe("routers of somebody else's", () => {
  const { ways, guest, guests, trip } = fixture("peers");
  const [rack, customer] = ["192.168.30.2@alpha", "192.168.31.2@beta"];

  test("who is behind one reaches what that one was told of, and is reached from there", () => {
    expect(legs(must(trip("web@gamma", `10.90.0.0/24@${rack}`, 4), "there is a way").there)).toEqual([
      "gamma wg0 1440",
      "alpha 10.90.0.0/24 1500",
    ]);
    expect(trip("blue-pods@gamma", `10.94.0.0/24@${customer}`, 4)).toBeDefined();
    // It takes the host for its gateway, whatever it was told.
    expect(trip("blue-pods@gamma", "10.93.0.0/24@10.77.0.5@beta", 4)).toBeDefined();
  });

  test("what the host does not take is reached by nobody, and no other table knows what a VRF's says", () => {
    const open = (name: string) =>
      guests
        .filter((each) => each.name !== name && (trip(each.name, name, 4) ?? trip(name, each.name, 4)))
        .map((each) => each.name);
    expect(open(`198.19.0.0/24@${rack}`)).toEqual([]);
    expect(open(`198.19.3.0/24@${customer}`)).toEqual([]);
    const ofBlue = ["blue-pods@beta", "blue-vms@beta", "blue-pods@gamma"];
    const ofPeer = ["10.92.0.0/24@10.77.0.5@beta", "10.93.0.0/24@10.77.0.5@beta"];
    expect(open(`10.94.0.0/24@${customer}`)).toEqual([...ofBlue, ...ofPeer]);
  });

  test("they leave by exits as far as they are told of a default", () => {
    expect(exitsOf(ways, guest(`10.94.0.0/24@${customer}`), 4).map(({ host }) => host)).toEqual(["gamma"]);
    expect(exitOf(ways, guest(`10.94.0.0/24@${customer}`), 4)?.name).toBe("gamma");
    // No answer would find back.
    expect(exitsOf(ways, guest("198.19.2.0/24@10.77.0.5@beta"), 4)).toEqual([]);
    expect(exitsOf(ways, guest(`10.90.0.0/24@${rack}`), 4)).toEqual([]);
    expect(exitOf(ways, guest(`10.90.0.0/24@${rack}`), 4)).toBeUndefined();
  });
});

describe("segments of which one is cut up", () => {
  test("the other one lets pass 4 bytes more, whatever the tunnel has room for: VXLAN is told that they fit", () => {
    const { trip } = fixture("fragments");
    const there = (from: string, to: string) =>
      trip(from, to, 4)?.there.map(({ bytes, ceilingBytes }) => [bytes, ceilingBytes]);
    expect(there("machines@south", "machines@north")).toEqual([[1500, 1500]]);
    expect(there("desks@south", "desks@north")).toEqual([[1382, 1386]]);
  });
});

describe("shared", () => {
  const { ways, guests, trip } = fixture("shared");
  const ofVrf = (vrf: string) => guests.filter((each) => each.vrf === vrf);
  const reached = (from: string, to: string): readonly boolean[] => {
    const trips = ofVrf(from).flatMap((a) => ofVrf(to).map((b) => roundTrip(ways, a, b, 4) !== undefined));
    return [...new Set(trips)];
  };

  test.each([
    ["red", "shared"],
    ["green", "shared"],
  ])("all guests of %s and of %s reach each other", (tenant, services) => {
    expect([reached(tenant, services), reached(services, tenant)]).toEqual([[true], [true]]);
  });

  test("none of one tenant reaches one of the other, on one host or on two", () => {
    expect([reached("red", "green"), reached("green", "red")]).toEqual([[false], [false]]);
  });

  test("the way there is by the L3VNI of who is asked, the way back by that of who asks", () => {
    const { there, back } = must(trip("green-db@beta", "services@gamma", 4), "they reach each other");
    expect(legs(there)).toEqual(["beta br7000 1390", "gamma br-services 1500"]);
    expect(legs(back)).toEqual(["gamma br6000 1390", "beta br-green-db 1500"]);
  });

  test("on one host there is no tunnel between", () => {
    const { there } = must(trip("red-vms@gamma", "services@gamma", 6), "they reach each other");
    expect(legs(there)).toEqual(["gamma br-services 1500"]);
    expect(trip("green-db@beta", "services@gamma", 6)).toBeUndefined();
  });
});

describe("dual-stack", () => {
  const { ways, trip, guest } = fixture("dual-stack");

  test.each([
    ["an isolated subnet is not let into a tunnel", "tenant@ams1", "lab@fra2", false],
    ["on one host it is not a matter of tunnels", "tenant@fra2", "lab@fra2", true],
    ["each through a gateway of its own", "storage@ams1", "tenant@fra1", true],
    ["there, but not back", "storage@fra1", "tenant@fra2", false],
    ["by the only gateway, elsewhere", "lab@fra2", "office@ams1", true],
    ["inside a segment", "tenant@ams1", "tenant@fra2", true],
  ])("%s: %s and %s", (_, from, to, isOpen) => {
    expect(trip(from, to, 6) !== undefined).toBe(isOpen);
    expect(trip(to, from, 6) !== undefined).toBe(isOpen);
  });

  test("a subnet of one family is asked by that alone", () => {
    expect(addressOf(guest("lab@fra2"), 4)).toBeUndefined();
    expect(trip("tenant@fra2", "lab@fra2", 4)).toBeUndefined();
    const there = must(addressOf(guest("tenant@fra2"), 4), "it has both");
    expect(wayFromStation(ways, guest("lab@fra2"), there)).toBeUndefined();
  });

  test("a way is limited by each device that it leaves by", () => {
    const { there, back } = must(trip("office@ams1", "lab@fra2", 6), "they reach each other");
    expect(legs(there)).toEqual(["ams1 vx6600 1350", "fra1 wg0 1400", "fra2 br-lab 1500"]);
    expect(legs(back)).toEqual(["fra2 wg0 1412", "fra1 br6600 1350", "fra1 vx6600 1350"]);
  });

  test("a bridge lets pass 4 bytes more where the tunnel has room for them", () => {
    const ceiling = (from: string, to: string) => trip(from, to, 4)?.there.map(({ ceilingBytes }) => ceilingBytes);
    // 1400 in the tunnel is 1350 in the segment; 1412 would be 1362.
    expect(ceiling("tenant@ams1", "tenant@fra2")).toEqual([1350]);
    expect(ceiling("tenant@fra2", "tenant@ams1")).toEqual([1354]);
    expect(ceiling("storage@ams1", "storage@fra1")).toEqual([1334]);
  });

  test("hosts answer those whose packets their tunnels take", () => {
    const reached = (name: string): readonly string[] =>
      ways.network.hosts
        .filter((host) => reachesHost(ways, guest(name), host, must(host.interfaces[0]?.addresses[1], "IPv6").address))
        .map((host) => host.name);
    // By way of fra1, its gateway: even the host that it is on.
    expect(reached("office@ams1")).toEqual(["ams1", "fra1", "fra2", "laptop", "reflector"]);
    expect(reached("tenant@ams1")).toEqual(["ams1"]);
  });

  test("only a subnet with SNAT gets out, by its gateway", () => {
    expect(exitOf(ways, guest("office@ams1"), 6)?.name).toBe("fra1");
    expect(exitOf(ways, guest("tenant@fra1"), 6)).toBeUndefined();
    expect(exitOf(ways, guest("office@ams1"), 4)?.name).toBe("fra1");
    expect(exitsOf(ways, guest("office@ams1"), 6)).toEqual([]);
    expect(exitOf(ways, guest("lab@fra2"), 4)).toBeUndefined();
  });
});

describe("vrrp-gateways", () => {
  const { ways, trip, guest } = fixture("vrrp-gateways");
  const [inner, outer] = ["10.9.12.0/24@node2", "10.9.21.0/24@office"];

  test("a host without WireGuard sends by its LAN to who has the address that gateways share", () => {
    const { there, back } = must(trip(inner, outer, 4), "they reach each other");
    expect(legs(there)).toEqual(["node2 the LAN 1440", "gate1 wg0 1440", "office 10.9.21.0/24 1500"]);
    expect(legs(back)).toEqual(["office wg0 1440", "gate1 the LAN 1500", "node2 10.9.12.0/24 1500"]);
  });

  test("which is the other gateway without the first, and nobody without both", () => {
    const shared = must(must(ways.hosts.get("gate1"), "it is a host").vrrp, "it shares one").address.address;
    const among = (...gone: readonly string[]) => ({
      ...ways.network,
      hosts: ways.network.hosts.filter(({ name }) => !gone.includes(name)),
    });
    const node = must(ways.hosts.get("node2"), "it is a host");
    const route = must(
      node.lanRoutes.find(({ via }) => via === shared),
      "it sends to that",
    );
    expect(neighbourBy(among(), node, route)?.name).toBe("gate1");
    expect(neighbourBy(among("gate1"), node, route)?.name).toBe("gate2");
    expect(neighbourBy(among("gate1", "gate2"), node, route)).toBeUndefined();
    const cut = { ...ways, network: among("gate1", "gate2") };
    expect(roundTrip(cut, guest(inner), guest(outer), 4)).toBeUndefined();
  });
});

describe("routed-lan", () => {
  const { ways, trip } = fixture("routed-lan");

  test("a host without WireGuard sends to the router of its network, which sends on to who has it", () => {
    const { there, back } = must(trip("10.42.12.0/24@worker1", "192.168.7.0/24@office", 4), "they reach each other");
    expect(legs(there)).toEqual(["worker1 the LAN 1390", "gateway wg0 1390", "office 192.168.7.0/24 1500"]);
    expect(legs(back)).toEqual(["office wg0 1440", "gateway the LAN 1450", "worker1 10.42.12.0/24 1500"]);
  });

  test("what the router does not know is nobody's", () => {
    const worker = must(ways.hosts.get("worker1"), "it is a host");
    const [toPool, ...others] = worker.lanRoutes;
    const next = worker.lanRoutes.map((route) => neighbourBy(ways.network, worker, route)?.name);
    expect(next).toEqual(["gateway", "worker2", "gateway"]);
    const network = { ...ways.network, sites: ways.network.sites.map((site) => ({ ...site, routes: [] })) };
    expect(others).toHaveLength(2);
    expect(neighbourBy(network, worker, must(toPool, "it has routes"))).toBeUndefined();
  });
});

test("proxmox: routed subnets reach each other, a segment without a gateway only itself", () => {
  const { trip, ways, guest } = fixture("proxmox");
  expect(legs(must(trip("vms-roz@roz1", "vms-wro@wro1", 4), "reached").there)).toEqual([
    "roz1 wg0 1412",
    "wro1 br-vms-wro 1500",
  ]);
  expect(trip("cluster@roz2", "cluster@wro1", 4)).toBeDefined();
  expect(trip("cluster@roz1", "vms-roz@roz1", 4)).toBeUndefined();
  expect(trip("vms-roz@roz1", "cluster@roz1", 4)).toBeUndefined();
  expect(exitOf(ways, guest("cluster@roz1"), 4)).toBeUndefined();
});

test("pods: slices reach each other, and what is behind a host", () => {
  const { trip, guests } = fixture("pods");
  expect(guests).toHaveLength(4);
  for (const from of guests) {
    for (const to of guests.filter((each) => each !== from)) expect(trip(from.name, to.name, 4)).toBeDefined();
  }
});

test("a host that does not forward lets nobody through", () => {
  const { ways, guests } = fixture("pods");
  const hosts = new Map(
    [...ways.hosts].map(([name, host]) => [name, { ...host, forwards: { ipv4: false, ipv6: false } }]),
  );
  const [from, to] = [must(guests[0], "a guest"), must(guests[1], "another")];
  expect(roundTrip({ ...ways, hosts }, from, to, 4)).toBeUndefined();
});

describe("any fleet", () => {
  const holds = (check: (world: ReturnType<typeof worldOf>) => void): void =>
    fc.assert(
      fc.property(fleets, (fleet) => check(worldOf(compileFleet(fleet).model))),
      { numRuns: 15, seed: 7348 },
    );

  test("an answer is a matter of both: who is answered answers", () => {
    holds(({ guests, trip }) => {
      for (const a of guests) {
        for (const b of guests.filter((each) => each !== a)) {
          for (const { address } of b.addresses) {
            const family = familyOf(address);
            expect(trip(a.name, b.name, family) === undefined).toBe(trip(b.name, a.name, family) === undefined);
          }
        }
      }
    });
  });

  test("a segment without a gateway is an island, and its own guests meet", () => {
    holds(({ guests, trip }) => {
      const inside = guests.filter(({ subnet }) => subnet === "bare");
      const outside = guests.filter(({ subnet }) => subnet !== "bare");
      for (const a of inside) {
        for (const b of inside.filter((each) => each !== a)) expect(trip(a.name, b.name, 4)).toBeDefined();
        for (const b of outside) expect(trip(a.name, b.name, 4)).toBeUndefined();
      }
    });
  });

  test("routed slices all reach each other", () => {
    holds(({ guests, trip }) => {
      const slices = guests.filter(({ subnet }) => subnet === "slices");
      for (const a of slices) {
        for (const b of slices.filter((each) => each !== a)) expect(trip(a.name, b.name, 4)).toBeDefined();
      }
    });
  });
});
