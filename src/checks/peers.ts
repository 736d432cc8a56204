import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { containsAddress, type IpPrefix, isMoreSpecific, prefixOf } from "../base/ip.ts";
import type { Peer } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import type { Network, OverlayPrefix } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";
import { peersOf } from "../model/peer.ts";
import { useInWords } from "./addressing.ts";

interface Named {
  readonly host: Host;
  readonly peer: Peer;
}

const namedPeers = ({ hosts }: Network): readonly Named[] =>
  hosts.flatMap((host) => peersOf(host).map((peer) => ({ host, peer })));

/** The narrowest that an address lies in. */
const narrowest = (around: readonly OverlayPrefix[]): OverlayPrefix | undefined =>
  around.find(({ prefix }) => !around.some((other) => isMoreSpecific(other.prefix, prefix)));

/** A guest of a bridge whose address no other host has: an answer to a shared one could end on any of them. */
function isGuest({ bridges }: Host, { address, vrf }: Peer): boolean {
  return bridges.some(
    (bridge) =>
      bridge.vrf === vrf &&
      !bridge.isSharedGateway &&
      bridge.addresses.some(
        (own) => own.address !== address && containsAddress(prefixOf(own.address, own.lengthBits), address),
      ),
  );
}

/** On a link of the host's own, whatever the overlay knows of what lies there. */
function isNear(named: Named, { use, prefix }: OverlayPrefix): boolean {
  const { host, peer } = named;
  if (use.kind === "lan") return use.site === host.reach.site;
  if (use.kind === "route") return use.host === host.name;
  if (use.kind === "ovn") return host.ownedPrefixes.some((each) => each.prefix === prefix);
  return use.kind === "subnet" && isGuest(host, peer);
}

/** A session is no part of the overlay: it ends at the host, by a link that leads to the peer. */
export function peersStandOutside(network: Network): readonly Diagnostic[] {
  return namedPeers(network).flatMap((named) => {
    const { host, peer } = named;
    const { address, vrf, origin } = peer;
    const around = network.prefixes.filter((each) => each.vrf === vrf && containsAddress(each.prefix, address));
    const inside = narrowest(around);
    if (inside === undefined || isNear(named, inside)) return [];
    const params = { host: host.name, address, prefix: inside.prefix, use: useInWords(inside) };
    const related = [{ message: `${inside.prefix} is declared here`, span: inside.span }];
    return [diagnostic("peer-in-overlay", params, originSpan(origin, "address"), related)];
  });
}

/** Where somebody else writes FRR's configuration, nothing of netgen's can put a password into it. */
export function passwordsAreGiven(network: Network): readonly Diagnostic[] {
  return namedPeers(network).flatMap(({ host, peer: { address, passwordFile, origin } }) => {
    if (passwordFile === undefined || host.frrMode === "complete") return [];
    const params = {
      host: host.name,
      address,
      key: "passwordFile",
      with: "a frr.conf that is not netgen's (frr: snippet)",
      advice:
        'take it out, and give FRR the password in the file that the snippet is merged into: "neighbor … password …"',
    };
    return [diagnostic("peer-key-conflict", params, originSpan(origin, "passwordFile"))];
  });
}

/** All that somebody in the default VRF has, and is sent. */
function reachedPrefixes({ hosts, prefixes }: Network): ReadonlySet<IpPrefix> {
  const pools = prefixes.filter(({ use }) => use.kind === "pool").map(({ prefix }) => prefix);
  const owned = hosts.flatMap(({ ownedPrefixes }) => ownedPrefixes.map(({ prefix }) => prefix));
  return new Set([...pools, ...owned]);
}

/** What a peer is told of in the default VRF leads to a host: packets for a segment of several gateways would end here. */
export function peersAreToldOfWhatIsReached(network: Network): readonly Diagnostic[] {
  const reached = reachedPrefixes(network);
  const declared = network.prefixes.filter(({ vrf }) => vrf === undefined).map(({ prefix }) => prefix);
  const lost = new Set(declared.filter((prefix) => !reached.has(prefix)));
  return namedPeers(network).flatMap(({ host, peer: { address, vrf, announced, origin } }) => {
    if (vrf !== undefined) return [];
    return announced
      .filter((prefix) => lost.has(prefix))
      .map((prefix) => {
        const what = "reached inside its segment only";
        const advice = "take it out, or give the segment one gateway, or a vrf and put the peer into that";
        const params = { host: host.name, address, prefix, what, advice };
        return diagnostic("peer-announce-unknown", params, originSpan(origin, "announce"));
      });
  });
}
