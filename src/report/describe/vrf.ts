/** A VRF explained. */
import { derivedTarget } from "../../base/route-target.ts";
import type { Vrf } from "../../model/vrf.ts";
import { type Description, fact, factOfAll, type Known, listed, unlessWritten } from "./description.ts";
import { some } from "./looks.ts";
import { exitLook, vrfLooks } from "./looks-overlay.ts";
import { vrfMtu } from "./numbers.ts";

export function describeVrf(known: Known, vrf: Vrf): Description {
  const { name, vni, table, origin, members, prefixes, exits, leaks, routeTargets } = vrf;
  const { bgp, segments } = known.network;
  const derived = bgp.kind === "none" ? [] : [derivedTarget(bgp.asn, vni)];
  const stretched = segments.filter((each) => each.vrf === name).map((each) => each.name);
  const hosts = members.flatMap((member) => known.hosts.get(member) ?? []);
  const [only] = exits;
  const isShared = leaks.length > 0;
  return {
    kind: "vrf",
    name,
    facts: [
      fact(
        "is",
        "a routing table of its own, on several hosts",
        `what is in it sees nothing else${isShared ? " but what it reaches, below" : ""}`,
      ),
      fact("table", table, unlessWritten(origin.table !== undefined, "the number of its VNI")),
      fact("VNI", vni, "of the VXLAN that carries routed packets between its hosts"),
      ...factOfAll(
        "route targets out",
        routeTargets.exports.length > 0 ? routeTargets.exports : derived,
        routeTargets.exports.length > 0 ? undefined : "AS number and VNI",
      ),
      ...factOfAll("route targets in", [...derived, ...routeTargets.imports]),
      ...factOfAll(
        "on",
        members,
        `those with a subnet, a route, a peer or an exit of it${isShared ? ", or of what it reaches" : ""}`,
      ),
      ...factOfAll("prefixes", prefixes),
      ...factOfAll("segments", stretched),
      ...vrfMtu(known, vrf),
      ...listed(
        "exit",
        exits.map(
          ({ host, interface: link, hasSnat }) =>
            [`${host} by ${link}`, hasSnat ? "behind its address" : undefined] as const,
        ),
      ),
      ...factOfAll("reaches", leaks, "and is reached by, as one imports the other"),
    ],
    dependents:
      exits.length === 1 && only !== undefined
        ? [{ who: "all in it", loses: `the internet when ${only.host} is gone: it is the only exit` }]
        : [],
    looks: some(hosts).flatMap((host) => [
      ...host.vrfs.filter((each) => each.name === name).flatMap((each) => vrfLooks(known, host, each)),
      ...host.vrfs
        .filter((each) => each.name === name && each.exit !== undefined)
        .map(() => exitLook(known, host, name)),
    ]),
  };
}
