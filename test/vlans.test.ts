/** Segments that are VLANs of one bridge. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";
import { textOf } from "./fixtures.ts";

/** Segments of two hosts; `a` and `b`: what is said of each besides. */
const lan = (a: string, b: string) =>
  `
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets:
  a: {cidr: 10.1.0.0/24, vxlan: {vni: 101}, hosts: all${a}}
  b: {cidr: 10.2.0.0/24, vxlan: {vni: 102}, hosts: all${b}}
`;

const bridgesOf = (body: string) => hostOf(modelOf(body), "alpha").vlanBridges;

describe("a bridge with VLANs", () => {
  test("is one for all segments that name none, which are told apart by VLAN and by the host's own device", () => {
    expect(bridgesOf(lan(", vlan: 20", ", vlan: 10"))).toMatchObject([
      {
        name: "br-vlan",
        isExisting: false,
        mtu: 1390,
        vlans: [
          { id: 10, link: "vl102" },
          { id: 20, link: "vl101" },
        ],
        trunks: [],
      },
    ]);
  });

  test("is another one where it has another name, and on another host", () => {
    const [first, second] = bridgesOf(lan(", vlan: 10", ", vlan: 10, bridge: br-lan"));
    expect([first?.name, second?.name]).toEqual(["br-lan", "br-vlan"]);
    const other = hostOf(modelOf(lan(", vlan: 10", ", vlan: 20")), "beta").vlanBridges[0];
    expect(other?.macAddress).not.toBe(bridgesOf(lan(", vlan: 10", ", vlan: 20"))[0]?.macAddress);
  });

  test("has the MTU of its largest segment, and so has a trunk; each device has its own segment's", () => {
    const ports = ", ports: {alpha: [eth1, eth2]}";
    const body = lan(`, vlan: 10, mtu: 1300${ports}`, `, vlan: 20, mtu: 1350, ports: {alpha: [eth1]}`);
    expect(bridgesOf(body)).toMatchObject([
      {
        mtu: 1350,
        trunks: [
          { name: "eth1", mtu: 1350, vlans: [10, 20] },
          { name: "eth2", mtu: 1300, vlans: [10] },
        ],
      },
    ]);
    expect(hostOf(modelOf(body), "alpha").bridges.map(({ link, mtu }) => [link, mtu])).toEqual([
      ["vl101", 1300],
      ["vl102", 1350],
    ]);
  });

  test("of others' has devices by their customary name", () => {
    const body = lan(", vlan: 10, bridge: {name: vmbr1, existing: true}", "");
    expect(bridgesOf(body)).toMatchObject([{ name: "vmbr1", isExisting: true, vlans: [{ link: "vmbr1.10" }] }]);
  });
});

describe("what does not fit together on one bridge", () => {
  const EXISTING = ", bridge: {name: b, existing: true}";
  test.each([
    [
      "one VLAN for two",
      ", vlan: 10",
      ", vlan: 10",
      "vlan-taken: on alpha VLAN 10 of the bridge br-vlan is a, and b as well",
    ],
    [
      "VLANs for one alone",
      ", vlan: 10, bridge: b",
      ", bridge: b",
      "vlan-bridge-conflict: on alpha the bridge b has none for b, and has VLANs for a",
    ],
    [
      "there for one alone",
      `, vlan: 10${EXISTING}`,
      ", vlan: 20, bridge: b",
      "vlan-bridge-conflict: on alpha the bridge b is there already for a, and is to be made for b",
    ],
    [
      "the name of another device",
      ", vlan: 10",
      ", bridge: vl101",
      'interface-name-taken: on alpha the interface "vl101" is the VLAN of a, and the bridge of b as well',
    ],
    [
      "a trunk that is another's port",
      ", vlan: 10, ports: {alpha: [eth1]}",
      ", ports: {alpha: [eth1]}",
      'interface-name-taken: on alpha the interface "eth1" is a port of b, and a trunk of br-vlan as well',
    ],
  ])("%s", (_, a, b, message) => {
    expect(messagesOf(lan(a, b))).toEqual([message]);
  });

  test("one VLAN on two bridges, and one trunk for two segments, do", () => {
    const trunk = ", ports: {alpha: [eth1]}";
    expect(messagesOf(lan(", vlan: 10", ", vlan: 10, bridge: br-lan"))).toEqual([]);
    expect(messagesOf(lan(`, vlan: 10${trunk}`, `, vlan: 20${trunk}`))).toEqual([]);
  });
});

/** How the bridge and the VXLAN device stand in sysfs, and what `bridge vlan show` says. */
interface Found {
  readonly filtering?: string;
  readonly master?: string;
  readonly vlans?: string;
  readonly flags?: string;
  /** Of the port: learning, and neighbour suppression. */
  readonly port?: readonly [string, string];
}

