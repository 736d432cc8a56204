/** The .netdev and .network files in the real systemd-networkd, which ignores what it does not understand. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { emitNetworkd } from "../../src/emit/networkd.ts";
import type { Host } from "../../src/model/host.ts";
import { type GoldenTree, goldenTrees } from "./golden-trees.ts";
import { type Box, openBox, until } from "./netns.ts";
import {
  all,
  askedOf,
  type Booted,
  boot as bootTree,
  compared,
  complaints,
  floodList,
  foreignBridges,
  globalAddresses,
  isKind,
  isManaged,
  isTunnel,
  link,
  settle,
  startNetworkd,
} from "./networkd-box.ts";
import { aBridge, address, aHost, aNetwork, aVxlan, emitted, isEquipped, isKindMade, mtu } from "./nft-helpers.ts";

const isReady = isEquipped("ip", "bridge", "unshare", "nsenter", "/lib/systemd/systemd-networkd");

const scratch = mkdtempSync(join(tmpdir(), "netgen-networkd-"));
const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.close();
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function boot(tree: string, options = {}): Promise<Booted> {
  const booted = await bootTree(tree, options);
  boxes.push(booted.box);
  return booted;
}

/** A tree on disk of what the emitter writes for a host. */
function treeOf(fields: Partial<Host>): string {
  const tree = mkdtempSync(join(scratch, "tree-"));
  for (const [path, text] of emitted(emitNetworkd, aNetwork([aHost("alpha", fields)]))) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  return tree;
}

const gateway = (text: string, lengthBits: number) => ({ address: address(text), lengthBits });

const trees = goldenTrees().filter(({ directory }) => existsSync(join(directory, "etc/systemd/network")));
const hasVrfs = isKindMade("vrf");
const hasVlans = isKindMade("vlan");

function isMadeHere({ directory }: GoldenTree): boolean {
  const asked = askedOf(directory);
  return (hasVrfs || !asked.some(isKind("vrf"))) && (hasVlans || !asked.some(isKind("vlan")));
}

/** Without what only later versions know, in trees for these alone; the oracle of Debian 13 holds these trees to that. */
const refused = (log: string): readonly string[] =>
  complaints(log)
    .filter((line) => !line.includes("Unknown key 'ManageForeignNextHops'"))
    // A kernel without VLANs sets none, whatever the files say.
    .filter((line) => hasVlans || !line.includes("Failed to set bridge VLAN configurations: Operation not supported"));

test("there are golden trees", () => {
  expect(trees.filter(isMadeHere).length).toBeGreaterThan(0);
});

describe.runIf(isReady)("golden trees in networkd", () => {
  test.concurrent.for(trees.filter(isMadeHere))("$name", async ({ directory }, { expect, onTestFinished }) => {
    const { box, asked, networkd } = await bootTree(directory);
    onTestFinished(box.close);
    expect(refused(networkd.log())).toEqual([]);

    // Every link is what its files say.
    for (const each of asked.filter(isManaged)) {
      const { actual, asked: wanted } = compared(box, each);
      expect(actual, each.name).toEqual(wanted);
    }
    for (const { name, network } of asked.filter(isKind("vxlan"))) {
      expect(floodList(box, name), name).toEqual([...all(network, "BridgeFDB", "Destination")].sort());
    }

    // The tunnel is left alone, and takes nothing with it when it goes.
    const tunnels = asked.filter(isTunnel).map(({ name }) => name);
    expect(tunnels).not.toEqual([]);
    const locals = asked.flatMap(({ netdev }) => all(netdev, "VXLAN", "Local"));
    for (const tunnel of tunnels) {
      expect(box.run("ip", "route", "show", "dev", tunnel), tunnel).toContain("198.18.0.0/24");
      const addresses = globalAddresses(link(box, tunnel)).map((each) => each.split("/")[0]);
      expect(addresses, tunnel).toEqual(expect.arrayContaining(locals));
      box.run("ip", "link", "delete", tunnel);
    }
    for (const { name, network } of asked.filter(isKind("vxlan"))) {
      expect(link(box, name).master).toBe(all(network, "Network", "Bridge")[0]);
    }
  });

  // Where the kernel makes no VRFs or VLANs, their links are looked at by the lab, in a virtual machine: test/lab/fixtures.test.ts.
  test.each(trees.filter((tree) => !isMadeHere(tree)))("$name: every key is taken", async ({ directory }) => {
    const box = await openBox(directory);
    boxes.push(box);
    const networkd = startNetworkd(box);
    await networkd.says("Enumeration completed");
    expect(refused(networkd.log())).toEqual([]);
  });
});

