/** FRR: BGP sessions that carry EVPN. A host without BGP gets no file. */
import type { BgpNeighbour, BgpSpeaker, GatewayVni, Host } from "../model/network.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile } from "./print.ts";
import type { View } from "./template.ts";

type Speaker = Extract<BgpSpeaker, { kind: "speaker" }>;

// In capitals, so that no interface or host is called the same.
const PEERS = { name: "PEERS", isClients: false };
const CLIENTS = { name: "CLIENTS", isClients: true };
const BFD_PROFILE = "tunnel";

const groupOf = ({ isClient }: BgpNeighbour) => (isClient ? CLIENTS : PEERS);

const GATEWAY_COMMANDS = {
  "default-gateway": "advertise-default-gw",
  "svi-ip": "advertise-svi-ip",
} as const satisfies Record<GatewayVni["advertise"], string>;

function bfdView({ bfd }: Speaker) {
  if (bfd.kind === "none") return { hasBfd: false, profile: BFD_PROFILE, bfdInterval: "", bfdMultiplier: "" };
  const { intervalMs, multiplier } = bfd;
  return {
    hasBfd: true,
    profile: BFD_PROFILE,
    bfdInterval: String(intervalMs),
    bfdMultiplier: String(multiplier),
  };
}

function bgpView(host: Host, speaker: Speaker) {
  const { neighbours, gatewayVnis } = speaker;
  return {
    ...bfdView(speaker),
    asn: String(speaker.asn),
    routerId: speaker.routerId,
    updateSource: speaker.updateSource,
    // A group without neighbours would be a line without a use.
    groups: [PEERS, CLIENTS].filter((group) => neighbours.some((neighbour) => groupOf(neighbour) === group)),
    neighbours: neighbours.map((each) => ({ address: each.address, host: each.host, group: groupOf(each).name })),
    extra: host.extra.frr,
    isVtep: speaker.isVtep,
    hasGatewayVnis: gatewayVnis.length > 0,
    gatewayVnis: gatewayVnis.map(({ vni, advertise }) => ({ vni: String(vni), command: GATEWAY_COMMANDS[advertise] })),
  };
}

/** What Debian's frr.service allows (LimitNOFILE=1024), and FRR's own default. */
const DEFAULT_FDS = 1024;
/** Listening sockets, zebra, vty, log, netlink: 20 to 30 were open in bgpd without a neighbour. */
const SPARE_FDS = 64;

/** File descriptors for bgpd: a power of two, so that a new host seldom means a restart. */
function maxFds({ neighbours }: Speaker): number {
  const needed = 2 * neighbours.length + SPARE_FDS;
  return Math.max(DEFAULT_FDS, 2 ** Math.ceil(Math.log2(needed)));
}

const OWNER = { mode: 0o640, owner: "frr", group: "frr" } as const;

function completeFiles(host: Host, context: EmitContext, speaker: Speaker): readonly OutputFile[] {
  const daemons: View = {
    ...bfdView(speaker),
    hasMaxFds: maxFds(speaker) > DEFAULT_FDS,
    maxFds: String(maxFds(speaker)),
  };
  const configuration: View = {
    ...bgpView(host, speaker),
    host: host.name,
    ipv4Forwarding: host.forwards.ipv4 ? "ip forwarding" : "no ip forwarding",
    ipv6Forwarding: host.forwards.ipv6 ? "ipv6 forwarding" : "no ipv6 forwarding",
  };
  const files = [
    publicFile(host, context, { path: "etc/frr/daemons", template: "frr/daemons.njk", view: daemons }),
    publicFile(host, context, {
      path: "etc/frr/frr.conf",
      head: "!",
      template: "frr/frr.conf.njk",
      view: configuration,
    }),
  ];
  return files.map((file) => ({ ...file, ...OWNER }));
}

function snippet(host: Host, context: EmitContext, speaker: Speaker): OutputFile {
  const view: View = {
    ...bgpView(host, speaker),
    daemons: speaker.bfd.kind === "on" ? "bgpd=yes and bfdd=yes" : "bgpd=yes",
  };
  const path = "etc/netgen/frr.conf.snippet";
  return publicFile(host, context, { path, head: "!", template: "frr/frr.conf.snippet.njk", view });
}

/** frr.conf and daemons, or on request a snippet that leaves FRR's own files alone. */
export const emitFrr: Emitter = (host, context) => {
  if (host.bgp.kind === "none") return [];
  return host.frrMode === "snippet" ? [snippet(host, context, host.bgp)] : completeFiles(host, context, host.bgp);
};

/** Units of {@link emitFrr} that the host has to enable; where FRR's files are the user's, its unit is as well. */
export function frrUnits(host: Host): readonly string[] {
  return host.bgp.kind === "speaker" && host.frrMode === "complete" ? ["frr.service"] : [];
}
