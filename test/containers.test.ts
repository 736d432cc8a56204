/** Containers on a subnet: what each program is told, who keeps its address, and what is refused. */
import { describe, expect, test } from "vitest";
import { renderModel } from "../src/report/model.ts";
import { compileText, hostOf, linesOf, modelOf } from "./compile-text.ts";

const HEAD = `wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, platform: debian13, uplink: eth0}
  beta: {id: 2, endpoint: 192.0.2.2, platform: debian13, uplink: eth0}
`;
const withSubnet = (subnet: string, more = ""): string => `${HEAD}${more}subnets:\n  pods: {${subnet}}\n`;
const SLICES = "cidr: 10.3.0.0/16, perHost: 24, hosts: all";
const SEGMENT = "cidr: [10.77.0.0/24, fd77::/64], vxlan: {vni: 100}, hosts: all";

const said = (body: string): readonly string[] =>
  compileText(body).diagnostics.map(({ code, message }) => `${code}: ${message}`);
const json = (body: string, path: string): unknown => JSON.parse(linesOf(body, path).join("\n"));

describe("what the programs are told", () => {
  const podman = (body: string, host: string) => json(body, `${host}/etc/containers/networks/pods.json`);

  test("Podman of its slice, the gateway, the smallest tunnel's MTU and a bridge", () => {
    expect(podman(withSubnet(`${SLICES}, container: podman`), "beta")).toMatchObject({
      name: "pods",
      network_interface: "br-pods",
      subnets: [{ subnet: "10.3.2.0/24", gateway: "10.3.2.1" }],
      options: { mtu: "1440" },
    });
  });

  test("a network is one thing on all hosts, and two are two", () => {
    const body = `${withSubnet(`${SLICES}, container: podman`)}  others: {cidr: 10.4.0.0/16, perHost: 24, hosts: all, container: podman}\n`;
    const ids = ["alpha", "beta"].flatMap((host) =>
      ["pods", "others"].map(
        (name) => (json(body, `${host}/etc/containers/networks/${name}.json`) as { id: string }).id,
      ),
    );
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => /^[0-9a-f]{64}$/.test(id))).toBe(true);
  });

  test("of a segment, its bridge stays as it is, and each host gives its range: without first and last address", () => {
    const body = withSubnet(
      `${SEGMENT}, gateway: {alpha: 10.77.0.1}, container: {program: podman, ranges: {alpha: "fd77::/112", beta: 10.77.0.128/25}}`,
    );
    expect(podman(body, "beta")).toMatchObject({
      network_interface: "br100",
      subnets: [
        {
          subnet: "10.77.0.0/24",
          gateway: "10.77.0.1",
          lease_range: { start_ip: "10.77.0.128", end_ip: "10.77.0.254" },
        },
      ],
      options: { mode: "unmanaged", mtu: "1390" },
    });
    expect(podman(body, "alpha")).toMatchObject({
      ipv6_enabled: true,
      subnets: [{ subnet: "fd77::/64", lease_range: { start_ip: "fd77::1", end_ip: "fd77::ffff" } }],
    });
  });

  test("the gateway on the host itself is nearer than one elsewhere, and a shared one is everybody's", () => {
    const gateways = "isolated: true, gateway: {alpha: 10.77.0.1, beta: 10.77.0.2}";
    const ranges = "container: {program: podman, ranges: {alpha: 10.77.0.32/27, beta: 10.77.0.64/27}}";
    const own = withSubnet(`${SEGMENT}, ${gateways}, ${ranges}`);
    expect(podman(own, "beta")).toMatchObject({ subnets: [{ gateway: "10.77.0.2" }] });
    const shared = withSubnet(`${SEGMENT}, isolated: true, gateway: 10.77.0.1, ${ranges}`, "bgp: {asn: 65000}\n");
    expect(podman(shared, "beta")).toMatchObject({ subnets: [{ gateway: "10.77.0.1" }] });
  });

  test("a host alone of the MTU that its tunnels would have", () => {
    const alone = HEAD.replace(/ {2}beta: .*\n/, "");
    const body = `${alone}subnets: {pods: {cidr: 10.3.0.0/24, hosts: [alpha], container: podman}}\n`;
    expect(podman(body, "alpha")).toMatchObject({ options: { mtu: "1420" } });
  });

  test("units only where Podman knows their options", () => {
    const unit = "alpha/etc/containers/systemd/pods.network";
    const body = withSubnet(`${SLICES}, container: podman`);
    expect(linesOf(body, unit)).toContain("PodmanArgs=--interface-name=br-pods");
    expect(linesOf(body.replaceAll("debian13", "debian12"), unit)).toEqual([]);
    // Podman would give it a gateway.
    expect(
      linesOf(withSubnet(`${SEGMENT}, container: {program: podman, ranges: {alpha: 10.77.0.32/27}}`), unit),
    ).toEqual([]);
  });

  const docker = (body: string): string =>
    linesOf(body, "alpha/etc/netgen/docker-networks").find((line) => line.startsWith("network pods ")) ?? "";

  test("Docker of what its version knows", () => {
    const of = (version: string): string =>
      docker(
        withSubnet(`${SLICES}, container: docker`).replace(
          "uplink: eth0",
          `uplink: eth0, programs: {docker: "${version}"}`,
        ),
      );
    expect(of("26.1")).toMatch(/--gateway 10\.3\.1\.1 .*bridge\.name=br-pods .*driver\.mtu=1440$/);
    expect(of("27.0")).toMatch(/gateway_mode_ipv4=nat$/);
    expect(of("28.2")).toMatch(/gateway_mode_ipv4=nat -o com\.docker\.network\.bridge\.trusted_host_interfaces=wg0$/);
  });

  test("Docker of both families, and its rules are looked after as with docker: true", () => {
    const subnet = `cidr: [10.3.0.0/24, "fd03::/64"], hosts: [alpha], container: {program: docker, ranges: {alpha: 10.3.0.128/25}}`;
    expect(docker(withSubnet(subnet))).toMatch(/--ip-range 10\.3\.0\.128\/25 --subnet fd03::\/64 .*--ipv6 /);
    expect(hostOf(modelOf(withSubnet(subnet)), "alpha").hasDocker).toBe(true);
    expect(compileText(withSubnet(subnet)).units.alpha).toEqual(
      expect.arrayContaining(["netgen-docker.service", "netgen-docker-networks.service"]),
    );
  });
});

