/** Passwords of BGP sessions: what gives FRR on the host what no file of netgen's may hold. */
import type { Host } from "../model/host.ts";
import { peersOf } from "../model/peer.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import { type EmitContext, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import type { View } from "./template.ts";

const NAME = "frr-passwords";

const unitsOf = (context: EmitContext) => ({
  service: ownUnit(context, `${NAME}.service`),
  timer: ownUnit(context, `${NAME}.timer`),
});

/** What a reload of FRR calls where a session has a password, in netgen's own directory. */
export const PASSWORDS_SCRIPT = NAME;

function peersView(host: Host): readonly View[] {
  const asn = host.bgp.kind === "none" ? "" : String(host.bgp.asn);
  return peersOf(host).flatMap(({ address, vrf, passwordFile }) =>
    passwordFile === undefined
      ? []
      : [
          {
            address,
            path: passwordFile,
            router: ["router bgp", asn, ...(vrf === undefined ? [] : ["vrf", vrf])].join(" "),
          },
        ],
  );
}

export const hasPasswords = (host: Host): boolean =>
  peersOf(host).some(({ passwordFile }) => passwordFile !== undefined);

/** Units to enable on this host. */
export const passwordUnits = (host: Host, context: EmitContext): readonly string[] =>
  hasPasswords(host) ? Object.values(unitsOf(context)) : [];

/** The script, who it is about, and the units that run it. */
export function passwordFiles(host: Host, context: EmitContext): readonly OutputFile[] {
  if (!hasPasswords(host)) return [];
  const { service, timer } = unitsOf(context);
  const unit = (kind: "service" | "timer", name: string): OutputFile =>
    publicFile(host, context, {
      path: `etc/systemd/system/${name}`,
      template: `frr/netgen-${NAME}.${kind}.njk`,
      view: {},
      after: [RELOAD_UNITS, restart(name)],
    });
  return [
    // Read when it is run.
    scriptFile(host, context, { path: ownPath(context, NAME), template: `frr/${NAME}.njk`, view: {}, after: [] }),
    publicFile(host, context, {
      path: ownPath(context, `${NAME}.list`),
      template: `frr/${NAME}.list.njk`,
      view: { peers: peersView(host) },
      after: [restart(service)],
    }),
    unit("service", service),
    unit("timer", timer),
  ];
}
