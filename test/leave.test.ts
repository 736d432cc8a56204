/** Ways out of the overlay: who leaves by whom, in which order, as whom, and how answers come back. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { parseAddress } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import { planLab } from "../src/lab/plan/plan-lab.ts";
import { renderLeaving } from "../src/report/leaving.ts";
import { exitOf, exitsOf } from "../src/ways/exits.ts";
import { isOutside, type Leaving, traceLeaving } from "../src/ways/leave.ts";
import { partiesNamed, stationParty } from "../src/ways/party.ts";
import { addressOf } from "../src/ways/station.ts";
import { type Ways, waysOf } from "../src/ways/ways.ts";
import { modelOf } from "./compile-text.ts";
import { sourceOf } from "./fixtures.ts";
import { runNetgen } from "./netgen.ts";
import { allScenarios } from "./proofs.ts";

function fixture(name: string): Ways {
  const found = must(
    allScenarios.find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const network = must(compile(sourceOf(found)).model, "it compiles");
  return waysOf(network, planLab(network).guests);
}

const address = (text: string) => must(parseAddress(text), `${text} is an address`);
const leaving = (ways: Ways, from: string, to: string, bytes?: number): Leaving =>
  must(
    traceLeaving(ways, must(partiesNamed(ways, from)[0], `${from} is there`), address(to), bytes),
    "it has such an address",
  );
const waysOut = ({ ways }: Leaving) => ways.map((way) => `${way.host} ${way.interface}${way.hasSnat ? " SNAT" : ""}`);
const otherwise = ({ otherwise: end }: Leaving) => end && `${end.kind} ${end.host}`;

describe("out of the overlay", () => {
  const exits = fixture("exits");
  const remotes = fixture("remotes");
  const vrfs = fixture("vrfs");

  test("guests leave by exits in their order, else not at all", () => {
    const out = leaving(exits, "vms", "9.9.9.9");
    expect([waysOut(out), otherwise(out), out.isAsked]).toEqual([
      ["roz eth0 SNAT", "wro eth1 SNAT"],
      "no-route lab",
      true,
    ]);
    expect(out.ways.map(({ back }) => back.end)).toEqual([
      { host: "lab", kind: "arrived" },
      { host: "lab", kind: "arrived" },
    ]);
    expect(out.ways[0]?.there.hops.map(({ host, via, to, route }) => [host, via, to, route])).toEqual([
      ["lab", "wg0", "roz", "0.0.0.0/0"],
    ]);
  });

  test("a host by the near one, an app by its only one, which it does not ask", () => {
    expect(waysOut(leaving(exits, "far", "9.9.9.9"))).toEqual(["wro eth1 SNAT", "roz eth0 SNAT"]);
    const phone = leaving(exits, "phone", "9.9.9.9");
    expect([waysOut(phone), otherwise(phone), phone.isAsked]).toEqual([["roz eth0 SNAT"], undefined, false]);
    expect(renderLeaving(phone)).toContain("out by roz: nobody asks whether that is a way\n");
  });

  test("not by an exit that no tunnel leads to", () => {
    const hosts = new Map(
      [...exits.hosts].map(([name, host]) => [
        name,
        host.egress === undefined
          ? host
          : {
              ...host,
              egress: {
                ...host.egress,
                exits: host.egress.exits.map((exit) => ({
                  ...exit,
                  way: exit.host === "roz" ? ({ kind: "none" } as const) : exit.way,
                })),
              },
            },
      ]),
    );
    expect(waysOut(leaving({ ...exits, hosts }, "vms", "9.9.9.9"))).toEqual(["wro eth1 SNAT"]);
  });

  test("an exit's own guests leave where they are", () => {
    const out = leaving(exits, "office@wro", "9.9.9.9");
    expect([out.ways[0]?.host, out.ways[0]?.there.hops]).toEqual(["wro", []]);
  });

  test("IPv6 leaves by exits that carry it alone, and where none does by none", () => {
    expect(waysOut(leaving(exits, "vms", "2620:fe::fe"))).toEqual(["roz eth0 SNAT"]);
    const { network } = exits;
    const without = {
      ...exits,
      network: { ...network, exits: network.exits.map((exit) => ({ ...exit, families: [4] as const })) },
    };
    expect(otherwise(leaving(without, "vms", "2620:fe::fe"))).toBe("no-route lab");
    expect(otherwise(leaving(without, "far", "2620:fe::fe"))).toBe("no-route far");
  });

  test("to a remote by those who lead there, whoever asks", () => {
    const out = leaving(remotes, "vms", "192.168.50.1");
    expect([waysOut(out), out.remote]).toEqual([["roz eth0 SNAT", "wro eth0 SNAT"], "office"]);
    expect(out.ways[0]?.there.hops[0]?.route).toBe("192.168.50.0/24");
    expect(waysOut(leaving(remotes, "vms", "172.20.0.1"))).toEqual(["wro eth2"]);
    expect(renderLeaving(leaving(remotes, "vms", "172.20.0.1"))).toContain(
      "leaves at wro by eth2 to lab, as 10.65.3.11: what is there needs a route to that by wro\n",
    );
    expect(waysOut(leaving(remotes, "phone", "192.168.50.1"))).toEqual(["roz eth0 SNAT"]);
    const { network } = remotes;
    const nobody = {
      ...remotes,
      network: { ...network, remotes: network.remotes.map((each) => ({ ...each, exits: [] })) },
    };
    expect(otherwise(leaving(nobody, "gdy", "192.168.50.1"))).toBe("no-route gdy");
  });

  test("in a VRF by its exits, through its VXLAN", () => {
    const out = leaving(vrfs, "blue-vms@beta", "9.9.9.9");
    expect(waysOut(out)).toEqual(["alpha eth0 SNAT", "gamma eth0 SNAT"]);
    expect(out.ways[0]?.there.hops.map(({ via }) => via)).toEqual(["br5000", "wg0"]);
    const none = {
      ...vrfs,
      network: { ...vrfs.network, vrfs: vrfs.network.vrfs.map((vrf) => ({ ...vrf, exits: [] })) },
    };
    expect(otherwise(leaving(none, "blue-vms@beta", "9.9.9.9"))).toBe("no-route beta");
  });

  test("a host without WireGuard gets to a remote by the gateway of its site", () => {
    const network = modelOf(`
sites: {dc: {lan: [192.168.1.0/24], gateways: [alpha]}}
wireguard: {addresses: [10.250.0.0/24]}
remotes: {office: {cidr: 192.168.50.0/24, exits: [{host: beta, interface: eth1, snat: true}]}}
hosts:
  alpha: {id: 1, site: dc, uplink: eth0, endpoint: 198.51.100.1, lanEndpoint: 192.168.1.2, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, uplink: eth0, endpoint: 198.51.100.2, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
  gamma: {id: 3, site: dc, uplink: eth0, lanEndpoint: 192.168.1.3, wireguard: false}
`);
    const ways = waysOf(network);
    const gamma = {
      name: "gamma",
      host: "gamma",
      addresses: [{ address: address("192.168.1.3"), lengthBits: 24 }],
      station: undefined,
    };
    const out = must(traceLeaving(ways, gamma, address("192.168.50.1"), undefined), "it has an address");
    expect(out.ways[0]?.there.hops.map(({ host, kind }) => [host, kind])).toEqual([
      ["gamma", "lan"],
      ["alpha", "tunnel"],
    ]);
    expect(waysOut(out)).toEqual(["beta eth1 SNAT"]);
  });

  test("without exits by the default route of the host, or of the gateway", () => {
    const minimal = fixture("minimal");
    expect([waysOut(leaving(minimal, "alpha", "9.9.9.9")), leaving(minimal, "alpha", "9.9.9.9").bytes]).toEqual([
      ["alpha undefined SNAT"],
      1500,
    ]);
    expect(waysOut(leaving(minimal, "guests@beta", "9.9.9.9"))).toEqual(["alpha undefined"]);
    const hosts = new Map(
      [...minimal.hosts].map(([name, host]) => [name, { ...host, forwards: { ipv4: false, ipv6: false } }]),
    );
    expect(otherwise(leaving({ ...minimal, hosts }, "guests@beta", "9.9.9.9"))).toBe("not-forwarded alpha");
    expect(leaving(minimal, "alpha", "9.9.9.9", 1000).bytes).toBe(1000);
  });

  test("containers as their host, by the program that makes their bridge; on a segment nothing is masqueraded", () => {
    const containers = fixture("containers");
    for (const from of ["pods@beta", "apps@gamma", "both"]) {
      const out = leaving(containers, from, "9.9.9.9");
      expect([from, out.ways.map(({ hasSnat }) => hasSnat)]).toEqual([from, [true]]);
    }
    const subnet = (n: number, program: string) =>
      `  of-${program}: {cidr: [10.${n}.0.0/24, "fd0${n}::/64"], hosts: [alpha], container: ${program}}\n`;
    const network = modelOf(
      'wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}\n' +
        `hosts: {alpha: {id: 1, endpoint: 192.0.2.1}}\nsubnets:\n${subnet(3, "podman")}${subnet(4, "docker")}`,
    );
    const both = waysOf(network, planLab(network).guests);
    const hidden = (from: string) => leaving(both, from, "2620:fe::fe").ways.map(({ hasSnat }) => hasSnat);
    expect([hidden("fd03::7"), hidden("fd04::7")]).toEqual([[true], [false]]);
    expect(leaving(containers, "lan@gamma", "9.9.9.9").ways.map(({ hasSnat }) => hasSnat)).toEqual([false]);
  });

  test("whoever knows no router, or has no address of that version, does not leave", () => {
    const twoHubs = fixture("two-hubs");
    const out = leaving(twoHubs, "stretched@gamma", "9.9.9.9");
    expect([waysOut(out), otherwise(out), out.bytes]).toEqual([[], "no-gateway gamma", 1500]);
    expect(leaving(twoHubs, "stretched@gamma", "9.9.9.9", 99).bytes).toBe(99);
    expect(renderLeaving(out)).toContain(
      "it has no way out\n  it does not leave its subnet on gamma: no gateway is told of it\n",
    );
    const minimal = fixture("minimal");
    expect(
      traceLeaving(minimal, must(partiesNamed(minimal, "alpha")[0], "alpha"), address("2620:fe::fe"), undefined),
    ).toBeUndefined();
  });
});

test("what is in the overlay, or on a site's LAN, is not outside", () => {
  const ways = fixture("lan-gateways");
  const lan = must(ways.network.sites.flatMap((site) => site.lan)[0], "a site has a LAN");
  expect(isOutside(ways, address("9.9.9.9"))).toBe(true);
  expect(isOutside(ways, address(lan.split("/")[0] ?? ""))).toBe(false);
  expect(isOutside(fixture("minimal"), address("10.250.0.77"))).toBe(false);
  expect(isOutside(fixture("remotes"), address("192.168.50.1"))).toBe(true);
});

test.each(allScenarios.map(({ name }) => name))("of %s, guests leave as the lab measures that they do", (name) => {
  const ways = fixture(name);
  for (const station of ways.stations) {
    for (const to of [address("9.9.9.9"), address("2620:fe::fe")]) {
      const family = to.includes(":") ? 6 : 4;
      if (addressOf(station, family) === undefined) continue;
      const out = must(traceLeaving(ways, stationParty(station), to, undefined), "it has an address");
      const exits = exitsOf(ways, station, family).map(({ host }) => host);
      if (exits.length > 0) expect(out.ways.map(({ host }) => host)).toEqual(exits);
      const asOther = exitOf(ways, station, family);
      if (asOther !== undefined) expect([out.ways[0]?.host, out.ways[0]?.hasSnat]).toEqual([asOther.name, true]);
      expect(renderLeaving(out)).not.toMatch(/undefined|NaN|Infinity/);
    }
  }
});

test("the command says it, and what it cannot", () => {
  const source = sourceOf(
    must(
      allScenarios.find(({ name }) => name === "exits"),
      "exits is a fixture",
    ),
  ).text;
  const run = (...args: readonly string[]) => runNetgen(".", ["trace", ...args, "--topology", "-"], { input: source });
  expect(run("vms", "9.9.9.9").stdout).toContain("out by wro, while it is open and not roz\n");
  expect(run("vms", "9.9.9.0/24", "--size", "1500").stdout).toContain("one of 1441 bytes");
  expect(JSON.parse(run("vms", "9.9.9.9", "--format", "json").stdout)).toMatchObject({ to: "9.9.9.9", remote: null });
  expect(run("vms", "9.9.9.9", "--format", "svg").stderr).toContain("is not drawn");
  expect(run("vms", "9.9.9.9", "--family", "6").stderr).toContain('"9.9.9.9" is no IPv6 address');
  expect(run("office@wro", "2620:fe::fe").stderr).toContain("has no IPv6 address");
  expect(run("vms", "9.9.9.9", "--size", "3").stderr).toContain("too small");
  expect(run("vms", "nobody").stderr).toContain('"nobody" is no host');
  for (const inside of ["10.250.0.77", "10.250.0.64/26"]) {
    expect(run("vms", inside)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`"${inside}" lies in 10.250.0.0/24, and the topology does not say who is there`),
    });
  }
});
