/** Whole golden trees on the real programs, host by host, and traffic through what comes of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Fleet, openFleet, PROGRAMS, plug, runUnit, startHost } from "./fleet.ts";
import type { Box } from "./netns.ts";
import { link } from "./networkd-box.ts";
import { isEquipped } from "./nft-helpers.ts";
import { datagram, fragments, inClear, isLost, lostDuring, makeRouter, passes, serve, transfers } from "./traffic.ts";

const isReady = isEquipped(...PROGRAMS);
const PORT = 8080;

describe.skipIf(!isReady)("minimal: a tunnel and a segment", () => {
  let fleet: Fleet;
  let router: Box;
  /** Of alpha and of beta. */
  let guests: readonly [Box, Box];
  beforeAll(async () => {
    fleet = await openFleet("minimal", ["alpha", "beta"]);
    const [alpha, beta] = [fleet.host("alpha"), fleet.host("beta")];
    router = await fleet.bare();
    makeRouter(router);
    plug(router, "alpha", alpha, ["eth0", "198.51.100.1"]);
    plug(router, "beta", beta, ["eth0", "203.0.113.9"]);
    await Promise.all([startHost(alpha), startHost(beta)]);
    const plugged = { port: "tap0", bridge: "br100", gateways: ["10.77.0.1"] };
    guests = [
      await fleet.guest(alpha, { ...plugged, addresses: ["10.77.0.11/24"] }),
      await fleet.guest(beta, { ...plugged, addresses: ["10.77.0.12/24"] }),
    ];
    await Promise.all(guests.map((guest) => serve(guest, PORT)));
  });
  afterAll(() => fleet?.close());

  test("the tunnel carries its MTU and not a byte more", () => {
    const [alpha, beta] = [fleet.host("alpha"), fleet.host("beta")];
    expect(passes(alpha, "10.250.0.2", 1440)).toBe(true);
    expect(isLost(alpha, "10.250.0.2", 1441)).toBe(true);
    expect(passes(beta, "10.250.0.1", 1440)).toBe(true);
    for (const host of [alpha, beta]) expect(host.run("wg", "show", "wg0", "latest-handshakes")).toMatch(/\t[1-9]/);
    expect(fragments(router)).toBe(0);
  });

  test("guests reach each other with 1390 bytes and not with one more, and nothing is fragmented", () => {
    const [one, two] = guests;
    expect(passes(one, "10.77.0.12", 1390)).toBe(true);
    expect(passes(two, "10.77.0.11", 1390)).toBe(true);
    expect(isLost(one, "10.77.0.12", 1391)).toBe(true);
    expect(isLost(two, "10.77.0.11", 1391)).toBe(true);
    expect(fragments(router)).toBe(0);
    // What would have been seen.
    fleet.host("alpha").run("ping", "-c", "1", "-w", "20", "-s", "2000", "203.0.113.9");
    expect(fragments(router)).toBeGreaterThan(0);
  });

  test("guests of both hosts reach the gateway on alpha, and by it another host", () => {
    for (const guest of guests) {
      expect(passes(guest, "10.77.0.1")).toBe(true);
      expect(passes(guest, "10.250.0.2")).toBe(true);
    }
  });

  test("TCP of guests that believe in 1500 bytes", () => {
    const [one, two] = guests;
    expect(transfers(one, "10.77.0.12", PORT)).toBe(true);
    expect(transfers(two, "10.77.0.11", PORT)).toBe(true);
    expect(transfers(fleet.host("beta"), "10.77.0.11", PORT)).toBe(true);
  });

  test("a forged frame does not enter the segment, whatever its source", async () => {
    const alpha = fleet.host("alpha");
    // VXLAN (RFC 7348 §5): flag I, VNI 100; in it a broadcast frame of a made-up Ethernet type.
    const frameFrom = (mac: string): string => `0800000000006400${"ff".repeat(6)}${mac}88b5${"00".repeat(46)}`;
    const learned = (): string => alpha.run("bridge", "fdb", "show", "dev", "vx100");
    const dropped = (): string => alpha.run("nft", "list", "chain", "inet", "netgen", "guard");
    router.run("ip", "address", "add", "10.250.0.2/32", "dev", "lo");
    for (const from of ["192.0.2.254", "10.250.0.2"]) {
      datagram(router, from, ["198.51.100.1", 4789], frameFrom("02000000dead"));
    }
    await expect.poll(dropped, { timeout: 20_000 }).toContain("packets 2 ");
    // beta's own, by the tunnel: it comes after the others, and is learned.
    datagram(fleet.host("beta"), "10.250.0.2", ["10.250.0.1", 4789], frameFrom("02000000beef"));
    await expect.poll(learned, { timeout: 20_000 }).toContain("02:00:00:00:be:ef");
    expect(learned()).not.toContain("02:00:00:00:de:ad");
  });

  test("a restart of wg-quick leaves the segment in place, and traffic comes back", () => {
    const alpha = fleet.host("alpha");
    const identity = (): string => alpha.run("cat", "/sys/class/net/vx100/ifindex");
    const before = identity();
    alpha.run("wg-quick", "down", "wg0");
    expect(isLost(guests[0], "10.77.0.12")).toBe(true);
    expect(isLost(guests[0], "10.250.0.2")).toBe(true);
    alpha.run("wg-quick", "up", "wg0");
    expect(passes(guests[0], "10.77.0.12", 1390)).toBe(true);
    expect(identity()).toBe(before);
    expect(link(alpha, "vx100").mtu).toBe(1390);
    // While the tunnel was down nothing followed the default route instead.
    expect(inClear(router)).toBe(0);
  });

  test("a reload changes what the file has changed, and no guest loses a packet", async () => {
    const alpha = fleet.host("alpha");
    const lost = await lostDuring(guests[0], "10.77.0.12", () => {
      alpha.run("sed", "-i", "s/^PersistentKeepalive = 0$/PersistentKeepalive = 25/", "/etc/wireguard/wg0.conf");
      runUnit(alpha, "wg-quick@wg0.service.d/10-netgen.conf", "ExecReload");
    });
    expect(lost).toEqual([]);
    expect(alpha.run("wg", "show", "wg0", "persistent-keepalive")).toContain("\t25\n");
  });
});

