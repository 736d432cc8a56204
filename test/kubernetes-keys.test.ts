/** What nodes of Kubernetes are told has the keys that its programs document, where and as what they document them. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { must } from "../src/base/invariant.ts";
import { listFixtures, runFixture, textOf } from "./fixtures.ts";

/** What a key may hold: a kind of value, or one of the words. */
type Kind = RegExp | "text" | "number" | "truth";
/** The keys of a file by their path; `[]` stands for each entry of a list. */
type Keys = Readonly<Record<string, Kind>>;

const LIST_OF_ADDRESSES = /^[0-9a-f:.]+(,[0-9a-f:.]+)?$/;
const LIST_OF_PREFIXES = /^[0-9a-f:.]+\/\d+(,[0-9a-f:.]+\/\d+)?$/;

/** docs.k3s.io/cli/agent, "Networking", and in pkg/cli/cmds/agent.go. */
const K3S_AGENT: Keys = {
  "node-ip": LIST_OF_ADDRESSES,
  "node-external-ip": LIST_OF_ADDRESSES,
  "resolv-conf": "text",
  "flannel-iface": "text",
  "flannel-conf": /^\//,
  "flannel-cni-conf": /^\//,
};

/** docs.k3s.io/cli/server, "Networking" and "Disable components": an agent knows none of them. */
const K3S_SERVER: Keys = {
  ...K3S_AGENT,
  "cluster-cidr": LIST_OF_PREFIXES,
  "service-cidr": LIST_OF_PREFIXES,
  "service-node-port-range": "text",
  "cluster-dns": LIST_OF_ADDRESSES,
  "cluster-domain": "text",
  "flannel-backend": /^(none|vxlan|host-gw|wireguard-native)$/,
  "flannel-ipv6-masq": "truth",
  "flannel-external-ip": "truth",
  "egress-selector-mode": /^(agent|cluster|pod|disabled)$/,
  "disable-network-policy": "truth",
  "disable-kube-proxy": "truth",
};

/** flannel's Documentation/configuration.md, and "VXLAN" of backends.md; what it does not know it leaves out, and so the comment. */
const FLANNEL: Keys = {
  "//": "text",
  EnableIPv4: "truth",
  EnableIPv6: "truth",
  EnableNFTables: "truth",
  Network: LIST_OF_PREFIXES,
  IPv6Network: LIST_OF_PREFIXES,
  SubnetLen: "number",
  SubnetMin: LIST_OF_ADDRESSES,
  SubnetMax: LIST_OF_ADDRESSES,
  "Backend.Type": /^vxlan$/,
  "Backend.VNI": "number",
  "Backend.Port": "number",
  "Backend.MTU": "number",
  "Backend.GBP": "truth",
  "Backend.Learning": "truth",
  "Backend.DirectRouting": "truth",
};

/** docs.cilium.io, "Helm Reference": those about addresses, routes and tunnels. */
const CILIUM: Keys = {
  MTU: "number",
  devices: "text",
  routingMode: /^(native|tunnel)$/,
  tunnelProtocol: /^(vxlan|geneve)$/,
  tunnelPort: "number",
  underlayProtocol: /^ipv[46]$/,
  "ipam.mode": /^(kubernetes|cluster-pool|multi-pool)$/,
  "ipv4.enabled": "truth",
  "ipv6.enabled": "truth",
  ipv4NativeRoutingCIDR: LIST_OF_PREFIXES,
  ipv6NativeRoutingCIDR: LIST_OF_PREFIXES,
};

