/** Guests ask by DHCP, with a client of their own. */
import type { DhcpServer } from "../../model/device.ts";
import type { Network } from "../../model/network.ts";
import { type Box, writeInto } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import type { LabGuest } from "../plan/plan.ts";

/** Who answers, and on which host. */
export interface Answering {
  readonly host: string;
  readonly server: DhcpServer;
}

/** Who answers on the subnet of a guest: its own host, or another of the segment; `undefined`: nobody. */
export function answering({ hosts }: Network, { host, subnet }: LabGuest): Answering | undefined {
  const all = hosts.flatMap(({ name, bridges }): readonly Answering[] => {
    const server = bridges.find((bridge) => bridge.subnet === subnet)?.dhcp;
    return server === undefined ? [] : [{ host: name, server }];
  });
  return all.find((each) => each.host === host) ?? all[0];
}

const LEASE = "/run/dhcp-lease";
// What udhcpc hands to its script when it has a lease; nothing is set, the guest keeps the address that the lab gave it.
const SCRIPT = `#!/bin/sh
[ "$1" != bound ] || printf '%s\\n' "ip=$ip" "mask=$mask" "router=$router" "mtu=$mtu" "dns=$dns" > ${LEASE}
`;
/** As it is typed in the guest's box. */
export const DHCP_COMMAND = "busybox udhcpc -f -q -n -i eth0 -O mtu -O dns -s /run/dhcp-script";

/** What a guest is told, by the names of udhcpc; nothing when nobody answers. */
export async function leaseOf(box: Box): Promise<ReadonlyMap<string, string>> {
  writeInto(box, "/run/dhcp-script", SCRIPT, 0o755);
  if (!(await eventually(async () => (await box.attempt("sh", "-c", DHCP_COMMAND)).status === 0, 30))) return new Map();
  const lines = (await box.run("cat", LEASE)).trim().split("\n");
  return new Map(lines.map((line) => line.split("=") as [string, string]));
}
