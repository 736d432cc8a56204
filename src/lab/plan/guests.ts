/** Network → its guests: one on each host for each subnet that it has a part of. */
import { must } from "../../base/invariant.ts";
import {
  containsAddress,
  FAMILIES,
  familyOf,
  hostAddress,
  type IpAddress,
  type IpPrefix,
  isMoreSpecific,
  mergePrefixes,
  networkAddress,
  prefixesWithout,
  prefixLengthBits,
  prefixOf,
} from "../../base/ip.ts";
import type { VlanId } from "../../base/units.ts";
import type { Bridge, BridgeVlan, InterfaceAddress } from "../../model/device.ts";
import type { Host, OwnedPrefix } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { peersOf } from "../../model/peer.ts";
import type { Segment } from "../../model/segment.ts";
import { ETHERNET_MTU, isOfSite, subnetOf } from "../../ways/subnet-routes.ts";
import { createTaker, type Take, withLength } from "./addresses.ts";
import type { ForeignBridge, ForeignVlan, LabGuest, LabPlan } from "./plan.ts";

type Guests = Pick<LabPlan, "guests" | "foreignBridges">;

/** Guests of a segment that the topology gives no prefix: RFC 2544, of no use outside a bench. */
const NAMELESS = "198.18.0.0/24" as unknown as IpPrefix;
/** A place on a host where a guest of a subnet can be plugged in. */
interface Place {
  readonly host: Host;
  readonly subnet: string;
  readonly vrf: string | undefined;
  readonly bridge: string;
  readonly link: string;
  readonly vlan: VlanId | undefined;
  readonly prefixes: readonly IpPrefix[];
  readonly gateways: readonly IpAddress[];
  readonly mtu: number;
  /** An interface that the host's files enslave; "" where there is none. */
  readonly port: string;
}

function gatewaysOf({ gateway }: Segment, bridge: Bridge | undefined): readonly InterfaceAddress[] {
  if (bridge !== undefined && bridge.addresses.length > 0) return bridge.addresses;
  if (gateway.kind === "none") return [];
  return gateway.kind === "shared" ? gateway.addresses : (gateway.hosts[0]?.addresses ?? []);
}

const only = (addresses: readonly InterfaceAddress[]): readonly IpAddress[] => addresses.map(({ address }) => address);

function segmentPlace(host: Host, segment: Segment): Place {
  const device = must(
    host.vxlans.find(({ vni }) => vni === segment.vni),
    "a member has the segment's device",
  );
  const bridge = host.bridges.find(({ subnet }) => subnet === segment.name);
  return {
    host,
    subnet: segment.name,
    vrf: segment.vrf,
    bridge: device.bridge,
    link: bridge?.link ?? device.bridge,
    vlan: device.vlan,
    prefixes: segment.prefixes.length === 0 ? [NAMELESS] : segment.prefixes,
    gateways: only(gatewaysOf(segment, bridge)),
    mtu: device.mtu,
    port: bridge?.ports[0] ?? "",
  };
}

function bridgePlace(host: Host, bridge: Bridge): Place {
  const owned = host.ownedPrefixes.filter((each) => subnetOf(each) === bridge.subnet).map(({ prefix }) => prefix);
  const connected = bridge.addresses.map(({ address, lengthBits }) => prefixOf(address, lengthBits));
  return {
    host,
    subnet: bridge.subnet,
    vrf: bridge.vrf,
    bridge: bridge.name,
    link: bridge.link,
    vlan: bridge.vlan,
    prefixes: bridge.vrf === undefined ? owned : connected,
    gateways: only(bridge.addresses),
    mtu: bridge.mtu ?? ETHERNET_MTU,
    port: bridge.ports[0] ?? "",
  };
}

/**
 * Where in a prefix a guest can be: the largest part that no other prefix has. A guest takes all of its own prefix for near,
 * and would send to no gateway what is elsewhere.
 */
export function roomIn({ prefixes }: Network, whole: IpPrefix, vrf: string | undefined): readonly IpPrefix[] {
  const inside = prefixes.filter((each) => each.vrf === vrf && isMoreSpecific(each.prefix, whole));
  const left = prefixesWithout([whole], mergePrefixes(inside.map(({ prefix }) => prefix)));
  return [...left].sort((a, b) => prefixLengthBits(a) - prefixLengthBits(b)).slice(0, 1);
}

interface ForeignPlace extends Place {
  /** All that is behind the bridge, of which the guest's prefix may be a part. */
  readonly whole: IpPrefix;
}

/** Prefixes of a host that no bridge of its own holds: a container program's, or a network behind the host. */
function foreignPlaces(network: Network, host: Host): readonly ForeignPlace[] {
  const known = new Set([...host.bridges.map(({ subnet }) => subnet), ...host.vxlans.map(({ segment }) => segment)]);
  // What a peer says is behind that one.
  const isOthers = (each: OwnedPrefix): boolean => isOfSite(each) || each.use.kind === "peer";
  const owned = host.ownedPrefixes.filter((each) => !isOthers(each) && !known.has(subnetOf(each)));
  const ofVrfs = host.vrfs.flatMap(({ name: vrf, behind }) =>
    behind.map((prefix) => ({ prefix, subnet: prefix, vrf })),
  );
  const foreign = [
    ...owned.map((each) => ({ prefix: each.prefix, subnet: subnetOf(each), vrf: undefined })),
    ...ofVrfs,
  ];
  return foreign.flatMap(({ prefix: whole, subnet, vrf }, index) =>
    roomIn(network, whole, vrf).map((room) => ({
      host,
      subnet,
      vrf,
      bridge: `lab${index}`,
      link: `lab${index}`,
      vlan: undefined,
      whole,
      prefixes: [room],
      gateways: [hostAddress(room, 1) ?? networkAddress(room)],
      mtu: ETHERNET_MTU,
      port: "",
    })),
  );
}

