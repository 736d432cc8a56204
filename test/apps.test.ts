/** Devices that an app configures: what they are told, what others make of them, and what they cannot be. */
import { describe, expect, test } from "vitest";
import { withKeys } from "../src/base/key.ts";
import { contentOf } from "../src/emit/file.ts";
import { compileText, hostOf, messagesOf, modelOf } from "./compile-text.ts";
import { testPublicKey } from "./test-keys.ts";

const APP = "platform: wireguard-app";
const POOL = "wireguard: {addresses: [10.250.0.0/24]}\n";
const STAR = "wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha]}\n";
const ALPHA = "  alpha: {id: 1, endpoint: 192.0.2.1}\n";

const hosts = (...lines: readonly string[]): string => `hosts:\n${ALPHA}${lines.map((line) => `  ${line}\n`).join("")}`;

/** What an app is given; `undefined`: nothing. */
const given = (body: string, name: string): string | undefined => compileText(body).configurations[name];

/** The values of a key in a configuration, in their order. */
const valuesOf = (configuration: string | undefined, key: string): readonly string[] =>
  [...(configuration ?? "").matchAll(/^(\w+) = (.*)$/gm)].flatMap(([, name, value = ""]) =>
    name === key ? [value] : [],
  );

/** Every line of every key that a configuration may hold: wireguard-apple refuses a file for any other. */
const KEYS = {
  "[Interface]": ["Address", "ListenPort", "DNS", "MTU"],
  "[Peer]": ["PublicKey", "AllowedIPs", "Endpoint", "PersistentKeepalive"],
};

