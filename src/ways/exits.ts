/** By which hosts stations get out, into what the topology does not hold. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, type IpFamily } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import type { VrfExit } from "../model/vrf.ts";
import { gatewayHost } from "./reach.ts";
import { addressOf, type Station } from "./station.ts";
import type { Ways } from "./ways.ts";

/** The hosts by which stations of a VRF leave, in the order in which the station's gateway prefers them. */
export function exitsOf(ways: Ways, station: Station, family: IpFamily): readonly VrfExit[] {
  const gateway = addressOf(station, family) && gatewayHost(ways, station, family);
  const instance = gateway?.vrfs.find(({ name }) => name === station.vrf);
  const exits = ways.network.vrfs.find(({ name }) => name === station.vrf)?.exits ?? [];
  if (gateway === undefined || instance === undefined) return [];
  const order = [gateway.name, ...instance.otherExits.map(({ host }) => host)];
  const found = order.map((host) => exits.find((exit) => exit.host === host));
  return found.filter((exit) => exit !== undefined).filter(({ families }) => families.includes(family));
}

/** The host that lets a station out into the internet under its own address; `undefined`: none does. */
export function exitOf(ways: Ways, station: Station, family: IpFamily): Host | undefined {
  if (station.vrf !== undefined) {
    const [exit] = exitsOf(ways, station, family);
    return exit?.hasSnat ? must(ways.hosts.get(exit.host), `${exit.host} is a host`) : undefined;
  }
  const source = addressOf(station, family);
  const gateway = source && gatewayHost(ways, station, family);
  if (source === undefined || gateway === undefined || !gateway.forwards[family === 4 ? "ipv4" : "ipv6"])
    return undefined;
  return gateway.snat.some(({ prefix }) => containsAddress(prefix, source)) ? gateway : undefined;
}
