/** Commands that look at a host and its tunnels, each with the answer that is good. */
import { familyOf, type IpAddress } from "../../base/ip.ts";
import { pingPayload } from "../../base/mtu.ts";
import type { WireguardInterface } from "../../model/device.ts";
import { TUNNEL_MARK } from "../../model/exit.ts";
import { fleetMark } from "../../model/fleet.ts";
import type { Host } from "../../model/host.ts";
import type { Peer } from "../../model/reach.ts";
import { mtuTowards } from "../../model/tunnel.ts";
import { isLasting } from "../../model/unit.ts";
import type { Known, Look } from "./description.ts";

/** Of many neighbours so many are asked one by one: what is wrong with all shows with these. */
const SOME = 2;

/** The first ones of many. */
export const some = <T>(all: readonly T[]): readonly T[] => all.slice(0, SOME);

/** A text as a regular expression that matches it alone. */
export const exactly = (text: string | number): string => String(text).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** A command and its good answer, in words and as what has to match, and must not. */
export function look(
  { name }: Pick<Host, "name">,
  command: string,
  good: string,
  { matches = [], lacks = [] }: Partial<Pick<Look, "matches" | "lacks">> = {},
): Look {
  return { on: name, command, good, matches, lacks };
}

/** Of two that share a key one alone has tunnels, and it may be the other. */
export const isSilent = ({ vrrp }: Host): boolean => vrrp?.isExclusive === true;

/** The program that asks the most, and what runs at all. */
export function firstLooks({ network, unitsOf }: Known, host: Host): readonly Look[] {
  const all = unitsOf(host.name);
  // Tunnels of two that share a key are up on one of them.
  const units = all.filter((unit) => isLasting(unit, all) && !(isSilent(host) && unit.startsWith("wg-quick@")));
  const verify = look(
    host,
    `/etc/netgen${fleetMark(network)}/verify`,
    "no line that begins with not ok; one names what to look at below",
    {
      matches: ["^ok 1 - "],
      lacks: ["^not ok "],
    },
  );
  if (units.length === 0) return [verify];
  const lines = { matches: ["^active$"], lacks: ["^(?!active$)."] };
  return [verify, look(host, `systemctl is-active ${units.join(" ")}`, "active, on each line", lines)];
}

/** Whether the underlay is there at all: by which link the first peer is dialled whose address is known. */
export function underlayLooks({ peers }: Known, { name, interfaces, egress }: Host): readonly Look[] {
  const dialled = interfaces.flatMap((link) => link.peers.flatMap((id) => peers.get(id)?.endpoints ?? []));
  const [first] = dialled.filter((endpoint) => endpoint.kind === "address");
  if (first === undefined) return [];
  const own = interfaces.map((link) => exactly(link.name)).join("|");
  // Where the host's own packets leave by an exit, those of tunnels are told from them.
  const mark = egress?.own === undefined ? "" : ` mark ${TUNNEL_MARK}`;
  return [
    look({ name }, `ip route get ${first.address}${mark}`, "a route by the uplink, and not by a tunnel", {
      matches: [`^${exactly(first.address)} .*dev `],
      lacks: [` dev (${own}) `],
    }),
  ];
}

/** An address of the other end of a tunnel, to ping, and how large a packet it takes. */
function farEnd({ hosts, peers }: Known, { name }: Host, peer: string): IpAddress | undefined {
  const other = hosts.get(peer);
  if (other === undefined || other.app !== undefined) return undefined;
  const leadsBack = (link: WireguardInterface): boolean => link.peers.some((id) => peers.get(id)?.host === name);
  return (other.interfaces.find(leadsBack) ?? other.interfaces[0])?.addresses[0]?.address;
}

/** The largest packet that goes to a peer, and comes back. */
export function pingLooks(known: Known, host: Host, link: WireguardInterface, peer: string): readonly Look[] {
  const address = farEnd(known, host, peer);
  if (address === undefined) return [];
  const size = pingPayload(mtuTowards(link, peer), familyOf(address));
  const good = `0% packet loss: ${peer} answers to ${mtuTowards(link, peer)} bytes`;
  return [look(host, `ping -c 3 -i 0.3 -M do -s ${size} ${address}`, good, { matches: [" 0% packet loss"] })];
}

/** What leads into a tunnel, asked of the kernel. */
export function routeLooks(known: Known, host: Host, link: WireguardInterface, peer: Peer): readonly Look[] {
  const address = farEnd(known, host, peer.host);
  if (address === undefined) return [];
  return [
    look(host, `ip route get ${address}`, `by ${link.name}`, {
      matches: [`^${exactly(address)} .*dev ${exactly(link.name)} `],
    }),
  ];
}

export const deviceLook = (host: Host, link: string, mtu: number, more: Partial<Look> = {}): Look => {
  const { good = "", matches = [] } = more;
  return look(host, `ip -d link show dev ${link}`, `up, mtu ${mtu}${good === "" ? "" : `, ${good}`}`, {
    matches: ["<(.*,)?UP[,>]", ` mtu ${mtu} `, ...matches],
  });
};

/** A tunnel interface: whether it is there, who was heard, and what goes through. */
function tunnelLooks(known: Known, host: Host, link: WireguardInterface): readonly Look[] {
  const peers = link.peers.flatMap((id) => known.peers.get(id) ?? []);
  const lasting = peers.filter((peer) => known.hosts.get(peer.host)?.app === undefined);
  const but = lasting.length === peers.length ? "" : ", but for phones and laptops that are away";
  const heard = look(
    host,
    `wg show ${link.name} latest-handshakes`,
    `no 0, a peer never heard${but}; where there is traffic, none older than 180 s (date +%s says now)`,
    { matches: peers.length === 0 ? [] : ["\\t[1-9]"], lacks: but === "" ? ["\\t0$"] : [] },
  );
  // Whoever sets the MTU comes first: it is the one that a path can prove wrong.
  const asked = lasting.toSorted((a, b) => Number(b.host === link.limitingPeer) - Number(a.host === link.limitingPeer));
  return [
    deviceLook(host, link.name, link.mtu),
    heard,
    ...some(asked).flatMap((peer) => [
      ...routeLooks(known, host, link, peer),
      ...pingLooks(known, host, link, peer.host),
    ]),
  ];
}

/** All tunnels of a host. */
export function tunnelsLooks(known: Known, host: Host): readonly Look[] {
  if (!isSilent(host)) return host.interfaces.flatMap((link) => tunnelLooks(known, host, link));
  const { vrrp } = host;
  return vrrp === undefined
    ? []
    : [
        look(
          host,
          `ip address show dev ${vrrp.interface}`,
          `${vrrp.address.address} on one of ${host.name} and ${vrrp.other.host}, which has the tunnels`,
          {
            matches: [`inet6? ${exactly(vrrp.source)}/`],
          },
        ),
      ];
}

/** Routes by the LAN of a site. */
export function lanLooks(host: Host): readonly Look[] {
  return some(host.lanRoutes).map(({ prefix, via, mtu }) =>
    look(host, `ip route show exact ${prefix}`, `via ${via}${mtu === undefined ? "" : `, mtu ${mtu}`}`, {
      matches: [` via ${exactly(via)} `, ...(mtu === undefined ? [] : [` mtu ${mtu}`])],
    }),
  );
}
