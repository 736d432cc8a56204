/** Hosts in a fabric that stands: another's node, with route targets of its own, as Proxmox configures FRR and ifupdown2. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { contentOf } from "../../src/emit/file.ts";
import { compileText } from "../compile-text.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { FLOOD, openMesh, remoteVteps, startFrr, vtysh } from "./frr-box.ts";
import { type Box, openBox, until } from "./netns.ts";
import { link } from "./networkd-box.ts";
import { isEquipped, isKindMade } from "./nft-helpers.ts";

const isReady = isEquipped("vtysh", "/usr/lib/frr/frrinit.sh", "ip", "bridge", "ping", "unshare", "nsenter");
const hasVrfs = isKindMade("vrf");
if (!hasVrfs) console.warn("SKIPPED: this kernel has no VRF, so no type-5 route is exchanged with a fabric");

const scratch = mkdtempSync(join(tmpdir(), "netgen-fabric-"));
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const FIXTURE = sourceOf(
  must(
    listFixtures().find(({ name }) => name === "fabric"),
    "it is there",
  ),
).text;

/** A session with the node, on each host. */
const SESSION =
  'extra: {frr: {bgp: ["neighbor 10.250.0.9 remote-as 64512"], evpn: ["neighbor 10.250.0.9 activate"]}}, ';

