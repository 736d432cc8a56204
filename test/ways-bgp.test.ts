/** The ways that BGP chooses where there are several, as the model has them. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import type { IpPrefix } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import type { Host } from "../src/model/host.ts";
import { unicastOf } from "../src/model/loopback.ts";
import type { Network } from "../src/model/network.ts";
import { announcedTo, createNextHop, hostsBetween, type NextHop, roomBetween } from "../src/ways/bgp-choice.ts";
import { roundTrip } from "../src/ways/reach.ts";
import { acrossSegment } from "../src/ways/segment.ts";
import { waysOf } from "../src/ways/ways.ts";
import { hostOf, modelOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

function fixture(name: string) {
  const found = must(
    listFixtures().find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const network = must(compile(sourceOf(found)).model, "it compiles");
  return { network, plan: planLab(network) };
}

/** The network where some of its hosts speak no BGP. */
const withoutBgp = (network: Network, ...deaf: readonly string[]): Network => ({
  ...network,
  hosts: network.hosts.map((host) => (deaf.includes(host.name) ? { ...host, bgp: { kind: "none" } } : host)),
});

/** The hosts that a packet passes, and the interfaces by which. */
function wayOf(network: Network, from: string, to: string, without = ""): readonly string[] {
  const hosts = new Map(network.hosts.filter(({ name }) => name !== without).map((host) => [host.name, host]));
  const nextHop = createNextHop(hosts);
  const way: string[] = [];
  for (let name = from; name !== to && way.length < 9; ) {
    const next = nextHop(hostOf(network, name), hostOf(network, to));
    way.push(`${name} ${next?.interface ?? "nowhere"}`);
    if (next === undefined) break;
    name = next.host;
  }
  return way;
}

describe("the preferred way", () => {
  const { network } = fixture("two-hubs");

  test("leads by the first hub, and by the second without it", () => {
    expect(wayOf(network, "gamma", "delta")).toEqual(["gamma wg1", "alpha wg1"]);
    expect(wayOf(network, "gamma", "delta", "alpha")).toEqual(["gamma wg2", "beta wg2"]);
  });

  test("to a hub is the direct one", () => {
    expect(wayOf(network, "gamma", "beta")).toEqual(["gamma wg2"]);
    expect(wayOf(network, "alpha", "beta")).toEqual(["alpha wg2"]);
  });

  test("in a ring is the shorter one, and never leads through who passes nothing on", () => {
    const ring = fixture("ring").network;
    expect(wayOf(ring, "north", "east")).toEqual(["north wg2"]);
    expect(wayOf(ring, "north", "south")).toEqual(["north wg2", "east wg3"]);
    expect(wayOf(ring, "north", "south", "east")).toEqual(["north wg4", "west wg3"]);
    const cut = withoutBgp(ring, "west");
    expect(wayOf(cut, "north", "south", "east")).toEqual(["north nowhere"]);
    expect(wayOf(cut, "west", "south")).toEqual(["west nowhere"]);
  });

  test("leads around whoever is drained, unless nobody else leads there", () => {
    const drained = (name: string, ...who: readonly string[]): Network => {
      const { network: whole } = fixture(name);
      const drain = (host: Host): Host => ({ ...host, bgp: { ...host.bgp, ...{ isDrained: true } } });
      return { ...whole, hosts: whole.hosts.map((host) => (who.includes(host.name) ? drain(host) : host)) };
    };
    const hubs = drained("two-hubs", "alpha");
    expect(wayOf(hubs, "gamma", "delta")).toEqual(["gamma wg2", "beta wg2"]);
    expect(wayOf(hubs, "gamma", "delta", "beta")).toEqual(["gamma wg1", "alpha wg1"]);
    expect(wayOf(hubs, "gamma", "alpha")).toEqual(["gamma wg1"]);
    expect(wayOf(hubs, "alpha", "delta")).toEqual(["alpha wg1"]);
    const ring = drained("ring", "east");
    expect(wayOf(ring, "north", "south")).toEqual(["north wg4", "west wg3"]);
    expect(wayOf(ring, "north", "east")).toEqual(["north wg2"]);
    expect(wayOf(ring, "west", "east")).toHaveLength(2);
    // Two in a ring of four: whoever is between them is reached through one all the same.
    expect(wayOf(drained("ring", "east", "west"), "north", "south")).toEqual(["north wg2", "east wg3"]);
  });

  test("passes the hosts between, and carries what the narrowest tunnel does", () => {
    const ways = waysOf(network);
    const between = (from: string, to: string) => hostsBetween(ways, hostOf(network, from), hostOf(network, to));
    expect([between("gamma", "delta"), between("gamma", "beta")]).toEqual([["alpha"], []]);
    expect(roomBetween(ways, hostOf(network, "alpha"), "beta")).toBe(1440);
    expect(roomBetween(ways, hostOf(network, "gamma"), "delta")).toBe(1432);
  });

  test("leads to nobody who is not there, or cannot be heard of", () => {
    const ring = withoutBgp(fixture("ring").network, "north", "south");
    const east = hostOf(ring, "east");
    const ways = waysOf(ring);
    expect(hostsBetween(ways, east, hostOf(ring, "west"))).toBeUndefined();
    expect(roomBetween(ways, east, "west")).toBeUndefined();
    expect(acrossSegment(ways, east, "west", "cluster")).toBeUndefined();
    expect(announcedTo(ways, hostOf(ring, "north"))).toEqual([]);
    const whole = fixture("ring").network;
    const hosts = new Map(waysOf(whole).hosts);
    hosts.delete("south");
    expect(hostsBetween({ ...waysOf(whole), hosts }, hostOf(whole, "east"), hostOf(whole, "south"))).toBeUndefined();
  });

  test("between autonomous systems passes the fewest of them, and of equals the fewest tunnels inside one", () => {
    const hosts = ["a", "b", "c", "d", "e"];
    const ring = hosts.map((name, index) => `[${name}, ${hosts[(index + 1) % 5]}]`).join(", ");
    const sitesOf = (sites: string) =>
      modelOf(
        [
          "wireguard:\n  addresses: [10.250.0.0/24]\n  transit: [10.251.0.0/16]\n  shape: links\n",
          `  links: [${ring}]\nbgp: {asn: 65000}\nsites: {x: {asn: 65001}, y: {asn: 65002}, z: {asn: 65003}}\nhosts:\n`,
          ...hosts.map(
            (name, index) =>
              `  ${name}: {id: ${index + 1}, endpoint: 192.0.2.${index + 1}, site: ${sites[index]}, publicKey: "${testPublicKey(name)}"}\n`,
          ),
        ].join(""),
      );
    const named = (way: readonly string[]) => way.map((each) => each.split(" ")[0]).join("");
    // A ring of one AS, where two tunnels are fewer than three; three of one AS in a row, which count as one AS.
    expect(named(wayOf(sitesOf("xxxxx"), "d", "a"))).toBe("de");
    expect(named(wayOf(sitesOf("xxxyz"), "d", "a"))).toBe("dcb");
    // One AS either way, and more tunnels one way round.
    expect(named(wayOf(sitesOf("xxxyx"), "d", "a"))).toBe("de");
    expect(named(wayOf(sitesOf("xyxyz"), "a", "d"))).toBe("ae");
    expect(named(wayOf(sitesOf("xyxyz"), "a", "d", "e"))).toBe("abc");
  });

  test("that goes round in a circle is none", () => {
    const ring = fixture("ring").network;
    const circle: NextHop = (from) =>
      must(unicastOf(from), "it speaks BGP").neighbours.find(({ host }) => host === "north" || host === "east");
    const choices = { ...waysOf(ring), nextHop: circle };
    expect(hostsBetween(choices, hostOf(ring, "north"), hostOf(ring, "south"))).toBeUndefined();
  });

  test("of several is a matter of router identifiers, which whoever announces has", () => {
    const ring = withoutBgp(fixture("ring").network, "south");
    const ask = () =>
      createNextHop(waysOf(ring).hosts)(
        ...(["north", "south", "west"].map((name) => hostOf(ring, name)) as [Host, Host, Host]),
      );
    expect(ask).toThrow("whoever announces has a router ID");
  });
});

