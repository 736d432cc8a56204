/** Which files of which hosts a new key changes. */
import { grouped } from "../base/grouped.ts";
import { must } from "../base/invariant.ts";
import { shellWord } from "../base/text.ts";
import { fleetMark } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import { poolAddresses } from "../model/loopback.ts";
import type { Network } from "../model/network.ts";
import { isDialledByScript, type Peer } from "../model/reach.ts";

/** What is put in the same place on several hosts. */
export interface Placed {
  readonly path: string;
  readonly mode: string;
  readonly hosts: readonly string[];
}

export function hostsByText(
  entries: readonly (readonly [text: string, host: string])[],
): readonly [string, readonly string[]][] {
  const groups = grouped(entries, ([text]) => text);
  return [...groups].map(([text, each]) => [text, each.map(([, host]) => host)]);
}

export const hostNamed = ({ hosts }: Network, name: string): Host =>
  must(
    hosts.find((host) => host.name === name),
    "a peer is a host",
  );

export const words = (hosts: readonly string[]): string => hosts.map(shellWord).join(" ");

/** The address that is pinged in the overlay. */
export const addressOf = (host: Host): string =>
  must(poolAddresses(host)[0], "a peer has an address in the overlay").address;

/** A host with a tunnel to another, and how one of its interfaces sees that one. */
export interface View {
  readonly host: string;
  readonly link: string;
  readonly peer: Peer;
}

/** The hosts with a tunnel to this one, and how each of their interfaces sees it. */
export function viewsOf({ hosts, peers }: Network, name: string): readonly View[] {
  const views = new Map(peers.filter((peer) => peer.host === name).map((peer) => [peer.id, peer]));
  return hosts.flatMap((host) =>
    host.interfaces.flatMap((link) => {
      const peer = link.peers.map((id) => views.get(id)).find((view) => view !== undefined);
      return peer === undefined ? [] : [{ host: host.name, link: link.name, peer }];
    }),
  );
}

/** The files of an interface that hold the public key of a peer; one of two that share a key promises nothing of its tunnels. */
function filesWith(link: string, peer: Peer, { fleet, isVerified }: Told): readonly Omit<Placed, "hosts">[] {
  return [
    { path: `/etc/wireguard/${link}.conf`, mode: "600" },
    ...(isDialledByScript(peer) ? [{ path: `/etc/netgen${fleet}/${link}.endpoints`, mode: "644" }] : []),
    ...(isVerified ? [{ path: `/etc/netgen${fleet}/verify.list`, mode: "644" }] : []),
  ];
}

interface Told {
  readonly fleet: string;
  /** Whether the host's verify looks for the peer: not for a phone, which may be anywhere. */
  readonly isVerified: boolean;
}

export function placedFiles(views: readonly View[], network: Network): readonly Placed[] {
  const entries = views.flatMap(({ host, link, peer }) =>
    filesWith(link, peer, {
      fleet: fleetMark(network),
      isVerified:
        hostNamed(network, host).vrrp?.isExclusive !== true && hostNamed(network, peer.host).app === undefined,
    }).map(({ path, mode }) => [`${path} ${mode}`, host] as const),
  );
  return hostsByText(entries).map(([text, hosts]) => {
    const [path = "", mode = ""] = text.split(" ");
    return { path, mode, hosts };
  });
}
