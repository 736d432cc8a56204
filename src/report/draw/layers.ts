/** What lies over the tunnels of a diagram, or leads out of them. */
import { grouped } from "../../base/grouped.ts";
import type { Exit } from "../../model/exit.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { peersOf } from "../../model/peer.ts";

/** Something that lies over the tunnels, or leads out of them. */
export interface Layer {
  readonly kind: "segment" | "vrf" | "exit" | "peer";
  readonly name: string;
  /** What else there is to say in a few words. */
  readonly detail: string;
  readonly members: ReadonlySet<string>;
}

/** What stands before the name of a layer. */
export const KIND_IN_WORDS = { segment: "segment", vrf: "VRF", exit: "way out to", peer: "BGP with" } as const;

/** It ends at something that is not the network's: drawn beside it, with a line from each of its hosts. */
export const endsOutside = ({ kind }: Layer): boolean => kind === "exit" || kind === "peer";

function exitLayer(name: string, exits: readonly Exit[], detail: string): readonly Layer[] {
  const members = new Set(exits.map(({ host }) => host));
  return members.size === 0 ? [] : [{ kind: "exit", name, detail, members }];
}

/** Others' BGP speakers; several hosts may have the same one. */
function peerLayers(hosts: readonly Host[]): readonly Layer[] {
  const sessions = hosts.flatMap((host) => peersOf(host).map((peer) => ({ host: host.name, ...peer })));
  const bySpeaker = grouped(sessions, ({ address, asn, vrf }) => `AS ${asn} ${address} ${vrf ?? ""}`);
  return [...bySpeaker.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const { address, asn, vrf } = first;
    const detail = `${vrf === undefined ? "" : `VRF ${vrf}, `}not netgen's`;
    return [{ kind: "peer", name: `AS ${asn} ${address}`, detail, members: new Set(all.map(({ host }) => host)) }];
  });
}

/** Segments and VRFs, then what is outside. */
export function layersOf({ hosts, segments, vrfs, exits, remotes }: Network): readonly Layer[] {
  const carried = (
    kind: "segment" | "vrf",
    { name, vni, mtu, members }: Network["vrfs" | "segments"][number],
  ): Layer => ({
    kind,
    name,
    detail: `VNI ${vni}, ${mtu.bytes} bytes`,
    members: new Set(members),
  });
  return [
    ...segments.filter(({ members }) => members.length > 0).map((each) => carried("segment", each)),
    ...vrfs.filter(({ members }) => members.length > 0).map((each) => carried("vrf", each)),
    ...exitLayer("internet", exits, "of what is in no VRF"),
    ...vrfs.flatMap((vrf) => exitLayer(`internet of ${vrf.name}`, vrf.exits, `VRF ${vrf.name}`)),
    ...remotes.flatMap((remote) => exitLayer(remote.name, remote.exits, remote.prefixes.join(", "))),
    ...peerLayers(hosts),
  ];
}
