/** What leaves a host by exits: by which, and what watches them. */
import { type EgressExit, TUNNEL_MARK } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { QUESTION_DSCP, questionOf, REMOTE_DSCP } from "./exits.ts";
import { publicFile, scriptFile } from "./print.ts";
import { ROUTE_METRIC, WORST_METRIC } from "./routes.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "egress.service");

/** An exit in the words of the file, where "-" stands for nothing. `device`: by which the host itself leads out, if it does. */
function lineOf({ host, families, way }: EgressExit, device = "-"): string {
  if (way.kind === "here") return [host, families.join(""), "-", device, "-", "-"].join(" ");
  const tunnel = way.kind === "tunnel" ? way : undefined;
  const words = [tunnel?.interface, tunnel?.address, tunnel?.moves ? "moves" : undefined, tunnel?.mtu];
  return [host, families.join(""), ...words.map((word) => word ?? "-")].join(" ");
}

/** The file, the script that reads it and its unit; nothing where all leaves by the host's own uplink. */
export const emitEgress: Emitter = (host, context) => {
  const { egress } = host;
  if (egress === undefined) return [];
  const own = unitOf(context);
  const after = [reload(own)];
  const remotes = egress.remotes.map((remote) => ({
    name: remote.name,
    question: questionOf(remote),
    prefixes: remote.prefixes.join(" "),
    exits: remote.exits.map((exit) => lineOf(exit, remote.own?.interface)),
  }));
  const list = {
    prefixes: egress.prefixes,
    isOwn: egress.own !== undefined,
    sources: egress.own?.sources.join(" ") ?? "",
    links: egress.own?.links.join(" ") ?? "",
    exits: egress.exits.map((exit) => lineOf(exit)),
    remotes,
    leadsToRemotes: egress.remotes.some((remote) => remote.own !== undefined),
    inside: host.interfaces.map(({ name }) => name).join(" "),
  };
  const script = {
    table: context.number,
    mark: TUNNEL_MARK,
    protocol: context.number,
    metric: ROUTE_METRIC,
    worst: WORST_METRIC,
    zone: context.number,
    dscp: String(QUESTION_DSCP),
    // The codepoint is the upper six bits of the octet (RFC 2474 §3).
    remoteDscp: String(REMOTE_DSCP),
    tos: String(QUESTION_DSCP * 4),
    remoteTos: String(REMOTE_DSCP * 4),
  };
  const unit = {
    path: `etc/systemd/system/${own}`,
    template: "egress/netgen-egress.service.njk",
    after: [RELOAD_UNITS],
  };
  return [
    publicFile(host, context, {
      path: ownPath(context, "egress.list"),
      template: "egress/egress.list.njk",
      view: list,
      after,
    }),
    scriptFile(host, context, { path: ownPath(context, "egress"), template: "egress/egress.njk", view: script, after }),
    publicFile(host, context, { ...unit, view: {} }),
  ];
};

/** Units of {@link emitEgress} that the host has to enable. */
export const egressUnits = ({ egress }: Host, context: EmitContext): readonly string[] =>
  egress === undefined ? [] : [unitOf(context)];
