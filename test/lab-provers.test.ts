/** What the lab chooses to measure, and how it reads what it sees: all of it that needs no lab. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { movesOf } from "../src/lab/life/address.ts";
import { attacksOn } from "../src/lab/measure/attacks.ts";
import { cover } from "../src/lab/measure/cover.ts";
import { madeUpMac, vxlanFrame } from "../src/lab/measure/forge.ts";
import { longestGapSeconds, parseReplies, unanswered } from "../src/lab/measure/steady-ping.ts";
import { shapeOf } from "../src/lab/measure/watch.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { takeoverAt } from "../src/lab/prove/guard-bgp.ts";
import { intrusions } from "../src/lab/prove/guard-entrance.ts";
import { infiltrations } from "../src/lab/prove/guard-evpn.ts";
import { guestAttacks } from "../src/lab/prove/guard-transit.ts";
import {
  clampSample,
  isClamped,
  sufficientHosts,
  type TcpPair,
  tcpPairs,
  tcpSample,
} from "../src/lab/prove/tcp-pairs.ts";
import { hostOf, modelOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";

function fixture(name: string) {
  const found = must(
    listFixtures().find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const network = must(compile(sourceOf(found)).model, "it compiles");
  return { network, plan: planLab(network) };
}

describe("cover", () => {
  const letters = (word: string): readonly string[] => [...word];

  test("shows every feature, those first that repeat nothing", () => {
    expect(cover(["ab", "bc", "cd", "ad"], letters)).toEqual(["ab", "cd"]);
    expect(cover(["ab", "bc"], letters)).toEqual(["ab", "bc"]);
  });

  test("leaves out what has nothing to show", () => {
    expect(cover(["", "a", "a"], letters)).toEqual(["a"]);
  });
});

describe("a ping that goes on", () => {
  const line = (at: number, sequence: number): string =>
    `[${at.toFixed(6)}] 1008 bytes from 10.77.0.12: icmp_seq=${sequence} ttl=64 time=0.5 ms\n`;

  test("counts what was not answered in between, and how long", () => {
    const replies = parseReplies(`PING 10.77.0.12\n${line(10, 1)}${line(10.02, 2)}${line(12.5, 6)}${line(12.52, 7)}`);
    expect(unanswered(replies)).toEqual([3, 4, 5]);
    expect(longestGapSeconds(replies)).toBeCloseTo(2.48);
  });

  test("takes answers in any order, and twice the same for one", () => {
    const replies = parseReplies(`${line(1, 1)}${line(1.04, 3)}${line(1.05, 2)}${line(1.06, 2)}${line(1.07, 4)}`);
    expect(unanswered(replies)).toEqual([]);
    expect(longestGapSeconds(replies)).toBeCloseTo(0.04);
  });

  test("refusals are no answers", () => {
    const refused =
      "[1.0] From 10.77.0.1 icmp_seq=2 Destination Host Unreachable\nping: sendmsg: Network is unreachable\n";
    expect(parseReplies(refused)).toEqual([]);
    expect([unanswered([]), longestGapSeconds([])]).toEqual([[], 0]);
  });
});

describe("TCP", () => {
  const names = (pairs: readonly TcpPair[]): readonly string[] =>
    pairs.map(({ from, to, family }) => `${from.name} ${to.name} ${family}`);

  test.each(["dual-stack", "proxmox", "hypervisors", "ipv6-only", "pods", "minimal"])(
    "%s: everyone has a part",
    (name) => {
      const { network, plan } = fixture(name);
      const pairs = tcpPairs(network, plan);
      const ends = (list: readonly TcpPair[]): readonly string[] => {
        const all = list.flatMap(({ from, to, family, isStretched }) =>
          [from, to].flatMap(({ host, subnet }) => [
            `${family} ${isStretched} ${host}`,
            `${family} ${isStretched} ${subnet}`,
          ]),
        );
        return [...new Set(all)].sort();
      };
      expect(pairs.length).toBeGreaterThan(0);
      expect(ends(tcpSample(pairs))).toEqual(ends(pairs));
      expect(pairs.every(({ from, to }) => from.host !== to.host)).toBe(true);
    },
  );

  test("far fewer than all are asked", () => {
    const { network, plan } = fixture("dual-stack");
    const pairs = tcpPairs(network, plan);
    expect(tcpSample(pairs).length).toBeLessThan(pairs.length / 2);
    const [one] = tcpSample(tcpPairs(fixture("minimal").network, fixture("minimal").plan));
    expect(one && names([one])).toEqual(["guests@alpha guests@beta 4"]);
  });

  test("a clamp is enough where both directions come by and the narrowest stretch is known", () => {
    const { network, plan } = fixture("dual-stack");
    const pair = (from: string, to: string): TcpPair =>
      must(
        tcpPairs(network, plan).find((each) => each.from.name === from && each.to.name === to && each.family === 6),
        "they reach each other",
      );
    expect(sufficientHosts(pair("tenant@ams1", "tenant@fra2"))).toEqual(["ams1", "fra2"]);
    // By a gateway on a third host, where both directions come by.
    expect(sufficientHosts(pair("lab@fra2", "office@ams1"))).toEqual(["fra1"]);
    // Each through a gateway of its own.
    expect(sufficientHosts(pair("tenant@ams1", "storage@fra1"))).toEqual([]);
  });

  test("what is not narrower needs no clamp", () => {
    const { network, plan } = fixture("minimal");
    const [pair] = tcpPairs(network, plan);
    const wide = must(pair, "there is a pair");
    const open: TcpPair = { ...wide, trip: { there: [], back: [] } };
    expect([isClamped(wide), isClamped(open)]).toEqual([true, false]);
    expect(clampSample([open])).toEqual([]);
  });
});

describe("the guard", () => {
  test("a frame is VXLAN's header, everybody, the MAC, and an Ethernet type of nobody's", () => {
    const mac = madeUpMac(258, 3);
    expect(mac).toBe("02:6e:01:02:00:03");
    const frame = vxlanFrame(100, mac);
    expect(frame.startsWith("0800000000006400ffffffffffff026e0102000388b5")).toBe(true);
    expect(frame.length / 2).toBe(8 + 60);
  });

  test("a host behind NAT is attacked by its router alone", () => {
    const { network, plan } = fixture("proxmox");
    const places = attacksOn(network, plan, hostOf(network, "wro1")).map(({ place }) => place);
    expect(new Set(places)).toEqual(new Set(["router"]));
  });

  test("one that is reached as it is, from the internet too, at each of its addresses", () => {
    const { network, plan } = fixture("minimal");
    const attacks = attacksOn(network, plan, hostOf(network, "alpha"));
    const said = attacks.map(({ place, from, to }) => `${place} ${from} ${to}`);
    const [router, outside] = [plan.routerAddresses[0], plan.outside[0]];
    expect(said).toEqual([
      `router ${router} 198.51.100.1`,
      "router 10.250.0.2 198.51.100.1",
      `router ${router} 10.250.0.1`,
      "router 10.250.0.2 10.250.0.1",
      `internet ${outside} 198.51.100.1`,
    ]);
  });

  test("its router comes to a guest that it routes to, and as this one to another host; not to a segment that it does not", () => {
    const { network, plan } = fixture("two-hubs");
    const router = plan.routerAddresses[0];
    const said = (name: string) =>
      intrusions(network, plan, hostOf(network, name)).map(({ from, to }) => `${from} ${to}`);
    expect(said("gamma").slice(0, 2)).toEqual([`${router} 10.1.0.11`, "10.1.0.11 10.250.0.1"]);
    expect(said("delta")).toEqual([`${router} 10.78.0.11`, "10.78.0.11 10.250.0.1"]);
    expect(said("epsilon")).toEqual([]);
    const armed = fixture("two-armed");
    const ofArmed = (name: string) =>
      intrusions(armed.network, armed.plan, hostOf(armed.network, name)).map(({ to }) => to);
    // A guest, a neighbour on the LAN, and another host by the tunnel.
    expect(ofArmed("gate1")).toEqual(["10.1.1.11", "192.168.7.2", "10.250.0.21"]);
    expect(ofArmed("gate2")).toEqual(["192.168.7.1"]);
  });

  test("a hub's first spoke claims what is another's; who passes on what others say may say it", () => {
    const { network } = fixture("two-hubs");
    const { thief, owner, prefix } = must(takeoverAt(hostOf(network, "alpha")), "alpha has spokes");
    expect([thief.host, owner.host, prefix]).toEqual(["gamma", "delta", "10.78.0.0/24"]);
    expect(takeoverAt(hostOf(network, "gamma"))).toBeUndefined();
  });

  test("a member of one network says that it is in another, to all reflectors, or else to one host", () => {
    const said = (name: string) =>
      infiltrations(fixture(name).network).map(
        ({ hub, thief, own, foreign }) => `${thief.host} -> ${hub}: ${own.vni} as ${foreign.vni}`,
      );
    expect(said("two-hubs")).toEqual(["gamma -> alpha: 77 as 78", "gamma -> beta: 77 as 78"]);
    expect(said("vrfs")).toEqual(["beta -> alpha: 100 as 101"]);
    expect(said("ebgp")).toEqual([]);
    expect(said("minimal")).toEqual([]);
  });

  test("who is allowed is no attacker", () => {
    const hosts = "hosts: {alpha: {id: 1, endpoint: 192.0.2.1}, beta: {id: 2, endpoint: 192.0.2.2}}";
    const subnets = "subnets: {s: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all}}";
    const pool = "wireguard: {addresses: [10.250.0.0/24]}";
    const network = modelOf(`${pool}\n${hosts}\n${subnets}\nguard: {allowFrom: [203.0.113.0/24]}\n`);
    const attacks = attacksOn(network, planLab(network), hostOf(network, "alpha"));
    expect(attacks.map(({ from }) => from)).toEqual(["10.250.0.2", "10.250.0.2"]);
  });

  test("a guest attacks the host that routes it, and another through it", () => {
    const { network, plan } = fixture("minimal");
    const said = guestAttacks(network, plan).map(
      ({ guest, target, dropper, chain }) => `${guest.name} ${target.name} ${dropper} ${chain}`,
    );
    expect(said).toEqual([
      "guests@alpha alpha alpha guard",
      "guests@alpha beta alpha transit",
      "guests@beta alpha alpha guard",
      // Even its own host is reached by its gateway alone.
      "guests@beta beta alpha transit",
    ]);
  });
});

describe("life", () => {
  test("hosts that differ in their roles differ in shape, and others do not", () => {
    const { network } = fixture("dual-stack");
    const shapes = new Set(network.hosts.map(shapeOf));
    expect(shapes.size).toBe(5);
    const { network: kubernetes } = fixture("kubernetes");
    expect(shapeOf(hostOf(kubernetes, "worker1"))).toBe(shapeOf(hostOf(kubernetes, "worker2")));
  });

  test("an address of a host's own changes, and that of a router", () => {
    expect(movesOf(fixture("hypervisors"))).toMatchObject([{ host: "alpha", by: "beta", isForwarded: false }]);
    expect(movesOf(fixture("proxmox"))).toMatchObject([{ host: "roz1", by: "wro1", isForwarded: true }]);
    expect(movesOf(fixture("minimal"))).toEqual([]);
  });
});
