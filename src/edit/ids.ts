/** Which id a new host gets. */
import { hostAddress, type IpPrefix, parseAddress, parsePrefix, prefixLengthBits, rangeOf } from "../base/ip.ts";
import { isMapping } from "../validate/place.ts";

/** The language's own limit: an id is the low 16 bits of a router-id. */
const MAX_ID = 65_535;

/** What decides which ids are open to a host. */
export interface IdQuestion {
  /** The topology as plain data; it may have mistakes. */
  readonly topology: unknown;
  readonly site: unknown;
  /** Subnets that the host is added to by name. */
  readonly subnets: readonly string[];
}

const memberOf = (value: unknown, key: string): unknown => (isMapping(value) ? value[key] : undefined);
const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  isMapping(value) ? Object.entries(value) : [];
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

function prefixesOf(value: unknown): readonly IpPrefix[] {
  const texts = listOf(value).filter((each) => typeof each === "string");
  return texts.map((text) => parsePrefix(text)?.prefix).filter((prefix) => prefix !== undefined);
}

/** The largest offset that {@link hostAddress} gives an address for. */
function lastAddress(pool: IpPrefix): number {
  const { family, first, last } = rangeOf(pool);
  return Number(last - first) - (family === 4 && prefixLengthBits(pool) < 31 ? 1 : 0);
}

/** The number of the last slice of each prefix, for the subnets that are split and that the host will be on. */
function lastSlices({ topology, site, subnets }: IdQuestion): readonly number[] {
  return entriesOf(memberOf(topology, "subnets")).flatMap(([name, subnet]) => {
    const perHost = memberOf(subnet, "perHost");
    const hosts = memberOf(subnet, "hosts");
    const isMember = hosts === "all" || subnets.includes(name) || (site !== undefined && listOf(hosts).includes(site));
    if (typeof perHost !== "number" || !isMember) return [];
    return prefixesOf(memberOf(subnet, "cidr")).map((cidr) => 2 ** (perHost - prefixLengthBits(cidr)) - 1);
  });
}

/**
 * The id that is one above the largest: a number that a host had before it was removed may live on in somebody's DNS,
 * firewall or neighbour table. Where the pools, or the slices of a split subnet, end there, the smallest that is free;
 * where none is, one that the compiler will refuse with the limit. Passes over what another host has pinned.
 */
export function nextId(question: IdQuestion): number {
  const { topology } = question;
  const hosts = entriesOf(memberOf(topology, "hosts")).map(([, host]) => host);
  const taken = new Set(hosts.map((host) => memberOf(host, "id")));
  const pinned = new Set(hosts.flatMap((host) => listOf(memberOf(host, "addresses"))).map(canonical));
  const pools = prefixesOf(memberOf(memberOf(topology, "wireguard"), "addresses"));
  const last = Math.min(MAX_ID, ...pools.map(lastAddress), ...lastSlices(question));
  const isFree = (id: number): boolean =>
    !taken.has(id) && !pools.some((pool) => pinned.has(hostAddress(pool, id) ?? ""));
  const largest = [...taken].reduce<number>((most, id) => (typeof id === "number" ? Math.max(most, id) : most), 0);
  return firstFrom(largest + 1, last, isFree) ?? firstFrom(1, last, isFree) ?? largest + 1;
}

const canonical = (value: unknown): string => (typeof value === "string" ? (parseAddress(value) ?? "") : "");

function firstFrom(start: number, last: number, isFree: (id: number) => boolean): number | undefined {
  for (let id = start; id <= last; id += 1) if (isFree(id)) return id;
  return undefined;
}
