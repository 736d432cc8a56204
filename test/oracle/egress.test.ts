/** The rules by which packets leave by exits: set once, taken back whole, and no other rule touched. */
import { existsSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { compileText } from "../compile-text.ts";
import { type Lab, openLab } from "./namespaces.ts";
import { isEquipped, scratch } from "./nft-helpers.ts";

const { directory, write, remove } = scratch();
afterAll(remove);

/** Slices of one address, which ip writes without a length; a long IPv6 prefix, which has the length of an IPv4 address. */
const TOPOLOGY = `
wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
exits: [{host: alpha, interface: eth0, snat: true, ipv6: true}]
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2, uplink: eth0, exits: [alpha]}
subnets:
  guests: {cidr: 10.65.0.0/16, perHost: 32, hosts: [beta], interface: external, exits: [alpha]}
  wide: {cidr: "fd66::/32", hosts: [beta], exits: [alpha]}
`;

/** A host's file, at home in the scratch directory. */
function place(name: string, topology = TOPOLOGY, host = "beta"): string {
  const { files } = compileText(topology);
  const found = must(
    files.find(({ path }) => path === `${host}/etc/netgen/${name}`),
    `${host} has ${name}`,
  );
  const text = Buffer.from(contentOf(found)).toString();
  return write(name, text.replaceAll("/etc/netgen/", `${directory}/`).replaceAll("/run/netgen", directory));
}

const RULES = {
  4: [
    "2100: from 10.65.0.2 lookup 254 suppress_prefixlength 0 proto 210",
    "2101: from 10.65.0.2 lookup 210 proto 210",
    "2102: from all fwmark 0xd2 iif lo lookup 254 proto 210",
    "2102: from all to 169.254.0.0/16 iif lo lookup 254 proto 210",
    "2102: from 192.0.2.2 iif lo lookup 254 proto 210",
    "2103: from all iif lo lookup 254 suppress_prefixlength 0 proto 210",
    "2104: from all iif lo lookup 210 proto 210",
  ],
  6: [
    "2100: from fd66::/32 lookup 254 suppress_prefixlength 0 proto 210",
    "2101: from fd66::/32 lookup 210 proto 210",
    "2102: from all fwmark 0xd2 iif lo lookup 254 proto 210",
    "2103: from all iif lo lookup 254 suppress_prefixlength 0 proto 210",
    "2104: from all iif lo lookup 210 proto 210",
  ],
} as const;

describe.skipIf(!isEquipped("ip", "nft", "sysctl"))("what leaves by exits", { timeout: 60_000 }, () => {
  let lab: Lab;
  let script: string;
  beforeEach(() => {
    lab = openLab(["host", "outside"]);
    lab.cable("eth0@outside", "eth0@host");
    lab.address("eth0@host", "192.0.2.2/24");
    script = place("egress");
    place("egress.list");
  });
  afterEach(() => lab.close());

  const run = (word: string) => lab.tryAt("host", "bash", [script, word]);
  const ours = (family: 4 | 6): readonly string[] =>
    lab
      .at("host", `ip -N -${family} rule show`)
      .split("\n")
      .filter((line) => line.endsWith(" proto 210"))
      .map((line) => line.replace("\t", " "));
  // Of a table without a route the kernel says that there is none.
  const end = (family: 4 | 6): string =>
    lab.tryAt("host", "ip", [`-${family}`, "route", "show", "table", "210"]).output;

  test("has its rules and an end before there is a tunnel, and asks for nothing twice", () => {
    expect(run("--hold")).toEqual({ status: 0, output: "" });
    for (const family of [4, 6] as const) {
      expect([...ours(family)].sort()).toEqual([...RULES[family]].sort());
      expect(end(family)).toMatch(/^unreachable default .*proto 210 metric 4278198272/);
    }
    expect(run("--hold")).toEqual({ status: 0, output: "" });
    expect(ours(4)).toHaveLength(RULES[4].length);
  });

  test("follows the addresses of the link that others dial", () => {
    run("--hold");
    lab.at("host", "ip address add 198.18.0.7/24 dev eth0");
    lab.at("host", "ip address delete 192.0.2.2/24 dev eth0");
    run("--hold");
    expect(ours(4).filter((line) => / from (?:192|198)/.test(line))).toEqual([
      "2102: from 198.18.0.7 iif lo lookup 254 proto 210",
    ]);
  });

  test("takes all of it back, and nothing of others", () => {
    lab.at("host", "ip rule add pref 2101 from 10.99.0.0/16 lookup 99");
    run("--hold");
    writeFileSync(`${directory}/wg0.exit`, "key 0.0.0.0/0\n");
    expect(run("--end").status).toBe(0);
    expect([ours(4), ours(6), end(4), end(6)]).toEqual([
      [],
      [],
      expect.not.stringContaining("default"),
      expect.not.stringContaining("default"),
    ]);
    expect(lab.at("host", "ip rule show")).toContain("from 10.99.0.0/16 lookup 99");
    expect(existsSync(`${directory}/wg0.exit`)).toBe(false);
  });

  test("says who has everything to a reload of the tunnel, but for who has left its file", () => {
    writeFileSync(`${directory}/wg0.exit`, "gone= 0.0.0.0/0\nstays= ::/0\n");
    const conf = write("wg0.conf", "[Peer]\nPublicKey = stays=\n");
    const asked = write("asked", lab.at("host", `cat ${script}`).replaceAll("/etc/wireguard/$2.conf", conf));
    expect(lab.tryAt("host", "bash", [asked, "--peers", "wg0"])).toEqual({
      status: 0,
      output: "\n[Peer]\nPublicKey=stays=\nAllowedIPs=::/0\n",
    });
  });

  test("leads to a remote by where packets go, and out of the host itself what others have sent", () => {
    const text = `
wireguard: {addresses: [10.250.0.0/24]}
remotes: {office: {cidr: [192.168.50.0/24, 192.168.52.7/32, "fd50::/64"], exits: [{host: alpha, interface: eth7}, {host: beta}]}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2, uplink: eth0}
  gamma: {id: 3, endpoint: 192.0.2.3}
`;
    const rules = (name: string) => {
      script = place("egress", text, name);
      place("egress.list", text, name);
      // No interface of the tunnels is there, nor eth7: the rules stand none the less, and once.
      expect([run("--hold"), run("--hold")]).toEqual([
        { status: 0, output: "" },
        { status: 0, output: "" },
      ]);
      const both = [...ours(4), ...ours(6)].sort();
      expect(run("--end").status).toBe(0);
      expect([...ours(4), ...ours(6)]).toEqual([]);
      return both.map((line) => line.replace(" [detached]", "").replace(" proto 210", ""));
    };
    const there = [
      "2091: from all to 192.168.50.0/24 lookup 210",
      "2091: from all to 192.168.52.7 lookup 210",
      "2091: from all to fd50::/64 lookup 210",
    ];
    expect(rules("gamma")).toEqual(there);
    expect(rules("alpha")).toEqual([
      ...["192.168.50.0/24", "192.168.52.7", "fd50::/64"].flatMap((prefix) => [
        `2090: from all to ${prefix} iif wg0 lookup 254`,
        `2090: from all to ${prefix} oif eth7 lookup 254`,
      ]),
      ...there,
    ]);
  });
});
