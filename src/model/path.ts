/** The path between two hosts: how many bytes it carries, and where that is written. */
import { grouped } from "../base/grouped.ts";
import type { PathRule, Site, Underlay } from "./network.ts";
import type { Origin } from "./origin.ts";
import type { Reach } from "./reach.ts";

/** Which of a host's endpoints is dialled; `lan`: the lanEndpoint, inside one site. */
export type Scope = "lan" | "wan";

/** The MTU of a path and the rule that gave it. */
export interface Path {
  readonly mtu: number;
  readonly rule: string;
  /** Where that is written; `undefined`: with the default. */
  readonly written: { readonly origin: Origin; readonly field: string } | undefined;
  /** Said of these two, as it was measured; else it is what their accesses carry. */
  readonly isOfPair: boolean;
}

/** What a site says of its ways. */
type SiteWays = Pick<Site, "name" | "lanMtu" | "wanMtu" | "origin">;

/** Rules and sites by name, so that a mesh of n hosts does not search lists n² times. */
export interface PathIndex {
  readonly underlay: Underlay;
  readonly rules: ReadonlyMap<string, readonly PathRule[]>;
  readonly sites: ReadonlyMap<string, SiteWays>;
}

// No name can contain a space, so two different pairs never share a key.
const pairKey = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

export function indexPaths(underlay: Underlay, sites: readonly SiteWays[]): PathIndex {
  const rules = grouped(underlay.paths, (rule) => pairKey(...rule.between));
  return { underlay, rules, sites: new Map(sites.map((site) => [site.name, site])) };
}

function smallest(rules: readonly PathRule[]): PathRule | undefined {
  return rules.reduce<PathRule | undefined>(
    (least, rule) => (least && least.mtu <= rule.mtu ? least : rule),
    undefined,
  );
}

/** The most specific of the declared paths, of equals the smaller: host-host, then host-site, then site-site. */
function declaredPath(index: PathIndex, a: Reach, b: Reach): PathRule | undefined {
  const find = (x: string | undefined, y: string | undefined): readonly PathRule[] =>
    x === undefined || y === undefined ? [] : (index.rules.get(pairKey(x, y)) ?? []);
  return (
    smallest(find(a.name, b.name)) ??
    smallest([...find(a.name, b.site), ...find(a.site, b.name)]) ??
    smallest(find(a.site, b.site))
  );
}

function sitePath(index: PathIndex, a: Reach, b: Reach, scope: Scope): Path | undefined {
  const siteOf = (reach: Reach): SiteWays | undefined =>
    reach.site === undefined ? undefined : index.sites.get(reach.site);
  if (scope === "lan") {
    const site = siteOf(a);
    return (
      site?.lanMtu && {
        mtu: site.lanMtu,
        rule: `lanMtu of ${site.name}`,
        written: { origin: site.origin, field: "lanMtu" },
        isOfPair: false,
      }
    );
  }
  const limits = [siteOf(a), siteOf(b)].filter((site) => site?.wanMtu !== undefined) as (SiteWays & {
    wanMtu: number;
  })[];
  const [first, second] = limits;
  if (first === undefined) return undefined;
  const least = second !== undefined && second.wanMtu < first.wanMtu ? second : first;
  const written = { origin: least.origin, field: "wanMtu" };
  return { mtu: least.wanMtu, rule: `wanMtu of ${least.name}`, written, isOfPair: false };
}

/** The MTU of the path between two hosts; which endpoint is dialled decides between lanMtu and wanMtu. */
export function pathBetween(index: PathIndex, a: Reach, b: Reach, scope: Scope): Path {
  if (index.rules.size > 0) {
    const rule = declaredPath(index, a, b);
    if (rule)
      return {
        mtu: rule.mtu,
        rule: `path ${rule.between.join(" - ")}`,
        written: { origin: rule.origin, field: "mtu" },
        isOfPair: true,
      };
  }
  const { pathMtu } = index.underlay;
  const otherwise = { mtu: pathMtu, rule: "underlay.pathMtu", written: undefined, isOfPair: false };
  return sitePath(index, a, b, scope) ?? otherwise;
}
