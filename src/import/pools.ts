/** The pools of tunnel addresses, and the id and the addresses of each host. */
import {
  addressBits,
  addressToInteger,
  collapsePrefixes,
  compareAddresses,
  containsAddress,
  FAMILIES,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  networkAddress,
  prefixLengthBits,
  prefixOf,
  rangeOf,
} from "../base/ip.ts";
import { type Finding, note, type Place, question } from "./facts.ts";
import type { Member } from "./fleet.ts";
import type { Claim } from "./owners.ts";

/** The language's own limit. */
const MAX_ID = 65_535;
/** A guessed pool has room for more hosts. */
const GUESSED_BITS: Readonly<Record<IpFamily, number>> = { 4: 24, 6: 64 };

const isHostPrefix = (prefix: IpPrefix): boolean => prefixLengthBits(prefix) === addressBits(familyOf(prefix));

interface Own {
  readonly address: IpAddress;
  readonly place: Place;
}

/** A host's addresses in the tunnel: its own word, or, without one, what others send it of single addresses. */
function ownAddresses({ identity, facts }: Member, claims: readonly Claim[]): readonly Own[] {
  if (facts !== undefined && facts.addresses.length > 0) {
    return facts.addresses.map(({ value, place }) => ({ address: value.address, place }));
  }
  const single = claims.filter(({ owner, prefix }) => owner === identity && isHostPrefix(prefix));
  return single.map(({ prefix, place }) => ({ address: networkAddress(prefix), place }));
}

/** The longest prefix, no longer than usual, that holds all of these. */
function around(addresses: readonly IpAddress[], family: IpFamily): IpPrefix | undefined {
  const [first] = addresses;
  if (first === undefined) return undefined;
  for (let bits = GUESSED_BITS[family]; bits > 0; bits -= 1) {
    const pool = prefixOf(first, bits);
    if (addresses.every((address) => containsAddress(pool, address))) return pool;
  }
  return undefined;
}

function poolOf(family: IpFamily, members: readonly Member[], claims: readonly Claim[], findings: Finding[]) {
  const said = members
    .flatMap(({ facts }) => facts?.addresses ?? [])
    .filter(({ value }) => familyOf(value.address) === family);
  const connected = collapsePrefixes(said.map(({ value }) => value.prefix).filter((prefix) => !isHostPrefix(prefix)));
  const [pool] = connected;
  if (connected.length === 1 && said.every(({ value }) => pool !== undefined && containsAddress(pool, value.address))) {
    return pool;
  }
  const addresses = members.flatMap((member) => ownAddresses(member, claims).map(({ address }) => address));
  const guess = around(
    addresses.filter((address) => familyOf(address) === family),
    family,
  );
  const place = said[0]?.place ?? members[0]?.place;
  if (guess !== undefined && place !== undefined) {
    findings.push(
      note(`the pool ${guess} is a guess: no one prefix of the hosts' own holds all of their addresses`, place),
    );
  }
  return guess;
}

/** At most one of each family. */
export function poolsOf(
  members: readonly Member[],
  claims: readonly Claim[],
  findings: Finding[],
): readonly IpPrefix[] {
  return FAMILIES.flatMap((family) => poolOf(family, members, claims, findings) ?? []);
}

/** What a host is to be known by in the tunnel. */
export interface Numbering {
  readonly id: number;
  readonly addresses: readonly IpAddress[];
  /** To be pinned: those that do not follow from the id. */
  readonly pinned: readonly IpAddress[];
}

/** One address of each pool for each host; an address of two hosts is the first one's. */
function assigned(
  members: readonly Member[],
  claims: readonly Claim[],
  pools: readonly IpPrefix[],
  findings: Finding[],
) {
  const taken = new Map<IpAddress, Place>();
  return members.map((member) => {
    const all = ownAddresses(member, claims);
    const chosen = pools.flatMap((pool) => {
      const inside = all.filter(({ address }) => containsAddress(pool, address));
      for (const { address, place } of inside.slice(1)) {
        findings.push(question(`${address} is a second address in ${pool}: a host has one; it was left out`, place));
      }
      return inside.slice(0, 1);
    });
    for (const { address, place } of all.filter(
      ({ address }) => !pools.some((pool) => containsAddress(pool, address)),
    )) {
      findings.push(question(`${address} lies in none of the pools (${pools.join(", ")}); it was left out`, place));
    }
    const own = chosen.filter(({ address, place }) => {
      const other = taken.get(address);
      if (other !== undefined)
        findings.push(question(`${address} is another host's address as well: this one gets another`, place, other));
      else taken.set(address, place);
      return other === undefined;
    });
    return { member, addresses: own.map(({ address }) => address) };
  });
}

function offsetIn(pool: IpPrefix, address: IpAddress): number {
  return Number(addressToInteger(address) - rangeOf(pool).first);
}

/** The id of each host by its identity: what its first address says, where that is an id, else the next that is free. */
export function numbersOf(
  members: readonly Member[],
  { claims, pools }: { readonly claims: readonly Claim[]; readonly pools: readonly IpPrefix[] },
  findings: Finding[],
): ReadonlyMap<string, Numbering> {
  const all = assigned(members, claims, pools, findings);
  const wanted = all.map(({ addresses }) => {
    const [address] = addresses;
    const pool = pools.find((each) => address !== undefined && containsAddress(each, address));
    const offset = pool === undefined || address === undefined ? 0 : offsetIn(pool, address);
    return offset >= 1 && offset <= MAX_ID && pool !== undefined && hostAddress(pool, offset) === address ? offset : 0;
  });
  const taken = new Set(wanted.filter((id) => id > 0));
  const used = new Set(all.flatMap(({ addresses }) => addresses));
  const isFree = (id: number): boolean =>
    !taken.has(id) && !pools.some((pool) => used.has(hostAddress(pool, id) as IpAddress));
  const given = new Set<number>();
  return new Map(
    all.map(({ member, addresses }, index) => {
      let id = wanted[index] ?? 0;
      if (id === 0 || given.has(id)) {
        for (id = 1; !isFree(id); ) id += 1;
        taken.add(id);
      }
      given.add(id);
      if (ownAddresses(member, claims).length === 0) {
        findings.push(
          question(`no address in the tunnel is known of this host: it gets that of the id ${id}`, member.place),
        );
      }
      const own = new Set(pools.map((pool) => hostAddress(pool, id)));
      const pinned = addresses.filter((address) => !own.has(address)).sort(compareAddresses);
      return [member.identity, { id, addresses, pinned }] as const;
    }),
  );
}
