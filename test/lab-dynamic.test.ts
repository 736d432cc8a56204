/** What the lab makes of networks with more than one way between hosts. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { lossesOf } from "../src/lab/life/failover.ts";
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
