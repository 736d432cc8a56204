/** TCP through links that carry less than the ends believe, and nothing says so: only the clamp lets it pass. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emitNftables } from "../../src/emit/nftables.ts";
import type { Host } from "../../src/model/host.ts";
import { type Lab, openLab } from "./namespaces.ts";
import {
  aBridge,
  address,
  aHost,
  aNetwork,
  aTunnel,
  aVxlan,
  emitted,
  isEquipped,
  mtu,
  scratch,
} from "./nft-helpers.ts";

const { write, remove } = scratch();
afterAll(remove);

const PORT = 8080;
/** A megabyte, with time enough on any machine. */
const TRANSFER = { port: PORT, bytes: 1_000_000, seconds: 60 };
/** The same where it must not end: how long to watch it stall. */
const ATTEMPT = { ...TRANSFER, seconds: 3 };

/** The rules of the first host, in a file. */
function rulesetFile(...hosts: readonly Host[]): string {
  return write("netgen.nft", emitted(emitNftables, aNetwork(hosts)).get("etc/netgen/netgen.nft") ?? "");
}

/** Counts the segment sizes announced to an end: those of the wanted size, and others. */
function watch(lab: Lab, names: readonly string[], [mss4, mss6]: readonly [number, number]): void {
  const chain = (name: string, size: string): string => `
  chain ${name} {
    type filter hook input priority 0
    tcp flags & (syn | rst) == syn tcp option maxseg size ${size} counter
  }`;
  const sizes = `{ ${mss4}, ${mss6} }`;
  const file = write("watch.nft", `table inet watch {${chain("wanted", sizes)}${chain("other", `!= ${sizes}`)}\n}\n`);
  for (const name of names) lab.load(name, file);
}

const announced = (lab: Lab, name: string) => ({
  wanted: lab.counted(name, "inet watch wanted"),
  other: lab.counted(name, "inet watch other"),
});

type Way = readonly [from: string, to: string];

const transfers = (lab: Lab, ways: readonly Way[], transfer: typeof TRANSFER): readonly boolean[] =>
  ways.map(([from, to]) => lab.transfer(from, to, transfer));

// Routers that never say "too big", as so many on the internet.
const SILENT = `
table inet silent {
  chain output {
    type filter hook output priority 0
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`;

