import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { grouped } from "../base/grouped.ts";
import { containsAddress } from "../base/ip.ts";
import { createPrefixIndex } from "../base/prefix-index.ts";
import type { Host } from "../model/host.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { useInWords } from "./addressing.ts";

/** The first of some hosts that would send the prefix into a tunnel; the host that it is behind would not. */
function senderOf(hosts: readonly Host[], { use, prefix }: OverlayPrefix): string | undefined {
  return hosts.find(
    ({ name, ownedPrefixes }) =>
      !(use.kind === "route" && use.host === name) && !ownedPrefixes.some((each) => each.prefix === prefix),
  )?.name;
}

/**
 * No prefix of the overlay overlaps the LAN of a site that has no gateway: its hosts would have a part of their own LAN in
 * AllowedIPs. Where there is a gateway the LAN is of the overlay itself, and `distinctPrefixes` says so.
 */
export function siteLansOutsideOverlay({ sites, hosts, prefixes }: Network): readonly Diagnostic[] {
  const index = createPrefixIndex(prefixes);
  const running = hosts.filter(({ interfaces }) => interfaces.length > 0);
  const bySite = grouped(running, ({ reach }) => reach.site);
  return sites
    .filter(({ gateways }) => gateways.length === 0)
    .flatMap((site) =>
      site.lan.flatMap((lan, position) =>
        index.overlapping(lan).flatMap((each): readonly Diagnostic[] => {
          const host = senderOf(bySite.get(site.name) ?? [], each);
          if (host === undefined) return [];
          const params = { prefix: each.prefix, use: useInWords(each), lan, site: site.name, host };
          const related = [{ message: `${each.prefix} is declared here`, span: each.span }];
          return [diagnostic("lan-in-overlay", params, originSpan(site.origin, `lan/${position}`), related)];
        }),
      ),
    );
}

/** What routes on a LAN is sent to by that, and so by no tunnel. */
export function lanRoutersOutsideOverlay({ sites, prefixes }: Network): readonly Diagnostic[] {
  return sites.flatMap(({ name: site, lanRouter: router, origin }): readonly Diagnostic[] => {
    if (router === undefined) return [];
    const own = prefixes.find(
      ({ prefix, use }) => !(use.kind === "lan" && use.site === site) && containsAddress(prefix, router),
    );
    if (own === undefined) return [];
    const params = { router, site, prefix: own.prefix, use: useInWords(own) };
    const related = [{ message: `${own.prefix} is declared here`, span: own.span }];
    return [diagnostic("lan-router-in-overlay", params, originSpan(origin, "lanRouter"), related)];
  });
}
