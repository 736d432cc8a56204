/** Proxmox's SDN as hosts, segments, VRFs and BGP. */
import { hostPrefix, type IpAddress, parseAddress } from "../base/ip.ts";
import { type Block, type Entry, entry } from "./draft.ts";
import { type FabricFacts, type Finding, type HostFacts, note, type Place, question, type Said } from "./facts.ts";
import { asName } from "./names.ts";

const unique = (said: readonly Said<string>[]): readonly Said<string>[] => [
  ...new Map(said.map((each) => [each.value, each])).values(),
];

interface Node {
  readonly name: string | undefined;
  readonly address: IpAddress | undefined;
  readonly place: Place;
}

const prefixesOf = ({ address, place }: Node) =>
  address === undefined ? [] : [{ value: { prefix: hostPrefix(address), address, hasHostBits: false }, place }];

const identityOf = ({ name, address }: Node): string => `name:${name ?? address}`;

/** A node of which the SDN says no more than that it is one: all of them have tunnels with each other. */
function hostOf(node: Node, nodes: readonly Node[]): HostFacts {
  return {
    identity: identityOf(node),
    name: node.name,
    interface: undefined,
    addresses: prefixesOf(node),
    endpoint: undefined,
    listenPort: undefined,
    mtu: undefined,
    hasCredential: false,
    peers: nodes
      .filter((other) => other !== node)
      .map((other) => ({
        identity: identityOf(other),
        name: other.name,
        endpoints: [],
        allowedIps: prefixesOf(other),
        keepalive: 0,
        preshared: undefined,
        place: other.place,
      })),
    rest: [],
    place: node.place,
  };
}

function pairedNodes(
  nodes: readonly Said<string>[],
  addresses: readonly Said<string>[],
  findings: Finding[],
): readonly Node[] {
  const named = nodes.map(({ value, place }) => ({ name: asName(value), address: undefined, place }));
  const numbered = addresses.map(({ value, place }) => ({ name: undefined, address: parseAddress(value), place }));
  if (addresses.length === 0) return named;
  const [node] = nodes;
  if (node === undefined) return numbered;
  if (nodes.length !== addresses.length) {
    const names = nodes.map(({ value }) => value).join(", ");
    findings.push(question(`which of the addresses under peers is whose is not told: ${names}`, node.place));
    return numbered;
  }
  const pairs = numbered.map((each, index) => ({ ...each, name: named[index]?.name }));
  const words = pairs.map(({ name, address }) => `${name} is ${address}`).join(", ");
  findings.push(question(`which node has which address is a guess, by their order: ${words}`, node.place));
  return pairs;
}

/** The nodes of the cluster that no file of WireGuard's speaks of. */
export function hostsOfFabric(
  fabric: FabricFacts,
  known: readonly HostFacts[],
  findings: Finding[],
): readonly HostFacts[] {
  const own = new Set(known.flatMap(({ addresses }) => addresses.map(({ value }) => value.address as string)));
  const addresses = unique(fabric.addresses).filter(({ value, place }) => {
    const address = parseAddress(value);
    if (address === undefined) findings.push(question(`peers: "${value}" is no IP address; it was left out`, place));
    return address !== undefined && !own.has(address);
  });
  if (known.length > 0) {
    for (const { value, place } of addresses) {
      findings.push(question(`no file says which host has the address ${value}`, place));
    }
    return [];
  }
  const nodes = pairedNodes(unique(fabric.nodes), addresses, findings);
  return nodes.map((node) => hostOf(node, nodes));
}

export interface FabricBlocks {
  readonly bgp: readonly Entry[];
  readonly hostDefaults: readonly Entry[];
  readonly subnets: readonly Block[];
  readonly vrfs: readonly Block[];
}

const UPLINK = "vmbr0";
const one = (values: readonly string[]): unknown => (values.length === 1 ? values[0] : values);

function subnetsOf({ segments }: FabricFacts): readonly Block[] {
  return segments.map(({ name, vni, cidrs, gateways, snat, vrf, place }) => ({
    name,
    comments: [`from ${place.file}:${place.line}`],
    entries: [
      ...(cidrs.length === 0 ? [] : [entry("cidr", one(cidrs))]),
      entry("vxlan", { vni }),
      entry("hosts", "all"),
      ...(gateways.length === 0 ? [] : [entry("gateway", one(gateways))]),
      entry("bridge", name),
      ...(snat && vrf === undefined ? [entry("snat", true)] : []),
      ...(vrf === undefined ? [] : [entry("vrf", vrf)]),
    ],
  }));
}

function vrfsOf({ vrfs, segments }: FabricFacts, names: ReadonlySet<string>, findings: Finding[]): readonly Block[] {
  return vrfs.map(({ name, vni, exits, place }) => {
    const snat = segments.some((segment) => segment.vrf === name && segment.snat);
    const hosts = exits.map((exit) => asName(exit) ?? exit);
    for (const exit of hosts.filter((each) => !names.has(each))) {
      findings.push(question(`the exit node ${exit} of ${name} is none of the hosts; it was left out`, place));
    }
    const known = hosts.filter((each) => names.has(each));
    const list = known.map((host) => ({ host, interface: UPLINK, ...(snat ? { snat } : {}) }));
    return {
      name,
      comments: [`from ${place.file}:${place.line}`],
      entries: [entry("vni", vni), ...(list.length === 0 ? [] : [entry("exits", list)])],
    };
  });
}

/** The parts of a topology that the SDN speaks of; `names`: those of the hosts. */
export function blocksOfFabric(fabric: FabricFacts, names: ReadonlySet<string>, findings: Finding[]): FabricBlocks {
  const place = [...fabric.vrfs, ...fabric.segments, ...fabric.nodes, ...fabric.addresses][0]?.place;
  if (place !== undefined) {
    findings.push(note(`Proxmox 8, and ${UPLINK} as the way out of every node, are guesses: see hostDefaults`, place));
  }
  return {
    bgp: fabric.asn === undefined ? [] : [entry("asn", fabric.asn)],
    hostDefaults: [
      entry("platform", "proxmox8", "guesses: the release, and the way out of every node"),
      entry("networkManager", "other"),
      entry("uplink", UPLINK),
    ],
    subnets: subnetsOf(fabric),
    vrfs: vrfsOf(fabric, names, findings),
  };
}
