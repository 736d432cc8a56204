/** Hosts whose segments Proxmox's SDN makes: what is refused of them, what the model calls their devices, what netgen writes. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { findObstacles, thisMachine } from "../src/lab/machine/needs.ts";
import { compileText, messagesOf } from "./compile-text.ts";
import { sourceOf } from "./fixtures.ts";
import { allScenarios } from "./proofs.ts";

const ZONE = "gateway: 10.77.0.1, vrf: prod";

interface Parts {
  readonly top?: string;
  readonly alpha?: string;
  readonly vrf?: string;
  readonly subnet?: string;
  readonly more?: string;
}

/** Two nodes of one cluster, with a network of a zone. */
const topology = ({ top = "", alpha = "", vrf = "", subnet = ZONE, more = "" }: Parts): string => `${top}
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
sites: {one: {}}
hostDefaults: {platform: proxmox9, proxmox: sdn, site: one, uplink: vmbr0}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, ${alpha}}
  beta: {id: 2, endpoint: 192.0.2.2}
vrfs: {prod: {vni: 5000, ${vrf}}, other: {vni: 5001}}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all, ${subnet}}
${more}
`;

/** The keys that Proxmox's SDN has no counterpart of, and what does not go with it at all. */
const refused = (parts: Parts): readonly string[] =>
  compileText(topology(parts))
    .diagnostics.filter(({ code }) => code === "sdn-key-conflict" || code === "sdn-unfit")
    .map(({ message }) => / has "(\w+)", and/.exec(message)?.[1] ?? message);

test("a zone with a network, and exits that hide guests, is taken", () => {
  const exits = "exits: [{host: alpha, snat: true}, {host: beta, snat: true, interface: vmbr0}]";
  expect(messagesOf(topology({ vrf: exits }))).toEqual([]);
});

describe.each<[string, Parts]>([
  ["hosts", { more: "  routed: {cidr: 10.78.0.0/24, hosts: [alpha], gateway: 10.78.0.1}" }],
  ["vlan", { subnet: `${ZONE}, vlan: 7` }],
  ["ports", { subnet: `${ZONE}, ports: {alpha: [eth1]}` }],
  ["bridge", { subnet: "bridge: {name: vmbr1, existing: true}" }],
  ["tagged", { subnet: `${ZONE}, tagged: true` }],
  ["fragment", { subnet: "mtu: 1500, fragment: true" }],
  ["container", { subnet: "container: cni" }],
  ["dhcp", { subnet: `gateway: {alpha: 10.77.0.1}, dhcp: {}` }],
  ["gatewayMac", { subnet: `${ZONE}, gatewayMac: "02:00:00:00:00:01"` }],
  ["gateway", { subnet: "vrf: prod, gateway: {alpha: 10.77.0.1}" }],
  ["gateway", { subnet: "gateway: 10.77.0.1" }],
  ["mtu", { subnet: `${ZONE}, mtu: 1300` }],
  ["table", { vrf: "table: 77" }],
  ["routeTargets", { vrf: 'routeTargets: {import: ["65000:7"]}' }],
  ["imports", { vrf: "imports: [other]" }],
  ["exitOrder", { vrf: "exits: [{host: alpha}, {host: beta}], exitOrder: strict" }],
  ["probe", { vrf: "exits: [{host: alpha, probe: 9.9.9.9}]" }],
  ["interface", { vrf: "exits: [{host: alpha, interface: eth7}]" }],
  ["reach", { vrf: "exits: [{host: alpha, reach: [192.168.9.0/24]}]" }],
  ["localRouting", { vrf: "exits: [{host: alpha, localRouting: true}]" }],
  ["snat", { vrf: "exits: [{host: alpha}, {host: beta, snat: true}]" }],
  ["frr", { alpha: "frr: complete" }],
  ["peers", { alpha: "peers: [{address: 192.0.2.9, asn: 65009, accept: [203.0.113.0/24]}]" }],
  ["routes", { alpha: "routes: [{cidr: 10.79.0.0/24, vrf: prod}]" }],
  ["extra", { alpha: "extra: {frr: [timers bgp 3 9]}" }],
  ["extra", { alpha: "extra: {frr: {vrfs: {prod: {bgp: [timers bgp 3 9]}}}}" }],
  ["drained", { alpha: "drained: true" }],
])("%s has no counterpart", (key, parts) => {
  test(JSON.stringify(parts), () => expect(refused(parts)).toContain(key));
});

test.each<[string, Parts]>([
  ["alpha is dialled on a port of its own", { alpha: "listenPort: 51999" }],
  ["a bridge that is somebody else's", { more: "  pods: {cidr: 10.80.0.0/24, hosts: [alpha], interface: external}" }],
  ["a segment in no VRF", { subnet: "" }],
])("%s is none of the SDN's", (_, parts) => expect(refused(parts)).toEqual([]));

