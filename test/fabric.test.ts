/** Numbers of a fabric that stands: route targets, tables, a gateway's MAC and VXLAN's port. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { parseRouteTarget } from "../src/base/route-target.ts";
import { contentOf } from "../src/emit/file.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";

describe("a route target", () => {
  test.each(["1:0", "65535:4294967295", "65536:65535", "4294967294:1", "192.0.2.1:65535"])("%s", (text) =>
    expect(parseRouteTarget(text)).toBe(text),
  );

  test.each([
    "65535:4294967296",
    "65536:65536",
    "4294967295:1",
    "192.0.2.1:65536",
    "192.0.2.256:1",
    "192.0.2:1",
    "1.10:1",
    "0:1",
    "065000:1",
    "65000:01",
    "65000",
    "65000:",
    "*:1",
    " 65000:1",
    "65000:1\n",
    "65000:1 65000:2",
  ])("not %j", (text) => expect(parseRouteTarget(text)).toBeUndefined());
});

/** Two hosts, a segment and a VRF. */
const fabric = ({ segment = "", vrf = "", subnet = "", rest = "bgp: {asn: 65000}\n", sites = ["x", "y"] }) => `
wireguard: {addresses: [10.250.0.0/24]}
sites: {x: , y: {asn: 4200000001}}
hosts:
  alpha: {id: 1, site: ${sites[0]}, endpoint: 192.0.2.1}
  beta: {id: 2, site: ${sites[1]}, endpoint: 192.0.2.2}
vrfs: {blue: {vni: 200${vrf}}}
subnets:
  s: {cidr: 10.77.0.0/24, vxlan: {vni: 100${segment}}, hosts: all, gateway: 10.77.0.1, vrf: blue${subnet}}
${rest}`;

/** What FRR is told of the segment on a host. */
function toldOf(body: string, host: string) {
  const { bgp } = hostOf(modelOf(body), host);
  const [segment] = bgp.kind === "none" ? [] : bgp.vnis;
  return segment?.routeTargets;
}

describe("what FRR is told of route targets", () => {
  test("nothing, where there are none", () => {
    expect(toldOf(fabric({}), "alpha")).toBeUndefined();
  });

  test("with an import also what the members derive, each in its AS, and the host's own last", () => {
    const body = fabric({ segment: ", routeTargets: {import: [64512:100, 65100:100, 64512:100]}" });
    // 4200000001 ends in 59905 (16 bits).
    const importsOf = (host: string) => toldOf(body, host)?.imports;
    expect(importsOf("alpha")).toEqual(["59905:100", "64512:100", "65100:100", "65000:100"]);
    expect(importsOf("beta")).toEqual(["64512:100", "65000:100", "65100:100", "59905:100"]);
    expect(toldOf(body, "alpha")?.exports).toEqual([]);
  });

  test("with an export that is taken in as well", () => {
    const body = fabric({ segment: ", routeTargets: {export: 65000:9100}" });
    expect(toldOf(body, "beta")).toEqual({ imports: ["65000:9100"], exports: ["65000:9100"] });
  });

  test("no line for what FRR derives by itself, which it would not keep", () => {
    const body = fabric({ segment: ", routeTargets: {export: 65000:100}" });
    expect(toldOf(body, "alpha")).toBeUndefined();
    expect(toldOf(body, "beta")).toEqual({ imports: ["65000:100"], exports: ["65000:100"] });
  });

  test("beside others it is told last", () => {
    const body = fabric({ segment: ", routeTargets: {export: [65000:100, 65200:1]}" });
    const both = ["65200:1", "65000:100"];
    expect(toldOf(body, "alpha")).toEqual({ imports: both, exports: both });
  });

  test("a VRF is told in its own block", () => {
    const [vrf] = hostOf(modelOf(fabric({ vrf: ", routeTargets: {import: 64512:200}" })), "alpha").vrfs;
    expect(vrf?.routeTargets).toEqual({ imports: ["59905:200", "64512:200", "65000:200"], exports: [] });
  });

  test("without BGP nothing, which is an error of its own", () => {
    const { model, diagnostics } = compileText(fabric({ segment: ", routeTargets: {import: 64512:100}", rest: "" }));
    expect(diagnostics.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["subnet-key-conflict", "vrf-without-bgp"]),
    );
    expect(model?.hosts[0]?.vrfs[0]?.routeTargets).toEqual({ imports: [], exports: [] });
  });
});

