/** A packet's way hop by hop: sizes, clamps, and who says what where it is too large. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { FAMILIES, type IpFamily, type IpPrefix, parseAddress } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { poolAddresses } from "../src/model/loopback.ts";
import { renderTrace } from "../src/report/trace.ts";
import { flowBetween, partiesNamed, stationParty } from "../src/ways/party.ts";
import { roundTrip, walkFromHost } from "../src/ways/reach.ts";
import { type Hop, traceFlow } from "../src/ways/trace.ts";
import { narrowest } from "../src/ways/way.ts";
import { type Ways, waysOf } from "../src/ways/ways.ts";
import { modelOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";

const scenarios = listFixtures().filter(({ kind }) => kind === "scenario");

function fixture(name: string): Ways {
  const found = must(
    scenarios.find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const network = must(compile(sourceOf(found)).model, "it compiles");
  return waysOf(network, planLab(network).guests);
}

function traced(ways: Ways, from: string, to: string, bytes?: number, families: readonly IpFamily[] = FAMILIES) {
  const flow = must(flowBetween(partiesNamed(ways, from), partiesNamed(ways, to), families), "the two can speak");
  return traceFlow(ways, flow, bytes);
}

const hop = ({ host, via, sizes, sent, mss }: Hop): string =>
  `${host} ${via} ${sizes.join("+")} -> ${sent.join("+")}${mss === undefined ? "" : ` MSS ${mss}`}`;

describe("layers", () => {
  test("frames get into VXLAN, and that into WireGuard, padded", () => {
    const { there, bytes } = traced(fixture("minimal"), "guests@alpha", "guests@beta", 1001);
    expect(bytes).toBe(1001);
    // 1001 + 50 = 1051, padded to 1056, + 60
    expect(there.hops.map(hop)).toEqual(["alpha vx100 1001 -> 1051 MSS 1350", "alpha wg0 1051 -> 1116"]);
    expect(there.hops[1]?.added[0]).toEqual({ what: "padding to 16 bytes", bytes: 5 });
    expect(there.hops[1]?.path).toEqual({ mtu: 1500, rule: "underlay.pathMtu" });
    expect(there.end).toEqual({ host: "beta", kind: "arrived" });
  });

  test("a host's own packets are clamped by nobody at home, and routed from there", () => {
    const { there, back } = traced(fixture("two-hubs"), "gamma", "epsilon");
    expect(there.hops.map(({ host, mss }) => [host, mss])).toEqual([
      ["gamma", undefined],
      ["alpha", 1392],
    ]);
    expect(back.hops.map(({ host }) => host)).toEqual(["epsilon", "beta"]);
  });

  test("what is cut up on purpose leaves in the sizes of each tunnel, put together by whoever passes it on", () => {
    const { there, back } = traced(fixture("fragments"), "machines@north", "machines@south");
    expect(there.hops.map(hop)).toEqual([
      "north vx100 1500 -> 1550 MSS 1342",
      "north wg0 1436+134 -> 1500+204",
      "hub wg0 1428+142 -> 1492+204",
    ]);
    expect(back.hops.map(hop).at(-1)).toBe("hub wg0 1428+142 -> 1492+204");
  });

  test("in a VRF all is clamped to the smallest of its links, and an app clamps nothing", () => {
    const { there } = traced(fixture("vrfs"), "blue-vms@alpha", "blue-web@gamma", undefined, [6]);
    expect(there.hops.map(({ via, mss }) => [via, mss])).toEqual([
      ["br5000", 1322],
      ["wg0", undefined],
      ["br-blue-web", 1440],
    ]);
    const { back } = traced(fixture("devices"), "10.64.0.0/24", "phone");
    expect(back.hops[0]).toMatchObject({ host: "phone", mss: undefined });
  });

  test("what a translation takes is none of the host's, and of the path all the same", () => {
    const network = modelOf(`
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, families: ds-lite, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
`);
    const trace = traced(waysOf(network), "alpha", "beta");
    expect(trace.there.hops.map(hop)).toEqual(["alpha wg0 1400 -> 1460"]);
    expect(renderTrace(trace)).toContain(
      " = 1460, of 1500 (underlay.pathMtu) less 40 (IPv6 header around it, DS-Lite)\n",
    );
  });

  test("a LAN adds nothing", () => {
    const ways = fixture("kubernetes-vpc");
    const lan = ways.stations.flatMap((a) =>
      ways.stations.flatMap((b) => {
        const flow = flowBetween(partiesNamed(ways, a.name), partiesNamed(ways, b.name));
        return flow === undefined
          ? []
          : traceFlow(ways, flow, undefined).there.hops.filter(({ kind }) => kind === "lan");
      }),
    );
    expect(lan.length).toBeGreaterThan(0);
    expect(lan.every(({ added, mss, sizes, sent }) => added.length === 0 && mss === undefined && sizes === sent)).toBe(
      true,
    );
  });
});

describe("what is too large", () => {
  const refusal = (ways: Ways, from: string, to: string, bytes: number) => {
    const { there } = traced(ways, from, to, bytes);
    return { ...there.end, hops: there.hops.length };
  };
  const minimal = fixture("minimal");

  test("is not sent by the host whose link it is", () => {
    expect(refusal(minimal, "alpha", "beta", 1441)).toEqual({
      host: "alpha",
      via: "wg0",
      limit: 1440,
      kind: "not-sent",
      hops: 0,
    });
  });

  test("is answered where it is routed", () => {
    expect(refusal(minimal, "beta", "guests@alpha", 1391)).toMatchObject({
      host: "alpha",
      via: "br100",
      kind: "answered",
      hops: 1,
    });
  });

  test("is answered in the receiver's name with the room of a tag, and else vanishes in the bridge", () => {
    expect(refusal(minimal, "guests@alpha", "guests@beta", 1394)).toMatchObject({ via: "vx100", kind: "forged" });
    expect(refusal(minimal, "guests@alpha", "guests@beta", 1395)).toMatchObject({ via: "vx100", kind: "silent" });
  });
});

describe("the way back", () => {
  const twoHubs = fixture("two-hubs");
  const heading = (ways: Ways, from: string, to: string): string | undefined =>
    renderTrace(traced(ways, from, to))
      .split("\n")
      .find((line) => line.startsWith("back"));

  test("is by other hosts also where frames are, in the tunnels below VXLAN", () => {
    const [there, back] = [["alpha"], ["beta"]];
    expect(traced(twoHubs, "gamma", "epsilon").otherHosts).toEqual({ there, back });
    expect(traced(twoHubs, "stretched@gamma", "stretched@epsilon").otherHosts).toEqual({ there, back });
    expect(heading(twoHubs, "stretched@gamma", "stretched@epsilon")).toBe("back, otherwise: by beta, not by alpha");
    expect(heading(twoHubs, "stretched@gamma", "stretched@delta")).toBe("back, by the same hosts");
  });

  test("may be the direct one, by gateways that are several", () => {
    const vrfs = fixture("vrfs");
    const directly = vrfs.stations.flatMap(({ name }) =>
      vrfs.stations.flatMap((other) => {
        const flow = flowBetween(partiesNamed(vrfs, name), [stationParty(other)]);
        return flow === undefined ? [] : [traceFlow(vrfs, flow, undefined)];
      }),
    );
    const words = directly.map((trace) => /^back.*$/m.exec(renderTrace(trace))?.[0]);
    expect(words).toContain("back, otherwise: directly, not by alpha");
  });

  test("is compared with nothing where a packet does not arrive, or an answer does not", () => {
    const dualStack = fixture("dual-stack");
    expect(heading(dualStack, "laptop", "tenant")).toBe("back");
    expect(traced(dualStack, "laptop", "tenant").otherHosts).toBeUndefined();
  });

  test("is another where it carries other sizes", () => {
    expect(heading(fixture("dual-stack"), "fra1", "laptop")).toBe("back, otherwise: carries 1420, not 1400");
  });
});

describe("what does not arrive", () => {
  const ends = (ways: Ways, from: string, to: string) => {
    const { there, back } = traced(ways, from, to);
    return [there, back].map(({ end }) => `${end.kind} ${end.host}`);
  };

  test("whose tunnel is for one thing sends nothing else into it, and takes nothing else out", () => {
    expect(ends(fixture("dual-stack"), "laptop", "tenant")).toEqual(["no-route laptop", "not-taken laptop"]);
  });

  test("what an app has no route for in its tunnel leaves by its own network", () => {
    const ways = fixture("devices");
    const phone = must(ways.hosts.get("phone"), "phone is a host");
    const to = must(parseAddress("192.0.2.77"), "it is an address");
    const source = must(poolAddresses(phone)[0], "it has an address").address;
    expect(walkFromHost(ways, phone, { source, to, vrf: undefined }).end).toEqual({ host: "phone", kind: "outside" });
  });

  test("two that send each other what neither has use its hops up", () => {
    const { network, ...ways } = fixture("pods-hub");
    const all = network.prefixes.filter(({ use }) => use.kind === "subnet").map(({ prefix }) => prefix);
    const given: Readonly<Record<string, readonly IpPrefix[]>> = { "host-a": all, "host-b": [] };
    const peers = network.peers.map((peer) => ({ ...peer, allowedIps: given[peer.host] ?? peer.allowedIps }));
    const lost = waysOf({ ...network, peers }, ways.stations);
    expect(ends(lost, "overlay-net@host-a", "overlay-net@host-b")[0]).toBe("loop host-a");
  });

  test("what no table has a route for leaves the overlay, and what it keeps has no route", () => {
    expect(ends(fixture("vrfs"), "red-web@delta", "blue-db@gamma")[0]).toBe("outside delta");
  });

  test("an address of one's own subnet that nobody has is asked for in vain, and no router answers", () => {
    // Two VRFs with one prefix.
    const trace = traced(fixture("vrfs"), "blue-vms@alpha", "red-vms@beta", undefined, [4]);
    expect([trace.there.end, trace.there.hops]).toEqual([{ host: "alpha", kind: "no-neighbour" }, []]);
    expect(renderTrace(trace)).toContain("  it is not sent on alpha: nobody on its subnet has the address\n");
  });

  test("what has no route is called unreachable, by whichever kernel", () => {
    expect(renderTrace(traced(fixture("dual-stack"), "laptop", "tenant"))).toContain(
      "  it is called unreachable by laptop: no route leads there\n",
    );
  });

  test("a guest without a gateway stays on its subnet", () => {
    const text = `
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
subnets:
  lonely: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha], gateway: none}
`;
    const network = modelOf(text);
    expect(ends(waysOf(network, planLab(network).guests), "lonely", "beta")[0]).toBe("no-gateway alpha");
  });

  test("a host that forwards nothing drops what is not for itself", () => {
    const { network, ...ways } = fixture("pods-hub");
    const hosts = network.hosts.map((host) =>
      host.name === "gateway" ? { ...host, forwards: { ipv4: false, ipv6: false } } : host,
    );
    const still = waysOf({ ...network, hosts }, ways.stations);
    expect(ends(still, "overlay-net@host-a", "overlay-net@host-b")[0]).toBe("not-forwarded gateway");
  });
});

describe("an end", () => {
  const ways = fixture("two-hubs");
  const named = (text: string): readonly string[] =>
    partiesNamed(ways, text).map(
      ({ name, addresses }) => `${name} ${addresses.map(({ address }) => address).join(" ")}`,
    );

  test("is a host, a subnet, one on a host, an address or a prefix", () => {
    expect(named("gamma")).toEqual(["gamma 10.250.0.11 fd00:250::b"]);
    expect(named("stretched@delta")).toHaveLength(1);
    expect(named("stretched")).toHaveLength(3);
    expect(named("10.250.0.11")).toEqual(["gamma 10.250.0.11"]);
    expect(named("10.250.0.0/24")).toHaveLength(5);
    expect(named("10.77.0.200@epsilon")).toEqual(["stretched@epsilon 10.77.0.200"]);
    expect(named("10.77.0.128/25@delta")).toEqual(["stretched@delta 10.77.0.129"]);
    expect(named("10.77.0.200/32@delta")).toEqual(["stretched@delta 10.77.0.200"]);
    expect(named("192.0.2.1")).toEqual([]);
    // Of the tunnel to alpha alone: no route but the tunnel's leads there.
    expect(ways.hosts.get("alpha")?.interfaces[0]?.addresses[0]?.address).toBe("10.251.1.1");
    expect(named("10.251.1.1")).toEqual([]);
    expect(named("nobody")).toEqual([]);
  });

  test("is who has the address, before who might", () => {
    const gateway = must(ways.stations.find(({ name }) => name === "central@epsilon")?.gateways[0], "it has one");
    expect(named(gateway)[0]).toMatch(/^delta /);
    const own = must(
      ways.stations.find(({ name }) => name === "stretched@epsilon")?.addresses[0],
      "it has one",
    ).address;
    expect(named(own)[0]).toMatch(/^stretched@epsilon /);
  });

  test.each(["fd00:77::5", "fd00:77::/64"])("that is %s speaks IPv6, also where both ends have IPv4", (text) => {
    const flow = must(flowBetween(partiesNamed(ways, "delta"), partiesNamed(ways, text)), "the two can speak");
    expect(flow.family).toBe(6);
    expect(flowBetween(partiesNamed(ways, text), partiesNamed(ways, "delta"), [4])).toBeUndefined();
    expect(traceFlow(ways, flow, undefined).to.address).toMatch(/^fd00:77::/);
  });

  test("of one VRF goes with that of the same", () => {
    const vrfs = fixture("vrfs");
    const flow = flowBetween(partiesNamed(vrfs, "10.78.3.0/24"), partiesNamed(vrfs, "red-vms"));
    expect([flow?.from.station?.vrf, flow?.to.station?.vrf]).toEqual(["red", "red"]);
  });

  test("speaks with none on its own host, and by no other family than both have", () => {
    expect(flowBetween(partiesNamed(ways, "gamma"), partiesNamed(ways, "vms"))).toBeUndefined();
    expect(flowBetween(partiesNamed(ways, "services"), partiesNamed(ways, "vms"), [6])).toBeUndefined();
  });
});

/** All flows between guests on different hosts. */
const flowsOf = (ways: Ways) =>
  ways.stations.flatMap((a) =>
    ways.stations.flatMap((b) =>
      FAMILIES.flatMap((family) => {
        const flow = flowBetween([stationParty(a)], [stationParty(b)], [family]);
        return flow === undefined ? [] : [{ flow, trip: roundTrip(ways, a, b, family) }];
      }),
    ),
  );

test.each(scenarios)("$name: what is said of the largest packets is what is known of the ways", ({ name }) => {
  const ways = fixture(name);
  for (const { flow, trip } of flowsOf(ways)) {
    const trace = traceFlow(ways, flow, undefined);
    const { there, back } = trace;
    expect(there.largest !== undefined && back.largest !== undefined).toBe(trip !== undefined);
    expect(there.largest).toBe(trip === undefined ? there.largest : narrowest(trip.there, "bytes"));
    const tooMuch = [...there.hops, ...back.hops].filter(({ path, sent }) => path && Math.max(...sent) > path.mtu);
    expect(tooMuch).toEqual([]);
    expect(renderTrace(trace)).toMatch(/^there$/m);
  }
});
