/** The golden trees of `dual-stack` on the real programs: EVPN with two reflectors over IPv6, and what guests have of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fleet, narrow, openFleet, PROGRAMS, plug, startHost } from "./fleet.ts";
import type { Box } from "./netns.ts";
import { floodList } from "./networkd-box.ts";
import { isEquipped } from "./nft-helpers.ts";
import { fragments, inClear, isLost, lostDuring, makeRouter, passes, serve, transfers } from "./traffic.ts";

const isReady = isEquipped(...PROGRAMS);
const PORT = 8080;

/** By interface: the uplinks of the topology, and any where it names none. */
const UNDERLAY = {
  fra1: ["eno1", "2001:db8:1::1"],
  fra2: ["eno1", "2001:db8:1::2"],
  ams1: ["eth0", "2001:db8:2::1"],
  reflector: ["eth0", "2001:db8:3::1"],
} as const;
const HOSTS = ["fra1", "fra2", "ams1", "reflector"] as const;

/** The overlay's addresses. */
const VTEP = { fra1: "10.250.0.1", fra2: "10.250.0.2", ams1: "10.250.4.1" } as const;
const REFLECTOR = "10.250.0.20";

/** Of the router: it knows nothing of the overlay. */
const OUTSIDE = "2001:db8:99::1";

const OFFICE = { bridge: "br6600", gateways: ["10.66.0.1", "fd66::1"] };
const STORAGE = { bridge: "", port: "eno2", addresses: ["10.65.0.11/24", "fd65::11/64"], gateways: [] };
const TENANT = { bridge: "br6400", gateways: ["10.64.0.1", "fd64::1"] };