/** The fixture with sessions, all of it for this machine's programs. */
const TOPOLOGY = FIXTURE.replace(/^(?:#|netgen:|name:).*\n/gm, "")
  .replace(/^ {4}platform: .*\n/gm, "")
  .replace(/^hostDefaults: \{/m, `$&${SESSION}`);

/** Without VRFs gateways of several hosts are for the segment alone. */
const forThisKernel = (text: string): string =>
  hasVrfs
    ? text
    : text
        .replace(/^vrfs:\n(?: .*\n)+/m, "")
        .replace(/, vrf: tenant/g, "")
        .replace(/vrf: tenant/g, "isolated: true");

function treesOf(text: string, ...hosts: readonly string[]): readonly string[] {
  const { files, diagnostics } = compileText(text);
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const tree = mkdtempSync(join(scratch, "tree-"));
  for (const file of files) {
    mkdirSync(dirname(join(tree, file.path)), { recursive: true });
    writeFileSync(join(tree, file.path), contentOf(file), { mode: file.mode });
  }
  return hosts.map((host) => join(tree, host));
}

const VRF_OF_NODE = `vrf vrf_zone
 vni 200
exit-vrf
!
router bgp 64512 vrf vrf_zone
 bgp router-id 10.250.0.9
 !
 address-family ipv4 unicast
  redistribute connected
 exit-address-family
 !
 address-family l2vpn evpn
  advertise ipv4 unicast
  route-target import 65000:9200
  route-target export 64512:200
 exit-address-family
exit
`;

const NODE = `frr defaults datacenter
hostname node
service integrated-vtysh-config
ip forwarding
!
router bgp 64512
 bgp router-id 10.250.0.9
 no bgp hard-administrative-reset
 no bgp default ipv4-unicast
 coalesce-time 1000
 no bgp graceful-restart notification
 neighbor VTEP peer-group
 neighbor VTEP remote-as 65000
 neighbor 10.250.0.1 peer-group VTEP
 neighbor 10.250.0.2 peer-group VTEP
 !
 address-family l2vpn evpn
  neighbor VTEP activate
  advertise-all-vni
  vni 100
   route-target import 65000:9100
   route-target export 64512:100
  exit-vni
 exit-address-family
exit
${hasVrfs ? VRF_OF_NODE : ""}`;

const L2 = `
ip link add br100 address 00:00:5e:00:53:01 type bridge; ip link add vx100 type vxlan id 100 dstport 8472 local 10.250.0.9 nolearning
ip link set vx100 master br100 mtu 1390; bridge link set dev vx100 learning off neigh_suppress on`;
const L3 = `
ip link add vrf_zone type vrf table 1001; ip link set vrf_zone up; ip link set br100 master vrf_zone
ip link add br200 type bridge; ip link add vx200 type vxlan id 200 dstport 8472 local 10.250.0.9 nolearning
ip link set vx200 master br200 mtu 1390; bridge link set dev vx200 learning off; ip link set br200 master vrf_zone
ip link add br110 master vrf_zone type bridge; ip address add 10.90.0.1/24 dev br110
ip link set vx200 up; ip link set br200 addrgenmode none up; ip link set br110 up`;

/** The node's links, as ifupdown2 makes those of a zone. */
async function openNode(middle: Box): Promise<Box> {
  const tree = mkdtempSync(join(scratch, "node-"));
  mkdirSync(join(tree, "etc/frr"), { recursive: true });
  writeFileSync(join(tree, "etc/frr/frr.conf"), NODE);
  writeFileSync(join(tree, "etc/frr/daemons"), "bgpd=yes\nvtysh_enable=yes\n");
  const node = await openBox(tree);
  boxes.push(node);
  node.cable("wg0", middle, "node");
  middle.run("ip", "link", "set", "node", "master", "br0");
  node.shell("ip link set wg0 mtu 1440; ip address add 10.250.0.9/24 dev wg0");
  node.shell(`${L2}${hasVrfs ? L3 : ""}
    ip address add 10.77.0.1/24 dev br100; ip link set vx100 up; ip link set br100 up`);
  return node;
}

/** A guest on a bridge. */
async function openGuest(host: Box, bridge: string, address: string): Promise<Box> {
  const guest = await openBox();
  boxes.push(guest);
  const name = `tap${boxes.length}`;
  host.cable(name, guest, "eth0");
  host.run("ip", "link", "set", name, "mtu", "1390", "master", bridge);
  guest.shell(`ip link set eth0 mtu 1390; ip address add ${address}/24 dev eth0
    ip route add default via ${address.replace(/\d+$/, "1")}`);
  return guest;
}

const answers = (guest: Box, address: string): boolean => guest.tryRun("ping", "-c1", "-W1", address).status === 0;

/** Two compiled hosts and the node, all of them with FRR. */
async function openFabric(text: string) {
  const mesh = await openMesh(treesOf(forThisKernel(text), "alpha", "beta"));
  boxes.push(...mesh.boxes);
  const [alpha, beta] = mesh.hosts.map(({ box }) => box) as [Box, Box];
  const node = await openNode(must(mesh.boxes[0], "the middle is first"));
  for (const box of [alpha, beta, node]) startFrr(box);
  return { alpha, beta, node };
}

const state = (box: Box): string => vtysh(box, "show bgp l2vpn evpn") + vtysh(box, "show evpn vni detail");

describe.runIf(isReady)("part of a fabric", () => {
  test("routes of types 2, 3 and, in a VRF, 5 go both ways, and guests reach each other by them", async () => {
    const { alpha, beta, node } = await openFabric(TOPOLOGY);
    const floods = (box: Box): string => remoteVteps(box, "vx100", FLOOD).join();
    await until(
      () =>
        floods(alpha) === "10.250.0.2,10.250.0.9" &&
        floods(beta) === "10.250.0.1,10.250.0.9" &&
        floods(node) === "10.250.0.1,10.250.0.2",
      () => state(alpha) + state(node),
    );

    const mine = await openGuest(alpha, "br100", "10.77.0.11");
    const theirs = await openGuest(node, "br100", "10.77.0.91");
    await until(
      () => answers(mine, "10.77.0.91") && answers(theirs, "10.77.0.11"),
      () => state(alpha),
    );
    const knows = (box: Box, guest: Box, vtep: string): boolean =>
      remoteVteps(box, "vx100", link(guest, "eth0").address).join() === vtep;
    await until(
      () => knows(alpha, theirs, "10.250.0.9") && knows(node, mine, "10.250.0.1"),
      () => state(alpha) + state(node),
    );
    // One gateway to both: a guest that moves keeps it.
    const gatewayOf = (guest: Box): string => {
      expect(answers(guest, "10.77.0.1")).toBe(true);
      return guest.run("ip", "neigh", "show", "10.77.0.1");
    };
    expect(gatewayOf(mine)).toContain("00:00:5e:00:53:01");
    expect(gatewayOf(theirs)).toContain("00:00:5e:00:53:01");

    if (!hasVrfs) return;
    const behindAlpha = await openGuest(alpha, "br101", "10.78.0.11");
    const behindNode = await openGuest(node, "br110", "10.90.0.91");
    await until(
      () => answers(behindAlpha, "10.90.0.91") && answers(behindNode, "10.78.0.11"),
      () => alpha.run("ip", "route", "show", "vrf", "tenant") + node.run("ip", "route", "show", "vrf", "vrf_zone"),
    );
    expect(alpha.run("ip", "route", "show", "table", "7200")).toMatch(
      /^10\.90\.0\.0\/24 .*via 10\.250\.0\.9 dev br200/m,
    );
  }, 180_000);

  test("without the targets neither takes in what the other says", async () => {
    const { alpha, beta, node } = await openFabric(TOPOLOGY.replace(/, routeTargets: \{[^}]*\}/g, ""));
    // Their own arrive, and the node's have come as well.
    await until(
      () => remoteVteps(alpha, "vx100", FLOOD).includes("10.250.0.2") && state(alpha).includes("RT:64512:100"),
      () => state(alpha),
    );
    // What is derived takes in any AS's, and what they say themselves the node does not take.
    expect(remoteVteps(beta, "vx100", FLOOD)).toContain("10.250.0.1");
    expect(remoteVteps(node, "vx100", FLOOD)).toEqual([]);
  }, 180_000);
});
