/** What nodes of Kubernetes are told, in the hands of the kernel, nft and CNI's bridge plugin; no Kubernetes runs here. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { forNow } from "../proofs.ts";
import { NAMESPACE, ROOT, setUpEngines } from "./container-engines.ts";
import { allGoldenTrees } from "./golden-trees.ts";
import { type Box, openBox } from "./netns.ts";
import { trixieTree } from "./trixie-tree.ts";

const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});

const trees = allGoldenTrees();

async function open(host: string) {
  const tree = must(
    trees.find(({ name }) => name === host),
    "the fixture has the host",
  ).directory;
  const box = await openBox(tree);
  boxes.push(box);
  return { box, read: (path: string): string => readFileSync(`${tree}/${path}`, "utf8") };
}

type Node = Awaited<ReturnType<typeof open>>;

interface NetConf {
  readonly EnableIPv4: boolean;
  readonly Backend: { readonly Type: string; readonly Port: number; readonly MTU: number };
}

const netConf = ({ read }: Node): NetConf => JSON.parse(read("etc/netgen/kubernetes/net-conf.json"));
const lineOf = (text: string, key: string): string =>
  must(new RegExp(`^${key} = (.+)$`, "m").exec(text)?.[1], `there is a line of ${key}`);

/** wg0 of two nodes with the addresses and the MTU of their files; a cable in a tunnel's place, as the path counts here and no cipher. */
function joinTunnels(one: Node, other: Node): readonly (readonly string[])[] {
  one.box.cable("wg0", other.box, "wg0");
  return [one, other].map(({ box, read }) => {
    const conf = read("etc/wireguard/wg0.conf");
    const addresses = lineOf(conf, "Address").split(", ");
    box.run("ip", "link", "set", "wg0", "mtu", lineOf(conf, "MTU"));
    for (const address of addresses) box.run("ip", "address", "add", address, "dev", "wg0", "nodad");
    return addresses.map((address) => address.split("/")[0] ?? "");
  });
}

/** As flannel's vxlan backend makes its device, routes, neighbours and entries (pkg/backend/vxlan). */
function makeFlannel(node: Node, conf: NetConf, [own, theirs]: readonly string[], [id, peer]: readonly number[]): void {
  const { Backend, EnableIPv4 } = conf;
  const device = EnableIPv4 ? "flannel.1" : "flannel-v6.1";
  const subnet = (of = 0): string => (EnableIPv4 ? `10.42.${of}.0` : `fd00:42:0:${of}::`);
  const [bits, length] = EnableIPv4 ? [32, 24] : [128, 64];
  const mac = (of = 0): string => `02:00:00:00:00:0${of}`;
  node.box.shell(`
ip link add ${device} mtu ${Backend.MTU - 50} address ${mac(id)} type vxlan id 1 local ${own} dev wg0 dstport ${Backend.Port} nolearning
ip address add ${subnet(id)}/${bits} dev ${device} ${EnableIPv4 ? "" : "nodad"}
ip link set ${device} up
ip neighbour add ${subnet(peer)} lladdr ${mac(peer)} dev ${device} nud permanent
bridge fdb add ${mac(peer)} dev ${device} dst ${theirs}
ip route add ${subnet(peer)}/${length} via ${subnet(peer)} dev ${device} onlink
`);
}

const isForEachChange = ({ fixture }: { readonly fixture: string }): boolean => fixture === "kubernetes";

const FLANNELS = [
  { fixture: "kubernetes", hosts: ["worker1", "gpu1"], to: "10.42.2.0", header: 28 },
  { fixture: "kubernetes-ipv6", hosts: ["alpha", "beta"], to: "fd00:42:0:2::", header: 48 },
];

describe("flannel's device, made with the MTU that it is told", () => {
  test.each(forNow(FLANNELS, isForEachChange, "fleets whose nodes have flannel's device"))(
    "carries its full size through the tunnel in one piece, and not a byte more: $fixture",
    async (each) => {
      const [one, other] = await Promise.all(each.hosts.map((host) => open(`${each.fixture}/${host}`)));
      if (one === undefined || other === undefined) throw new Error("two were opened");
      const [[own = ""] = [], [theirs = ""] = []] = joinTunnels(one, other);
      // With kubeadm one file is all nodes'.
      const conf = netConf(one);
      makeFlannel(one, conf, [own, theirs], [1, 2]);
      makeFlannel(other, conf, [theirs, own], [2, 1]);
      const mtu = conf.Backend.MTU - 50;
      const ping = (bytes: number) => one.box.tryRun("ping", "-c1", "-w2", "-Mdo", `-s${bytes - each.header}`, each.to);
      const readLink = (what: string): number => Number(one.box.run("cat", `/sys/class/net/wg0/${what}`));
      const pieces = (): number => {
        const before = readLink("statistics/tx_packets");
        ping(mtu);
        return readLink("statistics/tx_packets") - before;
      };
      expect(ping(mtu)).toMatchObject({ status: 0 });
      // The fewest of three: WireGuard may have something to say of its own meanwhile.
      expect(Math.min(pieces(), pieces(), pieces())).toBe(1);
      expect(ping(mtu + 1).output).toMatch(new RegExp(`mtu[=:] ?${mtu}$`, "m"));
      // It is the most: with one byte less in the tunnel its packet is cut, or lost.
      one.box.run("ip", "link", "set", "wg0", "mtu", String(readLink("mtu") - 1));
      expect(pieces()).not.toBe(1);
    },
  );
});

/** VXLAN (RFC 7348 §5) to a node from an address, by UDP. */
const SEND = `
import socket, sys
own, to, port = sys.argv[1:]
s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((own, 0)); s.sendto(bytes.fromhex("0800000000000100" + "00" * 60), (to, int(port)))
`;

