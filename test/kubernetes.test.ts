/** Nodes of Kubernetes: what each CNI is told, and what does not make a cluster. */
import { describe, expect, test } from "vitest";
import { reportMtu } from "../src/report/mtu.ts";
import { renderMtu } from "../src/report/mtu-text.ts";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";

interface Cluster {
  readonly pools?: string;
  readonly shared?: string;
  readonly cni?: string;
  readonly distribution?: string;
  /** More of the topology, and of beta. */
  readonly more?: string;
  readonly ofBeta?: string;
}

/** alpha, a server, and beta, an agent; gamma is no node. */
function cluster(change: Cluster = {}): string {
  const { pools = "10.250.0.0/24", shared = "", cni = "flannel", distribution = "k3s", more = "", ofBeta } = change;
  const node = (role: string): string => `kubernetes: {cni: ${cni}, distribution: ${distribution}, role: ${role}}`;
  return `wireguard: {addresses: [${pools}]}
${shared === "" ? "" : `kubernetes: {${shared}}\n`}${more}hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, ${node("server")}}
  beta: {id: 2, endpoint: 192.0.2.2, ${ofBeta ?? node("agent")}}
  gamma: {id: 3, endpoint: 192.0.2.3}
`;
}

const V4 = "pods: [10.42.0.0/16], services: [10.43.0.0/16]";
const V6 = 'pods: ["fd00:42::/56"], services: ["fd00:43::/112"]';
const BOTH = 'pods: [10.42.0.0/16, "fd00:42::/56"], services: [10.43.0.0/16, "fd00:43::/112"]';
const BOTH_POOLS = '10.250.0.0/24, "fd00:250::/64"';
const clusterOf = (body: string) => modelOf(body).kubernetes;
const codesOf = (body: string): readonly string[] => compileText(body).diagnostics.map(({ code }) => code);

describe("the size of a pod's packet", () => {
  test.each([
    // Tunnel 1440: 50 less between IPv4 addresses, 70 between IPv6.
    ["flannel", "10.250.0.0/24", V4, { outer: 4, podMtu: 1390, setting: 1440 }],
    ["cilium", "10.250.0.0/24", V4, { outer: 4, podMtu: 1390, setting: 1440 }],
    ["calico", "10.250.0.0/24", V4, { outer: 4, podMtu: 1390, setting: 1390 }],
    ["flannel", '"fd00:250::/64"', V6, { outer: 6, podMtu: 1370, setting: 1420 }],
    ["cilium", '"fd00:250::/64"', V6, { outer: 6, podMtu: 1370, setting: 1420 }],
    ["calico", '"fd00:250::/64"', V6, { outer: 6, podMtu: 1370, setting: 1370 }],
    ["flannel", BOTH_POOLS, BOTH, { outer: 6, podMtu: 1370, setting: 1420 }],
    ["cilium", BOTH_POOLS, BOTH, { outer: 4, podMtu: 1390, setting: 1440 }],
    ["calico", BOTH_POOLS, BOTH, { outer: 6, podMtu: 1370, setting: 1370 }],
  ])("%s in %s with %s", (cni, pools, shared, sizes) => {
    expect(clusterOf(cluster({ cni, pools, shared }))).toMatchObject({ cni, tunnelMtu: 1440, ...sizes });
  });

  test.each([
    // An endpoint that is a name may lead to IPv6, which costs 80.
    ["flannel", 1500, { tunnelMtu: 1420, podMtu: 1370, setting: 1420 }],
    ["calico", 1500, { tunnelMtu: 1420, podMtu: 1370, setting: 1370 }],
    ["flannel", 9000, { tunnelMtu: 8920, podMtu: 8870, setting: 8920 }],
    ["cilium", 9000, { tunnelMtu: 8920, podMtu: 8870, setting: 8920 }],
    ["calico", 9000, { tunnelMtu: 8920, podMtu: 8870, setting: 8870 }],
  ])("%s on a path of %i to a name", (cni, pathMtu, sizes) => {
    const body = cluster({ cni, more: `underlay: {pathMtu: ${pathMtu}}\n` }).replace("192.0.2.1", "alpha.example.net");
    expect(clusterOf(body)).toMatchObject(sizes);
  });

  test("a path of the node with the smallest one counts, between nodes and to who passes on, and no other", () => {
    const paths = (ends: string): string => `underlay: {paths: [{between: [${ends}], mtu: 1400}]}\n`;
    const perPeer = (body: string): string => body.replace("wireguard: {", "wireguard: {mtu: per-peer, ");
    const tunnelMtu = (body: string): number | undefined => clusterOf(body)?.tunnelMtu;
    expect(tunnelMtu(cluster({ more: paths("alpha, beta") }))).toBe(1340);
    expect(tunnelMtu(perPeer(cluster({ more: paths("alpha, beta") })))).toBe(1340);
    expect(tunnelMtu(perPeer(cluster({ more: paths("beta, gamma") })))).toBe(1440);
    const hub = (body: string): string =>
      body.replace("wireguard: {", "wireguard: {shape: hub-and-spoke, hubs: [gamma], ");
    expect(tunnelMtu(hub(perPeer(cluster({ more: paths("beta, gamma") }))))).toBe(1340);
  });

  test("netgen mtu says it in the CNI's own words", () => {
    const said = (cni: string): string => renderMtu(reportMtu(modelOf(cluster({ cni }))));
    expect(said("flannel")).toContain("kubernetes (flannel): 1390 bytes for pods");
    expect(said("flannel")).toContain("Backend.MTU: 1440 in net-conf.json");
    expect(said("cilium")).toContain("MTU: 1440 in Helm's values");
    expect(said("calico")).toContain("calicoNetwork.mtu: 1390");
    expect(reportMtu(modelOf(cluster().replaceAll(/, kubernetes: \{[^}]*\}/g, ""))).kubernetes).toBeUndefined();
  });

  test("pods without room for IPv6 are refused; where the tunnel itself has none, that alone is said", () => {
    const small = (mtu: number): string =>
      cluster({ pools: '"fd00:250::/64"', shared: V6, more: `underlay: {pathMtu: ${mtu}}\n` });
    expect(codesOf(small(1410))).toEqual([]);
    expect(messagesOf(small(1409))).toEqual([
      "kubernetes-below-ipv6: pods of fd00:42::/56 would get 1279 bytes (1349 - 70), and IPv6 needs 1280",
    ]);
    expect(codesOf(small(1339))).not.toContain("kubernetes-below-ipv6");
    expect(codesOf(cluster({ more: "underlay: {pathMtu: 1300}\n" }))).toEqual([]);
  });
});

