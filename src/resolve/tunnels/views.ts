/** Hosts as others see them. */
import { must } from "../../base/invariant.ts";
import type { IpPrefix } from "../../base/ip.ts";
import { sortedBy } from "../../base/text.ts";
import type { Endpoint, Peer } from "../../model/reach.ts";
import { endpointsFor, KEEPALIVE_SECONDS } from "../../model/tunnel.ts";
import type { Member, Sight } from "../joins/meetings.ts";
import type { InterfaceSettings } from "./tunnels.ts";

/** What somebody makes of a host. */
export interface Seen extends Pick<Peer, "endpoints" | "allowedIps"> {
  readonly hasKeepalive: boolean;
}

/** The view of a host that the suffix sets apart, by its id. What is seen must follow from the two alone: it is asked for once. */
export type View = (target: Member, suffix: string, seen: () => Seen) => string;

/** Where a host is dialled, in order of preference. */
export function endpointsOf({ host: { reach } }: Member, { scope, families }: Sight): readonly Endpoint[] {
  if (scope === undefined) return [];
  return scope === "wan" ? endpointsFor(families, reach) : [must(reach.lanEndpoint, "it is dialled by the LAN")];
}

/**
 * Collects views: each host once per way of being seen, however many see it that way. `needsRoute`: whether a prefix in
 * its AllowedIPs gets one from the host's file of routes.
 */
export function createViews(
  { hasPresharedKeys: hasPresharedKey }: InterfaceSettings,
  needsRoute: (prefix: IpPrefix) => boolean,
) {
  const views = new Map<string, Peer>();
  const view: View = ({ host: { input, publicKey }, ids }, suffix, see) => {
    const known = ids.get(suffix);
    if (known !== undefined) return known;
    const id = input.name + suffix;
    ids.set(suffix, id);
    const { endpoints, hasKeepalive, allowedIps } = see();
    const keepaliveSeconds = hasKeepalive ? KEEPALIVE_SECONDS : 0;
    const routes = allowedIps.filter(needsRoute);
    const { name: host } = input;
    views.set(id, { id, host, publicKey, endpoints, keepaliveSeconds, allowedIps, routes, hasPresharedKey });
    return id;
  };
  /** All that were made, sorted by id. */
  const peers = (): readonly Peer[] => sortedBy([...views.values()], (peer) => peer.id);
  const peerOf = (id: string): Peer => must(views.get(id), "every id is that of a view");
  return { view, peers, peerOf };
}
