// The fleets that the bench compiles, and the same hosts as netplan would be told of them.
import { createHash } from "node:crypto";

/** A key of the right shape that nobody has the private half of. */
const publicKey = (host) => createHash("sha256").update(`bench ${host}`).digest("base64");
const numbers = (count) => Array.from({ length: count }, (_, index) => index + 1);

function hostLines(id) {
  const endpoint = `198.18.${id >> 8}.${id & 255}`; // RFC 2544: set aside for benchmarks.
  return `  host${id}:\n    id: ${id}\n    endpoint: ${endpoint}\n    publicKey: "${publicKey(`host${id}`)}"\n`;
}

const segmentLine = (number) =>
  `  segment${number}: {cidr: 10.${100 + number}.0.0/16, vxlan: {vni: ${1000 + number}}, hosts: all}\n`;

/** A hub whom all others dial, and a subnet behind each: the fleet that may be large. */
export function spokesOf(hosts) {
  const spokes = numbers(hosts).slice(1);
  const line = (id) => `  host${id}:\n    id: ${id}\n    publicKey: "${publicKey(`host${id}`)}"\n`;
  return `netgen: 1
name: bench
wireguard: {addresses: [10.0.0.0/16], shape: hub-and-spoke, hubs: [host1]}
hosts:
${hostLines(1)}${spokes.map(line).join("")}subnets:
  pods: {cidr: 10.128.0.0/9, perHost: 24, hosts: all, interface: external}
`;
}

/** A full mesh with segments on all of its hosts, and EVPN with two reflectors. */
export function topologyOf({ hosts, segments }) {
  const list = (items, line) => items.map(line).join("");
  return `netgen: 1
name: bench
wireguard: {addresses: [10.0.0.0/16]}
bgp: {asn: 65000, routeReflectors: [host1, host2]}
hosts:
${list(numbers(hosts), hostLines)}subnets:
${list(numbers(segments), segmentLine)}`;
}

/** One host of a resolved model in netplan's words: the same tunnel, peers, VXLAN devices and bridges. */
export function netplanOf(host, peers) {
  const byId = new Map(peers.map((peer) => [peer.id, peer]));
  const tunnels = {};
  for (const { name, addresses, listenPort, mtu, peers: ids } of host.interfaces) {
    tunnels[name] = {
      mode: "wireguard",
      mtu,
      port: listenPort,
      key: "/etc/wireguard/wg0.key",
      addresses: addresses.map(({ address, lengthBits }) => `${address}/${lengthBits}`),
      peers: ids.map((id) => {
        const { publicKey: key, endpoint, allowedIps, keepaliveSeconds } = byId.get(id);
        const peer = { keys: { public: key }, "allowed-ips": allowedIps, keepalive: keepaliveSeconds };
        return { ...peer, endpoint: `${endpoint.address}:${endpoint.port}` };
      }),
    };
  }
  for (const { name, vni, local, port, mtu } of host.vxlans) {
    tunnels[name] = { mode: "vxlan", id: vni, local, port, mtu, "mac-learning": false };
  }
  const bridges = {};
  for (const { name } of host.bridges) {
    const ports = host.vxlans.filter((vxlan) => vxlan.bridge === name).map((vxlan) => vxlan.name);
    bridges[name] = { interfaces: ports, parameters: { stp: false } };
  }
  // JSON is YAML.
  return `${JSON.stringify({ network: { version: 2, renderer: "networkd", tunnels, bridges } })}\n`;
}