describe("a node", () => {
  test("is told its addresses of the families of pods, in their order", () => {
    const addresses = (pools: string, shared: string) =>
      hostOf(modelOf(cluster({ pools, shared })), "beta").kubernetes?.addresses;
    expect(addresses(BOTH_POOLS, BOTH)).toEqual(["10.250.0.2", "fd00:250::2"]);
    expect(addresses('"fd00:250::/64", 10.250.0.0/24', BOTH)).toEqual(["10.250.0.2", "fd00:250::2"]);
    expect(addresses(BOTH_POOLS, V6)).toEqual(["fd00:250::2"]);
  });

  test("forwards what its pods send, of their families; a host that is none does not", () => {
    const network = modelOf(cluster({ pools: BOTH_POOLS, shared: V6 }));
    expect(hostOf(network, "beta").forwards).toEqual({ ipv4: false, ipv6: true });
    expect(hostOf(network, "gamma").forwards).toEqual({ ipv4: false, ipv6: false });
    expect(hostOf(network, "gamma").kubernetes).toBeUndefined();
  });

  test("lets its pods out to the overlay, and nobody who only says that it is one", () => {
    const entrance = (cni: string, host: string): string => {
      const lines = linesOf(cluster({ cni }), `${host}/etc/netgen/netgen.nft`).join("\n");
      return /chain entrance \{([^}]*)/.exec(lines)?.[1] ?? "";
    };
    const back = "ip saddr 10.42.0.0/16 fib saddr . iif oif exists return";
    expect(entrance("flannel", "beta")).toContain(back);
    expect(entrance("flannel", "beta")).not.toContain("lxc*");
    expect(entrance("calico", "beta")).toContain(back);
    expect(entrance("cilium", "beta")).toContain('iifname "lxc*" return');
    expect(entrance("flannel", "gamma")).toBe("");
  });

  test("of K3s has what a server says alone on servers", () => {
    const path = (host: string): string => `${host}/etc/rancher/k3s/config.yaml.d/50-netgen.yaml`;
    expect(linesOf(cluster(), path("beta"))).toEqual([
      'node-ip: "10.250.0.2"',
      'flannel-iface: "wg0"',
      'flannel-conf: "/etc/netgen/kubernetes/net-conf.json"',
    ]);
    expect(linesOf(cluster({ cni: "calico" }), path("alpha"))).toEqual([
      'node-ip: "10.250.0.1"',
      'flannel-backend: "none"',
      "disable-network-policy: true",
      'cluster-cidr: "10.42.0.0/16"',
      'service-cidr: "10.43.0.0/16"',
    ]);
  });

  test.each([
    ["k3s", "beta", "k3s-agent.service"],
    ["k3s", "alpha", "k3s.service"],
    ["kubeadm", "beta", "kubelet.service"],
  ])("goes and comes with the tunnel: %s on %s", (distribution, host, unit) => {
    const dropIn = (of: string, name: string): readonly string[] =>
      linesOf(cluster({ distribution }), `${host}/etc/systemd/system/${of}.d/${name}-netgen.conf`);
    expect(dropIn(unit, "20")).toEqual(
      expect.arrayContaining(["Wants=", "After=", "PartOf="].map((key) => `${key}wg-quick@wg0.service`)),
    );
    expect(dropIn("wg-quick@wg0.service", "20-kubernetes")).toEqual(["[Unit]", `Wants=${unit}`]);
  });

  test("that is none gets nothing of it", () => {
    const paths = compileText(cluster()).files.map((file) => file.path);
    expect(paths.filter((path) => path.startsWith("gamma/") && /k3s|kube/.test(path))).toEqual([]);
  });

  test("may route a part of the pods' itself, and nobody else may", () => {
    const overlaps = (more: string): readonly string[] =>
      codesOf(cluster({ ofBeta: `kubernetes: {cni: flannel, distribution: k3s, role: agent}, routes: [${more}]` }));
    expect(overlaps("10.42.2.0/24")).toEqual([]);
    expect(overlaps("10.40.0.0/13")).toEqual(["kubernetes-overlap", "kubernetes-overlap"]);
    expect(overlaps("10.43.2.0/24")).toEqual(["kubernetes-overlap"]);
    expect(codesOf(cluster({ ofBeta: "routes: [10.42.2.0/24]" }))).toEqual(["kubernetes-overlap"]);
    // What is wider and says that it leaves out what lies within does.
    expect(overlaps("{cidr: 10.0.0.0/8, exceptMoreSpecifics: true}")).toEqual([]);
  });

  test("says where its prefixes are written, when they are", () => {
    const related = (shared: string) =>
      compileText(cluster({ pools: "10.42.0.0/24", shared })).diagnostics.map((each) =>
        each.related.map(({ message }) => message),
      );
    expect(related("")).toEqual([[]]);
    expect(related(V4)).toEqual([["10.42.0.0/16 is declared here"]]);
  });

  test("does not meet what lies in a VRF", () => {
    const body = cluster({ more: "bgp: {asn: 65000}\nvrfs: {blue: {vni: 5000}}\n" });
    const routing = (route: string): readonly string[] =>
      codesOf(body.replace("192.0.2.3", `192.0.2.3, routes: [${route}]`));
    expect(routing("{cidr: 10.42.2.0/24, vrf: blue}")).not.toContain("kubernetes-overlap");
    expect(routing("10.42.2.0/24")).toContain("kubernetes-overlap");
  });
});

