/** Ways into the subnets that a host is on. Pure. */
import { type IpPrefix, prefixOf } from "../base/ip.ts";
import type { Bridge } from "../model/device.ts";
import type { Host, OwnedPrefix } from "../model/host.ts";
import { takenFrom } from "../model/peer.ts";
import { exactLeg, type Leg } from "./way.ts";

/** A host's own table, or that of its part of a VRF. */
export type Vrf = string | undefined;

export const bridgesOf = ({ bridges }: Host, vrf: Vrf): readonly Bridge[] =>
  bridges.filter((bridge) => bridge.vrf === vrf);

/** A route into a subnet, and what of it limits a packet. */
export interface SubnetRoute {
  readonly kind: "subnet";
  readonly prefix: IpPrefix;
  readonly subnet: string;
  readonly leg: Leg;
}

/** What a bridge has where nobody says otherwise, in bytes. */
export const ETHERNET_MTU = 1500;

/** Not behind this host: on its LAN, or behind another one there. */
export const isOfSite = ({ use }: OwnedPrefix): boolean => use.kind === "lan" || use.kind === "lan-route";

/** The subnet that a prefix is of, or is the whole of. */
export const subnetOf = ({ prefix, use }: Pick<OwnedPrefix, "prefix" | "use">): string =>
  use.kind === "subnet" ? use.subnet : prefix;

function bridgeLeg(host: Host, bridge: Bridge): Leg {
  // Where nobody sets it, the smallest of its ports has it.
  const least = host.vxlans.find(({ segment }) => segment === bridge.subnet)?.mtu ?? ETHERNET_MTU;
  return exactLeg(host, bridge.link, bridge.mtu ?? least);
}

/** What lies behind a host, by the table that is asked. */
function prefixesBehind(host: Host, vrf: Vrf): readonly { readonly prefix: IpPrefix; readonly subnet: string }[] {
  if (vrf === undefined) {
    return host.ownedPrefixes
      .filter((each) => !isOfSite(each))
      .map((each) => ({ prefix: each.prefix, subnet: subnetOf(each) }));
  }
  const instance = host.vrfs.find(({ name }) => name === vrf);
  const behind = instance === undefined ? [] : [...instance.behind, ...takenFrom(instance.peers)];
  return behind.map((prefix) => ({ prefix, subnet: prefix }));
}

/** The routes of a host, or of its part of a VRF, into its own subnets. */
export function subnetRoutes(host: Host, vrf: Vrf): readonly SubnetRoute[] {
  const own = bridgesOf(host, vrf).flatMap((bridge) =>
    bridge.addresses.map((each): SubnetRoute => {
      const { subnet } = bridge;
      return { kind: "subnet", prefix: prefixOf(each.address, each.lengthBits), subnet, leg: bridgeLeg(host, bridge) };
    }),
  );
  const known = new Set(own.map(({ prefix }) => prefix));
  const foreign = prefixesBehind(host, vrf).filter(({ prefix }) => !known.has(prefix));
  return [
    ...own,
    ...foreign.map(
      ({ prefix, subnet }): SubnetRoute => ({
        kind: "subnet",
        prefix,
        subnet,
        leg: exactLeg(host, subnet, ETHERNET_MTU),
      }),
    ),
  ];
}
