/** Several fleets on one host: what carries a fleet's number, and what two of them may not both have. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { renderJson } from "../src/base/render.ts";
import { type Compilation, compile } from "../src/compile.ts";
import { renderKeyRollout, renderPresharedRollout } from "../src/report/rollout.ts";
import { listFixtures, sourceOf, textOf } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

const scenarios = listFixtures().filter(({ kind, name }) => kind === "scenario" && name !== "fleet");

const compileAs = (text: string, fleet: string): Compilation =>
  compile({ name: "topology.yaml", text: text.replace(/^name:.*$/m, (line) => `${line}\n${fleet}`) });

/** What a host has one of, whoever writes it, and what has its name of the interface alone. */
const SINGLE = /\/etc\/(?:containers|frr|keepalived|wireguard)\//;

/** A name of netgen's own without a number: of a directory, a file, a unit, a table, a chain. */
const PLAIN = /\/netgen(?:\/|\.conf)|\bnetgen-|-netgen(?:-|\.conf)|\b(?:inet|bridge) netgen\b|-j NETGEN\b/;

/** Every path, command and line of what was compiled; a file of the user's has the name that he gave it. */
const linesOf = ({ files }: Compilation): readonly string[] =>
  files
    .flatMap((file) => [file.path, ...file.after, ...textOf(file).split("\n")])
    // All fleets of a host have one lock: they tell the same programs.
    .filter((line) => !line.includes("/etc/netgen/peers/") && !line.includes("run/netgen-apply"));

describe.each(scenarios)("$name with a number", (fixture) => {
  const made = () => {
    const { text } = sourceOf(fixture);
    return { plain: compileAs(text, ""), numbered: compileAs(text, "fleet: 3") };
  };

  test("says what it says without one", () => {
    const { plain, numbered } = made();
    const said = ({ diagnostics }: Compilation) => diagnostics.map(({ code }) => code);
    expect(said(numbered)).toEqual(said(plain));
  });

  test("shares no file and no unit of netgen's own with the one that has none", () => {
    const { plain, numbered } = made();
    const plainPaths = new Set(plain.files.map(({ path }) => path));
    expect(numbered.files.filter(({ path }) => plainPaths.has(path) && !SINGLE.test(path))).toEqual([]);
    for (const [host, units] of Object.entries(numbered.units)) {
      const own = units.filter((unit) => unit.startsWith("netgen"));
      expect(own.filter((unit) => plain.units[host]?.includes(unit))).toEqual([]);
      expect(own.length).toBe(plain.units[host]?.filter((unit) => unit.startsWith("netgen")).length);
    }
  });

  test("has it in every name, and in the numbers of routes, tables and zones", () => {
    const { plain, numbered } = made();
    expect(linesOf(plain).some((line) => PLAIN.test(line))).toBe(true);
    expect(linesOf(numbered).filter((line) => PLAIN.test(line))).toEqual([]);
    const OF_NONE = /\b(?:proto|protocol|table|zone)(?: set|=| )\s*210\b/;
    expect(linesOf(numbered).filter((line) => OF_NONE.test(line))).toEqual([]);
  });
});

const HOSTS = `hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, uplink: eth0}
  beta: {id: 2, endpoint: 198.51.100.2, uplink: eth0}
`;
const publicKeys = Object.fromEntries(["alpha", "beta", "gate", "phone"].map((name) => [name, testPublicKey(name)]));
const FIRST = `netgen: 1\nname: first\nwireguard: {addresses: [10.250.0.0/24]}\n`;
const SECOND = `netgen: 1\nname: second\nfleet: 2\nwireguard: {addresses: [10.240.0.0/24], listenPort: 51822}\n`;

const together = (text: string, other: string): Compilation =>
  compile(
    { name: "second.yaml", text },
    { publicKeys, beside: [{ source: { name: "first.yaml", text: other }, publicKeys }] },
  );

const said = (text: string, other: string): readonly string[] =>
  together(text, other).diagnostics.map(({ code, message }) => `${code}: ${message}`);

