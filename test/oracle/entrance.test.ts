/** Who gets into the overlay from a host's own networks, and who does not: guests' addresses forged, guests asked directly. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { compileText } from "../compile-text.ts";
import { type Lab, openLab } from "./namespaces.ts";
import { isEquipped, scratch } from "./nft-helpers.ts";

const { write, remove } = scratch();
afterAll(remove);

const TOPOLOGY = `
wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
hosts:
  alpha:
    id: 1
    endpoint: 192.0.2.1
    uplink: eth0
    routes: [{cidr: 10.3.0.0/16, exceptMoreSpecifics: true}, {cidr: "fd03::/48", exceptMoreSpecifics: true}]
  beta: {id: 2, endpoint: 198.51.100.2, routes: [10.3.9.0/24, "fd03:0:0:9::/64"]}
guard: {interfaces: ["tun*"]}
subnets: {vms: {cidr: [10.1.1.0/24, "fd01:1::/64"], hosts: [alpha], bridge: br-vms, snat: true}}
`;

function ruleset(): string {
  const path = "alpha/etc/netgen/netgen.nft";
  const found = must(
    compileText(TOPOLOGY).files.find((each) => each.path === path),
    "alpha has a ruleset",
  );
  return write("netgen.nft", Buffer.from(contentOf(found)).toString());
}

/** Counts what the other end of the tunnel gets. */
const ARRIVALS = "table inet seen { chain in { type filter hook input priority 0; udp dport 9 counter; }; }";

/** The host with a neighbour on its uplink, the other end of its tunnel, a guest, an office behind it and a VPN. */
function entranceLab(): Lab {
  const lab = openLab(["host", "outside", "member", "guest", "office", "vpn"]);
  lab.cable("eth0@outside", "eth0@host");
  lab.cable("wg0@member", "wg0@host");
  lab.cable("eth0@guest", "br-vms@host");
  lab.cable("eth0@office", "eth1@host");
  lab.cable("eth0@vpn", "tun0@host");
  lab.address("eth0@host", "192.0.2.1/24", "2001:db8:1::1/64");
  lab.address("wg0@host", "10.250.0.1/24", "fd00:250::1/64");
  lab.address("br-vms@host", "10.1.1.1/24", "fd01:1::1/64");
  lab.address("eth1@host", "10.3.0.1/24", "fd03::1/64");
  lab.address("tun0@host", "10.9.0.1/24");
  lab.address("eth0@outside", "192.0.2.66/24", "2001:db8:1::66/64");
  // Whom it poses as.
  lab.address("lo@outside", ...["10.1.1.99/32", "10.3.0.99/32", "10.250.0.99/32", "fd01:1::99/128", "fd03::99/128"]);
  lab.address("wg0@member", "10.250.0.2/24", "fd00:250::2/64");
  lab.address("eth0@guest", "10.1.1.5/24", "fd01:1::5/64");
  lab.address("eth0@office", "10.3.0.5/24", "fd03::5/64");
  lab.address("eth0@vpn", "10.9.0.5/24");
  lab.gateway("outside", "192.0.2.1", "2001:db8:1::1");
  lab.gateway("member", "10.250.0.1", "fd00:250::1");
  lab.gateway("guest", "10.1.1.1", "fd01:1::1");
  lab.gateway("office", "10.3.0.1", "fd03::1");
  lab.gateway("vpn", "10.9.0.1");
  lab.address("lo@office", "10.3.9.99/32", "fd03:0:0:9::99/128");
  // As /etc/netgen/routes has it, and as the owner's own.
  for (const [inner, outer] of [
    ["10.3.9.0/24", "10.3.0.0/16"],
    ["fd03:0:0:9::/64", "fd03::/48"],
  ]) {
    lab.at("host", `ip route add ${inner} dev wg0 metric 2100`);
    lab.at("host", `ip route add unreachable ${inner} metric 4278198272`);
    lab.at("host", `ip route add ${outer} dev eth1`);
  }
  lab.at("host", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  lab.load("member", write("seen.nft", ARRIVALS));
  return lab;
}

const FORGED: readonly (readonly [from: string, to: string])[] = [
  ["10.1.1.99", "10.250.0.2"],
  ["10.3.0.99", "10.250.0.2"],
  ["10.250.0.99", "10.250.0.2"],
  ["192.0.2.66", "10.250.0.2"],
  ["fd01:1::99", "fd00:250::2"],
  ["fd03::99", "fd00:250::2"],
];

describe.skipIf(!isEquipped("ip", "nft", "sysctl", "ping"))("the entrances of the overlay", { timeout: 60_000 }, () => {
  let lab: Lab;
  beforeAll(() => {
    lab = entranceLab();
  });
  afterAll(() => lab.close());

  const arrived = (): number => lab.counted("member", "inet seen in");
  const dropped = (): number => lab.countedInAll("host", "inet netgen entrance");
  const eventually = (count: () => number) => expect.poll(count, { timeout: 20_000 });

  test("without it, a neighbour on the uplink gets into the tunnel and to the guests", async () => {
    for (const [from, to] of FORGED) lab.datagram("outside", to, { port: 9, from, hex: "00" });
    await eventually(arrived).toBe(FORGED.length);
    expect(lab.answers("outside", "10.1.1.5")).toBe(true);
  });

  test("a neighbour on the uplink gets nowhere, as whoever it poses", async () => {
    lab.load("host", ruleset());
    const before = arrived();
    for (const [index, [from, to]] of FORGED.entries()) {
      lab.datagram("outside", to, { port: 9, from, hex: "00" });
      await eventually(dropped).toBe(index + 1);
    }
    expect(arrived()).toBe(before);
    for (const to of ["10.1.1.5", "fd01:1::5", "10.3.0.5"]) expect(lab.answers("outside", to), to).toBe(false);
  });

  test.each([
    ["10.3.9.99", "10.3.0.5", "10.250.0.2"],
    ["fd03:0:0:9::99", "fd03::5", "fd00:250::2"],
  ])("who is behind a host does not pose as %s, which is another's inside that", async (forged, own, to) => {
    const [passed, stopped] = [arrived(), dropped()];
    lab.datagram("office", to, { port: 9, from: forged, hex: "00" });
    await eventually(dropped).toBe(stopped + 1);
    lab.datagram("office", to, { port: 9, from: own, hex: "00" });
    await eventually(arrived).toBe(passed + 1);
  });

  test.each([
    ["guest", "10.250.0.2"],
    ["guest", "fd00:250::2"],
    ["member", "10.1.1.5"],
    ["member", "fd01:1::5"],
    ["office", "10.250.0.2"],
    ["office", "fd00:250::2"],
    ["office", "10.1.1.5"],
    ["member", "10.3.0.5"],
    ["vpn", "10.250.0.2"],
    ["vpn", "10.1.1.5"],
  ])("%s reaches %s", (from, to) => {
    lab.tryAt("member", "ip", ["route", "replace", "10.9.0.0/24", "via", "10.250.0.1"]);
    expect(lab.answers(from, to)).toBe(true);
  });

  test("answers from outside come back to guests, and the owner's own rules send on to them", async () => {
    expect(lab.answers("guest", "192.0.2.66")).toBe(true);
    await lab.serve("guest", 80);
    const rule = "tcp dport 8080 dnat to 10.1.1.5:80";
    lab.load(
      "host",
      write("own.nft", `table ip own { chain in { type nat hook prerouting priority -100; ${rule}; }; }`),
    );
    expect(lab.transfer("outside", "192.0.2.1", { port: 8080, bytes: 1, seconds: 20 })).toBe(true);
  });
});
