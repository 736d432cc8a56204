import { describe, expect, test } from "vitest";
import type { IpFamily } from "../src/base/ip.ts";
import {
  fragmentSizes,
  pingPayload,
  tcpMss,
  totalBytes,
  vxlanOverhead,
  vxlanOverheadBytes,
  vxlanPacketBytes,
  wireguardOverhead,
  wireguardOverheadBytes,
  wireguardPacketBytes,
} from "../src/base/mtu.ts";
import { fc, test as property } from "./property.ts";

const wireguardMtu = (path: number, outer: IpFamily): number => path - wireguardOverheadBytes(outer);
const vxlanMtu = (below: number, vtep: IpFamily, isTagged = false): number =>
  below - vxlanOverheadBytes(vtep, isTagged);

test("the overheads are the sums of their headers", () => {
  expect(wireguardOverhead(4)).toEqual([
    { what: "IPv4 header", bytes: 20 },
    { what: "UDP header", bytes: 8 },
    { what: "WireGuard header", bytes: 16 },
    { what: "WireGuard tag", bytes: 16 },
  ]);
  expect([wireguardOverheadBytes(4), wireguardOverheadBytes(6)]).toEqual([60, 80]);
  expect(vxlanOverhead(4, true).at(-1)).toEqual({ what: "inner VLAN tag", bytes: 4 });
  const vxlan = [false, true].map((isTagged) => [vxlanOverheadBytes(4, isTagged), vxlanOverheadBytes(6, isTagged)]);
  expect(vxlan).toEqual([
    [50, 70],
    [54, 74],
  ]);
  expect(totalBytes([])).toBe(0);
});

describe("paths that are met in the field", () => {
  // Path, WireGuard over IPv4 and IPv6, VXLAN in each with IPv4 VTEPs.
  test.each([
    ["inside a cloud's network with 9001", 9001, 8941, 8921, 8891, 8871],
    ["jumbo frames", 9000, 8940, 8920, 8890, 8870],
    ["the largest of another cloud", 8896, 8836, 8816, 8786, 8766],
    ["Ethernet", 1500, 1440, 1420, 1390, 1370],
    ["PPPoE", 1492, 1432, 1412, 1382, 1362],
    ["a cloud's default of 1460", 1460, 1400, 1380, 1350, 1330],
    ["a private cloud network of 1450", 1450, 1390, 1370, 1340, 1320],
    ["a virtual switch of 1400", 1400, 1340, 1320, 1290, 1270],
    ["an edge zone of 1300", 1300, 1240, 1220, 1190, 1170],
    ["the least that IPv6 asks for", 1280, 1220, 1200, 1170, 1150],
  ])("%s", (_, path, overIpv4, overIpv6, vxlanInIpv4, vxlanInIpv6) => {
    expect([wireguardMtu(path, 4), wireguardMtu(path, 6)]).toEqual([overIpv4, overIpv6]);
    expect([vxlanMtu(overIpv4, 4), vxlanMtu(overIpv6, 4)]).toEqual([vxlanInIpv4, vxlanInIpv6]);
  });

  test("IPv6 VTEPs cost 20 more", () => {
    expect([vxlanMtu(1440, 6), vxlanMtu(1420, 6)]).toEqual([1370, 1350]);
  });

  test("the smallest paths that carry IPv6: in the tunnel, and in a segment with IPv4 and IPv6 VTEPs", () => {
    const smallest = ([4, 6] as const).map((outer) => {
      const tunnel = 1280 + wireguardOverheadBytes(outer);
      return [tunnel, tunnel + vxlanOverheadBytes(4, false), tunnel + vxlanOverheadBytes(6, false)];
    });
    expect(smallest).toEqual([
      [1340, 1390, 1410],
      [1360, 1410, 1430],
    ]);
  });
});

describe("numbers that others have published", () => {
  test("two hypervisors: 1420 and 1370, proved by pings of 1392 and 1342", () => {
    expect(wireguardMtu(1500, 6)).toBe(1420);
    expect(vxlanMtu(1420, 4)).toBe(1370);
    expect([pingPayload(1420, 4), pingPayload(1370, 4)]).toEqual([1392, 1342]);
  });

  test("a container network of 1370 on Ethernet and 8870 on jumbo frames; 1390 and 8890 where the endpoint is IPv4", () => {
    expect([1500, 9000].map((path) => vxlanMtu(wireguardMtu(path, 6), 4))).toEqual([1370, 8870]);
    expect([1500, 9000].map((path) => vxlanMtu(wireguardMtu(path, 4), 4))).toEqual([1390, 8890]);
  });

  test("1500 - 20 - 8 - 32 - 8 = 1432 counts UDP twice: it is 1440, and 1432 is what PPPoE leaves", () => {
    expect(wireguardMtu(1500, 4)).toBe(1440);
    expect(wireguardMtu(1492, 4)).toBe(1432);
  });

  test("packets as they were seen on a wire: padded to 16, never past the MTU", () => {
    expect(wireguardPacketBytes(84, 1420, 4)).toBe(156);
    expect(wireguardPacketBytes(1408, 1420, 4)).toBe(1468);
    expect(wireguardPacketBytes(1419, 1420, 4)).toBe(1480);
    expect(wireguardPacketBytes(1420, 1420, 4)).toBe(1480);
    expect(wireguardPacketBytes(1420, 1420, 6)).toBe(1500);
    expect(wireguardPacketBytes(1440, 1440, 4)).toBe(1500);
  });

  test("TCP segments and ping payloads", () => {
    expect([tcpMss(1420, 4), tcpMss(1420, 6)]).toEqual([1380, 1360]);
    expect([pingPayload(1500, 4), pingPayload(1500, 6)]).toEqual([1472, 1452]);
  });
});