describe.runIf(isReady)("a bridge of someone else's", () => {
  const fields = {
    bridges: [aBridge("vmbr1", { isExisting: true, ports: ["eno2"], mtu: mtu(1370) })],
    vxlans: [aVxlan("vx100", { bridge: "vmbr1", macAddress: "fe:00:00:64:00:01" })],
  };

  test("gets our ports and keeps its MAC, its address and its own port", async () => {
    const tree = treeOf(fields);
    const { box, asked, networkd } = await boot(tree);
    expect(foreignBridges(asked)).toEqual(["vmbr1"]);
    expect(complaints(networkd.log())).toEqual([]);
    expect(["vx100", "eno2", "guest0"].map((name) => link(box, name).master)).toEqual(["vmbr1", "vmbr1", "vmbr1"]);
    expect(globalAddresses(link(box, "vmbr1"))).toEqual(["192.0.2.1/24"]);
    // The lowest of its ports, as the kernel has it; the vxlan's must not be that.
    const lowest = ["vx100", "eno2", "guest0"].map((name) => link(box, name).address).sort()[0];
    expect(link(box, "vmbr1").address).toBe(lowest);
    expect(link(box, "vx100").address).not.toBe(lowest);
  });

  test("that comes later than networkd takes its MAC from its own ports", async () => {
    const tree = treeOf({ ...fields, bridges: [aBridge("vmbr1", { isExisting: true })] });
    const { box } = await boot(tree, { hasForeignBridges: false });
    box.shell(
      "ip link add guest0 address 52:54:00:00:00:01 type veth peer name guest1; ip link set guest0 master vmbr1",
    );
    expect(link(box, "vmbr1").address).toBe("52:54:00:00:00:01");
  });

  test("without the stub is not enslaved to", async () => {
    const tree = treeOf(fields);
    rmSync(join(tree, "etc/systemd/network/20-netgen-vmbr1.netdev"));
    const { box } = await boot(tree);
    expect(link(box, "vmbr1").linkinfo?.info_kind).toBe("bridge");
    expect(link(box, "vx100").master).toBeUndefined();
  });

  test("to which nothing is added is not mentioned", () => {
    const bridges = [aBridge("vmbr1", { isExisting: true, addresses: [gateway("10.1.1.1", 24)] })];
    const paths = [...emitted(emitNetworkd, aNetwork([aHost("alpha", { bridges })])).keys()];
    expect(paths.filter((path) => path.includes("vmbr1"))).toEqual([]);
  });
});

