/** What can be looked at on a host to know whether it has all that the network promises of it, and the program that looks. */
import { must } from "../base/invariant.ts";
import { familyOf } from "../base/ip.ts";
import { pingPayload } from "../base/mtu.ts";
import { once, onceByKey } from "../base/once.ts";
import type { WireguardInterface } from "../model/device.ts";
import { DEFAULT_VRF } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import { peersOf } from "../model/peer.ts";
import type { Peer } from "../model/reach.ts";
import { mtuTowards } from "../model/tunnel.ts";
import type { VrfInstance } from "../model/vrf.ts";
import { type EmitContext, type Emitter, ownPath } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";
import { layOut, piecesOf, print, type Strip } from "./shared.ts";
import { geneveLines, ovnLines } from "./verify-ovn.ts";
import { isSilent, linesOfHost } from "./verify-own.ts";
import { type Line, printOf, textOf, waysOf } from "./verify-ways.ts";

// ── Tunnels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const peerOf = (id: string, { peers }: EmitContext): Peer => must(peers.get(id), "every id is that of a peer");

/** The other end of a tunnel; `undefined`: a phone or laptop, which may be anywhere. */
function farEnd(peer: Peer, own: Host, context: EmitContext): WireguardInterface | undefined {
  const { interfaces, app } = must(context.hosts.get(peer.host), "every peer is a host");
  const leadsBack = (link: WireguardInterface): boolean =>
    link.peers.some((id) => peerOf(id, context).host === own.name);
  return app === undefined ? (interfaces.find(leadsBack) ?? interfaces[0]) : undefined;
}

function peerLine({ host, publicKey }: Peer, device: string, end: WireguardInterface, mtu: number): Line {
  const { address } = must(end.addresses[0], "an interface has an address");
  return ["peer", host, device, publicKey, address, String(pingPayload(mtu, familyOf(address)))];
}

const hasOneTunnel = ({ interfaces, app }: Host): boolean => interfaces.length === 1 && app === undefined;

const strips = onceByKey<EmitContext, Strip>();

/** The lines of all peers that are the same on every host, for interfaces of one name and MTU: most files take long pieces. */
const sharedLines = (device: string, mtu: number, context: EmitContext): Strip =>
  strips(context, `${device} ${mtu}`, () =>
    layOut(
      context.network.peers.flatMap((peer) => {
        const host = must(context.hosts.get(peer.host), "every peer is a host");
        const [end] = host.interfaces;
        if (end === undefined || !hasOneTunnel(host)) return [];
        return [[peer.id, textOf(peerLine(peer, device, end, mtu))] as const];
      }),
    ),
  );

function tunnelLines(own: Host, link: WireguardInterface, context: EmitContext): readonly Uint8Array[] {
  const { name, mtu } = link;
  const isShared = (id: string): boolean => {
    const { host } = peerOf(id, context);
    return hasOneTunnel(must(context.hosts.get(host), "every peer is a host")) && mtuTowards(link, host) === mtu;
  };
  const apart = link.peers.filter((id) => !isShared(id)).map((id) => peerOf(id, context));
  return [
    ...piecesOf(sharedLines(name, mtu, context), link.peers.filter(isShared)),
    ...apart.flatMap((peer) => {
      const end = farEnd(peer, own, context);
      if (end === undefined) return [];
      return [print(context, printOf(peerLine(peer, name, end, mtuTowards(link, peer.host))))];
    }),
  ];
}

// ── Links, VTEPs, sessions ──────────────────────────────────────────────────────────────────────────────────────────

/** The members of each segment that have a VTEP, by its name. */
const vteps = once(({ network, hosts }: EmitContext) => {
  const members = network.segments.map((segment) => {
    const all = segment.members.map((name) => ({ name, vtep: hosts.get(name)?.vtep }));
    return [segment.name, all.filter(({ vtep }) => vtep !== undefined)] as const;
  });
  return new Map(members);
});

const floodLine = (device: string, member: string, vtep: string): Line => [
  "vtep",
  `${device} ${vtep} ${member}`,
  `bridge fdb show dev ${device}`,
  `00:00:00:00:00:00 dst ${vtep}`,
];

/** Whom a host floods to in each of its segments: all other members, in lines that all of them share. */
function vtepLines({ name: own, vxlans }: Host, context: EmitContext): readonly Uint8Array[] {
  return vxlans.flatMap(({ name, segment }) => {
    const members = must(vteps(context).get(segment), "every device is of a segment");
    const strip = strips(context, `vtep ${name} ${segment}`, () =>
      layOut(members.map((member) => [member.name, textOf(floodLine(name, member.name, member.vtep ?? ""))])),
    );
    return piecesOf(
      strip,
      members.map((member) => member.name).filter((member) => member !== own),
    );
  });
}

/** Whom entries of a device may lead to: those of one who has left stay where nobody learns that, and take what is for others. */
function memberLines(host: Host, context: EmitContext): readonly Line[] {
  const ofVrf = ({ name }: VrfInstance): readonly (string | undefined)[] =>
    must(
      context.network.vrfs.find((vrf) => vrf.name === name),
      "an instance is one of a VRF",
    ).members.map((member) => context.hosts.get(member)?.vtep);
  const known = [
    ...host.vxlans.map(({ name, segment }) => ({
      name,
      all: must(vteps(context).get(segment), "every device is of a segment").map(({ vtep }) => vtep),
    })),
    ...host.vrfs.map((vrf) => ({ name: vrf.vxlan.name, all: ofVrf(vrf) })),
  ];
  return [
    ...known.map(({ name, all }): Line => ["fdb", name, all.filter((vtep) => vtep !== undefined).join(" ")]),
    ...host.vrfs.map(({ bridge }): Line => ["neighbours", bridge, `ip neighbour show dev ${bridge}`, "! FAILED"]),
  ];
}

/** Sessions with the others, for EVPN and for routes, and with neighbours that are somebody else's. */
function sessionLines(host: Host): readonly Line[] {
  if (host.bgp.kind === "none") return [];
  const { bgp } = host;
  const unicast = unicastOf(host)?.neighbours ?? [];
  return [
    ...[...bgp.neighbours, ...unicast].map(({ host: other, address, asn }): Line => {
      return ["bgp", other, DEFAULT_VRF, address, `${bgp.asn}-${asn}`];
    }),
    ...peersOf(host).map(({ vrf = DEFAULT_VRF, address, asn }): Line => {
      return ["bgp", address, vrf, address, `${bgp.asn}-${asn}`];
    }),
  ];
}

/** On every host: the promises, a line each, and the program that looks whether they hold. */
export const emitVerify: Emitter = (host, context) => {
  const path = ownPath(context, "verify.list");
  const list = publicFile(host, context, { path, template: "delivery/verify.list.njk", view: {}, after: [] });
  const tunnels = isSilent(host) ? [] : host.interfaces;
  const printAll = (lines: readonly Line[]) => lines.map((line) => print(context, printOf(line)));
  const content = [
    ...list.content,
    ...printAll([...linesOfHost(host, context), ...ovnLines(host, context)]),
    ...geneveLines(host, context),
    ...printAll(memberLines(host, context)),
    ...waysOf(host, context),
    ...tunnels.flatMap((link) => tunnelLines(host, link, context)),
    ...(isSilent(host) ? [] : [...printAll(sessionLines(host)), ...vtepLines(host, context)]),
  ];
  const script = { template: "delivery/verify.njk", view: {}, after: [] };
  return [{ ...list, content }, scriptFile(host, context, { path: ownPath(context, "verify"), ...script })];
};
