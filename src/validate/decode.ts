/** The parts of a topology that are neither hosts nor subnets → decoded. */
import type { Entry } from "./hosts.ts";
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
} from "./reader.ts";
import { addressOrPrefixAt, asnAt, locatedAt, mtuAt, portAt, prefixAt } from "./scalars.ts";
import type { BgpInput, SiteInput, Topology, UnderlayInput, WireguardInput } from "./topology.ts";

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
    listenPort: portAt(reader, member(wireguard, "listenPort")),
    presharedKeys: truthAt(member(wireguard, "presharedKeys")),
    origin: isThere(wireguard) ? originOf(reader, wireguard) : {},
  };
}

const isThere = (node: Node): boolean => node.value !== undefined;

/** `undefined` when there is none, or none with an AS number. */
export function decodeBgp(reader: Reader): BgpInput | undefined {
  const bgp = member(rootOf(reader), "bgp");
  const asn = asnAt(reader, member(bgp, "asn"));
  if (asn === undefined) return undefined;
  const bfd = member(bgp, "bfd");
  return {
    asn,
    routeReflectors: locatedAt(reader, member(bgp, "routeReflectors"), textAt),
    bfd: isThere(bfd)
      ? {
          intervalMs: numberAt(reader, member(bfd, "intervalMs")),
          multiplier: numberAt(reader, member(bfd, "multiplier")),
        }
      : undefined,
    origin: originOf(reader, bgp),
  };
}

export function decodeGuard(reader: Reader): Topology["guardAllowFrom"] {
  const allowed = member(member(rootOf(reader), "guard"), "allowFrom");
  return locatedAt(reader, allowed, addressOrPrefixAt).map((each) => each.value);
}

/** The name of the network; empty when there is a mistake in it. */
export function decodeName(reader: Reader): string {
  return textAt(reader, member(rootOf(reader), "name")) ?? "";
}
