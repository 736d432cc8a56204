/** Docker drops what the host forwards for others. Its chain for the user's own rules lets the overlay's packets through. */
import { familyOf, type IpFamily } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";
import type { View } from "./template.ts";

const UNIT = "netgen-docker.service";

/** What passes, as iptables matches it: between links of the overlay, and between their guests and the uplink. */
function linkMatches({ interfaces, bridges, uplink }: Host): readonly string[] {
  const guests = bridges.map(({ name }) => name);
  const links = [...interfaces.map(({ name }) => name), ...guests];
  const inside = links.flatMap((from) => links.map((to) => `-i ${from} -o ${to}`));
  const outside =
    uplink === undefined ? [] : guests.flatMap((name) => [`-i ${name} -o ${uplink}`, `-i ${uplink} -o ${name}`]);
  return [...inside, ...outside];
}

/** What lies behind the host may be on a bridge of Docker's own: it goes by its prefix. */
function prefixMatches({ interfaces, ownedPrefixes }: Host, family: IpFamily): readonly string[] {
  const own = ownedPrefixes.map(({ prefix }) => prefix).filter((prefix) => familyOf(prefix) === family);
  return interfaces.flatMap(({ name }) =>
    own.flatMap((prefix) => [`-i ${name} -d ${prefix}`, `-o ${name} -s ${prefix}`]),
  );
}

function rules(host: Host, context: EmitContext, family: IpFamily) {
  const view: View = { matches: [...linkMatches(host), ...prefixMatches(host, family)] };
  return publicFile(host, context, {
    path: `etc/netgen/docker.rules${family}`,
    template: "docker/docker.rules.njk",
    view,
    after: [reload(UNIT)],
  });
}

/** The rules of both families, the script that puts them into Docker's chain, and its unit; nothing without Docker. */
export const emitDocker: Emitter = (host, context) => {
  if (!host.hasDocker) return [];
  const script = { path: "etc/netgen/docker-user", template: "docker/docker-user.njk", after: [reload(UNIT)] };
  const unit = {
    path: `etc/systemd/system/${UNIT}`,
    template: `docker/${UNIT}.njk`,
    after: [RELOAD_UNITS, reload(UNIT)],
  };
  return [
    rules(host, context, 4),
    rules(host, context, 6),
    scriptFile(host, context, { ...script, view: {} }),
    publicFile(host, context, { ...unit, view: {} }),
  ];
};

/** Units of {@link emitDocker} that the host has to enable. */
export function dockerUnits(host: Host): readonly string[] {
  return host.hasDocker ? [UNIT] : [];
}