describe("containers keep their addresses", () => {
  const rules = (body: string): readonly string[] => {
    const lines = linesOf(body, "alpha/etc/netgen/netgen.nft");
    const start = lines.indexOf("chain containers {");
    return start < 0 ? [] : lines.slice(start + 2, lines.indexOf("}", start));
  };

  test("by the tunnel and by what else the host routes for", () => {
    const more =
      "  vms: {cidr: 10.1.1.0/24, hosts: [alpha]}\n  disks: {cidr: 10.2.0.0/24, vxlan: {vni: 9}, hosts: all}\n";
    expect(rules(`${withSubnet(`${SLICES}, container: podman`)}${more}`)).toEqual([
      'oifname != { "wg0", "br-vms" } return',
      "ct status dnat return",
      "meta mark & 0x6000 != 0 return",
      "ip saddr 10.3.1.0/24 snat ip prefix to ip saddr map { 10.3.1.0/24 : 10.3.1.0/24 }",
    ]);
  });

  test("not where nobody masquerades: on a segment; nor where there is nobody to see them", () => {
    expect(rules(withSubnet(`${SEGMENT}, container: {program: cni, ranges: {alpha: 10.77.0.32/27}}`))).toEqual([]);
    expect(rules(withSubnet(SLICES))).toEqual([]);
  });
});

