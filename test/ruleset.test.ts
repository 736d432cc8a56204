/** What a host's ruleset lets pass and drops where hosts are not all alike. */
import { describe, expect, test } from "vitest";
import { linesOf } from "./compile-text.ts";
import { testPublicKey } from "./test-keys.ts";

const rulesOf = (body: string, host: string): readonly string[] => linesOf(body, `${host}/etc/netgen/netgen.nft`);

/** The lines of a chain or a set, of all tables. */
function partOf(rules: readonly string[], head: string): readonly string[] {
  const start = rules.indexOf(`${head} {`);
  return start < 0 ? [] : rules.slice(start + 1, rules.indexOf("}", start));
}

const setsOf = (rules: readonly string[]): readonly string[] =>
  rules.flatMap((line) => /^set (\S+) \{$/.exec(line)?.[1] ?? []);

describe("hosts beside a segment that they are not in", () => {
  const body = `wireguard: {addresses: [10.250.0.0/24]}
sites: {rack: {lan: [10.7.0.0/24], gateways: [alpha]}}
guard: {allowFrom: [198.51.100.7]}
hosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 10.7.0.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 9, site: rack, wireguard: false, lanEndpoint: 10.7.0.9, extra: {sysctl: {net.ipv4.ip_forward: 1}}}
  delta: {id: 4, site: rack, lanEndpoint: 10.7.0.4, routes: [10.8.0.0/24]}
subnets: {vms: {vxlan: {vni: 100}, hosts: [alpha, beta], gateway: none}}
`;

  test("pass on nothing to its members but from the tunnel and whom the topology allows, and without a tunnel from these alone", () => {
    const chain = ["type filter hook forward priority filter - 10; policy accept;"];
    const rest = ["ip saddr @allowed4 return", "ip daddr @pools4 udp dport 4789 counter drop"];
    expect(partOf(rulesOf(body, "delta"), "chain transit")).toEqual([...chain, 'iifname "wg0" return', ...rest]);
    expect(partOf(rulesOf(body, "gamma"), "chain transit")).toEqual([...chain, ...rest]);
  });

  test("pass on nothing of Docker's containers either, which Docker routes and masquerades whoever else forwards", () => {
    const docker = body.replace("hosts:", "hostDefaults: {docker: true}\nhosts:");
    expect(rulesOf(body, "beta")).not.toContain("chain transit");
    expect(partOf(rulesOf(docker, "beta"), "chain transit")).toContain("ip daddr @pools4 udp dport 4789 counter drop");
  });

  test("have the sets that their own chains ask, whatever others have", () => {
    expect(setsOf(rulesOf(body, "alpha"))).toEqual(["vteps4", "allowed4", "pools4", "overlay4"]);
    expect(setsOf(rulesOf(body, "beta"))).toEqual(["vteps4", "allowed4"]);
    expect(setsOf(rulesOf(body, "delta"))).toEqual(["allowed4", "pools4", "overlay4"]);
  });

  test("let in what is from the LAN that they are on, by the link that leads there", () => {
    expect(partOf(rulesOf(body, "delta"), "chain entrance")).toContain(
      "ip saddr { 10.7.0.0/24, 10.8.0.0/24 } fib saddr . iif oif exists return",
    );
  });
});

test("hubs that share a key and pass nothing on have no rules, though each takes what is the other's", () => {
  const hub = (name: string, id: number): string =>
    `${name}: {id: ${id}, site: core, uplink: eth0, lanEndpoint: 198.51.100.${id}, publicKey: "${testPublicKey("alpha")}"}`;
  const body = `wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha, beta], vrrp: {address: 198.51.100.10/24}}
sites: {core: {}}
hosts: {${hub("alpha", 1)}, ${hub("beta", 2)}, gamma: {id: 3}}
subnets: {vms: {vxlan: {vni: 100}, hosts: [gamma], gateway: none}}
`;
  expect(rulesOf(body, "alpha")).toEqual([]);
  expect(setsOf(rulesOf(body, "gamma"))).toEqual(["vteps4"]);
});

describe("with Docker", () => {
  test.each([
    [
      "its own bridges are trusted",
      "uplink: eth0, lanInterface: eth1",
      ['iifname { "wg0", "docker0" } return', 'iifname "br-*" return'],
    ],
    [
      "no bridge is by its name, where the uplink is called so",
      "uplink: br-lan, lanInterface: eth1",
      ['iifname { "wg0", "docker0" } return'],
    ],
    ["nor where the LAN is behind one", "uplink: eth0, lanInterface: br-lan", ['iifname { "wg0", "docker0" } return']],
  ])("%s", (_, links, trusted) => {
    const body = `wireguard: {addresses: [10.250.0.0/24]}
sites: {rack: {}}
hosts:
  alpha: {id: 1, site: rack, endpoint: 192.0.2.1, lanEndpoint: 10.7.0.1, docker: true, routes: [10.8.0.0/24], ${links}}
  beta: {id: 2, endpoint: 192.0.2.2}
`;
    const entrance = partOf(rulesOf(body, "alpha"), "chain entrance");
    expect(entrance.filter((line) => /^iifname \S+( .*\})? return$/.test(line))).toEqual(trusted);
  });
});

describe("an exit", () => {
  const body = `wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}
bgp: {asn: 65000}
sites: {rack: {lan: [10.7.0.0/24], gateways: [gamma]}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, site: rack, endpoint: 192.0.2.3}
vrfs: {blue: {vni: 5000, exits: [{host: alpha, interface: eth0, snat: true}, {host: beta, interface: eth2}]}}
subnets: {guests: {cidr: [10.77.0.0/24, "fd00:77::/64"], vxlan: {vni: 100}, hosts: [alpha], gateway: [10.77.0.1, "fd00:77::1"], vrf: blue}}
`;

  test("leads to no LAN of a site, be it another's", () => {
    expect(partOf(rulesOf(body, "alpha"), "set near4")).toContain("10.7.0.0/24,");
  });

  test("lets nothing out that it should hide, of the IP version that it carries", () => {
    expect(partOf(rulesOf(body, "alpha"), "chain exits-out")).toEqual([
      "type filter hook postrouting priority srcnat + 10; policy accept;",
      'ip saddr 10.77.0.0/24 oifname "eth0" counter drop',
    ]);
  });

  test("sets apart what another host sends on by it to another exit, where it would hide that", () => {
    expect(partOf(rulesOf(body, "alpha"), "chain exits-apart")).toEqual([
      "type filter hook prerouting priority raw; policy accept;",
      'iifname "br5000" fib daddr . iif oif exists ct zone set 210',
    ]);
    expect(rulesOf(body, "beta")).not.toContain("chain exits-apart {");
  });

  test("that is the only one has nothing sent on by it", () => {
    const alone = body.replace(", {host: beta, interface: eth2}", "");
    expect(rulesOf(alone, "alpha")).not.toContain("chain exits-apart {");
  });

  test("that hides nobody takes nothing in that says it is from a guest", () => {
    const entering = partOf(rulesOf(body, "beta"), "chain vrfs").filter((line) => line.startsWith('oifname "blue"'));
    expect(entering).toEqual([
      'oifname "blue" iifname "eth2" ip saddr 10.77.0.0/24 counter drop',
      'oifname "blue" iifname "eth2" ip6 saddr fd00:77::/64 counter drop',
      'oifname "blue" iifname "eth2" return',
      'oifname "blue" counter drop',
    ]);
  });
});