/** client – router – 1320 bytes, called wg0 – far router – server; all other links carry 1500. */
function routedLab(): Lab {
  const lab = openLab(["client", "router", "far", "server"]);
  lab.cable("eth0@client", "eth0@router");
  lab.cable("wg0@router", "wg0@far");
  lab.cable("eth0@far", "eth0@server");
  lab.address("eth0@client", "192.0.2.2/24", "2001:db8:1::2/64");
  lab.address("eth0@router", "192.0.2.1/24", "2001:db8:1::1/64");
  lab.address("wg0@router", "198.51.100.1/24", "2001:db8:2::1/64");
  lab.address("wg0@far", "198.51.100.2/24", "2001:db8:2::2/64");
  lab.address("eth0@far", "203.0.113.1/24", "2001:db8:3::1/64");
  lab.address("eth0@server", "203.0.113.2/24", "2001:db8:3::2/64");
  lab.gateway("client", "192.0.2.1", "2001:db8:1::1");
  lab.gateway("router", "198.51.100.2", "2001:db8:2::2");
  lab.gateway("far", "198.51.100.1", "2001:db8:2::1");
  lab.gateway("server", "203.0.113.1", "2001:db8:3::1");
  for (const name of ["router", "far"]) {
    lab.at(name, "ip link set wg0 mtu 1320");
    lab.at(name, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    lab.load(name, write("silent.nft", SILENT));
  }
  return lab;
}

/** Whether bridged frames go through the IP rules as well; not at all without the module br_netfilter. */
function filterBridges(lab: Lab, name: string, value: 0 | 1): boolean {
  const keys = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
  return lab.tryAt(name, "sysctl", ["-qw", ...keys.map((key) => `${key}=${value}`)]).status === 0;
}

/** Two hosts with a bridge each, joined by VXLAN of 1370 bytes over a link of 1420; a guest at 1500 on each. */
function bridgedLab(): Lab {
  const lab = openLab(["one", "two", "guest1", "guest2"]);
  lab.cable("wg0@one", "wg0@two");
  for (const [name, id, other] of [
    ["one", 1, 2],
    ["two", 2, 1],
  ] as const) {
    lab.address(`wg0@${name}`, `198.51.100.${id}/24`);
    lab.cable(`eth0@guest${id}`, `tap0@${name}`);
    lab.address(`eth0@guest${id}`, `192.0.2.${id}/24`, `2001:db8:1::${id}/64`);
    lab.at(name, "ip link set wg0 mtu 1420");
    filterBridges(lab, name, 0);
    lab.at(name, "ip link add br-vms type bridge");
    lab.at(name, `ip link add vx100 type vxlan id 100 dstport 4789 local 198.51.100.${id} remote 198.51.100.${other}`);
    lab.at(name, "ip link set vx100 mtu 1370 gso_max_segs 1 master br-vms up");
    lab.at(name, "ip link set tap0 master br-vms");
    lab.at(name, "ip link set br-vms up");
  }
  return lab;
}

const isReady = isEquipped("ip", "nft", "sysctl");

describe.skipIf(!isReady)("routed through a small link", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = routedLab();
    await Promise.all([lab.serve("client", PORT), lab.serve("server", PORT)]);
  });
  afterAll(() => lab.close());

  const ways: readonly Way[] = [
    ["client", "203.0.113.2"],
    ["client", "2001:db8:3::2"],
    ["server", "192.0.2.2"],
    ["server", "2001:db8:1::2"],
  ];
  const host = aHost("router", { interfaces: [aTunnel("wg0", 1320)], forwards: { ipv4: true, ipv6: true } });

  test("stalls without the rules", () => {
    expect(transfers(lab, ways, ATTEMPT)).toEqual([false, false, false, false]);
  });

  test("passes with them: SYN and SYN-ACK of either end announce 1280 (IPv4) and 1260 (IPv6)", () => {
    watch(lab, ["client", "server"], [1280, 1260]);
    lab.load("router", rulesetFile(host));
    expect(transfers(lab, ways, TRANSFER)).toEqual([true, true, true, true]);
    // Of its two families each end got the SYN of the other's transfers and the SYN-ACK of its own.
    expect(announced(lab, "client")).toEqual({ wanted: 4, other: 0 });
    expect(announced(lab, "server")).toEqual({ wanted: 4, other: 0 });
  });
});

describe.skipIf(!isReady)("bridged through a VXLAN", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = bridgedLab();
    await Promise.all([lab.serve("guest1", PORT), lab.serve("guest2", PORT)]);
  });
  afterAll(() => lab.close());

  const ways: readonly Way[] = [
    ["guest1", "192.0.2.2"],
    ["guest1", "2001:db8:1::2"],
    ["guest2", "192.0.2.1"],
    ["guest2", "2001:db8:1::1"],
  ];
  const one = aHost("one", { bridges: [aBridge("br-vms", { mtu: mtu(1370) })], vxlans: [aVxlan("vx100")] });
  const two = aHost("two", { vtep: address("198.51.100.2") });

  test("stalls without the rules", () => {
    expect(transfers(lab, ways, ATTEMPT)).toEqual([false, false, false, false]);
  });

  test("passes with those of one host: guests of either announce 1330 (IPv4) and 1310 (IPv6)", () => {
    watch(lab, ["guest1", "guest2"], [1330, 1310]);
    lab.load("one", rulesetFile(one, two));
    expect(transfers(lab, ways, TRANSFER)).toEqual([true, true, true, true]);
    expect(announced(lab, "guest1")).toEqual({ wanted: 4, other: 0 });
    expect(announced(lab, "guest2")).toEqual({ wanted: 4, other: 0 });
  });

  test("passes as well where bridged frames go through the IP rules, of a host that routes", (context) => {
    const isFiltered = filterBridges(lab, "one", 1);
    if (process.env.CI === "true") expect(isFiltered, "this oracle needs the module br_netfilter").toBe(true);
    context.skip(!isFiltered, "SKIPPED: br_netfilter is not loaded here");
    lab.load("one", rulesetFile({ ...one, forwards: { ipv4: true, ipv6: true } }, two));
    expect(transfers(lab, ways, TRANSFER)).toEqual([true, true, true, true]);
    expect(announced(lab, "guest1")).toEqual({ wanted: 8, other: 0 });
    expect(announced(lab, "guest2")).toEqual({ wanted: 8, other: 0 });
  });
});
