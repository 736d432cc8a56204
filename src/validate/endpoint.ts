/** Endpoints: `host`, `host:port`, `1.2.3.4`, `1.2.3.4:51820`, `[2001:db8::1]`, `[2001:db8::1]:51820`. */
import { hostPrefix, parseAddress } from "../base/ip.ts";
import { MAX_PORT, type UdpPort, udpPort } from "../base/units.ts";
import type { EndpointInput } from "../topology/topology.ts";
import type { Refusal } from "./malformed.ts";
import { type Node, type Reader, refuse, textAt } from "./reader.ts";
import { isUnicast } from "./scalars.ts";

type Parsed = { readonly value: EndpointInput } | { readonly refusal: Refusal };

/** An endpoint as written; what is none is reported, with a spelling that would be one. */
export function endpointAt(reader: Reader, node: Node): EndpointInput | undefined {
  const text = textAt(reader, node);
  if (text === undefined) return undefined;
  const parsed = parseEndpoint(text);
  if ("value" in parsed) return parsed.value;
  refuse(reader, node, parsed.refusal);
  return undefined;
}

function parseEndpoint(text: string): Parsed {
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return parseIpv6(bracketed[1] as string, bracketed[2]);
  if (text.split(":").length > 2) return { refusal: bareIpv6(text) };
  const [host = "", port] = text.split(":");
  return parseHost(host, port);
}

const UNDIALLED: Parsed = {
  refusal: { expected: "an address that another host can dial (not loopback, link-local or multicast)" },
};
/** Whoever resolves it is told its own loopback (RFC 6761 §6.3). */
const OWN_NAME = /(?:^|\.)localhost$/;

const IPV6_EXAMPLE = "[2001:db8::1]:51820";

function parseIpv6(text: string, port: string | undefined): Parsed {
  if (text.includes(":") && parseAddress(text) !== undefined) return withPort(text, port);
  return { refusal: { expected: "an IPv6 address in brackets, with or without a :port", example: IPV6_EXAMPLE } };
}

/** Without brackets nobody can tell the last group from a port: programs differ in how they read it. */
function bareIpv6(text: string): Refusal {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(text) ?? [];
  const whole = parseAddress(text) === undefined ? [] : [`[${text}]`];
  const split = parseAddress(host) === undefined || parsePort(port) === undefined ? [] : [`[${host}]:${port}`];
  if (!text.includes("::") && whole.length + split.length === 0) {
    return { expected: "one host and at most one :port" };
  }
  const example = [...whole, ...split][0] ?? IPV6_EXAMPLE;
  return { expected: "an IPv6 address in brackets, which keep it apart from the port", example };
}

// Letters, digits and inner hyphens, 63 at most: RFC 1123 §2.1 and RFC 1035 §2.3.4.
const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters. */
const MAX_NAME_LENGTH = 253;
/** A last part that the C library reads as a number makes the whole an IPv4 address (inet_aton), or a broken one. */
const NUMBER = /^(?:\d+|0[xX][0-9A-Fa-f]*)$/;

function parseHost(host: string, port: string | undefined): Parsed {
  if (parseAddress(host) !== undefined) return withPort(host, port);
  const labels = host.split(".");
  if (NUMBER.test(labels.at(-1) as string)) {
    return { refusal: { expected: "an IPv4 address of four numbers from 0 to 255", example: "203.0.113.9:51820" } };
  }
  if (host.length > MAX_NAME_LENGTH || !labels.every((label) => LABEL.test(label))) {
    const expected =
      "a DNS name (parts of 1 to 63 letters, digits and inner hyphens, 253 characters in all) or an address";
    return { refusal: { expected } };
  }
  return withPort(host, port);
}

function parsePort(text: string): UdpPort | undefined {
  return /^[1-9]\d{0,4}$/.test(text) ? udpPort(Number(text)) : undefined;
}

function withPort(host: string, text: string | undefined): Parsed {
  const port = text === undefined ? undefined : parsePort(text);
  const address = parseAddress(host);
  if (text !== undefined && port === undefined) {
    const example = host.includes(":") ? `[${host}]:51820` : `${host}:51820`;
    return { refusal: { expected: `an endpoint with a port from 1 to ${MAX_PORT}`, example } };
  }
  if (address !== undefined) {
    return isUnicast(hostPrefix(address)) ? { value: { kind: "address", address, port } } : UNDIALLED;
  }
  // DNS knows no case (RFC 1035 §2.3.3), and one name is not to be taken for two.
  const name = host.toLowerCase();
  return OWN_NAME.test(name) ? UNDIALLED : { value: { kind: "name", name, port } };
}
