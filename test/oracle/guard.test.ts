/** Forged VXLAN and BGP against the guard, from outside, from the tunnel, and from a guest behind the host. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emitNftables } from "../../src/emit/nftables.ts";
import { type Lab, openLab } from "./namespaces.ts";
import {
  address,
  aHost,
  aNetwork,
  aVxlan,
  EVPN,
  emitted,
  isEquipped,
  prefix,
  SPEAKER,
  scratch,
} from "./nft-helpers.ts";

const { write, remove } = scratch();
afterAll(remove);

// VXLAN (RFC 7348 §5): flag I, VNI 100; in it a broadcast frame of a made-up Ethernet type.
const frameTo = (mac: string): string => `0800000000006400${mac}02000000dead88b5${"00".repeat(46)}`;
const FRAME = frameTo("ff".repeat(6));
const BPDU = frameTo("0180c2000000");

/** Counts VXLAN that the host tracks no connection of, and spanning tree's frames that leave the segment's bridge for a guest. */
const SEEN = `
table inet seen {
  chain in { type filter hook input priority 0; udp dport 4789 ct state untracked counter; }
}
table bridge seen {
  chain out { type filter hook postrouting priority 0; oifname "seg0" ether daddr 01:80:c2:00:00:00 counter; }
}
`;

// What Docker does for its containers.
const MASQUERADE = `
table ip docker {
  chain out {
    type nat hook postrouting priority srcnat
    ip saddr 10.1.1.0/24 masquerade
  }
}
`;

