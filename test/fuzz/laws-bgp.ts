/** What must hold of BGP: sessions have two ends that agree, and what is announced gets to all. */

import { isInSet } from "./laws-overlay.ts";
import { alone, holds, isSameAddress, type Prefix, prefixOf } from "./prefix.ts";
import type { TreeHost } from "./tree.ts";
import type { Bgp, Neighbour } from "./tree-frr.ts";
import { claimedPrefixes, holderOf, type Law, type World, writtenOf } from "./world.ts";

interface Session {
  readonly host: TreeHost;
  readonly bgp: Bgp;
  readonly neighbour: Neighbour;
  readonly other: TreeHost | undefined;
}

/** Somebody else's router. */
const isPeer = (world: World, { name }: TreeHost, { address }: Neighbour): boolean =>
  (writtenOf(world, name).peers ?? []).some(
    (peer) => peer.vrf === undefined && isSameAddress(prefixOf(peer.address), address),
  );

const sessionsOf = (world: World): readonly Session[] =>
  world.hosts.flatMap((host) =>
    (host.bgp?.neighbours ?? [])
      .filter((each) => !isPeer(world, host, each))
      .map((neighbour) => ({
        host,
        bgp: host.bgp as Bgp,
        neighbour,
        other: holderOf(world, neighbour.address),
      })),
  );

/** The address that a host speaks from: as it says, or as the kernel has it, which takes that of the prefix the neighbour is in. */
const spokenFrom = (host: TreeHost, { source, address }: Neighbour): Prefix | undefined =>
  source ?? host.interfaces.flatMap(({ addresses }) => addresses).find((each) => holds(each, address));

/** The other end of a session: that of the neighbour's by which it comes back to the address this end speaks from. */
function backOf(sessions: readonly Session[], { host, neighbour, other }: Session): Session | undefined {
  const source = spokenFrom(host, neighbour);
  if (source === undefined) return undefined;
  return sessions.find(
    (each) => each.host === other && each.other === host && isSameAddress(each.neighbour.address, source),
  );
}

function isAsExpected({ bgp, neighbour, other }: Session): boolean {
  const asn = other?.bgp?.asn;
  if (neighbour.remoteAs === "internal") return asn === bgp.asn;
  if (neighbour.remoteAs === "external") return asn !== bgp.asn;
  return String(asn) === neighbour.remoteAs;
}

/** Who is named names back, from the address that was named, in the AS that was named, for the same families. */
export const sessionsAreMutual: Law = (world) => {
  const sessions = sessionsOf(world);
  return sessions.flatMap((session) => {
    const { host, neighbour, other } = session;
    const who = `${host.name} and its neighbour ${neighbour.address.text}`;
    const back = backOf(sessions, session);
    if (other === undefined || other === host) return [`${who}: nobody else has that address`];
    if (back === undefined) return [`${who}: ${other.name} does not name back ${spokenFrom(host, neighbour)?.text}`];
    const found: string[] = [];
    if (!isAsExpected(session)) found.push(`${who}: ${other.name} is not in AS ${neighbour.remoteAs}`);
    if (neighbour.description !== other.name) found.push(`${who}: it is ${other.name}, not ${neighbour.description}`);
    if ([...neighbour.families].sort().join() !== [...back.neighbour.families].sort().join())
      found.push(`${who}: not the same families`);
    if (neighbour.hasBfd !== back.neighbour.hasBfd) found.push(`${who}: only one asks for BFD`);
    const isKnown = ["vteps", "transit"].some((set) =>
      isInSet(host, set, neighbour.address.address, neighbour.address.family),
    );
    if (!isKnown) found.push(`${who}: the guard drops it`);
    return found;
  });
};

