/** What `netgen mtu` and `netgen model` print. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import type { Network } from "../src/model/network.ts";
import { renderModel } from "../src/report/model.ts";
import { reportMtu } from "../src/report/mtu.ts";
import { renderMtu } from "../src/report/mtu-text.ts";
import { FIXTURES } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

function modelOf(text: string): Network {
  const { model, diagnostics } = compile({ name: "topology.yaml", text });
  if (model === undefined || diagnostics.some(({ severity }) => severity === "error")) {
    throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  }
  return model;
}

const fixture = (name: string): Network => modelOf(readFileSync(join(FIXTURES, name, "topology.yaml"), "utf8"));

/** A topology of hosts of which each line gives what comes behind its id and key. */
function network(hosts: Readonly<Record<string, string>>, rest = ""): Network {
  const lines = Object.entries(hosts).map(
    ([name, line], index) => `  ${name}: {id: ${index + 1}, publicKey: "${testPublicKey(name)}", ${line}}\n`,
  );
  return modelOf(`netgen: 1\nname: x\nwireguard: {addresses: [10.250.0.0/24]}\nhosts:\n${lines.join("")}${rest}`);
}

describe("netgen mtu", () => {
  test("says for minimal: literal IPv4 endpoints take 60 bytes, VXLAN 50", () => {
    expect(renderMtu(reportMtu(fixture("minimal")))).toBe(`\
tunnel alpha - beta: 1440 bytes
  path      1500 (underlay.pathMtu)
  outer     IPv4: 203.0.113.9 is IPv4
  sum       1500 - 20 (IPv4 header) - 8 (UDP header) - 16 (WireGuard header) - 16 (WireGuard tag) = 1440
  interface wg0 on alpha 1440, limited by the path to beta; wg0 on beta 1440, limited by the path to alpha
  VXLAN     1390 between IPv4 addresses, 1370 between IPv6 (a CNI such as flannel too)
  TCP MSS   1400 for IPv4, 1380 for IPv6
  prove     on alpha: ping -M do -s 1412 10.250.0.2

segment guests (VNI 100): 1390 bytes on alpha, beta
  tunnel    1440, the smallest of its members: alpha, whose interface is limited by the path to beta
  outer     IPv4: the addresses of the VTEPs
  sum       1440 - 20 (IPv4 header) - 8 (UDP header) - 8 (VXLAN header) - 14 (inner Ethernet header) = 1390
  TCP MSS   1350 for IPv4, 1330 for IPv6
  prove     in a guest: ping -M do -s 1362 <IPv4 address of a guest on another host>
`);
  });

  test("says for hypervisors: names take 80 bytes; 1420 and 1370, pings 1392 and 1342", () => {
    expect(renderMtu(reportMtu(fixture("hypervisors")))).toBe(`\
tunnel alpha - beta: 1420 bytes
  path      1500 (underlay.pathMtu)
  outer     IPv6: beta.cluster.example.net may resolve to IPv6
  sum       1500 - 40 (IPv6 header) - 8 (UDP header) - 16 (WireGuard header) - 16 (WireGuard tag) = 1420
  interface wg-cluster on alpha 1420, limited by the path to beta; wg-cluster on beta 1420, limited by the path to alpha
  VXLAN     1370 between IPv4 addresses, 1350 between IPv6 (a CNI such as flannel too)
  TCP MSS   1380 for IPv4, 1360 for IPv6
  prove     on alpha: ping -M do -s 1392 10.250.0.2

segment bridge1 (VNI 123001): 1370 bytes on alpha, beta
  tunnel    1420, the smallest of its members: alpha, whose interface is limited by the path to beta
  outer     IPv4: the addresses of the VTEPs
  sum       1420 - 20 (IPv4 header) - 8 (UDP header) - 8 (VXLAN header) - 14 (inner Ethernet header) = 1370
  TCP MSS   1330 for IPv4, 1310 for IPv6
  prove     in a guest: ping -M do -s 1342 <IPv4 address of a guest on another host>
`);
  });

  test("gives the same as data", () => {
    expect(reportMtu(fixture("hypervisors"))).toEqual({
      tunnels: [
        {
          kind: "tunnel",
          between: ["alpha", "beta"],
          path: { mtu: 1500, rule: "underlay.pathMtu" },
          outer: { family: 6, why: "beta.cluster.example.net may resolve to IPv6" },
          subtractions: [
            { what: "IPv6 header", bytes: 40 },
            { what: "UDP header", bytes: 8 },
            { what: "WireGuard header", bytes: 16 },
            { what: "WireGuard tag", bytes: 16 },
          ],
          mtu: 1420,
          effectiveMtu: 1420,
          ends: [
            { host: "alpha", interface: "wg-cluster", mtu: 1420, routeMtu: undefined, limitingPeer: "beta" },
            { host: "beta", interface: "wg-cluster", mtu: 1420, routeMtu: undefined, limitingPeer: "alpha" },
          ],
          vxlanMtu: { ipv4: 1370, ipv6: 1350 },
          mss: { ipv4: 1380, ipv6: 1360 },
          pings: [{ from: "alpha", size: 1392, command: "ping -M do -s 1392 10.250.0.2" }],
        },
      ],
      lans: [],
      segments: [
        {
          kind: "segment",
          name: "bridge1",
          vni: 123001,
          members: ["alpha", "beta"],
          limitingPair: ["alpha", "beta"],
          tunnelMtu: 1420,
          limit: "interface",
          vtepFamily: 4,
          subtractions: [
            { what: "IPv4 header", bytes: 20 },
            { what: "UDP header", bytes: 8 },
            { what: "VXLAN header", bytes: 8 },
            { what: "inner Ethernet header", bytes: 14 },
          ],
          pin: undefined,
          mtu: 1370,
          mss: { ipv4: 1330, ipv6: 1310 },
          pings: [
            {
              from: undefined,
              size: 1342,
              command: "ping -M do -s 1342 <IPv4 address of a guest on another host>",
            },
          ],
        },
      ],
    });
  });

  test("has a row for each pair of peers, once", () => {
    const { tunnels } = reportMtu(fixture("kubernetes"));
    const hosts = fixture("kubernetes").hosts.map(({ name }) => name);
    const pairs = hosts.flatMap((a) => hosts.filter((b) => a < b).map((b) => `${a} ${b}`));
    expect(tunnels.map(({ between }) => between.join(" ")).sort()).toEqual(pairs.sort());
  });

  test("the path of a pair may carry more than its interfaces, which have one MTU for all peers", () => {
    const { tunnels } = reportMtu(fixture("kubernetes"));
    const row = tunnels.find(({ path }) => path.mtu === 9000);
    expect(row).toMatchObject({ mtu: 8940, effectiveMtu: 1420, vxlanMtu: { ipv4: 1370 } });
    expect(row?.pings.map(({ size }) => size)).toEqual([1392]);
  });

  test("with an MTU for each peer the rows of a pair are its own, and name the routes that hold it to less", () => {
    const report = reportMtu(fixture("jumbo"));
    const row = report.tunnels.find(({ between }) => between.join(" ") === "office storage1");
    expect(row).toMatchObject({ effectiveMtu: 1440, ends: [{ mtu: 1440 }, { mtu: 8940, routeMtu: 1440 }] });
    expect(report.tunnels.map(({ effectiveMtu }) => effectiveMtu)).toEqual([1440, 1440, 1440, 8940, 8940, 8940]);
    expect(report.segments.map(({ mtu, limit }) => [mtu, limit])).toEqual([
      [8890, "interface"],
      [1390, "interface"],
    ]);
    expect(renderMtu(report)).toContain("wg0 on storage1 8940, and 1440 in its routes to the other\n");
  });

  const scenarios = ["minimal", "hypervisors", "kubernetes", "pods", "proxmox", "dual-stack", "ipv6-only", "jumbo"];
  const total = (terms: readonly { readonly bytes: number }[]): number =>
    terms.reduce((sum, { bytes }) => sum + bytes, 0);

  test.each(scenarios)("the sums of %s are right: path minus subtractions, tunnel minus subtractions", (name) => {
    const { tunnels, segments } = reportMtu(fixture(name));
    for (const row of tunnels) {
      expect(row.mtu).toBe(row.path.mtu - total(row.subtractions));
      expect(row.effectiveMtu).toBe(Math.min(...row.ends.map(({ mtu, routeMtu }) => routeMtu ?? mtu)));
      expect(row.effectiveMtu).toBeLessThanOrEqual(row.mtu);
    }
    for (const row of segments) expect(row.mtu).toBe(row.pin ?? row.tunnelMtu - total(row.subtractions));
  });

  test.each(scenarios)("the pings of %s fill the MTU: 28 bytes of headers for IPv4, 48 for IPv6", (name) => {
    const { tunnels, segments } = reportMtu(fixture(name));
    const claims = [
      ...tunnels.map(({ effectiveMtu, pings }) => ({ mtu: effectiveMtu, pings })),
      ...segments.map(({ mtu, pings }) => ({ mtu, pings })),
    ];
    for (const { mtu, pings } of claims) {
      const sizes = pings.map(({ command }) => mtu - (/:|IPv6/.test(command) ? 48 : 28));
      expect(pings.length).toBeGreaterThan(0);
      expect(pings.map(({ size }) => size)).toEqual(sizes);
      expect(pings.map(({ command }) => / -s (\d+) /.exec(command)?.[1])).toEqual(sizes.map(String));
    }
  });

  // Beta reaches alpha over a small path and gamma over a large one; alpha has the small one only.
  const uneven = (): Network =>
    network(
      { alpha: "endpoint: 192.0.2.1", beta: "endpoint: 192.0.2.2", gamma: "endpoint: 192.0.2.3" },
      "underlay: {paths: [{between: [beta, gamma], mtu: 1400}]}\n",
    );

  test("the ping is run where the MTU is smaller: there one byte more is refused", () => {
    const [alphaBeta, , betaGamma] = reportMtu(uneven()).tunnels;
    expect(alphaBeta?.ends.map(({ mtu }) => mtu)).toEqual([1440, 1340]);
    expect(alphaBeta?.pings).toEqual([{ from: "beta", size: 1312, command: "ping -M do -s 1312 10.250.0.1" }]);
    expect(betaGamma?.pings).toEqual([{ from: "beta", size: 1312, command: "ping -M do -s 1312 10.250.0.3" }]);
    expect(renderMtu(reportMtu(uneven()))).toContain("  prove     on beta: ping -M do -s 1312 10.250.0.1\n");
  });

  test("what is cut up on purpose is shown with its sum, and TCP is held to what is whole", () => {
    const report = reportMtu(fixture("fragments"));
    const [machines, desks] = report.segments;
    expect(machines).toMatchObject({
      mtu: 1500,
      cut: { wholeMtu: 1382, packetBytes: 1550, fragments: [1428, 142] },
      mss: { ipv4: 1342, ipv6: 1322 },
    });
    expect(desks).toMatchObject({ mtu: 1382, cut: undefined, mss: { ipv4: 1342, ipv6: 1322 } });
    const text = renderMtu(report);
    expect(text.match(/on purpose/g)).toHaveLength(1);
    expect(text).toContain("above 1382 bytes each packet is 2\n");
    expect(text).toContain("            1500 bytes are 1550 with VXLAN, and leave as 1428 and 142, 1570 together\n");
  });

  test("a host behind NAT shows the family of the one that it dials", () => {
    const { tunnels } = reportMtu(network({ alpha: "endpoint: '[2001:db8::1]'", beta: "behindNat: true" }));
    expect(tunnels[0]).toMatchObject({ mtu: 1420, outer: { family: 6, why: "2001:db8::1 is IPv6" } });
  });

  test("a pin, inner tags and both families of a segment are shown", () => {
    const text = renderMtu(
      reportMtu(
        network(
          { alpha: "endpoint: 192.0.2.1", beta: "endpoint: 192.0.2.2" },
          'subnets:\n  lan: {cidr: [10.77.0.0/24, "fd77::/64"], vxlan: {vni: 7}, hosts: all, tagged: true, mtu: 1300}\n',
        ),
      ),
    );
    expect(text).toContain("segment lan (VNI 7): 1300 bytes on alpha, beta\n");
    // 1440 - 50 - 4.
    expect(text).toMatch(/^ {2}sum {7}1440 - .* - 4 \(.*\) = 1386$/m);
    expect(text).toContain("  pin       1300 (mtu of lan)\n");
    expect(text).toContain("  prove     in a guest: ping -M do -s 1272 <IPv4 address of a guest on another host>\n");
    expect(text).toContain("            in a guest: ping -M do -s 1252 <IPv6 address of a guest on another host>\n");
  });

  test("a segment without a member has no row", () => {
    const alone = network({ alpha: "endpoint: 192.0.2.1", beta: "endpoint: 192.0.2.2" });
    expect(reportMtu(alone).segments).toEqual([]);
  });

  test("a host alone is said in words", () => {
    expect(renderMtu(reportMtu(network({ alpha: "endpoint: 192.0.2.1" })))).toBe(
      "no tunnel and no segment: a host alone has no path to explain\n",
    );
  });

  test("ends in one newline and has no line with a blank at its end", () => {
    const text = renderMtu(reportMtu(fixture("proxmox")));
    expect(text).toMatch(/[^\n]\n$/);
    expect(text.split("\n").filter((line) => /\s$/.test(line))).toEqual([]);
  });
});

describe("netgen model", () => {
  test("is JSON without places in the file, and a comment more changes nothing", () => {
    const text = readFileSync(join(FIXTURES, "minimal/topology.yaml"), "utf8");
    const plain = renderModel(modelOf(text));
    expect(renderModel(modelOf(`# A comment more.\n\n${text}`))).toBe(plain);
    expect(plain).not.toMatch(/"(origin|span)"/);
    expect(plain.endsWith("}\n")).toBe(true);
  });

  test("writes null for what is absent, so that no field is missing", () => {
    const { hosts } = JSON.parse(renderModel(fixture("minimal")));
    expect(hosts[0].uplink).toBeNull();
    expect(Object.keys(hosts[0]).sort()).toEqual(Object.keys(hosts[1]).sort());
  });
});
