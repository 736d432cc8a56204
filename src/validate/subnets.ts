/** Subnets as written → decoded, short forms spelt out. */

import type {
  AdvertisementInput,
  ContainerInput,
  DhcpInput,
  GatewayInput,
  Located,
  SubnetInput,
} from "../topology/topology.ts";
import type { Entry } from "./hosts.ts";
import {
  choiceAt,
  keySpan,
  member,
  members,
  type Node,
  numberAt,
  originOf,
  type Reader,
  rootOf,
  textAt,
  truthAt,
} from "./reader.ts";
import { addressAt, locatedAt, prefixAt, routeTargetsAt, vlanAt, vniAt } from "./scalars.ts";

/** Every subnet, also those with a mistake, in the order of the file. */
export function decodeSubnets(reader: Reader): readonly Entry<SubnetInput>[] {
  return members(member(rootOf(reader), "subnets")).map(([name, node]) => ({
    pointer: node.pointer,
    value: decodeSubnet(reader, name, node),
  }));
}

function decodeSubnet(reader: Reader, name: string, node: Node): SubnetInput {
  const hosts = member(node, "hosts");
  return {
    name,
    prefixes: locatedAt(reader, member(node, "cidr"), prefixAt),
    members: hosts.value === "all" ? "all" : locatedAt(reader, hosts, textAt),
    vxlan: decodeVxlan(reader, member(node, "vxlan")),
    perHost: numberAt(reader, member(node, "perHost")),
    isExternal: member(node, "interface").value === "external",
    container: decodeContainer(reader, member(node, "container")),
    gateway: decodeGateway(reader, member(node, "gateway")),
    gatewayMac: textAt(reader, member(node, "gatewayMac"))?.toLowerCase(),
    isIsolated: truthAt(member(node, "isolated")) ?? false,
    isTagged: truthAt(member(node, "tagged")) ?? false,
    hasSnat: truthAt(member(node, "snat")) ?? false,
    exits: locatedAt(reader, member(node, "exits"), textAt),
    dhcp: decodeDhcp(reader, member(node, "dhcp")),
    advertisement: decodeAdvertisement(reader, member(node, "sendRa")),
    vrf: locatedAt(reader, member(node, "vrf"), textAt)[0],
    bridge: decodeBridge(reader, member(node, "bridge")),
    vlan: vlanAt(reader, member(node, "vlan")),
    ports: members(member(node, "ports")).map(([host, list]) => ({
      host: named(reader, host, list),
      interfaces: locatedAt(reader, list, textAt),
    })),
    hasSeparateSwitches: truthAt(member(node, "separateSwitches")) ?? false,
    mtu: numberAt(reader, member(node, "mtu")),
    isFragmented: truthAt(member(node, "fragment")) ?? false,
    origin: originOf(reader, node),
  };
}

const named = (reader: Reader, value: string, node: Node): Located<string> => ({
  value,
  span: keySpan(reader, node.pointer),
});

function decodeVxlan(reader: Reader, node: Node): SubnetInput["vxlan"] {
  const vni = vniAt(reader, member(node, "vni"));
  const suppressesNeighbors = truthAt(member(node, "neighborSuppression")) ?? false;
  return vni && { vni, suppressesNeighbors, routeTargets: routeTargetsAt(reader, member(node, "routeTargets")) };
}

function decodeContainer(reader: Reader, node: Node): ContainerInput | undefined {
  const said = typeof node.value === "string" ? node : member(node, "program");
  const program = choiceAt(said, ["podman", "docker", "cni"]);
  const ranges = members(member(node, "ranges")).map(([host, prefixes]) => ({
    host: named(reader, host, prefixes),
    prefixes: locatedAt(reader, prefixes, prefixAt),
  }));
  return program && { program, ranges };
}

function decodeDhcp(reader: Reader, node: Node): DhcpInput | undefined {
  if (node.value === undefined || node.value === false) return undefined;
  const [first, last] = locatedAt(reader, member(node, "range"), addressAt);
  const range = first === undefined || last === undefined ? undefined : ([first, last] as const);
  return { range, dns: locatedAt(reader, member(node, "dns"), addressAt) };
}

function decodeAdvertisement(reader: Reader, node: Node): AdvertisementInput | undefined {
  if (node.value === undefined || node.value === false) return undefined;
  return { dns: locatedAt(reader, member(node, "dns"), addressAt) };
}

function decodeGateway(reader: Reader, node: Node): GatewayInput | undefined {
  if (node.value === undefined) return undefined;
  if (node.value === "none") return { kind: "none" };
  const hosts = members(node);
  if (hosts.length === 0) return { kind: "shared", addresses: locatedAt(reader, node, addressAt) };
  return {
    kind: "perHost",
    hosts: hosts.map(([host, addresses]) => ({
      host: named(reader, host, addresses),
      addresses: locatedAt(reader, addresses, addressAt),
    })),
  };
}

function decodeBridge(reader: Reader, node: Node): SubnetInput["bridge"] {
  const name = textAt(reader, typeof node.value === "string" ? node : member(node, "name"));
  if (name === undefined) return undefined;
  return { name, isExisting: truthAt(member(node, "existing")) ?? false };
}
