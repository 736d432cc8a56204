/** What fits between two hosts of a lab, and on which of their addresses. */
import { containsAddress, familyOf, type IpAddress, type IpFamily, type IpPrefix } from "../../base/ip.ts";
import { totalBytes } from "../../base/mtu.ts";
import type { Host } from "../../model/host.ts";
import { type PathIndex, pathBetween } from "../../model/path.ts";
import { type Dial, type Meeting, translationsOf } from "../../model/tunnel.ts";
import { areOnOneLan, type LabHost, type LabPath } from "./plan.ts";

/** What fits between two hosts, by IP version. */
export type PairMtus = Readonly<Record<IpFamily, number>>;

/** The MTUs between two hosts: those of the ways they may use; `undefined`: they cannot meet. */
export function pairMtus(
  index: PathIndex,
  [a, b]: readonly [Host, Host],
  { there, back }: Meeting,
): PairMtus | undefined {
  const ways = [there, back].filter((way): way is Dial => way !== undefined);
  if (ways.length === 0) return undefined;
  const ends = [a.reach, b.reach];
  const mtuOf = (family: IpFamily): number =>
    Math.min(
      ...ways.map((way) => {
        const path = pathBetween(index, a.reach, b.reach, way.scope);
        return path.mtu - totalBytes(translationsOf(path, ends, way.scope, family));
      }),
    );
  return { 4: mtuOf(4), 6: mtuOf(6) };
}

/** How wide a host's cables are. */
export interface CableMtus {
  readonly uplink: number;
  readonly lan: number;
}

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly mtus: PairMtus;
}

/** As wide as the largest path that comes by each; an uplink is no narrower than any path may be. */
export function cableMtus(
  pairs: readonly Pair[],
  lanRouters: ReadonlyMap<string, string>,
  pathMtu: number,
): (host: string) => CableMtus {
  const largest = new Map<string, CableMtus>();
  const known = (host: string): CableMtus => largest.get(host) ?? { uplink: pathMtu, lan: 0 };
  for (const { from, to, mtus } of pairs) {
    const way = lanRouters.get(from) === lanRouters.get(to) ? "lan" : "uplink";
    largest.set(to, { ...known(to), [way]: Math.max(...Object.values(mtus), known(to)[way]) });
  }
  return (host) => ({ ...known(host), lan: known(host).lan || pathMtu });
}

/** Where both are of one family. Nobody outside knows the way to an address of a LAN, save the router that hides it. */
export function pathsBetween(from: LabHost, to: LabHost, mtus: PairMtus, lan: readonly IpPrefix[]): readonly LabPath[] {
  const isOneLan = areOnOneLan(from, to);
  const { router, addresses, shared } = isOneLan ? to.lan : to.uplink;
  const seen = isOneLan ? from.lan.addresses : from.publicAddresses;
  const known = isOneLan || to.isBehindNat ? addresses : to.publicAddresses;
  // From another site, addresses of a LAN with a gateway are reached through a tunnel, or else by a forwarded port.
  const isOpen = (address: IpAddress): boolean =>
    isOneLan || to.isBehindNat || !lan.some((prefix) => containsAddress(prefix, address));
  return [...known, ...shared]
    .filter(isOpen)
    .flatMap((address) =>
      seen
        .filter((each) => familyOf(each) === familyOf(address))
        .map((each) => ({ router, from: each, to: address, mtu: mtus[familyOf(address)] })),
    );
}

/**
 * Two hosts behind one address look alike to a third: a path that differs between them counts with its larger MTU, so that
 * nothing is refused that the topology promises.
 */
export function largestEach(paths: readonly LabPath[]): readonly LabPath[] {
  const largest = new Map<string, LabPath>();
  for (const path of paths) {
    const key = `${path.from} ${path.to}`;
    if (path.mtu > (largest.get(key)?.mtu ?? 0)) largest.set(key, path);
  }
  return [...largest.values()];
}
