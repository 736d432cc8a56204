/** What each kind of output asks a host to enable. */
import { compareText } from "../base/text.ts";
import type { Host } from "../model/host.ts";
import type { EmitContext } from "./context.ts";
import { dockerUnits } from "./docker.ts";
import { dockerNetworkUnits } from "./docker-networks.ts";
import { egressUnits } from "./egress.ts";
import { exitUnits } from "./exits.ts";
import { frrUnits } from "./frr.ts";
import { healthUnits } from "./health.ts";
import { keepalivedUnits } from "./keepalived.ts";
import { metricsUnits } from "./metrics.ts";
import { networkdUnits } from "./networkd.ts";
import { nftablesUnits } from "./nftables.ts";
import { ovnUnits } from "./ovn.ts";
import { radvdUnits } from "./radvd.ts";
import { routesUnits } from "./routes.ts";
import { vlansUnits } from "./vlans.ts";
import { wireguardUnits } from "./wireguard.ts";

const lists: readonly ((host: Host, context: EmitContext) => readonly string[])[] = Object.freeze([
  wireguardUnits,
  routesUnits,
  networkdUnits,
  vlansUnits,
  frrUnits,
  exitUnits,
  egressUnits,
  nftablesUnits,
  keepalivedUnits,
  radvdUnits,
  dockerUnits,
  dockerNetworkUnits,
  ovnUnits,
  metricsUnits,
  healthUnits,
]);

/** The systemd units that a host has to enable, sorted. */
export const unitsOf = (host: Host, context: EmitContext): readonly string[] =>
  lists.flatMap((list) => list(host, context)).sort(compareText);
