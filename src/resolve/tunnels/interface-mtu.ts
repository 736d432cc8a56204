/** What an interface's MTU follows from: the tunnels to its peers. */
import { must } from "../../base/invariant.ts";
import type { IpPrefix } from "../../base/ip.ts";
import { wireguardOverheadBytes } from "../../base/mtu.ts";
import { sortedBy } from "../../base/text.ts";
import { mtuBytes } from "../../base/units.ts";
import type { SmallerPeer, WireguardInterface } from "../../model/device.ts";
import type { Underlay } from "../../model/network.ts";

/** The MTU of an interface, the peer that sets it, and the peers that carry less. */
export interface LinkMtu {
  readonly mtu: number;
  readonly limitingPeer: string | undefined;
  readonly smaller: readonly { readonly host: string; readonly mtu: number }[];
}

/** A host alone has no path to measure by: what a first peer would get over the default path. */
function mtuWithoutPeers({ pathMtu, ipVersion }: Underlay): number {
  return pathMtu - wireguardOverheadBytes(ipVersion === 4 ? 4 : 6);
}

/** Takes in the tunnels of one interface, one by one; of equal ones the first sets its MTU. */
export function createMtus(underlay: Underlay, hasPeerMtus: boolean) {
  const tunnels: { host: string; mtu: number }[] = [];
  let chosen: { host: string; mtu: number } | undefined;
  return {
    add(host: string, mtu: number): void {
      // A mesh of n hosts has n² tunnels: they are kept only where they matter.
      if (hasPeerMtus) tunnels.push({ host, mtu });
      if (chosen === undefined || (hasPeerMtus ? mtu > chosen.mtu : mtu < chosen.mtu)) chosen = { host, mtu };
    },
    result(): LinkMtu {
      const mtu = chosen?.mtu ?? mtuWithoutPeers(underlay);
      return { mtu, limitingPeer: chosen?.host, smaller: tunnels.filter((each) => each.mtu < mtu) };
    },
  };
}

/** The part of an interface that follows from its tunnels. `sent`: what goes to each peer, by its name; asked for where it matters. */
export function linkMtu(
  { mtu, limitingPeer, smaller }: LinkMtu,
  sent: () => ReadonlyMap<string, readonly IpPrefix[]>,
): Pick<WireguardInterface, "mtu" | "limitingPeer" | "smallerPeers"> {
  const inBytes = (bytes: number) =>
    must(mtuBytes(bytes), "the smallest path that the schema allows is larger than any overhead");
  const prefixes = smaller.length === 0 ? new Map<string, readonly IpPrefix[]>() : sent();
  const prefixesOf = ({ host }: { readonly host: string }) =>
    must(prefixes.get(host), "something is sent to every peer");
  const peers = smaller.map(
    (peer): SmallerPeer => ({ host: peer.host, mtu: inBytes(peer.mtu), prefixes: prefixesOf(peer) }),
  );
  return { mtu: inBytes(mtu), limitingPeer, smallerPeers: sortedBy(peers, ({ host }) => host) };
}
