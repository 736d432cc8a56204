/** By EVPN nobody gets into a VXLAN network that it is not in: of whoever passes nothing on, only its own is taken. */
import { derivedTarget } from "../../base/route-target.ts";
import type { Host } from "../../model/host.ts";
import { type Member, membersToldApart } from "../../model/members.ts";
import type { Network } from "../../model/network.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { announcedVteps, type Targeted } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";

/** A neighbour that says of one of its networks that it is another, in which it is not. */
export interface Infiltration {
  readonly hub: string;
  readonly thief: Member;
  readonly own: Targeted;
  readonly foreign: Targeted;
}

function infiltrationAt({ segments, vrfs }: Network, hub: Host): Infiltration | undefined {
  const found = membersToldApart(hub).flatMap((thief): readonly Infiltration[] => {
    const own = segments.find(({ members }) => members.includes(thief.host));
    const foreign = [...segments, ...vrfs].find(({ members }) => !members.includes(thief.host));
    return own === undefined || foreign === undefined ? [] : [{ hub: hub.name, thief, own, foreign }];
  });
  return found[0];
}

/** At each reflector, for all others believe it; where none is, at the first host that has such a neighbour. Pure. */
export function infiltrations(network: Network): readonly Infiltration[] {
  const reflectors = network.hosts.filter(({ bgp }) => bgp.kind !== "none" && bgp.isReflector);
  if (reflectors.length > 0) return reflectors.flatMap((hub) => infiltrationAt(network, hub) ?? []);
  return network.hosts.flatMap((hub) => infiltrationAt(network, hub) ?? []).slice(0, 1);
}

/** Has a host say that it is in another network, or no more. */
function pretend({ host, box }: RunningHost, { thief, own, foreign }: Infiltration, no: "" | "no "): Promise<string> {
  const { bgp } = host;
  const spoken = bgp.kind === "none" ? [] : bgp.vnis;
  // A block that was not there is not left there.
  const isToGo = no !== "" && !spoken.some(({ vni }) => vni === own.vni);
  const [target = derivedTarget(thief.asn, foreign.vni)] = foreign.routeTargets.exports;
  const words = [
    "configure terminal",
    `router bgp ${thief.asn}`,
    "address-family l2vpn evpn",
    `vni ${own.vni}`,
    `${no}route-target export ${target}`,
    ...(isToGo ? ["exit-vni", `no vni ${own.vni}`] : []),
  ];
  return box.run("vtysh", ...words.flatMap((word) => ["-c", word]));
}

async function measure(hub: RunningHost, spoke: RunningHost, infiltration: Infiltration): Promise<Outcome> {
  const { thief, own, foreign } = infiltration;
  const isToldOf = async (box: Box, network: Targeted) => (await announcedVteps(box, network)).includes(thief.address);
  let outcome: Outcome = { isKept: false, measured: `${thief.host} did not announce itself in ${foreign.vni}` };
  await pretend(spoke, infiltration, "");
  try {
    if (await eventually(() => isToldOf(spoke.box, foreign), 20)) {
      // What is refused leaves no trace: time for it to arrive.
      const isTaken = await eventually(() => isToldOf(hub.box, foreign), 3);
      const measured = isTaken ? `${thief.host} was taken into ${foreign.vni}, in which it is not` : "it was not";
      outcome = { isKept: !isTaken, measured };
    }
  } finally {
    await pretend(spoke, infiltration, "no ");
  }
  const isBack = await eventually(() => isToldOf(hub.box, own), 20);
  return isBack
    ? outcome
    : { isKept: false, measured: `${outcome.measured}; ${thief.host} is not in ${own.vni} either` };
}

/** One at a time: a network in which the thief is lacks it meanwhile. */
export const infiltrators: Prover = {
  kind: "guard",
  isAlone: true,
  promises: (lab: Lab) => {
    const running = new Map(runningHosts(lab).map((each) => [each.host.name, each]));
    return infiltrations(lab.network).flatMap((infiltration): readonly LabPromise[] => {
      const [hub, spoke] = [running.get(infiltration.hub), running.get(infiltration.thief.host)];
      if (hub === undefined || spoke === undefined) return [];
      return [
        {
          kind: "guard",
          subject: `${spoke.host.name} -> ${hub.host.name}`,
          promise: `is not taken into the VXLAN network ${infiltration.foreign.vni}`,
          command: execCommand(hub.box, "vtysh", "-c", '"show bgp l2vpn evpn route type multicast"'),
          measure: () => measure(hub, spoke, infiltration),
        },
      ];
    });
  },
};
