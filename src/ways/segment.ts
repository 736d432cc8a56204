/** Ways inside a subnet: frames, which nobody routes. Pure. */
import { grouped } from "../base/grouped.ts";
import type { IpAddress } from "../base/ip.ts";
import { totalBytes, VLAN_TAG_BYTES, vxlanOverhead } from "../base/mtu.ts";
import { once } from "../base/once.ts";
import type { Host } from "../model/host.ts";
import { roomBetween } from "./bgp-choice.ts";
import type { Walk, Way } from "./way.ts";
import type { Ways } from "./ways.ts";

/** Frames from one member of a segment to another; `undefined`: there is no such segment, or no way, between them. */
export function acrossSegment(ways: Ways, from: Host, to: string, subnet: string): Way | undefined {
  const { network } = ways;
  if (from.name === to) return [];
  const segment = network.segments.find(({ name }) => name === subnet);
  const device = from.vxlans.find((each) => each.segment === subnet);
  if (segment === undefined || device === undefined || !segment.members.includes(to)) return undefined;
  const carried = roomBetween(ways, from, to);
  if (carried === undefined) return undefined;
  // Where packets are cut up VXLAN is told of all segments that they fit: it refuses none itself.
  const told = from.vxlans.map(({ cut }) => cut?.packetBytes ?? carried);
  const room = Math.max(...told) - totalBytes(vxlanOverhead(segment.vtepFamily, false));
  const ceilingBytes = Math.max(device.mtu, Math.min(device.mtu + VLAN_TAG_BYTES, room));
  const leg = { host: from.name, via: device.name, bytes: device.mtu, ceilingBytes };
  return [{ ...leg, kind: "vxlan", to, route: undefined }];
}

/** Who has an address on a subnet. */
interface Place {
  readonly subnet: string;
  readonly host: string;
  readonly addresses: readonly { readonly address: IpAddress }[];
}

/** The hosts that have each address of each subnet, in order. */
function holders(places: readonly Place[]): ReadonlyMap<string, readonly string[]> {
  const held = places.flatMap(({ subnet, host, addresses }) =>
    addresses.map(({ address }) => ({ key: `${subnet} ${address}`, host })),
  );
  const groups = grouped(held, ({ key }) => key);
  return new Map([...groups].map(([key, group]) => [key, group.map(({ host }) => host)]));
}

const stationHolders = once(({ stations }: Ways) => holders(stations));
const bridgeHolders = once(({ network }: Ways) =>
  holders(network.hosts.flatMap(({ name, bridges }) => bridges.map((bridge) => ({ ...bridge, host: name })))),
);

/** The host of whoever has an address on a subnet, seen from one of them: its own stands before that of others. */
export function holderOf(ways: Ways, from: Host, subnet: string, address: IpAddress): string | undefined {
  const key = `${subnet} ${address}`;
  const [station] = stationHolders(ways).get(key) ?? [];
  if (station !== undefined) return station;
  const hosts = bridgeHolders(ways).get(key) ?? [];
  return hosts.includes(from.name) ? from.name : hosts[0];
}

/** From a host to an address on a subnet that it is on. */
export function onSubnet(ways: Ways, from: Host, subnet: string, address: IpAddress): Walk {
  const holder = holderOf(ways, from, subnet, address);
  const steps = holder === undefined ? undefined : acrossSegment(ways, from, holder, subnet);
  if (holder === undefined || steps === undefined) return { steps: [], end: { host: from.name, kind: "nobody" } };
  return { steps, end: { host: holder, kind: "arrived" } };
}
