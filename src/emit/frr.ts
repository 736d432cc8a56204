/** FRR: BGP sessions that carry EVPN, and routes where there is more than one way. A host without BGP gets no file. */
import { grouped } from "../base/grouped.ts";
import { must } from "../base/invariant.ts";
import { knows } from "../base/programs.ts";
import type { BgpNeighbour, Speaker, SpokenVni } from "../model/bgp.ts";
import type { Host } from "../model/host.ts";
import { unicastOf } from "../model/loopback.ts";
import { peersOf, watchesByBfd } from "../model/peer.ts";
import { createNeighboursOf } from "../model/relays.ts";
import { reload, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { profileView } from "./frr-bfd.ts";
import { otherFamilies, topLevelView } from "./frr-extra.ts";
import { networksView } from "./frr-networks.ts";
import { hasPasswords, PASSWORDS_SCRIPT, passwordFiles, passwordUnits } from "./frr-passwords.ts";
import { peerFamilies, peerFamiliesView, peerListsView, peerProfile, peerTimers, sessionsView } from "./frr-peers.ts";
import { unicastFamilies, unicastView } from "./frr-unicast.ts";
import { hasTargets, vrfsView } from "./frr-vrfs.ts";
import { publicFile, scriptFile } from "./print.ts";
import type { View } from "./template.ts";

/** Neighbours of one kind: whose routes are reflected, whose AS is this host's, who has a tunnel with it. */
interface Group {
  readonly isClient: boolean;
  readonly isInternal: boolean;
  readonly isNear: boolean;
}

const ALL_GROUPS: readonly Group[] = [true, false].flatMap((isNear) => [
  { isClient: false, isInternal: true, isNear },
  { isClient: true, isInternal: true, isNear },
  { isClient: false, isInternal: false, isNear },
]);

/** In capitals, so that no interface or host is called the same. */
function groupName({ isClient, isInternal, isNear }: Group): string {
  const name = isInternal ? (isClient ? "CLIENTS" : "PEERS") : "EXTERNAL";
  return isNear ? name : `FAR-${name}`;
}

const BFD_PROFILE = "tunnel";

/** Where BGP routes, the tunnels are watched instead, and a session between loopbacks outlives the loss of one. */
const isWatched = (host: Host, { bfd }: Speaker): boolean => bfd.kind === "on" && unicastOf(host) === undefined;

/**
 * FRR takes an address of the tunnel's own prefix for a neighbour on the link, whose BFD packets must have come one hop
 * (RFC 5881 §5). One behind a relay is further away, so it is not watched. With `update-source` FRR from 10.2 on would watch
 * from its start, and before it has a connection takes the neighbour for one further away, whose BFD has another port: the two
 * ends never agree and the session stays down (its issues 18742, 19077). In the tunnel's own prefix the kernel takes the same
 * address without being told.
 */
function createGroupOf(host: Host, speaker: Speaker, { network }: EmitContext) {
  const near = isWatched(host, speaker) ? createNeighboursOf(network)(host) : undefined;
  return ({ isClient, asn, host: name }: BgpNeighbour): Group => ({
    isClient,
    isInternal: asn === speaker.asn,
    isNear: near?.has(name) !== false,
  });
}

const GATEWAY_COMMANDS = {
  "default-gateway": "advertise-default-gw",
  "svi-ip": "advertise-svi-ip",
} as const satisfies Record<NonNullable<SpokenVni["advertise"]>, string>;

const vniView = ({ vni, advertise, routeTargets }: SpokenVni) => ({
  vni: String(vni),
  ...routeTargets,
  isGateway: advertise !== undefined,
  command: advertise === undefined ? "" : GATEWAY_COMMANDS[advertise],
});

/** Of the tunnels first. */
function profilesOf(host: Host, { bfd }: Speaker, isMerged: boolean): readonly View[] {
  const tunnels = bfd.kind === "on" ? [profileView(BFD_PROFILE, bfd, isMerged)] : [];
  return [...tunnels, ...peerTimers(host).map((timers) => profileView(peerProfile(timers), timers, isMerged))];
}

function neighbourView(neighbour: BgpNeighbour, group: Group): View {
  const { address, host, asn } = neighbour;
  return { address, host, group: groupName(group), isExternal: !group.isInternal, asn: String(asn) };
}

function bgpView(host: Host, speaker: Speaker, context: EmitContext) {
  const { neighbours, vnis } = speaker;
  const groupOf = createGroupOf(host, speaker, context);
  const grouping = grouped(neighbours, (each) => groupName(groupOf(each)));
  const vrfs = vrfsView(host);
  const otherMap = vrfs.hasKnownExits ? vrfs.importMap : "";
  const { groupMaps, ...networks } = networksView(host, grouping);
  const isMerged = host.frrMode === "snippet";
  const profiles = profilesOf(host, speaker, isMerged);
  const lines = host.extra.frr;
  const spoken = unicastFamilies(host);
  const forPeers = peerFamilies(host, spoken);
  const isForMore = unicastOf(host) !== undefined || speaker.peers.length > 0;
  const speaksEvpn = !isForMore || neighbours.length > 0 || speaker.isVtep;
  return {
    profile: BFD_PROFILE,
    hasProfiles: profiles.length > 0,
    profiles,
    isMerged,
    tunnel: must(host.interfaces[0], "who speaks BGP has a tunnel").name,
    ...vrfs,
    ...networks,
    asn: String(speaker.asn),
    routerId: speaker.routerId,
    updateSource: speaker.updateSource,
    // A group without neighbours would be a line without a use.
    groups: ALL_GROUPS.filter((group) => grouping.has(groupName(group))).map((group) => ({
      name: groupName(group),
      isClients: group.isClient,
      isInternal: group.isInternal,
      importMap: groupMaps.get(groupName(group)) ?? otherMap,
      hasBfd: group.isNear && isWatched(host, speaker),
      hasSource: !(group.isNear && group.isInternal && isWatched(host, speaker)),
    })),
    speaksEvpn,
    ...unicastView(host),
    ...sessionsView(speaker.peers),
    hasOriginated: speaker.originated.length > 0,
    peerFamilies: peerFamiliesView(speaker, forPeers, lines),
    ...peerListsView(host),
    neighbours: neighbours.map((neighbour) => neighbourView(neighbour, groupOf(neighbour))),
    // FRR's own files say "frr defaults datacenter", which says this as well.
    statesPolicy:
      isMerged && [...neighbours, ...(unicastOf(host)?.neighbours ?? [])].some(({ asn }) => asn !== speaker.asn),
    // Proxmox's own configuration has one, and so may the user's lines.
    tellsSoon: !isMerged && !lines.bgp.some((line) => line.includes("coalesce-time")),
    // networkd would take FRR's nexthop objects for leftovers when it restarts, and their routes with them.
    hidesNextHops:
      (unicastOf(host) !== undefined || host.vrfs.length > 0 || speaker.peers.length > 0) &&
      !knows(host.programs, "networkd-foreign-next-hops"),
    isDrained: speaker.isDrained,
    ...topLevelView(lines),
    bgpLines: lines.bgp,
    evpnLines: lines.evpn,
    otherFamilies: otherFamilies(lines, [...spoken, ...forPeers, ...(speaksEvpn ? ["evpn" as const] : [])]),
    isVtep: speaker.isVtep,
    hasGateways: vnis.some(({ advertise }) => advertise !== undefined),
    hasTargets: vnis.some(({ routeTargets }) => hasTargets(routeTargets)),
    vnis: vnis.map(vniView),
  };
}

/** What Debian's frr.service allows (LimitNOFILE=1024), and FRR's own default. */
const DEFAULT_FDS = 1024;
/** Listening sockets, zebra, vty, log, netlink: 20 to 30 were open in bgpd without a neighbour. */
const SPARE_FDS = 64;

/** File descriptors for bgpd: a power of two, so that a new host seldom means a restart. */
function maxFds(host: Host, { neighbours }: Speaker): number {
  const sessions = neighbours.length + peersOf(host).length + (unicastOf(host)?.neighbours.length ?? 0);
  const needed = 2 * sessions + SPARE_FDS;
  return Math.max(DEFAULT_FDS, 2 ** Math.ceil(Math.log2(needed)));
}

const UNIT = "frr.service";
const RELOAD_SCRIPT = "frr-reload";
const OWNER = { mode: 0o640, owner: "frr", group: "frr" } as const;

function completeFiles(host: Host, context: EmitContext, speaker: Speaker): readonly OutputFile[] {
  const hasMaxFds = maxFds(host, speaker) > DEFAULT_FDS;
  const daemons: View = {
    hasBfd: watchesByBfd(host),
    reloadScript: `/${ownPath(context, hasPasswords(host) ? PASSWORDS_SCRIPT : RELOAD_SCRIPT)}`,
    hasMgmtd: knows(host.programs, "frr-mgmtd"),
    hasMaxFds,
    maxFds: String(maxFds(host, speaker)),
  };
  const configuration: View = {
    ...bgpView(host, speaker, context),
    host: host.name,
    forwardsIpv4: host.forwards.ipv4,
    forwardsIpv6: host.forwards.ipv6,
  };
  // frr-reload.py cannot take an instance away whose L3VNI is still set, and so stops half way at another AS number.
  const afterLines = host.vrfs.length > 0 ? [{ lines: "^router bgp ", command: restart(UNIT) }] : [];
  const files = [
    publicFile(host, context, {
      path: "etc/frr/daemons",
      template: "frr/daemons.njk",
      view: daemons,
      // FRR's reload starts and stops daemons too, and leaves the others alone. A limit is a process's for its whole life.
      after: [hasMaxFds ? restart(UNIT) : reload(UNIT)],
    }),
    publicFile(host, context, {
      path: "etc/frr/frr.conf",
      head: "!",
      template: "frr/frr.conf.njk",
      view: configuration,
      after: [reload(UNIT)],
      afterLines,
    }),
  ];
  // Read when it is run.
  const script = { path: ownPath(context, RELOAD_SCRIPT), template: "frr/frr-reload.njk", view: {}, after: [] };
  return [
    ...files.map((file) => ({ ...file, ...OWNER })),
    scriptFile(host, context, script),
    ...passwordFiles(host, context),
  ];
}

function snippet(host: Host, context: EmitContext, speaker: Speaker): OutputFile {
  const view: View = {
    ...bgpView(host, speaker, context),
    daemons: watchesByBfd(host) ? "bgpd=yes and bfdd=yes" : "bgpd=yes",
  };
  // Merged by Proxmox or by hand.
  const file = { path: ownPath(context, "frr.conf.snippet"), template: "frr/frr.conf.snippet.njk", after: [] };
  return publicFile(host, context, { ...file, head: "!", view });
}

/** frr.conf, daemons and the script that reloads them, or on request a snippet that leaves FRR's own files alone. */
export const emitFrr: Emitter = (host, context) => {
  if (host.bgp.kind === "none") return [];
  return host.frrMode === "snippet" ? [snippet(host, context, host.bgp)] : completeFiles(host, context, host.bgp);
};

/** Units of {@link emitFrr} that the host has to enable; where FRR's files are the user's, its unit is as well. */
export function frrUnits(host: Host, context: EmitContext): readonly string[] {
  return host.bgp.kind !== "none" && host.frrMode === "complete" ? [UNIT, ...passwordUnits(host, context)] : [];
}
