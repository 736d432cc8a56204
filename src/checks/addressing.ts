import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { type IpAddress, type IpPrefix, type IpRange, rangeOf } from "../base/ip.ts";
import type { Span } from "../base/source.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

interface AddressUse {
  readonly address: IpAddress;
  readonly owner: string;
  readonly span: Span;
}

function addressUses(network: Network): readonly AddressUse[] {
  const ofHosts = network.hosts.flatMap((host) =>
    host.interfaces.flatMap((link) =>
      link.addresses.map(({ address }, index) => {
        const field = host.origin[`addresses/${index}`] ? `addresses/${index}` : "id";
        return { address, owner: host.name, span: originSpan(host.origin, field) };
      }),
    ),
  );
  const ofGateways = network.segments.flatMap(({ name, gateway, origin }) => {
    if (gateway.kind !== "each") return [];
    return gateway.hosts.flatMap(({ host, addresses }) =>
      addresses.map(({ address }) => ({
        address,
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
  const first = new Map<IpAddress, AddressUse>();
  for (const use of addressUses(network)) {
    const other = first.get(use.address);
    if (other === undefined) first.set(use.address, use);
    // The same address twice on one host: its pools overlap, which distinctPrefixes says.
    else if (other.owner !== use.owner) {
      const params = { host: other.owner, other: use.owner, address: use.address };
      const related = [{ message: `${other.owner} has it here`, span: other.span }];
      found.push(diagnostic("address-duplicate", params, use.span, related));
    }
  }
  return found;
}

function useInWords({ use }: OverlayPrefix): string {
  switch (use.kind) {
    case "pool":
      return "a pool of wireguard.addresses";
    case "subnet":
      return `subnet ${use.subnet}`;
    case "route":
      return `a route of ${use.host}`;
  }
}

interface Ranged {
  readonly each: OverlayPrefix;
  readonly range: IpRange;
  readonly prefix: IpPrefix;
}

/** No two declared prefixes overlap: one prefix leads to one host, and two equal AllowedIPs lead to the last that was read. */
export function distinctPrefixes(network: Network): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  // Sorted by address, the shorter first: what overlaps an earlier prefix lies inside it, and so inside the widest so far.
  let widest: Ranged | undefined;
  for (const each of network.prefixes) {
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
