/** netgen import: a topology of what other tools have. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasErrors } from "../src/base/diagnostic.ts";
import { containsPrefix, hostPrefix, type IpPrefix, prefixLengthBits } from "../src/base/ip.ts";
import { withKeys } from "../src/base/key.ts";
import { compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { FORMATS, type Format } from "../src/import/facts.ts";
import { formatOf } from "../src/import/formats.ts";
import { importTopology } from "../src/import/import.ts";
import { disarm } from "../src/keys/disarm.ts";
import type { Network } from "../src/model/network.ts";
import { endpointText, type Peer } from "../src/model/reach.ts";
import { mtuTowards } from "../src/model/tunnel.ts";
import { type Fixture, listFixtures, sourceOf } from "./fixtures.ts";
import { runNetgen } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { fc, test as property } from "./property.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

type Files = Readonly<Record<string, string>>;

function imported(files: Files, format?: Format) {
  const sources = Object.entries(files).map(([name, text]) => ({ name, text }));
  return importTopology(disarm(sources), "topology.yaml", format);
}

/** What is asked or told, as `file:line and file:line: text`. */
const told = ({ findings }: Pick<ReturnType<typeof imported>, "findings">, wanted: "question" | "note") =>
  findings
    .filter(({ kind }) => kind === wanted)
    .map(({ text, places }) => `${places.map(({ file, line }) => `${file}:${line}`).join(" and ")}: ${text}`);

/** The model that an import comes to, which must have no errors. */
function networkOf(result: ReturnType<typeof imported>): Network {
  expect(result.judgement?.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return result.judgement?.model as Network;
}

// ── There and back again ────────────────────────────────────────────────────────────────────────────────────────────

/** As `netgen keys export` makes it, with a key that both have where there is to be one. */
function asExported(text: string, host: string, { peers }: Network): string {
  const shared = peers.filter(({ hasPresharedKey }) => hasPresharedKey).map(({ publicKey }) => publicKey);
  const presharedKeys = new Map(shared.map((publicKey) => [publicKey, testPrivateKey("shared")]));
  return withKeys(text, { privateKey: testPrivateKey(host), presharedKeys });
}

/** The files of WireGuard that a topology compiles to: by their paths in the tree, and those that apps take in. */
function wireguardFiles(fixture: Fixture): { readonly files: Files; readonly network: Network } {
  const { files, configurations, model } = compile(sourceOf(fixture));
  const network = model as Network;
  const own = files.filter(({ path }) => /\/etc\/wireguard\/[^/]+\.conf$/.test(path));
  return {
    files: Object.fromEntries([
      ...own.map((file) => [file.path, Buffer.from(contentOf(file)).toString()]),
      ...Object.entries(configurations).map(([host, text]) => [`${host}.conf`, asExported(text, host, network)]),
    ]),
    network,
  };
}

const FIXTURES = new Map(listFixtures().map((fixture) => [fixture.name, fixture]));
const fixtureOf = (name: string): Fixture => FIXTURES.get(name) as Fixture;

/** The peer that a packet to a prefix goes to, by the longest of the AllowedIPs. */
function peerFor(peers: readonly Peer[], prefix: IpPrefix): string | undefined {
  const fits = peers.flatMap(({ host, allowedIps }) =>
    allowedIps.filter((each) => containsPrefix(each, prefix)).map((each) => ({ host, bits: prefixLengthBits(each) })),
  );
  return fits.sort((a, b) => b.bits - a.bits)[0]?.host;
}

/** By each host's name what belongs to each other one that it reaches by its tunnels. */
type Owned = (name: string) => readonly IpPrefix[];

/** What carries packets: of each host its own settings, its peers, and to whom it sends what is for each other's address. */
function carriage({ hosts, peers }: Network, owned: Owned) {
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  return hosts
    .filter(({ interfaces }) => interfaces.length > 0)
    .map(({ name, publicKey, interfaces }) => {
      const [link] = interfaces;
      const own = (link?.peers ?? []).flatMap((id) => byId.get(id) ?? []);
      return {
        name,
        publicKey,
        link: link && { ...link, limitingPeer: undefined, peers: undefined, smallerPeers: undefined },
        peers: own.map(({ host, endpoints, keepaliveSeconds, hasPresharedKey }) => ({
          host,
          endpoints: endpoints.map(endpointText),
          keepaliveSeconds,
          hasPresharedKey,
          mtu: link && mtuTowards(link, host),
        })),
        sends: owned(name).map((prefix) => `${prefix} to ${peerFor(own, prefix)}`),
      };
    });
}

/** What goes by a LAN is left out: no file of WireGuard has it. */
function ownedIn({ hosts }: Network): Owned {
  return (name) => {
    const onLan = new Set(hosts.find((host) => host.name === name)?.lanRoutes.map(({ prefix }) => prefix));
    return hosts
      .filter((host) => host.name !== name)
      .flatMap(({ interfaces, ownedPrefixes }) => [
        ...interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => hostPrefix(address))),
        ...ownedPrefixes.map(({ prefix }) => prefix),
      ])
      .filter((prefix) => !onLan.has(prefix));
  };
}

