/** Who can exchange packets with whom, and how large they may be: from the model and the stations alone. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpFamily, prefixOf } from "../base/ip.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { neighbourAt } from "./lan-routes.ts";
import { allowedRoutes, routesOf, routeTo } from "./routes.ts";
import { acrossSegment, holderOf, onSubnet } from "./segment.ts";
import { addressOf, isPassedOn, type Station } from "./station.ts";
import { bridgesOf, type Vrf } from "./subnet-routes.ts";
import type { RoundTrip, Way } from "./way.ts";
import type { Ways } from "./ways.ts";

const hostNamed = ({ hosts }: Ways, name: string): Host => must(hosts.get(name), `${name} is a host`);

function isOwnAddress(host: Host, address: IpAddress, vrf: Vrf): boolean {
  const onLinks = [...(vrf === undefined ? host.interfaces : []), ...bridgesOf(host, vrf)];
  const own = [...onLinks.flatMap(({ addresses }) => addresses), ...(vrf === undefined ? poolAddresses(host) : [])];
  return own.some((each) => each.address === address);
}

/** WireGuard takes a packet out of a tunnel only if its source is one that it would send into the same tunnel. */
function isTakenFrom(ways: Ways, host: Host, peer: string, source: IpAddress): boolean {
  const leadsThere = ({ peers }: WireguardInterface): boolean => peers.some((id) => ways.peers.get(id)?.host === peer);
  const link = host.interfaces.find(leadsThere);
  const route = link && routeTo(allowedRoutes(ways, host, link), source);
  return route?.kind === "tunnel" && route.peer === peer;
}

/** What decides where a packet goes. */
export interface Packet {
  readonly source: IpAddress;
  readonly to: IpAddress;
  readonly vrf: Vrf;
}

/** From a host that has a packet to where it belongs, but for what it has `passed`; each that passes it on has to forward. */
export function wayFromHost(ways: Ways, host: Host, packet: Packet, passed: readonly string[] = []): Way | undefined {
  const { source, to, vrf } = packet;
  if (isOwnAddress(host, to, vrf)) return [];
  const route = routeTo(routesOf(ways, host, vrf), to);
  if (route === undefined || passed.includes(host.name)) return undefined;
  const isForwarding = host.forwards[familyOf(to) === 4 ? "ipv4" : "ipv6"];
  if (!isOwnAddress(host, source, vrf) && !isForwarding) return undefined;
  if (route.kind === "vrf") return wayFromHost(ways, host, { ...packet, vrf: route.vrf }, passed);
  const rest = ((): Way | undefined => {
    if (route.kind === "subnet") return onSubnet(ways, host, route.subnet, to);
    if (route.kind === "lan") {
      const neighbour = neighbourAt(ways.network, route.via);
      return neighbour && wayFromHost(ways, neighbour, packet, [...passed, host.name]);
    }
    // In a network of some hosts nobody may be there.
    const next = ways.hosts.get(route.peer);
    if (next === undefined || (vrf === undefined && !isTakenFrom(ways, next, host.name, source))) return undefined;
    return wayFromHost(ways, next, packet, [...passed, host.name]);
  })();
  return rest && [route.leg, ...rest];
}

/** The host that a station sends to what is not on its subnet. */
export function gatewayHost(ways: Ways, station: Station, family: IpFamily): Host | undefined {
  const gateway = station.gateways.find((each) => familyOf(each) === family);
  const own = hostNamed(ways, station.host);
  if (gateway === undefined) return undefined;
  const name = holderOf(ways, own, station.subnet, gateway);
  // What is behind a host has no bridge in the model: its gateway is the host that it is behind.
  return name === undefined ? own : hostNamed(ways, name);
}

/** From a station to an address; `undefined`: it does not get there. */
export function wayFromStation(ways: Ways, station: Station, to: IpAddress): Way | undefined {
  const source = addressOf(station, familyOf(to));
  if (source === undefined) return undefined;
  const own = hostNamed(ways, station.host);
  const isOnLink = station.addresses.some(({ address, lengthBits }) =>
    containsAddress(prefixOf(address, lengthBits), to),
  );
  if (isOnLink) return onSubnet(ways, own, station.subnet, to);
  if (!isPassedOn(station, to)) return undefined;
  const gateway = gatewayHost(ways, station, familyOf(to));
  const before = gateway && acrossSegment(ways, own, gateway.name, station.subnet);
  const after = gateway && wayFromHost(ways, gateway, { source, to, vrf: station.vrf });
  return before && after && [...before, ...after];
}

/** Between two stations, by one family; `undefined`: no answer comes back. */
export function roundTrip(ways: Ways, a: Station, b: Station, family: IpFamily): RoundTrip | undefined {
  const [here, to] = [addressOf(a, family), addressOf(b, family)];
  if (here === undefined || to === undefined) return undefined;
  const [there, back] = [wayFromStation(ways, a, to), wayFromStation(ways, b, here)];
  return there && back && { there, back };
}

/** Whether a station gets an answer from an address of a host's own; one of a VRF never does. */
export function reachesHost(ways: Ways, station: Station, host: Host, address: IpAddress): boolean {
  const here = addressOf(station, familyOf(address));
  if (station.vrf !== undefined || here === undefined) return false;
  if (wayFromStation(ways, station, address) === undefined) return false;
  return wayFromHost(ways, host, { source: address, to: here, vrf: undefined }) !== undefined;
}
