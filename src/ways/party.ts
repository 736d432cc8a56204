/** Who is at one end of a flow, as a person names it: a guest, a host, an address, a prefix. Pure. */

import { must } from "../base/invariant.ts";
import {
  containsAddress,
  containsPrefix,
  FAMILIES,
  hostAddress,
  hostPrefix,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  networkAddress,
  parseAddress,
  parsePrefix,
  prefixOf,
} from "../base/ip.ts";
import type { InterfaceAddress } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import { walkFromHost, walkFromStation } from "./reach.ts";
import { addressOf, type Station } from "./station.ts";
import { bridgesOf } from "./subnet-routes.ts";
import type { Walk } from "./way.ts";
import type { Ways } from "./ways.ts";

/** A station, or a host itself. */
export interface Party {
  readonly name: string;
  readonly host: string;
  readonly addresses: Station["addresses"];
  /** `undefined`: it is the host. */
  readonly station: Station | undefined;
}

/** A host as one end of a flow, by its addresses of the pools or by others. */
export const hostParty = (host: Host, addresses = poolAddresses(host)): Party => ({
  name: host.name,
  host: host.name,
  addresses,
  station: undefined,
});

/** A station as one end of a flow. */
export const stationParty = (station: Station): Party => ({
  name: station.name,
  host: station.host,
  addresses: station.addresses,
  station,
});

/** Where a station's own prefix and one that is asked for have an address in common; `undefined`: they have none. */
function addressIn(own: InterfaceAddress, asked: IpPrefix): IpAddress | undefined {
  if (containsAddress(asked, own.address)) return own.address;
  const inside = containsPrefix(prefixOf(own.address, own.lengthBits), asked);
  return inside ? (hostAddress(asked, 1) ?? networkAddress(asked)) : undefined;
}

/** A station by the address that it can have in a prefix, which it has in the place of its own; none: it can have none there. */
function partyIn(station: Station, asked: IpPrefix): readonly Party[] {
  const addresses = station.addresses.map((own) => ({ ...own, address: addressIn(own, asked) ?? own.address }));
  const found = addresses.find(({ address }) => containsAddress(asked, address));
  return found === undefined ? [] : [{ ...stationParty({ ...station, addresses }), addresses: [found] }];
}

/** The hosts that have an address of their own in a prefix, but for those of VRFs, and those that only a tunnel's two ends know. */
function hostsIn({ network }: Ways, asked: IpPrefix): readonly Party[] {
  return network.hosts.flatMap((host) => {
    const own = [...poolAddresses(host), ...bridgesOf(host, undefined).flatMap(({ addresses }) => addresses)];
    const [found] = own.filter(({ address }) => containsAddress(asked, address));
    return found === undefined ? [] : [hostParty(host, [found])];
  });
}

/** The stations that can have an address in a prefix; those that have one already come first. */
function stationsIn({ stations }: Ways, asked: IpPrefix): readonly Party[] {
  const has = ({ addresses }: Station): boolean => addresses.some(({ address }) => containsAddress(asked, address));
  const others = stations.filter((station) => !has(station));
  return [...stations.filter(has), ...others].flatMap((station) => partyIn(station, asked));
}

/** All that a text can mean; a host after `@` leaves what is there. What it means first comes first. */
export function partiesNamed(ways: Ways, text: string): readonly Party[] {
  const { hosts, stations } = ways;
  const host = hosts.get(text);
  if (host !== undefined) return [hostParty(host)];
  const found = stations.filter(({ name, subnet }) => name === text || subnet === text);
  if (found.length > 0) return found.map(stationParty);
  const [, what = text, where] = /^(.*)@([^@]*)$/.exec(text) ?? [];
  const address = parseAddress(what);
  const asked = address === undefined ? parsePrefix(what)?.prefix : hostPrefix(address);
  if (asked === undefined) return [];
  const [own, guests] = [hostsIn(ways, asked), stationsIn(ways, asked)];
  // A subnet's prefix means its guests, not the gateway; an address means who has it.
  const all = address === undefined ? [...guests, ...own] : [...own, ...guests];
  return where === undefined ? all : all.filter((party) => party.host === where);
}

/** Two ends, and how they speak. */
export interface Flow {
  readonly from: Party;
  readonly to: Party;
  readonly family: IpFamily;
}

/** Of all that is meant by two texts, what has most in common: different hosts, one VRF, an IP version, of equals the first. */
export function flowBetween(
  from: readonly Party[],
  to: readonly Party[],
  families: readonly IpFamily[] = FAMILIES,
): Flow | undefined {
  const flows = from.flatMap((a) =>
    to
      .filter((b) => b.host !== a.host)
      .flatMap((b) => {
        const family = families.find((each) => addressOf(a, each) && addressOf(b, each));
        return family === undefined ? [] : [{ from: a, to: b, family }];
      }),
  );
  return flows.find((flow) => flow.from.station?.vrf === flow.to.station?.vrf) ?? flows[0];
}

/** As far as a packet of one party gets to an address. */
export function walkFromParty(ways: Ways, { host, station }: Party, source: IpAddress, to: IpAddress): Walk {
  if (station !== undefined) return walkFromStation(ways, station, source, to);
  const own = must(ways.hosts.get(host), "a party is on a host");
  return walkFromHost(ways, own, { source, to, vrf: undefined });
}