const GUARDED = [
  { fixture: "kubernetes", hosts: ["worker1", "gpu1"], port: 8472 },
  { fixture: "kubernetes-cilium", hosts: ["alpha", "beta"], port: 8472 },
  { fixture: "kubernetes-calico", hosts: ["alpha", "beta"], port: 4789 },
  { fixture: "kubernetes-ipv6", hosts: ["alpha", "beta"], port: 8472 },
];

describe("the guard", () => {
  test.each(forNow(GUARDED, isForEachChange, "fleets whose nodes are sent VXLAN by others"))(
    "takes the CNI's VXLAN from a node by the tunnel, and from nobody beside it: $fixture",
    async ({ fixture, hosts, port }) => {
      const [one, other] = await Promise.all(hosts.map((host) => open(`${fixture}/${host}`)));
      if (one === undefined || other === undefined) throw new Error("two were opened");
      const [to = [], from = []] = joinTunnels(one, other);
      one.box.cable("eth0", other.box, "eth0");
      one.box.shell("ip address add 192.0.2.1/24 dev eth0; ip address add 2001:db8::1/64 dev eth0 nodad");
      other.box.shell(`ip address add 192.0.2.2/24 dev eth0; ip address add 2001:db8::2/64 dev eth0 nodad
for each in 10.250.9.9 fd00:250::9:9; do ip address add $each dev wg0 $(case $each in *:*) echo nodad;; esac); done`);
      one.box.shell("ip route add 10.250.9.9 dev wg0; ip -6 route add fd00:250::9:9 dev wg0");
      one.box.run("nft", "-f", "/etc/netgen/netgen.nft");
      one.box.shell(`nft -f - <<'.'
table inet seen { chain in { type filter hook input priority 100; udp dport ${port} counter; }; }
.`);
      const counted = (): number =>
        Number(/packets (\d+)/.exec(one.box.run("nft", "list", "chain", "inet", "seen", "in"))?.[1]);
      const passes = (source: string, target: string): boolean => {
        const before = counted();
        other.box.run("python3", "-c", SEND, source, target, String(port));
        return counted() > before;
      };
      for (const [index, target] of to.entries()) {
        const isIpv6 = target.includes(":");
        expect(passes(from[index] ?? "", target), target).toBe(true);
        expect(
          passes(isIpv6 ? "fd00:250::9:9" : "10.250.9.9", target),
          "an address of the tunnel that is no node's",
        ).toBe(false);
        expect(passes(isIpv6 ? "2001:db8::2" : "192.0.2.2", isIpv6 ? "2001:db8::1" : "192.0.2.1"), "beside it").toBe(
          false,
        );
      }
    },
  );
});

test("a pod reaches other nodes by their own addresses, and nobody beside it who poses as one", async () => {
  const [one, other, pod] = await Promise.all(["worker1", "gpu1", "worker2"].map((host) => open(`kubernetes/${host}`)));
  if (one === undefined || other === undefined || pod === undefined) throw new Error("three were opened");
  const [[own = ""] = [], [theirs = ""] = []] = joinTunnels(one, other);
  one.box.cable("cni0", pod.box, "eth0");
  one.box.cable("eth0", other.box, "eth0");
  one.box.shell(`ip address add 10.42.1.1/24 dev cni0; ip address add 192.0.2.1/24 dev eth0
sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0`);
  pod.box.shell("ip address add 10.42.1.5/24 dev eth0; ip route add default via 10.42.1.1");
  // flannel has pods leave with their node's address; here the way back is written.
  other.box.shell(`ip route add 10.42.1.0/24 via ${own} dev wg0
ip address add 192.0.2.2/24 dev eth0; ip address add 10.42.1.9/32 dev lo
ip rule add from 10.42.1.9 table 9; ip route add default via 192.0.2.1 dev eth0 table 9`);
  one.box.run("nft", "-f", "/etc/netgen/netgen.nft");
  const reaches = (): boolean => pod.box.tryRun("ping", "-c1", "-w5", theirs).status === 0;
  expect(reaches()).toBe(true);
  const dropped = (): number =>
    [...one.box.run("nft", "list", "chain", "inet", "netgen", "entrance").matchAll(/packets (\d+)/g)].reduce(
      (sum, [, packets]) => sum + Number(packets),
      0,
    );
  expect(dropped()).toBe(0);
  // By the uplink, to a host of the overlay and as a pod.
  other.box.run("python3", "-c", SEND, "10.42.1.9", "10.250.0.1", "9");
  // It asks for the node's MAC first.
  await expect.poll(dropped, { timeout: 20_000 }).toBe(1);
});

const root = trixieTree() ?? "";

test.runIf(root !== "")(
  "CNI's bridge plugin, called as flannel's delegates to it, gives a pod the MTU of flannel's device",
  async () => {
    const node = await open("kubernetes/worker1");
    node.box.shell(setUpEngines(root));
    const mtu = netConf(node).Backend.MTU - 50;
    const pid = node.box.shell(NAMESPACE).trim();
    const asked = `CNI_COMMAND=ADD CNI_CONTAINERID=pod CNI_NETNS=/proc/${pid}/ns/net CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni`;
    const conf = {
      cniVersion: "1.0.0",
      name: "cbr0",
      type: "bridge",
      mtu,
      isGateway: true,
      ipMasq: false,
      ipam: { type: "host-local", subnet: "10.42.1.0/24", routes: [{ dst: "10.42.0.0/16" }] },
    };
    node.box.shell(`echo '${JSON.stringify(conf)}' | chroot ${ROOT} env ${asked} /usr/lib/cni/bridge`);
    expect(node.box.run("nsenter", "-t", pid, "-n", "ip", "link", "show", "eth0")).toContain(`mtu ${mtu} `);
  },
);
