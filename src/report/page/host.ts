/** One host in the page: its addresses, links, peers, ways out and files, and what is said of it. */
import { grouped } from "../../base/grouped.ts";
import type { Located } from "../../base/render.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { endpointText, type Peer, waysInWords } from "../../model/reach.ts";
import { mtuTowards } from "../../model/tunnel.ts";
import { counted, MAX_DETAILED_HOSTS, type Node, numberInWords } from "../draw/diagram.ts";
import { type Markup, markup, type Piece } from "../markup.ts";
import { filesOf, type HostFile } from "./files.ts";
import { addressText, anchorOf, entry, hostLink, hostLinks, prefixText, separated } from "./parts.ts";
import { type PlanInWords, stepsOf } from "./plan.ts";
import { diagnosticItem } from "./said.ts";

/** What is known besides the hosts themselves, by name. */
export interface Known {
  readonly network: Network;
  /** By {@link Network.peers}' id. */
  readonly peers: ReadonlyMap<string, Peer>;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly files: ReadonlyMap<string, readonly HostFile[]>;
  readonly said: ReadonlyMap<string, readonly Located[]>;
  /** What others lose with a host. */
  readonly without: ReadonlyMap<string, string>;
  readonly plan: PlanInWords | undefined;
}

const rows = (headings: readonly string[], all: readonly (readonly Piece[])[]): Piece =>
  all.length > 0 &&
  markup`<table><thead><tr>${headings.map((heading) => markup`<th scope="col">${heading}`)}<tbody>
${all.map((cells) => markup`<tr>${cells.map((cell) => markup`<td>${cell}`)}\n`)}</table>
`;

/** All but a few, in fewer words than they themselves. */
function peersInShort(host: Host, names: readonly string[], known: Known): Piece {
  const others = known.network.hosts.filter(({ name, interfaces }) => name !== host.name && interfaces.length > 0);
  const own = new Set(names);
  const missing = others.map(({ name }) => name).filter((name) => !own.has(name));
  const isMost = names.length > 12 && missing.length <= 12;
  if (!isMost) return hostLinks(names);
  return missing.length === 0 ? "all other hosts with WireGuard" : ["all but ", hostLinks(missing)];
}

function peerRows(host: Host, { peers }: Known): readonly (readonly Piece[])[] {
  return host.interfaces.flatMap((link) =>
    link.peers.flatMap((id) => {
      const peer = peers.get(id);
      if (peer === undefined) return [];
      const dialled = peer.endpoints.length === 0 ? "it dials" : peer.endpoints.map(endpointText).join(", ");
      const keepalive =
        peer.keepaliveSeconds > 0 && markup`<div><small>keepalive ${peer.keepaliveSeconds} s</small></div>`;
      return [
        [
          hostLink(peer.host),
          link.name,
          mtuTowards(link, peer.host),
          [dialled, keepalive],
          prefixText(peer.allowedIps),
        ],
      ];
    }),
  );
}

/** Whom it has tunnels with, in a line. */
function peersLine(host: Host, known: Known): Piece {
  const names = host.interfaces.flatMap(({ peers }) => peers.map((id) => known.peers.get(id)?.host ?? ""));
  return names.length > 0 && [`${numberInWords(names.length)}: `, peersInShort(host, names, known)];
}

/** Its links, each in a line. */
function linkLines({ interfaces, bridges, vxlans, vrfs }: Host): Piece {
  const carrierOf = new Map(vxlans.map(({ segment, name }) => [segment, name]));
  return [
    ...interfaces.map(({ name, addresses, mtu }) =>
      entry(name, `${addresses.map(addressText).join(", ")}, MTU ${mtu}`),
    ),
    ...bridges.map(({ link, addresses, mtu, subnet, vrf }) => {
      const parts = [
        subnet,
        ...addresses.map(addressText),
        mtu === undefined ? "" : `MTU ${mtu}`,
        carrierOf.get(subnet) ?? "",
        vrf === undefined ? "" : `VRF ${vrf}`,
      ];
      return entry(link, parts.filter((part) => part !== "").join(", "));
    }),
    vrfs.length > 0 && entry("VRFs", vrfs.map(({ name, table }) => `${name} (table ${table})`).join(", ")),
  ];
}

/** Its links, those of tunnels first. */
function linkRows({ interfaces, bridges, vxlans, vrfs }: Host): readonly (readonly Piece[])[] {
  return [
    ...interfaces.map(({ name, addresses, mtu, listenPort, limitingPeer }) => [
      name,
      addresses.map(addressText).join(", "),
      mtu,
      [`WireGuard, port ${listenPort}`, limitingPeer !== undefined && `, MTU by the path to ${limitingPeer}`],
    ]),
    ...bridges.map(({ link, vlan, addresses, mtu, subnet, vrf }) => [
      link,
      addresses.map(addressText).join(", "),
      mtu ?? "",
      [`subnet ${subnet}`, vlan !== undefined && `, VLAN ${vlan}`, vrf !== undefined && `, VRF ${vrf}`],
    ]),
    ...vxlans.map(({ name, mtu, vni, local }) => [name, local, mtu, `VXLAN, VNI ${vni}`]),
    ...vrfs.map(({ name, table }) => [name, "", "", `VRF, table ${table}`]),
  ];
}

