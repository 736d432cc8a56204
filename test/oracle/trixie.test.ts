/** Every golden tree, read by the programs of Debian 13: systemd-networkd 257, FRR 10.3, nft 1.1.3, keepalived 2.3. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compileText } from "../compile-text.ts";
import { goldenTrees } from "./golden-trees.ts";
import { complaints } from "./networkd-box.ts";
import { type Ended, isKindMade } from "./nft-helpers.ts";
import { trixieTree } from "./trixie-tree.ts";

const root = trixieTree();
const trees = goldenTrees();
const hasVrfs = isKindMade("vrf");
const hasVlans = isKindMade("vlan");

/** Runs shell in the tree, in namespaces of its own, with a host's compiled /etc over its own; $1 is that host's directory. */
const ENTER = `
mount --make-rprivate /; mount --bind "$0" "$0"; mount -t proc proc "$0/proc"; mount -t sysfs -o ro sysfs "$0/sys"
mount --rbind /dev "$0/dev"; mount -t tmpfs -o mode=755 tmpfs "$0/run"; mount -t tmpfs tmpfs "$0/mnt"
mkdir -p "$0/mnt/etc" "$0/run/systemd/netif/links" "$0/run/systemd/netif/leases" "$0/run/systemd/netif/lldp"
chown -R systemd-network: "$0/run/systemd/netif"
cp -r "$1/etc/." "$0/mnt/etc"; chmod -R a+rX "$0/mnt"
for each in network networkd.conf.d; do
  mkdir -p "$0/etc/systemd/$each"
  [ ! -d "$0/mnt/etc/systemd/$each" ] || mount --bind "$0/mnt/etc/systemd/$each" "$0/etc/systemd/$each"
done
ip link set lo up; ip link add wg0 type dummy 2> /dev/null || true
exec chroot "$0" /bin/sh -c "$2"
`;

function inTree(directory: string, command: string): Promise<Ended> {
  const args = ["-n", "-m", "sh", "-euc", ENTER, root ?? "", directory, command];
  return new Promise((resolve) => {
    const child = execFile("unshare", args, { timeout: 60_000 }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, output: stdout + stderr }),
    );
  });
}

const NETWORKD = "/usr/lib/systemd/systemd-networkd";

/** networkd until it has read its files and seen the links, however slow the disk is, and a second to make what they ask for. */
const RUN_NETWORKD = `SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=info ${NETWORKD} 2> /run/log & networkd=$!
  until grep -q "lo: Link UP" /run/log || ! kill -0 $networkd; do sleep 0.1; done
  sleep 1; kill $networkd; wait $networkd; cat /run/log`;

