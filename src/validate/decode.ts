/** The parts of a topology that are neither hosts nor subnets → decoded. */

import type {
  BgpInput,
  ExitInput,
  ExitOrder,
  RemoteInput,
  SiteInput,
  Topology,
  UnderlayInput,
  VrfInput,
  VrrpInput,
  WireguardInput,
} from "../topology/topology.ts";
import type { Entry } from "./hosts.ts";
import { bfdAt } from "./peers.ts";
import {
  choiceAt,
  entries,
  member,
  members,
  type Node,
  numberAt,
  originOf,
  type Reader,
  rootOf,
  textAt,
  truthAt,
  valueSpan,
} from "./reader.ts";
import {
  addressAt,
  addressOrPrefixAt,
  asnAt,
  interfaceAddressAt,
  locatedAt,
  mtuAt,
  portAt,
  prefixAt,
  routeTargetsAt,
  vniAt,
} from "./scalars.ts";

type PathInput = UnderlayInput["paths"][number];

/** Every path with an MTU, also those with a mistake, in the order of the file. */
export function decodePaths(reader: Reader): readonly Entry<PathInput>[] {
  return entries(member(member(rootOf(reader), "underlay"), "paths")).flatMap((node) => {
    const [one = "", other = ""] = entries(member(node, "between")).map((end) => textAt(reader, end));
    const mtu = mtuAt(reader, member(node, "mtu"));
    if (mtu === undefined) return [];
    return [{ pointer: node.pointer, value: { between: [one, other], mtu, origin: originOf(reader, node) } }];
  });
}

export function decodeUnderlay(reader: Reader, paths: readonly PathInput[]): UnderlayInput {
  const underlay = member(rootOf(reader), "underlay");
  const version = member(underlay, "ipVersion");
  return {
    pathMtu: mtuAt(reader, member(underlay, "pathMtu")),
    ipVersion: choiceAt(version, [4, 6, "auto"]),
    paths,
  };
}

export function decodeSites(reader: Reader): readonly SiteInput[] {
  return members(member(rootOf(reader), "sites")).map(([name, node]) => ({
    name,
    lan: locatedAt(reader, member(node, "lan"), prefixAt),
    gateways: locatedAt(reader, member(node, "gateways"), textAt),
    hubs: locatedAt(reader, member(node, "hubs"), textAt),
    vrrp: decodeVrrp(reader, member(node, "vrrp")),
    asn: asnAt(reader, member(node, "asn")),
    lanRouter: addressAt(reader, member(node, "lanRouter")),
    lanMtu: mtuAt(reader, member(node, "lanMtu")),
    wanMtu: mtuAt(reader, member(node, "wanMtu")),
    origin: originOf(reader, node),
  }));
}

export function decodeWireguard(reader: Reader): WireguardInput {
  const wireguard = member(rootOf(reader), "wireguard");
  return {
    interface: textAt(reader, member(wireguard, "interface")),
    addresses: locatedAt(reader, member(wireguard, "addresses"), prefixAt),
    transit: locatedAt(reader, member(wireguard, "transit"), prefixAt),
    listenPort: portAt(reader, member(wireguard, "listenPort")),
    shape: choiceAt(member(wireguard, "shape"), ["mesh", "hub-and-spoke", "links"]),
    hubs: locatedAt(reader, member(wireguard, "hubs"), textAt),
    links: entries(member(wireguard, "links")).map((node) => {
      const [one = "", other = ""] = entries(node).map((end) => textAt(reader, end));
      return { hosts: [one, other], span: valueSpan(reader, node.pointer) };
    }),
    vrrp: decodeVrrp(reader, member(wireguard, "vrrp")),
    presharedKeys: truthAt(member(wireguard, "presharedKeys")),
    mtu: choiceAt(member(wireguard, "mtu"), ["per-interface", "per-peer"]),
    origin: isThere(wireguard) ? originOf(reader, wireguard) : {},
  };
}

function decodeVrrp(reader: Reader, node: Node): VrrpInput | undefined {
  const [address] = locatedAt(reader, member(node, "address"), interfaceAddressAt);
  if (address === undefined) return undefined;
  return { address: address.value, id: numberAt(reader, member(node, "id")), span: address.span };
}

