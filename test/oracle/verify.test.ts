/** What verify and metrics say of a kernel that is as the list promises, and of one that is wedged on purpose. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { contentOf } from "../../src/emit/file.ts";
import { fakeHost } from "../apply-host.ts";
import { compileText } from "../compile-text.ts";
import { testPublicKey } from "../test-keys.ts";
import { type Lab, openLab } from "./namespaces.ts";
import { isEquipped, scratch } from "./nft-helpers.ts";

const { directory, remove } = scratch();
afterAll(remove);

/** A segment with a gateway, pods that a CNI has on each host, and a VRF. */
const TOPOLOGY = `
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hostDefaults: {metrics: true, healthGate: {failures: 2, recover: true}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, endpoint: 192.0.2.3}
vrfs: {blue: {vni: 5000}}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1}}
  pods: {cidr: 10.42.0.0/16, perHost: 24, hosts: all, interface: external}
  web: {cidr: 10.79.0.0/24, vxlan: {vni: 101}, hosts: [alpha, beta], gateway: 10.79.0.1, vrf: blue}
`;

/** Two hosts that have their keys. */
const KEYED = `
netgen: 1
name: office
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, publicKey: "${testPublicKey("alpha")}"}
  beta: {id: 2, endpoint: 192.0.2.2, publicKey: "${testPublicKey("beta")}"}
`;

const textfiles = join(directory, "textfiles");
const report = join(textfiles, "netgen.prom");

const SAMPLE = /^netgen_[a-z_]+\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\} -?\d+$/;

test.skipIf(!isEquipped("prove"))("verify is judged by prove", () => {
  const host = fakeHost(directory);
  host.stage(KEYED);
  expect(host.apply()).toMatchObject({ status: 0 });
  host.write("etc/netgen/judge", 'exec prove -e bash "$NETGEN_ROOT/etc/netgen/verify"');
  expect(host.run("judge")).toMatchObject({ status: 0, stdout: expect.stringContaining("All tests successful.") });
  rmSync(join(host.root, "units/active/netgen-routes.service"));
  expect(host.run("judge")).toMatchObject({ status: 1, stdout: expect.stringContaining("Failed 1/") });
});