describe("no cluster", () => {
  test("has two CNIs", () => {
    const ofBeta = "kubernetes: {cni: calico, distribution: k3s, role: agent}";
    expect(messagesOf(cluster({ ofBeta }))).toEqual([
      expect.stringContaining("beta has the CNI calico and alpha has flannel"),
    ]);
  });

  test.each([
    ["nodes without an address of the pods'", { shared: V6 }],
    ["nodes without an address of what is left out", { pools: '"fd00:250::/64"' }],
    [
      "two prefixes of one family",
      { shared: "pods: [10.42.0.0/16, 10.44.0.0/16], services: [10.43.0.0/16, 10.45.0.0/16]" },
    ],
    ["services of another family", { pools: BOTH_POOLS, shared: 'services: ["fd00:43::/112"]' }],
    [
      "families in another order",
      { pools: BOTH_POOLS, shared: BOTH.replace('10.43.0.0/16, "fd00:43::/112"', '"fd00:43::/112", 10.43.0.0/16') },
    ],
  ])("has %s", (_, change) => {
    expect(codesOf(cluster(change))).toEqual(["kubernetes-family"]);
  });

  test("has more than one way between its nodes", () => {
    const body = cluster()
      .replace("wireguard: {", "wireguard: {shape: hub-and-spoke, hubs: [alpha, gamma], transit: [10.251.0.0/16], ")
      .concat("bgp: {asn: 65000}\n");
    expect(codesOf(body)).toEqual(["kubernetes-with-several-ways", "kubernetes-with-several-ways"]);
  });

  test("has fewer parts of the pods' prefix than nodes, unless Calico makes blocks of it", () => {
    const pods = (prefix: string): Cluster => ({ shared: `pods: [${prefix}]` });
    expect(codesOf(cluster(pods("10.42.0.0/23")))).toEqual([]);
    expect(messagesOf(cluster(pods("10.42.0.0/24")))).toEqual([
      "kubernetes-pods-few: 10.42.0.0/24 holds 1 of the /24 that Kubernetes gives each node, and there are 2 nodes",
    ]);
    expect(messagesOf(cluster(pods("10.42.0.0/28")))).toEqual([expect.stringContaining(" holds 0 of the /24 ")]);
    expect(codesOf(cluster({ ...pods("10.42.0.0/28"), cni: "calico" }))).toEqual([]);
    const node = "kubernetes: {cni: flannel, distribution: k3s, role: agent}";
    const many = Array.from(
      { length: 257 },
      (_, index) => `  h${index}: {id: ${index + 1}, endpoint: 192.0.2.1:${index + 1}, ${node}}\n`,
    );
    expect(messagesOf(`wireguard: {addresses: [10.250.0.0/16]}\nhosts:\n${many.join("")}`)).toContain(
      "kubernetes-pods-few: 10.42.0.0/16 holds 256 of the /24 that Kubernetes gives each node, and there are 257 nodes",
    );
    const ipv6 = { pools: BOTH_POOLS, shared: BOTH.replace(/fd00:42::\/\d+/, "fd00:42::/64") };
    expect(messagesOf(cluster(ipv6))).toEqual([expect.stringContaining("fd00:42::/64 holds 1 of the /64 ")]);
  });

  test("is of nobody, and what is said of a mistake is said once", () => {
    const none = `wireguard: {addresses: [10.250.0.0/24]}\nkubernetes: {PREFIXES}\nhosts: {alpha: {id: 1, endpoint: 192.0.2.1}}\n`;
    expect(codesOf(none.replace("PREFIXES", V4))).toEqual(["kubernetes-unused"]);
    expect(codesOf(none.replace("PREFIXES", ""))).toEqual([]);
    const mistyped = none
      .replace("PREFIXES", V4)
      .replace("192.0.2.1", "192.0.2.1, kubernetes: {cni: weave, distribution: k3s, role: agent}");
    expect(codesOf(mistyped)).toContain("value-choice");
    expect(codesOf(mistyped)).not.toContain("kubernetes-unused");
  });

  test("has services among its pods", () => {
    const shared = "pods: [10.42.0.0/15], services: [10.43.0.0/16]";
    expect(codesOf(cluster({ shared }))).toEqual(["kubernetes-overlap"]);
  });

  test("has ranges that cannot be routed", () => {
    const shared = "pods: [169.254.0.0/17], services: [169.254.128.0/17]";
    expect(codesOf(cluster({ shared }))).toEqual(["prefix-reserved", "prefix-reserved"]);
  });
});

