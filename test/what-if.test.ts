/** `netgen what-if`: nothing is lost or moved that it does not say, on any fixture, whatever goes down; and it is said who takes over. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { lossesOf } from "../src/lab/life/failover.ts";
import { planGuests } from "../src/lab/plan/guests.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { renderEach, renderWhatIf, whatIfData, worstFirst } from "../src/report/what-if.ts";
import { UNBOUNDED, whatIfEach } from "../src/ways/each.ts";
import { courseOf, workingFlows } from "../src/ways/flows.ts";
import { allLosses, type Loss, lossesNamed, together, waysWithout } from "../src/ways/loss.ts";
import { type Ways, waysOf } from "../src/ways/ways.ts";
import { lostCount, movedCount, type WhatIf, whatIf, workOf } from "../src/ways/what-if.ts";
import { sourceOf } from "./fixtures.ts";
import { runNetgen } from "./netgen.ts";
import { allScenarios } from "./proofs.ts";

function waysOfText(text: string): Ways {
  const { model, diagnostics } = compile({ name: "topology.yaml", text });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const network = must(model, "it compiles");
  return waysOf(network, planGuests(network).guests);
}

const fixture = (name: string): Ways =>
  waysOfText(
    sourceOf(
      must(
        allScenarios.find((each) => each.name === name),
        `${name} is a fixture`,
      ),
    ).text,
  );

const named = (ways: Ways, text: string): Loss => {
  const losses = lossesNamed(ways, text);
  const [loss, ...others] = losses === "no-tunnel" ? [] : losses;
  expect(others, `${text} means one thing`).toEqual([]);
  return must(loss, `${text} means something`);
};

const without = (ways: Ways, text: string): WhatIf => whatIf(ways, named(ways, text));

const KINDS = ["host", "link", "site"] as const;

/** What each flow does without something, asked one by one. */
function askedOneByOne(ways: Ways, loss: Loss) {
  const rest = waysWithout(ways, loss);
  const gone = new Set(loss.hosts);
  const [counts, ends] = [{ gone: 0, lost: 0, moved: 0 }, new Set<string>()];
  for (const { flow, course } of workingFlows(ways)) {
    const hosts = flow.kind === "between" ? [flow.from.host, flow.to.host] : [flow.from.host];
    if (hosts.some((host) => gone.has(host))) {
      counts.gone += 1;
      continue;
    }
    const after = courseOf(rest, flow);
    if (after === undefined) counts.lost += 1;
    else if (
      JSON.stringify([after.there, after.back, after.exit]) !== JSON.stringify([course.there, course.back, course.exit])
    ) {
      counts.moved += 1;
    }
    ends.add(flow.kind);
  }
  return counts;
}

