import { must } from "../base/invariant.ts";
import { compareAddresses, type IpAddress } from "../base/ip.ts";
import { vxlanOverheadBytes } from "../base/mtu.ts";
import type { Segment, SegmentMtu, WireguardInterface } from "../model/network.ts";
import { vtepAddress, vtepFamily } from "./devices.ts";
import type { ResolvedHost } from "./hosts.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** What the MTU of a segment is made of. */
interface Below {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly interfaces: ReadonlyMap<string, WireguardInterface>;
}

/** The addresses of some hosts; those whose address is missing have an error already. */
function vtepsOf(members: readonly string[], hosts: Below["hosts"]): readonly IpAddress[] {
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

/**
 * A segment has one MTU: that of its smallest member pair. A WireGuard interface has one too, so the pair's is that of the
 * member with the smaller interface.
 */
function segmentMtu(subnet: ResolvedSubnet, overheadBytes: number, { interfaces }: Below): SegmentMtu {
  const pin = subnet.input.mtu;
  const ends = subnet.members.map((name) => ({
    name,
    link: must(interfaces.get(name), "every host has an interface"),
  }));
  const [first, ...rest] = ends;
  if (first === undefined) return { bytes: 1280, computed: 1280, pin, limitingPair: ["", ""] };
  const least = rest.reduce((smallest, end) => (end.link.mtu < smallest.link.mtu ? end : smallest), first);
  const computed = least.link.mtu - overheadBytes;
  const bytes = pin ?? computed;
  return { bytes, computed, pin, limitingPair: [least.name, least.link.limitingPeer ?? least.name] };
}

/** A stretched subnet as a segment. */
export function resolveSegments(subnets: readonly ResolvedSubnet[], below: Below): readonly Segment[] {
  const segments = subnets.flatMap((subnet): Segment[] => {
    const { input, members, gateway } = subnet;
    if (input.vxlan === undefined) return [];
    const family = vtepFamily(vtepsOf(members, below.hosts));
    return [
      {
        name: input.name,
        vni: input.vxlan.vni,
        prefixes: input.prefixes.map((each) => each.value),
        members,
        gateway,
        isIsolated: input.isIsolated,
        isTagged: input.isTagged,
        vtepFamily: family,
        mtu: segmentMtu(subnet, vxlanOverheadBytes(family, input.isTagged), below),
        origin: input.origin,
      },
    ];
  });
  return segments.sort((a, b) => a.vni - b.vni);
}