interface Limit {
  /** What the files of WireGuard do not say. */
  readonly why: string;
  readonly is: (network: Network) => boolean;
  readonly fixtures: readonly string[];
}

/** Networks that are more than their files of WireGuard: of each, importing these says what it cannot know. */
const LIMITS: readonly Limit[] = [
  {
    why: "by which of a host's tunnels a packet goes is FRR's choice, and each of them takes all",
    is: ({ hosts }) => hosts.some(({ interfaces }) => interfaces.length > 1),
    fixtures: [
      ...["drained", "ebgp-hubs", "lan-gateways", "ovn-gateways", "pods-two-hubs", "ring", "two-armed", "two-gateways"],
      ...["two-hubs", "vrrp-bgp-gateways"],
    ],
  },
  {
    why: "two hosts with one key stand for each other, and which of them is there is keepalived's choice",
    is: ({ hosts }) => {
      const keys = hosts.flatMap(({ publicKey }) => publicKey ?? []);
      return new Set(keys).size < keys.length;
    },
    fixtures: ["two-armed-vrrp", "vrrp-gateways", "vrrp-hubs"],
  },
];
/** A phone sends everything into its tunnel, which is a question wherever it stands. */
const ASKED = new Map([["exits", /^phone\.conf:\d+: (?:0\.0\.0\.0|::)\/0: all that is for nobody else goes to roz; /]]);