describe("a neighbour that passes nothing on", () => {
  const patternOf = (body: string): string => {
    const file = must(
      compileText(body).files.find(({ path }) => path === "alpha/etc/frr/frr.conf"),
      "alpha has one",
    );
    const text = new TextDecoder().decode(contentOf(file));
    return / permit (\^.*)$/m.exec(text)?.[1] ?? "";
  };
  const one = ["x", "x"];

  test("speaks of its networks by their targets, whose dots are dots", () => {
    const targets = ', routeTargets: {export: ["192.0.2.1:7", 65000:9100]}';
    expect(patternOf(fabric({ segment: targets, sites: one }))).toContain(
      "(RT:65000:(200)|RT:192\\.0\\.2\\.1:7|RT:65000:9100|[^R ]",
    );
  });

  test("may have no network but such", () => {
    const all = { segment: ", routeTargets: {export: 65000:9100}", vrf: ", routeTargets: {export: 65000:9200}" };
    expect(patternOf(fabric({ ...all, sites: one }))).toMatch(/^\^\(\(RT:65000:9100\|RT:65000:9200\|\[/);
  });

  test("is not told apart where the line would be too long for FRR", () => {
    const many = (count: number) => {
      const targets = Array.from({ length: count }, (_, index) => `65000:${90_000 + index}`);
      return patternOf(fabric({ segment: `, routeTargets: {export: [${targets.join(", ")}]}`, sites: one }));
    };
    expect(many(128)).toContain("RT:65000:90127");
    expect(many(128).length).toBeLessThan(4096);
    expect(many(129)).toBe("");
  });
});

describe("a VRF's table", () => {
  test("is its VNI, or what it says", () => {
    const tableOf = (vrf: string) => modelOf(fabric({ vrf })).vrfs[0]?.table;
    expect(tableOf("")).toBe(200);
    expect(tableOf(", table: 4294967295")).toBe(4_294_967_295);
  });
});

describe("a gateway's MAC", () => {
  const bridgeOf = (subnet: string, host: string) => hostOf(modelOf(fabric({ subnet })), host).bridges[0];

  test("is that of all members, in lower case", () => {
    for (const host of ["alpha", "beta"])
      expect(bridgeOf(", gatewayMac: 00:00:5E:00:53:01", host)?.macAddress).toBe("00:00:5e:00:53:01");
  });

  test("makes a gateway of a single host one that is elsewhere as well", () => {
    const alone = (subnet: string) => modelOf(fabric({ subnet }).replace("hosts: all, g", "hosts: [alpha], g"));
    expect(hostOf(alone(""), "alpha").bridges[0]?.isSharedGateway).toBe(false);
    expect(hostOf(alone(", gatewayMac: 00:00:5e:00:53:01"), "alpha").bridges[0]?.isSharedGateway).toBe(true);
  });

  test.each([
    ["02:00:00:64:00:00", "its own derived one", []],
    [
      "22:00:00:c8:00:02",
      "a router's",
      [
        "mac-taken: the gateway of s cannot have the MAC 22:00:00:c8:00:02, which is that of the router of the VRF blue on beta",
      ],
    ],
    [
      "fe:00:00:c8:00:01",
      "a vxlan device's of a VRF",
      [
        "mac-taken: the gateway of s cannot have the MAC fe:00:00:c8:00:01, which is that of the vxlan device of the VRF blue on alpha",
      ],
    ],
  ])("%s: %s", (mac, _, messages) => {
    expect(messagesOf(fabric({ subnet: `, gatewayMac: "${mac}"` }))).toEqual(messages);
  });

  test("is not that of another bridge, but may be that of another gateway", () => {
    const another = (key: string) =>
      `  t: {cidr: 10.78.0.0/24, vxlan: {vni: 101}, hosts: all, gateway: 10.78.0.1, vrf: blue${key}}\nbgp: {asn: 65000}\n`;
    const pinned = (mac: string, key = "") =>
      messagesOf(fabric({ subnet: `, gatewayMac: "${mac}"`, rest: another(key) }));
    expect(pinned("02:00:00:65:00:00")).toEqual([expect.stringMatching("the bridge of t on")]);
    expect(pinned("00:00:5e:00:53:01", ", gatewayMac: 00:00:5e:00:53:01")).toEqual([]);
  });
});

describe("VXLAN's port", () => {
  const portsOf = (rest: string) =>
    modelOf(fabric({ rest: `bgp: {asn: 65000}\n${rest}` })).hosts.flatMap(({ vxlans, vrfs }) => [
      ...vxlans.map(({ port }) => port),
      ...vrfs.map(({ vxlan }) => vxlan.port),
    ]);

  test("is one for all devices", () => {
    expect(portsOf("")).toEqual([4789, 4789, 4789, 4789]);
    expect(portsOf("vxlanPort: 8472\n")).toEqual([8472, 8472, 8472, 8472]);
  });

  test("is not that of a tunnel, nor of BFD where that is on", () => {
    const found = (rest: string) => messagesOf(fabric({ rest })).map((each) => each.split(":")[0]);
    expect(found("bgp: {asn: 65000}\nvxlanPort: 51820\n")).toEqual(["listen-port-taken"]);
    expect(found("bgp: {asn: 65000}\nvxlanPort: 3784\n")).toEqual([]);
    expect(found("bgp: {asn: 65000, bfd: {}}\nvxlanPort: 3784\n")).toEqual(["vxlan-port-taken"]);
  });
});

test("who is alone in a segment tells others of its gateway where targets say that there are others", () => {
  const spoken = (targets: string) => {
    const { bgp } = hostOf(
      modelOf(`
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
subnets:
  s: {cidr: 10.77.0.0/24, vxlan: {vni: 100${targets}}, hosts: [alpha], gateway: {alpha: 10.77.0.1}}
  t: {vxlan: {vni: 101}, hosts: all}
`),
      "alpha",
    );
    return bgp.kind === "none" ? [] : bgp.vnis.map(({ vni, advertise }) => [vni, advertise]);
  };
  expect(spoken("")).toEqual([]);
  expect(spoken(", routeTargets: {import: '64512:100'}")).toEqual([[100, "default-gateway"]]);
});
