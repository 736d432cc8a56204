/** Ways out of the overlay, to an address that is nobody's in it: by which exits, in which order, and how answers come back. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpFamily, type IpPrefix } from "../base/ip.ts";
import type { Exit } from "../model/exit.ts";
import type { Party } from "./party.ts";
import { addressOf } from "./station.ts";
import { ETHERNET_MTU } from "./subnet-routes.ts";
import { type FlowEnd, orEthernet, type Trace, traceOf } from "./trace.ts";
import { narrowest, type Walk } from "./way.ts";
import type { Ways } from "./ways.ts";
import { type Choice, waysOut } from "./ways-out.ts";

/** One way out, with the packet's way to it and that of an answer. */
export interface WayOut extends Pick<Exit, "host" | "hasSnat"> {
  /** By which it leaves there; `undefined`: by the host's default route, whatever that is. */
  readonly interface: string | undefined;
  readonly there: Trace;
  readonly back: Trace;
}

/** How a packet leaves, and what becomes of it where it cannot. */
export interface Leaving extends Pick<Choice, "isAsked" | "otherwise"> {
  readonly from: FlowEnd;
  readonly to: IpAddress;
  /** The remote that it is for; `undefined`: anything else. */
  readonly remote: string | undefined;
  readonly bytes: number;
  /** The preferred first, each taken while none before it is open. */
  readonly ways: readonly WayOut[];
}

/** Whether an address is outside: no prefix of the overlay has it, nor the LAN of a site. */
export function isOutside({ network }: Ways, to: IpAddress): boolean {
  const isIn = (prefix: IpPrefix): boolean => containsAddress(prefix, to);
  const isOverlay = network.prefixes.some(({ prefix, use }) => use.kind !== "remote" && isIn(prefix));
  return !isOverlay && !network.sites.some(({ lan }) => lan.some(isIn));
}

/** The remote that an address is in, for whoever is in no VRF. */
const remoteOf = ({ network }: Ways, { station }: Party, to: IpAddress): string | undefined =>
  station?.vrf === undefined
    ? network.remotes.find(({ prefixes }) => prefixes.some((prefix) => containsAddress(prefix, to)))?.name
    : undefined;

/**
 * Whether the program that makes the bridge of containers masquerades what leaves by their host's own uplink; Docker does so
 * with IPv6 from 27 on alone.
 */
function isMasqueraded({ hosts }: Ways, { host, station }: Party, family: IpFamily): boolean {
  const { containers } = must(hosts.get(host), "a party is on a host");
  return containers.some(
    ({ subnet, program, makesBridge }) =>
      subnet === station?.subnet && makesBridge && (family === 4 || program !== "docker"),
  );
}

/**
 * How a packet of a party leaves to an address outside; `bytes`: its size, `undefined`: the largest that gets out and is
 * answered. `undefined`: the party has no address of that family.
 */
export function traceLeaving(ways: Ways, party: Party, to: IpAddress, bytes: number | undefined): Leaving | undefined {
  const source = addressOf(party, familyOf(to));
  if (source === undefined) return undefined;
  const remote = remoteOf(ways, party, to);
  const asked = { party, source, to, remote };
  const leaving = { from: { name: party.name, host: party.host, address: source }, to, remote };
  const found = waysOut(ways, asked);
  if (found === undefined) {
    const end = { host: party.host, kind: "no-gateway" } as const;
    return { ...leaving, bytes: bytes ?? ETHERNET_MTU, ways: [], isAsked: false, otherwise: end };
  }
  const { walks, isByExit, isAsked, otherwise } = found;
  const isHidden = !isByExit && isMasqueraded(ways, party, familyOf(to));
  const least = walks.flatMap(({ steps, back }) => [narrowest(steps, "bytes"), narrowest(back.steps, "bytes")]);
  const size = bytes ?? orEthernet(Math.min(...least));
  const trace = (walk: Walk, isOwn: boolean): Trace => traceOf(ways, walk, { isOwn, source, bytes: size });
  return {
    ...leaving,
    bytes: size,
    ways: walks.map(({ exit, steps, back }) => ({
      host: exit.host,
      interface: exit.interface || undefined,
      hasSnat: exit.hasSnat || isHidden,
      there: trace({ steps, end: { host: exit.host, kind: "outside" } }, party.station === undefined),
      back: trace(back, false),
    })),
    isAsked,
    otherwise,
  };
}
