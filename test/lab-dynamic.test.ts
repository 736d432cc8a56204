/** What the lab makes of networks with more than one way between hosts. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { lossesOf } from "../src/lab/life/failover.ts";
import { fewOf, surprises, trialsOf } from "../src/lab/life/what-if.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { selectHosts } from "../src/lab/plan/select.ts";
import { targetsOf } from "../src/lab/prove/lan.ts";
import { unicastOf } from "../src/model/loopback.ts";
import { waysOf } from "../src/ways/ways.ts";
import { hostOf } from "./compile-text.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";

function fixture(name: string) {
  const found = must(
    listFixtures().find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const network = must(compile(sourceOf(found)).model, "it compiles");
  return { network, plan: planLab(network) };
}

describe("who is cut off", () => {
  test.each([
    ["two-hubs", ["beta", "alpha"]],
    ["ring", ["east", "north"]],
    ["two-gateways", ["gate1"]],
    ["drained", ["beta"]],
    ["minimal", []],
  ])("%s", (name, lost) => {
    const { network, plan } = fixture(name);
    expect(lossesOf(network, plan.guests).map((loss) => loss.lost)).toEqual(lost);
  });
});

describe("what is taken away besides", () => {
  test.each([
    ["two-hubs", ["link alpha--delta", "link alpha--beta", "site home"]],
    ["ebgp-hubs", ["link alpha--delta", "link alpha--beta", "site roz"]],
    ["ring", ["link east--north"]],
    ["minimal", []],
  ])("%s", (name, taken) => {
    const { network, plan } = fixture(name);
    const few = fewOf(trialsOf(network, plan));
    expect(few.map(({ loss }) => `${loss.kind} ${loss.name}`)).toEqual(taken);
  });

  test("a tunnel by the port that is for it alone, a site by all cables of its hosts", () => {
    const { network, plan } = fixture("two-hubs");
    const trials = trialsOf(network, plan);
    const dropsOf = (name: string) => trials.find(({ loss }) => loss.name === name)?.drops;
    const spoke = hostOf(network, "delta");
    const ports = spoke.interfaces.map(({ listenPort }) => listenPort);
    expect(dropsOf("alpha--delta")).toEqual([{ host: "delta", what: { port: ports[0] } }]);
    const home = network.hosts.filter(({ reach }) => reach.site === "home").map((host) => host.name);
    expect(dropsOf("home")?.map(({ host }) => host)).toEqual(home);
  });

  test("an answer that is too many is as wrong as one that is missing", () => {
    const { network, plan } = fixture("two-hubs");
    const trial = must(
      trialsOf(network, plan).find(({ loss }) => loss.name === "alpha--beta"),
      "there is this tunnel",
    );
    const on = new Set(trial.goesOn);
    expect(surprises(trial, (each) => on.has(each))).toEqual([]);
    expect(surprises(trial, () => true)).toEqual(["alpha -> beta by IPv4: an answer, expected that it ends"]);
    expect(surprises(trial, () => false).length).toBe(trial.goesOn.length);
  });
});

test("a router forwards a port for each tunnel that is dialled", () => {
  const { plan } = fixture("ring");
  const west = plan.routers.find(({ name }) => name === "west");
  expect(west?.forwards.map(({ port, toPort }) => [port, toPort])).toEqual([
    [51_821, 51_821],
    [51_823, 51_823],
  ]);
});

test("a lab of some hosts has the sessions between these alone", () => {
  const { network, plan } = fixture("two-hubs");
  const chosen = selectHosts(network, plan, ["alpha", "gamma"]).network;
  const sessions = unicastOf(hostOf(chosen, "gamma"))?.neighbours.map(({ host }) => host);
  expect(sessions).toEqual(["alpha", "alpha"]);
});

test("a host without WireGuard reaches others by their own addresses, not by those of a tunnel", () => {
  const { network, plan } = fixture("vrrp-bgp-gateways");
  const ways = waysOf(network);
  const targets = (name: string) => targetsOf(ways, hostOf(network, "node"), hostOf(network, name));
  const said = (name: string) => targets(name).map(({ to, bytes }) => `${to} ${bytes}`);
  expect([said("branch"), said("gate1"), said("gate2")]).toEqual([
    ["10.250.0.21 1340"],
    ["10.250.0.1 1340"],
    ["10.250.0.2 1340"],
  ]);
  expect(plan.routers.find(({ name }) => name === "rack")?.hasLan).toBe(true);
});