describe("a device", () => {
  const body =
    STAR +
    hosts(
      `beta: {id: 2, ${APP}, dns: [9.9.9.9, "2620:fe::fe"]}`,
      `gamma: {id: 3, ${APP}, endpoint: "[2001:db8::3]:443"}`,
    );

  test("has one configuration, with keys that all apps take, and no file, unit or secret", () => {
    const { files, units, configurations } = compileText(body);
    expect(Object.keys(configurations)).toEqual(["beta", "gamma"]);
    expect([...new Set(files.map(({ path }) => path.split("/")[0]))]).toEqual(["alpha"]);
    expect(Object.keys(units)).toEqual(["alpha"]);
    for (const text of Object.values(configurations)) {
      let section: readonly string[] = [];
      for (const line of text.split("\n").filter((each) => each !== "" && !each.startsWith("#"))) {
        if (line in KEYS) section = KEYS[line as keyof typeof KEYS];
        else expect(section).toContain(line.split(" = ")[0]);
      }
    }
  });

  test("listens at a port where somebody dials it, or the user says so, and at any other elsewhere", () => {
    const portOf = (more: string): readonly string[] =>
      valuesOf(given(STAR + hosts(`beta: {id: 2, ${APP}${more}}`), "beta"), "ListenPort");
    expect(portOf("")).toEqual([]);
    expect(portOf(", endpoint: 192.0.2.2")).toEqual(["51820"]);
    expect(portOf(", lanEndpoint: 192.168.2.2")).toEqual(["51820"]);
    expect(portOf(", listenPort: 443")).toEqual(["443"]);
  });

  test("is told its name servers, and nothing of them where none are named", () => {
    expect(valuesOf(given(body, "beta"), "DNS")).toEqual(["9.9.9.9, 2620:fe::fe"]);
    expect(valuesOf(given(body, "gamma"), "DNS")).toEqual([]);
  });

  test("is a peer of the others like any host, with what lies behind it", () => {
    const text = STAR + hosts(`beta: {id: 2, ${APP}, routes: [192.168.3.0/24]}`);
    const [alpha] = compileText(text).files.filter(({ path }) => path === "alpha/etc/wireguard/wg0.conf");
    expect(alpha && Buffer.from(contentOf(alpha)).toString()).toContain(
      `PublicKey = ${testPublicKey("beta")}\nAllowedIPs = 10.250.0.2/32, 192.168.3.0/24\n`,
    );
  });

  test("has no endpoint for whom it cannot dial, and keeps alive what nobody has to", () => {
    const open = POOL + hosts(`beta: {id: 2, ${APP}, endpoint: 192.0.2.2}`, "gamma: {id: 3}");
    const beta = given(open, "beta");
    expect(valuesOf(beta, "PublicKey")).toEqual([testPublicKey("alpha"), testPublicKey("gamma")]);
    expect(valuesOf(beta, "Endpoint")).toEqual(["192.0.2.1:51820"]);
    expect(valuesOf(beta, "PersistentKeepalive")).toEqual([]);
  });

  test("dials the first of several endpoints, and names as they are", () => {
    const several = `${STAR}hosts:\n  alpha: {id: 1, endpoint: [vpn.example.net, 192.0.2.1]}\n  beta: {id: 2, ${APP}}\n`;
    expect(valuesOf(given(several, "beta"), "Endpoint")).toEqual(["vpn.example.net:51820"]);
  });

  test("has nothing of hostDefaults but what holds for it", () => {
    const defaults =
      "sites: {roz: {}}\nhostDefaults: {site: roz, behindNat: true, uplink: eth0, docker: true, frr: snippet, wireguard: false, extra: {wireguard: [FwMark = 0x1]}}\n";
    const text = `${STAR}${defaults}hosts:\n  alpha: {id: 1, endpoint: 192.0.2.1, wireguard: true, lanEndpoint: 192.168.2.1}\n  beta: {id: 2, ${APP}}\n`;
    expect(messagesOf(text)).toEqual([]);
    const beta = hostOf(modelOf(text), "beta");
    expect(beta).toMatchObject({ uplink: undefined, hasDocker: false, frrMode: "complete", extra: { wireguard: [] } });
    expect(beta.reach).toMatchObject({ site: "roz", isBehindNat: true });
  });

  test("may be what hostDefaults say that all are", () => {
    const text = `${POOL}hostDefaults: {${APP}}\nhosts:\n  alpha: {id: 1, endpoint: 192.0.2.1, platform: debian12}\n  beta: {id: 2}\n`;
    expect(Object.keys(compileText(text).configurations)).toEqual(["beta"]);
  });

  test("is no member of what all or a site are members of", () => {
    const subnets =
      "subnets:\n  pods: {cidr: 10.2.0.0/16, perHost: 24, hosts: all}\n  vms: {cidr: 10.3.0.0/16, perHost: 24, hosts: [roz]}\n";
    const text = `${POOL}sites: {roz: {}}\nhosts:\n  alpha: {id: 1, site: roz, endpoint: 192.0.2.1}\n  beta: {id: 2, site: roz, ${APP}}\n${subnets}`;
    expect(messagesOf(text)).toEqual([]);
    const { hosts: all } = modelOf(text);
    expect(all.map(({ bridges }) => bridges.length)).toEqual([2, 0]);
  });

  test("has no routes that a host would hold, and warns of none of its interfaces", () => {
    const text = STAR + hosts(`beta: {id: 2, ${APP}, routes: ["fd03::/64"]}`);
    expect(messagesOf(text)).toEqual([]);
    expect(hostOf(modelOf(text), "beta")).toMatchObject({ unreachable: [], acceptsRa: false, networkManager: "other" });
  });
});