describe("refused", () => {
  const conflict = (key: string, other = "container"): string =>
    `subnet-key-conflict: pods has "${key}", which does not go with ${other}`;

  test.each([
    ["bridge", "bridge: {name: br-x, existing: true}"],
    ["ports", "ports: {alpha: [eno2]}"],
    ["gateway", "gateway: none"],
    ["vrf", "vrf: blue", "bgp: {asn: 65000}\nvrfs: {blue: {vni: 5000}}\n"],
    ["snat", "snat: true"],
    ["interface", "interface: external"],
  ])("%s beside a bridge that the program makes", (key, text, more = "") => {
    const body = withSubnet(`${SLICES}, container: podman, ${text}`, more);
    expect(said(body).filter((each) => each.startsWith("subnet-key-conflict"))).toContain(conflict(key));
  });

  test("a slice, or a subnet, with no room for a container", () => {
    expect(said(withSubnet("cidr: 10.3.0.0/16, perHost: 31, hosts: all, container: cni"))).toContain(
      conflict("perHost"),
    );
    expect(said(withSubnet("cidr: 10.3.0.0/31, hosts: [alpha], container: cni"))).toContain(conflict("cidr"));
    const single = "cidr: 10.3.0.0/32, hosts: [alpha], container: {program: cni, ranges: {alpha: 10.3.0.0/32}}";
    expect(said(withSubnet(single))).toContain(conflict("cidr"));
    expect(said(withSubnet('cidr: "fd03::/127", hosts: [alpha], container: cni'))).toContain(conflict("cidr"));
    expect(said(withSubnet('cidr: "fd03::/126", hosts: [alpha], container: cni'))).toEqual([]);
    expect(said(withSubnet("cidr: 10.3.0.0/16, perHost: 30, hosts: all, container: cni"))).toEqual([]);
  });

  test.each([
    ["container", "vxlan", `${SEGMENT}, container: docker`],
    ["container", "vxlan", `${SEGMENT}, container: podman`],
    ["container", "a segment without a cidr", "vxlan: {vni: 100}, hosts: all, container: cni"],
    ["vlan", "container", `${SEGMENT}, vlan: 7, container: {program: cni, ranges: {alpha: 10.77.0.32/27}}`],
    ["dhcp", "container", `${SEGMENT}, gateway: {alpha: 10.77.0.1}, dhcp: true, container: cni`],
  ])("%s with %s on a segment", (key, other, subnet) => {
    expect(said(withSubnet(subnet))).toContain(conflict(key, other));
  });

  test("what the program has already, under its own name", () => {
    const named = (name: string, program: string): readonly string[] =>
      said(`${HEAD}subnets:\n  ${name}: {${SLICES}, container: ${program}}\n`);
    expect(named("podman", "docker")).toEqual([]);
    expect(named("host", "docker")).toEqual([conflict("container", "the name host").replace("pods", "host")]);
    expect(named("host", "cni")).toEqual([]);
  });

  test("DHCP, which the program gives", () => {
    expect(said(withSubnet("cidr: 10.3.0.0/24, hosts: [alpha], dhcp: true, container: podman"))).toEqual([
      expect.stringMatching(/^dhcp-without-server: .*another program's/),
    ]);
  });

  const flaw = (subnet: string): readonly string[] =>
    said(withSubnet(subnet)).map((each) => each.replace(/^container-range-unusable: .* of pods: /, ""));
  const ranges = (...each: readonly string[]): string => `container: {program: cni, ranges: {${each.join(", ")}}}`;

  test.each([
    ["alpha has 10.3.1.0/24 of it", `${SLICES}, ${ranges("alpha: 10.3.2.0/25")}`],
    ["the gateway 10.3.1.1 is among them", `${SLICES}, ${ranges("alpha: 10.3.1.0/24")}`],
    [
      "the gateway 10.3.1.200 is among them",
      `${SLICES}, gateway: {alpha: 10.3.1.200}, ${ranges("alpha: 10.3.1.128/25")}`,
    ],
    [
      "the gateway 10.77.0.40 is among them",
      `${SEGMENT}, gateway: {beta: 10.77.0.40}, ${ranges("alpha: 10.77.0.32/27")}`,
    ],
    ["no host may have any of them", `${SLICES}, ${ranges("alpha: 10.3.1.255/32")}`],
    ["no host may have any of them", `${SEGMENT}, ${ranges('alpha: "fd77::/128"')}`],
    ["alpha gives 10.77.0.32/27 already", `${SEGMENT}, ${ranges("alpha: 10.77.0.32/27", "beta: 10.77.0.48/28")}`],
    [
      "alpha gives 10.77.0.32/28 of 10.77.0.0/24 already, and a host gives one range of each prefix",
      `${SEGMENT}, ${ranges("alpha: [10.77.0.32/28, 10.77.0.64/28]")}`,
    ],
  ])("%s", (why, subnet) => {
    expect(flaw(subnet)).toEqual([why]);
  });

  test("a whole subnet with a gateway named for all", () => {
    const whole = (range: string): readonly string[] =>
      flaw(`cidr: 10.3.0.0/24, hosts: [alpha], gateway: 10.3.0.9, ${ranges(`alpha: ${range}`)}`);
    expect(whole("10.3.0.8/29")).toEqual(["the gateway 10.3.0.9 is among them"]);
    expect(whole("10.3.0.0/29")).toEqual([]);
  });

  test("what has no slice has no range", () => {
    const codes = compileText(withSubnet(`cidr: 10.3.0.0/24, perHost: 25, hosts: all, ${ranges("beta: 10.3.0.0/26")}`));
    expect(codes.diagnostics.map(({ code }) => code)).toEqual(["slice-outside-subnet"]);
    expect(codes.files).toEqual([]);
  });

  test("a whole subnet of two hosts, for that alone", () => {
    const pods = "subnets: {pods: {cidr: 10.70.0.0/16, hosts: [beta, alpha], container: podman}}";
    const hosts = "hosts: {alpha: {id: 1, endpoint: 192.0.2.1}, beta: {id: 2, endpoint: 192.0.2.2}}";
    const body = `wireguard: {addresses: [10.250.0.0/24]}\nhostDefaults: {platform: debian13}\n${hosts}\n${pods}\n`;
    expect(said(body)).toEqual([expect.stringMatching(/^subnet-several-owners: /)]);
  });

  test("who meets nobody, for that alone", () => {
    const hosts = ["alpha", "beta", "gamma"].map((name, index) => `  ${name}: {id: ${index + 1}}\n`).join("");
    const wireguard =
      "addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: links, links: [[alpha, beta], [beta, gamma], [alpha, gamma]]";
    const body = `wireguard: {${wireguard}}\nbgp: {asn: 65000}\nhosts:\n${hosts}subnets: {pods: {${SLICES}, container: podman}}\n`;
    expect(new Set(said(body).map((each) => each.replace(/:.*/, "")))).toEqual(new Set(["pair-cannot-meet"]));
  });

  test("a host that is not there, or not on the subnet", () => {
    const subnet = `cidr: 10.3.0.0/24, hosts: [alpha], ${ranges("beta: 10.3.0.128/25")}`;
    expect(said(withSubnet(subnet))).toEqual([
      "host-not-member: beta is given a range of containers of pods but is not among its hosts",
    ]);
    expect(said(withSubnet(subnet.replace("beta", "betta")))).toEqual([expect.stringMatching(/^host-unknown: /)]);
  });

  test("a bridge whose name the kernel would not take, or is taken", () => {
    const named = (more: string): readonly string[] =>
      said(`${HEAD}subnets:\n  a-long-name-of-pods: {${SLICES}${more}, container: podman}\n`);
    expect(named("")).toEqual([
      'interface-name-too-long: the bridge of a-long-name-of-pods would be called "br-a-long-name-of-pods", which has 22 characters; the kernel takes 15',
    ]);
    expect(named(", bridge: eth0")).toEqual([expect.stringMatching(/^interface-name-taken: /)]);
  });

  test("programs that are too old for it, and only for it", () => {
    const old = (text: string, subnet: string): readonly string[] =>
      said(withSubnet(subnet).replace("uplink: eth0", `uplink: eth0, programs: {${text}}`));
    expect(old('nft: "0.9.4"', `${SLICES}, container: podman`)).toEqual([
      expect.stringMatching(/^program-too-old: nft 0.9.4/),
    ]);
    expect(old('kernel: "5.7"', `${SLICES}, container: cni`)).toEqual([
      expect.stringMatching(/^program-too-old: the kernel 5.7/),
    ]);
    expect(old('nft: "0.9.4", kernel: "5.7", podman: "4.3"', SLICES)).toEqual([]);
    const segment = `${SEGMENT}, container: {program: PROGRAM, ranges: {alpha: 10.77.0.32/27}}`;
    expect(old('podman: "4.9"', segment.replace("PROGRAM", "podman"))).toEqual([
      expect.stringMatching(/^program-too-old: Podman 4.9/),
    ]);
    expect(old('podman: "4.9"', segment.replace("PROGRAM", "cni"))).toEqual([]);
  });
});

test("without the key nothing is said of containers", () => {
  expect(renderModel(modelOf(withSubnet(`${SLICES}, interface: external`)))).not.toContain('"program"');
});
