/** VRFs: which hosts have an instance of one, what each instance is made of, and whose way out its guests take. */
import { grouped } from "../../base/grouped.ts";
import { must } from "../../base/invariant.ts";
import {
  addressBits,
  comparePrefixes,
  familyOf,
  hostAddress,
  hostPrefix,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  prefixOf,
} from "../../base/ip.ts";
import { vxlanOverheadBytes } from "../../base/mtu.ts";
import { sortedBy } from "../../base/text.ts";
import type { UdpPort } from "../../base/units.ts";
import type { Peer } from "../../model/bgp.ts";
import type { Flooding, InterfaceAddress } from "../../model/device.ts";
import type { VrfLines } from "../../model/extra.ts";
import type { SourceNat } from "../../model/host.ts";
import type { OverlayPrefix } from "../../model/network.ts";
import type { Leak, PreferredExit, Vrf, VrfExit, VrfInstance } from "../../model/vrf.ts";
import { hasSdn } from "../../topology/hosts.ts";
import type { Located, Topology, VrfInput } from "../../topology/topology.ts";
import { exitsFor, inStrictOrder, resolveExits } from "../hosts/exits.ts";
import type { ResolvedHost } from "../hosts/hosts.ts";
import { vtepAddress, vtepFamily, vxlanDevice } from "./devices.ts";
import { leaksBetween } from "./leaks.ts";
import { routerMac } from "./mac.ts";
import { type TargetsOn, writtenTargets } from "./route-targets.ts";
import { zoneBridge, zoneDevice } from "./sdn.ts";
import { type Below as Carriers, segmentMtu, vtepsOf } from "./segments.ts";
import type { ResolvedSubnet } from "./subnets.ts";

/** True for what no VRF is said of. */
export const isInDefaultVrf = ({ vrf }: { readonly vrf: Located<string> | undefined }): boolean => vrf === undefined;

/** What a VRF is resolved from. */
interface Below extends Carriers {
  readonly subnets: readonly ResolvedSubnet[];
  readonly prefixes: readonly OverlayPrefix[];
}

const isStrict = ({ exitOrder }: VrfInput): boolean => exitOrder === "strict";

/** The exits of a VRF, each with what tells its default from others', and by what it comes before them. */
function taggedExits(vrf: VrfInput, asn: number, hosts: Below["hosts"]): readonly VrfExit[] {
  const idOf = (host: string): number => must(hosts.get(host), "exits are hosts").input.id;
  const exits = resolveExits(vrf.exits, hosts);
  const backwards = isStrict(vrf) ? inStrictOrder(exits, hosts).toReversed() : [];
  const local = new Set(vrf.exits.filter((exit) => exit.hasLocalRouting).map(({ host }) => host.value));
  return exits.map((exit) => {
    const partBits = Math.max(0, backwards.indexOf(exit));
    const hasLocalRouting = local.has(exit.host);
    return { ...exit, tag: `${asn}:${vrf.vni}:${idOf(exit.host)}`, partBits, hasLocalRouting };
  });
}

/** The hosts with a part of a VRF of their own. */
function membersOf(vrf: string, { hosts, subnets }: Below, exits: readonly VrfExit[]): readonly string[] {
  const isOf = (each: { readonly vrf: Located<string> | undefined }): boolean => each.vrf?.value === vrf;
  const ofSubnets = new Set(subnets.filter(({ input }) => isOf(input)).flatMap((subnet) => subnet.members));
  const ofExits = new Set(exits.map((exit) => exit.host));
  return [...hosts.values()]
    .filter(({ input: { name, routes, peers } }) => {
      return ofSubnets.has(name) || ofExits.has(name) || routes.some(isOf) || peers.some(isOf);
    })
    .map((host) => host.input.name);
}