describe("the MTU of a device", () => {
  const paths = "underlay: {paths: [{between: [alpha, beta], mtu: 1400}]}\n";
  const three = hosts("gamma: {id: 3, endpoint: 192.0.2.3}", `beta: {id: 2, ${APP}}`);

  test("is that of its smallest tunnel, also where hosts have one for each peer: it cannot set a route's", () => {
    const perPeer = "wireguard: {addresses: [10.250.0.0/24], mtu: per-peer}\n";
    for (const wireguard of [POOL, perPeer]) {
      expect(valuesOf(given(paths + wireguard + three, "beta"), "MTU")).toEqual(["1340"]);
    }
    expect(hostOf(modelOf(paths + perPeer + three), "gamma").interfaces[0]?.mtu).toBe(1440);
  });

  test("takes it that a name may lead to IPv6, whatever the hosts' script looks for", () => {
    const named = (more: string): readonly string[] =>
      valuesOf(
        given(
          `underlay: {ipVersion: 4}\n${STAR}hosts:\n  alpha: {id: 1, endpoint: vpn.example.net}\n  beta: {id: 2, ${APP}${more}}\n  gamma: {id: 3}\n`,
          "beta",
        ),
        "MTU",
      );
    expect(named("")).toEqual(["1420"]);
    expect(named(", families: 4")).toEqual(["1440"]);
  });

  // In a full mesh hosts that meet all others alike are made as one.
  test("is its own, although a host meets all others as it does", () => {
    const rules = "underlay: {paths: [{between: [alpha, roz], mtu: 1400}]}\nsites: {roz: {}}\n";
    const perPeer = "wireguard: {addresses: [10.250.0.0/24], mtu: per-peer}\n";
    const two = [
      "beta: {id: 2, site: roz, endpoint: 192.0.2.2}",
      `delta: {id: 4, site: roz, endpoint: 192.0.2.4, ${APP}}`,
    ];
    const model = modelOf(rules + perPeer + hosts("gamma: {id: 3, endpoint: 192.0.2.3}", ...two));
    const [beta, delta] = ["beta", "delta"].map((name) => hostOf(model, name).interfaces[0]);
    expect(beta).toMatchObject({ mtu: 1440, smallerPeers: [{ host: "alpha", mtu: 1340 }] });
    expect(delta).toMatchObject({ mtu: 1340, smallerPeers: [] });
  });
});

test("keys come into a configuration where they belong, and none where none is known", () => {
  const text = "[Interface]\nMTU = 1440\n\n[Peer]\nPublicKey = a\nMTU = 1\n\n[Peer]\nPublicKey = b\n";
  const presharedKeys = new Map([["b", "shared"]]);
  expect(withKeys(text, { privateKey: "own", presharedKeys })).toBe(
    text.replace("[Interface]\n", "[Interface]\nPrivateKey = own\n").replace("= b\n", "= b\nPresharedKey = shared\n"),
  );
  expect(withKeys(text, { privateKey: undefined, presharedKeys: new Map() })).toBe(text);
});

describe("in a mesh", () => {
  const phones = [`beta: {id: 2, ${APP}}`, `gamma: {id: 3, ${APP}}`] as const;

  test("devices that nobody can dial do without a tunnel between them", () => {
    expect(messagesOf(POOL + hosts(...phones))).toEqual([]);
    expect(valuesOf(given(POOL + hosts(...phones), "beta"), "PublicKey")).toEqual([testPublicKey("alpha")]);
  });

  test("one of the two that can be dialled is", () => {
    const text = POOL + hosts(`beta: {id: 2, ${APP}, endpoint: 192.0.2.2}`, phones[1]);
    expect(valuesOf(given(text, "gamma"), "Endpoint")).toEqual(["192.0.2.1:51820", "192.0.2.2:51820"]);
    expect(valuesOf(given(text, "beta"), "Endpoint")).toEqual(["192.0.2.1:51820"]);
  });

  test("a hub relays them", () => {
    const relay = "wireguard: {addresses: [10.250.0.0/24], hubs: [alpha]}\n";
    expect(valuesOf(given(relay + hosts(...phones), "beta"), "AllowedIPs")).toEqual(["10.250.0.1/32, 10.250.0.3/32"]);
  });

  test("a host that cannot be dialled either is missed, and so is a device that is linked", () => {
    expect(messagesOf(POOL + hosts("beta: {id: 2}", phones[1]))[0]).toMatch(/^pair-cannot-meet: beta and gamma/);
    const links = "wireguard: {addresses: [10.250.0.0/24], shape: links, links: [[alpha, beta], [beta, gamma]]}\n";
    expect(messagesOf(links + hosts(...phones)).map((each) => each.split(":")[0])).toContain("pair-cannot-meet");
  });
});

