import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { type IpPrefix, overlaps } from "../base/ip.ts";
import type { Network, OverlayPrefix, Site } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { useInWords } from "./addressing.ts";

/** A host of the site, the first by name, that would send the prefix into a tunnel; the host that it is behind would not. */
function senderOf({ hosts }: Network, { name }: Site, { use, prefix }: OverlayPrefix): string | undefined {
  const isBehind = (owned: IpPrefix): boolean => owned === prefix;
  const senders = hosts.filter(
    (host) =>
      host.reach.site === name &&
      host.interfaces.length > 0 &&
      !(use.kind === "route" && use.host === host.name) &&
      !host.ownedPrefixes.some((each) => isBehind(each.prefix)),
  );
  return senders[0]?.name;
}

/**
 * No prefix of the overlay overlaps the LAN of a site that has no gateway: its hosts would have a part of their own LAN in
 * AllowedIPs. Where there is a gateway the LAN is of the overlay itself, and `distinctPrefixes` says so.
 */
export function lansOutsideOverlay(network: Network): readonly Diagnostic[] {
  return network.sites
    .filter(({ gateways }) => gateways.length === 0)
    .flatMap((site) =>
      site.lan.flatMap((lan, index) =>
        network.prefixes.flatMap((each): readonly Diagnostic[] => {
          const host = overlaps(lan, each.prefix) ? senderOf(network, site, each) : undefined;
          if (host === undefined) return [];
          const params = { prefix: each.prefix, use: useInWords(each), lan, site: site.name, host };
          const related = [{ message: `${each.prefix} is declared here`, span: each.span }];
          return [diagnostic("lan-in-overlay", params, originSpan(site.origin, `lan/${index}`), related)];
        }),
      ),
    );
}
