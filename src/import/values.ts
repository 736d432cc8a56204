/** Values that several formats have in common, read with words for what is wrong with them. */
import {
  addressBits,
  containsPrefix,
  familyOf,
  formatAddressAndPort,
  type IpPrefix,
  type ParsedPrefix,
  parseAddress,
  parsePrefix,
} from "../base/ip.ts";
import { type Finding, note, type Place, question, type Said } from "./facts.ts";

const LABELS = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/** RFC 4291 §2.5.6. */
const LINK_LOCAL = "fe80::/10" as IpPrefix;

/** An address with or without a length. */
function prefixIn(text: string): ParsedPrefix | undefined {
  const address = parseAddress(text);
  return parsePrefix(address === undefined ? text : `${address}/${addressBits(familyOf(address))}`);
}

/** Prefixes between commas; what is none is a question, and host bits, which WireGuard drops, are told. */
export function readPrefixes(
  texts: readonly string[],
  { what, place }: { readonly what: "Address" | "AllowedIPs"; readonly place: Place },
  findings: Finding[],
): readonly Said<ParsedPrefix>[] {
  const words = texts.map((text) => text.trim()).filter((text) => text !== "" && text !== "(none)");
  return words.flatMap((text) => {
    const value = prefixIn(text);
    if (value === undefined) {
      findings.push(question(`${what}: "${text}" is no IP prefix, such as 10.1.0.0/24; it was left out`, place));
      return [];
    }
    if (containsPrefix(LINK_LOCAL, value.prefix)) {
      findings.push(
        note(`${what}: ${text} is of the link alone; it was left out: where BGP needs one netgen gives it`, place),
      );
      return [];
    }
    if (what === "AllowedIPs" && value.hasHostBits) {
      findings.push(note(`AllowedIPs: ${text} has host bits, which WireGuard drops: ${value.prefix} was taken`, place));
    }
    return [{ value, place }];
  });
}

/** A whole number within bounds. */
export function readNumber(
  text: string,
  {
    what,
    low,
    high,
    place,
  }: { readonly what: string; readonly low: number; readonly high: number; readonly place: Place },
  findings: Finding[],
): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  findings.push(question(`${what}: "${text}" is no whole number from ${low} to ${high}; it was left out`, place));
  return undefined;
}

/** `host:port`, an IPv6 address in brackets, as the language writes it. */
export function readEndpoint(text: string, place: Place, findings: Finding[]): Said<string> | undefined {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const address = parseAddress(bare);
  const isName = LABELS.test(host);
  if (Number(port) < 1 || Number(port) > 65_535 || (address === undefined && !isName)) {
    findings.push(question(`Endpoint: "${text}" is no host:port, such as 203.0.113.9:51820; it was left out`, place));
    return undefined;
  }
  if (address === undefined) return { value: `${host}:${port}`, place };
  if (address.includes(":") && bare === host) {
    findings.push(note(`Endpoint: ${text} lacks the brackets around IPv6; [${address}]:${port} was taken`, place));
  }
  return { value: formatAddressAndPort(address, Number(port)), place };
}

/** As {@link readEndpoint}, of each text that is not empty. */
export function readEndpoints(texts: readonly string[], place: Place, findings: Finding[]): readonly Said<string>[] {
  return texts.filter((text) => text !== "").flatMap((text) => readEndpoint(text, place, findings) ?? []);
}

/** Seconds between keepalives; `off` is none. */
export function readKeepalive(text: string, place: Place, findings: Finding[]): number {
  if (text === "off" || text === "") return 0;
  return readNumber(text, { what: "PersistentKeepalive", low: 0, high: 65_535, place }, findings) ?? 0;
}
