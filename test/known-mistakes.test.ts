/** What goes wrong in practice when such files are written by hand or by program, each as a test that it does not here. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { schema } from "../src/validate/schema.generated.ts";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";
import { listFixtures, runFixture } from "./fixtures.ts";
import { testPublicKey } from "./test-keys.ts";

const POOL = "wireguard: {addresses: [10.250.0.0/24]}\n";
const POOL6 = 'wireguard: {addresses: ["fd00:250::/64"]}\n';

/** Two hosts, the first with what is given. */
const pair = (alpha: string, beta = "endpoint: 192.0.2.2"): string =>
  `hosts:\n  alpha: {id: 1, ${alpha}}\n  beta: {id: 2, ${beta}}\n`;

/** A file of a topology without errors, as text. */
function textOf(body: string, path: string): string {
  const { files, diagnostics } = compileText(body);
  expect(diagnostics.filter((each) => each.severity === "error").map((each) => each.message)).toEqual([]);
  const file = must(
    files.find((each) => each.path === path),
    `there is ${path}`,
  );
  return new TextDecoder().decode(contentOf(file));
}

const tunnelOf = (body: string, host: string): string => textOf(body, `${host}/etc/wireguard/wg0.conf`);

/** The values of one key in a file, in order. */
const valuesOf = (text: string, key: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^${key} ?= ?(.*)$`, "gm"))].map((match) => match[1] as string);

const endpointsOf = (body: string): readonly string[] => valuesOf(tunnelOf(body, "beta"), "Endpoint");

describe("endpoints", () => {
  test("an IPv6 endpoint has its brackets, once", () => {
    expect(endpointsOf(POOL + pair('endpoint: "[2001:db8::2]"'))).toEqual(["[2001:db8::2]:51820"]);
    expect(endpointsOf(POOL + pair('endpoint: "[2001:db8::2]:1234"'))).toEqual(["[2001:db8::2]:1234"]);
    expect(endpointsOf(POOL + pair('endpoint: "[2001:DB8:0::2]:1234"'))).toEqual(["[2001:db8::2]:1234"]);
  });

  test.each(["2001:db8::1", "2001:db8:2::1:1234", "[[2001:db8:2::1]:1234]:43783", "[2001:db8::1", "fe80::1%eth0"])(
    "without its brackets, or with too many, it is refused with the right spelling: %s",
    (endpoint) => {
      const { diagnostics, files } = compileText(POOL + pair(`endpoint: "${endpoint}"`));
      expect(diagnostics.map((each) => each.code)).toEqual(["endpoint-malformed"]);
      expect(diagnostics[0]?.hint).toMatch(/endpoint: ("\[[0-9a-f:]+\](:\d+)?"|\S+:\d+)$/);
      expect(files).toEqual([]);
    },
  );

  test("a port that is there already is not appended once more", () => {
    expect(endpointsOf(POOL + pair("endpoint: 203.0.113.9:1234, behindNat: true"))).toEqual(["203.0.113.9:1234"]);
    const named = textOf(POOL + pair("endpoint: roz.example.net:51820"), "beta/etc/netgen/wg0.endpoints");
    expect(named).toMatch(/\broz\.example\.net 51820\b/);
    expect(named).not.toContain("51820:51820");
    expect(messagesOf(POOL + pair('endpoint: "example.com:51820:51820"'))[0]).toMatch(/^endpoint-malformed/);
  });
});

describe("addresses", () => {
  test.each(["not-an-ip", "10.250.0", "010.250.0.1", "10.250.0.256", "10.250.0.1/24", "fd00::%1", "::ffff:10.0.0.1"])(
    "an address that is none is not written as it is: %s",
    (address) => {
      const [message = ""] = messagesOf(POOL + pair(`endpoint: 192.0.2.1, addresses: ["${address}"]`));
      expect(message).toMatch(/^address-(malformed|outside-pool): /);
      expect(message).toContain(address.startsWith("::ffff") ? "::ffff:" : address);
    },
  );

  test("AllowedIPs that the kernel would mask, so that the last peer takes the range of the first, are refused", () => {
    const body =
      POOL + pair("endpoint: 192.0.2.1, routes: [10.1.0.1/16]", "endpoint: 192.0.2.2, routes: [10.1.0.2/16]");
    expect(messagesOf(body)).toEqual([
      'prefix-host-bits: "10.1.0.1/16" has host bits set: the network is 10.1.0.0/16',
      'prefix-host-bits: "10.1.0.2/16" has host bits set: the network is 10.1.0.0/16',
    ]);
    expect(messagesOf(body.replaceAll(/10\.1\.0\.[12]/g, "10.1.0.0"))).toEqual([
      expect.stringMatching(/^prefix-overlap: 10\.1\.0\.0\/16 \(a route of beta\) and 10\.1\.0\.0\/16/),
    ]);
  });

  test("a tunnel address is one address in AllowedIPs, with the length of its own family", () => {
    const both = 'wireguard: {addresses: [10.250.0.0/24, "fd00:250::/64"]}\n';
    expect(valuesOf(tunnelOf(both + pair("endpoint: 192.0.2.1"), "beta"), "AllowedIPs")).toEqual([
      "10.250.0.1/32, fd00:250::1/128",
    ]);
  });
});

describe("MTU", () => {
  const segment = (rest = ""): string => `subnets: {s: {vxlan: {vni: 100}, hosts: all${rest}}}\n`;
  const mtuOf = (body: string): readonly [number, number] => {
    const [host] = modelOf(body).hosts;
    return [host?.interfaces[0]?.mtu ?? 0, host?.vxlans[0]?.mtu ?? 0];
  };
  const six = 'endpoint: "[2001:db8::1]"';

  test("the tunnel is smaller than its path by 60 bytes over IPv4 and by 80 over IPv6, and never as large as it", () => {
    expect(mtuOf(POOL + pair("endpoint: 192.0.2.1") + segment())).toEqual([1440, 1390]);
    expect(mtuOf(POOL + pair(six) + segment())).toEqual([1420, 1370]);
  });

  test("an IPv4-only underlay costs 60, not always 80: also by name, if names are said to be IPv4", () => {
    const named = pair("endpoint: a.example.net", "endpoint: b.example.net");
    expect(mtuOf(POOL + named + segment())[0]).toBe(1420);
    expect(mtuOf(`${POOL}underlay: {ipVersion: 4}\n${named}${segment()}`)[0]).toBe(1440);
  });

  test("between IPv6 VTEPs VXLAN costs 70, not 50", () => {
    expect(mtuOf(POOL6 + pair("endpoint: 192.0.2.1") + segment())).toEqual([1440, 1370]);
    expect(mtuOf(POOL6 + pair(six) + segment())).toEqual([1420, 1350]);
    // On a path of 1580 the tunnel has 1500 bytes, and what is inside has 1430, as RFC 7348 and RFC 8200 add up to.
    expect(mtuOf(`${POOL6}underlay: {pathMtu: 1580}\n${pair(six)}${segment()}`)).toEqual([1500, 1430]);
  });

  test("both layers are taken off, each once and in its place", () => {
    const path = (mtu: number): string =>
      `${POOL}underlay: {pathMtu: ${mtu}}\n${pair("endpoint: 192.0.2.1")}${segment()}`;
    expect([1492, 9000].map((mtu) => mtuOf(path(mtu)))).toEqual([
      [1432, 1382],
      [8940, 8890],
    ]);
    expect(messagesOf(`${path(1400)}`.replace("100}", '100}, cidr: "fd77::/64"'))).toEqual([]);
    expect(messagesOf(`${path(1380)}`.replace("100}", '100}, cidr: "fd77::/64"'))[0]).toMatch(
      /^mtu-segment-below-ipv6/,
    );
  });

  test("both ends of a tunnel, and all of a segment, have one MTU, whatever a device's default is", () => {
    const three = `${POOL}underlay: {paths: [{between: [alpha, gamma], mtu: 1400}]}\n${pair("endpoint: 192.0.2.1")}`;
    const { hosts } = modelOf(`${three}  gamma: {id: 3, endpoint: 192.0.2.3}\n${segment()}`);
    expect(hosts.map((host) => host.interfaces[0]?.mtu)).toEqual([1340, 1440, 1340]);
    expect(hosts.map((host) => [host.vxlans[0]?.mtu, host.bridges[0]?.mtu])).toEqual(hosts.map(() => [1290, 1290]));
  });

  test("it is written out wherever a program would else choose for itself", () => {
    const body = POOL + pair("endpoint: 192.0.2.1") + segment();
    expect(valuesOf(tunnelOf(body, "alpha"), "MTU")).toEqual(["1440"]);
    for (const file of ["20-netgen-vx100.netdev", "20-netgen-br100.network"]) {
      expect(valuesOf(textOf(body, `alpha/etc/systemd/network/${file}`), "MTUBytes")).toEqual(["1390"]);
    }
  });
});

describe("keepalive", () => {
  const hidden = POOL + pair("behindNat: true");

  test("is sent by the side behind the NAT, and written in that side's file", () => {
    expect(valuesOf(tunnelOf(hidden, "alpha"), "PersistentKeepalive")).toEqual(["25"]);
    expect(valuesOf(tunnelOf(hidden, "beta"), "PersistentKeepalive")).toEqual(["0"]);
    expect(valuesOf(tunnelOf(hidden, "beta"), "Endpoint")).toEqual([]);
  });

  test("is sent from behind a forwarded port as well: the mapping that the peer answers to expires", () => {
    const forwarded = POOL + pair("behindNat: true, endpoint: 203.0.113.9");
    expect(valuesOf(tunnelOf(forwarded, "alpha"), "PersistentKeepalive")).toEqual(["25"]);
    expect(valuesOf(tunnelOf(forwarded, "beta"), "PersistentKeepalive")).toEqual(["0"]);
  });

  test("is sent by nobody where both can be dialled", () => {
    const open = POOL + pair("endpoint: 192.0.2.1");
    for (const host of ["alpha", "beta"]) expect(valuesOf(tunnelOf(open, host), "PersistentKeepalive")).toEqual(["0"]);
  });
});

describe("settings of the kernel", () => {
  const settings = (alpha: string): readonly string[] =>
    linesOf(`${POOL}${pair(`endpoint: 192.0.2.1, ${alpha}`)}`, "alpha/etc/sysctl.d/90-netgen.conf");

  test("a dot in the name of an interface is no step of the path", () => {
    const body = (name: string): string =>
      `wireguard: {addresses: [10.250.0.0/24], interface: ${name}}\n${pair("endpoint: 192.0.2.1, routes: [10.9.0.0/24]")}`;
    const filters = (name: string): readonly string[] =>
      linesOf(body(name), "alpha/etc/sysctl.d/90-netgen.conf").filter((line) => line.includes("rp_filter"));
    expect(filters("wg0")).toEqual([expect.stringMatching(/^-net\.ipv4\.conf\.wg0\.rp_filter = /)]);
    expect(filters("wg.0")).toEqual([expect.stringMatching(/^-net\/ipv4\/conf\/wg\.0\/rp_filter = /)]);
  });

  test("for an interface that is not there yet the user's are no mistake at boot either; others are, where they fail", () => {
    const users = [
      "net.core.rmem_max",
      "net.ipv4.conf.all.rp_filter",
      "net.ipv4.conf.eth1.rp_filter",
      "net/ipv6/neigh/eth1.5/ucast_solicit",
    ];
    expect(settings(`extra: {sysctl: {${users.map((key) => `${key}: 1`).join(", ")}}}`)).toEqual([
      "net.core.rmem_max = 1",
      "net.ipv4.conf.all.rp_filter = 1",
      "-net.ipv4.conf.eth1.rp_filter = 1",
      "-net/ipv6/neigh/eth1.5/ucast_solicit = 1",
    ]);
  });

  test("those of a bridge's filter are there once its module is, however they are spelt", () => {
    const modules = (key: string): readonly string[] =>
      linesOf(
        `${POOL}${pair(`endpoint: 192.0.2.1, extra: {sysctl: {${key}: 1}}`)}`,
        "alpha/etc/modules-load.d/netgen.conf",
      );
    expect(modules("net.core.rmem_max")).toEqual(["wireguard"]);
    for (const key of ["net.bridge.bridge-nf-call-iptables", "net/bridge/bridge-nf-call-iptables"]) {
      expect(modules(key), key).toEqual(["wireguard", "br_netfilter"]);
    }
  });
});

describe("SNAT", () => {
  test("a prefix is translated in its own family only", () => {
    const subnets = 'subnets: {s: {cidr: [10.1.1.0/24, "fd01::/64"], hosts: [alpha], snat: true}}\n';
    const text = textOf(POOL + pair("endpoint: 192.0.2.1, uplink: eth0") + subnets, "alpha/etc/netgen/netgen.nft");
    const rules = text.split("\n").filter((line) => line.includes("masquerade"));
    expect(rules).toHaveLength(2);
    expect(rules.filter((rule) => /\bip saddr 10\.1\.1\.0\/24/.test(rule))).toHaveLength(1);
    expect(rules.filter((rule) => /\bip6 saddr fd01::\/64/.test(rule))).toHaveLength(1);
  });
});

describe("examples", () => {
  test("every shipped scenario compiles", () => {
    const scenarios = listFixtures().filter((fixture) => fixture.kind === "scenario");
    expect(scenarios.map((each) => each.name)).toContain("minimal");
    for (const fixture of scenarios)
      expect(runFixture(fixture).compilation.files.length, fixture.name).toBeGreaterThan(0);
  });

  test("so does the schema's, and it is what the schema says", () => {
    const [example] = (schema as { readonly examples: readonly object[] }).examples;
    const publicKeys = { alpha: testPublicKey("alpha"), beta: testPublicKey("beta") };
    const { diagnostics, files } = compile({ name: "t.yaml", text: JSON.stringify(example) }, { publicKeys });
    expect(diagnostics).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
  });
});

describe("numbers", () => {
  test("addresses follow from ids, never from places in a list: a host taken out moves nobody", () => {
    const third = "  gamma: {id: 3, endpoint: 192.0.2.3}\n";
    const all = modelOf(POOL + pair("endpoint: 192.0.2.1") + third);
    const fewer = modelOf(POOL + pair("endpoint: 192.0.2.1").replace(/ {2}beta.*\n/, "") + third);
    expect(hostOf(fewer, "gamma").interfaces[0]?.addresses).toEqual(hostOf(all, "gamma").interfaces[0]?.addresses);
  });
});
