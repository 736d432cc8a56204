/** Who can exchange packets with whom, and how large they may be: from the model and the stations alone. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpFamily, prefixOf } from "../base/ip.ts";
import { onceByKey } from "../base/once.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { neighbourBy } from "./lan-routes.ts";
import { isTakenFrom, localAddresses, type Route, routeTo } from "./routes.ts";
import { acrossSegment, holderOf, onSubnet } from "./segment.ts";
import { addressOf, isPassedOn, type Station } from "./station.ts";
import { bridgesOf, type Vrf } from "./subnet-routes.ts";
import { type End, type RoundTrip, type Step, type Walk, type Way, wayOf } from "./way.ts";
import type { Ways } from "./ways.ts";

const hostNamed = ({ hosts }: Ways, name: string): Host => must(hosts.get(name), `${name} is a host`);

const ownAddresses = onceByKey<Host, ReadonlySet<IpAddress>>();

function isOwnAddress(host: Host, address: IpAddress, vrf: Vrf): boolean {
  const own = ownAddresses(host, vrf ?? "", () => {
    const onLinks = [...(vrf === undefined ? host.interfaces : []), ...bridgesOf(host, vrf)];
    const besides = vrf === undefined ? poolAddresses(host) : localAddresses(host, vrf);
    return new Set([...onLinks.flatMap(({ addresses }) => addresses), ...besides].map((each) => each.address));
  });
  return own.has(address);
}

/** What decides where a packet goes. */
export interface Packet {
  readonly source: IpAddress;
  readonly to: IpAddress;
  readonly vrf: Vrf;
}

/** What a route's leg is to a packet, which goes on to a host. */
function stepOf(route: Exclude<Route, { kind: "vrf" }>, vrf: Vrf, to: string): Step {
  const kind = route.kind === "tunnel" && vrf !== undefined ? "vxlan" : route.kind;
  // Not by "...": millions of them are made.
  const { host, via, bytes, ceilingBytes } = route.leg;
  return { host, via, bytes, ceilingBytes, kind, to, route: route.prefix };
}

/** Whether a host sends nothing of this out of the overlay, though it has no better route. An app has its own. */
function isKept(host: Host, { to, vrf }: Packet): boolean {
  if (host.app !== undefined) return false;
  const held =
    vrf === undefined ? host.unreachable : host.vrfs.flatMap((each) => (each.name === vrf ? each.unreachable : []));
  return held.some((prefix) => containsAddress(prefix, to));
}

/** Who has it next that leaves by a route; `undefined`: nobody, as in a network of some hosts, or with a tunnel that is cut. */
function nextOf(ways: Ways, host: Host, route: Extract<Route, { kind: "lan" | "tunnel" }>, vrf: Vrf): Host | undefined {
  const next = route.kind === "lan" ? neighbourBy(ways.network, host, route) : ways.hosts.get(route.peer);
  if (next === undefined || (route.kind === "tunnel" && vrf !== undefined)) return next;
  return ways.isCut(host.name, next.name, route.kind) ? undefined : next;
}

/** From a host that has a packet, but for what it has `passed`; each that passes it on has to forward. */
export function walkFromHost(ways: Ways, host: Host, packet: Packet, passed: readonly string[] = []): Walk {
  const { source, to, vrf } = packet;
  const endHere = (kind: End["kind"], at = host): Walk => ({ steps: [], end: { host: at.name, kind } });
  if (isOwnAddress(host, to, vrf)) return endHere("arrived");
  const route = routeTo(ways, host, vrf, to);
  if (route === undefined) return endHere(isKept(host, packet) ? "no-route" : "outside");
  if (passed.includes(host.name)) return endHere("loop");
  const isForwarding = host.forwards[familyOf(to) === 4 ? "ipv4" : "ipv6"];
  if (!isOwnAddress(host, source, vrf) && !isForwarding) return endHere("not-forwarded");
  if (route.kind === "vrf") return walkFromHost(ways, host, { ...packet, vrf: route.vrf }, passed);
  if (route.kind === "subnet") {
    const { steps, end } = onSubnet(ways, host, route.subnet, to);
    return { steps: [stepOf(route, vrf, host.name), ...steps], end };
  }
  const next = nextOf(ways, host, route, vrf);
  if (next === undefined) return endHere("nobody");
  const isTaken = route.kind === "lan" || vrf !== undefined || isTakenFrom(ways, next, host.name, source);
  const { steps, end } = isTaken
    ? walkFromHost(ways, next, packet, [...passed, host.name])
    : endHere("not-taken", next);
  return { steps: [stepOf(route, vrf, next.name), ...steps], end };
}

/** The whole way from a host that has a packet to where it belongs; `undefined`: it does not get there. */
export const wayFromHost = (ways: Ways, host: Host, packet: Packet): Way | undefined =>
  wayOf(walkFromHost(ways, host, packet));

/** The host that a station sends to what is not on its subnet. */
export function gatewayHost(ways: Ways, station: Station, family: IpFamily): Host | undefined {
  const gateway = station.gateways.find((each) => familyOf(each) === family);
  const own = hostNamed(ways, station.host);
  if (gateway === undefined) return undefined;
  const name = holderOf(ways, own, station.subnet, gateway);
  // What is behind a host has no bridge in the model: its gateway is the host that it is behind.
  return name === undefined ? own : hostNamed(ways, name);
}

/** From a station, by its address of that family, to an address. */
export function walkFromStation(ways: Ways, station: Station, source: IpAddress, to: IpAddress): Walk {
  const own = hostNamed(ways, station.host);
  const isOnLink = station.addresses.some(({ address, lengthBits }) =>
    containsAddress(prefixOf(address, lengthBits), to),
  );
  if (isOnLink) {
    const { steps, end } = onSubnet(ways, own, station.subnet, to);
    // No router is asked: there is none that could answer.
    return { steps, end: { ...end, kind: end.kind === "nobody" ? "no-neighbour" : end.kind } };
  }
  const gateway = isPassedOn(station, to) ? gatewayHost(ways, station, familyOf(to)) : undefined;
  const before = gateway && acrossSegment(ways, own, gateway.name, station.subnet);
  if (gateway === undefined || before === undefined) {
    return { steps: [], end: { host: station.host, kind: "no-gateway" } };
  }
  const { steps, end } = walkFromHost(ways, gateway, { source, to, vrf: station.vrf });
  return { steps: [...before, ...steps], end };
}

/** From a station to an address; `undefined`: it does not get there. */
export function wayFromStation(ways: Ways, station: Station, to: IpAddress): Way | undefined {
  const source = addressOf(station, familyOf(to));
  return source && wayOf(walkFromStation(ways, station, source, to));
}

/** Between two stations, by one family; `undefined`: no answer comes back. */
export function roundTrip(ways: Ways, a: Station, b: Station, family: IpFamily): RoundTrip | undefined {
  const [here, to] = [addressOf(a, family), addressOf(b, family)];
  if (here === undefined || to === undefined) return undefined;
  const [there, back] = [wayFromStation(ways, a, to), wayFromStation(ways, b, here)];
  return there && back && { there, back };
}

/** Whether a station gets an answer from an address of a host's own; one of a VRF where the host is in it with that. */
export function reachesHost(ways: Ways, station: Station, host: Host, address: IpAddress): boolean {
  const here = addressOf(station, familyOf(address));
  const { vrf } = station;
  if (here === undefined || (vrf !== undefined && !isOwnAddress(host, address, vrf))) return false;
  if (wayFromStation(ways, station, address) === undefined) return false;
  return wayFromHost(ways, host, { source: address, to: here, vrf }) !== undefined;
}
