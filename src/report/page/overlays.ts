/** The tables of what lies over the tunnels and what leads out of them: segments, VRFs, exits, others' BGP speakers. */
import type { AcceptedPrefix, Peer } from "../../model/bgp.ts";
import type { Exit } from "../../model/exit.ts";
import type { Network } from "../../model/network.ts";
import { peersOf } from "../../model/peer.ts";
import type { Segment } from "../../model/segment.ts";
import { markup, type Piece } from "../markup.ts";
import { addressText, hostLink, hostLinks, prefixText, separated, table } from "./parts.ts";

function gatewayCell({ gateway }: Segment): Piece {
  switch (gateway.kind) {
    case "none":
      return "none";
    case "shared":
      return [gateway.addresses.map(addressText).join(", "), " on ", hostLinks(gateway.hosts)];
    case "each":
      return separated(
        gateway.hosts.map(({ host, addresses }) => [hostLink(host), ` ${addresses.map(addressText).join(", ")}`]),
        "; ",
      );
  }
}

const exitCell = ({ host, interface: name, hasSnat, families, probes }: Exit): Piece => [
  hostLink(host),
  ` by ${name}`,
  hasSnat && ", SNAT",
  families.includes(6) && ", IPv6 too",
  probes.length > 0 && `, probed by ${probes.join(" and ")}`,
];

const inOrder = (exits: readonly Exit[]): Piece =>
  markup`<ol>${exits.map((exit) => markup`<li>${exitCell(exit)}</li>`)}</ol>`;

const acceptedText = ({ prefix, hasMoreSpecifics }: AcceptedPrefix): string =>
  hasMoreSpecifics ? `${prefix} and longer` : prefix;

function peerRow(host: string, { address, asn, vrf, accepted, announced, maxPrefixes }: Peer): readonly Piece[] {
  const most = maxPrefixes === undefined ? "" : `, ${maxPrefixes} at the most`;
  return [
    hostLink(host),
    address,
    asn,
    vrf ?? "none",
    accepted.length === 0 ? "nothing" : `${accepted.map(acceptedText).join(", ")}${most}`,
    announced.length === 0 ? "nothing" : prefixText(announced),
  ];
}

/** Segments, VRFs, ways out and BGP with others, a table each. */
export function overlays({ hosts, segments, vrfs, exits, remotes }: Network): Piece {
  const ways: readonly (readonly [Piece, string, readonly Exit[]])[] = [
    ["all else, for what is in no VRF", "0.0.0.0/0, ::/0", exits],
    ...vrfs.map((vrf) => [`all else, for VRF ${vrf.name}`, "0.0.0.0/0, ::/0", vrf.exits] as const),
    ...remotes.map((remote) => [remote.name, prefixText(remote.prefixes), remote.exits] as const),
  ];
  return [
    table(
      "Segments",
      ["name", "VNI", "prefixes", "gateway", "VRF", "MTU", "members"],
      segments.map((segment) => [
        segment.name,
        segment.vni,
        prefixText(segment.prefixes),
        gatewayCell(segment),
        segment.vrf ?? "none",
        segment.mtu.bytes,
        hostLinks(segment.members),
      ]),
    ),
    table(
      "VRFs",
      ["name", "VNI and table", "prefixes", "reaches besides", "MTU", "members"],
      vrfs.map(({ name, vni, table: number, prefixes, leaks, mtu, members }) => [
        name,
        `${vni}, ${number}`,
        prefixText(prefixes),
        leaks.join(", "),
        mtu.bytes,
        hostLinks(members),
      ]),
    ),
    table(
      "Ways out",
      ["to", "prefixes", "by whom, in this order"],
      ways.filter(([, , all]) => all.length > 0).map(([to, prefixes, all]) => [to, prefixes, inOrder(all)]),
    ),
    table(
      "BGP with speakers that are not netgen's",
      ["host", "neighbour", "AS", "VRF", "taken from it", "told to it"],
      hosts.flatMap((host) => peersOf(host).map((peer) => peerRow(host.name, peer))),
    ),
  ];
}
