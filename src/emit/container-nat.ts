/** Containers keep their addresses on their way to others, whatever their program masquerades. */
import { familyOf } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import { nftFamily, oneOf, quotedName, type Section, subnetLink } from "./nft-words.ts";
import { print } from "./shared.ts";

/** By which the overlay is entered: the tunnels, and segments and subnets that the host routes for. */
function overlayLinks({ interfaces, bridges }: Host): readonly string[] {
  const routed = bridges.filter(({ vrf, addresses }) => vrf === undefined && addresses.length > 0);
  return [...interfaces, ...routed.map(subnetLink)].map(quotedName);
}

/** On a bridge that is not the program's it masquerades nothing. */
export const containerNatSection: Section = (host, context) => {
  const routed = host.containers.filter(({ makesBridge }) => makesBridge);
  const links = overlayLinks(host);
  if (routed.length === 0 || links.length === 0) return undefined;
  const pools = routed
    .flatMap(({ pools }) => pools)
    .map(({ prefix }) => ({ prefix, family: nftFamily(familyOf(prefix)) }));
  return print(context, { template: "nftables/container-nat.nft.njk", view: { links: oneOf(links), pools } });
};