/** The host under test with its vxlan; an outsider on its uplink, a member at the other end of the tunnel, a guest. */
function guardLab(): Lab {
  const lab = openLab(["host", "outside", "member", "guest"]);
  lab.cable("eth0@outside", "eth0@host");
  lab.cable("wg0@member", "wg0@host");
  lab.cable("eth0@guest", "br-lan@host");
  lab.cable("eth1@guest", "seg0@host");
  lab.address("eth0@host", "192.0.2.1/24", "2001:db8:1::1/64");
  lab.address("eth0@outside", "192.0.2.66/24", "192.0.2.7/24", "192.0.2.8/24", "192.0.2.9/24", "2001:db8:1::66/64");
  lab.address("wg0@host", "10.250.0.1/24", "fd00:250::1/64");
  lab.address("wg0@member", "10.250.0.2/24", "10.250.0.99/24", "fd00:250::2/64", "fd00:250::99/64");
  lab.address("br-lan@host", "10.1.1.1/24", "fd01:1::1/64");
  lab.address("eth0@guest", "10.1.1.5/24", "fd01:1::5/64");
  lab.gateway("guest", "10.1.1.1", "fd01:1::1");
  lab.gateway("member", "10.250.0.1", "fd00:250::1");
  lab.at("host", "ip link add vx100 type vxlan id 100 dstport 4789 local 10.250.0.1 nolearning");
  lab.at("host", "ip link add br-seg type bridge");
  lab.at("host", "ip link set vx100 master br-seg up");
  lab.at("host", "ip link set seg0 master br-seg");
  lab.at("host", "ip link set br-seg up");
  lab.at("host", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  return lab;
}

const network = aNetwork(
  [
    aHost("alpha", {
      vtep: address("10.250.0.1"),
      vxlans: [aVxlan("vx100")],
      bgp: SPEAKER,
      guardOpen: { vxlan: [prefix("192.0.2.8/32")], bgp: [prefix("192.0.2.9/32")], bfd: [] },
      forwards: { ipv4: true, ipv6: true },
    }),
    aHost("beta", { vtep: address("10.250.0.2") }),
    aHost("gamma", { vtep: address("fd00:250::2") }),
  ],
  { bgp: EVPN, guardAllowFrom: [prefix("192.0.2.7/32")] },
);

/** Packets take their time on a busy machine. */
const eventually = (count: () => number) => expect.poll(count, { timeout: 20_000 });

const connects = (port: number) => ({ port, bytes: 1, seconds: 20 });
const isRefused = (port: number) => ({ port, bytes: 1, seconds: 2 });

describe.skipIf(!isEquipped("ip", "nft", "sysctl"))("the guard", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = guardLab();
    await Promise.all([
      lab.serve("host", 179),
      lab.serve("host", 22),
      lab.serve("member", 179),
      lab.serve("member", 22),
    ]);
  });
  afterAll(() => lab.close());

  /** Frames that the VXLAN device has taken in. */
  const received = (): number => {
    const [link] = JSON.parse(lab.at("host", "ip -json -statistics link show vx100"));
    return link.stats64.rx.packets;
  };
  const dropped = (): number => lab.counted("host", "inet netgen guard");
  const forge = (name: string, from: string, to: string) => lab.datagram(name, to, { port: 4789, from, hex: FRAME });

  test("without it, anyone's frame enters the segment and anyone reaches BGP", async () => {
    forge("outside", "192.0.2.66", "192.0.2.1");
    await eventually(received).toBe(1);
    expect(lab.transfer("outside", "192.0.2.1", connects(179))).toBe(true);
  });

  test("drops frames from outside, and from addresses of the tunnel that are no host's", async () => {
    lab.load("host", write("netgen.nft", emitted(emitNftables, network).get("etc/netgen/netgen.nft") ?? ""));
    const before = received();
    forge("outside", "192.0.2.66", "192.0.2.1");
    await eventually(dropped).toBe(1);
    forge("outside", "2001:db8:1::66", "2001:db8:1::1");
    await eventually(dropped).toBe(2);
    forge("member", "10.250.0.99", "10.250.0.1");
    await eventually(dropped).toBe(3);
    forge("guest", "10.1.1.5", "10.250.0.1");
    await eventually(dropped).toBe(4);
    expect(received()).toBe(before);
  });

  test("takes frames from a host through the tunnel, and from guard.allowFrom", async () => {
    const before = received();
    forge("member", "10.250.0.2", "10.250.0.1");
    await eventually(received).toBe(before + 1);
    forge("outside", "192.0.2.7", "192.0.2.1");
    await eventually(received).toBe(before + 2);
  });

  test("BGP likewise, IPv4 and IPv6", () => {
    const before = dropped();
    expect(lab.transfer("outside", "192.0.2.1", { ...isRefused(179), from: "192.0.2.66" })).toBe(false);
    expect(lab.transfer("outside", "2001:db8:1::1", isRefused(179))).toBe(false);
    expect(lab.transfer("member", "10.250.0.1", { ...isRefused(179), from: "10.250.0.99" })).toBe(false);
    expect(dropped()).toBeGreaterThanOrEqual(before + 3);
    expect(lab.transfer("member", "10.250.0.1", { ...connects(179), from: "10.250.0.2" })).toBe(true);
    expect(lab.transfer("member", "fd00:250::1", { ...connects(179), from: "fd00:250::2" })).toBe(true);
    expect(lab.transfer("outside", "192.0.2.1", { ...connects(179), from: "192.0.2.7" })).toBe(true);
    expect(lab.transfer("host", "127.0.0.1", connects(179))).toBe(true);
  });

  test("what the host opens to one is open to that one alone, and nothing else is", async () => {
    const before = received();
    const unanswered = dropped();
    forge("outside", "192.0.2.8", "192.0.2.1");
    await eventually(received).toBe(before + 1);
    expect(lab.transfer("outside", "192.0.2.1", { ...connects(179), from: "192.0.2.9" })).toBe(true);
    expect(dropped()).toBe(unanswered);
    // Each of the two has what the other has not.
    forge("outside", "192.0.2.9", "192.0.2.1");
    await eventually(dropped).toBe(unanswered + 1);
    expect(lab.transfer("outside", "192.0.2.1", { ...isRefused(179), from: "192.0.2.8" })).toBe(false);
    expect(dropped()).toBeGreaterThan(unanswered + 1);
    expect(received()).toBe(before + 1);
  });

  test("VXLAN between hosts is no connection, and spanning tree does not come out of the tunnel", async () => {
    lab.load("host", write("seen.nft", SEEN));
    const untracked = lab.counted("host", "inet seen in");
    forge("member", "10.250.0.2", "10.250.0.1");
    await eventually(() => lab.counted("host", "inet seen in")).toBe(untracked + 1);
    lab.datagram("member", "10.250.0.1", { port: 4789, from: "10.250.0.2", hex: BPDU });
    await eventually(() => lab.counted("host", "bridge netgen bpdu")).toBe(1);
    expect(lab.counted("host", "bridge seen out")).toBe(0);
    // Without its rule it would have.
    lab.at("host", "nft flush chain bridge netgen bpdu");
    lab.datagram("member", "10.250.0.1", { port: 4789, from: "10.250.0.2", hex: BPDU });
    await eventually(() => lab.counted("host", "bridge seen out")).toBe(1);
  });

  test("leaves every other port alone", () => {
    expect(lab.transfer("outside", "192.0.2.1", { ...connects(22), from: "192.0.2.66" })).toBe(true);
    expect(lab.transfer("guest", "10.250.0.2", connects(22))).toBe(true);
    expect(lab.transfer("guest", "fd00:250::2", connects(22))).toBe(true);
  });

  test("a guest cannot pose as a host towards the others, not even behind this host's address", () => {
    lab.load("host", write("docker.nft", MASQUERADE));
    expect(lab.transfer("guest", "10.250.0.2", connects(22))).toBe(true);
    expect(lab.transfer("guest", "10.250.0.2", isRefused(179))).toBe(false);
    expect(lab.transfer("guest", "fd00:250::2", isRefused(179))).toBe(false);
  });
});
