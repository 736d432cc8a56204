/** By which hosts stations and hosts get out, into what the topology does not hold. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpFamily } from "../base/ip.ts";
import type { Exit } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { gatewayHost } from "./reach.ts";
import { addressOf, isLetOut, type Station } from "./station.ts";
import type { Ways } from "./ways.ts";

/** Those of some exits that carry a family, in the order of their hosts' names. */
function named(exits: readonly Exit[], hosts: readonly string[], family: IpFamily): readonly Exit[] {
  const found = hosts.map((host) => exits.find((exit) => exit.host === host));
  return found.filter((exit) => exit !== undefined).filter(({ families }) => families.includes(family));
}

/** Who does not get out: its router sends nothing of it there, or no answer finds back, as the network knows nothing of it. */
function isHeldBack({ network }: Ways, station: Station, source: IpAddress): boolean {
  const isKnown = network.prefixes.some(({ vrf, prefix }) => vrf === station.vrf && containsAddress(prefix, source));
  return !isKnown || !isLetOut(station, familyOf(source));
}

/** What leaves a host by exits, and by nothing else, if what has this address is among it. */
const egressFor = ({ egress }: Host, source: IpAddress) =>
  egress?.prefixes.some((prefix) => containsAddress(prefix, source)) ? egress : undefined;

/** The hosts by which stations leave, in the order in which the station's gateway prefers them; none: as the gateway does. */
export function exitsOf(ways: Ways, station: Station, family: IpFamily): readonly Exit[] {
  const source = addressOf(station, family);
  const gateway = source && gatewayHost(ways, station, family);
  if (source === undefined || gateway === undefined || isHeldBack(ways, station, source)) return [];
  const { vrfs, exits } = ways.network;
  const namesOf = (list: readonly { readonly host: string }[]): readonly string[] => list.map(({ host }) => host);
  if (station.vrf === undefined) return named(exits, namesOf(egressFor(gateway, source)?.exits ?? []), family);
  const instance = gateway.vrfs.find(({ name }) => name === station.vrf);
  if (instance === undefined) return [];
  const ofVrf = vrfs.filter(({ name }) => name === station.vrf).flatMap((vrf) => vrf.exits);
  return named(ofVrf, instance.exitOrder, family);
}

/** The hosts by which a host's own packets leave, in the order in which it prefers them; none: by its uplink. */
export function ownExitsOf({ exits }: Network, { egress, app }: Host, family: IpFamily): readonly Exit[] {
  if (app?.exit !== undefined) return named(exits, [app.exit.host], family);
  return egress?.own === undefined
    ? []
    : named(
        exits,
        egress.exits.map(({ host }) => host),
        family,
      );
}

/** The ways from a host to a remote, its own and its guests', in the order in which it prefers them. */
export function remoteExitsOf({ remotes }: Network, { egress }: Host, name: string, family: IpFamily): readonly Exit[] {
  const all = remotes.filter((each) => each.name === name).flatMap(({ exits }) => exits);
  const own = (egress?.remotes ?? []).filter((each) => each.name === name).flatMap(({ exits }) => exits);
  return named(
    all,
    own.map(({ host }) => host),
    family,
  );
}

/** The host that lets a station out into the internet under its own address; `undefined`: none does. */
export function exitOf(ways: Ways, station: Station, family: IpFamily): Host | undefined {
  const [exit] = exitsOf(ways, station, family);
  if (exit !== undefined) return exit.hasSnat ? must(ways.hosts.get(exit.host), `${exit.host} is a host`) : undefined;
  const source = addressOf(station, family);
  const gateway = source && gatewayHost(ways, station, family);
  if (source === undefined || gateway === undefined || isHeldBack(ways, station, source)) return undefined;
  if (!gateway.forwards[family === 4 ? "ipv4" : "ipv6"]) return undefined;
  if (station.vrf !== undefined || egressFor(gateway, source) !== undefined) return undefined;
  return gateway.snat.some(({ prefix, to }) => to === undefined && containsAddress(prefix, source))
    ? gateway
    : undefined;
}
