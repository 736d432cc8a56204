/** Whom a packet passes, below VXLAN as well. Pure. */
import { must } from "../base/invariant.ts";
import { onceByKey } from "../base/once.ts";
import type { VxlanDevice } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { walkFromHost } from "./reach.ts";
import type { Step, Walk } from "./way.ts";
import type { Ways } from "./ways.ts";

/** The device by which a packet gets into VXLAN, of a segment or of a VRF. */
export const deviceOf = ({ vxlans, vrfs }: Host, via: string): VxlanDevice =>
  must(
    vxlans.find(({ name }) => name === via) ?? vrfs.find(({ bridge }) => bridge === via)?.vxlan,
    "frames leave by a VXLAN device",
  );

const below = onceByKey<Ways, Walk>();

/** How what has got into VXLAN goes on by the tunnels. */
export function walkBelow(ways: Ways, host: Host, { via, to }: Pick<Step, "via" | "to">): Walk {
  const vtep = must(ways.hosts.get(to)?.vtep, "frames go to a VTEP");
  return below(ways, `${host.name} ${via} ${to}`, () =>
    walkFromHost(ways, host, { source: deviceOf(host, via).local, to: vtep, vrf: undefined }),
  );
}

/** The hosts that a packet passes, both ends among them, one maybe twice; `undefined`: it does not arrive. */
export function passageOf(ways: Ways, { steps, end }: Walk): readonly string[] | undefined {
  if (end.kind !== "arrived") return undefined;
  const passed: string[] = [];
  for (const step of steps) {
    passed.push(step.host);
    if (step.kind !== "vxlan") continue;
    const tunnels = walkBelow(ways, must(ways.hosts.get(step.host), "a step is a host's"), step);
    if (tunnels.end.kind !== "arrived") return undefined;
    passed.push(...tunnels.steps.map(({ host }) => host));
  }
  return [...passed, end.host].filter((host, index, all) => host !== all[index - 1]);
}
