/** `netgen cloud-init`: what a machine is given, in the form and size that its provider takes, and what it is refused for. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { encodeFor, PROVIDERS, type ProviderName, refusalOf } from "../src/deliver/providers.ts";
import { sha256 } from "../src/write/manifest.ts";
import { ROOT } from "./built-package.ts";
import { runNetgen } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

const TOPOLOGY = `netgen: 1
name: mesh
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 203.0.113.9}
  gamma: {id: 3, endpoint: 192.0.2.7}
  phone: {id: 9, platform: wireguard-app}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta, gamma]}
`;

interface Config {
  readonly packages?: readonly string[];
  readonly write_files: readonly { readonly path: string; readonly content: string }[];
  readonly runcmd: readonly (readonly string[])[];
}

let home: string;
eachInNewDirectory((path) => {
  home = path;
  writeFileSync(join(home, "topology.yaml"), TOPOLOGY);
  netgen("keys", "generate", "topology.yaml", "-q");
});
const netgen = (...args: readonly string[]) => runNetgen(home, args);
const cloudInit = (...args: readonly string[]) => netgen("cloud-init", "topology.yaml", ...args);
const bundled = (): string => cloudInit("--host", "beta").stdout;
const read = (userData: string): Config => JSON.parse(userData.replace("#cloud-config\n", "")) as Config;

describe("user-data", () => {
  test("is a cloud-config with packages, the bundle, and commands that make the key and apply it", () => {
    const { packages, write_files, runcmd } = read(bundled());
    expect(packages).toEqual(["wireguard-tools", "iputils-ping", "nftables", "frr", "frr-pythontools"]);
    const paths = write_files.map(({ path }) => path);
    expect(paths).toContain("/var/lib/netgen-first/etc/netgen/apply");
    expect(paths.filter((path) => !path.startsWith("/var/lib/netgen-first/"))).toEqual([]);
    expect(runcmd.map(([program, option]) => [program, option])).toEqual([["bash", "-c"]]);
    expect(runcmd[0]?.[2]).toContain("bash /var/lib/netgen-first/etc/netgen/apply --host beta\n");
    expect(bundled()).toBe(bundled());
  });

  test.each([
    ["rocky9", "", "dnf -y install epel-release\ndnf -y install systemd-networkd\n"],
    ["alma9", "", "dnf -y install epel-release\ndnf -y install systemd-networkd\n"],
    ["fedora44", " systemd-networkd", ""],
  ])("names packages as %s does, which has networkd apart", (platform, packages, first) => {
    const text = TOPOLOGY.replace("203.0.113.9", `203.0.113.9, platform: ${platform}`);
    writeFileSync(join(home, "topology.yaml"), text);
    const config = read(bundled());
    expect(config.packages?.join(" ")).toBe(`wireguard-tools iputils nftables frr${packages}`);
    expect(config.runcmd[0]?.[2]).toMatch(new RegExp(`^set -eu\n${first}umask 077\n`));
    // Where networkd has no link to look after, nobody asks for it.
    writeFileSync(join(home, "topology.yaml"), text.slice(0, text.indexOf("subnets:")));
    expect(bundled()).not.toContain("install systemd-networkd");
    expect(read(bundled()).packages).not.toContain("systemd-networkd");
  });

  test("has a key that is to be a credential made as one, and never as a file", () => {
    writeFileSync(join(home, "topology.yaml"), TOPOLOGY.replace("203.0.113.9", "203.0.113.9, keyStore: credential"));
    const { write_files, runcmd } = read(bundled());
    expect(write_files.map(({ path }) => path)).toContain("/var/lib/netgen-first/etc/netgen/credential");
    expect(runcmd[0]?.[2]).toContain("$(bash /var/lib/netgen-first/etc/netgen/credential --new /var/lib/netgen-first)");
    expect(runcmd[0]?.[2]).not.toContain("wg genkey");
  });

  test("has files without the lines that are comments but for their heads, and a list of what they are", () => {
    const { write_files } = read(bundled());
    const list = write_files.find(({ path }) => path.endsWith("/netgen.list"))?.content ?? "";
    const files = write_files.filter(({ path }) => !path.endsWith("/netgen.list"));
    const comments = files.flatMap(({ content }) =>
      content.split("\n").filter((line) => line.trimStart().startsWith(content.slice(0, 1))),
    );
    expect(
      comments.filter((line) => !/^(#!\/bin\/bash|[#!] Written by netgen from mesh for beta; .*)$/.test(line)),
    ).toEqual([]);
    const sums = files.map(
      ({ path, content }) => `${sha256([Buffer.from(content)])}\t${path.replace("/var/lib/netgen-first/", "")}`,
    );
    expect(list.match(/[0-9a-f]{64}\tetc\/.*$/gm)).toEqual(sums);
  });

  test("depends on no key of the host's own, which need not be there, and holds none", () => {
    const before = bundled();
    const secret = readFileSync(join(home, "keys/beta.key"), "utf8").trim();
    rmSync(join(home, "keys/beta.pub"));
    rmSync(join(home, "keys/beta.key"));
    expect(cloudInit("--host", "beta")).toMatchObject({ status: 0, stdout: before });
    expect(before).not.toContain(secret);
    rmSync(join(home, "keys/gamma.pub"));
    const { status, stdout, stderr } = cloudInit("--host", "beta");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("gamma has no public key");
    expect(stderr).not.toContain("beta has no public key");
  });

  test("of a numbered fleet stages and applies what is that fleet's", () => {
    writeFileSync(join(home, "topology.yaml"), TOPOLOGY.replace("name: mesh", "name: mesh\nfleet: 2"));
    const { write_files, runcmd } = read(bundled());
    const [program = ""] = /\S+\/apply/.exec(runcmd[0]?.[2] ?? "") ?? [];
    expect(program).toBe("/var/lib/netgen2-first/etc/netgen2/apply");
    expect(write_files.map(({ path }) => path)).toContain(program);
  });

  test("of three hosts with EVPN has 14,000 bytes as gzip at the most", () => {
    expect(encodeFor(PROVIDERS.aws, bundled()).length).toBeLessThanOrEqual(14_000);
  });

  test("installs what a host's files are for", () => {
    const packagesOf = (fixture: string, host: string) => {
      cpSync(join(ROOT, "fixtures", fixture, "topology.yaml"), join(home, "other.yaml"));
      return read(netgen("cloud-init", "other.yaml", "--host", host, "-q").stdout).packages;
    };
    expect(packagesOf("vrrp-bgp-gateways", "gate1")).toContain("keepalived");
    expect(packagesOf("vrrp-gateways", "node1")).toBeUndefined();
  });
});

describe("a provider", () => {
  test("gets the same in the form that it takes, within its limit", () => {
    const text = bundled();
    const run = (name: string) => netgen("cloud-init", "topology.yaml", "--host", "beta", "--for", name, "-q");
    for (const name of ["gcp", "azure", "digitalocean", "vmware", "nocloud"]) expect(run(name).stdout, name).toBe(text);
    expect(gunzipSync(Buffer.from(run("hetzner").stdout, "base64")).toString()).toBe(text);
    for (const name of ["aws", "openstack"] as const) {
      const packed = encodeFor(PROVIDERS[name], text);
      expect(gunzipSync(packed).toString()).toBe(text);
      expect(run(name)).toMatchObject({ status: 0, stderr: "" });
    }
  });

  const edges: readonly (readonly [ProviderName, number, string])[] = [
    ["aws", 16_384, "has 16,385 bytes as gzip, and aws takes 16,384 ("],
    ["gcp", 262_144, "has 262,145 bytes as text, and gcp takes 262,144 ("],
    ["azure", 65_535, "has 65,536 bytes as text, and azure takes 65,535 ("],
    ["hetzner", 32_768, "has 32,769 bytes as base64 of gzip, and hetzner takes 32,768 ("],
    ["openstack", 49_149, "has 65,536 bytes as base64 of gzip, and openstack takes 65,535 ("],
    ["digitalocean", 65_536, "has 65,537 bytes as text, and digitalocean takes 65,536 ("],
    ["vmware", 524_288, "has 524,289 bytes as text, and vmware takes 524,288 ("],
  ];
  test.each(edges)("%s takes %i bytes and not one more, and the error has the numbers", (name, most, says) => {
    expect(refusalOf(name, new Uint8Array(most))).toBeUndefined();
    expect(refusalOf(name, new Uint8Array(most + 1))).toContain(says);
  });

  test("nocloud takes any size, as a directory", () => {
    expect(refusalOf("nocloud", new Uint8Array(1_000_000))).toBeUndefined();
    expect(cloudInit("--host", "beta", "-o", "seed")).toMatchObject({ status: 0 });
    expect(readFileSync(join(home, "seed/user-data"), "utf8")).toBe(bundled());
    expect(JSON.parse(readFileSync(join(home, "seed/meta-data"), "utf8"))).toEqual({
      "instance-id": "netgen-mesh-beta",
      "local-hostname": "beta",
    });
    expect(cloudInit("--host", "gamma", "-o", "seed")).toMatchObject({ status: 0 });
    writeFileSync(join(home, "seed/user-data"), "mine\n");
    const { status, stderr } = cloudInit("--host", "beta", "-o", "seed");
    expect([status, stderr]).toEqual([
      2,
      "netgen: seed/user-data is not netgen's; move it away, or name another directory with -o\n",
    ]);
    expect(readFileSync(join(home, "seed/user-data"), "utf8")).toBe("mine\n");
  });

  test("nocloud leaves nothing besides where a file cannot be put in its place", () => {
    mkdirSync(join(home, "seed/meta-data"), { recursive: true });
    expect(cloudInit("--host", "beta", "-o", "seed")).toMatchObject({
      status: 2,
      stderr: "netgen: seed/meta-data: it is a directory, not a file\n",
    });
    expect(readdirSync(join(home, "seed"))).toEqual(["meta-data"]);
  });
});

describe("what is refused", () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      "a host that is none",
      ["--host", "delta"],
      /^netgen: topology\.yaml has no host "delta"; it has alpha, beta, gamma, phone\n$/,
    ],
    [
      "a phone",
      ["--host", "phone"],
      /^netgen: phone has "platform: wireguard-app", which no cloud-init sets up; .* netgen keys export phone gives\n$/,
    ],
    [
      "a provider that is nearly one",
      ["--host", "beta", "--for", "hetzer"],
      /Did you mean "hetzner"\? There are aws, /,
    ],
    ["a provider that is none", ["--host", "beta", "--for", "mainframe"], /There are aws, gcp, /],
    [
      "a directory for a provider that takes none",
      ["--host", "beta", "--for", "aws", "-o", "seed"],
      /-o writes the seed of --for nocloud/,
    ],
  ];
  test.each(cases)("%s", (_, args, says) => {
    const { status, stdout, stderr } = cloudInit(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(says);
    expect(existsSync(join(home, "seed"))).toBe(false);
  });

  test("a host that shares preshared keys: it cannot make those alone", () => {
    writeFileSync(join(home, "topology.yaml"), TOPOLOGY.replace("0/24]}", "0/24], presharedKeys: true}"));
    const { status, stdout, stderr } = cloudInit("--host", "beta");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("beta shares preshared keys with alpha, gamma and phone, and cannot make those alone");
  });

  test("a host that has one key with another", () => {
    cpSync(join(ROOT, "fixtures/vrrp-gateways/topology.yaml"), join(home, "other.yaml"));
    expect(netgen("cloud-init", "other.yaml", "--host", "gate1")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("gate1 has one key with gate2, and would make another one"),
    });
  });

  test("what the provider would not take, with nothing printed", () => {
    const hosts = Array.from(
      { length: 150 },
      (_, index) => `  host-${index}: {id: ${index + 10}, endpoint: 198.51.100.${index + 10}}\n`,
    );
    writeFileSync(join(home, "topology.yaml"), TOPOLOGY.replace("subnets:\n", `${hosts.join("")}subnets:\n`));
    netgen("keys", "generate", "topology.yaml", "-q");
    const { status, stdout, stderr } = cloudInit("--host", "beta", "--for", "aws", "-q");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^netgen: the user-data of beta has \d\d,\d{3} bytes as gzip, and aws takes 16,384 \(docs\.aws\..*\); bring the host by netgen bundle or netgen ansible\n$/,
    );
  });
});
