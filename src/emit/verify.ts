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
import { isLasting } from "../model/unit.ts";
import { type EmitContext, type Emitter, ownPath } from "./context.ts";
import { tableFamilies } from "./nftables.ts";
import { publicFile, scriptFile } from "./print.ts";
import { layOut, piecesOf, print, type Strip } from "./shared.ts";
import { render } from "./template.ts";
import { unitsOf } from "./units.ts";
import { wireguardUnit } from "./wireguard.ts";

/** A promise: its kind, of which unit, link, table or host, and what is expected of that. */
type Line = readonly [kind: string, name: string, ...expected: readonly string[]];

const printOf = (line: Line) => ({ template: "delivery/verify.line.njk", view: { line: line.join("\t") } });

function textOf(line: Line): string {
  const { template, view } = printOf(line);
  return render(template, view);
}

/** Of two that share a key one alone has tunnels, and it may be the other. */
const isSilent = ({ vrrp }: Host): boolean => vrrp?.isExclusive === true;

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

function linkLines(host: Host): readonly Line[] {
  const bridges = host.bridges.filter(({ isExisting, mtu }) => !isExisting && mtu !== undefined);
  const links = [
    ...(isSilent(host) ? [] : host.interfaces),
    ...[...host.vxlans, ...host.vrfs.map(({ vxlan }) => vxlan)],
    ...bridges.map(({ link, mtu }) => ({ name: link, mtu })),
  ];
  return links.map(({ name, mtu }) => ["link", name, String(mtu)]);
}

/** The members of each segment that have a VTEP, by its name. */
const vteps = once(({ network, hosts }: EmitContext) => {
  const members = network.segments.map((segment) => {
    const all = segment.members.map((name) => ({ name, vtep: hosts.get(name)?.vtep }));
    return [segment.name, all.filter(({ vtep }) => vtep !== undefined)] as const;
  });
  return new Map(members);
});

/** Whom a host floods to in each of its segments: all other members, in lines that all of them share. */
function vtepLines({ name: own, vxlans }: Host, context: EmitContext): readonly Uint8Array[] {
  return vxlans.flatMap(({ name, segment }) => {
    const members = must(vteps(context).get(segment), "every device is of a segment");
    const strip = strips(context, `vtep ${name} ${segment}`, () =>
      layOut(members.map((member) => [member.name, textOf(["vtep", member.name, name, member.vtep ?? ""])])),
    );
    return piecesOf(
      strip,
      members.map((member) => member.name).filter((member) => member !== own),
    );
  });
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

/** What is on the host itself. */
function ownLines(host: Host, context: EmitContext): readonly Line[] {
  const tunnels = isSilent(host) ? host.interfaces.map(wireguardUnit) : [];
  const all = unitsOf(host, context);
  const units = all.filter((unit) => !tunnels.includes(unit) && isLasting(unit, all));
  const own = `netgen${context.fleet}`;
  return [
    ...units.map((unit): Line => ["unit", unit]),
    ...tableFamilies(host, context).map((family): Line => ["table", `${family} ${own}`]),
    ...linkLines(host),
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
    ...printAll(ownLines(host, context)),
    ...tunnels.flatMap((link) => tunnelLines(host, link, context)),
    ...(isSilent(host) ? [] : [...printAll(sessionLines(host)), ...vtepLines(host, context)]),
  ];
  const script = { template: "delivery/verify.njk", view: {}, after: [] };
  return [{ ...list, content }, scriptFile(host, context, { path: ownPath(context, "verify"), ...script })];
};