describe("beside another fleet", () => {
  test("what has nothing in common with it compiles", () => {
    expect(said(SECOND + HOSTS, FIRST + HOSTS)).toEqual([]);
    expect(together(SECOND + HOSTS, FIRST + HOSTS).files.length).toBeGreaterThan(0);
  });

  test("the same number is one too many, whichever it is", () => {
    const words =
      "alpha is a host of first.yaml too, and both fleets have the number 2: their files would have the same names";
    expect(said(SECOND + HOSTS, SECOND + HOSTS)).toEqual([`fleet-number-taken: ${words}`]);
  });

  test("hosts of other names are other machines, and so is a device of an app's", () => {
    const renamed = HOSTS.replace("alpha", "gate").replace("beta", "phone");
    expect(said(FIRST + HOSTS, FIRST + renamed)).toEqual([]);
    const phone = `${HOSTS}  phone: {id: 9, platform: wireguard-app}\n`;
    const only = "hosts:\n  gate: {id: 1, endpoint: 198.51.100.9}\n  phone: {id: 9, platform: wireguard-app}\n";
    expect(said(FIRST + phone, FIRST + only)).toEqual([]);
    expect(said(FIRST + phone, FIRST + only.replace(", platform: wireguard-app", ""))).toEqual([]);
  });

  test("a mistake of its own comes first", () => {
    expect(said(SECOND + HOSTS.replace("id: 2", "id: 1"), "")).toEqual([expect.stringMatching(/^id-duplicate: /)]);
    expect(said(SECOND + HOSTS, "netgen: 1\n")).toEqual([expect.stringMatching(/^fleet-unfit: first.yaml has errors/)]);
    expect(said(SECOND + HOSTS, "]")).toEqual([expect.stringMatching(/^fleet-unfit: /)]);
  });

  test("a network of containers has a name of its own, and Docker's rules let none of the other's in", () => {
    const pods = (cidr: string, container: string, bridge: string): string =>
      `subnets: {pods: {cidr: ${cidr}, perHost: 24, hosts: [alpha], bridge: ${bridge}, container: ${container}}}\n`;
    const second = (container: string): string => SECOND + HOSTS + pods("10.81.0.0/16", container, "pods2");
    const first = FIRST + HOSTS + pods("10.71.0.0/16", "podman", "br-pods");
    expect(said(second("cni"), first)).toEqual([]);
    expect(said(second("podman"), first)).toEqual([
      "fleet-conflict: alpha cannot have the containers' network pods beside that in first.yaml: podman knows a network by its name: call one of the two subnets otherwise",
    ]);
    expect(said(second("docker"), first)).toEqual([
      expect.stringMatching(/^fleet-conflict: .*names begin as Docker's own/),
    ]);
  });

  test("a host is a chassis of OVN's in one fleet, and has the databases of one; one of each is two programs", () => {
    const ovn = (central: string, chassis: string): string => `ovn: {central: ${central}, chassis: [${chassis}]}\n`;
    const first = FIRST + HOSTS;
    expect(said(SECOND + HOSTS + ovn("beta", "alpha"), first + ovn("alpha", "beta"))).toEqual([]);
    expect(said(SECOND + HOSTS, first + ovn("alpha", "beta"))).toEqual([]);
    expect(said(SECOND + HOSTS + ovn("beta", "alpha"), first)).toEqual([]);
    expect(said(SECOND + HOSTS + ovn("beta", "beta"), first + ovn("beta", "beta"))).toEqual([
      "fleet-conflict: beta cannot have OVN's chassis beside that in first.yaml: Open vSwitch has one system-id, one encap-ip and one ovn-remote",
    ]);
    expect(said(SECOND + HOSTS + ovn("beta", "alpha"), first + ovn("beta", "beta"))).toEqual([
      "fleet-conflict: beta cannot have OVN's central beside that in first.yaml: OVN has one northbound database there, which knows switches and routers by their names",
    ]);
  });

  test("an uplink and an exit's interface are everybody's", () => {
    const exits = "exits: [{host: beta, interface: eth1, snat: true}]\n";
    const guests = (name: string, cidr: string): string =>
      `subnets: {${name}: {cidr: ${cidr}, hosts: [alpha], exits: [beta]}}\n`;
    expect(
      said(
        SECOND + HOSTS + exits + guests("disks", "10.81.0.0/24"),
        FIRST + HOSTS + exits + guests("vms", "10.71.0.0/24"),
      ),
    ).toEqual([]);
  });

  test("an interface that leads to a remote is everybody's", () => {
    const remote = (name: string, cidr: string): string =>
      `remotes: {${name}: {cidr: ${cidr}, exits: [{host: beta, interface: eth1, snat: true}]}}\n`;
    expect(
      said(SECOND + HOSTS + remote("paris", "192.168.60.0/24"), FIRST + HOSTS + remote("rome", "192.168.50.0/24")),
    ).toEqual([]);
  });

  test("two VRFs have tables of their own, and may hold the same prefixes", () => {
    const vrf = (name: string, vni: number, table: number, cidr: string): string =>
      `bgp: {asn: 65000}\nvrfs: {${name}: {vni: ${vni}, table: ${table}}}\n` +
      `subnets: {of-${name}: {cidr: ${cidr}, vxlan: {vni: ${vni + 1}}, hosts: [alpha], vrf: ${name}, gateway: none}}\n`;
    const codes = said(
      `${SECOND}vxlanPort: 14789\n${HOSTS}${vrf("red", 6000, 1000, "10.71.0.0/24")}`,
      FIRST + HOSTS + vrf("blue", 5000, 1000, "10.71.0.0/24"),
    );
    expect(codes).toEqual([
      "fleet-conflict: alpha cannot have bgp beside bgp in first.yaml: FRR has one configuration",
      "fleet-table-taken: on alpha the routing table 1000 is that of the VRF red, and in first.yaml that of the VRF blue",
    ]);
  });

  test("one address by VRRP on a host, and no exits of its own beside tunnels of another", () => {
    const site = (addresses: string, port: number, fleet: string, [vrrp, third]: readonly string[]): string =>
      `netgen: 1\nname: pair\n${fleet}wireguard: {addresses: [${addresses}], listenPort: ${port}}\n` +
      `sites: {rack: {lan: [192.168.2.0/24], gateways: [alpha, beta], vrrp: {address: ${vrrp}/24}}}\n` +
      `hosts:\n  alpha: {id: 1, site: rack, endpoint: "198.51.100.7:${port}", behindNat: true, lanEndpoint: 192.168.2.3, uplink: eth0, publicKey: "${publicKeys.alpha}"}\n` +
      `  beta: {id: 2, site: rack, endpoint: "198.51.100.7:${port}", behindNat: true, lanEndpoint: 192.168.2.4, uplink: eth0, publicKey: "${publicKeys.alpha}"}\n` +
      `  ${third}: {id: 9, endpoint: 203.0.113.9}\n`;
    expect(
      said(
        site("10.240.0.0/24", 51822, "fleet: 2\n", ["192.168.2.253", "gate"]),
        site("10.250.0.0/24", 51820, "", ["192.168.2.254", "phone"]),
      ),
    ).toEqual(
      ["alpha", "beta"].map(
        (host) =>
          `fleet-conflict: ${host} cannot have an address by VRRP beside one in first.yaml: keepalived has one configuration`,
      ),
    );
    const exits = `exits: [{host: alpha, snat: true}]\n${HOSTS.replace("198.51.100.2", "198.51.100.2, exits: [alpha]")}`;
    const why = "all that the host sends would leave by the exits, what those tunnels are made of too";
    expect(said(SECOND + exits, FIRST + HOSTS)).toEqual([
      `fleet-conflict: beta cannot have exits of its own beside tunnels in first.yaml: ${why}`,
    ]);
    expect(said(SECOND + HOSTS, FIRST + exits)).toEqual([
      `fleet-conflict: beta cannot have tunnels beside exits of its own in first.yaml: ${why}`,
    ]);
    expect(said(SECOND + exits, FIRST + exits)).toEqual([
      `fleet-conflict: beta cannot have exits of its own beside tunnels in first.yaml: ${why}`,
    ]);
  });

  test("a VRF has no table that the other fleet cuts packets up by", () => {
    const cutting = `${SECOND}vxlanPort: 14789\n${HOSTS}subnets: {s: {vxlan: {vni: 100}, hosts: all, mtu: 1500, fragment: true}}\n`;
    const vrf = (table: number): string =>
      `bgp: {asn: 65000}\nvrfs: {red: {vni: 6000, table: ${table}}}\n` +
      "subnets: {t: {cidr: 10.71.0.0/24, hosts: [alpha], vrf: red}}\n";
    expect(said(cutting, FIRST + HOSTS + vrf(232))).toEqual([
      "fleet-table-taken: on alpha the routing table 232 is that of segments that are cut up, and in first.yaml that of the VRF red",
    ]);
    expect(said(cutting, FIRST + HOSTS + vrf(233))).toEqual([]);
  });

  test("a bridge with VLANs that is there already may be in both, a VLAN of it in one", () => {
    const on = (vni: number, vlan: number, existing = true): string =>
      `subnets: {s${vni}: {vxlan: {vni: ${vni}}, hosts: [alpha], vlan: ${vlan}, bridge: {name: vmbr0, existing: ${existing}}}}\n`;
    const first = FIRST + HOSTS + on(100, 10);
    const second = `${SECOND}vxlanPort: 14789\n${HOSTS}`;
    expect(said(second + on(200, 11), first)).toEqual([]);
    expect(said(second + on(200, 10), first)).toEqual([
      'fleet-interface-taken: on alpha the interface "vmbr0.10" is the VLAN of s200, and in first.yaml the VLAN of s100',
    ]);
    expect(said(second + on(200, 11, false), first)).toEqual([
      'fleet-interface-taken: on alpha the interface "vmbr0" is a bridge with VLANs, and in first.yaml a bridge with VLANs',
    ]);
  });

  test("a host has one kubelet", () => {
    const nodes = HOSTS.replace(
      "198.51.100.1",
      "198.51.100.1, kubernetes: {cni: cilium, distribution: k3s, role: server}",
    );
    expect(said(SECOND + nodes, FIRST + nodes)).toEqual([
      "fleet-conflict: alpha cannot have kubernetes beside kubernetes in first.yaml: it has one K3s or kubelet",
    ]);
    expect(said(SECOND + nodes, FIRST + HOSTS)).toEqual([]);
    expect(said(SECOND + HOSTS, FIRST + nodes)).toEqual([]);
  });

  test("no bridge that is called as Docker's are, where Docker's may enter the other fleet", () => {
    const docker = HOSTS.replace("198.51.100.1", "198.51.100.1, docker: true");
    const subnet = (rest: string): string => `subnets: {vms: {cidr: 10.71.0.0/24, hosts: [alpha]${rest}}}\n`;
    const why =
      "bridges whose names begin as Docker's own do may enter the other fleet: give them other names (bridge: lan-vms)";
    expect(said(SECOND + docker, FIRST + HOSTS + subnet(""))).toEqual([
      `fleet-conflict: alpha cannot have "docker: true" beside a bridge br-… in first.yaml: ${why}`,
    ]);
    expect(said(SECOND + HOSTS + subnet(""), FIRST + docker)).toEqual([
      `fleet-conflict: alpha cannot have a bridge br-… beside "docker: true" in first.yaml: ${why}`,
    ]);
    expect(said(SECOND + docker, FIRST + HOSTS + subnet(", bridge: lan-vms"))).toEqual([]);
  });

  test("a LAN that a host is on itself is no matter of fleets", () => {
    const lan = (head: string): string =>
      `${head}sites: {rack: {lan: [192.168.2.0/24], gateways: [alpha]}}\n` +
      "hosts:\n  alpha: {id: 1, site: rack, endpoint: 198.51.100.1, lanEndpoint: 192.168.2.3, uplink: eth0}\n" +
      "  gate: {id: 5, site: rack, wireguard: false, lanEndpoint: 192.168.2.9}\n";
    expect(said(`${lan(SECOND)}  beta: {id: 2, endpoint: 198.51.100.2}\n`, lan(FIRST))).toEqual([]);
    // Who is elsewhere would have two ways there.
    const beta = "  beta: {id: 2, endpoint: 198.51.100.2}\n";
    expect(said(lan(SECOND) + beta, lan(FIRST) + beta)).toEqual([
      expect.stringMatching(
        /^fleet-prefix-overlap: 192\.168\.2\.\S+ \(the LAN of rack\) overlaps .* beta is a host of both$/,
      ),
    ]);
  });

  test("both places are told, each in its file, by programs as well", () => {
    const text = SECOND + HOSTS;
    const { diagnostics } = together(text, SECOND + HOSTS.replace("198.51.100.2", "198.51.100.3"));
    const [line = ""] = renderJson({ name: "second.yaml", text }, diagnostics).split("\n");
    expect(JSON.parse(line)).toMatchObject({
      file: "second.yaml",
      line: 3,
      related: [{ file: "first.yaml", line: 3 }],
    });
  });
});

describe("keys", () => {
  const text = SECOND.replace("51822", "51822, presharedKeys: true") + HOSTS.replace("198.51.100.2", "b.example.net");
  const network = () => must(compile({ name: "t.yaml", text }, { publicKeys }).model, "it compiles");
  const places = { build: "netgen build", output: "out", exportOptions: "", key: "new", previous: "old" };

  test("preshared ones lie in a directory of the fleet's", () => {
    expect(renderPresharedRollout(network(), ["alpha", "beta"], places)).toContain(
      "put alpha /etc/wireguard/psk2/beta.psk 600 < new",
    );
  });

  test("a new pair goes to the fleet's files", () => {
    const script = renderKeyRollout(network(), { host: "beta", publicKey: testPublicKey("beta") }, places);
    expect(script).toContain("/etc/netgen2/wg2-0.endpoints");
    expect(script).toContain("/etc/wireguard/wg2-0.key");
  });
});