describe("what a device cannot be", () => {
  const key = (text: string): readonly string[] =>
    messagesOf(STAR + hosts(`beta: {id: 2, ${APP}, ${text}}`)).filter((each) =>
      each.startsWith("platform-key-conflict"),
    );

  test.each([
    ["uplink", "uplink: eth0"],
    ["lanInterface", "lanInterface: eth1, lanEndpoint: 192.168.2.2"],
    ["programs", 'programs: {frr: "10.2"}'],
    ["wireguard", "wireguard: true"],
    ["docker", "docker: true"],
    ["metrics", "metrics: true"],
    ["healthGate", "healthGate: {}"],
    ["guard", "guard: {bgp: [192.0.2.9]}"],
    ["networkManager", "networkManager: networkd"],
    ["acceptRa", "acceptRa: true"],
    ["keyStore", "keyStore: credential"],
    ["frr", "frr: snippet"],
    ["extra", "extra: {sysctl: {net.core.x: 1}}"],
  ])("one with %s, which is quoted", (name, text) => {
    expect(key(text)).toEqual([
      `platform-key-conflict: beta has "${name}", which has no meaning with "platform: wireguard-app"`,
    ]);
  });

  test("a host with dns, of whatever platform", () => {
    const of = (more: string) => messagesOf(STAR + hosts(`beta: {id: 2, dns: [9.9.9.9]${more}}`));
    expect(of("")).toEqual(['platform-key-conflict: beta has "dns", which has no meaning with "platform: debian12"']);
    expect(of(", platform: proxmox9")[0]).toContain("proxmox9");
  });

  const vxlan =
    "subnets: {s: {cidr: 10.9.0.0/24, vxlan: {vni: 1}, vrf: blue, hosts: [alpha]}}\nvrfs: {blue: {vni: 5000}}\nbgp: {asn: 65000}\n";
  test.each([
    [
      "a gateway of roz",
      "sites: {roz: {lan: [192.168.2.0/24], gateways: [beta]}}\n",
      POOL,
      ", site: roz, endpoint: 192.0.2.2",
      "",
    ],
    ["a member of s", "", POOL, "", "subnets: {s: {cidr: 10.9.0.0/24, hosts: [beta]}}\n"],
    ["a hub", "", STAR.replace("alpha]", "beta]"), ", endpoint: 192.0.2.2", ""],
    ["a route reflector", "", POOL, "", vxlan.replace("65000}", "65000, routeReflectors: [beta]}")],
    ["a member of blue", "", POOL, ", routes: [{cidr: 10.8.0.0/24, vrf: blue}]", vxlan],
    [
      "an exit of blue",
      "",
      POOL,
      "",
      vxlan.replace("5000}", "5000, exits: [{host: beta, interface: eth0, snat: true}]}"),
    ],
  ])("%s", (role, before, wireguard, more, after) => {
    const said = messagesOf(before + wireguard + hosts(`beta: {id: 2, ${APP}${more}}`) + after);
    expect(said.filter((each) => each.startsWith("app-"))).toEqual([
      `app-role-conflict: beta is ${role}, and has "platform: wireguard-app": it has a tunnel, and netgen cannot have it do more`,
    ]);
  });

  test("one between others, wherever the links name it", () => {
    const link = (links: string): readonly string[] =>
      messagesOf(
        `wireguard: {addresses: [10.250.0.0/24], shape: links, links: ${links}}\n` +
          hosts(`beta: {id: 2, endpoint: 192.0.2.2, ${APP}}`, "gamma: {id: 3}"),
      ).filter((each) => each.startsWith("app-role"));
    expect(link("[[alpha, beta], [alpha, gamma]]")).toEqual([]);
    expect(link("[[alpha, beta], [gamma, beta]]")).toHaveLength(1);
  });
});
