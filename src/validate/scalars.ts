/** Addresses and prefixes as texts of the topology → branded values; what is none is reported. */
import { diagnostic } from "../base/diagnostic.ts";
import { must } from "../base/invariant.ts";
import {
  hostPrefix,
  type IpAddress,
  type IpPrefix,
  type IpRange,
  parseAddress,
  parsePrefix,
  prefixLengthBits,
  rangeOf,
} from "../base/ip.ts";
import { parseRouteTarget, type RouteTarget } from "../base/route-target.ts";
import {
  type Asn,
  asn,
  type MtuBytes,
  mtuBytes,
  type UdpPort,
  udpPort,
  type VlanId,
  type Vni,
  vlanId,
  vni,
} from "../base/units.ts";
import type { Located, RouteTargetsInput } from "../topology/topology.ts";
import { entries, member, type Node, numberAt, type Reader, refuse, report, textAt, valueSpan } from "./reader.ts";

/** Prefixes that hold no address of one host on a network. */
const NOT_UNICAST: readonly IpRange[] = [
  "0.0.0.0/8", // this host on this network, RFC 1122 §3.2.1.3
  "127.0.0.0/8", // loopback, RFC 1122 §3.2.1.3
  "224.0.0.0/4", // multicast, RFC 5771
  "255.255.255.255/32", // limited broadcast, RFC 919
  "::/127", // unspecified and loopback, RFC 4291 §2.5.2 and §2.5.3
  "::ffff:0:0/96", // IPv4 written as IPv6: two ways to say one address, RFC 4291 §2.5.5.2
  "fe80::/10", // link-local: means nothing without the link, RFC 4291 §2.5.6
  "ff00::/8", // multicast, RFC 4291 §2.7
].map((text) => rangeOf(must(parsePrefix(text), `${text} is a prefix`).prefix));

/** True when every address of the prefix can be that of one host on a network. */
export function isUnicast(prefix: IpPrefix): boolean {
  const { family, first, last } = rangeOf(prefix);
  return !NOT_UNICAST.some((other) => other.family === family && first <= other.last && other.first <= last);
}

/** A prefix of unicast addresses, host bits zero. */
export function prefixAt(reader: Reader, node: Node): IpPrefix | undefined {
  const prefix = anyPrefixAt(reader, node);
  if (prefix === undefined || isUnicast(prefix)) return prefix;
  const special = "a prefix without loopback, link-local, multicast and other special addresses";
  refuse(reader, node, { expected: prefix.endsWith("/0") ? `${special}; exits say who leads to all others` : special });
  return undefined;
}

function anyPrefixAt(reader: Reader, node: Node): IpPrefix | undefined {
  const text = textAt(reader, node);
  if (text === undefined) return undefined;
  const parsed = parsePrefix(text);
  if (parsed === undefined) refuse(reader, node);
  if (!parsed?.hasHostBits) return parsed?.prefix;
  const params = { value: text, network: parsed.prefix };
  report(reader, node.pointer, diagnostic("prefix-host-bits", params, valueSpan(reader, node.pointer)));
  return undefined;
}

/** An address, as the prefix that holds it alone, or a prefix; any, as it is only compared with. */
export function addressOrPrefixAt(reader: Reader, node: Node): IpPrefix | undefined {
  const address = parseAddress(textAt(reader, node) ?? "");
  return address === undefined ? anyPrefixAt(reader, node) : hostPrefix(address);
}

export function addressAt(reader: Reader, node: Node): IpAddress | undefined {
  const text = textAt(reader, node);
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address === undefined) refuse(reader, node);
  return address;
}

/** An address with the length of the prefix that it lies in, such as `192.168.2.254/24`. */
export function interfaceAddressAt(
  reader: Reader,
  node: Node,
): { readonly address: IpAddress; readonly lengthBits: number } | undefined {
  const text = textAt(reader, node);
  if (text === undefined) return undefined;
  const parsed = parsePrefix(text);
  if (parsed === undefined) refuse(reader, node);
  return parsed && { address: parsed.address, lengthBits: prefixLengthBits(parsed.prefix) };
}

/** The entries of a list that are in order, each with its place. */
export function locatedAt<T>(
  reader: Reader,
  list: Node,
  read: (reader: Reader, node: Node) => T | undefined,
): readonly Located<T>[] {
  return entries(list).flatMap((node) => {
    const value = read(reader, node);
    return value === undefined ? [] : [{ value, span: valueSpan(reader, node.pointer) }];
  });
}

/** How large the two numbers may be. */
const ROUTE_TARGET =
  "a route target: an AS number to 65535, a colon and a number to 4294967295, or a larger AS number or an IPv4 address and a number to 65535";

function routeTargetAt(reader: Reader, node: Node): RouteTarget | undefined {
  const text = textAt(reader, node);
  if (text === undefined) return undefined;
  const target = parseRouteTarget(text);
  if (target === undefined) refuse(reader, node, { expected: ROUTE_TARGET });
  return target;
}

export const routeTargetsAt = (reader: Reader, node: Node): RouteTargetsInput => ({
  imports: locatedAt(reader, member(node, "import"), routeTargetAt),
  exports: locatedAt(reader, member(node, "export"), routeTargetAt),
});

function unitAt<T>(construct: (value: number) => T | undefined): (reader: Reader, node: Node) => T | undefined {
  return (reader, node) => {
    const value = numberAt(reader, node);
    return value === undefined ? undefined : construct(value);
  };
}

export const mtuAt: (reader: Reader, node: Node) => MtuBytes | undefined = unitAt(mtuBytes);
export const portAt: (reader: Reader, node: Node) => UdpPort | undefined = unitAt(udpPort);
export const vniAt: (reader: Reader, node: Node) => Vni | undefined = unitAt(vni);
export const vlanAt: (reader: Reader, node: Node) => VlanId | undefined = unitAt(vlanId);
export const asnAt: (reader: Reader, node: Node) => Asn | undefined = unitAt(asn);
