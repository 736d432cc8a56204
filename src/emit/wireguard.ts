/** WireGuard through wg-quick: the interface, a reload that loses nothing, and endpoints that are known by name. */
import { once } from "../base/once.ts";
import { compareText } from "../base/text.ts";
import { allAddresses, type WireguardInterface } from "../model/device.ts";
import { TUNNEL_MARK } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { type Endpoint, endpointText, isDialledByScript, type Peer } from "../model/reach.ts";
import { RELOAD_UNITS, reload, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { headOf, type PrintedFile, publicFile, scriptFile } from "./print.ts";
import { layOut, piecesOf, print, type Strip } from "./shared.ts";
import { render } from "./template.ts";

/** The systemd unit that brings an interface up. */
export function wireguardUnit({ name }: WireguardInterface): string {
  return `wg-quick@${name}.service`;
}

/** A host that is silent while another with its key is heard has tunnels to reload only where they run. */
function reloadTunnel({ vrrp }: Host, wireguard: WireguardInterface): string {
  const unit = wireguardUnit(wireguard);
  return vrrp?.isExclusive ? `systemctl try-reload-or-restart ${unit}` : reload(unit);
}

const scriptedPeers = once(
  ({ network }: EmitContext) => new Map(network.peers.filter(isDialledByScript).map((peer) => [peer.id, peer])),
);

/** The peers of an interface that wg-endpoints dials. */
function scriptedPeersOf({ peers }: WireguardInterface, context: EmitContext): readonly Peer[] {
  const scripted = scriptedPeers(context);
  if (scripted.size === 0) return [];
  return peers.map((id) => scripted.get(id)).filter((peer) => peer !== undefined);
}

function blockOf(peer: Peer): string {
  const [endpoint, ...others] = peer.endpoints;
  return render("wireguard/peer.conf.njk", {
    host: peer.host,
    publicKey: peer.publicKey,
    isDialledByAddress: endpoint?.kind === "address",
    isDialledByName: endpoint?.kind === "name",
    endpoint: endpoint === undefined ? "" : endpointText(endpoint),
    others: others.map(endpointText).join(", "),
    hasOthers: others.length > 0,
    allowedIps: peer.allowedIps.join(", "),
    // 0 is written out: "wg syncconf" of Debian 12 and 13 keeps an interval that merely disappears from the file.
    keepalive: String(peer.keepaliveSeconds),
  });
}

/** The line that loads a peer's preshared key; empty without one. */
function presharedKeyOf({ host, publicKey, hasPresharedKey }: Peer, { fleet }: EmitContext): string {
  return hasPresharedKey ? render("wireguard/preshared-key.conf.njk", { host, publicKey, fleet }) : "";
}

/** What all files together say of peers, in strips that most files take long pieces of. */
interface PeerTexts {
  readonly blocks: Strip;
  readonly presharedKeys: Strip;
}

// A mesh of n hosts has n² peer blocks, of which at most a few n differ: each is printed once, and files share the bytes.
// Views of one kind stand together, because a host tends to see all others the same way.
const peerTexts = once((context: EmitContext): PeerTexts => {
  const kindOf = (peer: Peer): string => peer.id.slice(peer.host.length);
  const peers = [...context.network.peers].sort(
    (a, b) => compareText(kindOf(a), kindOf(b)) || compareText(a.host, b.host),
  );
  return {
    blocks: layOut(peers.map((peer) => [peer.id, blockOf(peer)])),
    presharedKeys: layOut(peers.map((peer) => [peer.id, presharedKeyOf(peer, context)])),
  };
});

function interfaceSection(host: Host, wireguard: WireguardInterface, context: EmitContext): Uint8Array {
  const view = {
    interface: wireguard.name,
    addresses: allAddresses(wireguard)
      .map(({ address, lengthBits }) => `${address}/${lengthBits}`)
      .join(", "),
    listenPort: String(wireguard.listenPort),
    mtu: String(wireguard.mtu),
    isMarked: host.egress?.own !== undefined,
    mark: TUNNEL_MARK,
    isLimited: wireguard.limitingPeer !== undefined && wireguard.smallerPeers.length === 0,
    limitingPeer: wireguard.limitingPeer ?? "",
    hasSmallerPeers: wireguard.smallerPeers.length > 0,
    isRoutedByBgp: wireguard.routedBy === "bgp",
    isShared: host.vrrp?.isExclusive ?? false,
    other: host.vrrp?.other.host ?? "",
    extra: host.extra.wireguard,
  };
  return print(context, { template: "wireguard/interface.conf.njk", view });
}

// Readable by root alone although no key is in it: wg-quick complains of anything more open.
const CONFIGURATION = { mode: 0o600, owner: "root", group: "root" } as const;

// systemd decrypts credentials into memory when it starts the unit, and says where.
const KEY_DIRECTORIES = { file: "/etc/wireguard", credential: "$CREDENTIALS_DIRECTORY" } as const;

function configuration(host: Host, wireguard: WireguardInterface, context: EmitContext): OutputFile {
  const { blocks, presharedKeys } = peerTexts(context);
  return {
    path: `${host.name}/etc/wireguard/${wireguard.name}.conf`,
    ...CONFIGURATION,
    after: [reloadTunnel(host, wireguard)],
    content: [
      headOf(host, context, "#"),
      interfaceSection(host, wireguard, context),
      ...piecesOf(presharedKeys, wireguard.peers),
      print(context, {
        template: "wireguard/private-key.conf.njk",
        view: { directory: KEY_DIRECTORIES[host.keyStore] },
      }),
      ...piecesOf(blocks, wireguard.peers),
    ],
  };
}

// Read each time it is run.
const reloadScript = (context: EmitContext): PrintedFile => ({
  path: ownPath(context, "wg-reload"),
  template: "wireguard/wg-reload.njk",
  view: {},
  after: [],
});

const credentialScript = (context: EmitContext): PrintedFile => ({
  path: ownPath(context, "credential"),
  template: "wireguard/credential.njk",
  view: {},
  after: [],
});

const endpointsUnit = (context: EmitContext, kind: "service" | "timer"): string =>
  ownUnit(context, `endpoints.${kind}`);

/** It runs by a timer, and once for what is new. */
const setEndpoints = (context: EmitContext): string => `systemctl start ${endpointsUnit(context, "service")}`;

const endpointsScript = (context: EmitContext): PrintedFile => ({
  path: ownPath(context, "wg-endpoints"),
  template: "wireguard/wg-endpoints.njk",
  view: {},
  after: [setEndpoints(context)],
});

function interfaceFiles(host: Host, wireguard: WireguardInterface, context: EmitContext): readonly OutputFile[] {
  const { vrrp } = host;
  const isShared = vrrp?.isExclusive ?? false;
  const isCredential = host.keyStore === "credential";
  const view = { isShared, isAwaited: vrrp !== undefined && !isShared, isCredential, interface: wireguard.name };
  const path = `etc/systemd/system/${wireguardUnit(wireguard)}.d/10-netgen${context.fleet}.conf`;
  const dropIn = { path, template: "wireguard/wg-quick.conf.njk", view, after: [RELOAD_UNITS] };
  return [configuration(host, wireguard, context), publicFile(host, context, dropIn)];
}

/** The interfaces with peers that wg-endpoints dials. */
function dialling(host: Host, context: EmitContext): readonly WireguardInterface[] {
  return host.interfaces.filter((wireguard) => scriptedPeersOf(wireguard, context).length > 0);
}

/** What wg-endpoints is told of an endpoint: an address is of one IP version whatever names may lead to. */
function placeOf(endpoint: Endpoint, { network: { underlay } }: EmitContext) {
  const port = String(endpoint.port);
  if (endpoint.kind === "address") return { place: endpoint.address, port, family: "any" };
  return { place: endpoint.name, port, family: underlay.ipVersion === "auto" ? "any" : String(underlay.ipVersion) };
}

function endpointData(host: Host, wireguard: WireguardInterface, context: EmitContext): OutputFile {
  const peers = scriptedPeersOf(wireguard, context).flatMap(({ publicKey, endpoints }) =>
    endpoints.map((endpoint) => ({ publicKey, ...placeOf(endpoint, context) })),
  );
  const path = ownPath(context, `${wireguard.name}.endpoints`);
  const after = [setEndpoints(context)];
  return publicFile(host, context, { path, template: "wireguard/endpoints.njk", view: { peers }, after });
}

function endpointFiles(host: Host, context: EmitContext): readonly OutputFile[] {
  const interfaces = dialling(host, context);
  if (interfaces.length === 0) return [];
  const view = { interfaceUnits: interfaces.map(wireguardUnit).join(" ") };
  const unit = (kind: "service" | "timer", after: readonly string[]): OutputFile => {
    const path = `etc/systemd/system/${endpointsUnit(context, kind)}`;
    return publicFile(host, context, { path, template: `wireguard/endpoints.${kind}.njk`, view, after });
  };
  return [
    scriptFile(host, context, endpointsScript(context)),
    ...interfaces.map((wireguard) => endpointData(host, wireguard, context)),
    unit("service", [RELOAD_UNITS]),
    unit("timer", [RELOAD_UNITS, restart(endpointsUnit(context, "timer"))]),
  ];
}

/** wg-quick's file per interface with the reload it needs, and what dials by name or at several places where that is to be. */
export const emitWireguard: Emitter = (host, context) => {
  if (host.interfaces.length === 0) return [];
  return [
    ...host.interfaces.flatMap((wireguard) => interfaceFiles(host, wireguard, context)),
    scriptFile(host, context, reloadScript(context)),
    ...(host.keyStore === "credential" ? [scriptFile(host, context, credentialScript(context))] : []),
    ...endpointFiles(host, context),
  ];
};

/** Units of {@link emitWireguard} that the host has to enable. */
export function wireguardUnits(host: Host, context: EmitContext): readonly string[] {
  const isDialling = dialling(host, context).length > 0;
  const endpoints = isDialling ? (["service", "timer"] as const).map((kind) => endpointsUnit(context, kind)) : [];
  // keepalived starts and stops the tunnels of a host that is silent while another is heard.
  const own = host.vrrp?.isExclusive ? [] : host.interfaces.map(wireguardUnit);
  return [...own, ...endpoints];
}
