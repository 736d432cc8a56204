/**
 * A packet's way hop by hop and layer by layer: what each link takes, what is put around it there, and who says what where it
 * is too large. The packet may not be cut up on its way (DF, or IPv6), as those of TCP and `ping -M do` may not. Pure.
 */
import { must } from "../base/invariant.ts";
import { familyOf, type IpAddress, type IpFamily } from "../base/ip.ts";
import {
  fragmentSizes,
  type Overhead,
  tcpMss,
  totalBytes,
  VLAN_TAG_BYTES,
  vxlanOverhead,
  wireguardOverhead,
  wireguardPacketBytes,
} from "../base/mtu.ts";
import type { Host } from "../model/host.ts";
import { indexPaths, type Path, type PathIndex } from "../model/path.ts";
import { createMeeting, type Meeting, tunnelBetween } from "../model/tunnel.ts";
import { vrfLinks } from "../model/vrf-links.ts";
import { type Flow, type Party, walkFromParty } from "./party.ts";
import { deviceOf, passageOf, walkBelow } from "./passage.ts";
import { addressOf } from "./station.ts";
import { ETHERNET_MTU } from "./subnet-routes.ts";
import { type End, narrowest, type Step, type Walk } from "./way.ts";
import type { Ways } from "./ways.ts";

/** A link that a packet leaves a host by. Sizes are bytes of IP packet. */
export interface Hop extends Pick<Step, "host" | "via" | "kind" | "to" | "route"> {
  /** As it comes to the link; several where it is cut up on purpose. */
  readonly sizes: readonly number[];
  /** The largest that surely passes. */
  readonly limit: number;
  /** What is put around the first of them, innermost first. */
  readonly added: readonly Overhead[];
  /** As they leave: VXLAN's go on by the next hop, a tunnel's are on the wire. */
  readonly sent: readonly number[];
  /** What TCP is held to here, in bytes of segment; `undefined`: nothing is clamped. */
  readonly mss: number | undefined;
  /** What a tunnel goes through, and what a translation takes of that on the way; `undefined`: it is none. */
  readonly path: (Pick<Path, "mtu" | "rule"> & { readonly translation: Overhead | undefined }) | undefined;
}

/** Where a packet is too large. */
export interface Refusal {
  readonly host: string;
  readonly via: string;
  readonly limit: number;
  /**
   * `not-sent`: its own sender's kernel refuses it (EMSGSIZE). `answered`: the host says so by ICMP. `forged`: its VXLAN device
   * does, in the name of the receiver. `silent`: the bridge drops it, and nothing counts it.
   */
  readonly kind: "not-sent" | "answered" | "forged" | "silent";
}

/** What becomes of a packet. */
export interface Trace {
  readonly hops: readonly Hop[];
  readonly end: End | Refusal;
  /** The largest that surely arrives; `undefined`: none does. Infinite where nothing limits it. */
  readonly largest: number | undefined;
  /** What becomes of the smallest that is too large; `undefined`: nothing limits it. */
  readonly above: { readonly bytes: number; readonly refusal: Refusal } | undefined;
}

/** Whose packet, and how large. */
export interface Traced {
  /** It is a host's own: its kernel knows what the first link carries. */
  readonly isOwn: boolean;
  readonly source: IpAddress;
  readonly bytes: number;
}

interface Tracer {
  readonly ways: Ways;
  readonly paths: PathIndex;
  readonly meeting: (a: Host, b: Host) => Meeting;
}

/** Why a link does not take a packet; `undefined`: it does. */
function refusalOf({ host, via, kind, route, bytes: limit, ceilingBytes }: Step, bytes: number, isOwn: boolean) {
  const refused = (how: Refusal["kind"]): Refusal => ({ host, via, limit, kind: how });
  if (kind === "vxlan" && route === undefined) {
    if (bytes <= ceilingBytes) return undefined;
    // A bridge lets a frame pass that has room for a tag; VXLAN then knows better.
    return refused(bytes <= limit + VLAN_TAG_BYTES ? "forged" : "silent");
  }
  if (bytes <= limit) return undefined;
  return refused(isOwn ? "not-sent" : "answered");
}

/** The links whose smallest one decides what TCP is held to by a step: in a VRF all of its own. */
function clampingMtus(host: Host, { via, bytes, route }: Step): readonly number[] {
  // What is bridged passes no router's rules.
  if (route === undefined) return [deviceOf(host, via).cut?.wholeMtu ?? bytes];
  const vrf = host.vrfs.find((each) => vrfLinks(host, each).some(({ link }) => link === via));
  return vrf === undefined ? [bytes] : vrfLinks(host, vrf).map(({ mtu }) => mtu);
}

/** The first fragment of a packet, or all of it. */
const largestOf = (sizes: readonly number[]): number => Math.max(...sizes);

/** What a step's tunnel goes through, and what it makes of packets. */
function throughTunnel(tracer: Tracer, host: Host, { to, bytes: mtu }: Step, sizes: readonly number[]) {
  const { ways, paths, meeting } = tracer;
  const other = must(ways.hosts.get(to), "a tunnel leads to a host");
  const tunnel = must(tunnelBetween(paths, host.reach, other.reach, meeting(host, other)), "peers have a tunnel");
  const sent = sizes.map((bytes) => wireguardPacketBytes(bytes, mtu, tunnel.outer));
  const first = largestOf(sizes);
  const headers = wireguardOverhead(tunnel.outer);
  const padding = largestOf(sent) - first - totalBytes(headers);
  const added = [...(padding === 0 ? [] : [{ what: "padding to 16 bytes", bytes: padding }]), ...headers.toReversed()];
  const [translation] = tunnel.subtractions.slice(0, -headers.length);
  return { sent, added, path: { mtu: tunnel.path.mtu, rule: tunnel.path.rule, translation } };
}

