/** Who gives guests their addresses is restarted, and forgets: they go on with the same ones. */
import { must } from "../../base/invariant.ts";
import type { Box } from "../machine/box.ts";
import { type Lab, type RunningHost, runningHost } from "../machine/running.ts";
import { answering, DHCP_COMMAND, leaseOf } from "../measure/dhcp.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { restartNetworkd } from "./restart.ts";

async function measure(box: Box, server: RunningHost): Promise<Outcome> {
  const before = (await leaseOf(box)).get("ip");
  await restartNetworkd(server);
  const after = (await leaseOf(box)).get("ip");
  if (before === undefined) return { isKept: false, measured: "no answer within 30 s" };
  const isKept = after === before;
  return { isKept, measured: isKept ? `${before} again` : `${after ?? "no answer"}, expected ${before} as before` };
}

/** A promise for the first guest of each subnet that is configured by DHCP. */
export function leasePromises(lab: Lab): readonly LabPromise[] {
  const firsts = new Map([...lab.plan.guests].reverse().map((guest) => [guest.subnet, guest]));
  return [...firsts.values()].reverse().flatMap((guest): readonly LabPromise[] => {
    const host = answering(lab.network, guest)?.host;
    if (host === undefined) return [];
    const box = must(lab.guests.get(guest.name), "every guest has a box");
    return [
      {
        kind: "life",
        subject: `${guest.name} by DHCP, restart of networkd on ${host}`,
        promise: "is given the same address again",
        command: execCommand(box, DHCP_COMMAND),
        measure: () => measure(box, runningHost(lab, host)),
      },
    ];
  });
}