/** What a router of a site does: the LAN goes out behind its address, and these ports come in. */
const natRules = (forwards: Readonly<Record<number, string>>): string => `
table ip nat {
  chain in {
    type nat hook prerouting priority dstnat
    ${Object.entries(forwards)
      .map(([port, to]) => `iifname wan udp dport ${port} dnat to ${to}:51820`)
      .join("\n    ")}
  }
  chain out {
    type nat hook postrouting priority srcnat
    ip saddr 192.168.0.0/16 oifname wan masquerade
  }
}
`;

describe.skipIf(!isReady)("proxmox: sites behind NAT", () => {
  let fleet: Fleet;
  let internet: Box;
  const guests: Record<string, Box> = {};
  const guest = (name: string): Box => guests[name] as Box;

  /** A site router at an address of the internet, with a LAN of hosts; the keys are the ports that lead to them. */
  async function addSite(name: string, wan: string, hosts: Readonly<Record<number, readonly [string, string]>>) {
    const site = await fleet.bare();
    makeRouter(site);
    plug(internet, name, site, ["wan", wan]);
    site.run("ip", "link", "add", "lan", "type", "bridge");
    site.run("ip", "link", "set", "lan", "up");
    const forwards: Record<number, string> = {};
    for (const [port, [host, address]] of Object.entries(hosts)) {
      const gateway = address.replace(/\d+$/, "1");
      site.cable(host, fleet.host(host), "vmbr0");
      site.run("ip", "link", "set", host, "master", "lan");
      site.run("ip", "address", "replace", `${gateway}/24`, "dev", "lan");
      fleet.host(host).shell(`ip address add ${address}/24 dev vmbr0; ip route add default via ${gateway}
        printf '%s\n' '198.51.100.20 roz.example.net' '203.0.113.20 wro.dyn.example.net' >> /etc/hosts`);
      forwards[Number(port)] = address;
    }
    site.shell(`echo '${natRules(forwards)}' | nft -f -`);
    return site;
  }

  beforeAll(async () => {
    fleet = await openFleet("proxmox", ["roz1", "roz2", "wro1"]);
    internet = await fleet.bare();
    makeRouter(internet);
    await addSite("roz", "198.51.100.20", { 51820: ["roz1", "192.168.2.3"], 51822: ["roz2", "192.168.2.4"] });
    const wro = await addSite("wro", "203.0.113.20", { 51820: ["wro1", "192.168.7.2"] });
    wro.run("ip", "link", "set", "wan", "mtu", "1492");
    internet.run("ip", "link", "set", "to-wro", "mtu", "1492");
    await Promise.all(["roz1", "roz2", "wro1"].map((name) => startHost(fleet.host(name))));
    for (const [name, host, bridge, address, gateway] of [
      ["roz", "roz1", "br-vms-roz", "10.1.1.11", "10.1.1.1"],
      ["wro", "wro1", "br-vms-wro", "10.2.1.11", "10.2.1.1"],
      ["node1", "roz2", "vmbr30", "10.3.0.11", undefined],
      ["node2", "wro1", "vmbr30", "10.3.0.12", undefined],
    ] as const) {
      const gateways = gateway === undefined ? [] : [gateway];
      const options = { port: `tap-${name}`, bridge, addresses: [`${address}/24`], gateways };
      guests[name] = await fleet.guest(fleet.host(host), options);
      await serve(guest(name), PORT);
    }
  });
  afterAll(() => fleet?.close());

  test("hosts meet through the forwarded ports, and inside a site by its LAN", () => {
    const endpoints = (name: string): string => fleet.host(name).run("wg", "show", "wg0", "endpoints");
    for (const to of ["10.250.0.2", "10.250.0.11"]) expect(passes(fleet.host("roz1"), to, 1412), to).toBe(true);
    for (const to of ["10.250.0.1", "10.250.0.2"]) expect(passes(fleet.host("wro1"), to, 1412), to).toBe(true);
    expect(isLost(fleet.host("roz1"), "10.250.0.11", 1413)).toBe(true);
    expect(fragments(internet)).toBe(0);
    expect(endpoints("roz1")).toContain("\t192.168.2.4:51820\n");
    expect(endpoints("roz1")).toContain("\t203.0.113.20:51820\n");
    expect(endpoints("wro1").match(/\t198\.51\.100\.20:/g)).toHaveLength(2);
  });

  test("guests of routed subnets reach each other", () => {
    expect(passes(guest("roz"), "10.2.1.11", 1412)).toBe(true);
    expect(isLost(guest("roz"), "10.2.1.11", 1413)).toBe(true);
    expect(transfers(guest("roz"), "10.2.1.11", PORT)).toBe(true);
    expect(transfers(guest("wro"), "10.1.1.11", PORT)).toBe(true);
  });

  test("guests of a segment reach each other", () => {
    expect(passes(guest("node1"), "10.3.0.12", 1362)).toBe(true);
    expect(isLost(guest("node1"), "10.3.0.12", 1363)).toBe(true);
    expect(transfers(guest("node1"), "10.3.0.12", PORT)).toBe(true);
    expect(transfers(guest("node2"), "10.3.0.11", PORT)).toBe(true);
    expect(fragments(internet)).toBe(0);
  });

  test("guests get out behind their host's address in the LAN", () => {
    // Its router knows no way back to any other.
    expect(passes(guest("roz"), "192.0.2.254")).toBe(true);
    expect(passes(guest("wro"), "192.0.2.254")).toBe(true);
    expect(inClear(internet)).toBe(0);
  });
});