describe.skipIf(!isEquipped("ip", "bridge"))("a host that is looked at", { timeout: 60_000 }, () => {
  let lab: Lab;
  beforeEach(() => {
    for (const file of compileText(TOPOLOGY).files.filter(({ path }) => path.startsWith("alpha/"))) {
      const path = join(directory, file.path.replace("alpha/", ""));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, contentOf(file));
    }
    mkdirSync(textfiles, { recursive: true });
    // What is below the root of the tree and yet the kernel's.
    if (!existsSync(join(directory, "sys"))) symlinkSync("/sys", join(directory, "sys"));
    lab = openLab(["host"]);
    // Stands for the tunnel, which nobody asks for anything but its routes.
    for (const line of [
      "ip link add wg0 mtu 1440 type veth peer name far0",
      "ip link set wg0 up",
      "ip link set far0 up",
      "ip address add 10.250.0.1/24 dev wg0",
      "ip link add br100 type bridge",
      "ip link set br100 up",
      "ip address add 10.77.0.1/24 dev br100",
      "ip link add vx100 mtu 1390 master br100 type vxlan id 100 local 10.250.0.1 dstport 4789 nolearning",
      "ip link set vx100 up",
      "bridge fdb append 00:00:00:00:00:00 dev vx100 dst 10.250.0.2",
      "bridge fdb append 02:00:00:00:00:02 dev vx100 dst 10.250.0.2",
      "ip link add br5000 type bridge",
      "ip link set br5000 up",
      "ip link add cni0 type bridge",
      "ip link set cni0 up",
      "ip address add 10.42.1.1/24 dev cni0",
      "ip route add 10.42.2.0/24 dev wg0",
      "ip route add 10.42.3.0/24 dev wg0",
    ])
      lab.at("host", line);
  });
  afterEach(() => lab.close());

  const run = (program: string, ...args: readonly string[]) =>
    lab.tryAt("host", "env", [`NETGEN_ROOT=${directory}`, "bash", join(directory, "etc/netgen", program), ...args]);
  const lines = (): ReadonlyMap<string, boolean> => {
    const { output } = run("verify", "--quick");
    const found = [...output.matchAll(/^(not )?ok \d+ - (.*)$/gm)];
    return new Map(found.map(([, not, what = ""]) => [what, not === undefined]));
  };
  /** What no longer holds, or does at last, once something was done. */
  const changedBy = (...commands: readonly string[]): readonly string[] => {
    const before = lines();
    for (const command of commands) lab.at("host", command);
    return [...lines()]
      .filter(([what, holds]) => holds !== before.get(what))
      .map(([what, holds]) => `${holds} ${what}`);
  };
  const measured = (): readonly string[] => {
    expect(run("metrics", textfiles)).toMatchObject({ status: 0 });
    return readFileSync(report, "utf8").split("\n");
  };
  const sampleOf = (all: readonly string[], series: string): string | undefined =>
    all
      .find((line) => line.startsWith(`netgen_${series} `))
      ?.split(" ")
      .at(-1);

  test("has what can be seen of a kernel alone", () => {
    const found = lines();
    for (const what of [
      "link wg0",
      "link vx100",
      "member vx100 br100",
      "vxlan vx100",
      "address br100 10.77.0.1/24",
      "own 10.77.0.0/24 br100",
      "own 10.42.1.0/24 not wg0",
      "way 10.42.2.0/24 dev wg0",
      "way 10.42.3.0/24 dev wg0",
      "fdb vx100",
      "vtep vx100 10.250.0.2 beta",
      "neighbours br5000",
      "files",
    ])
      expect([what, found.get(what)]).toEqual([what, true]);
    expect([...found.keys()].filter((what) => /^(handshake|size) /.test(what))).toEqual([]);
  });

  test("whose VXLAN device leads to one who is no member", () => {
    expect(changedBy("bridge fdb append 02:00:00:00:00:09 dev vx100 dst 10.250.0.3")).toEqual(["false fdb vx100"]);
    expect(run("verify", "--quick").output).toContain("# no member: dst 10.250.0.3\n");
    expect(sampleOf(measured(), 'stale_fdb_entries{fleet="netgen",device="vx100"}')).toBe("1");
  });

  test("that no longer floods to a member", () => {
    expect(changedBy("bridge fdb del 00:00:00:00:00:00 dev vx100 dst 10.250.0.2")).toEqual([
      "false vtep vx100 10.250.0.2 beta",
    ]);
  });

  test("that is wedged: its gate takes away what leads to nobody, and not one entry more", () => {
    const tables = () =>
      ["vx100", "br5000", "br100"].map((device) => [
        lab.at("host", `bridge fdb show dev ${device}`),
        lab.at("host", `ip neighbour show dev ${device}`),
      ]);
    lab.at("host", "ip neighbour replace 10.250.0.3 dev br5000 lladdr 02:00:00:00:00:03 nud reachable");
    const before = tables();
    for (const line of [
      "bridge fdb append 02:00:00:00:00:09 dev vx100 dst 10.250.0.3",
      "bridge fdb append 00:00:00:00:00:00 dev vx100 dst 10.250.0.9",
      "ip neighbour replace 10.250.0.2 dev br5000 nud failed",
    ])
      lab.at("host", line);
    rmSync(join(directory, "run"), { recursive: true, force: true });
    run("health");
    expect(tables()).not.toEqual(before);
    const { output } = run("health");
    expect(
      output
        .split("\n")
        .filter((line) => line.startsWith("<5>taken"))
        .sort(),
    ).toEqual([
      "<5>taken from vx100: 00:00:00:00:00:00, which led to 10.250.0.9",
      "<5>taken from vx100: 02:00:00:00:00:09, which led to 10.250.0.3",
    ]);
    expect(tables()).toEqual(before);
    expect([lines().get("fdb vx100"), lines().get("neighbours br5000")]).toEqual([true, true]);
    // Those that it cannot take away are why it is down.
    expect(run("health", "--condition").status).toBe(1);
  });

  test("whose other VTEPs no longer answer", () => {
    expect(changedBy("ip neighbour replace 10.250.0.2 dev br5000 nud failed")).toEqual(["false neighbours br5000"]);
    expect(sampleOf(measured(), 'stale_neighbors{fleet="netgen",device="br5000"}')).toBe("1");
  });

  test("whose pods' prefix enters the tunnel when the CNI's bridge is gone", () => {
    expect(changedBy("ip link delete cni0", "ip route add 10.42.0.0/16 dev wg0")).toEqual([
      "false own 10.42.1.0/24 not wg0",
    ]);
    expect(sampleOf(measured(), 'misrouted_prefixes{fleet="netgen",device="wg0"}')).toBe("1");
  });

  test("whose segment enters the tunnel, and another's pods do not", () => {
    expect(changedBy("ip route add 10.77.0.128/25 dev wg0", "ip route del 10.42.2.0/24 dev wg0")).toEqual([
      "false own 10.77.0.0/24 br100",
      "false way 10.42.2.0/24 dev wg0",
    ]);
  });

  test("on which flannel runs, whose device is gone while its network is led into the tunnel", () => {
    mkdirSync(join(directory, "run/flannel"), { recursive: true });
    writeFileSync(
      join(directory, "run/flannel/subnet.env"),
      "FLANNEL_NETWORK=10.99.0.0/16\nFLANNEL_SUBNET=10.99.1.1/24\n",
    );
    const device = 'device="flannel.1"';
    expect(sampleOf(measured(), `misrouted_prefixes{fleet="netgen",${device}}`)).toBe("0");
    lab.at("host", "ip route add 10.99.0.0/16 dev wg0");
    const wedged = measured();
    expect(sampleOf(wedged, `misrouted_prefixes{fleet="netgen",${device}}`)).toBe("1");
    expect(sampleOf(wedged, `link_up{fleet="netgen",${device}}`)).toBe("0");
  });

  test("has metrics in Prometheus' format, without timestamps, each name told once", () => {
    const all = measured();
    expect(all.at(-1)).toBe("");
    const rest = all.slice(0, -1).filter((line) => !SAMPLE.test(line));
    const names = rest
      .map((line) => /^# (HELP|TYPE) (netgen_[a-z_]+) /.exec(line))
      .map((match) => `${match?.[1]} ${match?.[2]}`);
    expect(new Set(names).size).toBe(rest.length);
    expect(sampleOf(all, 'link_mtu_bytes{fleet="netgen",device="vx100"}')).toBe("1390");
    expect(sampleOf(all, 'tree_info{fleet="netgen",host="alpha",sha256=""}')).toBe("1");
  });

  test.skipIf(!isEquipped("promtool"))("has metrics that promtool takes", () => {
    measured();
    expect(lab.tryAt("host", "sh", ["-c", `promtool check metrics < ${report}`])).toEqual({ status: 0, output: "" });
  });

  test("leaves the old file and says so where the directory is gone, or cannot take another one", () => {
    const missing = join(directory, "nowhere");
    const { status, output } = run("metrics", missing);
    expect([status, output]).toEqual([1, expect.stringContaining(`there is no directory ${missing}: `)]);
    expect(existsSync(missing)).toBe(false);
    const old = measured().join("\n");
    writeFileSync(join(directory, "etc/netgen/verify.list"), "");
    expect(run("metrics", textfiles).status).toBe(1);
    expect(readFileSync(report, "utf8")).toBe(old);
    expect(readdirSync(textfiles)).toEqual(["netgen.prom"]);
  });
});
