import { must } from "../../base/invariant.ts";
import { compareAddresses, hostPrefix, type IpAddress } from "../../base/ip.ts";
import { fragmentSizes, vxlanOverheadBytes } from "../../base/mtu.ts";
import type { WireguardInterface } from "../../model/device.ts";
import type { Segment, SegmentMtu } from "../../model/segment.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import type { Interfaces, Tunnels } from "../tunnels/tunnels.ts";
import { vtepAddress, vtepFamily } from "./devices.ts";
import { writtenTargets } from "./route-targets.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** What the MTU of a segment is made of. */
export interface Below {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly interfaces: Interfaces;
  readonly between: Tunnels["between"];
}

/** The addresses of some hosts; those whose address is missing have an error already. */
export function vtepsOf(members: readonly string[], hosts: Below["hosts"]): readonly IpAddress[] {
  const addresses = members.map((name) => vtepAddress(must(hosts.get(name), "members are hosts")));
  return addresses.filter((address) => address !== undefined);
}

/** VTEP addresses of every segment, by its name: shared by all its members, sorted for stable output. */
export function vtepsBySegment(
  segments: readonly Segment[],
  hosts: Below["hosts"],
): ReadonlyMap<string, readonly IpAddress[]> {
  // Sorted once: to compare two addresses is to read both, and many segments have the same members.
  const sorted = [...vtepsOf([...hosts.keys()], hosts)].sort(compareAddresses);
  return new Map(
    segments.map(({ name, members }) => {
      const own = new Set(vtepsOf(members, hosts));
      return [name, sorted.filter((address) => own.has(address))];
    }),
  );
}

/** What a member sends to the others, at the least, and to whom. */
interface End {
  readonly name: string;
  readonly peer: string;
  readonly mtu: number;
}

/**
 * `vteps`: the addresses of all members. What goes to one may go by a peer that is no member; where there are several peers,
 * each has the whole of what leads to it.
 */
function endOf(name: string, link: WireguardInterface, vteps: readonly IpAddress[]): End {
  const whole: End = { name, peer: link.limitingPeer ?? name, mtu: link.mtu };
  return link.smallerPeers
    .filter(({ prefixes }) => vteps.some((vtep) => prefixes.includes(hostPrefix(vtep))))
    .reduce((least, { host, mtu }) => (mtu < least.mtu ? { name, peer: host, mtu } : least), whole);
}

/**
 * A segment has one MTU: the smallest of what its members, and the hosts between them that pass frames on, send to a member.
 * An interface sends all peers the same, save those that routes hold to less.
 */
export function segmentMtu(
  { members, pin }: { readonly members: readonly string[]; readonly pin: number | undefined },
  overheadBytes: number,
  { hosts, interfaces, between }: Below,
): SegmentMtu {
  const vteps = vtepsOf(members, hosts);
  const ends = [...members, ...between(members)].flatMap((name) => {
    const links = must(interfaces.get(name), "every host has a list of interfaces");
    return links.map((link) => endOf(name, link, vteps));
  });
  const [first, ...rest] = ends;
  if (first === undefined) return { bytes: 1280, computed: 1280, pin, limitingPair: ["", ""] };
  const least = rest.reduce((smallest, end) => (end.mtu < smallest.mtu ? end : smallest), first);
  const computed = least.mtu - overheadBytes;
  return { bytes: pin ?? computed, computed, pin, limitingPair: [least.name, least.peer] };
}

/** A stretched subnet as a segment. */
export function resolveSegments(subnets: readonly ResolvedSubnet[], below: Below): readonly Segment[] {
  const segments = subnets.flatMap((subnet): Segment[] => {
    const { input, members, gateway } = subnet;
    if (input.vxlan === undefined) return [];
    const family = vtepFamily(vtepsOf(members, below.hosts));
    const overheadBytes = vxlanOverheadBytes(family, input.isTagged);
    const mtu = segmentMtu({ members, pin: input.mtu }, overheadBytes, below);
    return [
      {
        name: input.name,
        vni: input.vxlan.vni,
        prefixes: input.prefixes.map((each) => each.value),
        members,
        gateway,
        gatewayMac: input.gatewayMac,
        routeTargets: writtenTargets(input.vxlan),
        isIsolated: input.isIsolated,
        isTagged: input.isTagged,
        suppressesNeighbors: input.vxlan.suppressesNeighbors,
        vtepFamily: family,
        vrf: input.vrf?.value,
        mtu,
        fragments:
          input.isFragmented && input.mtu !== undefined
            ? fragmentSizes(mtu.bytes + overheadBytes, mtu.computed + overheadBytes)
            : undefined,
        origin: input.origin,
      },
    ];
  });
  return segments.sort((a, b) => a.vni - b.vni);
}