describe.each(allScenarios.map((each) => [each.name, each] as const))("of %s", (_, scenario) => {
  const network = must(compile(sourceOf(scenario)).model, "it compiles");
  const ways = waysOf(network, planGuests(network).guests);
  const losses = KINDS.flatMap((kind) => allLosses(ways, kind));

  test("what a loss does is what becomes of each flow", () => {
    const results = losses.map((loss) => whatIf(ways, loss));
    const counts = results.map((result) => ({ gone: result.gone, lost: lostCount(result), moved: movedCount(result) }));
    expect(counts).toEqual(losses.map((loss) => askedOneByOne(ways, loss)));
  });

  test("each interface that leads to others can be down, and no word is none", () => {
    const interfaces = network.hosts.flatMap((host) =>
      [...host.interfaces.map(({ name }) => name), host.uplink, host.lanInterface]
        .filter((name) => name !== undefined)
        .map((name) => named(ways, `${name}@${host.name}`)),
    );
    const results = [...interfaces, ...losses].map((loss) => whatIf(ways, loss));
    const texts = [...results.map(renderWhatIf), renderEach(results)];
    expect(texts.filter((text) => /undefined|NaN|Infinity|\[object|null/.test(text))).toEqual([]);
  });

  test("guests that the lab sends another way go another way", () => {
    const { guests } = planLab(network);
    const all = waysOf(network, guests);
    const wrong = lossesOf(network, guests).flatMap(({ lost, from, to }) => {
      const { moved } = without(all, `host:${lost}`);
      return moved.some(({ by }) => by === "bgp") ? [] : [`${lost}: ${from.name} ${to.name}`];
    });
    expect(wrong).toEqual([]);
  });
});

describe("as many kinds as there is time for", () => {
  const ways = fixture("two-hubs");
  const all = whatIfEach(ways, KINDS, UNBOUNDED);
  const workOfKind = (kind: (typeof KINDS)[number]): number =>
    allLosses(ways, kind).reduce((sum, loss) => sum + workOf(ways, loss), 0);

  test("with none too many it is every loss in turn", () => {
    const losses = KINDS.flatMap((kind) => allLosses(ways, kind));
    expect(all).toEqual({ results: losses.map((loss) => whatIf(ways, loss)), unasked: [] });
  });

  test("a kind that is too much is left out whole, and the next ones are asked", () => {
    const work = workOfKind("host") + workOfKind("site");
    expect(workOfKind("link")).toBeGreaterThan(workOfKind("site"));
    const { results, unasked } = whatIfEach(ways, KINDS, { ...UNBOUNDED, work });
    expect(unasked).toEqual(["link"]);
    expect(results).toEqual(all.results.filter(({ loss }) => loss.kind !== "link"));
    expect(whatIfEach(ways, KINDS, { ...UNBOUNDED, work: work + workOfKind("link") })).toEqual(all);
  });

  test("of too many pairs nothing is asked", () => {
    const count = (many: number): number => (many * (many - 1)) / 2;
    const pairs = count(ways.stations.length) + count(ways.network.hosts.length);
    expect(whatIfEach(ways, KINDS, { ...UNBOUNDED, pairs: pairs - 1 })).toEqual({ results: [], unasked: KINDS });
    expect(whatIfEach(ways, KINDS, { ...UNBOUNDED, pairs })).toEqual(all);
  });
});

describe("who takes over", () => {
  test("another hub, within the time of BFD, and none where there is none", () => {
    const ways = fixture("two-hubs");
    const { moved } = without(ways, "alpha");
    // What alpha alone passed on goes by beta; what the two shared goes by beta all the way.
    expect(new Set(moved.map(({ by }) => by))).toEqual(new Set(["bgp"]));
    expect(new Set(moved.flatMap(({ instead }) => instead))).toEqual(new Set(["beta"]));
    const failover = ways.network.bgp.kind === "routing" ? ways.network.bgp.failover.boundMs : undefined;
    expect(new Set(moved.map(({ withinMs }) => withinMs))).toEqual(new Set([failover]));
    const hub = without(fixture("hub-and-spoke"), "hub");
    expect([hub.moved, lostCount(hub) > 0]).toEqual([[], true]);
  });

  test("in a ring nobody, whatever one is lost; of two at once there are", () => {
    const ways = fixture("ring");
    const each = KINDS.flatMap((kind) => allLosses(ways, kind)).map((loss) => lostCount(whatIf(ways, loss)));
    expect(Math.max(...each)).toBe(0);
    const both = together(named(ways, "north"), [named(ways, "south")]);
    expect(both).toMatchObject({ name: "north and south", hosts: ["north", "south"] });
    expect(lostCount(whatIf(ways, both))).toBeGreaterThan(0);
  });

  test("the other of two hubs that share an address and a key; not when both are down", () => {
    const ways = fixture("vrrp-hubs");
    expect(without(ways, "hub1").moved).toMatchObject([{ by: "vrrp", instead: ["hub2"], withinMs: 24_000 }]);
    expect([without(ways, "hub2").moved, without(ways, "hub2").lost]).toEqual([[], []]);
    expect(without(ways, "core").lost).toMatchObject([{ ends: ["hosts", "hosts"], count: 1 }]);
    expect(without(ways, "eth0@hub1").moved.some(({ by }) => by === "vrrp")).toBe(true);
  });

  test("of two that share a key the tunnel is the first one's, and a host without WireGuard has none", () => {
    const ways = fixture("vrrp-hubs");
    expect(named(ways, "hub2--branch")).toEqual(named(ways, "hub1--branch"));
    const lan = fixture("kubernetes-vpc");
    const withTunnels = (wanted: boolean): string =>
      must(
        lan.network.hosts.find(({ interfaces }) => interfaces.length > 0 === wanted),
        "there is one",
      ).name;
    expect(lossesNamed(lan, `${withTunnels(false)}--${withTunnels(true)}`)).toBe("no-tunnel");
    expect(lossesNamed(ways, "wg9@hub1")).toEqual([]);
  });

  test("another exit, and what only one exit carries is lost", () => {
    const { lost, moved } = without(fixture("exits"), "roz");
    expect(moved).toMatchObject([{ by: "exit", withinMs: 8000, after: { exit: "wro" } }]);
    expect(lost.map(({ ends }) => ends[1])).toContain("outside");
    const vrf = without(fixture("vrf-exits"), "roz");
    expect(new Set(vrf.moved.map(({ by, after }) => `${by} ${after.exit}`))).toEqual(new Set(["exit wro"]));
    // The interface of an exit alone: its tunnels go on by it too, so it is cut off.
    expect(without(fixture("exits"), "eth1@wro").moved.map(({ by }) => by)).toContain("exit");
    expect(without(fixture("remotes"), "roz").moved.map(({ ends }) => ends[1])).toContain("office");
  });

  test("nobody for a segment whose only reflector is gone: its hosts do not hear of each other any more", () => {
    const host = (id: number, more = "") =>
      `  h${id}: {id: ${id}, endpoint: 192.0.2.${id}, publicKey: "${"ABCDEFGHI"[id]}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="${more}}\n`;
    const text = `netgen: 1
name: reflected
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000, routeReflectors: [h1]}
hosts:
${host(1)}${host(2)}${host(3)}subnets:
  cluster: {cidr: 10.77.0.0/24, vxlan: {vni: 77}, hosts: [h2, h3]}
`;
    const ways = waysOfText(text);
    expect(without(ways, "h1").lost).toMatchObject([{ ends: ["guests of cluster", "guests of cluster"], count: 1 }]);
    expect(without(ways, "h1--h2").lost.map(({ ends }) => ends[0])).toContain("guests of cluster");
    const two = waysOfText(text.replace("[h1]", "[h1, h2]"));
    expect(without(two, "h1").lost).toEqual([]);
  });

  test("a tunnel of a mesh parts its two ends, and is no point of failure", () => {
    const ways = fixture("exits");
    const results = allLosses(ways, "link").map((loss) => whatIf(ways, loss));
    const parting = results.filter(({ loss }) => loss.name === "far--lab" || loss.name === "roz--wro");
    expect(parting.map(lostCount)).toEqual(parting.map(({ parted }) => parted));
    expect(renderEach(parting)).toBe("no single point of failure\nfelt by its own two ends alone: 2 tunnels\n");
    const hub = without(fixture("hub-and-spoke"), "east--hub");
    expect(hub.parted).toBeGreaterThan(0);
    expect(hub.parted).toBeLessThan(lostCount(hub));
  });

  test("the worst comes first", () => {
    const ways = fixture("hub-and-spoke");
    const results = allLosses(ways, "host").map((loss) => whatIf(ways, loss));
    const [first, ...others] = worstFirst(results);
    expect(first?.loss.name).toBe("hub");
    expect(others.map(lostCount)).toEqual(others.map(lostCount).toSorted((a, b) => b - a));
    expect(whatIfData(must(first, "there is one"))).toMatchObject({ down: { kind: "host", name: "hub" }, moved: [] });
  });
});

describe("the command", () => {
  const TOPOLOGY = "fixtures/exits/topology.yaml";
  const ask = (...args: readonly string[]) => runNetgen(".", ["what-if", "--topology", TOPOLOGY, ...args]);

  test("says what is lost and what goes another way", () => {
    const { status, stdout, stderr } = ask("--down", "roz", "--also", "phone");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^without host roz and phone: of \d+ flows that work\n/);
    expect(stdout).toContain("another way out is open within 8 s");
    expect(ask("--each", "host").stdout).toMatch(/^single points of failure.*\n {2}host roz: /);
    const all = JSON.parse(ask("--each", "--format", "json").stdout) as readonly { readonly down: { kind: string } }[];
    expect(new Set(all.map(({ down }) => down.kind))).toEqual(new Set(["host", "link", "site"]));
    expect(JSON.parse(ask("--down", "roz", "--format", "json").stdout)).toMatchObject({ down: { name: "roz" } });
  });

  test.each([
    [["--down", "rox"], '"rox" is no host, no site, no tunnel and no interface of the topology; did you mean "roz"?'],
    [["--down", "wg9@roz"], "write a host, a site, a tunnel (alpha--beta) or an interface (wg0@alpha)"],
    [["--down", "lab--nobody"], '"lab--nobody" is no host'],
    [["--down", "roz", "--also", "wro", "far", "lab", "phone"], "there is no host left"],
    [[], "name what is down with --down, or ask for --each host, link or site in turn"],
    [["--also", "roz"], "name what is down with --down"],
    [["--each", "--also", "roz"], "--also adds to what --down names"],
    [["--each", "--down", "roz"], "cannot be used with"],
    [["--each", "prefix"], "Allowed choices are host, link, site"],
  ])("refuses %j", (args, words) => {
    expect(ask(...args)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(words) });
  });

  test("asks which of two things with one name is meant", () => {
    const host = (name: string, id: number) =>
      `  ${name}: {id: ${id}, endpoint: 192.0.2.${id}, publicKey: "${"ABCDE"[id]}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}\n`;
    const hosts = ["a", "b-c", "a-b", "c"].map((name, index) => host(name, index + 1)).join("");
    const input = `netgen: 1\nname: hyphens\nwireguard: {addresses: [10.250.0.0/24]}\nhosts:\n${hosts}`;
    const { status, stderr } = runNetgen(".", ["what-if", "--topology", "-", "--down", "a-b-c"], { input });
    expect([status, stderr]).toEqual([
      2,
      'netgen: "a-b-c" is the name of more than one thing: write link:a--b-c or link:a-b--c\n',
    ]);
  });
});
