/** Network → routers of somebody else's: one for each BGP peer of a host, with guests behind it. */
import { must } from "../../base/invariant.ts";
import {
  containsAddress,
  familyOf,
  hostAddress,
  hostPrefix,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  networkAddress,
  overlaps,
  prefixOf,
  subPrefix,
} from "../../base/ip.ts";
import type { AcceptedPrefix, Peer } from "../../model/bgp.ts";
import type { Host } from "../../model/host.ts";
import type { Network } from "../../model/network.ts";
import { peersOf } from "../../model/peer.ts";
import { ETHERNET_MTU } from "../../ways/subnet-routes.ts";
import { createTaker, type Take } from "./addresses.ts";
import { roomIn } from "./guests.ts";
import type { LabGuest, LabOutsider, LabPlan } from "./plan.ts";

/** For measurements between networks, and in use by nobody else (RFC 2544 §C.2.2 and RFC 5180 §8). */
const STRANGE = {
  4: { whole: "198.19.0.0/16", lengthBits: 24 },
  6: { whole: "2001:2::/48", lengthBits: 64 },
} as const;
/** What no topology accepts. */
const DEFAULT = { 4: "0.0.0.0/0", 6: "::/0" } as unknown as Readonly<Record<IpFamily, IpPrefix>>;
/** The other half of the first. */
const ROUTER_IDS = "198.18.0.0/16" as unknown as IpPrefix;

/** What a link between two routers customarily has. */
const LINK_BITS: Readonly<Record<IpFamily, number>> = { 4: 24, 6: 64 };

/** What is no part of the network; none where it has all of that. */
function strangeAt({ prefixes }: Network, family: IpFamily, index: number): readonly IpPrefix[] {
  const { whole, lengthBits } = STRANGE[family];
  const found = subPrefix(whole as unknown as IpPrefix, lengthBits, index);
  return found === undefined || prefixes.some(({ prefix }) => overlaps(prefix, found)) ? [] : [found];
}

interface Placed {
  readonly host: Host;
  readonly peer: Peer;
  readonly index: number;
  /** The number of the cable. */
  readonly port: number;
}

const placedOf = ({ hosts }: Network): readonly Placed[] =>
  hosts
    .flatMap((host) => peersOf(host).map((peer, port) => ({ host, peer, port })))
    .map((each, index) => ({ ...each, index }));

/** The place of a guest on the host whose subnet the peer is on. */
const seatOf = ({ host, peer }: Placed, guests: readonly LabGuest[]): LabGuest | undefined =>
  guests.find(
    (guest) =>
      guest.host === host.name &&
      guest.vrf === peer.vrf &&
      guest.addresses.some(({ address, lengthBits }) => containsAddress(prefixOf(address, lengthBits), peer.address)),
  );

const sameFamily =
  (address: IpAddress) =>
  (other: IpAddress): boolean =>
    familyOf(other) === familyOf(address);

function outsiderAt(placed: Placed, guests: readonly LabGuest[], take: Take): Omit<LabOutsider, "taken" | "refused"> {
  const { host, peer, index, port } = placed;
  const { address } = peer;
  const seat = seatOf(placed, guests);
  const [onLink] = take(prefixOf(address, LINK_BITS[familyOf(address)]));
  const own = seat?.gateways.find(sameFamily(address)) ?? onLink?.address;
  const asn = host.bgp.kind === "none" ? undefined : host.bgp.asn;
  return {
    name: `${address}@${host.name}`,
    host: host.name,
    peer,
    routerId: must(hostAddress(ROUTER_IDS, index + 1), "a lab has fewer peers than that"),
    neighbour: { address: must(own, "a link has room for two"), asn: must(asn, "who has peers speaks BGP") },
    port: `peer${port}`,
    seat: seat && {
      ...seat,
      addresses: seat.addresses
        .filter((each) => sameFamily(address)(each.address))
        .map((each) => ({ ...each, address })),
    },
  };
}

/** One behind an outsider, on a network of that one's own. */
function guestBehind(
  outsider: Omit<LabOutsider, "taken" | "refused">,
  { subnet, room }: { readonly subnet: IpPrefix; readonly room: IpPrefix },
  take: Take,
): LabGuest {
  const { host, peer, name, seat } = outsider;
  const gateway = hostAddress(room, 1) ?? networkAddress(room);
  return {
    name: `${subnet}@${name}`,
    host,
    subnet,
    vrf: peer.vrf,
    addresses: take(room).filter(({ address }) => address !== gateway),
    gateways: [gateway],
    // As a guest it has a default route by its host.
    told: seat === undefined ? peer.announced : undefined,
    port: "",
    bridge: "",
    link: "",
    vlan: undefined,
    isPluggedByHost: false,
    behind: name,
    mtu: ETHERNET_MTU,
  };
}

/** What a peer says of something that it may say: of what it may say in part, those who are there. */
function saidOf({ prefix, hasMoreSpecifics }: AcceptedPrefix, guests: readonly LabGuest[]): readonly IpPrefix[] {
  const own = guests.filter(({ subnet }) => subnet === prefix).flatMap(({ addresses }) => addresses);
  return hasMoreSpecifics && own.length > 0 ? own.map(({ address }) => hostPrefix(address)) : [prefix];
}

/** An outsider for each peer, and a guest behind it in each prefix that it says: what is accepted, and what is not. */
export function planOutsiders(network: Network, guests: readonly LabGuest[]): Pick<LabPlan, "outsiders" | "guests"> {
  const placed = placedOf(network);
  const taken = guests.flatMap(({ addresses, gateways }) => [...addresses.map(({ address }) => address), ...gateways]);
  const take = createTaker(new Set([...taken, ...placed.map(({ peer }) => peer.address)]));
  const said = new Set<string>();
  const all = placed.map((each) => {
    const { peer, index } = each;
    const outsider = outsiderAt(each, guests, take);
    const fresh = peer.accepted.filter(({ prefix }) => !said.has(`${prefix} ${peer.vrf}`));
    for (const { prefix } of fresh) said.add(`${prefix} ${peer.vrf}`);
    const family = familyOf(peer.address);
    const strange = strangeAt(network, family, index);
    const rooms = [
      ...fresh.flatMap(({ prefix: subnet }) => roomIn(network, subnet, peer.vrf).map((room) => ({ subnet, room }))),
      ...strange.map((room) => ({ subnet: room, room })),
    ];
    const behind = rooms
      .map((place) => guestBehind(outsider, place, take))
      // In a prefix of one address is nobody but the router.
      .filter(({ addresses }) => addresses.length > 0)
      .map((guest, number) => ({ ...guest, port: `lan${number}` }));
    return {
      outsider: {
        ...outsider,
        taken: fresh.flatMap((accepted) => saidOf(accepted, behind)),
        // What it is told of it would have from itself instead.
        refused: [...strange, DEFAULT[family]].filter((prefix) => !peer.announced.includes(prefix)),
      },
      guests: behind,
    };
  });
  return { outsiders: all.map(({ outsider }) => outsider), guests: all.flatMap((each) => each.guests) };
}