/** CalicoNetworkSpec, IPPool and NodeAddressAutodetection of the operator's api/v1/installation_types.go. */
const CALICO: Keys = {
  apiVersion: /^operator\.tigera\.io\/v1$/,
  kind: /^Installation$/,
  "metadata.name": /^default$/,
  "spec.calicoNetwork.linuxDataplane": /^(Iptables|Nftables|BPF|VPP)$/,
  "spec.calicoNetwork.bgp": /^(Enabled|Disabled)$/,
  "spec.calicoNetwork.mtu": "number",
  "spec.calicoNetwork.hostPorts": /^(Enabled|Disabled)$/,
  "spec.calicoNetwork.nodeAddressAutodetectionV4.interface": "text",
  "spec.calicoNetwork.nodeAddressAutodetectionV6.interface": "text",
  "spec.calicoNetwork.ipPools[].cidr": LIST_OF_PREFIXES,
  "spec.calicoNetwork.ipPools[].encapsulation": /^(IPIPCrossSubnet|IPIP|VXLAN|VXLANCrossSubnet|None)$/,
  "spec.calicoNetwork.ipPools[].natOutgoing": /^(Enabled|Disabled)$/,
  "spec.calicoNetwork.ipPools[].nodeSelector": "text",
  "spec.calicoNetwork.ipPools[].blockSize": "number",
};

/** Every value of a file that holds no others, with the path of its key. */
function leaves(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.flatMap((each) => leaves(each, `${path}[]`));
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, below]) => leaves(below, path === "" ? key : `${path}.${key}`));
}

function isOfKind(value: unknown, kind: Kind | undefined): boolean {
  if (kind === undefined) return false;
  if (kind === "number") return Number.isInteger(value);
  if (kind === "truth") return typeof value === "boolean";
  return typeof value === "string" && (kind === "text" || kind.test(value));
}

/** What no reader of the file would take. */
const strangers = (text: string, keys: Keys): readonly (readonly [string, unknown])[] =>
  leaves(parse(text), "").filter(
    ([path, value]) => !isOfKind(value, Object.hasOwn(keys, path) ? keys[path] : undefined),
  );

function keysOf(path: string, isServer: boolean): Keys | undefined {
  if (path.includes("/rancher/k3s/config.yaml.d/")) return isServer ? K3S_SERVER : K3S_AGENT;
  const [, name] = /\/kubernetes\/([^/]+)$/.exec(path) ?? [];
  return { "net-conf.json": FLANNEL, "cilium.yaml": CILIUM, "calico.yaml": CALICO }[name ?? ""];
}

const files = listFixtures()
  .filter(({ kind, name }) => kind === "scenario" && name.startsWith("kubernetes"))
  .flatMap((fixture) => {
    const { files: all, model } = runFixture(fixture).compilation;
    const { hosts } = must(model, "a scenario compiles");
    return all.flatMap((file) => {
      const host = hosts.find(({ name }) => file.path.startsWith(`${name}/`));
      const keys = keysOf(file.path, host?.kubernetes?.role === "server");
      return keys === undefined ? [] : [{ path: `${fixture.name}: ${file.path}`, text: textOf(file), keys }];
    });
  });

describe("keys of", () => {
  test.each(files)("$path", ({ text, keys }) => {
    expect(strangers(text, keys)).toEqual([]);
  });

  test("each program's files were read", () => {
    expect(new Set(files.map(({ keys }) => keys))).toEqual(new Set([K3S_AGENT, K3S_SERVER, FLANNEL, CILIUM, CALICO]));
  });

  test.each([
    ["a key of a server's on an agent", 'cluster-cidr: "10.42.0.0/16"', K3S_AGENT],
    ["a key that is none", "flannel-interface: wg0", K3S_AGENT],
    ["a key of the level below", "MTU: 1420", FLANNEL],
    ["a number that is a text", 'MTU: "1420"', CILIUM],
    ["a word that is none of them", "routingMode: overlay", CILIUM],
    ["a list's key beside it", 'spec: {calicoNetwork: {ipPools: {cidr: "10.42.0.0/16"}}}', CALICO],
    ["a name of every object's", "toString: 1", CALICO],
  ])("would show %s", (_, text, keys) => {
    expect(strangers(text, keys)).toHaveLength(1);
  });
});