/** A router of somebody else's may say what it is said to, in its own AS, and no other part of the overlay. */
export const peersAreHeldTo: Law = (world) =>
  world.hosts.flatMap((host) =>
    (writtenOf(world, host.name).peers ?? []).flatMap(({ address, asn, vrf, accept = [] }) => {
      if (vrf !== undefined) return [];
      const who = `${host.name} and its peer ${address}`;
      const neighbour = host.bgp?.neighbours.find((each) => isSameAddress(each.address, prefixOf(address)));
      if (neighbour === undefined) return [`${who}: there is no session`];
      const own = accept.map((each) => prefixOf(typeof each === "string" ? each : each.cidr));
      const others = claimedPrefixes(world).filter((prefix) => prefix.family === neighbour.address.family);
      return [
        ...(neighbour.remoteAs === String(asn) ? [] : [`${who}: it is not in AS ${neighbour.remoteAs}`]),
        ...own.filter((prefix) => !neighbour.accepts(prefix)).map(({ text }) => `${who}: ${text} is not taken`),
        ...others.filter((prefix) => neighbour.accepts(prefix)).map(({ text }) => `${who}: ${text} is taken from it`),
      ];
    }),
  );

/** Router ids are one for each speaker. */
export const routerIdsAreDistinct: Law = ({ hosts }) => {
  const ids = hosts.flatMap(({ bgp }) => (bgp === undefined ? [] : [bgp.routerId]));
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `two speakers have the router id ${id}`);
};

/** From whom a host has heard: what a client or another AS says is passed on to all, what others say to clients alone. */
type Heard = "own" | "client" | "other";

/** A host that has heard of something, and the AS path. */
interface Hearer {
  readonly host: TreeHost;
  readonly how: Heard;
  readonly path: readonly number[];
}

/** What a host hears from a neighbour that has heard itself; nothing of what has been in its AS too often. */
function passedOn(session: Session, back: Session, { how, path: told }: Hearer, family: string): Hearer | undefined {
  const { host, bgp, neighbour } = session;
  const isExternal = bgp.asn !== back.bgp.asn;
  if (how === "other" && !isExternal && !back.neighbour.isClient(family)) return undefined;
  const path = isExternal ? [back.bgp.asn, ...told] : told;
  if (path.filter((asn) => asn === bgp.asn).length > neighbour.ownAsMost(family)) return undefined;
  return { host, how: isExternal || neighbour.isClient(family) ? "client" : "other", path };
}

/** Who hears what one host says, in one family, past all filters. */
function hearers(
  sessions: readonly Session[],
  origin: TreeHost,
  family: string,
  isTaken: (session: Session, back: Session) => boolean,
): ReadonlySet<string> {
  const spoken = sessions.filter(({ neighbour }) => neighbour.families.includes(family));
  const heard = new Map<string, Hearer>([["", { host: origin, how: "own", path: [] }]]);
  // A map goes on to what is put into it meanwhile.
  for (const teller of heard.values()) {
    for (const session of spoken) {
      const back = session.other === teller.host ? backOf(sessions, session) : undefined;
      const now = back !== undefined && isTaken(session, back) ? passedOn(session, back, teller, family) : undefined;
      const key = `${session.host.name} ${now?.how}`;
      if (now !== undefined && !heard.has(key)) heard.set(key, now);
    }
  }
  return new Set([...heard.values()].map(({ host }) => host.name));
}

/** Members of one segment or VRF hear each other. */
export const evpnReachesAll: Law = (world) => {
  const sessions = sessionsOf(world);
  const family = "l2vpn evpn";
  return world.hosts.flatMap((host) => {
    if (host.bgp?.hasEvpn !== true) return [];
    const reached = hearers(sessions, host, family, () => true);
    const vnis = new Set(host.vxlans.map(({ vni }) => vni));
    return world.hosts
      .filter((other) => other.vxlans.some(({ vni }) => vnis.has(vni)) && !reached.has(other.name))
      .map((other) => `${other.name} does not hear of the guests of ${host.name}`);
  });
};

/** What a host's routes of a VNI carry, as FRR prints it. */
const said = ({ asn, targets }: Bgp, vni: number): readonly string[] =>
  targets.get(vni)?.exports ?? [`${asn % 65_536}:${vni}`];

