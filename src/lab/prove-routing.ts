/** Where BGP routes: every tunnel has its session, watched by BFD, and the kernel sends where the topology prefers. */
import { must } from "../base/invariant.ts";
import { familyOf, hostPrefix, type IpAddress, type IpPrefix } from "../base/ip.ts";
import type { Unicast } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import { announcedTo } from "../ways/bgp-choice.ts";
import { waysOf } from "../ways/ways.ts";
import type { Box } from "./box.ts";
import { sessions } from "./evpn-tables.ts";
import { execCommand, type Lab, type LabPromise, type Prover, type RunningHost, runningHosts } from "./promise.ts";
import { untilNone } from "./until-none.ts";

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

/** A route as the kernel has it, or should. */
interface KernelRoute {
  readonly dst: IpPrefix;
  readonly dev: string;
  readonly prefsrc: string;
}

const text = ({ dst, dev, prefsrc }: KernelRoute): string => `${dst} by ${dev} from ${prefsrc}`;

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

/** What others announce, by the way that is preferred, from the host's own address. */
function expectedRoutes({ network }: Lab, host: Host, { loopback }: Unicast): readonly KernelRoute[] {
  const sourceOf = (prefix: IpPrefix): string =>
    loopback.find(({ address }) => familyOf(address) === familyOf(prefix))?.address ?? "any address";
  const announced = announcedTo(waysOf(network), host);
  return announced.map(({ prefix, link }) => ({ dst: prefix, dev: link.name, prefsrc: sourceOf(prefix) }));
}

async function differences(box: Box, expected: readonly string[]): Promise<readonly string[]> {
  const found = (await bgpRoutes(box)).map(text);
  return [
    ...expected.filter((route) => !found.includes(route)).map((route) => `missing: ${route}`),
    ...found.filter((route) => !expected.includes(route)).map((route) => `not expected: ${route}`),
  ];
}

/** Whether a host sends by the ways that are preferred; one that does not route by BGP has no other. */
export async function isByPreferredWays(lab: Lab, { host, box }: RunningHost): Promise<boolean> {
  const unicast = unicastOf(host);
  return unicast === undefined || (await differences(box, expectedRoutes(lab, host, unicast).map(text))).length === 0;
}

function routesPromise(lab: Lab, host: Host, box: Box): LabPromise {
  const expected = expectedRoutes(lab, host, must(unicastOf(host), "the host routes by BGP")).map(text);
  const wrong = (): Promise<readonly string[]> => differences(box, expected);
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
  promises: (lab) =>
    runningHosts(lab).flatMap(({ host, box }) => {
      const unicast = unicastOf(host);
      return unicast === undefined ? [] : [sessionPromise(box, unicast), routesPromise(lab, host, box)];
    }),
};
