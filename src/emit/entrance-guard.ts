/** By which links the overlay is entered: by its own, and by that which leads back to where a packet says it is from. */
import { collapsePrefixes, type IpPrefix } from "../base/ip.ts";
import { type Host, isProxmox, outerLinks } from "../model/host.ts";
import type { EmitContext } from "./context.ts";
import { joined } from "./file.ts";
import { addressSets, printSets, type SetKind, sourceMatches } from "./guard-sets.ts";
import { forwardedFamilies, oneOf, quotedName, type Section, subnetLink } from "./nft-words.ts";
import { withAllLinks } from "./sdn.ts";
import { print } from "./shared.ts";

const OVERLAY: SetKind = { name: "overlay", why: "What the overlay is made of, as seen from this host." };

/** What leads into the overlay from here, its own subnets too, with what is behind this host; its LAN has a router of its own. */
function overlayOf({ unreachable, ownedPrefixes, egress }: Host): readonly IpPrefix[] {
  const behind = ownedPrefixes.filter(({ use }) => use.kind === "route");
  const remotes = (egress?.remotes ?? []).flatMap(({ prefixes }) => prefixes);
  return collapsePrefixes([...unreachable, ...behind.map(({ prefix }) => prefix), ...remotes]);
}

/** Whose packets come by a link that the model does not name: what is behind this host, or on a LAN that it is on, and pods. */
function nearbyPrefixes(host: Host, { network }: EmitContext) {
  const { ownedPrefixes, lanRoutes, reach, egress } = host;
  const lans = network.prefixes.filter(({ use }) => use.kind === "lan" && use.site === reach.site);
  const remotes = (egress?.remotes ?? []).filter(({ own }) => own !== undefined).flatMap(({ prefixes }) => prefixes);
  const pods = host.kubernetes === undefined ? [] : (network.kubernetes?.pods ?? []);
  const named = [...ownedPrefixes, ...lanRoutes, ...lans].map(({ prefix }) => prefix);
  return collapsePrefixes([...named, ...remotes, ...pods]);
}

/** Of netgen and of whom it knows; nft takes no pattern into a set of names. */
function trustedLinks(host: Host, context: EmitContext): readonly string[] {
  const { network } = context;
  const { interfaces, bridges, vrfs, hasDocker, platform } = withAllLinks(host, context);
  const own = [...interfaces, ...bridges.map(subnetLink), ...vrfs].map(quotedName);
  const isOuter = outerLinks(host).some((name) => name.startsWith("br-"));
  const docker = hasDocker ? ["docker0", ...(isOuter ? [] : ["br-*"])] : [];
  // Between a guest and the bridge that routes for it, where the bridge filter is on.
  const proxmox = isProxmox(platform) ? ["fwbr*"] : [];
  // Cilium's routes to pods lead to one device, and pods' packets come by one of each; it looks at their source itself.
  const cilium = host.kubernetes?.cni === "cilium" ? ["lxc*"] : [];
  const others = [...network.guardInterfaces, ...docker, ...proxmox, ...cilium];
  const patterns = others.filter((name) => name.endsWith("*"));
  const named = others.filter((name) => !name.endsWith("*")).map((name) => `"${name}"`);
  return [oneOf([...new Set([...own, ...named])]), ...new Set(patterns.map((name) => `"${name}"`))];
}

/** What comes from elsewhere with addresses of the overlay, on a host that would pass it on. */
export const entranceSection: Section = (host, context) => {
  if (host.interfaces.length === 0 || forwardedFamilies(host).length === 0) return undefined;
  const overlay = addressSets(OVERLAY, overlayOf(host));
  const outer = outerLinks(host);
  const view = {
    links: trustedLinks(host, context),
    hasOuter: outer.length > 0,
    outer: outer.map((name) => `"${name}"`),
    nearby: sourceMatches(nearbyPrefixes(host, context)),
    dropped: ["saddr", "daddr"].flatMap((end) => overlay.map(({ header, name }) => `${header} ${end} @${name}`)),
  };
  // Each host has a set of its own, and a long one in a large network: kept by nobody.
  return joined([printSets(overlay, context), print(context, { template: "nftables/entrance.nft.njk", view })]);
};