/** Every VRF with a VNI, in the order of the file. */
export function decodeVrfs(reader: Reader): readonly VrfInput[] {
  return members(member(rootOf(reader), "vrfs")).flatMap(([name, node]) => {
    const vni = vniAt(reader, member(node, "vni"));
    if (vni === undefined) return [];
    const table = numberAt(reader, member(node, "table"));
    const routeTargets = routeTargetsAt(reader, member(node, "routeTargets"));
    const imports = locatedAt(reader, member(node, "imports"), textAt);
    const exits = decodeExits(reader, node);
    const exitOrder = decodeExitOrder(node);
    return [{ name, vni, table, routeTargets, exits, exitOrder, imports, origin: originOf(reader, node) }];
  });
}

/** The exits of a VRF, or of the whole: those that name a host, in the order of the file. */
export function decodeExits(reader: Reader, node: Node = rootOf(reader)): readonly ExitInput[] {
  return entries(member(node, "exits")).flatMap((each) => decodeExit(reader, each));
}

function decodeExit(reader: Reader, node: Node): readonly ExitInput[] {
  const [host] = locatedAt(reader, member(node, "host"), textAt);
  if (host === undefined) return [];
  return [
    {
      host,
      interface: textAt(reader, member(node, "interface")),
      hasSnat: truthAt(member(node, "snat")) ?? false,
      hasIpv6: truthAt(member(node, "ipv6")) ?? false,
      probes: locatedAt(reader, member(node, "probe"), addressAt),
      reach: locatedAt(reader, member(node, "reach"), addressOrPrefixAt).map((each) => each.value),
      hasLocalRouting: truthAt(member(node, "localRouting")) ?? false,
      origin: originOf(reader, node),
    },
  ];
}

/** Every remote, in the order of the file. */
export function decodeRemotes(reader: Reader): readonly RemoteInput[] {
  return members(member(rootOf(reader), "remotes")).map(([name, node]) => {
    const prefixes = locatedAt(reader, member(node, "cidr"), prefixAt);
    return {
      name,
      prefixes,
      exits: decodeExits(reader, node),
      exitOrder: decodeExitOrder(node),
      origin: originOf(reader, node),
    };
  });
}

/** Of the exits that stand beside it. */
export const decodeExitOrder = (node: Node): ExitOrder | undefined =>
  choiceAt(member(node, "exitOrder"), ["near", "strict"]);

const isThere = (node: Node): boolean => node.value !== undefined;

/** `undefined` when there is none, or none with an AS number. */
export function decodeBgp(reader: Reader): BgpInput | undefined {
  const bgp = member(rootOf(reader), "bgp");
  const asn = asnAt(reader, member(bgp, "asn"));
  if (asn === undefined) return undefined;
  return {
    asn,
    routeReflectors: locatedAt(reader, member(bgp, "routeReflectors"), textAt),
    bfd: bfdAt(reader, member(bgp, "bfd")),
    origin: originOf(reader, bgp),
  };
}

export function decodeGuard(reader: Reader): Pick<Topology, "guardAllowFrom" | "guardInterfaces"> {
  const guard = member(rootOf(reader), "guard");
  return {
    guardAllowFrom: locatedAt(reader, member(guard, "allowFrom"), addressOrPrefixAt),
    guardInterfaces: locatedAt(reader, member(guard, "interfaces"), textAt).map((each) => each.value),
  };
}

/** The port of all VXLAN devices, where it is another than IANA's. */
export const decodeVxlanPort = (reader: Reader): Topology["vxlanPort"] =>
  portAt(reader, member(rootOf(reader), "vxlanPort"));

/** Which of several fleets on a host it is. */
export const decodeFleet = (reader: Reader): Topology["fleet"] => numberAt(reader, member(rootOf(reader), "fleet"));

/** The name of the network; empty when there is a mistake in it. */
export function decodeName(reader: Reader): string {
  return textAt(reader, member(rootOf(reader), "name")) ?? "";
}