describe("a tree that netgen built, imported, carries the same packets", () => {
  const scenarios = [...FIXTURES.values()].filter(({ kind }) => kind === "scenario").map(({ name }) => name);
  const limited = LIMITS.flatMap(({ fixtures }) => fixtures);

  test.each(scenarios.filter((name) => !limited.includes(name)))("%s", (fixture) => {
    const { files, network } = wireguardFiles(fixtureOf(fixture));
    expect(Object.keys(files).length).toBeGreaterThan(1);
    const result = imported(files);
    const asked = ASKED.get(fixture);
    expect(told(result, "question").filter((text) => asked?.test(text) !== true)).toEqual([]);
    const owned = ownedIn(network);
    expect(carriage(networkOf(result), owned)).toEqual(carriage(network, owned));
  });

  test.each(LIMITS)("unless $why", ({ is, fixtures }) => {
    for (const fixture of fixtures) {
      const { files, network } = wireguardFiles(fixtureOf(fixture));
      expect([fixture, is(network)]).toEqual([fixture, true]);
      const result = imported(files);
      const errors = result.judgement?.diagnostics.filter(({ severity }) => severity === "error") ?? [];
      // Never without a word: one that could be carried, and is, is no limit.
      expect([fixture, told(result, "question").length + errors.length > 0]).toEqual([fixture, true]);
    }
  });

  test("and a tree whose hosts are told apart by nothing but their addresses as well", () => {
    const { files, network } = wireguardFiles(fixtureOf("hub-and-spoke"));
    const nameless = Object.fromEntries(
      Object.values(files).map((text, index) => [`${index}/wg0.conf`, text.replace(/^# \w+$/gm, "")]),
    );
    const keys = networkOf(imported(nameless)).hosts.map(({ publicKey }) => publicKey);
    expect([...keys].sort()).toEqual(network.hosts.map(({ publicKey }) => publicKey).sort());
  });

  test("every scenario is imported in words, without an exception", () => {
    for (const fixture of [...FIXTURES.values()].filter(({ kind }) => kind === "scenario")) {
      const { files } = wireguardFiles(fixture);
      const { source, judgement } = imported(files);
      const isThere = Object.keys(files).length > 0;
      expect([fixture.name, source !== undefined, judgement !== undefined]).toEqual([fixture.name, isThere, isThere]);
    }
  });
});

// ── Each format ─────────────────────────────────────────────────────────────────────────────────────────────────────

const PUBLIC = { alpha: testPublicKey("alpha"), beta: testPublicKey("beta"), gamma: testPublicKey("gamma") };

/** Two hosts of wg-quick, with lines added to each. */
const pair = (alpha = "", beta = "", peers = { alpha: "10.9.0.1/32", beta: "10.9.0.2/32" }): Files => ({
  "alpha.conf": `[Interface]\nPrivateKey = ${testPrivateKey("alpha")}\nAddress = 10.9.0.1/24\nListenPort = 51820\n${alpha}
[Peer]\n# beta\nPublicKey = ${PUBLIC.beta}\nEndpoint = 192.0.2.2:51820\nAllowedIPs = ${peers.beta}\n`,
  "beta.conf": `[Interface]\nPrivateKey = ${testPrivateKey("beta")}\nAddress = 10.9.0.2/24\nListenPort = 51820\n${beta}
[Peer]\n# alpha\nPublicKey = ${PUBLIC.alpha}\nEndpoint = 192.0.2.1:51820\nAllowedIPs = ${peers.alpha}\n`,
});

const netplan = (own: string, peer: string, numbers: readonly [number, number]): string => `network:
  version: 2
  tunnels:
    wg0:
      mode: wireguard
      key: ${testPrivateKey(own)}
      addresses: [10.9.0.${numbers[0]}/24]
      port: 51820
      mtu: 1440
      mark: 42
      peers:
        - keys: {public: "${testPublicKey(peer)}", shared: "${testPrivateKey("both")}"}
          endpoint: 192.0.2.${numbers[1]}:51820
          allowed-ips: [10.9.0.${numbers[1]}/32, 10.${numbers[1]}.0.0/16]
    vx: {mode: vxlan, id: 7}
`;

const hostVars = (number: number): string => `wireguard_addresses:
  - "10.9.0.${number}/24"
wireguard_endpoint: "192.0.2.${number}"
wireguard_allowed_ips: "10.9.0.${number}/32, 10.${number}.0.0/16"
wireguard_mtu: 1420
wireguard_dns: 1.1.1.1
`;

const SDN: Files = {
  "sdn/zones.cfg":
    "evpn: prod\n\tcontroller ctl\n\tvrf-vxlan 5000\n\texitnodes roz\n\tnodes roz,wro\n\tmtu 1370\n\nqinq: old\n\tbridge vmbr0\n",
  "sdn/vnets.cfg": "vnet: vroz\n\tzone prod\n\ttag 10011\n\nvnet: lost\n\tzone old\n\ttag 5\n",
  "sdn/subnets.cfg": "subnet: prod-10.1.1.0-24\n\tvnet vroz\n\tgateway 10.1.1.1\n\tsnat 1\n",
  "sdn/controllers.cfg": "evpn: ctl\n\tasn 65000\n\tpeers 10.9.0.1,10.9.0.2\n",
};

describe("formats", () => {
  test("are told by what stands in the files", () => {
    const [quick = ""] = Object.values(pair());
    const formats = [quick, quick.replace(/^Address.*$/m, ""), netplan("a", "b", [1, 2]), hostVars(1), "netgen: 1\n"];
    expect(formats.map(formatOf)).toEqual(["wg-quick", "showconf", "netplan", "githubixx", undefined]);
    expect(Object.values(SDN).map(formatOf)).toEqual(["proxmox", "proxmox", "proxmox", "proxmox"]);
  });

  test("wg-quick: what netgen has nothing for stands in the topology", () => {
    const result = imported(pair("PostUp = iptables -A FORWARD -j ACCEPT\nTable = 7\n"));
    networkOf(result);
    expect(result.source?.text).toContain("  # not taken over, alpha.conf:5: PostUp = iptables -A FORWARD -j ACCEPT\n");
    expect(told(result, "note")).toContain(
      'alpha.conf:6: alpha: "Table = 7" was not taken over; it stands in the topology as a comment',
    );
    expect(told(result, "question")).toEqual([]);
  });

  test("a host without a file of its own is what others say of it", () => {
    const { "alpha.conf": alpha = "" } = pair();
    const result = imported({ "alpha.conf": alpha.replace("10.9.0.2/32", "10.9.0.2/32, 10.2.0.0/16") });
    const [, beta] = networkOf(result).hosts;
    expect([beta?.name, beta?.publicKey, beta?.ownedPrefixes.map(({ prefix }) => prefix)]).toEqual([
      "beta",
      PUBLIC.beta,
      ["10.2.0.0/16"],
    ]);
    expect(result.source?.text).toContain("  # no file of its own: as alpha.conf:6 has it\n  beta:\n");
  });

  test("wg showconf: the addresses are those that others send there", () => {
    const files = Object.entries(pair()).map(([name, text]) => [name, text.replace(/^Address.*\n/m, "")]);
    const result = imported(Object.fromEntries(files));
    const { hosts } = networkOf(result);
    expect(hosts.map(({ interfaces }) => interfaces[0]?.addresses[0]?.address)).toEqual(["10.9.0.1", "10.9.0.2"]);
    expect(result.source?.text).toContain("  # a guess: the hosts' own prefixes");
    expect(told(result, "note").filter((text) => text.includes("wg showconf"))).toHaveLength(2);
  });

  test("netplan", () => {
    const result = imported({
      "alpha/etc/netplan/10-wg.yaml": netplan("alpha", "beta", [1, 2]),
      "beta/etc/netplan/10-wg.yaml": netplan("beta", "alpha", [2, 1]),
    });
    const { hosts, peers } = networkOf(result);
    expect(hosts.map(({ name, publicKey }) => [name, publicKey])).toEqual([
      ["alpha", PUBLIC.alpha],
      ["beta", PUBLIC.beta],
    ]);
    expect(peers.map(({ host, hasPresharedKey, allowedIps }) => [host, hasPresharedKey, allowedIps])).toEqual([
      ["alpha", true, ["10.9.0.1/32", "10.1.0.0/16"]],
      ["beta", true, ["10.9.0.2/32", "10.2.0.0/16"]],
    ]);
    expect(told(result, "question")).toEqual([
      "alpha/etc/netplan/10-wg.yaml:15: the tunnel vx is none of WireGuard; it was left out; netgen makes such devices of subnets with vxlan",
      "beta/etc/netplan/10-wg.yaml:15: the tunnel vx is none of WireGuard; it was left out; netgen makes such devices of subnets with vxlan",
    ]);
    expect(result.source?.text).toContain("  # not taken over, alpha/etc/netplan/10-wg.yaml:10: mark: 42\n");
  });

  test("a LAN, whose hosts dial each other there", () => {
    const files = pair();
    const there = (name: string): string => (files[name] ?? "").replace("192.0.2.", "192.168.7.");
    const gamma = `[Interface]\nPrivateKey = ${testPrivateKey("gamma")}\nAddress = 10.9.0.3/24\nListenPort = 51820
[Peer]\n# alpha\nPublicKey = ${PUBLIC.alpha}\nEndpoint = 192.0.2.1:51820\nAllowedIPs = 10.9.0.1/32
[Peer]\n# beta\nPublicKey = ${PUBLIC.beta}\nEndpoint = 192.0.2.2:51820\nAllowedIPs = 10.9.0.2/32\n`;
    const lan = `[Peer]\n# lan\nPublicKey = ${PUBLIC.gamma}\nAllowedIPs = 10.9.0.3/32\n`;
    const result = imported({
      "alpha.conf": there("alpha.conf") + lan,
      "beta.conf": there("beta.conf") + lan,
      "lan.conf": gamma,
    });
    expect(told(result, "question")).toEqual([]);
    expect(told(result, "note")).toContain(
      "alpha.conf:1: the site lan2 is a guess: its hosts dial each other at private addresses, and others dial them elsewhere",
    );
    const sections = networkOf(result).peers.map(({ id, endpoints }) => [id, endpoints.map(endpointText)]);
    expect(sections).toEqual([
      ["alpha:keepalive", ["192.0.2.1:51820"]],
      ["alpha:lan", ["192.168.7.1:51820"]],
      ["beta:keepalive", ["192.0.2.2:51820"]],
      ["beta:lan", ["192.168.7.2:51820"]],
      ["lan", []],
    ]);
  });

  test("what lies in another's prefix is another's", () => {
    const result = imported(pair("", "", { alpha: "10.9.0.1/32, 10.20.0.0/16", beta: "10.9.0.2/32, 10.0.0.0/8" }));
    expect(result.source?.text).toContain("routes: [{cidr: 10.0.0.0/8, exceptMoreSpecifics: true}]");
    const [alpha, beta] = networkOf(result).peers;
    expect([alpha?.allowedIps, beta?.allowedIps]).toEqual([
      ["10.9.0.1/32", "10.20.0.0/16"],
      ["10.9.0.2/32", "10.0.0.0/8"],
    ]);
  });

  test("githubixx: keys are the one thing that is open", () => {
    const result = imported({ "host_vars/roz.yml": hostVars(1), "host_vars/wro/vars.yml": hostVars(2) });
    expect(result.judgement?.diagnostics.map(({ code }) => code)).toEqual(["public-key-missing", "public-key-missing"]);
    const keyed = result.source?.text.replace(/ {4}id: (\d)\n/g, (line, id) => {
      return `${line}    publicKey: "${id === "1" ? PUBLIC.alpha : PUBLIC.beta}"\n`;
    });
    const { model, diagnostics } = compile({ name: "topology.yaml", text: keyed ?? "" });
    expect(hasErrors(diagnostics)).toBe(false);
    expect(model?.peers.map(({ host, allowedIps }) => [host, allowedIps])).toEqual([
      ["roz", ["10.9.0.1/32", "10.1.0.0/16"]],
      ["wro", ["10.9.0.2/32", "10.2.0.0/16"]],
    ]);
    expect(model?.hosts.map(({ interfaces }) => interfaces[0]?.mtu)).toEqual([1420, 1420]);
  });

  test("githubixx: two spokes have no tunnel with each other", () => {
    const spoke = (number: number): string => `${hostVars(number)}wireguard_as_spoke: true\n`;
    const result = imported({
      "host_vars/hub.yml": hostVars(1),
      "host_vars/a.yml": spoke(2),
      "host_vars/b.yml": spoke(3),
    });
    expect(result.source?.text).toContain("  shape: hub-and-spoke\n  hubs: [hub]\n");
  });

  test("Proxmox's SDN, beside files of WireGuard", () => {
    const files = Object.entries(pair()).map(([name, text]) => [
      name.replace("alpha", "roz").replace("beta", "wro"),
      text,
    ]);
    const result = imported({ ...Object.fromEntries(files), ...SDN });
    const { segments, vrfs, bgp } = networkOf(result);
    expect(segments.map(({ name, vni }) => [name, vni])).toEqual([["vroz", 10011]]);
    expect(vrfs.map(({ name, vni, exits }) => [name, vni, exits.map(({ host }) => host)])).toEqual([
      ["prod", 5000, ["roz"]],
    ]);
    expect(bgp.kind).not.toBe("none");
    expect(told(result, "question")).toEqual([
      'sdn/vnets.cfg:5: the vnet lost was left out: its zone "old" is none of EVPN or VXLAN',
      "sdn/zones.cfg:8: qinq: old has no counterpart in netgen; it was left out",
    ]);
  });

  test("Proxmox's SDN alone: keys and endpoints are open, and which node has which address", () => {
    const result = imported(SDN);
    expect(result.judgement?.diagnostics.map(({ code }) => code).sort()).toEqual([
      "pair-cannot-meet",
      "public-key-missing",
      "public-key-missing",
    ]);
    expect(told(result, "question").filter((text) => text.includes("which node"))).toEqual([
      "sdn/zones.cfg:4: which node has which address is a guess, by their order: roz is 10.9.0.1, wro is 10.9.0.2",
    ]);
  });
});

// ── What contradicts itself ─────────────────────────────────────────────────────────────────────────────────────────

describe("what is open is named with its places", () => {
  test("two peers of one file with equal AllowedIPs", () => {
    const { "alpha.conf": alpha = "" } = pair("", "", { alpha: "10.9.0.1/32", beta: "10.9.0.2/32, 10.1.0.0/16" });
    const gamma = `[Peer]\n# gamma\nPublicKey = ${PUBLIC.gamma}\nAllowedIPs = 10.9.0.3/32, 10.1.0.0/16\n`;
    const result = imported({ "alpha.conf": alpha + gamma });
    expect(told(result, "question")).toEqual([
      "alpha.conf:10 and alpha.conf:14: 10.1.0.0/16 stands at two peers, beta and gamma: WireGuard sends to the last one, gamma",
    ]);
    expect(
      result.judgement?.model?.hosts.find(({ name }) => name === "gamma")?.ownedPrefixes.map(({ prefix }) => prefix),
    ).toEqual(["10.1.0.0/16"]);
  });

  test("two hosts that are both said to have the same prefix behind them", () => {
    const both = pair("", "", { alpha: "10.9.0.1/32, 10.1.0.0/16", beta: "10.9.0.2/32, 10.1.0.0/16" });
    expect(told(imported(both), "question")).toEqual([
      "alpha.conf:10 and beta.conf:10: 10.1.0.0/16 is said to be behind beta and behind alpha; it was given to beta",
    ]);
  });

  test("the host_vars of a guide, the same for both hosts", () => {
    const text = `wireguard_addresses:\n  - "10.1.0.1/16"\nwireguard_endpoint: "roz.example.net"\nwireguard_allowed_ips: "10.1.0.0/16"\n`;
    const questions = told(imported({ "host_vars/roz.yml": text, "host_vars/wro.yml": text }), "question");
    expect(questions).toContain(
      "host_vars/wro.yml:4 and host_vars/roz.yml:4: 10.1.0.0/16 is said to be behind wro by roz, and behind roz by wro",
    );
    expect(questions).toContain(
      "host_vars/wro.yml:2 and host_vars/roz.yml:2: 10.1.0.1 is another host's address as well: this one gets another",
    );
  });

  test.each<[string, Files, "question" | "note", string]>([
    [
      "host bits",
      pair("", "", { alpha: "10.9.0.1/32", beta: "10.9.0.2/32, 10.2.0.7/16" }),
      "note",
      "alpha.conf:10: AllowedIPs: 10.2.0.7/16 has host bits, which WireGuard drops: 10.2.0.0/16 was taken",
    ],
    [
      "no prefix",
      pair("", "", { alpha: "10.9.0.1/32", beta: "10.9.0.2/32, 10.2.0.0/33" }),
      "question",
      'alpha.conf:10: AllowedIPs: "10.2.0.0/33" is no IP prefix, such as 10.1.0.0/24; it was left out',
    ],
    [
      "everything",
      pair("", "", { alpha: "10.9.0.1/32", beta: "10.9.0.2/32, 0.0.0.0/0" }),
      "question",
      'alpha.conf:10: 0.0.0.0/0: all that is for nobody else goes to beta; it was left out. Name it under "exits:"',
    ],
    [
      "an MTU that does not fit",
      pair("MTU = 1500\n"),
      "question",
      "alpha.conf:5: MTU = 1500 does not fit: 1500 + 60 of headers is a path of 1560 bytes, and Ethernet carries 1500, which was taken; if it is so, say it as pathMtu",
    ],
    [
      "MTUs that contradict each other",
      pair("MTU = 1380\n", "MTU = 1420\n"),
      "question",
      "alpha.conf:5: alpha has MTU = 1380, and by the paths it would be 1420, limited by beta; netgen mtu says why",
    ],
    [
      "an unknown line",
      pair("Colour = red\n"),
      "question",
      'alpha.conf:5: "Colour = red" is no line of WireGuard\'s that netgen knows',
    ],
    [
      "a line outside",
      { "alpha.conf": `colour\n${pair()["alpha.conf"]}` },
      "question",
      'alpha.conf:1: "colour" is no line of WireGuard\'s; it was left out',
    ],
    [
      "a port that is none",
      pair("ListenPort = 70000\n"),
      "question",
      'alpha.conf:5: ListenPort: "70000" is no whole number from 1 to 65535; it was left out',
    ],
    [
      "a second address",
      pair("Address = 10.9.0.77/24\n"),
      "question",
      "alpha.conf:5: 10.9.0.77 is a second address in 10.9.0.0/24: a host has one; it was left out",
    ],
  ])("%s", (_, files, kind, text) => {
    expect(told(imported(files), kind)).toContain(text);
  });

  test("addresses of a link alone, as BGP is given them, and nothing else for them", () => {
    const peers = { alpha: "10.9.0.1/32, fe80::/64", beta: "10.9.0.2/32" };
    const result = imported(pair("Address = fe80::9:1/64\n", "", peers));
    const said = "is of the link alone; it was left out: where BGP needs one netgen gives it";
    expect(told(result, "note")).toEqual(
      expect.arrayContaining([
        `alpha.conf:5: Address: fe80::9:1/64 ${said}`,
        expect.stringContaining(`fe80::/64 ${said}`),
      ]),
    );
    expect(told(result, "question")).toEqual(told(imported(pair()), "question"));
    expect(networkOf(result).prefixes).toEqual(networkOf(imported(pair())).prefixes);
  });

  test("a peer on one side only, and preshared keys that differ", () => {
    const files = pair();
    const gamma = `\n[Peer]\nPublicKey = ${PUBLIC.gamma}\nAllowedIPs = 10.9.0.3/32\n`;
    const own = `[Interface]\nPrivateKey = ${testPrivateKey("gamma")}\nAddress = 10.9.0.3/24\n[Peer]\nPublicKey = ${PUBLIC.beta}\n`;
    const oneSided = imported({ ...files, "alpha.conf": files["alpha.conf"] + gamma, "gamma.conf": own });
    expect(told(oneSided, "question")).toContain(
      "alpha.conf:12 and gamma.conf:1: alpha has gamma as a peer, and gamma has not alpha: no packet passes",
    );
    const shared = (name: string, key: string): string => `${files[name]}PresharedKey = ${testPrivateKey(key)}\n`;
    const two = imported({ "alpha.conf": shared("alpha.conf", "one"), "beta.conf": shared("beta.conf", "two") });
    expect(told(two, "question")).toEqual([
      "alpha.conf:6 and beta.conf:6: alpha and beta share no preshared key: each has another",
    ]);
    const same = imported({ "alpha.conf": shared("alpha.conf", "one"), "beta.conf": shared("beta.conf", "one") });
    expect(told(same, "question")).toEqual([]);
    expect(networkOf(same).peers.map(({ hasPresharedKey }) => hasPresharedKey)).toEqual([true, true]);
    const one = imported({ ...files, "beta.conf": shared("beta.conf", "two") });
    expect(told(one, "question")).toEqual([
      "alpha.conf:6 and beta.conf:6: alpha and beta share no preshared key: only one of them has one",
    ]);
  });

  test("two files of one host", () => {
    const files = pair();
    const result = imported({ ...files, "copy/alpha.conf": files["alpha.conf"] ?? "" });
    expect(told(result, "question")).toEqual([
      "copy/alpha.conf:1 and alpha.conf:1: alpha has the same key here and there: only the one of alpha.conf was taken. " +
        "Two interfaces of one host are two fleets: import each by itself",
    ]);
  });
});

// ── Secrets ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const SECRETS = ["alpha", "beta", "stray", "shared"].map(testPrivateKey);
const PUBLICS = [...Object.values(PUBLIC), testPublicKey("shared")];

/** Lines of all formats, keys in every place that they may get into, and what is no line of anything. */
const key = fc.constantFrom(...SECRETS, ...SECRETS, ...PUBLICS);
const spelt = key.chain((text) =>
  fc.constantFrom(
    text,
    text.slice(0, 43),
    Buffer.from(text, "base64").toString("hex"),
    ` ${text} `,
    `"${text}"`,
    `'${text}'`,
  ),
);
const label = fc.constantFrom(
  ..."PrivateKey =|privatekey=|PresharedKey = |PublicKey = |Endpoint = |AllowedIPs = |PostUp = wg set wg0 private-key <(echo |# |".split(
    "|",
  ),
  ..."      key: |      key: {private: |        - keys: {public: |        - keys: {shared: |wireguard_private_key: |wireguard_endpoint: |".split(
    "|",
  ),
  ..."\tcontroller |evpn: |vnet: |wireguard_unmanaged_peers: {x: {public_key: |key: \n  |key: &a |\u0000|\u202e|name: |? ".split(
    "|",
  ),
);
const frame = fc.constantFrom(
  ..."[Interface]|[Peer]|[peer|network:|  tunnels:|    wg0:|      mode: wireguard|      peers:|Address = 10.9.0.1/24|AllowedIPs = 10.9.0.2/32, 10.1.0.0/33|wireguard_addresses: [10.9.0.1/24]|\tzone prod|\ttag 7|{|]|- - -|&a [*a]".split(
    "|",
  ),
);
const line = fc.oneof(
  frame,
  fc.tuple(label, spelt).map((parts) => parts.join("")),
  fc.string({ maxLength: 30 }),
);
const file = fc.array(line, { maxLength: 14 }).map((lines) => lines.join("\n"));

/** By which a private key as a public one is known for what it is. */
const HALVES = ["alpha", "beta", "stray", "shared"]
  .map((name) => `[Peer]\nPublicKey = ${testPublicKey(name)}\n`)
  .join("");

/** All that an import gives away, or the words that it ends with. */
function outcome(texts: readonly string[], format: Format | undefined): string {
  const files = [...texts, HALVES];
  try {
    return JSON.stringify(
      imported(Object.fromEntries(files.map((text, index) => [`host${index}.conf`, text])), format),
    );
  } catch (error) {
    expect(String(error)).toContain("here stands a private key in the place of a public one");
    return String(error);
  }
}

describe("keys", () => {
  property(
    "whatever stands where, it ends in words, and no key that is not public is in them",
    [fc.array(file, { minLength: 1, maxLength: 3 }), fc.option(fc.constantFrom(...FORMATS), { nil: undefined })],
    (files, format) => {
      const text = outcome(files, format);
      for (const secret of SECRETS) {
        expect(text).not.toContain(secret.slice(0, 43));
        expect(text.toLowerCase()).not.toContain(Buffer.from(secret, "base64").toString("hex"));
      }
    },
  );

  test("a private key leaves its public half, a preshared key a number, and lines stay where they are", () => {
    const text = `[Interface]\nPrivateKey = ${testPrivateKey("alpha")} # mine\n[Peer]\nPublicKey = ${PUBLIC.beta}\nPresharedKey = ${testPrivateKey("shared")}\n# ${testPrivateKey("stray")}\n`;
    const [disarmed] = disarm([{ name: "a.conf", text }]);
    expect(disarmed?.text).toBe(
      `[Interface]\nPrivateKey = public-half:${PUBLIC.alpha}# mine\n[Peer]\nPublicKey = ${PUBLIC.beta}\nPresharedKey = preshared:1\n# (hidden)\n`,
    );
  });

  test("a private key as a public one is refused with its place", () => {
    const files = pair();
    const wrong = { ...files, "beta.conf": (files["beta.conf"] ?? "").replace(PUBLIC.alpha, testPrivateKey("alpha")) };
    expect(() => imported(wrong)).toThrow(
      "beta.conf:8:13: here stands a private key in the place of a public one. Take it out, and make a new one",
    );
  });

  test("one that is too short is none, and is not shown", () => {
    const short = testPrivateKey("alpha").slice(0, 40);
    const { "alpha.conf": alpha = "", "beta.conf": beta = "" } = pair();
    const result = imported({ "alpha.conf": alpha.replace(testPrivateKey("alpha"), short), "beta.conf": beta });
    // By its address it is known all the same.
    expect(networkOf(result).hosts[0]?.publicKey).toBe(PUBLIC.alpha);
    expect(JSON.stringify(result)).not.toContain(short);
  });
});

// ── The command ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe("netgen import", () => {
  let home: string;
  eachInNewDirectory((path) => {
    home = path;
  });
  const path = (name: string): string => join(home, name);
  const put = (files: Files): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    }
  };
  const run = (...args: readonly string[]) => runNetgen(home, ["import", ...args]);

  test("reads directories, writes the topology, and says what comes next", () => {
    put(Object.fromEntries(Object.entries(pair()).map(([name, text]) => [`etc/${name}`, text])));
    put({ "etc/notes.txt": testPrivateKey("stray") });
    const { status, stdout, stderr } = run("etc");
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: "topology.yaml: 2 hosts, 0 open questions. Next: netgen check topology.yaml\n",
      stderr: "",
    });
    expect(readFileSync(path("topology.yaml"), "utf8")).toContain(`publicKey: "${PUBLIC.alpha}"`);
  });

  test("with something open it ends with 1, all the same written, and -o - prints it", () => {
    put(pair("MTU = 1500\n"));
    const { status, stdout, stderr } = run("alpha.conf", "beta.conf", "-o", "-", "-q");
    expect(status).toBe(1);
    expect(stdout).toContain("# - alpha.conf:5: MTU = 1500 does not fit");
    expect(stderr).toMatch(/^alpha\.conf:5: question: MTU = 1500 does not fit: .*\n$/);
  });

  test.each<[string, readonly string[], string]>([
    [
      "what is there already",
      ["alpha.conf", "-o", "beta.conf"],
      "beta.conf is there already, and import overwrites nothing; name another file with -o",
    ],
    ["no such file", ["nowhere.conf"], "nowhere.conf: there is no such file or directory"],
    [
      "another format",
      ["notes"],
      "notes is in none of the formats wg-quick, showconf, netplan, proxmox, githubixx; --format says which one it is",
    ],
    ["no host", ["notes", "--format", "netplan"], "there is no host in notes; nothing was written"],
    ["an empty directory", ["empty"], "there is no host in empty; nothing was written"],
    ["no text", ["binary"], "binary is not UTF-8 text"],
  ])("%s", (_, args, message) => {
    put({ ...pair(), notes: "hello\n", "empty/readme": "" });
    writeFileSync(path("binary"), Buffer.of(0xff, 0xfe, 0x00));
    const { status, stdout, stderr } = run(...args);
    expect([status, stdout, stderr]).toEqual([2, "", `netgen: ${message}\n`]);
    expect(existsSync(path("topology.yaml"))).toBe(false);
  });
});
