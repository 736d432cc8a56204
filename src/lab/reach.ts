/** Who can exchange packets with whom, and how large they may be: from the model and the guests alone. Pure. */
import { must } from "../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, type IpFamily, type IpPrefix, prefixOf } from "../base/ip.ts";
import { totalBytes, VLAN_TAG_BYTES, vxlanOverhead } from "../base/mtu.ts";
import type { InterfaceAddress, WireguardInterface } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import type { VrfExit } from "../model/vrf.ts";
import type { LabGuest } from "./plan.ts";
import { neighbourAt } from "./reach-lan.ts";
import { allowedRoutes, routesOf, routeTo } from "./reach-routes.ts";
import { bridgesOf, type Vrf } from "./reach-subnets.ts";
import { createNextHop, type NextHop, roomBetween } from "./unicast-ways.ts";

/** A stretch of a way: an interface that a packet has to leave by. */
export interface Leg {
  readonly host: string;
  readonly via: string;
  /** Bytes of IP packet that surely pass. */
  readonly bytes: number;
  /** No packet larger than this passes. A bridge lets pass the 4 bytes of a tag that is not there. */
  readonly ceilingBytes: number;
}

/** From one end to the other; no leg at all where nothing limits it. */
export type Way = readonly Leg[];

/** Both directions: an answer needs a way of its own. */
export interface RoundTrip {
  readonly there: Way;
  readonly back: Way;
}

export interface ReachIndex {
  readonly network: Network;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly guests: readonly LabGuest[];
  /** By {@link Network.peers}' id. */
  readonly peers: ReadonlyMap<string, { readonly host: string; readonly allowedIps: readonly IpPrefix[] }>;
  /** Where BGP routes. */
  readonly nextHop: NextHop;
}

/** What the questions below are answered from. */
export function indexReach(network: Network, guests: readonly LabGuest[]): ReachIndex {
  const hosts = new Map(network.hosts.map((host) => [host.name, host]));
  return {
    network,
    guests,
    hosts,
    nextHop: createNextHop(hosts),
    peers: new Map(network.peers.map((peer) => [peer.id, peer])),
  };
}

const ETHERNET_MTU = 1500;

const prefixOfInterface = ({ address, lengthBits }: InterfaceAddress): IpPrefix => prefixOf(address, lengthBits);
const hostNamed = ({ hosts }: ReachIndex, name: string): Host => must(hosts.get(name), `${name} is a host`);

/** The address of a guest in a family, if it has one. */
export function addressOf({ addresses }: LabGuest, family: IpFamily): IpAddress | undefined {
  return addresses.map(({ address }) => address).find((address) => familyOf(address) === family);
}

function isOwnAddress(host: Host, address: IpAddress, vrf: Vrf): boolean {
  const onLinks = [...(vrf === undefined ? host.interfaces : []), ...bridgesOf(host, vrf)];
  const own = [...onLinks.flatMap(({ addresses }) => addresses), ...(vrf === undefined ? poolAddresses(host) : [])];
  return own.some((each) => each.address === address);
}

// ── Inside a subnet ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Frames from one member of a segment to another. */
function acrossSegment(index: ReachIndex, from: Host, to: string, subnet: string): Way | undefined {
  const { network } = index;
  if (from.name === to) return [];
  const segment = network.segments.find(({ name }) => name === subnet);
  const device = from.vxlans.find((each) => each.segment === subnet);
  if (segment === undefined || device === undefined || !segment.members.includes(to)) return undefined;
  const room = (roomBetween(index, from, to) ?? ETHERNET_MTU) - totalBytes(vxlanOverhead(segment.vtepFamily, false));
  const ceilingBytes = Math.max(device.mtu, Math.min(device.mtu + VLAN_TAG_BYTES, room));
  return [{ host: from.name, via: device.name, bytes: device.mtu, ceilingBytes }];
}

/** Who has an address on a subnet, seen from a host of it: the host's own stands before that of others. */
function holderOf({ network, guests }: ReachIndex, from: Host, subnet: string, address: IpAddress): string | undefined {
  const guest = guests.find(
    (each) => each.subnet === subnet && each.addresses.some((other) => other.address === address),
  );
  if (guest !== undefined) return guest.host;
  const isHolder = ({ bridges }: Host): boolean =>
    bridges.some((bridge) => bridge.subnet === subnet && bridge.addresses.some((each) => each.address === address));
  return isHolder(from) ? from.name : network.hosts.find(isHolder)?.name;
}

function onSubnet(index: ReachIndex, from: Host, subnet: string, address: IpAddress): Way | undefined {
  const holder = holderOf(index, from, subnet, address);
  return holder === undefined ? undefined : acrossSegment(index, from, holder, subnet);
}

// ── Routed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** WireGuard takes a packet out of a tunnel only if its source is one that it would send into the same tunnel. */
function isTakenFrom(index: ReachIndex, host: Host, peer: string, source: IpAddress): boolean {
  const leadsThere = ({ peers }: WireguardInterface): boolean => peers.some((id) => index.peers.get(id)?.host === peer);
  const link = host.interfaces.find(leadsThere);
  const route = link && routeTo(allowedRoutes(index, host, link), source);
  return route?.kind === "tunnel" && route.peer === peer;
}

