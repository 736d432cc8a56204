import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { containsPrefix, type IpAddress, isMoreSpecific } from "../base/ip.ts";
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
    case "ovn":
      return `the network ${use.network} of OVN's`;
    case "peer":
      return `accepted from ${use.address} by ${use.host}`;
    case "lan":
      return `the LAN of ${use.site}`;
    case "remote":
      return `the remote ${use.remote}`;
  }
}

/**
 * No two declared prefixes of one VRF overlap: one prefix leads to one host, and two equal AllowedIPs lead to the last
 * that was read. One that excepts more specific ones may hold such.
 */
export function distinctPrefixes(network: Network): readonly Diagnostic[] {
  return prefixesByVrf(network).flatMap(distinctWithin);
}

const prefixesByVrf = ({ prefixes }: Network): readonly (readonly OverlayPrefix[])[] => [
  ...grouped(prefixes, ({ vrf }) => vrf).values(),
];

const distinctWithin = (prefixes: readonly OverlayPrefix[]): readonly Diagnostic[] =>
  overlapsAmong(prefixes, mayHold).map(([inner, outer]) => overlap(inner, outer));

/** Each prefix that lies in one that may not hold it, with the widest such. `prefixes`: by address, the shorter first. */
export function overlapsAmong(
  prefixes: readonly OverlayPrefix[],
  isAllowed: (outer: OverlayPrefix, inner: OverlayPrefix) => boolean,
): readonly (readonly [inner: OverlayPrefix, outer: OverlayPrefix])[] {
  const found: (readonly [OverlayPrefix, OverlayPrefix])[] = [];
  // Those that hold the last one, the widest first.
  let around: readonly OverlayPrefix[] = [];
  for (const each of prefixes) {
    around = around.filter(({ prefix }) => containsPrefix(prefix, each.prefix));
    const other = around.find((outer) => !isAllowed(outer, each));
    if (other === undefined) around = [...around, each];
    else found.push([each, other]);
  }
  return found;
}

/** Two hosts may hear one prefix from others' speakers in a VRF: there BGP chooses, and no AllowedIPs. */
const isHeardTwice = (outer: OverlayPrefix, inner: OverlayPrefix): boolean =>
  outer.vrf !== undefined && outer.use.kind === "peer" && inner.use.kind === "peer" && outer.prefix === inner.prefix;

const mayHold = (outer: OverlayPrefix, inner: OverlayPrefix): boolean =>
  (outer.exceptsMoreSpecifics && outer.prefix !== inner.prefix) || isHeardTwice(outer, inner);

/** What else can be done about prefixes that overlap: a remote is reached by rules, which know no longer prefix. */
const EXCEPTION =
  'write "exceptMoreSpecifics: true" beside the cidr of the wider one, in routes, and the longer one wins; a segment that no host is a gateway of can do without a cidr';
const REST =
  "write the remote's prefixes so that they leave out the other one, as 10.0.0.0/9 and 10.192.0.0/10 leave out 10.128.0.0/10";

function overlap(inner: OverlayPrefix, outer: OverlayPrefix): Diagnostic {
  const [later, earlier] = inner.span.start > outer.span.start ? [inner, outer] : [outer, inner];
  const params = {
    prefix: later.prefix,
    use: useInWords(later),
    other: earlier.prefix,
    otherUse: useInWords(earlier),
    way: [inner, outer].some(({ use }) => use.kind === "remote") ? REST : EXCEPTION,
  };
  const related = [{ message: `${earlier.prefix} is declared here`, span: earlier.span }];
  return diagnostic("prefix-overlap", params, later.span, related);
}

/** Who excepts more specific prefixes holds one: else a mistyped one leads where nobody meant it to. */
export function exceptionsAreUsed(network: Network): readonly Diagnostic[] {
  return prefixesByVrf(network).flatMap((prefixes) =>
    prefixes.flatMap((each) => {
      const { prefix, exceptsMoreSpecifics, span } = each;
      if (!exceptsMoreSpecifics || prefixes.some((other) => isMoreSpecific(other.prefix, prefix))) return [];
      return [diagnostic("exception-unused", { prefix, use: useInWords(each) }, span)];
    }),
  );
}