describe("what several hosts announce", () => {
  const { text, ...rest } = sourceOf(
    must(
      listFixtures().find((each) => each.name === "two-gateways"),
      "it is a fixture",
    ),
  );
  const lan = "192.168.7.0/24";
  const withLan = text.replace("rack: {", `rack: {lan: [${lan}], `);
  const network = must(compile({ ...rest, text: withLan }).model, "it compiles");

  /** The hosts by which each sends there. */
  function waysTo(announcing: Network, prefix: string): readonly string[] {
    const ways = waysOf(announcing);
    return announcing.hosts.flatMap((host) =>
      announcedTo(ways, host).flatMap((each) => (each.prefix === prefix ? [`${host.name} by ${each.peer}`] : [])),
    );
  }

  const announcedBy = (names: readonly string[], ring: Network): Network => ({
    ...ring,
    hosts: ring.hosts.map((host) => {
      if (host.bgp.kind !== "routing") return host;
      const prefix = lan as unknown as IpPrefix;
      const announced = names.includes(host.name) ? [prefix] : host.bgp.unicast.announced;
      const unicast = { ...host.bgp.unicast, announced, accepted: [...host.bgp.unicast.accepted, prefix] };
      return { ...host, bgp: { ...host.bgp, unicast } };
    }),
  });

  test("is one choice, and none for who announces it or is on that LAN", () => {
    expect(waysTo(network, lan)).toEqual(["branch by gate1"]);
  });

  test("is the router's with the lowest identifier, though another is nearer", () => {
    // South hears it from west itself, and that east has a way to north.
    const ring = announcedBy(["north", "west"], fixture("ring").network);
    expect(waysTo(ring, lan)).toEqual(["east by north", "south by east"]);
  });
});

test("a packet is limited by each tunnel on its way, and taken where its source belongs", () => {
  const { network, plan } = fixture("two-hubs");
  const guest = (name: string) =>
    must(
      plan.guests.find((each) => each.name === name),
      `${name} is a guest`,
    );
  const trip = roundTrip(waysOf(network, plan.guests), guest("vms@gamma"), guest("192.168.12.0/24@delta"), 4);
  expect(trip?.there.map(({ host, via, bytes }) => `${host} ${via} ${bytes}`)).toEqual([
    "gamma wg1 1440",
    "alpha wg1 1432",
    "delta 192.168.12.0/24 1500",
  ]);
});
