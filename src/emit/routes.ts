/**
 * Routes that no tunnel brings: unreachable ones for the overlay's own prefixes, as what a dead tunnel cannot carry must not
 * leave in clear, and those by the LAN, for hosts that reach the overlay through the gateway of their site.
 */
import type { Host, LanRoute } from "../model/host.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import { print } from "./shared.ts";
import { wireguardUnit } from "./wireguard.ts";

/**
 * Routing protocol of these routes, by which they are told from everyone else's. Free in iproute2's rt_protos, in
 * linux/rtnetlink.h (up to 99 and from 186 to 192) and in FRR, which adds 190 to 198.
 */
export const ROUTE_PROTOCOL = "210";

/**
 * 0xff002000, from Documentation/networking/vrf.rst of the kernel: worse than any metric in use, and FRR takes the
 * first byte for the distance, 255, which it never installs.
 */
export const WORST_METRIC = "4278198272";

/** Of routes by the LAN: worse than what is set by hand without one (0), so that it is neither replaced nor overruled. */
const LAN_METRIC = "210";

const SETTINGS = { protocol: ROUTE_PROTOCOL, metric: WORST_METRIC } as const;

const hasLanRoutes = (host: Host): boolean => host.lanRoutes.length > 0;
const hasRoutes = (host: Host): boolean => host.unreachable.length > 0 || hasLanRoutes(host);

function lanLine({ prefix, via, mtu }: LanRoute, context: EmitContext): Uint8Array {
  const ways = { prefix, via, protocol: ROUTE_PROTOCOL, metric: LAN_METRIC };
  const view = { ...ways, size: mtu === undefined ? "" : ` mtu ${mtu}` };
  return print(context, { template: "routes/lan-route.njk", view });
}

const UNIT = "netgen-routes.service";

/** One line per prefix; hosts share most of them, so each is printed once. */
function batch(host: Host, context: EmitContext): OutputFile {
  const view = { ...SETTINGS, lanMetric: LAN_METRIC, hasLanRoutes: hasLanRoutes(host) };
  const file = { path: "etc/netgen/routes", template: "routes/routes.njk", after: [reload(UNIT)] };
  const head = publicFile(host, context, { ...file, view });
  const lines = host.unreachable.map((prefix) =>
    print(context, { template: "routes/route.njk", view: { prefix, ...SETTINGS } }),
  );
  return { ...head, content: [...head.content, ...lines, ...host.lanRoutes.map((each) => lanLine(each, context))] };
}

const UNITS = "etc/systemd/system";

/** The file of routes, the script that applies it and its units; nothing for a host with no route. */
export const emitRoutes: Emitter = (host, context) => {
  if (!hasRoutes(host)) return [];
  const isByLan = hasLanRoutes(host);
  const view = {
    ...SETTINGS,
    before: ["network.target", ...host.interfaces.map(wireguardUnit)].join(" "),
    hasLanRoutes: isByLan,
    lanMetric: LAN_METRIC,
    bootOption: isByLan ? " --boot" : "",
  };
  const script = { path: "etc/netgen/routes-apply", template: "routes/routes-apply.njk", after: [reload(UNIT)] };
  const early = {
    path: `${UNITS}/${UNIT}`,
    template: "routes/routes.service.njk",
    after: [RELOAD_UNITS, reload(UNIT)],
  };
  const path = `${UNITS}/netgen-lan-routes.service`;
  const late = { path, template: "routes/lan-routes.service.njk", after: [RELOAD_UNITS] };
  return [
    batch(host, context),
    scriptFile(host, context, { ...script, view }),
    publicFile(host, context, { ...early, view }),
    ...(isByLan ? [publicFile(host, context, { ...late, view })] : []),
  ];
};

/** Units of {@link emitRoutes} that the host has to enable. */
export function routesUnits(host: Host): readonly string[] {
  if (!hasRoutes(host)) return [];
  return [UNIT, ...(hasLanRoutes(host) ? ["netgen-lan-routes.service"] : [])];
}