/** The VRFs, sorted by name. */
export function resolveVrfs(topology: Topology, below: Below): readonly Vrf[] {
  const { hosts } = below;
  const leaksOf = leaksBetween(topology.vrfs);
  const exitsOf = new Map(topology.vrfs.map((vrf) => [vrf.name, taggedExits(vrf, topology.bgp?.asn ?? 0, hosts)]));
  const ownOf = new Map([...exitsOf].map(([name, exits]) => [name, membersOf(name, below, exits)]));
  return sortedBy(topology.vrfs, (vrf) => vrf.name).map((vrf): Vrf => {
    const exits = must(exitsOf.get(vrf.name), "every VRF is there");
    const leaks = leaksOf.get(vrf.name) ?? [];
    // Who asks has the way looked up where it is, and so has who answers. A VRF with mistakes may be missing.
    const concerned = new Set([vrf.name, ...leaks].flatMap((name) => ownOf.get(name) ?? []));
    const members = [...hosts.keys()].filter((name) => concerned.has(name));
    const family = vtepFamily(vtepsOf(members, hosts));
    return {
      name: vrf.name,
      vni: vrf.vni,
      table: vrf.table ?? vrf.vni,
      routeTargets: writtenTargets(vrf),
      members,
      // What two hosts hear from others' speakers is one.
      prefixes: [...new Set(below.prefixes.filter((each) => each.vrf === vrf.name).map((each) => each.prefix))],
      exits,
      leaks,
      vtepFamily: family,
      mtu: segmentMtu({ members, pin: undefined }, vxlanOverheadBytes(family, false), below),
      origin: vrf.origin,
    };
  });
}

/** The VRFs of each host that is in one, by its name. */
export function vrfsByMember(vrfs: readonly Vrf[]): ReadonlyMap<string, readonly Vrf[]> {
  const memberships = vrfs.flatMap((vrf) => vrf.members.map((member) => ({ member, vrf })));
  const byMember = grouped(memberships, ({ member }) => member);
  return new Map([...byMember].map(([member, each]) => [member, each.map(({ vrf }) => vrf)]));
}

/** What every local preference is without a word, in FRR and by custom; a chosen exit's lies above. */
const PREFERENCE_BASE = 1000;

function otherExits({ input }: ResolvedHost, ordered: readonly VrfExit[]): readonly PreferredExit[] {
  const others = ordered.filter((exit) => exit.host !== input.name);
  return others.map(({ host: name, tag }, index) => {
    return { host: name, tag, preference: PREFERENCE_BASE + others.length - index };
  });
}

function familiesOf({ prefixes }: Vrf, exit: VrfExit | undefined, peers: readonly Peer[]): readonly IpFamily[] {
  const known = [...prefixes, ...peers.map(({ address }) => address)];
  const hasIpv6 = exit?.families.includes(6) || known.some((each) => familyOf(each) === 6);
  return hasIpv6 ? [4, 6] : [4];
}

/** RFC 6666: for what is to be discarded. Nobody has an address of it. */
const DISCARD_BLOCK: IpPrefix = prefixOf("100::" as IpAddress, 64);

/** What is this host's alone in any VRF: its VTEP address, which no VRF may hold, and its id among what is discarded. */
function anchorsOf({ input }: ResolvedHost, vtep: IpAddress): readonly IpPrefix[] {
  const discarded = must(hostAddress(DISCARD_BLOCK, input.id), "an id is smaller than the block");
  return [hostPrefix(vtep), hostPrefix(discarded)];
}

/** By what a host is reached in a VRF, if its exit is to be. */
function ownAddresses({ addresses }: ResolvedHost, exit: VrfExit | undefined, families: readonly IpFamily[]) {
  if (!exit?.hasLocalRouting) return [];
  return families.flatMap((family): readonly InterfaceAddress[] => {
    const own = addresses.filter(({ address }) => familyOf(address) === family).slice(0, 1);
    return own.map(({ address }) => ({ address, lengthBits: addressBits(family) }));
  });
}

/** The leaks of a VRF to others that a host has as well. */
const leaksOn = ({ leaks }: Vrf, all: readonly Vrf[]): readonly Leak[] =>
  all
    .filter(({ name }) => leaks.includes(name))
    .map(({ name, table, prefixes }): Leak => ({ vrf: name, table, prefixes }));