function exitsOf({ exit, egress, snat, vrfs }: Host): Piece {
  const own = [
    ...(exit === undefined ? [] : [`others' by ${exit.interface}`]),
    ...vrfs.flatMap((vrf) => (vrf.exit === undefined ? [] : [`VRF ${vrf.name}'s by ${vrf.exit.interface}`])),
    ...[...grouped(snat, ({ uplink, to }) => `by ${uplink}${to === undefined ? "" : ` to ${to}`}`)].map(
      ([way, all]) => `SNAT ${way} of ${all.map(({ prefix }) => prefix).join(", ")}`,
    ),
  ];
  const exits = egress?.exits.map(({ host }) => host) ?? [];
  const others = [
    ...(exits.length > 0 ? [["its guests by ", separated(exits.map(hostLink), ", else ")]] : []),
    ...(egress?.remotes ?? []).map(({ name, exits: all }) => [
      `${name} by `,
      separated(
        all.map(({ host }) => hostLink(host)),
        ", else ",
      ),
    ]),
  ];
  const all = [...own, ...others];
  return all.length > 0 && separated(all, "; ");
}

function bgpOf(host: Host): Piece {
  const { bgp } = host;
  if (bgp.kind === "none") return undefined;
  const { asn, routerId, isReflector, isDrained, neighbours, peers } = bgp;
  return [
    `AS ${asn}`,
    routerId !== poolAddresses(host)[0]?.address && `, router-id ${routerId}`,
    isReflector && ", route reflector",
    isDrained && ", drained",
    neighbours.length > 0 && `, ${counted(neighbours.length, "EVPN neighbour")}`,
    peers.length > 0 && [", peers ", peers.map((peer) => `${peer.address} (AS ${peer.asn})`).join(", ")],
  ];
}

/** Whether its BGP is what all have. */
const isOrdinary = ({ bgp }: Host, network: Network): boolean =>
  bgp.kind === "none" ||
  (network.bgp.kind !== "none" &&
    bgp.asn === network.bgp.asn &&
    !bgp.isReflector &&
    !bgp.isDrained &&
    bgp.peers.length === 0);

/** What the host is, and what it has besides links; of `known` where these are lines as well. */
function factsOf(host: Host, known: Known | undefined): Piece {
  const behind = host.ownedPrefixes.map(({ prefix, use }) =>
    use.kind === "subnet" ? `${prefix} (${use.subnet})` : prefix,
  );
  const addresses = poolAddresses(host);
  const isKnown = known !== undefined && addresses.length < 2;
  return markup`<dl>${[
    !isKnown && entry("addresses", addresses.map(addressText).join(", ")),
    entry("reached at", waysInWords(host.reach)),
    known === undefined && entry("public key", markup`<code>${host.publicKey}</code>`),
    known === undefined && entry("platform", host.platform, host.uplink !== undefined && `, uplink ${host.uplink}`),
    known !== undefined && [linkLines(host), entry("peers", peersLine(host, known))],
    entry("behind it", behind.join(", ")),
    (known === undefined || !isOrdinary(host, known.network)) && entry("BGP", bgpOf(host)),
    entry("ways out", exitsOf(host)),
  ]}</dl>
`;
}

/** Each link and each peer in a row. */
const inTables = (host: Host, known: Known): Piece => [
  rows(["link", "addresses", "MTU", "what"], linkRows(host)),
  rows(["peer", "by", "MTU", "dialled at", "AllowedIPs"], peerRows(host, known)),
];

/** A host with all that there is to say of it, folded up. */
export function hostPart(host: Host, known: Known): Markup {
  const node = known.nodes.get(host.name);
  const said = known.said.get(host.name) ?? [];
  const without = known.without.get(host.name);
  const isOfMany = known.network.hosts.length > MAX_DETAILED_HOSTS;
  const tags = [host.reach.site, ...(node?.notes ?? [])].filter((tag) => tag !== undefined);
  return markup`<details id="${anchorOf(host.name)}"><summary><b>${host.name}</b> <code>${node?.address}</code>${tags.map((tag) => markup` <i>${tag}</i>`)}${without !== undefined && markup` <i class="warning">single point of failure</i>`}${said.length > 0 && markup` <i class="warning">${counted(said.length, "remark")}</i>`}</summary>
${said.length > 0 && markup`<ul class="said">${said.map(diagnosticItem)}</ul>`}${
  without !== undefined &&
  markup`<p>Without it <a href="#losses">${without}</a>.</p>
`
}${factsOf(host, isOfMany ? known : undefined)}${!isOfMany && [inTables(host, known), known.plan && stepsOf(host.name, known.plan)]}${filesOf(known.files.get(host.name) ?? [])}</details>
`;
}