interface Packet {
  readonly source: IpAddress;
  readonly to: IpAddress;
  readonly vrf: Vrf;
}

/** From a host that has a packet to where it belongs; each host that passes it on has to forward. */
function fromHost(index: ReachIndex, host: Host, packet: Packet, passed: readonly string[] = []): Way | undefined {
  const { source, to, vrf } = packet;
  if (isOwnAddress(host, to, vrf)) return [];
  const route = routeTo(routesOf(index, host, vrf), to);
  if (route === undefined || passed.includes(host.name)) return undefined;
  const isForwarding = host.forwards[familyOf(to) === 4 ? "ipv4" : "ipv6"];
  if (!isOwnAddress(host, source, vrf) && !isForwarding) return undefined;
  const rest = ((): Way | undefined => {
    if (route.kind === "subnet") return onSubnet(index, host, route.subnet, to);
    if (route.kind === "lan") {
      const neighbour = neighbourAt(index.network, route.via);
      return neighbour && fromHost(index, neighbour, packet, [...passed, host.name]);
    }
    // In a lab of some hosts nobody may be there.
    const next = index.hosts.get(route.peer);
    if (next === undefined || (vrf === undefined && !isTakenFrom(index, next, host.name, source))) return undefined;
    return fromHost(index, next, packet, [...passed, host.name]);
  })();
  return rest && [route.leg, ...rest];
}

/** The host that a guest sends to what is not on its subnet. */
function gatewayHost(index: ReachIndex, guest: LabGuest, family: IpFamily): Host | undefined {
  const gateway = guest.gateways.find((each) => familyOf(each) === family);
  const own = hostNamed(index, guest.host);
  if (gateway === undefined) return undefined;
  const name = holderOf(index, own, guest.subnet, gateway);
  // What is behind a host has no bridge in the model: its gateway is the host that it is behind.
  return name === undefined ? own : hostNamed(index, name);
}

/** From a guest to an address; `undefined`: it does not get there. */
export function wayFromGuest(index: ReachIndex, guest: LabGuest, to: IpAddress): Way | undefined {
  const source = addressOf(guest, familyOf(to));
  if (source === undefined) return undefined;
  const own = hostNamed(index, guest.host);
  const isOnLink = guest.addresses.some((each) => containsAddress(prefixOfInterface(each), to));
  if (isOnLink) return onSubnet(index, own, guest.subnet, to);
  const gateway = gatewayHost(index, guest, familyOf(to));
  const before = gateway && acrossSegment(index, own, gateway.name, guest.subnet);
  const after = gateway && fromHost(index, gateway, { source, to, vrf: guest.vrf });
  return before && after && [...before, ...after];
}

/** Between two guests, by one family; `undefined`: no answer comes back. */
export function roundTrip(index: ReachIndex, a: LabGuest, b: LabGuest, family: IpFamily): RoundTrip | undefined {
  const [here, to] = [addressOf(a, family), addressOf(b, family)];
  if (here === undefined || to === undefined) return undefined;
  const [there, back] = [wayFromGuest(index, a, to), wayFromGuest(index, b, here)];
  return there && back && { there, back };
}

/** Whether a guest gets an answer from an address of a host's own; a guest of a VRF never does. */
export function reachesHost(index: ReachIndex, guest: LabGuest, host: Host, address: IpAddress): boolean {
  const here = addressOf(guest, familyOf(address));
  if (guest.vrf !== undefined || here === undefined || wayFromGuest(index, guest, address) === undefined) return false;
  return fromHost(index, host, { source: address, to: here, vrf: undefined }) !== undefined;
}

/** The hosts by which guests of a VRF leave, in the order in which the guest's gateway prefers them. */
export function exitsOf(index: ReachIndex, guest: LabGuest, family: IpFamily): readonly VrfExit[] {
  const gateway = addressOf(guest, family) && gatewayHost(index, guest, family);
  const instance = gateway?.vrfs.find(({ name }) => name === guest.vrf);
  const exits = index.network.vrfs.find(({ name }) => name === guest.vrf)?.exits ?? [];
  if (gateway === undefined || instance === undefined) return [];
  const order = [gateway.name, ...instance.otherExits.map(({ host }) => host)];
  const found = order.map((host) => exits.find((exit) => exit.host === host));
  return found.filter((exit) => exit !== undefined).filter(({ families }) => families.includes(family));
}

/** The host that lets a guest out into the internet under its own address; `undefined`: none does. */
export function exitOf(index: ReachIndex, guest: LabGuest, family: IpFamily): Host | undefined {
  if (guest.vrf !== undefined) {
    const [exit] = exitsOf(index, guest, family);
    return exit?.hasSnat ? hostNamed(index, exit.host) : undefined;
  }
  const source = addressOf(guest, family);
  const gateway = source && gatewayHost(index, guest, family);
  if (gateway === undefined || !gateway.forwards[family === 4 ? "ipv4" : "ipv6"]) return undefined;
  return gateway.snat.some(({ prefix }) => containsAddress(prefix, source as IpAddress)) ? gateway : undefined;
}
