/** Devices that an app configures: what they cannot be told, and what they cannot be. */
import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import { originSpan } from "../model/origin.ts";
import { hostsByName, isApp, platformOf } from "../topology/hosts.ts";
import { routingClass } from "../topology/routing-class.ts";
import type { HostInput, Topology } from "../topology/topology.ts";
import { inRole, type Role, rolesOf } from "./roles.ts";

/** Keys that only files of netgen's carry out. */
const KEYS_OF_HOSTS = [
  "uplink",
  "lanInterface",
  "programs",
  "wireguard",
  "docker",
  "metrics",
  "healthGate",
  "guard",
  "networkManager",
  "acceptRa",
  "keyStore",
  "kubernetes",
  "frr",
  "extra",
] as const;
const KEYS_OF_APPS = ["dns"] as const;

/** What a host says of itself has somebody who does it. */
export function platformsHaveTheirKeys({ hosts }: Topology): readonly Diagnostic[] {
  return hosts.flatMap((host) => {
    const { name, origin } = host;
    const [keys, advice] = isApp(host)
      ? [KEYS_OF_HOSTS, "an app takes in a WireGuard configuration and nothing else: take it out"]
      : [KEYS_OF_APPS, "only what an app takes in names its DNS servers: take it out"];
    return keys
      .filter((key) => origin[key] !== undefined)
      .map((key) => {
        return diagnostic(
          "platform-key-conflict",
          { host: name, key, platform: platformOf(host), advice },
          originSpan(origin, key),
        );
      });
  });
}

/** The second link of a host, and each that comes after it: what its neighbours send each other would pass through it. */
function betweenLinks({ wireguard }: Topology): readonly Role[] {
  const linked = new Set<string>();
  return wireguard.links.flatMap(({ hosts, span }) => {
    const again = hosts.filter((name) => linked.has(name));
    for (const name of hosts) linked.add(name);
    return inRole(
      "between others",
      again.map((value) => ({ value, span })),
    );
  });
}

/** Nothing is asked of an app's device but to send and receive what is its own: netgen cannot have it do more. */
export function appsHaveNoRoles(topology: Topology): readonly Diagnostic[] {
  const hosts = hostsByName(topology);
  return [...rolesOf(topology), ...betweenLinks(topology)].flatMap(({ host: { value: name, span }, role }) => {
    const host = hosts.get(name);
    if (host === undefined || !isApp(host)) return [];
    const related = [{ message: `an app configures ${name}`, span: originSpan(host.origin, "platform") }];
    return [diagnostic("app-role-conflict", { host: name, role }, span, related)];
  });
}

/** Where there are several ways BGP chooses, which no app speaks. */
export function severalWaysHaveNoApps(topology: Topology): readonly Diagnostic[] {
  const routing = routingClass(topology);
  if (routing.kind === "static") return [];
  const { why, span } = routing;
  const related = [{ message: "there is more than one way because of this", span }];
  return topology.hosts
    .filter(isApp)
    .map(({ name: host, origin }: HostInput) =>
      diagnostic("app-with-several-ways", { host, why }, originSpan(origin, "platform"), related),
    );
}