describe.runIf(isReady)("bridges of ours", () => {
  const shared = aBridge("br100", {
    macAddress: "02:00:00:64:00:00",
    mtu: mtu(1370),
    isSharedGateway: true,
    addresses: [gateway("10.77.0.1", 24), gateway("fd77::1", 64)],
  });
  const vxlans = [aVxlan("vx100", { bridge: "br100", macAddress: "fe:00:00:64:00:01" })];

  test("two members with the same gateway both keep all of its addresses", async () => {
    const [one, other] = [
      await boot(treeOf({ bridges: [shared], vxlans })),
      await boot(treeOf({ bridges: [shared], vxlans })),
    ];
    one.box.cable("guest0", other.box, "guest0");
    for (const { box } of [one, other]) box.run("ip", "link", "set", "guest0", "master", "br100");
    // A second look at the addresses, now that each hears the other.
    await other.networkd.stop();
    other.box.shell("ip link set br100 down; ip link set br100 up");
    await settle(other.box, startNetworkd(other.box), other.asked);
    for (const { box, networkd } of [one, other]) {
      const addresses = () => link(box, "br100").addr_info ?? [];
      expect(complaints(networkd.log())).toEqual([]);
      // The kernel lets up to a second pass before it has not looked for duplicates of a link-local address.
      await until(
        () => !addresses().some((each) => each.tentative && !each.dadfailed),
        () => "an address stays tentative",
      );
      expect(
        addresses()
          .map((each) => each.local)
          .sort(),
      ).toEqual(["10.77.0.1", "fd77::1", "fe80::ff:fe64:0"]);
      expect(addresses().filter((each) => each.dadfailed || each.tentative)).toEqual([]);
    }
  });

  test("a gateway without guests has its address, and one with a small MTU keeps it", async () => {
    const bridges = [
      aBridge("br-vms", { addresses: [gateway("10.1.1.1", 24)], mtu: mtu(1200) }),
      aBridge("br-six", { addresses: [gateway("fd01::1", 64)], macAddress: "12:00:00:00:00:02" }),
    ];
    const { box, asked } = await boot(treeOf({ bridges }));
    expect(asked.filter(isManaged)).toHaveLength(2);
    for (const each of asked.filter(isManaged)) expect(compared(box, each).actual).toEqual(compared(box, each).asked);
  });

  test("an IPv6 gateway finds guests for packets that it forwards", async () => {
    const bridges = [aBridge("br-six", { addresses: [gateway("fd01::1", 64)], ports: ["eno2"] })];
    const { box } = await boot(treeOf({ bridges }));
    const [guest, outside] = [await openBox(), await openBox()];
    boxes.push(guest, outside);
    box.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1");
    box.cable("guest0", guest, "eth0");
    box.run("ip", "link", "set", "guest0", "master", "br-six");
    box.cable("out0", outside, "eth0");
    box.run("ip", "address", "add", "2001:db8::1/64", "dev", "out0", "nodad");
    guest.shell("ip address add fd01::7/64 dev eth0 nodad; ip route add default via fd01::1");
    outside.shell("ip address add 2001:db8::7/64 dev eth0 nodad; ip route add default via 2001:db8::1");
    expect(outside.run("ping", "-c3", "-W5", "fd01::7")).toContain(" 0% packet loss");
  });
});

describe.runIf(isReady)("static flooding", () => {
  test("every other VTEP is on the flood list", async () => {
    const remotes = Array.from({ length: 40 }, (_, index) => address(`fd00:250::${index + 10}`));
    const vxlan = aVxlan("vx100", {
      bridge: "br100",
      local: address("fd00:250::1"),
      flooding: { kind: "static", remotes },
    });
    const { box, networkd } = await boot(treeOf({ bridges: [aBridge("br100")], vxlans: [vxlan] }));
    expect(complaints(networkd.log())).toEqual([]);
    expect(floodList(box, "vx100")).toEqual([...remotes].sort());
  });
});

describe.runIf(isReady)("what networkd must refuse", () => {
  const tree = treeOf({ bridges: [aBridge("br100")], vxlans: [aVxlan("vx100", { bridge: "br100" })] });
  const file = "etc/systemd/network/20-netgen-vx100.netdev";

  test.each([
    ["an unknown key", "Independent=yes", "Independant=yes", "Unknown key 'Independant'"],
    ["an unknown section", "[VXLAN]", "[VxLan]", "Unknown section 'VxLan'"],
    ["a wrong value", "Local=10.250.0.1", "Local=10.250.0.256", "ignoring"],
    ["a key of a later version", "Independent=yes", "Independent=yes\nFDBMaxLearned=5", "Unknown key"],
  ])("%s", async (_, right, wrong, complaint) => {
    const broken = mkdtempSync(join(scratch, "broken-"));
    cpSync(tree, broken, { recursive: true });
    const text = readFileSync(join(tree, file), "utf8");
    expect(text).toContain(right);
    writeFileSync(join(broken, file), text.replace(right, wrong));
    const box = await openBox(broken);
    boxes.push(box);
    const networkd = startNetworkd(box);
    await networkd.says("Enumeration completed");
    expect(complaints(networkd.log()).join("\n")).toContain(complaint);
  });
});
