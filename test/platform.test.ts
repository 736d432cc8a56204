/** `platform` and `docker`: what each host's programs know, and who else is on the host. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMON_PROGRAMS, isOlder, knows, NEEDS, PROGRAMS } from "../src/base/programs.ts";
import { PLATFORMS } from "../src/resolve/hosts/platform.ts";
import { compileText, hostOf, modelOf } from "./compile-text.ts";

const topology = (keys: string, others = ""): string => `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, ${keys}}
  beta: {id: 2, endpoint: 192.0.2.2}
${others}subnets:
  s: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all, gateway: {alpha: 10.77.0.1}}
bgp: {asn: 65000}
`;

function texts(body: string): ReadonlyMap<string, string> {
  const own = compileText(body).files.filter(({ path }) => path.startsWith("alpha/"));
  return new Map(own.map(({ path, content }) => [path.slice("alpha/".length), Buffer.concat(content).toString()]));
}

describe("platforms", () => {
  test.each([
    ["debian12", false, "networkd", "complete"],
    ["debian13", true, "networkd", "complete"],
    ["proxmox8", false, "other", "snippet"],
    ["proxmox9", true, "other", "snippet"],
    ["ubuntu2204", false, "networkd", "complete"],
    ["ubuntu2404", false, "networkd", "complete"],
    ["rocky9", false, "NetworkManager", "complete"],
    ["alma9", false, "NetworkManager", "complete"],
    ["fedora44", true, "NetworkManager", "complete"],
  ] as const)("%s", (platform, isNew, networkManager, frrMode) => {
    const alpha = hostOf(modelOf(topology(`platform: ${platform}`)), "alpha");
    expect(alpha).toMatchObject({ platform, networkManager, frrMode });
    expect(alpha.programs).toEqual(PLATFORMS[platform]);
    const files = texts(topology(`platform: ${platform}, frr: complete`));
    const settings = files.get("etc/systemd/networkd.conf.d/10-netgen.conf") ?? "";
    expect(settings.includes("ManageForeignNextHops=no")).toBe(isNew);
    expect(files.get("etc/frr/daemons")?.includes('mgmtd_options="-A 127.0.0.1"')).toBe(isNew);
    expect(files.get("etc/sysctl.d/90-netgen.conf")?.includes("99-sysctl.conf")).toBe(
      !isNew || platform === "fedora44",
    );
  });

  test.each([
    ["networkManager: other", true],
    ["networkManager: other, acceptRa: false", false],
    ["networkManager: networkd", false],
    ["networkManager: networkd, acceptRa: true", true],
    ["networkManager: NetworkManager", false],
    ["", false],
    ["platform: proxmox8", true],
  ])("where the kernel takes router advertisements it goes on to: %s", (keys, takes) => {
    const body = topology(`uplink: eth0${keys === "" ? "" : `, ${keys}`}`);
    const subnets = 'subnets:\n  lab: {cidr: "fd67::/64", hosts: [alpha], gateway: "fd67::1"}\n  ';
    const settings = (text: string) => texts(text).get("etc/sysctl.d/90-netgen.conf") ?? "";
    expect(settings(body.replace("subnets:\n  ", subnets)).includes("eth0.accept_ra = 2")).toBe(takes);
    expect(settings(body)).not.toContain("accept_ra");
  });

  test.each([
    ["ubuntu2204", false],
    ["debian12", true],
  ])("networkd is told to leave a bridge of others' alone where it knows how: %s", (platform, isTold) => {
    const body = topology(`platform: ${platform}`).replace(
      "hosts: all",
      "hosts: all, vlan: 7, bridge: {name: vmbr1, existing: true}",
    );
    const joined = texts(body).get("etc/systemd/network/20-netgen-vx100.network") ?? "";
    expect(joined).toContain("ActivationPolicy=manual");
    expect(/^KeepMaster=yes$/m.test(joined)).toBe(isTold);
    const plain = texts(body.replace("vlan: 7, ", "")).get("etc/systemd/network/20-netgen-vmbr1.netdev") ?? "";
    expect(plain).toContain("Kind=bridge");
    expect(/^MACAddress=none$/m.test(plain)).toBe(isTold);
    // By this the program that takes a fleet off a host, and a bundle, tell it from a bridge of netgen's.
    expect(plain).toMatch(/MACAddress=none$/m);
  });

  test("NetworkManager is told of each link that is not its own, a cable to guests too, and of no bridge of others'", () => {
    const path = "etc/NetworkManager/conf.d/90-netgen.conf";
    const body = (keys: string) => topology(keys).replace("hosts: all", "hosts: all, ports: {alpha: [eth1]}");
    const told = texts(body("networkManager: NetworkManager")).get(path) ?? "";
    const names = ["br100", "eth1", "vx100", "wg0"].map((name) => `interface-name:=${name}`);
    expect(told).toContain(`\n[device-netgen]\nmatch-device=${names.join(",")}\nmanaged=0\n`);
    const existing = body("platform: rocky9").replace("hosts: all", "hosts: all, bridge: {name: br0, existing: true}");
    expect(texts(existing).get(path)).toContain(`match-device=${names.slice(1).join(",")}\n`);
    expect([...texts(body("networkManager: other")).keys()]).not.toContain(path);
  });

  test("what the topology says goes before what the platform implies", () => {
    const alpha = hostOf(modelOf(topology("platform: proxmox9, networkManager: networkd, frr: complete")), "alpha");
    expect(alpha).toMatchObject({ networkManager: "networkd", frrMode: "complete" });
  });
});

describe("FRR", () => {
  test.each(["lib", "libexec"])("is reloaded by its program where the distribution has it: /usr/%s", (place) => {
    const root = mkdtempSync(join(tmpdir(), "netgen-frr-"));
    const program = join(root, place, "frr/frr-reload.py");
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
    const script = (texts(topology("")).get("etc/netgen/frr-reload") ?? "").replaceAll("/usr/", `${root}/`);
    const { stdout } = spawnSync("bash", ["-s", "--", "--reload"], { input: script, encoding: "utf8" });
    rmSync(root, { recursive: true });
    expect(stdout).toMatch(/^--confdir \S+ --reload$/m);
  });

  const VRF = "vrfs: {blue: {vni: 5000}}\n";
  const ofBlue = (keys: string): string =>
    topology(keys).replace("hosts: all, gateway", "hosts: all, vrf: blue, gateway");

  test.each([
    ["debian12", true],
    ["debian13", false],
  ])("hides its nexthops from a networkd that would remove them: %s", (platform, hides) => {
    const routed = ofBlue(`platform: ${platform}`).replace("{alpha: 10.77.0.1}", "10.77.0.1") + VRF;
    const conf = texts(routed).get("etc/frr/frr.conf") ?? "";
    expect(conf).toContain("vrf blue");
    expect(conf.includes("no zebra nexthop kernel enable")).toBe(hides);
    // Without a route of FRR's there is none to lose.
    expect(texts(topology(`platform: ${platform}`)).get("etc/frr/frr.conf")).not.toContain("zebra nexthop");
  });

  test.each([
    ["", true],
    ["platform: debian13", true],
    ['programs: {frr: "8.5.2"}', false],
    ['programs: {frr: "8.5.3"}', true],
    ["frr: snippet", true],
  ])("takes of its neighbours what is of their networks, where its route-maps can: %s", (keys, takes) => {
    const files = texts(topology(keys));
    const conf = files.get("etc/frr/frr.conf") ?? files.get("etc/netgen/frr.conf.snippet") ?? "";
    expect(conf).toContain("router bgp");
    expect(/list expanded NETWORKS-1 seq \d+ permit \^\(\(RT:65000:\(100\)\|/.test(conf)).toBe(takes);
    expect(conf.includes("neighbor PEERS route-map NETWORKS-1 in")).toBe(takes);
  });

  test("of a host in more networks than a line of FRR's has room for anything is taken", () => {
    const segments = (count: number) =>
      Array.from({ length: count }, (_, index) => `  s${index}: {vxlan: {vni: ${16_000_000 + index}}, hosts: all}\n`);
    const many = (count: number) => texts(topology("").replace(/ {2}s: .*\n/, segments(count).join("")));
    const lines = (many(400).get("etc/frr/frr.conf") ?? "").split("\n").map(({ length }) => length);
    expect(Math.max(...lines)).toBeGreaterThan(3600);
    expect(Math.max(...lines)).toBeLessThan(4096);
    expect(many(401).get("etc/frr/frr.conf")).not.toContain("NETWORKS-");
  });

  test("and each other host of its group has a line of its own, as all in a group have what it has", () => {
    const segments = Array.from(
      { length: 401 },
      (_, index) => `  s${index}: {vxlan: {vni: ${1000 + index}}, hosts: [alpha, beta]}\n`,
    );
    const others = "  gamma: {id: 3, endpoint: 192.0.2.3}\n  delta: {id: 4, endpoint: 192.0.2.4}\n";
    const conf = texts(topology("", others).replace("bgp:", `${segments.join("")}bgp:`)).get("etc/frr/frr.conf") ?? "";
    expect(conf.match(/neighbor \S+ route-map NETWORKS-\d+ in/g)).toEqual([
      "neighbor 10.250.0.3 route-map NETWORKS-1 in",
      "neighbor 10.250.0.4 route-map NETWORKS-1 in",
    ]);
  });

  test.each([
    ["complete", ["frr.service"]],
    ["snippet", []],
  ])("its unit is the user's where its files are: %s", (mode, units) => {
    const enabled = compileText(topology(`frr: ${mode}`)).units.alpha ?? [];
    expect(enabled.filter((unit) => unit.startsWith("frr"))).toEqual(units);
    expect(enabled).toContain("netgen-nftables.service");
  });
});

describe("programs", () => {
  test.each([
    ["10.2", "10.10", true],
    ["10.10", "10.2", false],
    ["9", "10", true],
    ["10", "10.0.0", false],
    ["10.0.0", "10", false],
    ["10", "10.0.0.1", true],
    ["1.0.20191226", "1.0.20210914", true],
    ["17.6", "17.06", false],
  ])("%s is older than %s: %s", (version, other, expected) => {
    expect(isOlder(version, other)).toBe(expected);
  });

  test("a feature is there from its first version until the first one without it", () => {
    const isKnown = (systemd: string) =>
      (["networkd-foreign-next-hops", "sysctl-conf"] as const).map((name) =>
        knows({ ...PLATFORMS.debian12, systemd }, name),
      );
    expect(["255.99", "256", "257"].map(isKnown)).toEqual([
      [false, true],
      [true, true],
      [true, false],
    ]);
  });

  test("every platform has what netgen needs, in the form that a topology may state", () => {
    const { "wireguard-app": none, ...distributions } = PLATFORMS;
    expect(new Set(Object.values(none))).toEqual(new Set(["none"]));
    for (const versions of Object.values(distributions)) {
      for (const program of PROGRAMS) {
        expect(versions[program]).toMatch(/^\d+(\.\d+){0,3}$/);
      }
      for (const program of COMMON_PROGRAMS) {
        expect(isOlder(versions[program], NEEDS[program].oldest)).toBe(false);
      }
    }
  });

  test("a host's own versions go before those of hostDefaults, and these before the platform's, each by itself", () => {
    const body = topology('platform: debian13, programs: {frr: "8.5"}');
    const stated = `hostDefaults: {programs: {frr: "10.4", nft: "1.1.5"}}\n${body}`;
    const [alpha, beta] = ["alpha", "beta"].map((name) => hostOf(modelOf(stated), name).programs);
    expect(alpha).toEqual({ ...PLATFORMS.debian13, frr: "8.5", nft: "1.1.5" });
    expect(beta).toEqual({ ...PLATFORMS.debian12, frr: "10.4", nft: "1.1.5" });
    expect(texts(stated).get("etc/frr/daemons")).not.toContain("mgmtd_options");
  });

  test("the oldest that netgen can write for will do", () => {
    const oldest = PROGRAMS.map((program) => `${program}: "${NEEDS[program].oldest}"`).join(", ");
    expect(compileText(topology(`programs: {${oldest}}`)).diagnostics).toEqual(
      compileText(topology("platform: debian12")).diagnostics,
    );
  });

  test("what hostDefaults state too old is said once, at its place", () => {
    const text = `hostDefaults: {programs: {systemd: "248.9"}}\n${topology("platform: debian12")}`;
    const found = compileText(text).diagnostics.filter(({ code }) => code === "program-too-old");
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining("systemd 248.9 of alpha is older than 249"),
    ]);
  });
});

describe("docker", () => {
  test("the overlay's links let each other through, and guests the uplink; Docker's own links are not named", () => {
    const rules = texts(topology("docker: true, uplink: eth0")).get("etc/netgen/docker.rules4") ?? "";
    const matches = [...rules.matchAll(/^-A NETGEN (.*) -j ACCEPT$/gm)].map(([, match]) => match);
    expect(matches).toEqual([
      "-i wg0 -o wg0",
      "-i wg0 -o br100",
      "-i br100 -o wg0",
      "-i br100 -o br100",
      "-i br100 -o eth0",
      "-i eth0 -o br100 -m conntrack --ctstate RELATED,ESTABLISHED",
      "-i wg0 -d 10.77.0.0/24",
      "-o wg0 -s 10.77.0.0/24",
    ]);
  });

  test("what a declared LAN begins, or a host on it, reaches the guests of its gateway, each family by its own rules", () => {
    const site = 'sites: {roz: {lan: [192.168.2.0/24, "fd02::/64"], gateways: [alpha]}}\n';
    const outsider = "  gamma: {id: 9, site: roz, wireguard: false, lanEndpoint: 192.168.2.9, routes: [10.9.0.0/24]}\n";
    const body = topology("docker: true, uplink: eth0, site: roz, lanEndpoint: 192.168.2.3", outsider) + site;
    const fromLans = ([4, 6] as const).map((family) => {
      const rules = texts(body).get(`etc/netgen/docker.rules${family}`) ?? "";
      return rules.split("\n").filter((line) => line.startsWith("-A NETGEN -i eth0 -o br100 -s "));
    });
    expect(fromLans).toEqual([
      ["-A NETGEN -i eth0 -o br100 -s 10.9.0.0/24 -j ACCEPT", "-A NETGEN -i eth0 -o br100 -s 192.168.2.0/24 -j ACCEPT"],
      ["-A NETGEN -i eth0 -o br100 -s fd02::/64 -j ACCEPT"],
    ]);
  });

  test("from version 28 on what the tunnel brings for this host passes what Docker drops in raw PREROUTING", () => {
    const rulesOf = (docker: string, family: 4 | 6): string | undefined =>
      texts(topology(`docker: true, programs: {docker: "${docker}"}`)).get(`etc/netgen/docker.rules${family}`);
    expect(rulesOf("28.0.1", 4)).toContain(
      "*raw\n:NETGEN - [0:0]\n-A NETGEN -i wg0 -d 10.77.0.0/24 -j ACCEPT\nCOMMIT\n*filter\n",
    );
    expect(rulesOf("27.5.1", 4)).not.toContain("*raw");
    expect(rulesOf("28.0.1", 6), "nothing lies behind it by IPv6").not.toContain("*raw");
  });

  test("its unit is to be enabled; without Docker there is neither", () => {
    const body = topology("docker: true");
    expect([...texts(body).keys()].filter((path) => path.includes("docker"))).toEqual([
      "etc/netgen/docker-user",
      "etc/netgen/docker.rules4",
      "etc/netgen/docker.rules6",
      "etc/systemd/system/netgen-docker.service",
    ]);
    expect([...texts(topology("uplink: eth0")).keys()].filter((path) => path.includes("docker"))).toEqual([]);
  });
});

describe("without BGP and without VXLAN", () => {
  const paths = (body: string): readonly string[] => compileText(body).files.map(({ path }) => path);
  const text = (body: string): string =>
    compileText(body)
      // The program that brings them about is the same on all hosts.
      .files.filter(({ path }) => !path.endsWith("/apply"))
      .map(({ content }) => Buffer.concat(content).toString())
      .join("\n");

  test("a segment that is flooded statically has no file of FRR's, and no rule about BGP", () => {
    const body = topology("uplink: eth0").replace(/bgp: .*\n/, "");
    expect(paths(body).filter((path) => /frr/.test(path))).toEqual([]);
    expect(text(body)).not.toMatch(/dport 179|frr\.service/);
    expect(text(body)).toContain("MacLearning=yes");
  });

  test("a routed network has no VXLAN device and nothing that guards one either", () => {
    const body = topology("uplink: eth0")
      .replace(/ {2}s: .*\n/, "  s: {cidr: 10.77.0.0/24, hosts: [alpha]}\n")
      .replace(/bgp: .*\n/, "");
    expect(paths(body).filter((path) => /frr|vx/.test(path))).toEqual([]);
    expect(text(body)).not.toMatch(/dport (179|4789)|^vxlan$/m);
  });
});
