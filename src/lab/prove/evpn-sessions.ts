/** BGP sessions as they should be, and BFD that watches those of direct neighbours. */
import type { Speaker } from "../../model/bgp.ts";
import { createNeighboursOf } from "../../model/relays.ts";
import type { Box } from "../machine/box.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { sessions } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise } from "../measure/promise.ts";
import { untilNone } from "../measure/until-none.ts";

function sessionPromise(box: Box, speaker: Speaker, near: ReadonlySet<string>): LabPromise {
  const { neighbours } = speaker;
  // Where BGP routes, its sessions over the tunnels are the watched ones.
  const isWatched = speaker.bfd.kind === "on" && speaker.kind === "evpn";
  const names = neighbours.map(({ host }) => host).join(", ");
  const unwatched = neighbours.filter(({ host }) => !near.has(host)).map(({ host }) => host);
  const but = unwatched.length === 0 ? "" : ` but for ${unwatched.join(", ")}, who is several tunnels away`;
  const watched = isWatched ? `, watched by BFD${but}` : "";
  const missing = async (): Promise<readonly string[]> => {
    const { states, watched: bfdStates } = await sessions(box, isWatched);
    return neighbours.flatMap(({ host, address }) => {
      const state = states.get(address) ?? "none";
      if (state !== "Established") return [`session with ${host} (${address}) is ${state}, expected Established`];
      const bfdState = bfdStates.get(address) ?? "none";
      return isWatched && near.has(host) && bfdState !== "up"
        ? [`BFD with ${host} (${address}) is ${bfdState}, expected up`]
        : [];
    });
  };
  return {
    kind: "evpn",
    subject: box.name,
    promise: `BGP sessions with ${names}${watched}`,
    command: execCommand(box, "vtysh", "-c", '"show bgp l2vpn evpn summary"'),
    measure: () => untilNone(missing, `${neighbours.length} established${isWatched ? ", BFD up" : ""}`),
  };
}

/** A promise for each host that has sessions. */
export function sessionPromises(lab: Lab): readonly LabPromise[] {
  const neighboursOf = createNeighboursOf(lab.network);
  return runningHosts(lab).flatMap(({ host, box }) => {
    const { bgp } = host;
    return bgp.kind !== "none" && bgp.neighbours.length > 0 ? [sessionPromise(box, bgp, neighboursOf(host))] : [];
  });
}