/** Whether a host takes in what carries such targets; what is derived takes any AS's. */
function isTaken({ targets }: Bgp, vni: number, carried: readonly string[]): boolean {
  const imports = targets.get(vni)?.imports;
  if (imports !== undefined) return carried.some((target) => imports.includes(target));
  return carried.some((target) => /^\d{1,5}:/.test(target) && target.endsWith(`:${vni}`));
}

/** Of each segment and VRF a host takes in what the others say, and nothing of another's; its neighbours' gets past its filters. */
export const targetsAreOfOneNetwork: Law = (world) => {
  const speakers = world.hosts.flatMap(({ name, bgp, vxlans }) =>
    bgp === undefined || !bgp.hasEvpn ? [] : [{ name, bgp, vnis: vxlans.map(({ vni }) => vni) }],
  );
  return speakers.flatMap((one) =>
    speakers.flatMap((other) =>
      other.vnis.flatMap((vni) => {
        const carried = said(other.bgp, vni);
        const words = `${[...carried]
          .sort()
          .map((target) => `RT:${target}`)
          .join(" ")} ET:8`;
        const neighbour = one.bgp.neighbours.find(({ description }) => description === other.name);
        return [
          ...one.vnis
            .filter((own) => (own === vni) !== isTaken(one.bgp, own, carried))
            .map(
              (own) =>
                `${one.name}: what ${other.name} says of ${vni} is ${own === vni ? "not " : ""}taken into ${own}`,
            ),
          ...(one === other || neighbour?.takes(words) !== false
            ? []
            : [`${one.name}: what ${other.name} says of ${vni} is kept out`]),
        ];
      }),
    ),
  );
};

/** The interface and peer by which a host sends what it heard from a neighbour. */
function carries(host: TreeHost, neighbour: Prefix, prefix: Prefix): boolean {
  return host.interfaces.some(({ peers }) =>
    peers.some(
      ({ allowedIps }) =>
        allowedIps.some((each) => holds(each, neighbour)) && allowedIps.some((each) => holds(each, prefix)),
    ),
  );
}

/** Nobody is told of the LAN that it is on, nor of a neighbour there. */
function isOnLan(world: World, { name }: TreeHost, prefix: Prefix): boolean {
  const { site } = writtenOf(world, name);
  if (site === undefined) return false;
  const neighbours = Object.values(world.wanted.hosts).filter((each) => each.site === site);
  return (
    (world.wanted.sites[site]?.lan ?? []).includes(prefix.text) ||
    neighbours.some(({ lanEndpoint = "" }) => prefix.text === `${lanEndpoint.replace(/[[\]]/g, "")}/${prefix.length}`)
  );
}

/** Where FRR routes, each host hears of each prefix of the others, from somebody whose tunnel may carry it. */
export const unicastReachesAll: Law = (world) => {
  const sessions = sessionsOf(world);
  return world.hosts.flatMap((host) =>
    (host.bgp?.networks ?? []).flatMap((prefix) => {
      const family = `ipv${prefix.family} unicast`;
      const isTaken = (session: Session, back: Session): boolean =>
        back.neighbour.hears(prefix) &&
        session.neighbour.accepts(prefix) &&
        carries(session.host, session.neighbour.address, prefix);
      const reached = hearers(sessions, host, family, isTaken);
      return world.hosts
        .filter(({ name, bgp }) => bgp !== undefined && bgp.networks.length > 0 && !reached.has(name))
        .filter((other) => !isOnLan(world, other, prefix))
        .map((other) => `${other.name} does not hear of ${prefix.text} of ${host.name}`);
    }),
  );
};

/** What a host has on its loopback it announces. */
export const loopbacksAreAnnounced: Law = ({ hosts }) =>
  hosts.flatMap((host) => {
    const loopback = host.links.find(({ name }) => name === "lo")?.addresses ?? [];
    return loopback
      .filter((each) => !(host.bgp?.networks ?? []).some((network) => holds(network, alone(each))))
      .map((each) => `${host.name} announces ${each.text} to nobody`);
  });
