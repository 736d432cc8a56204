/** The routes that a host has of BGP's, and those that it should have. */
import { containsPrefix, familyOf, hostPrefix, type IpAddress, type IpPrefix } from "../../base/ip.ts";
import type { Unicast } from "../../model/bgp.ts";
import type { Host } from "../../model/host.ts";
import { unicastOf } from "../../model/loopback.ts";
import { announcedTo } from "../../ways/bgp-choice.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Box } from "../machine/box.ts";
import type { Lab, RunningHost } from "../machine/running.ts";

/** A route as the kernel has it, or should. */
export interface KernelRoute {
  readonly dst: IpPrefix;
  readonly dev: string;
  readonly prefsrc: string;
}

/** A route in one line. */
export const routeText = ({ dst, dev, prefsrc }: KernelRoute): string => `${dst} by ${dev} from ${prefsrc}`;

/** The routes of BGP's that a host has, with their whole lengths. */
export async function bgpRoutes(box: Box): Promise<readonly KernelRoute[]> {
  type Printed = { readonly dst: string; readonly dev?: string; readonly prefsrc?: string };
  const lists = await Promise.all(
    ["-4", "-6"].map(async (family) => {
      const output = await box.run("ip", family, "-j", "route", "show", "proto", "bgp");
      return (output.trim() === "" ? [] : JSON.parse(output)) as readonly Printed[];
    }),
  );
  return lists.flat().map(({ dst, dev = "nothing", prefsrc = "any address" }) => {
    const prefix = dst.includes("/") ? (dst as IpPrefix) : hostPrefix(dst as unknown as IpAddress);
    return { dst: prefix, dev, prefsrc };
  });
}

/** What others announce to a host, by the way that is preferred, from the host's own address; and what its own peers say. */
export function expectedRoutes({ network, plan }: Lab, host: Host, { loopback }: Unicast): readonly KernelRoute[] {
  const sourceOf = (prefix: IpPrefix): string =>
    loopback.find(({ address }) => familyOf(address) === familyOf(prefix))?.address ?? "any address";
  const outsiders = plan.outsiders.filter(({ peer }) => peer.vrf === undefined);
  // Of what a peer may say more closely it says a part.
  const saidOf = (prefix: IpPrefix): readonly IpPrefix[] => {
    const outsider = outsiders.find(({ peer }) => peer.accepted.some((each) => each.prefix === prefix));
    return outsider?.taken.filter((said) => containsPrefix(prefix, said)) ?? [prefix];
  };
  const announced = announcedTo(waysOf(network), host).flatMap(({ prefix, link }) =>
    saidOf(prefix).map((dst) => ({ dst, dev: link.name })),
  );
  const said = outsiders
    .filter((outsider) => outsider.host === host.name)
    .flatMap(({ taken, seat, port }) => taken.map((dst) => ({ dst, dev: seat?.link ?? port })));
  return [...announced, ...said].map((each) => ({ ...each, prefsrc: sourceOf(each.dst) }));
}

/** What a host has of BGP's routes that is not expected, and the other way round. */
export async function routeDifferences(box: Box, expected: readonly string[]): Promise<readonly string[]> {
  const found = (await bgpRoutes(box)).map(routeText);
  return [
    ...expected.filter((route) => !found.includes(route)).map((route) => `missing: ${route}`),
    ...found.filter((route) => !expected.includes(route)).map((route) => `not expected: ${route}`),
  ];
}

/** Whether a host sends by the ways that are preferred; one that does not route by BGP has no other. */
export async function isByPreferredWays(lab: Lab, { host, box }: RunningHost): Promise<boolean> {
  const unicast = unicastOf(host);
  return (
    unicast === undefined ||
    (await routeDifferences(box, expectedRoutes(lab, host, unicast).map(routeText))).length === 0
  );
}
