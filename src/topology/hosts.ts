/** What is asked of a host everywhere. */
import { containsAddress, hostAddress, type IpAddress, type IpPrefix } from "../base/ip.ts";
import type { Platform } from "../model/host.ts";
import type { HostInput, Topology } from "./topology.ts";

/** Runs WireGuard, unless it says that it does not. */
export const hasTunnels = ({ hasWireguard }: HostInput): boolean => hasWireguard !== false;

/** Debian 12 where nothing is said. */
export const platformOf = ({ platform = "debian12" }: HostInput): Platform => platform;

/** A device that an app configures: it has a tunnel, and netgen writes no file for it. */
export const isApp = ({ platform }: HostInput): boolean => platform === "wireguard-app";

/** Its segments are made by Proxmox's SDN. */
export const hasSdn = ({ proxmox }: HostInput): boolean => proxmox === "sdn";

/** The address of a host on its LAN; a name is none, as a route leads to an address. */
export function lanAddress({ lanEndpoint }: HostInput): IpAddress | undefined {
  return lanEndpoint?.kind === "address" ? lanEndpoint.address : undefined;
}

/** It has no address on its LAN, and is told so: with an interface to the LAN, by the law that asks for both. */
export const lacksLanAddress = (host: HostInput): boolean =>
  lanAddress(host) === undefined && (host.lanInterface === undefined || host.lanEndpoint !== undefined);

/** The interface by which a host is on its LAN: one of its own for that, else its only one. */
export const lanInterfaceOf = ({ lanInterface, uplink }: HostInput): string | undefined => lanInterface ?? uplink;

/** The hosts by name; those with a mistake of their own are not there. */
export function hostsByName({ hosts }: Topology): ReadonlyMap<string, HostInput> {
  return new Map(hosts.map((host) => [host.name, host]));
}

/** The address of a host in a pool: the one pinned, else that of its id; `undefined`: the pool has none for it. */
export function poolAddress({ addresses, id }: HostInput, pool: IpPrefix): IpAddress | undefined {
  return addresses.find(({ value }) => containsAddress(pool, value))?.value ?? hostAddress(pool, id);
}
