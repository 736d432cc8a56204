/** What both classes make of who is joined with whom: the peers, and every host's interfaces. */
import type { WireguardInterface } from "../../model/device.ts";
import type { OwnedPrefix } from "../../model/host.ts";
import type { PathIndex } from "../../model/path.ts";
import type { Peer } from "../../model/reach.ts";
import type { Joins } from "../joins/joins.ts";

/** What all interfaces share. */
export interface InterfaceSettings {
  readonly name: string;
  readonly hasPresharedKeys: boolean;
  /** The interface gets its largest tunnel's MTU, not its smallest, and routes hold smaller peers to theirs. */
  readonly hasPeerMtus: boolean;
}

/** What the tunnels of either class are decided from. */
export interface TunnelGrounds {
  readonly settings: InterfaceSettings;
  readonly paths: PathIndex;
  /** What is behind each host, by its name. */
  readonly owned: ReadonlyMap<string, readonly OwnedPrefix[]>;
}

export type Interfaces = ReadonlyMap<string, readonly WireguardInterface[]>;

export interface Tunnels extends Pick<Joins, "relays" | "merging" | "between"> {
  readonly peers: readonly Peer[];
  /** By host name, sorted by interface name; empty where the host has no WireGuard. */
  readonly interfaces: Interfaces;
}