describe.skipIf(!isReady)("dual-stack: EVPN", () => {
  let fleet: Fleet;
  let router: Box;
  const guests: Record<string, Box> = {};
  const guest = (name: string): Box => guests[name] as Box;

  async function addGuests(): Promise<void> {
    const [fra1, fra2, ams1] = [fleet.host("fra1"), fleet.host("fra2"), fleet.host("ams1")];
    const add = async (name: string, ...plugged: Parameters<Fleet["guest"]>): Promise<void> => {
      guests[name] = await fleet.guest(...plugged);
    };
    await add("office1", fra1, { ...OFFICE, port: "tap66", addresses: ["10.66.0.11/24", "fd66::11/64"] });
    await add("office2", ams1, { ...OFFICE, port: "tap66", addresses: ["10.66.0.12/24", "fd66::12/64"] });
    await add("tenant1", fra2, { ...TENANT, port: "tap64", addresses: ["10.64.0.11/20", "fd64::11/64"] });
    await add("tenant2", ams1, { ...TENANT, port: "tap64", addresses: ["10.64.0.12/20", "fd64::12/64"] });
    await add("lab", fra2, { bridge: "br-lab", port: "tap67", addresses: ["fd67::11/64"], gateways: ["fd67::1"] });
  }

  beforeAll(async () => {
    fleet = await openFleet("dual-stack", HOSTS);
    router = await fleet.bare();
    makeRouter(router);
    router.run("ip", "address", "add", OUTSIDE, "dev", "lo");
    for (const name of HOSTS) {
      const host = fleet.host(name);
      plug(router, name, host, UNDERLAY[name]);
      host.shell("echo 2001:db8:1::2 fra2.example.net >> /etc/hosts");
    }
    const ends = (names: readonly (typeof HOSTS)[number][]) => names.map((name) => [name, UNDERLAY[name][1]] as const);
    narrow(router, ends(["fra1", "ams1"]), 1480);
    narrow(router, ends(["fra2", "ams1"]), 1492);
    // The port has to be there for networkd to plug it in.
    guests.storage = await fleet.guest(fleet.host("ams1"), STORAGE);
    await Promise.all(HOSTS.map((name) => startHost(fleet.host(name))));
    await addGuests();
    await Promise.all(["office2", "tenant2"].map((name) => serve(guest(name), PORT)));
  });
  afterAll(() => fleet?.close());

  // As FRR and the kernel have it; BGP takes its time.
  const eventually = (what: () => unknown) => expect.poll(what, { timeout: 30_000, interval: 250 });
  const vtysh = (host: string, command: string): string => fleet.host(host).run("vtysh", "-c", command);

  const sessions = (host: string): readonly string[] => {
    const { peers } = JSON.parse(vtysh(host, "show bgp l2vpn evpn summary json"));
    return Object.keys(peers).filter((peer) => peers[peer].state === "Established");
  };

  test("every session is established, and watched by BFD", async () => {
    const watched = (host: string): readonly string[] => {
      const peers = JSON.parse(vtysh(host, "show bfd peers json")) as { peer: string; status: string }[];
      return peers.filter(({ status }) => status === "up").map(({ peer }) => peer);
    };
    const clients = Object.values(VTEP);
    for (const [host, neighbours] of [
      ["fra1", [VTEP.fra2, REFLECTOR, VTEP.ams1]],
      ["fra2", [VTEP.fra1, REFLECTOR]],
      ["ams1", [VTEP.fra1, REFLECTOR]],
      ["reflector", clients],
    ] as const) {
      await eventually(() => [...sessions(host)].sort()).toEqual([...neighbours].sort());
      await eventually(() => [...watched(host)].sort()).toEqual([...neighbours].sort());
    }
  });

  test("every VTEP announces each of its segments, and floods to the others", async () => {
    const announced = (): readonly string[] => {
      const routes = vtysh("reflector", "show bgp l2vpn evpn route type multicast");
      return [...routes.matchAll(/\[3\]:\[0\]:\[32\]:\[([^\]]+)\][\s\S]*?RT:\d+:(\d+)/g)].map(
        ([, ip, vni]) => `${ip} ${vni}`,
      );
    };
    const { fra1, fra2, ams1 } = VTEP;
    const expected = [fra1, ams1].flatMap((vtep) => [6400, 6500, 6600].map((vni) => `${vtep} ${vni}`));
    await eventually(() => [...new Set(announced())].sort()).toEqual([...expected, `${fra2} 6400`].sort());
    const flooded = (host: string, link: string) => eventually(() => floodList(fleet.host(host), link));
    await flooded("fra1", "vx6400").toEqual([fra2, ams1]);
    await flooded("fra2", "vx6400").toEqual([fra1, ams1]);
    await flooded("ams1", "vx6400").toEqual([fra1, fra2]);
    for (const link of ["vx6500", "vx6600"]) {
      await flooded("fra1", link).toEqual([ams1]);
      await flooded("ams1", link).toEqual([fra1]);
    }
  });

  test("the MAC and both addresses of a gateway are known on the other host before anyone asks", async () => {
    const routes = (): string => vtysh("ams1", "show bgp l2vpn evpn route type macip");
    for (const address of ["[32]:[10.66.0.1]", "[128]:[fd66::1]"]) {
      await eventually(routes).toContain(`[2]:[0]:[48]:[02:00:19:c8:00:01]:${address}`);
    }
    const learned = (): string => fleet.host("ams1").run("bridge", "fdb", "show", "dev", "vx6600");
    await eventually(learned).toMatch(/02:00:19:c8:00:01 dst 10\.250\.0\.1 self sticky/);
  });

  test("guests reach each other and a gateway elsewhere with all that fits, and nothing is fragmented", () => {
    for (const [from, to] of [
      ["office1", "10.66.0.12"],
      ["office1", "fd66::12"],
      ["office2", "10.66.0.1"],
      ["office2", "fd66::1"],
      // From the side whose tunnel has no room left; the other's has, and a bridge lets pass 4 bytes more, for a tag.
      ["tenant2", "10.64.0.11"],
      ["tenant2", "fd64::11"],
    ] as const) {
      expect(passes(guest(from), to, 1350), `${from} to ${to}`).toBe(true);
      expect(isLost(guest(from), to, 1351), `${from} to ${to}`).toBe(true);
    }
    // Tagged: the 4 bytes of a tag have to fit as well, and without one the bridge lets them pass.
    for (const to of ["10.65.0.1", "fd65::1"]) expect(passes(guest("storage"), to, 1330), to).toBe(true);
    expect(fragments(router)).toBe(0);
    // The way between the hosts is as narrow as the topology says.
    expect(passes(fleet.host("fra1"), UNDERLAY.ams1[1], 1480)).toBe(true);
    expect(isLost(fleet.host("fra1"), UNDERLAY.ams1[1], 1481)).toBe(true);
  });

  test("TCP of guests that believe in 1500 bytes", () => {
    expect(transfers(guest("office1"), "10.66.0.12", PORT)).toBe(true);
    expect(transfers(guest("office1"), "fd66::12", PORT)).toBe(true);
    expect(transfers(guest("tenant1"), "10.64.0.12", PORT)).toBe(true);
    expect(transfers(guest("tenant1"), "fd64::12", PORT)).toBe(true);
    expect(fragments(router)).toBe(0);
  });

  test("a routed subnet reaches a guest of a segment by the segment's gateway", () => {
    expect(passes(guest("lab"), "fd66::12", 1350)).toBe(true);
    expect(transfers(guest("lab"), "fd66::12", PORT)).toBe(true);
  });

  test("only a subnet with SNAT gets out, and an isolated one not even to the others", () => {
    expect(passes(guest("office2"), OUTSIDE)).toBe(true);
    expect(passes(guest("tenant2"), "fd64::1")).toBe(true);
    expect(isLost(guest("tenant2"), OUTSIDE)).toBe(true);
    expect(isLost(guest("tenant2"), "fd67::11")).toBe(true);
    expect(inClear(router)).toBe(0);
  });

  test("without one of the reflectors the other keeps the segments together", async () => {
    const lost = await lostDuring(guest("office1"), "10.66.0.12", async () => {
      fleet.host("reflector").run("/usr/lib/frr/frrinit.sh", "stop");
      for (const host of ["fra1", "fra2", "ams1"]) await eventually(() => sessions(host)).not.toContain(REFLECTOR);
    });
    expect(lost).toEqual([]);
    expect(sessions("ams1")).toEqual([VTEP.fra1]);
    expect(floodList(fleet.host("ams1"), "vx6400")).toEqual([VTEP.fra1, VTEP.fra2]);
  });
});