/**
 * The loose reverse path check (rp_filter 2) takes a source for forged that another VRF leads back to, if the interface has no
 * address at all: fib_validate_source of Linux, seen with 6.1. Guests cannot reach this one, and FRR tells nobody of it.
 */
const SOME_ADDRESS: InterfaceAddress = { address: "127.0.0.1" as IpAddress, lengthBits: 8 };

/** By a VRF's VXLAN device go routed packets alone, for which nobody asks. */
const ROUTED: Flooding = { kind: "evpn", suppressesNeighbors: false };

const NO_LINES: VrfLines = { vrf: [], bgp: [], ipv4: [], ipv6: [], evpn: [] };

/** The VRFs of one host. */
export function vrfInstances(
  host: ResolvedHost,
  {
    vrfsOf,
    hosts,
    vxlanPort,
    targetsOn,
  }: {
    readonly vrfsOf: ReadonlyMap<string, readonly Vrf[]>;
    readonly hosts: ReadonlyMap<string, ResolvedHost>;
    readonly vxlanPort: UdpPort;
    readonly targetsOn: TargetsOn;
  },
  allPeers: readonly Peer[],
): readonly VrfInstance[] {
  const { name, id, routes } = host.input;
  const vtep = vtepAddress(host);
  // Without an address there is an error already.
  if (vtep === undefined) return [];
  const place = { vlan: undefined, port: vxlanPort, cut: undefined };
  return (vrfsOf.get(name) ?? []).map((vrf, _, all): VrfInstance => {
    const [bridge, device] = hasSdn(host.input)
      ? [zoneBridge(vrf.name), zoneDevice(vrf.name)]
      : [`br${vrf.vni}`, `vx${vrf.vni}`];
    const behind = routes.filter((route) => route.vrf?.value === vrf.name).map((route) => route.value);
    const exit = vrf.exits.find((each) => each.host === name);
    const peers = allPeers.filter((peer) => peer.vrf === vrf.name);
    const families = familiesOf(vrf, exit, peers);
    const leaks = leaksOn(vrf, all);
    const hasStrictOrder = vrf.exits.some(({ partBits }) => partBits > 0);
    const ordered = exitsFor(host, vrf.exits, { isStrict: hasStrictOrder, hosts });
    return {
      name: vrf.name,
      vni: vrf.vni,
      table: vrf.table,
      routeTargets: targetsOn(vrf, host),
      bridge,
      bridgeAddresses: leaks.length > 0 ? [SOME_ADDRESS] : [],
      routerMac: routerMac(vrf.vni, id),
      vxlan: vxlanDevice(vrf, host, { ...place, name: device, bridge, floodingFrom: () => ROUTED }),
      prefixes: vrf.prefixes,
      families,
      behind: [...behind].sort(comparePrefixes),
      peers,
      anchors: families.length > 1 ? anchorsOf(host, vtep) : [],
      // FRR would take such a route for one that leads there, and announce the prefix.
      unreachable: vrf.prefixes.filter((prefix) => !behind.includes(prefix)),
      exit,
      ownAddresses: ownAddresses(host, exit, families),
      leaks,
      exitOrder: ordered.map((each) => each.host),
      otherExits: otherExits(host, ordered),
      extra: host.input.vrfLines.get(vrf.name) ?? NO_LINES,
      origin: vrf.origin,
    };
  });
}

/** Masquerading at the exits that ask for it, for all that may come from inside. */
export function exitSnat(vrfs: readonly VrfInstance[]): readonly SourceNat[] {
  return vrfs.flatMap(({ prefixes, exit }) => {
    if (!exit?.hasSnat) return [];
    const own = prefixes.filter((prefix) => exit.families.includes(familyOf(prefix)));
    return own.map((prefix) => ({ prefix, to: undefined, uplink: exit.interface }));
  });
}
