/** Docker drops what the host forwards for others. Its chain for the user's own rules lets the overlay's packets through. */
import { familyOf, type IpFamily, type IpPrefix } from "../base/ip.ts";
import { knows } from "../base/programs.ts";
import { type Host, type OwnedPrefix, outerLinks } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";
import type { View } from "./template.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "docker.service");

const REPLIES = "-m conntrack --ctstate RELATED,ESTABLISHED";

const prefixesOf = (
  { ownedPrefixes }: Host,
  family: IpFamily,
  isAsked: (use: OwnedPrefix["use"]) => boolean,
): readonly IpPrefix[] =>
  ownedPrefixes.filter(({ prefix, use }) => familyOf(prefix) === family && isAsked(use)).map(({ prefix }) => prefix);

const isLan = ({ kind }: OwnedPrefix["use"]): boolean => kind === "lan" || kind === "lan-route";

/** What passes, as iptables matches it: between links of the overlay, and from their guests to the uplink and the LAN and back. */
function linkMatches(host: Host, family: IpFamily): readonly string[] {
  const { interfaces, bridges, lanInterface } = host;
  const guests = bridges.map(({ link }) => link);
  const links = [...interfaces.map(({ name }) => name), ...guests];
  const inside = links.flatMap((from) => links.map((to) => `-i ${from} -o ${to}`));
  const lans = prefixesOf(host, family, isLan).map((lan) => `-s ${lan}`);
  const outside = outerLinks(host).flatMap((outward) =>
    guests.flatMap((name) => [
      `-i ${name} -o ${outward}`,
      ...[REPLIES, ...(outward === lanInterface ? lans : [])].map((match) => `-i ${outward} -o ${name} ${match}`),
    ]),
  );
  return [...inside, ...outside];
}

/** What lies behind the host may be on a bridge of Docker's own: it goes by its prefix. */
function prefixMatches(host: Host, family: IpFamily) {
  const own = prefixesOf(host, family, () => true);
  const each = (matches: (name: string, prefix: IpPrefix) => readonly string[]): readonly string[] =>
    host.interfaces.flatMap(({ name }) => own.flatMap((prefix) => matches(name, prefix)));
  return {
    rawMatches: each((name, prefix) => [`-i ${name} -d ${prefix}`]),
    both: each((name, prefix) => [`-i ${name} -d ${prefix}`, `-o ${name} -s ${prefix}`]),
  };
}

function rules(host: Host, context: EmitContext, family: IpFamily) {
  const { rawMatches, both } = prefixMatches(host, family);
  const passesRaw = rawMatches.length > 0 && knows(host.programs, "docker-direct-access");
  const view: View = { matches: [...linkMatches(host, family), ...both], passesRaw, rawMatches };
  return publicFile(host, context, {
    path: ownPath(context, `docker.rules${family}`),
    template: "docker/docker.rules.njk",
    view,
    after: [reload(unitOf(context))],
  });
}

/** The rules of both families, the script that puts them into Docker's chain, and its unit; nothing without Docker. */
export const emitDocker: Emitter = (host, context) => {
  if (!host.hasDocker) return [];
  const own = unitOf(context);
  const script = { path: ownPath(context, "docker-user"), template: "docker/docker-user.njk", after: [reload(own)] };
  const unit = {
    path: `etc/systemd/system/${own}`,
    template: "docker/netgen-docker.service.njk",
    after: [RELOAD_UNITS, reload(own)],
  };
  return [
    rules(host, context, 4),
    rules(host, context, 6),
    scriptFile(host, context, { ...script, view: {} }),
    publicFile(host, context, { ...unit, view: {} }),
  ];
};

/** Units of {@link emitDocker} that the host has to enable. */
export function dockerUnits(host: Host, context: EmitContext): readonly string[] {
  return host.hasDocker ? [unitOf(context)] : [];
}