/** Runs the script of alpha's that has segments join a bridge of others', with programs that only say how they are called. */
function seenTo(
  { filtering = "1", master = "", vlans = "[]", flags = "0x1003", port }: Found,
  bgp = "",
): readonly string[] {
  const body = lan(", vlan: 10, bridge: {name: vmbr1, existing: true}", ", vlan: 20");
  const { files } = compileText(body + bgp);
  const fileOf = (path: string): string =>
    textOf(
      must(
        files.find((file) => file.path === `alpha/etc/${path}`),
        path,
      ),
    );
  const root = mkdtempSync(join(tmpdir(), "netgen-vlans-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const links = join(root, "net");
  mkdirSync(join(links, "vmbr1/bridge"), { recursive: true });
  mkdirSync(join(links, "vx101/brport"), { recursive: true });
  const written = {
    "vmbr1/bridge/vlan_filtering": filtering,
    "vmbr1/mtu": "1500",
    "vx101/flags": flags,
    "vx101/brport/learning": port?.[0] ?? "1",
    "vx101/brport/neigh_suppress": port?.[1] ?? "0",
  };
  for (const [path, text] of Object.entries(written)) writeFileSync(join(links, path), `${text}\n`);
  if (master !== "") symlinkSync(join(links, master), join(links, "vx101/master"));
  writeFileSync(join(root, "vlans"), fileOf("netgen/vlans"));
  const show = `[[ "$*" != *show* ]] || { echo '${vlans}'; exit 0; }\n`;
  for (const program of ["ip", "bridge"]) {
    // What it says goes to a file: the script says some things once only.
    const script = `#!/bin/bash\n[[ "$*" != *monitor* ]] || exit 0\n${show}echo "${program} $*" >> ${root}/said\n`;
    writeFileSync(join(root, program), script);
    chmodSync(join(root, program), 0o755);
  }
  const text = fileOf("netgen/vlan-join")
    .replaceAll("/sys/class/net", links)
    .replace("/etc/netgen/vlans", `${root}/vlans`);
  const { stdout } = spawnSync("bash", ["-c", text], {
    env: { PATH: `${root}:${process.env.PATH}` },
    encoding: "utf8",
  });
  const said = spawnSync("cat", [join(root, "said")], { encoding: "utf8" }).stdout;
  return `${said}${stdout}`.split("\n").filter((line) => line !== "");
}

describe("the script for a bridge of others'", () => {
  const ALONE = '[{"ifname":"vx101","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]}]}]';
  const AS_IT_SHOULD_BE: Found = { master: "vmbr1", vlans: ALONE };
  const joined = (port: readonly string[] = []): readonly string[] => [
    "ip link set dev vx101 down",
    "ip link set dev vx101 master vmbr1",
    // By itself the bridge would have the segment's from now on.
    "ip link set dev vmbr1 mtu 1500",
    "bridge vlan delete dev vx101 vid 1-4094",
    "bridge vlan add dev vx101 vid 10 pvid untagged",
    ...port,
    "ip link set dev vx101 up",
    "vx101 is in VLAN 10 of vmbr1",
  ];

  test("has the device down until it is in its VLAN alone, and leaves the bridge its MTU", () => {
    expect(seenTo({})).toEqual(joined());
  });

  test("does so again for one that is in the bridge's own VLAN as well", () => {
    const both = ALONE.replace('"vlans":[', '"vlans":[{"vlan":1,"flags":["Egress Untagged"]},');
    expect(seenTo({ ...AS_IT_SHOULD_BE, vlans: both })).toEqual(joined());
  });

  test("does so again for one that is down, as where it was ended half way", () => {
    expect(seenTo({ ...AS_IT_SHOULD_BE, flags: "0x1002" })).toEqual(joined());
  });

  test("leaves alone what is as it should be", () => {
    expect(seenTo(AS_IT_SHOULD_BE)).toEqual([]);
  });

  test("with EVPN the port learns nothing, and suppresses what the segment says", () => {
    const bgp = "bgp: {asn: 65000}\n";
    const port = ["bridge link set dev vx101 learning off neigh_suppress off"];
    expect(seenTo({ ...AS_IT_SHOULD_BE, port: ["0", "0"] }, bgp)).toEqual([]);
    expect(seenTo({ ...AS_IT_SHOULD_BE, port: ["1", "0"] }, bgp)).toEqual(joined(port));
    expect(seenTo({ ...AS_IT_SHOULD_BE, port: ["0", "1"] }, bgp)).toEqual(joined(port));
  });

  test("takes it out where the bridge tells no VLANs apart, and says so", () => {
    const said = "vmbr1 tells no VLANs apart (vlan_filtering), and vx101 is to be in VLAN 10 of it: not joined";
    expect(seenTo({ ...AS_IT_SHOULD_BE, filtering: "0" })).toEqual(["ip link set dev vx101 nomaster", said]);
    expect(seenTo({ filtering: "0" })).toEqual([said]);
  });
});