describe.runIf(root)("Debian 13", () => {
  test("the programs are Debian 13's", async () => {
    const { output } = await inTree(
      trees[0]?.directory ?? "",
      `${NETWORKD} --version; nft --version; vtysh --help | head -1`,
    );
    expect(output).toMatch(/systemd 257[\s\S]*nftables v1\.1\.3/);
  });

  test("what networkd does not know is seen", async () => {
    const write = "printf '[Match]\\nName=lo\\n[Network]\\nNoSuchKey=yes\\n' > /run/systemd/network/x.network";
    const { output } = await inTree(
      trees[0]?.directory ?? "",
      `mkdir -p /run/systemd/network; ${write}; ${RUN_NETWORKD}`,
    );
    expect(complaints(output).join()).toContain("Unknown key 'NoSuchKey'");
  });

  test.concurrent.for(trees)("$name: networkd 257 takes every key", async ({ directory }, { expect }) => {
    const { output } = await inTree(directory, RUN_NETWORKD);
    expect(output).toContain("lo: Link UP");
    // A kernel without VRFs or VLANs makes none, whatever their files say.
    const isOfVrfs = /: Failed to (create netdev: Operation not supported|generate persistent MAC address)/;
    const isOfVlans = /: Failed to set bridge VLAN configurations \(step \d\): Operation not supported/;
    const said = complaints(output).filter((line) => hasVrfs || !isOfVrfs.test(line));
    expect(said.filter((line) => hasVlans || !isOfVlans.test(line))).toEqual([]);
  });

  test.concurrent.for(trees)("$name: nft 1.1.3 and vtysh 10.3 take every line", async ({ directory }, { expect }) => {
    for (const ruleset of ["etc/netgen/netgen.nft", "etc/netgen/extra.nft"]) {
      if (!existsSync(join(directory, ruleset))) continue;
      const ended = await inTree(directory, `nft -f /mnt/${ruleset} && nft -f /mnt/${ruleset}`);
      expect(ended).toEqual({ status: 0, output: "" });
    }
    for (const file of ["etc/frr/frr.conf", "etc/netgen/frr.conf.snippet"]) {
      if (!existsSync(join(directory, file))) continue;
      const { status, output } = await inTree(directory, `vtysh -C -f /mnt/${file}`);
      expect([status, output.includes("Unknown command")], output).toEqual([0, false]);
    }
  });

  const KEEPALIVED = "etc/keepalived/keepalived.conf";
  // What it stands on and watches: the LAN's card, tunnels, and the uplink where that is another.
  const CARDS = `file=/mnt/${KEEPALIVED}; mkdir -p /run/etc; mount --bind /mnt/etc/netgen /etc/netgen
    card=$(sed -n 's/^ *interface //p' $file); tunnels=$(sed -n 's/^tunnels=(\\(.*\\))/\\1/p' /etc/netgen/vrrp-check)
    for each in $card $tunnels $(sed -n '/track_interface/{n;p}' $file); do
      ip link add $each type veth peer name far-$each; ip link set $each up; ip link set far-$each up
    done
    ip address add $(sed -n 's/^ *unicast_src_ip //p' $file)/24 dev $card`;
  test.concurrent.for(trees.filter(({ directory }) => existsSync(join(directory, KEEPALIVED))))(
    "$name: keepalived 2.3 takes every line, and alone it takes the address",
    async ({ directory }, { expect }) => {
      const checked = await inTree(directory, `${CARDS}; keepalived -t -f $file`);
      expect(checked).toEqual({ status: 0, output: "" });
      const run = `keepalived -n -l -f $file & kept=$!
        until ip -o address | grep -F " $(sed -n 's/^ *\\(.*\\) dev .*/\\1/p' $file)"; do sleep 0.2; done; kill $kept`;
      const { status, output } = await inTree(directory, `${CARDS}; ${run}`);
      expect(status, output).toBe(0);
      expect(output).toContain("Entering MASTER STATE");
    },
  );
});

/** On a host with routes into a tunnel, by its LAN and unreachable ones, whose owner left the LAN to networkd. */
describe.runIf(root)("our routes outlive a restart of networkd", () => {
  const { directory = "" } = trees.find(({ name }) => name === "vrrp-gateways/inside") ?? {};
  // Its second address comes after networkd has removed what it takes for somebody else's.
  const START = `ip link delete wg0 2> /dev/null
    for name in lan0 wg0; do
      ip link add $name type veth peer name of-$name; ip link set $name up; ip link set of-$name up
    done
    mkdir -p /run/systemd/network
    for line in '[Match]' Name=lan0 '[Network]' IPv6AcceptRA=no Address=192.168.2.1/24 Address=198.51.100.1/32; do
      echo $line >> /run/systemd/network/70-lan0.network
    done
    networkd() {
      ip address delete 198.51.100.1/32 dev lan0 2> /dev/null || true
      /usr/lib/systemd/systemd-networkd 2> /dev/null & networkd=$!
      until ip address show dev lan0 | grep -q 198.51.100.1; do sleep 0.1; done
      kill $networkd; wait $networkd || true
    }`;

  async function aroundRestart(also: string): Promise<readonly string[]> {
    const set = "sed '/^#/d; s/.*/route add & proto 210/' /mnt/etc/netgen/routes | ip -batch -";
    const show = "ip route show proto 210";
    const steps = [START, also, "networkd", set, show, "echo restart", "networkd", show];
    const { output } = await inTree(directory, steps.join("\n"));
    return output.split("restart\n");
  }

  test("by the settings in the tree", async () => {
    const [before = "", after] = await aroundRestart("true");
    expect(before.match(/^unreachable | via 192\.168\.2\.12 | dev wg0 /gm)).toHaveLength(5);
    expect(after).toBe(before);
  });

  test("which without them they do not", async () => {
    const [before = "", after] = await aroundRestart("umount /etc/systemd/networkd.conf.d");
    expect(before).toContain(" via 192.168.2.12 ");
    expect(after).not.toContain(" via 192.168.2.12 ");
  });
});