/** Where one guest has room. */
interface Seat extends Place {
  /** Of those of one subnet on a host, counted from 1. */
  readonly number: number;
}

/** A guest has one address of a family, so of several prefixes of one there is a guest in each. */
function placesFor(place: Place): readonly Place[] {
  const families = FAMILIES.map((family) => place.prefixes.filter((prefix) => familyOf(prefix) === family));
  const count = Math.max(1, ...families.map(({ length }) => length));
  return Array.from({ length: count }, (_, index) => ({
    ...place,
    prefixes: families.flatMap((prefixes) => prefixes.slice(index, index + 1)),
    // The interface that the host enslaves is one guest's.
    port: index === 0 ? place.port : "",
  }));
}

function seatsOn(network: Network, host: Host): readonly Seat[] {
  const { segments } = network;
  const own = segments.filter(({ members }) => members.includes(host.name));
  const stretched = new Set(own.map(({ name }) => name));
  const places = [
    ...own.map((segment) => segmentPlace(host, segment)),
    ...host.bridges.filter(({ subnet }) => !stretched.has(subnet)).map((bridge) => bridgePlace(host, bridge)),
    ...foreignPlaces(network, host),
  ];
  // At the other end of a trunk of several subnets there is one guest, of the first of them.
  const ports = new Map(places.map(({ port, subnet }) => [port, subnet] as const).reverse());
  const alone = places.map((place) => (ports.get(place.port) === place.subnet ? place : { ...place, port: "" }));
  const all = alone.flatMap(placesFor);
  return all.map((place, index) => {
    const before = all.slice(0, index).filter(({ subnet }) => subnet === place.subnet);
    return { ...place, number: before.length + 1 };
  });
}

function guestAt({ host, subnet, bridge, link, port, number, ...place }: Seat, index: number, take: Take): LabGuest {
  return {
    name: `${subnet}${number === 1 ? "" : `+${number}`}@${host.name}`,
    host: host.name,
    subnet,
    vrf: place.vrf,
    vlan: place.vlan,
    port: port || `guest${index}`,
    bridge,
    link,
    isPluggedByHost: port !== "",
    behind: undefined,
    told: undefined,
    addresses: place.prefixes.flatMap(take),
    gateways: place.gateways.filter((gateway) => place.prefixes.some((prefix) => containsAddress(prefix, gateway))),
    mtu: place.mtu,
  };
}

/** Bridges that have to be there before the host's own programs start. */
function foreignBridgesOf(network: Network, host: Host): readonly ForeignBridge[] {
  const own = { host: host.name, routes: [], vrf: undefined, vlans: undefined };
  const foreignVlan = ({ id, link }: BridgeVlan): ForeignVlan => {
    const addresses = host.bridges.find((bridge) => bridge.link === link)?.addresses;
    return { id, link, addresses: addresses ?? [] };
  };
  const plain = host.bridges.filter(({ isExisting, vlan }) => isExisting && vlan === undefined);
  const withVlans = host.vlanBridges.filter(({ isExisting }) => isExisting);
  return [
    ...plain.map(({ name, addresses }) => ({ ...own, name, addresses })),
    ...withVlans.map(({ name, vlans }) => ({ ...own, name, addresses: [], vlans: vlans.map(foreignVlan) })),
    ...foreignPlaces(network, host).map(({ bridge, whole, prefixes, gateways, vrf }) => ({
      host: host.name,
      vrf,
      name: bridge,
      vlans: undefined,
      addresses: prefixes.flatMap((prefix) => gateways.map((gateway) => withLength(prefix, gateway))),
      routes: prefixes.includes(whole) ? [] : [whole],
    })),
  ];
}

/** Guests of every subnet on every host that has a part of it, and the bridges of others that they need. */
export function planGuests(network: Network): Guests {
  const { hosts, segments } = network;
  const seats = hosts.map((host) => seatsOn(network, host));
  const gateways = segments.flatMap(({ gateway }) => {
    if (gateway.kind === "none") return [];
    return gateway.kind === "shared" ? gateway.addresses : gateway.hosts.flatMap((each) => each.addresses);
  });
  const peers = hosts.flatMap(peersOf).map(({ address }) => address);
  const taken = new Set([...only(gateways), ...seats.flat().flatMap((seat) => seat.gateways), ...peers]);
  const take = createTaker(taken);
  return {
    guests: seats.flatMap((own) => own.map((seat, index) => guestAt(seat, index, take))),
    foreignBridges: hosts.flatMap((host) => foreignBridgesOf(network, host)),
  };
}
