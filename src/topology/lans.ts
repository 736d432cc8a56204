/** Sites that have gateways, and what lies on their LANs. */
import { containsAddress, hostPrefix, type IpAddress, type IpPrefix } from "../base/ip.ts";
import { originSpan } from "../model/origin.ts";
import { hasTunnels, hostsByName, lanAddress } from "./hosts.ts";
import type { HostInput, Located, SiteInput, Topology } from "./topology.ts";

/** A site with gateways. */
export interface Lan {
  readonly site: string;
  /** Names of hosts with WireGuard, the preferred first. */
  readonly gateways: readonly string[];
  /** What the other sites reach through the gateways: the LAN, and addresses of hosts without WireGuard outside it. */
  readonly prefixes: readonly Located<IpPrefix>[];
  /** The hosts without WireGuard. */
  readonly outsiders: readonly HostInput[];
  /** What routes between all of them; `undefined`: they are on one Ethernet. */
  readonly router: IpAddress | undefined;
  /** Where the outsiders send what belongs to the overlay: the router, else what the gateways share, else the gateway's address. */
  readonly nextHop: IpAddress | undefined;
}

function lanPrefixes({ lan }: SiteInput, outsiders: readonly HostInput[]): readonly Located<IpPrefix>[] {
  const strays = outsiders.flatMap((host) => {
    const address = lanAddress(host);
    if (address === undefined || lan.some(({ value }) => containsAddress(value, address))) return [];
    return [{ value: hostPrefix(address), span: originSpan(host.origin, "lanEndpoint") }];
  });
  return [...lan, ...strays];
}

/** The sites with gateways, in the order of the file. What is wrong about one is for `laws/`. */
export function resolveLans(topology: Topology): readonly Lan[] {
  const hosts = hostsByName(topology);
  return topology.sites.flatMap((site): readonly Lan[] => {
    const named = site.gateways.map(({ value }) => hosts.get(value)).filter((host) => host !== undefined);
    const [first, ...others] = named.filter((host) => host.site === site.name && hasTunnels(host));
    if (first === undefined) return [];
    const outsiders = topology.hosts.filter((host) => host.site === site.name && !hasTunnels(host));
    return [
      {
        site: site.name,
        gateways: [first, ...others].map(({ name }) => name),
        prefixes: lanPrefixes(site, outsiders),
        outsiders,
        router: site.lanRouter,
        nextHop: site.lanRouter ?? site.vrrp?.address.address ?? lanAddress(first),
      },
    ];
  });
}