/** What is put around a packet to get into VXLAN, and the tunnels by which it goes on, cut up where that is meant. */
function throughVxlan(tracer: Tracer, host: Host, into: Step, bytes: number) {
  const headers = vxlanOverhead(familyOf(deviceOf(host, into.via).local), false);
  const whole = bytes + totalBytes(headers);
  const { steps } = walkBelow(tracer.ways, host, into);
  const below = steps.flatMap((step, index) => {
    // Whoever passes it on puts it together, and makes no fragment larger than they came (net/ipv4/ip_output.c, frag_max_size).
    const room = narrowest(steps.slice(0, index + 1), "bytes");
    return hopsOf(tracer, step, fragmentSizes(whole, room), undefined);
  });
  return { added: headers.toReversed(), sent: [whole], below };
}

function hopsOf(tracer: Tracer, step: Step, sizes: readonly number[], mss: number | undefined): readonly Hop[] {
  const { host, via, kind, to, route, bytes: limit } = step;
  const hop = { host, via, kind, to, route, sizes, limit, mss };
  const own = must(tracer.ways.hosts.get(host), "a step is a host's");
  if (kind === "tunnel") return [{ ...hop, ...throughTunnel(tracer, own, step, sizes) }];
  if (kind !== "vxlan") return [{ ...hop, added: [], sent: sizes, path: undefined }];
  const { added, sent, below } = throughVxlan(tracer, own, step, largestOf(sizes));
  return [{ ...hop, added, sent, path: undefined }, ...below];
}

/** The first of some steps that does not take a packet, as its place, and why. */
function refusedAt(steps: Walk["steps"], bytes: number, isOwn: boolean) {
  for (const [index, step] of steps.entries()) {
    const refusal = refusalOf(step, bytes, isOwn && index === 0);
    if (refusal !== undefined) return { index, refusal };
  }
  return undefined;
}

/** What becomes of a packet that goes the way of a walk. */
export function traceOf(ways: Ways, { steps, end }: Walk, { isOwn, source, bytes }: Traced): Trace {
  const { network, hosts } = ways;
  const tracer = { ways, paths: indexPaths(network.underlay, network.sites), meeting: createMeeting(network) };
  const refused = refusedAt(steps, bytes, isOwn);
  const hops = steps.slice(0, refused?.index).flatMap((step, index) => {
    const host = must(hosts.get(step.host), "a step is a host's");
    // What a host sends itself is held to its route's MTU anyway.
    const isClamped = !(isOwn && index === 0) && host.app === undefined && step.kind !== "lan";
    const mss = isClamped ? tcpMss(Math.min(...clampingMtus(host, step)), familyOf(source)) : undefined;
    return hopsOf(tracer, step, [bytes], mss);
  });
  const tooMany = narrowest(steps, "ceilingBytes") + 1;
  const above = refusedAt(steps, tooMany, isOwn);
  return {
    hops,
    end: refused?.refusal ?? end,
    largest: end.kind === "arrived" ? narrowest(steps, "bytes") : undefined,
    above: above && { bytes: tooMany, refusal: above.refusal },
  };
}

/** One end of a flow, by the address that it speaks with. */
export interface FlowEnd {
  readonly name: string;
  readonly host: string;
  readonly address: IpAddress;
}

/** A packet's way, and that of an answer of the same size. */
export interface FlowTrace {
  readonly from: FlowEnd;
  readonly to: FlowEnd;
  readonly family: IpFamily;
  readonly bytes: number;
  readonly there: Trace;
  readonly back: Trace;
  /** The hosts between, where both arrive and an answer does not pass the same ones in the other order. */
  readonly otherHosts: { readonly there: readonly string[]; readonly back: readonly string[] } | undefined;
}

const flowEnd = ({ name, host, ...party }: Party, family: IpFamily): FlowEnd => ({
  name,
  host,
  address: must(addressOf(party, family), "a flow is of a family that both ends have"),
});

/** The hosts between both ends that a packet passes, one maybe twice; `undefined`: it does not arrive. */
const hostsBetween = (ways: Ways, walk: Walk): readonly string[] | undefined => passageOf(ways, walk)?.slice(1, -1);

/** Ethernet's, for a packet that nothing limits or that does not arrive anyway. */
export const orEthernet = (largest: number): number => (Number.isFinite(largest) ? largest : ETHERNET_MTU);

/** Both ways of a flow; `bytes`: the size of the packets, `undefined`: the largest that surely arrives and is answered. */
export function traceFlow(all: Ways, { from, to, family }: Flow, bytes: number | undefined): FlowTrace {
  // Who is asked for has the address that is asked for.
  const asked = [from, to].flatMap(({ station }) => station ?? []);
  const ways = { ...all, stations: [...asked, ...all.stations] };
  const [here, there] = [flowEnd(from, family), flowEnd(to, family)];
  const walks = [
    walkFromParty(ways, from, here.address, there.address),
    walkFromParty(ways, to, there.address, here.address),
  ] as const;
  const size = bytes ?? orEthernet(Math.min(...walks.map(({ steps }) => narrowest(steps, "bytes"))));
  const trace = (walk: Walk, party: Party, { address }: FlowEnd): Trace =>
    traceOf(ways, walk, { isOwn: party.station === undefined, source: address, bytes: size });
  const [passed, answered] = [hostsBetween(ways, walks[0]), hostsBetween(ways, walks[1])];
  const isSame = passed?.toReversed().join(" ") === answered?.join(" ");
  return {
    from: here,
    to: there,
    family,
    bytes: size,
    there: trace(walks[0], from, here),
    back: trace(walks[1], to, there),
    otherHosts: passed && answered && !isSame ? { there: passed, back: answered } : undefined,
  };
}
