/** WireGuard through wg-quick: the interface, a reload that loses nothing, and endpoints that are known by name. */

import { must } from "../base/invariant.ts";
import { formatAddressAndPort } from "../base/ip.ts";
import type { Endpoint, Host, Peer, WireguardInterface } from "../model/network.ts";
import { type EmitContext, type Emitter, header, publicFile, scriptFile } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { printOnce } from "./shared.ts";
import { encode, render, type View } from "./template.ts";

/** The systemd unit that brings an interface up. */
export function wireguardUnit({ name }: WireguardInterface): string {
  return `wg-quick@${name}.service`;
}

type NamedPeer = Peer & { readonly endpoint: Endpoint & { readonly kind: "name" } };

function peersOf({ peers }: WireguardInterface, context: EmitContext): readonly Peer[] {
  return peers.map((id) => must(context.peers.get(id), "every peer of an interface is in the network"));
}

function namedPeersOf(wireguard: WireguardInterface, context: EmitContext): readonly NamedPeer[] {
  return peersOf(wireguard, context).filter((peer): peer is NamedPeer => peer.endpoint?.kind === "name");
}

/** The text of a peer, the same in every file that lists it. */
interface PeerText {
  readonly block: Uint8Array;
  /** The line that loads the preshared key; empty without one. */
  readonly presharedKey: Uint8Array;
}

// A mesh of n hosts has n² peer blocks, of which at most a few n differ: each is printed once and shared.
const peerTexts = new WeakMap<Peer, PeerText>();

function endpointText(endpoint: Endpoint | undefined): string {
  if (endpoint === undefined) return "";
  if (endpoint.kind === "name") return `${endpoint.name}:${endpoint.port}`;
  return formatAddressAndPort(endpoint.address, endpoint.port);
}

function printPeer(peer: Peer): PeerText {
  const view: View = {
    host: peer.host,
    publicKey: peer.publicKey,
    isDialledByAddress: peer.endpoint?.kind === "address",
    isDialledByName: peer.endpoint?.kind === "name",
    endpoint: endpointText(peer.endpoint),
    allowedIps: peer.allowedIps.join(", "),
    // 0 is written out: "wg syncconf" of Debian 12 and 13 keeps an interval that merely disappears from the file.
    keepalive: String(peer.keepaliveSeconds),
  };
  return {
    block: encode(render("wireguard/peer.conf.njk", view)),
    presharedKey: encode(peer.hasPresharedKey ? render("wireguard/preshared-key.conf.njk", view) : ""),
  };
}

function textOf(peer: Peer): PeerText {
  const known = peerTexts.get(peer);
  if (known !== undefined) return known;
  const text = printPeer(peer);
  peerTexts.set(peer, text);
  return text;
}

function interfaceHead(host: Host, wireguard: WireguardInterface, context: EmitContext): Uint8Array {
  const view: View = {
    ...header(host, context),
    interface: wireguard.name,
    addresses: wireguard.addresses.map(({ address, lengthBits }) => `${address}/${lengthBits}`).join(", "),
    listenPort: String(wireguard.listenPort),
    mtu: String(wireguard.mtu),
    hasLimitingPeer: wireguard.limitingPeer !== undefined,
    limitingPeer: wireguard.limitingPeer ?? "",
    isTableOff: wireguard.table === "off",
    extra: host.extra.wireguard,
  };
  return encode(render("wireguard/interface.conf.njk", view));
}

// Readable by root alone although no key is in it: wg-quick complains of anything more open.
const CONFIGURATION = { mode: 0o600, owner: "root", group: "root" } as const;

function configuration(host: Host, wireguard: WireguardInterface, context: EmitContext): OutputFile {
  const texts = peersOf(wireguard, context).map(textOf);
  return {
    path: `${host.name}/etc/wireguard/${wireguard.name}.conf`,
    ...CONFIGURATION,
    content: [
      interfaceHead(host, wireguard, context),
      ...texts.map((text) => text.presharedKey).filter((line) => line.length > 0),
      printOnce(context, { template: "wireguard/private-key.conf.njk", key: "", view: {} }),
      ...texts.map((text) => text.block),
    ],
  };
}

/** A script whose head line is the host's, and whose body is everyone's. */
function script(host: Host, name: "wg-reload" | "wg-endpoints", context: EmitContext): OutputFile {
  const head = scriptFile(host, `etc/netgen/${name}`, "wireguard/script-head.njk", header(host, context));
  return {
    ...head,
    content: [...head.content, printOnce(context, { template: `wireguard/${name}.njk`, key: "", view: {} })],
  };
}

function interfaceFiles(host: Host, wireguard: WireguardInterface, context: EmitContext): readonly OutputFile[] {
  const dropIn = `etc/systemd/system/${wireguardUnit(wireguard)}.d/10-netgen.conf`;
  return [
    configuration(host, wireguard, context),
    publicFile(host, dropIn, "wireguard/wg-quick.conf.njk", header(host, context)),
  ];
}

/** The interfaces with peers that have to be dialled by name. */
function dialling(host: Host, { peers }: EmitContext): readonly WireguardInterface[] {
  return host.interfaces.filter((wireguard) => wireguard.peers.some((id) => peers.get(id)?.endpoint?.kind === "name"));
}

function endpointData(host: Host, wireguard: WireguardInterface, context: EmitContext): OutputFile {
  const { ipVersion } = context.network.underlay;
  const peers = namedPeersOf(wireguard, context).map(({ publicKey, endpoint }) => ({
    publicKey,
    name: endpoint.name,
    port: String(endpoint.port),
    family: ipVersion === "auto" ? "any" : String(ipVersion),
  }));
  const view = { ...header(host, context), peers };
  return publicFile(host, `etc/netgen/${wireguard.name}.endpoints`, "wireguard/endpoints.njk", view);
}

function endpointFiles(host: Host, context: EmitContext): readonly OutputFile[] {
  const interfaces = dialling(host, context);
  if (interfaces.length === 0) return [];
  const view = { ...header(host, context), interfaceUnits: interfaces.map(wireguardUnit).join(" ") };
  const unit = (kind: "service" | "timer"): OutputFile =>
    publicFile(host, `etc/systemd/system/netgen-endpoints.${kind}`, `wireguard/endpoints.${kind}.njk`, view);
  return [
    script(host, "wg-endpoints", context),
    ...interfaces.map((wireguard) => endpointData(host, wireguard, context)),
    unit("service"),
    unit("timer"),
  ];
}

/** wg-quick's file per interface with the reload it needs, and what dials peers by name where there are such. */
export const emitWireguard: Emitter = (host, context) => {
  if (host.interfaces.length === 0) return [];
  return [
    ...host.interfaces.flatMap((wireguard) => interfaceFiles(host, wireguard, context)),
    script(host, "wg-reload", context),
    ...endpointFiles(host, context),
  ];
};

/** Units of {@link emitWireguard} that the host has to enable. */
export function wireguardUnits(host: Host, context: EmitContext): readonly string[] {
  const endpoints = dialling(host, context).length > 0 ? ["netgen-endpoints.service", "netgen-endpoints.timer"] : [];
  return [...host.interfaces.map(wireguardUnit), ...endpoints];
}
