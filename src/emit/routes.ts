/**
 * The routes of a host that BGP does not bring, in one file that one script applies: into the tunnels, by the LAN, and
 * unreachable ones, as what a dead tunnel cannot carry must not leave in clear.
 */
import { must } from "../base/invariant.ts";
import type { IpPrefix } from "../base/ip.ts";
import { onceByKey } from "../base/once.ts";
import type { WireguardInterface } from "../model/device.ts";
import type { Host, LanRoute } from "../model/host.ts";
import type { Peer } from "../model/reach.ts";
import { RELOAD_UNITS, reload, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import { layOut, piecesOf, print, type Strip } from "./shared.ts";
import { render } from "./template.ts";
import { wireguardUnit } from "./wireguard.ts";

/**
 * 0xff002000, from Documentation/networking/vrf.rst of the kernel: worse than any metric in use, and FRR takes the
 * first byte for the distance, 255, which it never installs.
 */
export const WORST_METRIC = "4278198272";

/**
 * Of all others: worse than what is set by hand without one (0; IPv6: 1024) and than what comes by DHCP and router
 * advertisements (systemd-networkd: 512 to 2048, NetworkManager: 50 to 1000), so that no route of the owner's is overruled.
 */
export const ROUTE_METRIC = "2100";

const hasLanRoutes = (host: Host): boolean => host.lanRoutes.length > 0;

/** A line of the file: the words of a route but for its protocol. */
const lineOf = (way: string, metric: string, mtu?: number) => ({
  template: "routes/route.njk",
  view: { way, metric, size: mtu === undefined ? "" : ` mtu ${mtu}` },
});

const tunnelLine = (prefix: IpPrefix, device: string, mtu?: number) =>
  lineOf(`${prefix} dev ${device}`, ROUTE_METRIC, mtu);

const lanLine = ({ prefix, via, mtu }: LanRoute) => lineOf(`${prefix} via ${via}`, ROUTE_METRIC, mtu);

const textOf = ({ routes }: Peer, device: string): string =>
  routes
    .map((prefix) => tunnelLine(prefix, device))
    .map(({ template, view }) => render(template, view))
    .join("");

const strips = onceByKey<EmitContext, Strip>();

/** The lines of all peers for interfaces of one name, of which most files take long pieces. */
const peerLines = (device: string, context: EmitContext): Strip =>
  strips(context, device, () => layOut(context.network.peers.map((peer) => [peer.id, textOf(peer, device)])));

/** The routes into one tunnel interface: none for what is connected, but for peers that carry less than it does. */
function tunnelLines(wireguard: WireguardInterface, context: EmitContext): readonly Uint8Array[] {
  const { name, peers, smallerPeers } = wireguard;
  const sized = smallerPeers.flatMap(({ prefixes, mtu }) => prefixes.map((prefix) => tunnelLine(prefix, name, mtu)));
  const smaller = new Set(smallerPeers.map(({ host }) => host));
  const hostOf = (id: string): string => must(context.peers.get(id), "every id is that of a peer").host;
  const others = smaller.size === 0 ? peers : peers.filter((id) => !smaller.has(hostOf(id)));
  return [...piecesOf(peerLines(name, context), others), ...sized.map((line) => print(context, line))];
}

const unitOf = (context: EmitContext): string => ownUnit(context, "routes.service");
const afterOf = (context: EmitContext): readonly string[] => [reload(unitOf(context))];

/** One line per prefix; hosts share most of them, so each is printed once. */
function list(host: Host, context: EmitContext): OutputFile {
  const view = {
    protocol: context.number,
    metric: ROUTE_METRIC,
    worst: WORST_METRIC,
    hasLanRoutes: hasLanRoutes(host),
  };
  const head = publicFile(host, context, {
    path: ownPath(context, "routes"),
    template: "routes/routes.njk",
    view,
    after: afterOf(context),
  });
  const refused = host.unreachable.map((prefix) => lineOf(`unreachable ${prefix}`, WORST_METRIC));
  return {
    ...head,
    content: [
      ...head.content,
      ...refused.map((line) => print(context, line)),
      ...host.interfaces.flatMap((wireguard) => tunnelLines(wireguard, context)),
      ...host.lanRoutes.map((route) => print(context, lanLine(route))),
    ],
  };
}

const UNITS = "etc/systemd/system";
const lanUnitOf = (context: EmitContext): string => ownUnit(context, "lan-routes.service");

/** What keeps the routes by the LAN, which go with the link. */
function lanFiles(host: Host, context: EmitContext): readonly OutputFile[] {
  const own = lanUnitOf(context);
  const follow = {
    path: ownPath(context, "routes-follow"),
    template: "routes/routes-follow.njk",
    after: [restart(own)],
  };
  const unit = { path: `${UNITS}/${own}`, template: "routes/lan-routes.service.njk" };
  return [
    scriptFile(host, context, { ...follow, view: {} }),
    publicFile(host, context, { ...unit, after: [RELOAD_UNITS, restart(own)], view: {} }),
  ];
}

/** The file of routes, the script that applies it and its units: on every host, as the pools are unreachable on each. */
export const emitRoutes: Emitter = (host, context) => {
  const after = afterOf(context);
  const before = ["network.target", ...host.interfaces.map(wireguardUnit)].join(" ");
  const script = { path: ownPath(context, "routes-apply"), template: "routes/routes-apply.njk", after };
  const unit = {
    path: `${UNITS}/${unitOf(context)}`,
    template: "routes/routes.service.njk",
    after: [RELOAD_UNITS, ...after],
  };
  return [
    list(host, context),
    scriptFile(host, context, { ...script, view: { protocol: context.number } }),
    publicFile(host, context, { ...unit, view: { before } }),
    ...(hasLanRoutes(host) ? lanFiles(host, context) : []),
  ];
};

/** Units of {@link emitRoutes} that the host has to enable. */
export function routesUnits(host: Host, context: EmitContext): readonly string[] {
  return [unitOf(context), ...(hasLanRoutes(host) ? [lanUnitOf(context)] : [])];
}
