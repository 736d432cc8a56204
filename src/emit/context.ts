import { fleetMark, fleetNumber } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { Peer } from "../model/reach.ts";
import type { OutputFile } from "./file.ts";

/** The network with its hosts by name and its peers by id, and what emitters of one compilation share. */
export interface EmitContext {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly peers: ReadonlyMap<string, Peer>;
  /** What names of netgen's own have of the fleet, {@link fleetMark}; every template sees it as `view.fleet`. */
  readonly fleet: string;
  /** {@link fleetNumber}, as ip and nft are told. */
  readonly number: string;
}

export const createContext = (network: Network): EmitContext => ({
  network,
  hosts: new Map(network.hosts.map((host) => [host.name, host])),
  peers: new Map(network.peers.map((peer) => [peer.id, peer])),
  fleet: fleetMark(network),
  number: String(fleetNumber(network)),
});

/** A unit of netgen's own: `routes.service`. */
export const ownUnit = ({ fleet }: EmitContext, name: string): string => `netgen${fleet}-${name}`;

/** A file in netgen's own directory, as its path on the host. */
export const ownPath = ({ fleet }: EmitContext, name: string): string => `etc/netgen${fleet}/${name}`;

/** One kind of output: all files of that kind for one host. No file where the host has no use for it. */
export type Emitter = (host: Host, context: EmitContext) => readonly OutputFile[];
