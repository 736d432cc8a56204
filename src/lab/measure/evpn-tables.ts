/** What FRR and the kernel have in their tables about VTEPs and MACs. */
import { familyOf, type IpAddress } from "../../base/ip.ts";
import { isDerivedFrom, type RouteTarget } from "../../base/route-target.ts";
import type { VxlanDevice } from "../../model/device.ts";
import type { Segment } from "../../model/segment.ts";
import type { Vrf } from "../../model/vrf.ts";
import type { Box } from "../machine/box.ts";

const vtysh = async (box: Box, command: string): Promise<string> => box.run("vtysh", "-c", command);

async function vtyshJson<T>(box: Box, command: string): Promise<T> {
  return JSON.parse(await vtysh(box, `${command} json`)) as T;
}

/** A VRF in a command of vtysh's; its own table needs no word. */
export const inVrf = (vrf: string | undefined): string => (vrf === undefined ? "" : `vrf ${vrf} `);

/** A session: how often it has come up since FRR started, whether it is up, and whether it is shut by the configuration. */
export async function sessionOf(box: Box, neighbour: IpAddress, vrf?: string) {
  type Session = {
    readonly connectionsEstablished?: number;
    readonly bgpState?: string;
    readonly adminShutDown?: boolean;
  };
  const shown = await vtyshJson<Readonly<Record<string, Session>>>(box, `show bgp ${inVrf(vrf)}neighbors ${neighbour}`);
  const { connectionsEstablished: count = 0, bgpState, adminShutDown: isShut = false } = shown[neighbour] ?? {};
  return { count, isUp: bgpState === "Established", isShut };
}

/** The prefixes that a BGP neighbour has told, and that were taken. */
export async function takenFrom(box: Box, neighbour: IpAddress, vrf?: string): Promise<readonly string[]> {
  type Told = { readonly routes?: Readonly<Record<string, unknown>> };
  const family = `ipv${familyOf(neighbour)}`;
  const { routes = {} } = await vtyshJson<Told>(
    box,
    `show bgp ${inVrf(vrf)}${family} unicast neighbors ${neighbour} routes`,
  );
  return Object.keys(routes);
}

/** How many routes of EVPN each neighbour has told a host, by the neighbour's address. */
export async function receivedRoutes(box: Box): Promise<ReadonlyMap<string, number>> {
  type Summary = { readonly peers?: Readonly<Record<string, { readonly pfxRcd?: number }>> };
  const { peers = {} } = await vtyshJson<Summary>(box, "show bgp l2vpn evpn summary");
  return new Map(Object.entries(peers).map(([address, { pfxRcd = 0 }]) => [address, pfxRcd]));
}

/** States of BGP sessions, of the host's own table or of a VRF's, and of the BFD sessions that watch them, by the neighbour's address. */
export async function sessions(box: Box, hasBfd: boolean, vrf?: string) {
  type Family = { readonly peers?: Readonly<Record<string, { readonly state: string }>> };
  const families = await vtyshJson<Readonly<Record<string, Family>>>(box, `show bgp ${inVrf(vrf)}summary`);
  const peers = Object.assign(
    {},
    ...Object.values(families).map((family) => family.peers ?? {}),
  ) as Required<Family>["peers"];
  const bfd = hasBfd ? await vtyshJson<{ peer: string; status: string }[]>(box, "show bfd peers") : [];
  return {
    states: new Map(Object.entries(peers).map(([address, { state }]) => [address, state])),
    watched: new Map(bfd.map(({ peer, status }) => [peer, status])),
  };
}

/** What routes of EVPN belong to. */
export type Targeted = Segment | Vrf;

const isOf = ({ vni, routeTargets: { exports } }: Targeted, target: string): boolean =>
  exports.length === 0 ? isDerivedFrom(target as RouteTarget, vni) : exports.includes(target as RouteTarget);

/** VTEPs that have announced themselves for a VXLAN network (type 3), the host's own too, sorted. */
export async function announcedVteps(box: Box, network: Targeted): Promise<readonly string[]> {
  const text = await vtysh(box, "show bgp l2vpn evpn route type multicast");
  const routes = text.matchAll(/\[3\]:\[0\]:\[\d+\]:\[([^\]]+)\][\s\S]*?((?:RT:\S+ ?)+)/g);
  const isIn = (words = ""): boolean =>
    [...words.matchAll(/RT:(\S+)/g)].some(([, target = ""]) => isOf(network, target));
  const vteps = [...routes].filter(([, , words]) => isIn(words)).map(([, vtep = ""]) => vtep);
  return [...new Set(vteps)].sort();
}