test("router advertisements and suppression in a segment that no zone of EVPN has", () => {
  expect(refused({ subnet: "sendRa: true" })).toContain("sendRa");
  const text = topology({ subnet: "" }).replace("vni: 100}", "vni: 100, neighborSuppression: true}");
  expect(messagesOf(text).join()).toContain('guests has "neighborSuppression"');
});

test("what is said of the whole and cannot be", () => {
  expect(refused({ top: "vxlanPort: 4790" })).toEqual([
    `"vxlanPort" and Proxmox's SDN do not go together: not every release has it`,
  ]);
  const reflected = topology({})
    .replace("asn: 65000", "asn: 65000, routeReflectors: [alpha]")
    .replace("one: {}", "one: {asn: 65001}");
  expect(messagesOf(reflected)).toEqual([
    "sdn-unfit: the route reflector alpha and Proxmox's SDN do not go together: a controller of its reflects nothing",
    "sdn-unfit: an AS of one and Proxmox's SDN do not go together: all of its controllers have one",
  ]);
  const ring = topology({ subnet: "" }).replace(
    "/24]}",
    "/24], transit: [10.249.0.0/24], shape: links, links: [[alpha, beta], [beta, gamma], [alpha, gamma]]}",
  );
  const three = ring.replace("vrfs:", "  gamma: {id: 3, endpoint: 192.0.2.3}\nvrfs:");
  expect(messagesOf(three)).toContain(
    "sdn-unfit: links that form a ring and Proxmox's SDN do not go together: only BGP of netgen's own chooses",
  );
});

test("an exit that cannot be read is no member of its VRF", () => {
  const text = topology({ vrf: "exits: [{host: beta}]" }).replace("beta: {id: 2, endpoint", "beta: {id: 2, endpiont");
  expect(messagesOf(text).filter((each) => !each.startsWith("key-unknown"))).toEqual([]);
});

test.each(["a", "vms-roz", "production", "1st", "vm_bridge"])("%s is no id of Proxmox's", (id) => {
  expect(messagesOf(topology({ subnet: `${ZONE}, bridge: "${id}"` })).join()).toContain(`"${id}" cannot be the vnet`);
});

const fixture = compile(
  sourceOf(
    must(
      allScenarios.find(({ name }) => name === "proxmox-sdn"),
      "the scenario is there",
    ),
  ),
);

test("the model calls devices as the SDN does, and a zone has one MAC for its gateways", () => {
  const roz = must(
    fixture.model?.hosts.find(({ name }) => name === "pve-roz"),
    "it is a host",
  );
  expect(roz.vxlans.map(({ name, bridge, mtu }) => `${name} ${bridge} ${mtu}`)).toEqual([
    "vxlan_vroz vroz 1362",
    "vxlan_vwro vwro 1362",
    "vxlan_flat flat 1362",
  ]);
  expect(roz.vrfs.map(({ bridge, vxlan }) => `${bridge} ${vxlan.name}`)).toEqual(["vrfbr_prod vrfvx_prod"]);
  const macs = roz.bridges.filter(({ vrf }) => vrf === "prod").map(({ macAddress }) => macAddress);
  expect(new Set(macs)).toEqual(new Set(["02:00:13:88:00:00"]));
});

test("netgen writes nothing that the SDN makes, and guards what it does all the same", () => {
  const files = fixture.files.filter(({ path }) => path.startsWith("pve-roz/"));
  expect(files.filter(({ path }) => /frr|\.netdev|20-netgen|\.exit$/.test(path))).toEqual([]);
  const textOf = (end: string): string =>
    files
      .filter(({ path }) => path.endsWith(end))
      .map((file) => new TextDecoder().decode(contentOf(file)))
      .join("");
  const rules = textOf("netgen.nft");
  expect(rules).toContain("udp dport 4789 jump guard");
  // Its controllers watch sessions by BFD whatever the topology says, and its bridges pass spanning trees on.
  expect(rules).toContain("udp dport { 3784, 3785, 4784 } jump guard");
  expect(rules).toContain("ip daddr @pools4 udp dport { 3784, 3785, 4784 } counter drop");
  expect(rules).toMatch(/chain bpdu \{[^}]*"vxlan_flat", "vxlan_vroz", "vxlan_vwro"/);
  expect(rules).toContain('meta sdifname { "vrfbr_prod", "vroz", "vwro" }');
  expect(rules).not.toMatch(/ masquerade$|chain vrfs|chain exits/m);
  expect(textOf("verify.list")).not.toMatch(/vxlan|vroz|bgp/);
  expect(textOf("90-netgen.conf")).toContain("net.ipv4.conf.all.rp_filter = 0");
});

test("a lab says that it has no such SDN", async () => {
  const obstacles = await findObstacles(must(fixture.model, "it compiles"), thisMachine());
  expect(obstacles.join("\n")).toMatch(/pve-roz and pve-wro leave their segments to Proxmox's SDN/);
});
