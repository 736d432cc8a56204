/** A site explained. */
import type { Site } from "../../model/network.ts";
import { dependentsOf } from "./dependents.ts";
import { type Description, fact, factOfAll, type Known } from "./description.ts";
import { firstLooks } from "./looks.ts";

export function describeSite(known: Known, { name, lan, lanRouter, lanMtu, wanMtu, gateways, asn }: Site): Description {
  const hosts = known.network.hosts.filter(({ reach }) => reach.site === name);
  const { pathMtu } = known.network.underlay;
  const mtu = (what: string, own: number | undefined, means: string) =>
    own === undefined ? fact(what, pathMtu, "underlay.pathMtu") : fact(what, own, means);
  const led = hosts.filter((host) => gateways.includes(host.name));
  return {
    kind: "site",
    name,
    facts: [
      ...factOfAll(
        "hosts",
        hosts.map((host) => host.name),
      ),
      ...factOfAll("LAN", lan),
      ...(lanRouter === undefined ? [] : [fact("lanRouter", lanRouter, "routes between its hosts")]),
      mtu("wanMtu", wanMtu, "of its way out, for hosts of other sites"),
      mtu("lanMtu", lanMtu, "between hosts that dial each other's lanEndpoint"),
      ...factOfAll("gateways", gateways, "by which its others reach other sites"),
      ...factOfAll("AS", asn === undefined ? [] : [String(asn)]),
    ],
    dependents: led.flatMap((host) =>
      dependentsOf(known, host).map(({ who, loses }) => ({ who, loses: `with ${host.name} ${loses}` })),
    ),
    looks: hosts.filter(({ app }) => app === undefined).flatMap((host) => firstLooks(known, host).slice(0, 1)),
  };
}