const FROM_28 = `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, docker: true, programs: {docker: "28.0"}}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets:
  s: {cidr: 10.77.0.0/24, hosts: [alpha], interface: external}
`;

describe.runIf(root)("Docker's chain, in iptables-nft", () => {
  const { directory = "" } = trees.find(({ name }) => name === "platforms/trixie") ?? {};
  const script = (word: string): string => `bash /mnt/etc/netgen/docker-user ${word}`;
  // As Docker leaves it: nothing is forwarded but what it lets through.
  const docker =
    "for each in iptables ip6tables; do $each -N DOCKER-USER; $each -P FORWARD DROP; $each -A FORWARD -j DOCKER-USER; done";
  const inPlace = "mkdir -p /run/etc; mount --bind /mnt/etc/netgen /etc/netgen";
  const after = (...commands: readonly string[]) =>
    inTree(directory, [inPlace, docker, ...commands, "iptables -S; ip6tables -S"].join("; "));

  test("started twice it stands there once, before Docker's own rules, and lets the overlay through", async () => {
    const { status, output } = await after("iptables -A DOCKER-USER -j RETURN", script("start"), script("start"));
    expect(status, output).toBe(0);
    expect(output.match(/^-A DOCKER-USER -j NETGEN$/gm)).toHaveLength(2);
    expect(output).toMatch(/-A DOCKER-USER -j NETGEN\n-A DOCKER-USER -j RETURN/);
    expect(output.match(/^-A NETGEN -i wg0 -o br-apps -j ACCEPT$/gm)).toHaveLength(2);
    expect(output).toContain("-A NETGEN -d 10.81.13.0/24 -i wg0 -j ACCEPT");
    expect(output).toContain("-A NETGEN -d fd80::/64 -i wg0 -j ACCEPT");
    expect(output).not.toMatch(/docker0/);
  });

  test("what the user drops stays dropped, whether Docker ends the chain or not", async () => {
    const drop = "iptables -A DOCKER-USER -s 10.9.9.0/24 -j DROP";
    const { output } = await after(drop, script("start"));
    expect(output).toMatch(/-A DOCKER-USER -s 10\.9\.9\.0\/24 -j DROP\n-A DOCKER-USER -j NETGEN\n/);
    const before = "iptables -N NETGEN; iptables -I DOCKER-USER -j NETGEN";
    const moved = await after(drop, "iptables -A DOCKER-USER -j RETURN", before, script("start"));
    expect(moved.output).toMatch(/-j DROP\n-A DOCKER-USER -j NETGEN\n-A DOCKER-USER -j RETURN\n/);
    expect(moved.output.match(/^-A DOCKER-USER -j NETGEN$/gm)).toHaveLength(2);
  });

  test("what Docker 28 drops before is let past, in front of it", async () => {
    const direct = "iptables -t raw -A PREROUTING -d 10.81.13.7/32 ! -i br-pods -j DROP";
    const text = compileText(FROM_28).files.find(({ path }) => path === "alpha/etc/netgen/docker.rules4");
    const rules = Buffer.concat(must(text, "there are such rules").content).toString("base64");
    const laid = `echo ${rules} | base64 -d > /etc/netgen/docker.rules4`;
    const lists = "iptables -t raw -S";
    const { status, output } = await after(direct, laid, script("start"), script("start"), lists);
    expect(status, output).toBe(0);
    expect(output).toMatch(/-A PREROUTING -j NETGEN\n-A PREROUTING -d 10\.81\.13\.7\/32 ! -i br-pods -j DROP\n/);
    expect(output).toMatch(/-A NETGEN -d 10\.77\.0\.0\/24 -i wg0 -j ACCEPT/);
    const gone = await after(direct, laid, script("start"), script("stop"), lists);
    expect(gone.output).not.toContain("NETGEN");
  });

  test("stopped twice nothing of it is left", async () => {
    const clean = await after();
    expect(await after(script("start"), script("stop"), script("stop"))).toEqual(clean);
  });

  test("without Docker's chain it does nothing, and that is no failure", async () => {
    const { status, output } = await inTree(directory, `${inPlace}; ${script("start")} && iptables -S`);
    expect([status, output.includes("NETGEN")]).toEqual([0, false]);
  });
});
