/** BGP neighbours of somebody else's, as written → decoded. */
import { hostPrefix, type IpAddress, type IpPrefix, prefixLengthBits } from "../base/ip.ts";
import type { AcceptedInput, BfdInput, PeerInput } from "../topology/topology.ts";
import {
  entries,
  member,
  type Node,
  numberAt,
  originOf,
  type Reader,
  refuse,
  textAt,
  truthAt,
  valueSpan,
} from "./reader.ts";
import { addressAt, addressOrPrefixAt, asnAt, isUnicast, locatedAt, prefixAt } from "./scalars.ts";

/** `undefined`: it is not asked for. */
export function bfdAt(reader: Reader, node: Node): BfdInput | undefined {
  if (node.value === undefined) return undefined;
  return {
    intervalMs: numberAt(reader, member(node, "intervalMs")),
    multiplier: numberAt(reader, member(node, "multiplier")),
  };
}

/** An address that a session can be with. */
function peerAddressAt(reader: Reader, node: Node): IpAddress | undefined {
  const address = addressAt(reader, node);
  if (address === undefined || isUnicast(hostPrefix(address))) return address;
  refuse(reader, node, { expected: "an address other than loopback, link-local, multicast and other special ones" });
  return undefined;
}

/** Prefixes, or mappings with a cidr and what else is to say of it. */
function acceptedAt(reader: Reader, list: Node): readonly AcceptedInput[] {
  return entries(list).flatMap((node) => {
    const value = prefixAt(reader, typeof node.value === "string" ? node : member(node, "cidr"));
    if (value === undefined) return [];
    const hasMoreSpecifics = truthAt(member(node, "moreSpecifics")) ?? false;
    return [{ value, span: valueSpan(reader, node.pointer), hasMoreSpecifics }];
  });
}

/** A prefix of unicast addresses, or that of all addresses. */
function announcedAt(reader: Reader, node: Node): IpPrefix | undefined {
  const prefix = addressOrPrefixAt(reader, node);
  return prefix === undefined || prefixLengthBits(prefix) === 0 ? prefix : prefixAt(reader, node);
}

/** The neighbours that have an address and an AS number. */
export function peersAt(reader: Reader, list: Node): readonly PeerInput[] {
  return entries(list).flatMap((node) => {
    const [address] = locatedAt(reader, member(node, "address"), peerAddressAt);
    const asn = asnAt(reader, member(node, "asn"));
    if (address === undefined || asn === undefined) return [];
    const [vrf] = locatedAt(reader, member(node, "vrf"), textAt);
    return [
      {
        address,
        asn,
        vrf,
        accepted: acceptedAt(reader, member(node, "accept")),
        announced: locatedAt(reader, member(node, "announce"), announcedAt),
        ttlSecurity: numberAt(reader, member(node, "ttlSecurity")),
        multihop: numberAt(reader, member(node, "multihop")),
        bfd: bfdAt(reader, member(node, "bfd")),
        maxPrefixes: numberAt(reader, member(node, "maxPrefixes")),
        passwordFile: textAt(reader, member(node, "passwordFile")),
        origin: originOf(reader, node),
      },
    ];
  });
}
