/** Source NAT behind the bridges that Proxmox's firewall puts in front of a guest, with the kernel's own bridge filter. */
import { existsSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { emitNftables } from "../../src/emit/nftables.ts";
import { openBox } from "./netns.ts";
import { aHost, aNetwork, emitted, isEquipped, prefix, scratch } from "./nft-helpers.ts";

const { write, remove } = scratch();
afterAll(remove);

const router = aHost("alpha", {
  platform: "proxmox8",
  uplink: "eth0",
  forwards: { ipv4: true, ipv6: false },
  snat: [{ prefix: prefix("10.1.1.0/24"), to: undefined, uplink: "eth0" }],
});
const ruleset = emitted(emitNftables, aNetwork([router])).get("etc/netgen/netgen.nft") ?? "";

// guest -- tap, fwbr101i0, fwln -- fwpr, vmbr0 -- routed -- eth0, as pve-firewall lays them out.
const BRIDGES = `
ip link add fwbr101i0 type bridge; ip link add vmbr0 type bridge
ip link add fwln101i0 type veth peer name fwpr101p0
ip link set tap101i0 master fwbr101i0; ip link set fwln101i0 master fwbr101i0; ip link set fwpr101p0 master vmbr0
for link in fwbr101i0 vmbr0 fwln101i0 fwpr101p0; do ip link set $link up; done
ip address add 10.1.1.1/24 dev vmbr0; ip address add 198.51.100.1/24 dev eth0
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
# The firewall's own bridge is nobody's gateway: it does not answer for the host's address on the other one.
echo 1 > /proc/sys/net/ipv4/conf/fwbr101i0/arp_ignore
`;

async function lossBehind(rules: string): Promise<string> {
  const boxes = await Promise.all([openBox(), openBox(), openBox()]);
  const [host, guest, outside] = boxes;
  try {
    host.cable("tap101i0", guest, "eth0");
    host.cable("eth0", outside, "eth0");
    host.shell(BRIDGES);
    guest.shell("ip address add 10.1.1.7/24 dev eth0; ip route add default via 10.1.1.1");
    // No way back to the guest: only what is masqueraded is answered.
    outside.shell("ip address add 198.51.100.2/24 dev eth0");
    host.run("nft", "-f", write("zone.nft", rules));
    const { output } = guest.tryRun("ping", "-c", "3", "-i", "0.2", "-W", "2", "198.51.100.2");
    return / ([\d.]+)% packet loss/.exec(output)?.[1] ?? output;
  } finally {
    for (const box of boxes) box.close();
  }
}

describe.runIf(isEquipped("nft", "unshare") && existsSync("/proc/sys/net/bridge"))("source NAT on Proxmox", () => {
  test("works behind the firewall's bridges", async () => {
    expect(await lossBehind(ruleset)).toBe("0");
  });

  test("does not without the zone of its own", async () => {
    expect(ruleset).toMatch(/ct zone set 1\n/);
    expect(await lossBehind(ruleset.replace(/.*ct zone set 1\n/, ""))).toBe("100");
  });
});