/** All type-2 routes, as FRR writes their prefixes. */
export const macRoutes = (box: Box): Promise<string> => vtysh(box, "show bgp l2vpn evpn route type macip");

interface FdbEntry {
  readonly mac: string;
  readonly dst?: string;
}

async function remotes(box: Box, link: string, mac: string): Promise<readonly string[]> {
  const entries = JSON.parse(await box.run("bridge", "-j", "fdb", "show", "dev", link)) as readonly FdbEntry[];
  return entries.flatMap((entry) => (entry.mac === mac && entry.dst !== undefined ? [entry.dst] : [])).sort();
}

/** VTEPs to which a device sends what has no known destination, sorted. */
export const floodTargets = (box: Box, link: string): Promise<readonly string[]> =>
  remotes(box, link, "00:00:00:00:00:00");

/** VTEPs behind which a device has a MAC, sorted. */
export const knownBehind = remotes;

/** The MAC of an interface. */
export async function macAddressOf(box: Box, link: string): Promise<string> {
  return (await box.run("cat", `/sys/class/net/${link}/address`)).trim();
}

// ── VRFs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface KernelRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly via?: { readonly host: string };
  readonly protocol: string;
}

/** What FRR has put into a VRF's table: by prefix the host that it leads to. Routes to single guests are left out. */
export async function typeFive(box: Box, table: number): Promise<ReadonlyMap<string, string>> {
  const read = async (family: string): Promise<readonly KernelRoute[]> =>
    JSON.parse(await box.run("ip", family, "-j", "route", "show", "table", String(table), "proto", "bgp"));
  const routes = [...(await read("-4")), ...(await read("-6"))];
  return new Map(routes.map(({ dst, gateway, via }) => [dst, (gateway ?? via?.host ?? "").replace("::ffff:", "")]));
}

/** The router MACs of a VRF's other hosts, by their VTEP addresses. */
export async function routerMacs(box: Box, vni: number): Promise<ReadonlyMap<string, string>> {
  type Macs = Readonly<Record<string, { readonly routerMac?: string; readonly vtepIp?: string }>>;
  const macs = await vtyshJson<Macs>(box, `show evpn rmac vni ${vni}`);
  return new Map(Object.values(macs).flatMap((each) => (each.vtepIp ? [[each.vtepIp, each.routerMac ?? ""]] : [])));
}

// ── MACs that move ──────────────────────────────────────────────────────────────────────────────────────────────────

interface ZebraMac {
  readonly type: string;
  readonly localSequence?: number;
  readonly remoteSequence?: number;
  readonly isDuplicate?: boolean;
}

/**
 * RFC 7432 §15: whoever takes a MAC over counts its moves. Only the number of the side that has it counts: FRR prepares
 * the other when a host hears the addresses of a guest that is elsewhere, as a gateway does.
 */
async function countedMoves(box: Box, { vni }: VxlanDevice): Promise<readonly string[]> {
  type Table = { readonly macs?: Readonly<Record<string, ZebraMac>> };
  const { macs = {} } = await vtyshJson<Table>(box, `show evpn mac vni ${vni}`);
  return Object.entries(macs).flatMap(([mac, { type, localSequence, remoteSequence, isDuplicate = false }]) => {
    const moves = (type === "local" ? localSequence : remoteSequence) ?? 0;
    return moves > 0 || isDuplicate ? [`${mac} has moved ${moves} times${isDuplicate ? ", a duplicate" : ""}`] : [];
  });
}

/** A first entry in the bridge's table and in the device's, each of which may be told once more when it ages. */
const MAX_EVENTS = 4;

async function observedMoves(box: Box, { name, bridge }: VxlanDevice): Promise<readonly string[]> {
  const { output } = await box.attempt("timeout", "3", "bridge", "monitor", "fdb");
  const lines = output.split("\n").filter((line) => line.includes(`dev ${name} `) || line.includes(`master ${bridge}`));
  const macs = lines.map((line) => /^([0-9a-f:]{17}) /.exec(line)?.[1]).filter((mac) => mac !== undefined);
  const counts = new Map<string, number>();
  for (const mac of macs) counts.set(mac, (counts.get(mac) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > MAX_EVENTS)
    .map(([mac, count]) => `${mac} came by another way ${count} times in 3 s`);
}

/** MACs of a segment that do not stay where they are, each with what shows it. */
export function wandering(box: Box, device: VxlanDevice): Promise<readonly string[]> {
  return device.flooding.kind === "evpn" ? countedMoves(box, device) : observedMoves(box, device);
}
