/** What leaves a host by exits: by which, and what watches them. */
import { EGRESS_TABLE, type EgressExit, TUNNEL_MARK } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import type { Emitter } from "./context.ts";
import { CLOSED_ZONE, QUESTION_DSCP } from "./exits.ts";
import { publicFile, scriptFile } from "./print.ts";
import { ROUTE_METRIC, ROUTE_PROTOCOL, WORST_METRIC } from "./routes.ts";

const UNIT = "netgen-egress.service";

/** An exit in the words of the file, where "-" stands for nothing. */
function lineOf({ host, families, way }: EgressExit): string {
  const tunnel = way.kind === "tunnel" ? way : undefined;
  const words = [tunnel?.interface, tunnel?.address, tunnel?.moves ? "moves" : undefined, tunnel?.mtu];
  return [host, families.join(""), ...words.map((word) => word ?? "-")].join(" ");
}

/** The file, the script that reads it and its unit; nothing where all leaves by the host's own uplink. */
export const emitEgress: Emitter = (host, context) => {
  const { egress } = host;
  if (egress === undefined) return [];
  const after = [reload(UNIT)];
  const list = {
    prefixes: egress.prefixes,
    isOwn: egress.own !== undefined,
    sources: egress.own?.sources.join(" ") ?? "",
    links: egress.own?.links.join(" ") ?? "",
    exits: egress.exits.map(lineOf),
  };
  const script = {
    table: String(EGRESS_TABLE),
    mark: TUNNEL_MARK,
    protocol: ROUTE_PROTOCOL,
    metric: ROUTE_METRIC,
    worst: WORST_METRIC,
    zone: CLOSED_ZONE,
    dscp: String(QUESTION_DSCP),
    // The codepoint is the upper six bits of the octet (RFC 2474 §3).
    tos: String(QUESTION_DSCP * 4),
  };
  const unit = { path: `etc/systemd/system/${UNIT}`, template: `egress/${UNIT}.njk`, after: [RELOAD_UNITS] };
  return [
    publicFile(host, context, {
      path: "etc/netgen/egress.list",
      template: "egress/egress.list.njk",
      view: list,
      after,
    }),
    scriptFile(host, context, { path: "etc/netgen/egress", template: "egress/egress.njk", view: script, after }),
    publicFile(host, context, { ...unit, view: {} }),
  ];
};

/** Units of {@link emitEgress} that the host has to enable. */
export const egressUnits = ({ egress }: Host): readonly string[] => (egress === undefined ? [] : [UNIT]);
