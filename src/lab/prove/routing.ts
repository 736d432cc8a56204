/** Where BGP routes: every tunnel has its session, watched by BFD, and the kernel sends where the topology prefers. */
import { must } from "../../base/invariant.ts";
import type { Unicast } from "../../model/bgp.ts";
import type { Host } from "../../model/host.ts";
import { unicastOf } from "../../model/loopback.ts";
import type { Box } from "../machine/box.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { expectedRoutes, routeDifferences, routeText } from "../measure/bgp-routes.ts";
import { sessions } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise, type Prover } from "../measure/promise.ts";
import { untilNone } from "../measure/until-none.ts";
import { outsiderPromises } from "./outsiders.ts";

// ── Sessions ────────────────────────────────────────────────────────────────────────────────────────────────────────

function sessionPromise(box: Box, { neighbours }: Unicast): LabPromise {
  const names = [...new Set(neighbours.map(({ host, interface: link }) => `${host} by ${link}`))].join(", ");
  const missing = async (): Promise<readonly string[]> => {
    const { states, watched } = await sessions(box, true);
    return neighbours.flatMap(({ host, address }) => {
      const [state, bfd] = [states.get(address) ?? "none", watched.get(address) ?? "none"];
      if (state !== "Established") return [`session with ${host} (${address}) is ${state}, expected Established`];
      return bfd === "up" ? [] : [`BFD with ${host} (${address}) is ${bfd}, expected up`];
    });
  };
  return {
    kind: "routing",
    subject: box.name,
    promise: `BGP sessions with ${names}, watched by BFD`,
    command: execCommand(box, "vtysh", "-c", '"show bgp summary"'),
    measure: () => untilNone(missing, `${neighbours.length} established, BFD up`),
  };
}

// ── Routes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function routesPromise(lab: Lab, host: Host, box: Box): LabPromise {
  const expected = expectedRoutes(lab, host, must(unicastOf(host), "the host routes by BGP")).map(routeText);
  const wrong = (): Promise<readonly string[]> => routeDifferences(box, expected);
  return {
    kind: "routing",
    subject: box.name,
    promise: `${expected.length} routes by the preferred ways, and no other by BGP`,
    command: execCommand(box, "ip", "route", "show", "proto", "bgp"),
    measure: () =>
      untilNone(wrong, `exactly these: ${expected.slice(0, 4).join(", ")}${expected.length > 4 ? ", …" : ""}`),
  };
}

export const routing: Prover = {
  kind: "routing",
  isAlone: false,
  promises: (lab) => [
    ...runningHosts(lab).flatMap(({ host, box }) => {
      const unicast = unicastOf(host);
      return unicast === undefined ? [] : [sessionPromise(box, unicast), routesPromise(lab, host, box)];
    }),
    ...outsiderPromises(lab),
  ],
};
