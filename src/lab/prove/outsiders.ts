/** Routers of somebody else's have their sessions, and nothing passes by them but what is listed. */
import { must } from "../../base/invariant.ts";
import { compareText } from "../../base/text.ts";
import type { Lab } from "../machine/running.ts";
import { inVrf, sessions, takenFrom } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise } from "../measure/promise.ts";
import { untilNone } from "../measure/until-none.ts";
import type { LabOutsider } from "../plan/plan.ts";

const listed = (prefixes: readonly string[]): string => [...prefixes].sort(compareText).join(", ") || "nothing";

/** What of a session is not as it is to be. */
async function wrongWith(lab: Lab, outsider: LabOutsider): Promise<readonly string[]> {
  const { host, name, neighbour, taken } = outsider;
  const { address, bfd, vrf, announced } = outsider.peer;
  const box = must(lab.hosts.get(host), "every host has a box");
  const { states, watched } = await sessions(box, bfd.kind === "on", vrf);
  const state = states.get(address) ?? "none";
  if (state !== "Established") return [`the session is ${state}, expected Established`];
  const watch = watched.get(address) ?? "none";
  const here = await takenFrom(box, address, vrf);
  const there = await takenFrom(must(lab.outsiders.get(name), "every outsider has a box"), neighbour.address);
  const surplus = there.filter((each) => !announced.some((prefix) => prefix === each));
  return [
    ...(bfd.kind === "none" || watch === "up" ? [] : [`BFD is ${watch}, expected up`]),
    ...(listed(here) === listed(taken) ? [] : [`${listed(here)} is taken, expected ${listed(taken)}`]),
    ...(surplus.length === 0 ? [] : [`it is told of ${listed(surplus)} as well`]),
  ];
}

/** A promise for each of them. */
export function outsiderPromises(lab: Lab): readonly LabPromise[] {
  return lab.plan.outsiders.map((outsider) => {
    const { host, name, taken, refused, peer } = outsider;
    const box = must(lab.hosts.get(host), "every host has a box");
    const told = listed(peer.announced);
    return {
      kind: "routing",
      subject: name,
      promise: `a session; taken is ${listed(taken)}, not ${listed(refused)}; told is no more than ${told}`,
      command: execCommand(box, "vtysh", "-c", `"show bgp ${inVrf(peer.vrf)}summary"`),
      measure: () => untilNone(() => wrongWith(lab, outsider), "it is up, and nothing else has passed"),
    };
  });
}
