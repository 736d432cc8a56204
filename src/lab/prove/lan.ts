/** Hosts without WireGuard and the overlay reach each other by the gateway, with exactly what its tunnels carry. */
import { must } from "../../base/invariant.ts";
import { containsAddress, familyOf, type IpAddress, prefixLengthBits } from "../../base/ip.ts";
import type { Host, LanRoute } from "../../model/host.ts";
import { poolAddresses, unicastOf } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import { roomBetween } from "../../ways/bgp-choice.ts";
import { neighbourBy } from "../../ways/lan-routes.ts";
import { type Ways, waysOf } from "../../ways/ways.ts";
import { isHeard } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { payloadBytes, pingWords, SMALL_BYTES } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Prover } from "../measure/promise.ts";
import { lanAddressOf } from "../plan/site.ts";
import { all, measureExactly } from "./mtu.ts";

/** An address in the tunnels, and the route that leads a host there. */
interface Target {
  readonly to: IpAddress;
  readonly route: LanRoute;
  readonly bytes: number;
}

/** What the tunnels from a gateway to a host carry; where BGP routes, those that it chooses. */
function roomBehind(ways: Ways, gateway: Host | undefined, other: Host): number {
  const isRouted = gateway !== undefined && unicastOf(other) !== undefined;
  return (isRouted ? roomBetween(ways, gateway, other.name) : other.interfaces[0]?.mtu) ?? Number.POSITIVE_INFINITY;
}

/** What of another host a host without WireGuard reaches by the gateway: an address of a tunnel is only the tunnel's. */
export function targetsOf(ways: Ways, from: Host, other: Host): readonly Target[] {
  return poolAddresses(other).flatMap(({ address: to }) => {
    const routes = from.lanRoutes.filter(({ prefix }) => containsAddress(prefix, to));
    // The longest prefix; a host of the LAN itself is reached directly.
    const [route] = routes.sort((a, b) => prefixLengthBits(b.prefix) - prefixLengthBits(a.prefix));
    if (route?.mtu === undefined) return [];
    const room = roomBehind(ways, neighbourBy(ways.network, from, route), other);
    return [{ to, route, bytes: Math.min(route.mtu, room) }];
  });
}

function outwardPromise(ways: Ways, { host, box }: RunningHost, other: Host): readonly LabPromise[] {
  const targets = targetsOf(ways, host, other);
  const [first] = targets;
  if (first === undefined) return [];
  const refused = (target: Target): number => must(target.route.mtu, "the route has an MTU") + 1;
  return [
    {
      kind: "mtu",
      subject: `${host.name} -> ${other.name}, by its gateway`,
      promise: `exactly ${first.bytes} bytes, larger ones do not even leave`,
      command: execCommand(box, ...pingWords({ to: first.to, bytes: first.bytes })),
      measure: () => all(targets.map((each) => measureExactly(box, each, { to: each.to, bytes: refused(each) }, []))),
    },
  ];
}

function inwardPromise(from: RunningHost, host: Host, network: Network): readonly LabPromise[] {
  const to = lanAddressOf(host);
  const isReached = network.prefixes.some(({ prefix, use }) => use.kind === "lan" && to && containsAddress(prefix, to));
  const hasFamily = from.host.interfaces.some(({ addresses }) =>
    addresses.some(({ address }) => to !== undefined && familyOf(address) === familyOf(to)),
  );
  if (to === undefined || !isReached || !hasFamily || from.host.reach.site === host.reach.site) return [];
  const probe = { to, bytes: SMALL_BYTES };
  return [
    {
      kind: "mtu",
      subject: `${from.host.name} -> ${host.name}, by its gateway`,
      promise: `${to} answers`,
      command: execCommand(from.box, ...pingWords(probe)),
      measure: async () => {
        const words = ["-n", "-c", "1", "-W", "1", "-s", String(payloadBytes(probe)), to];
        const isAnswered = await eventually(async () => (await from.box.attempt("ping", ...words)).status === 0, 20);
        return { isKept: isAnswered, measured: isAnswered ? "answered" : "no answer within 20 s, expected one" };
      },
    },
  ];
}

/** Measured before what counts the fragments. */
export const lan: Prover = {
  kind: "mtu",
  isAlone: false,
  promises: (lab: Lab) => {
    const hosts = runningHosts(lab);
    const ways = waysOf(lab.network);
    const outsiders = hosts.filter(({ host }) => host.interfaces.length === 0);
    const heard = hosts.filter(({ host }) => isHeard(host, lab.network.hosts));
    return outsiders.flatMap((outsider) =>
      heard.flatMap((other) => [
        ...outwardPromise(ways, outsider, other.host),
        ...inwardPromise(other, outsider.host, lab.network),
      ]),
    );
  },
};
