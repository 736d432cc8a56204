/** netplan's `tunnels:` of the mode wireguard (netplan-yaml(5)); `netplan get` prints those of all files as one. */
import { publicHalfIn } from "../base/disarmed.ts";
import { isWireguardKey } from "../base/key.ts";
import type { Source } from "../base/source.ts";
import { asYaml } from "../validate/words.ts";
import { type Facts, type Finding, type HostFacts, type PeerFacts, question, type Said } from "./facts.ts";
import { hostOfPath } from "./names.ts";
import { readEndpoints, readKeepalive, readNumber, readPrefixes } from "./values.ts";
import { type Node, readYaml, textsOf } from "./yaml.ts";

const TUNNEL_KEYS = new Set(["mode", "key", "keys", "port", "mtu", "addresses", "peers"]);
const PEER_KEYS = new Set(["keys", "allowed-ips", "endpoint", "keepalive"]);

const prefixesOf = (node: Node, what: "Address" | "AllowedIPs", findings: Finding[]) =>
  textsOf(node).flatMap(({ text, place }) => readPrefixes([text], { what, place }, findings));

const restOf = (node: Node, known: ReadonlySet<string>): readonly Said<string>[] =>
  node
    .members()
    .filter(([key]) => !known.has(key))
    .map(([key, { value, place }]) => ({ value: `${key}: ${asYaml(value)}`, place }));

function peerOf(node: Node, findings: Finding[]): readonly PeerFacts[] {
  const identity = node.get("keys").get("public").text ?? "";
  if (!isWireguardKey(identity)) {
    findings.push(question("this peer has no public key of 32 bytes in base64; it was left out", node.place));
    return [];
  }
  const endpoint = node.get("endpoint");
  const keepalive = node.get("keepalive");
  const shared = node.get("keys").get("shared").text;
  return [
    {
      identity,
      name: undefined,
      endpoints: readEndpoints([endpoint.text ?? ""], endpoint.place, findings),
      allowedIps: prefixesOf(node.get("allowed-ips"), "AllowedIPs", findings),
      keepalive: readKeepalive(keepalive.text ?? "", keepalive.place, findings),
      preshared: shared?.startsWith("/") ? "file" : shared,
      place: node.place,
    },
  ];
}

function numberOf(node: Node, what: string, low: number, findings: Finding[]): number | undefined {
  if (node.text === undefined) return undefined;
  return readNumber(node.text, { what, low, high: 65_535, place: node.place }, findings);
}

function hostOf(name: string, tunnel: Node, findings: Finding[]): HostFacts {
  const key = tunnel.get("key");
  const own = key.text ?? key.get("private").text ?? tunnel.get("keys").get("private").text ?? "";
  const mtu = tunnel.get("mtu");
  const bytes = numberOf(mtu, "mtu", 576, findings);
  const peers = tunnel.get("peers").entries();
  return {
    identity: publicHalfIn(own),
    name: hostOfPath(tunnel.place.file),
    interface: name,
    addresses: prefixesOf(tunnel.get("addresses"), "Address", findings),
    endpoint: undefined,
    listenPort: numberOf(tunnel.get("port"), "port", 1, findings),
    mtu: bytes === undefined ? undefined : { value: bytes, place: mtu.place },
    hasCredential: false,
    peers: peers.flatMap((peer) => peerOf(peer, findings)),
    rest: [...restOf(tunnel, TUNNEL_KEYS), ...peers.flatMap((peer) => restOf(peer, PEER_KEYS))],
    place: tunnel.place,
  };
}

function readFile(source: Source, findings: Finding[]): readonly HostFacts[] {
  const root = readYaml(source, findings);
  const tunnels = root?.get("network").get("tunnels").members() ?? [];
  const others = tunnels.filter(([, tunnel]) => tunnel.get("mode").text !== "wireguard");
  for (const [name, { place, get }] of others) {
    const hint = get("mode").text === "vxlan" ? "; netgen makes such devices of subnets with vxlan" : "";
    findings.push(question(`the tunnel ${name} is none of WireGuard; it was left out${hint}`, place));
  }
  return tunnels
    .filter(([, tunnel]) => tunnel.get("mode").text === "wireguard")
    .map(([name, tunnel]) => hostOf(name, tunnel, findings));
}

export function readNetplan(sources: readonly Source[]): Facts {
  const findings: Finding[] = [];
  return { hosts: sources.flatMap((source) => readFile(source, findings)), fabric: undefined, findings };
}
