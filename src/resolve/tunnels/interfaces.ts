/** An interface and its MTU, made of the tunnels to its peers. */
import { must } from "../../base/invariant.ts";
import { wireguardOverheadBytes } from "../../base/mtu.ts";
import { sortedBy } from "../../base/text.ts";
import { mtuBytes } from "../../base/units.ts";
import type { SmallerPeer, WireguardInterface } from "../../model/device.ts";
import type { Underlay } from "../../model/network.ts";
import type { Peer } from "../../model/reach.ts";
import { MAX_PAIRS_REPORTED } from "../joins/cannot-meet.ts";
import type { Member } from "../joins/meetings.ts";

/** A tunnel as one of its ends has it. */
export interface TunnelTo {
  /** The id of the peer. */
  readonly peer: string;
  readonly mtu: number;
}

interface PeerMtu {
  readonly host: string;
  readonly mtu: number;
}

/** All tunnels of one interface. */
export interface Ends {
  /** Ids, in the order of the neighbours. */
  readonly peers: readonly string[];
  readonly mtu: number;
  /** The host that sets the MTU; of equal ones the first. */
  readonly limitingPeer: string | undefined;
  /** The hosts that get less. */
  readonly smaller: readonly PeerMtu[];
  /** Neighbours that cannot be met, of those that come later by name: each pair comes by from both sides. */
  readonly unmet: readonly Member[];
}

/** A host alone has no path to measure by: what a first peer would get over the default path. */
function mtuWithoutPeers({ pathMtu, ipVersion }: Underlay): number {
  return pathMtu - wireguardOverheadBytes(ipVersion === 4 ? 4 : 6);
}

/** Gives the tunnels of a host, by one interface, with its neighbours; `tunnelTo` is asked about each of them. */
export type EndsOf = (
  from: Member,
  neighbours: readonly Member[],
  tunnelTo: (to: Member) => TunnelTo | undefined,
) => Ends;

/** Takes in the tunnels of one interface, one by one. */
function createMtus(underlay: Underlay, hasPeerMtus: boolean) {
  const all: PeerMtu[] = [];
  let chosen: PeerMtu | undefined;
  return {
    add(host: string, mtu: number): void {
      // A mesh of n hosts has n² tunnels: they are kept only where they matter.
      if (hasPeerMtus) all.push({ host, mtu });
      if (chosen === undefined || (hasPeerMtus ? mtu > chosen.mtu : mtu < chosen.mtu)) chosen = { host, mtu };
    },
    result(): Pick<Ends, "mtu" | "limitingPeer" | "smaller"> {
      const mtu = chosen?.mtu ?? mtuWithoutPeers(underlay);
      return { mtu, limitingPeer: chosen?.host, smaller: all.filter((each) => each.mtu < mtu) };
    },
  };
}

/** `hasPeerMtus`: the interface has the MTU of its largest tunnel, not of its smallest; never an app's, which sets no routes' MTU. */
export function createEndsOf(underlay: Underlay, hasPeerMtus: boolean): EndsOf {
  return ({ host: from }, neighbours, tunnelTo) => {
    const peers: string[] = [];
    const unmet: Member[] = [];
    const mtus = createMtus(underlay, hasPeerMtus && !from.reach.isApp);
    for (const to of neighbours) {
      const { name } = to.host.input;
      const tunnel = tunnelTo(to);
      if (tunnel !== undefined) {
        peers.push(tunnel.peer);
        mtus.add(name, tunnel.mtu);
      } else if (from.input.name < name && unmet.length < MAX_PAIRS_REPORTED) unmet.push(to);
    }
    return { peers, unmet, ...mtus.result() };
  };
}

const inBytes = (bytes: number) =>
  must(mtuBytes(bytes), "the smallest path that the schema allows is larger than any overhead");

/** What goes to each of some peers, by its host. */
function sentTo(peers: readonly string[], peerOf: (id: string) => Peer) {
  return new Map(peers.map(peerOf).map(({ host, allowedIps }) => [host, allowedIps]));
}

/** The interface that has these tunnels. */
export function toInterface(
  { peers, mtu, limitingPeer, smaller }: Ends,
  { routedBy, ...own }: Pick<WireguardInterface, "name" | "addresses" | "linkLocal" | "listenPort" | "routedBy">,
  peerOf: (id: string) => Peer,
): WireguardInterface {
  const sent = smaller.length === 0 ? new Map() : sentTo(peers, peerOf);
  const held = smaller.map(
    (peer): SmallerPeer => ({
      host: peer.host,
      mtu: inBytes(peer.mtu),
      prefixes: must(sent.get(peer.host), "something is sent to every peer"),
    }),
  );
  const smallerPeers = sortedBy(held, ({ host }) => host);
  return { ...own, mtu: inBytes(mtu), limitingPeer, smallerPeers, routedBy, peers };
}
