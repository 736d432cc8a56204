/** A tunnel explained, from both ends. */
import { must } from "../../base/invariant.ts";
import type { WireguardInterface } from "../../model/device.ts";
import type { Host } from "../../model/host.ts";
import { endpointText, type Peer } from "../../model/reach.ts";
import { mtuTowards } from "../../model/tunnel.ts";
import type { TunnelRow } from "../mtu.ts";
import { type Description, type Fact, fact, type Known, type Look, listed } from "./description.ts";
import { deviceLook, look, pingLooks, routeLooks } from "./looks.ts";
import { addressText, tunnelSum } from "./numbers.ts";

/** One end: whose, by which interface, and how it knows the other. */
interface End {
  readonly host: Host;
  readonly link: WireguardInterface;
  readonly other: Peer;
}

function endOf({ peers }: Known, host: Host, to: string): End {
  const found = host.interfaces.flatMap((link) =>
    link.peers.flatMap((id) => {
      const peer = peers.get(id);
      return peer?.host === to ? [{ host, link, other: peer }] : [];
    }),
  );
  return must(found[0], "neighbours have an interface between them");
}

function endFacts({ host, link, other }: End): readonly Fact[] {
  const { endpoints, keepaliveSeconds, allowedIps, hasPresharedKey } = other;
  const dials =
    endpoints.length === 0 ? `is dialled by ${other.host}` : `dials ${endpoints.map(endpointText).join(", else ")}`;
  const keepalive =
    keepaliveSeconds === 0
      ? []
      : [[`keepalive every ${keepaliveSeconds} s`, "so that the way back stays open"] as const];
  return [
    fact(host.name, `${link.name}, port ${link.listenPort}, ${link.addresses.map(addressText).join(", ")}`),
    ...listed("", [
      [dials],
      ...keepalive,
      [
        `takes and sends ${allowedIps.length > 6 ? `${allowedIps.length} prefixes` : allowedIps.join(", ")}`,
        "AllowedIPs",
      ],
      [
        `MTU ${mtuTowards(link, other.host)}`,
        mtuTowards(link, other.host) < link.mtu ? "in its routes to the other" : undefined,
      ],
      ...(hasPresharedKey ? [["a preshared key"] as const] : []),
    ]),
  ];
}

function endLooks(known: Known, { host, link, other }: End): readonly Look[] {
  if (host.app !== undefined) return [];
  return [
    deviceLook(host, link.name, link.mtu),
    look(
      host,
      `wg show ${link.name} latest-handshakes | grep -F ${other.publicKey}`,
      "not 0: it was heard, then (seconds since 1970)",
      { matches: ["\\t[1-9]"] },
    ),
    look(
      host,
      `wg show ${link.name} endpoints | grep -F ${other.publicKey}`,
      `where ${other.host} was last heard from, and not (none)`,
      { lacks: ["\\(none\\)"], matches: ["\\t.+:\\d+$"] },
    ),
    ...routeLooks(known, host, link, other),
    ...pingLooks(known, host, link, other.host),
  ];
}

/** What the two send each other, and why that is less than their path allows where it is. */
function mtuFacts(row: TunnelRow): readonly Fact[] {
  if (row.effectiveMtu === row.mtu) return [fact("MTU", row.mtu, tunnelSum(row))];
  const least = row.ends.find(({ mtu, routeMtu }) => (routeMtu ?? mtu) === row.effectiveMtu);
  const why = `${least?.interface} on ${least?.host} has no more, by the path to ${least?.limitingPeer}`;
  return [fact("MTU", row.effectiveMtu, why), fact("", `the path allows ${row.mtu}`, tunnelSum(row))];
}

/** The tunnel between two hosts that have one. */
export function describeLink(known: Known, a: Host, b: Host): Description {
  const ends = [endOf(known, a, b.name), endOf(known, b, a.name)];
  const row = known.tunnelRow(a, b);
  return {
    kind: "link",
    name: `${a.name}--${b.name}`,
    facts: [
      fact("is", "a tunnel, by WireGuard"),
      ...mtuFacts(row),
      fact("outside", `IPv${row.outer.family}`, row.outer.why),
      fact("TCP MSS", `${row.mss.ipv4} for IPv4, ${row.mss.ipv6} for IPv6`),
      ...ends.flatMap(endFacts),
    ],
    dependents: [a, b].flatMap((host) => {
      const [other] = [a, b].filter((each) => each !== host);
      return known.neighboursOf(host).size === 1 && known.network.hosts.length > 2
        ? [{ who: host.name, loses: `all others: its only tunnel is the one to ${other?.name}` }]
        : [];
    }),
    looks: ends.flatMap((end) => endLooks(known, end)),
  };
}
