import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { type IpAddress, type IpPrefix, type IpRange, rangeOf } from "../base/ip.ts";
import type { Span } from "../base/source.ts";
import { poolAddresses } from "../model/loopback.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

interface AddressUse {
  readonly address: IpAddress;
  /** In two VRFs one address is two. */
  readonly vrf: string | undefined;
  readonly owner: string;
  readonly span: Span;
}

function addressUses(network: Network): readonly AddressUse[] {
  const ofHosts = network.hosts.flatMap((host) =>
    poolAddresses(host).map(({ address }, index) => {
      const field = host.origin[`addresses/${index}`] ? `addresses/${index}` : "id";
      return { address, vrf: undefined, owner: host.name, span: originSpan(host.origin, field) };
    }),
  );
  const ofGateways = network.segments.flatMap(({ name, gateway, vrf, origin }) => {
    if (gateway.kind !== "each") return [];
    return gateway.hosts.flatMap(({ host, addresses }) =>
      addresses.map(({ address }) => ({
        address,
        vrf,
        owner: `${name} on ${host}`,
        span: originSpan(origin, `gateway/${host}`),
      })),
    );
  });
  return [...ofHosts, ...ofGateways];
}

/** No two hosts have the same address, in the pools or on a segment. */
export function distinctAddresses(network: Network): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const first = new Map<string, AddressUse>();
  for (const use of addressUses(network)) {
    const key = `${use.vrf ?? ""} ${use.address}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, use);
    // The same address twice on one host: its pools overlap, which distinctPrefixes says.
    else if (other.owner !== use.owner) {
      const params = { host: other.owner, other: use.owner, address: use.address };
      const related = [{ message: `${other.owner} has it here`, span: other.span }];
      found.push(diagnostic("address-duplicate", params, use.span, related));
    }
  }
  return found;
}

/** What a prefix is for, as messages say it. */
export function useInWords({ use }: OverlayPrefix): string {
  switch (use.kind) {
    case "pool":
      return "a pool of wireguard.addresses";
    case "transit":
      return "a pool of wireguard.transit";
    case "subnet":
      return `subnet ${use.subnet}`;
    case "route":
      return `a route of ${use.host}`;
    case "lan":
      return `the LAN of ${use.site}`;
  }
}

interface Ranged {
  readonly each: OverlayPrefix;
  readonly range: IpRange;
  readonly prefix: IpPrefix;
}

/**
 * No two declared prefixes of one VRF overlap: one prefix leads to one host, and two equal AllowedIPs lead to the last
 * that was read.
 */
export function distinctPrefixes(network: Network): readonly Diagnostic[] {
  const vrfs = [undefined, ...network.vrfs.map((vrf) => vrf.name)];
  return vrfs.flatMap((vrf) => distinctWithin(network.prefixes.filter((each) => each.vrf === vrf)));
}

function distinctWithin(prefixes: readonly OverlayPrefix[]): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  // Sorted by address, the shorter first: what overlaps an earlier prefix lies inside it, and so inside the widest so far.
  let widest: Ranged | undefined;
  for (const each of prefixes) {
    const next: Ranged = { each, range: rangeOf(each.prefix), prefix: each.prefix };
    if (widest === undefined || widest.range.family !== next.range.family || next.range.first > widest.range.last) {
      widest = next;
      continue;
    }
    const [later, earlier] = each.span.start > widest.each.span.start ? [each, widest.each] : [widest.each, each];
    const params = {
      prefix: later.prefix,
      use: useInWords(later),
      other: earlier.prefix,
      otherUse: useInWords(earlier),
    };
    found.push(
      diagnostic("prefix-overlap", params, later.span, [
        { message: `${earlier.prefix} is declared here`, span: earlier.span },
      ]),
    );
  }
  return found;
}
