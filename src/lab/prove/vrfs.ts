/** Each host of a VRF knows what is behind the others, and by which MAC each of them routes. */
import { must } from "../../base/invariant.ts";
import { compareText } from "../../base/text.ts";
import type { Host } from "../../model/host.ts";
import type { Vrf, VrfInstance } from "../../model/vrf.ts";
import { connectedPrefixes } from "../../ways/routes.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { routerMacs, typeFive } from "../measure/evpn-tables.ts";
import { execCommand, type LabPromise, type Prover } from "../measure/promise.ts";
import { untilNone } from "../measure/until-none.ts";

const instanceOf = ({ vrfs }: Host, { name }: Vrf): VrfInstance =>
  must(
    vrfs.find((each) => each.name === name),
    "a member has an instance",
  );

/** What a host can only reach by the others, with those that it may lead to. */
function foreignPrefixes(host: Host, others: readonly Host[], { name }: Vrf): ReadonlyMap<string, readonly string[]> {
  const own = new Set<string>(connectedPrefixes(host, name));
  const found = new Map<string, readonly string[]>();
  for (const other of others) {
    for (const prefix of connectedPrefixes(other, name).filter((each) => !own.has(each))) {
      found.set(prefix, [...(found.get(prefix) ?? []), other.vtep ?? ""]);
    }
  }
  return found;
}

function routesPromise({ host, box }: RunningHost, others: readonly Host[], vrf: Vrf): LabPromise {
  const expected = foreignPrefixes(host, others, vrf);
  const prefixes = [...expected.keys()].sort(compareText);
  const missing = async (): Promise<readonly string[]> => {
    const routes = await typeFive(box, vrf.table);
    return prefixes.flatMap((prefix) => {
      const leadsTo = expected.get(prefix) ?? [];
      // Of several ways the kernel names none as the route's own.
      const found = routes.get(prefix);
      if (found === undefined) return [`no route to ${prefix}, expected one to ${leadsTo.join(" or ")}`];
      return found === "" || leadsTo.includes(found)
        ? []
        : [`${prefix} leads to ${found}, expected ${leadsTo.join(" or ")}`];
    });
  };
  return {
    kind: "evpn",
    subject: `VRF ${vrf.name} on ${host.name}`,
    promise: `type-5 routes to ${prefixes.join(", ")}`,
    command: execCommand(box, "ip", "route", "show", "vrf", vrf.name),
    measure: () => untilNone(missing, `${prefixes.length} lead to the hosts that they are behind`),
  };
}

function macsPromise({ host, box }: RunningHost, others: readonly Host[], vrf: Vrf): LabPromise {
  // Where no route leads to a host, FRR has no use for its MAC.
  const leading = new Set([...foreignPrefixes(host, others, vrf).values()].flat());
  const announcing = others.filter(({ vtep }) => vtep !== undefined && leading.has(vtep));
  const missing = async (): Promise<readonly string[]> => {
    const known = await routerMacs(box, vrf.vni);
    return announcing.flatMap((other) => {
      const { routerMac } = instanceOf(other, vrf);
      const found = known.get(other.vtep ?? "") ?? "nothing";
      return found === routerMac ? [] : [`${other.name} routes by ${found}, expected ${routerMac}`];
    });
  };
  return {
    kind: "evpn",
    subject: `VRF ${vrf.name} on ${host.name}`,
    promise: "the router MAC of each of these hosts",
    command: execCommand(box, "vtysh", "-c", `"show evpn rmac vni ${vrf.vni}"`),
    measure: () => untilNone(missing, `${announcing.length} known, all different`),
  };
}

function vrfPromises(lab: Lab, vrf: Vrf): readonly LabPromise[] {
  const running = runningHosts(lab).filter(({ host }) => vrf.members.includes(host.name));
  return running.flatMap((each) => {
    const others = running.filter((other) => other !== each).map(({ host }) => host);
    const isServed = foreignPrefixes(each.host, others, vrf).size > 0;
    return isServed ? [routesPromise(each, others, vrf), macsPromise(each, others, vrf)] : [];
  });
}

export const vrfs: Prover = {
  kind: "evpn",
  isAlone: false,
  promises: (lab) => lab.network.vrfs.flatMap((vrf) => vrfPromises(lab, vrf)),
};