describe("what is cut up", () => {
  test.each([
    ["1500 in a tunnel of 1440", 1550, 1440, [1436, 134]],
    ["1500 in a tunnel of 1432, as it was seen on a wire", 1550, 1432, [1428, 142]],
    ["1500 in a tunnel of 1420, which is full", 1550, 1420, [1420, 150]],
    ["what fits", 1440, 1440, [1440]],
    ["one byte more", 1441, 1440, [1436, 25]],
    ["a last one that is full, and no multiple of 8", 2856, 1440, [1436, 1440]],
    ["one byte more than two hold", 2857, 1440, [1436, 1436, 25]],
  ])("%s", (_, packet, mtu, sizes) => {
    expect(fragmentSizes(packet, mtu)).toEqual(sizes);
  });
});

// ── Properties: nothing is ever larger than its path, and not one byte is given away ────────────────────────────────

const anyPath = fc.integer({ min: 400, max: 65_535 });
const anyFamily = fc.constantFrom<IpFamily>(4, 6);

property(
  "a tunnel's packets fit the path, whatever their size up to its MTU; one byte more does not",
  [anyPath, anyFamily, fc.double({ min: 0, max: 1, noNaN: true })],
  (path, outer, fraction) => {
    const mtu = wireguardMtu(path, outer);
    const inner = Math.round(20 + fraction * (mtu - 20));
    expect(wireguardPacketBytes(inner, mtu, outer)).toBeLessThanOrEqual(path);
    expect(wireguardPacketBytes(mtu, mtu, outer)).toBe(path);
    expect(wireguardPacketBytes(mtu + 1, mtu + 1, outer)).toBe(path + 1);
  },
);

property(
  "a segment's frames fit the path through both tunnels; one byte more does not",
  [anyPath, anyFamily, fc.tuple(anyFamily, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }))],
  (path, outer, [vtep, isTagged, fraction]) => {
    const tunnel = wireguardMtu(path, outer);
    const mtu = vxlanMtu(tunnel, vtep, isTagged);
    const onTheWire = (inner: number): number => {
      const between = vxlanPacketBytes(inner, vtep, isTagged);
      return wireguardPacketBytes(between, Math.max(tunnel, between), outer);
    };
    expect(onTheWire(Math.round(20 + fraction * (mtu - 20)))).toBeLessThanOrEqual(path);
    expect(onTheWire(mtu)).toBe(path);
    expect(onTheWire(mtu + 1)).toBe(path + 1);
  },
);

property(
  "pieces fit, carry multiples of 8 bytes but for the last, and all of the packet",
  [fc.integer({ min: 21, max: 65_535 }), fc.integer({ min: 68, max: 9000 })],
  (packet, mtu) => {
    const sizes = fragmentSizes(packet, mtu);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(mtu);
    expect(sizes.slice(0, -1).filter((size) => (size - 20) % 8 !== 0)).toEqual([]);
    expect(sizes.reduce((sum, size) => sum + size - 20, 20)).toBe(packet);
  },
);

property(
  "the smallest of several paths suits all of them",
  [fc.array(fc.tuple(anyPath, anyFamily), { minLength: 1, maxLength: 8 })],
  (peers) => {
    const mtu = Math.min(...peers.map(([path, outer]) => wireguardMtu(path, outer)));
    for (const [path, outer] of peers) expect(wireguardPacketBytes(mtu, mtu, outer)).toBeLessThanOrEqual(path);
    expect(peers.some(([path, outer]) => wireguardPacketBytes(mtu + 1, mtu + 1, outer) > path)).toBe(true);
  },
);

property("a full segment and a full ping are exactly as large as the MTU", [anyPath, anyFamily], (mtu, family) => {
  const header = family === 4 ? 20 : 40;
  expect(tcpMss(mtu, family) + 20 + header).toBe(mtu);
  expect(pingPayload(mtu, family) + 8 + header).toBe(mtu);
});
