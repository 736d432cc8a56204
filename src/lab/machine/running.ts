/** A lab that is up, and its hosts as they run. */
import { must } from "../../base/invariant.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import type { Box } from "./box.ts";
import type { Built } from "./build.ts";
import type { PlacedFile } from "./keys.ts";

/** A lab that is up. */
export interface Lab extends Built {
  readonly network: Network;
  /** What each host was given, by its name. */
  readonly files: ReadonlyMap<string, readonly PlacedFile[]>;
  /** The systemd units to enable, by host name. */
  readonly units: Readonly<Record<string, readonly string[]>>;
}

/** A host with all that belongs to it. */
export interface RunningHost {
  readonly host: Host;
  readonly box: Box;
  readonly files: readonly PlacedFile[];
  /** The systemd units that are to be enabled. */
  readonly units: readonly string[];
}

/** A lab runs no OVN: there is no Open vSwitch that its unit could tell anything. */
export const isOfOvn = (unit: string): boolean => /^netgen\d?-ovn\.service$/.test(unit);

/** The hosts of a lab, in the order of the model. */
export function runningHosts({ network, hosts, files, units }: Lab): readonly RunningHost[] {
  return network.hosts.map((host) => ({
    host,
    box: must(hosts.get(host.name), "every host has a box"),
    files: must(files.get(host.name), "every host has its files"),
    // A device of an app's has none.
    units: (units[host.name] ?? []).filter((unit) => !isOfOvn(unit)),
  }));
}

/** One of them, by its name. */
export function runningHost(lab: Lab, name: string): RunningHost {
  return must(
    runningHosts(lab).find(({ host }) => host.name === name),
    "it is a host of the lab",
  );
}