describe("the CNI's VXLAN", () => {
  const segment = (vni: number, port = 4789): string =>
    `vxlanPort: ${port}\nsubnets: {vms: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: all}}\n`;

  test.each([
    ["flannel", 1, 8472, true],
    ["flannel", 2, 8472, false],
    ["flannel", 1, 4789, false],
    ["calico", 4096, 4789, true],
    ["calico", 4097, 4789, false],
    ["cilium", 77, 8472, true],
    ["cilium", 77, 4789, false],
  ])("%s beside a segment with the VNI %i on port %i", (cni, vni, port, isTaken) => {
    const codes = codesOf(cluster({ cni }) + segment(vni, port));
    expect(codes).toEqual(isTaken ? ["kubernetes-vxlan-conflict"] : []);
  });

  test("is not a VRF's either", () => {
    const node = "kubernetes: {cni: cilium, distribution: k3s, role: agent}";
    const ofBeta = `${node}, routes: [{cidr: 10.99.0.0/24, vrf: blue}]`;
    const vrf = (port: number): string => `bgp: {asn: 65000}\nvxlanPort: ${port}\nvrfs: {blue: {vni: 5000}}\n`;
    expect(messagesOf(cluster({ cni: "cilium", more: vrf(8472), ofBeta }))).toEqual([
      expect.stringContaining("blue has the VNI 5000 on UDP port 8472 of beta, where cilium has all of the port"),
    ]);
    expect(codesOf(cluster({ cni: "cilium", more: vrf(4789), ofBeta }))).toEqual([]);
  });

  test("is guarded: no tunnel listens on its port, and a host may open it", () => {
    const listening = cluster().replace("192.0.2.2,", "192.0.2.2, listenPort: 8472,");
    expect(messagesOf(listening)).toEqual([expect.stringContaining("UDP port 8472, which is flannel's")]);
    const open = (body: string): string => body.replace("id: 2,", "id: 2, guard: {vxlan: [198.51.100.7]},");
    expect(codesOf(open(cluster()))).toEqual([]);
    expect(codesOf(open(cluster({ ofBeta: "uplink: eth0" })))).toEqual(["guard-open-unused"]);
    expect(linesOf(cluster(), "beta/etc/netgen/netgen.nft").join("\n")).toContain("udp dport 8472");
  });
});
