/**
 * VRFs that import each other: what the guard lets pass, in the real nft, and what FRR tells of them. Cables with the names of
 * the VRFs' devices stand in for them, as a kernel may have no VRF: what the rules ask is the names alone.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { compileText } from "../compile-text.ts";
import { startFrr, vtyshJson } from "./frr-box.ts";
import { type Lab, openLab } from "./namespaces.ts";
import { openBox } from "./netns.ts";
import { isEquipped, scratch } from "./nft-helpers.ts";

const { write, remove } = scratch();
afterAll(remove);

const TOPOLOGY = `
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
vrfs:
  red: {vni: 5000, imports: [shared]}
  green: {vni: 6000, imports: [shared]}
  shared: {vni: 7000}
subnets:
  red-vms: {cidr: [10.1.1.0/24, "fd01:1::/64"], hosts: [alpha], vrf: red}
  green-vms: {cidr: [10.1.2.0/24, "fd01:2::/64"], hosts: [alpha], vrf: green}
  services: {cidr: [10.1.3.0/24, "fd01:3::/64"], hosts: [alpha], vrf: shared}
`;

function ruleset(): string {
  const path = "alpha/etc/netgen/netgen.nft";
  const found = must(
    compileText(TOPOLOGY).files.find((each) => each.path === path),
    "alpha has a ruleset",
  );
  return write("netgen.nft", Buffer.from(contentOf(found)).toString());
}

const ARRIVALS = "table inet seen { chain in { type filter hook input priority 0; udp dport 9 counter; }; }";
const NETWORKS = ["red", "green", "shared"] as const;

function vrfLab(): Lab {
  const lab = openLab(["host", ...NETWORKS]);
  for (const [index, name] of NETWORKS.entries()) {
    const number = index + 1;
    lab.cable(`eth0@${name}`, `${name}@host`);
    lab.address(`${name}@host`, `10.1.${number}.1/24`, `fd01:${number}::1/64`);
    lab.address(`eth0@${name}`, `10.1.${number}.5/24`, `fd01:${number}::5/64`);
    lab.gateway(name, `10.1.${number}.1`, `fd01:${number}::1`);
    lab.load(name, write("seen.nft", ARRIVALS));
  }
  // Whom red's guest poses as: one of the other tenant, and one of nobody's.
  lab.address("lo@red", "10.1.2.99/32", "fd01:2::99/128", "10.9.9.9/32");
  lab.at("host", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
  return lab;
}

/** From red. */
const FORGED: readonly (readonly [from: string, to: string])[] = [
  ["10.1.2.99", "10.1.3.5"],
  ["fd01:2::99", "fd01:3::5"],
  ["10.9.9.9", "10.1.3.5"],
];

describe.skipIf(!isEquipped("ip", "nft", "sysctl", "ping"))("VRFs that share", { timeout: 60_000 }, () => {
  let lab: Lab;
  beforeAll(() => {
    lab = vrfLab();
  });
  afterAll(() => lab.close());

  const arrived = (): number => lab.counted("shared", "inet seen in");
  const dropped = (): number => lab.countedInAll("host", "inet netgen vrfs");
  const eventually = (count: () => number) => expect.poll(count, { timeout: 20_000 });

  test("without the guard, one tenant reaches the other, and poses as it", async () => {
    for (const to of ["10.1.2.5", "fd01:2::5"]) expect(lab.answers("red", to), to).toBe(true);
    for (const [from, to] of FORGED) lab.datagram("red", to, { port: 9, from, hex: "00" });
    await eventually(arrived).toBe(FORGED.length);
  });

  test("with it, both reach what they share, and are reached", () => {
    lab.load("host", ruleset());
    for (const tenant of ["red", "green"]) {
      for (const to of ["10.1.3.5", "fd01:3::5"]) expect(lab.answers(tenant, to), `${tenant} ${to}`).toBe(true);
    }
    for (const to of ["10.1.1.5", "fd01:1::5", "10.1.2.5", "fd01:2::5"])
      expect(lab.answers("shared", to), to).toBe(true);
    expect(dropped()).toBe(0);
  });

  test("neither tenant reaches the other", () => {
    for (const to of ["10.1.2.5", "fd01:2::5"]) expect(lab.answers("red", to), to).toBe(false);
    for (const to of ["10.1.1.5", "fd01:1::5"]) expect(lab.answers("green", to), to).toBe(false);
  });

  test("nor gets there under an address that is not its own", async () => {
    const [before, known] = [dropped(), arrived()];
    for (const [index, [from, to]] of FORGED.entries()) {
      lab.datagram("red", to, { port: 9, from, hex: "00" });
      await eventually(dropped).toBe(before + index + 1);
    }
    expect(arrived()).toBe(known);
  });
});

const ANNOUNCING = `
router bgp 65000
 bgp router-id 10.250.0.1
 address-family ipv4 unicast
  redistribute connected
 exit-address-family
exit
`;

test.skipIf(!isEquipped("ip", "vtysh"))(
  "FRR announces no 127.0.0.1, which the bridge of such a VRF has",
  { timeout: 60_000 },
  async () => {
    const box = await openBox();
    try {
      for (const [name, address] of [
        ["br7000", "127.0.0.1/8"],
        ["br-services", "10.1.3.1/24"],
      ]) {
        box.run("ip", "link", "add", name as string, "type", "bridge");
        box.run("ip", "address", "add", address as string, "dev", name as string);
        box.run("ip", "link", "set", name as string, "up");
      }
      box.shell(
        `printf 'bgpd=yes\\nvtysh_enable=yes\\n' > /etc/frr/daemons; cat > /etc/frr/frr.conf << 'END'${ANNOUNCING}END`,
      );
      startFrr(box);
      const announced = () =>
        Object.keys((vtyshJson(box, "show bgp ipv4 unicast") as { readonly routes?: object }).routes ?? {});
      await expect.poll(announced, { timeout: 20_000 }).toEqual(["10.1.3.0/24"]);
    } finally {
      box.close();
    }
  },
);
