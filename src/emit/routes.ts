/** Unreachable routes for the overlay's own prefixes: what a dead tunnel cannot carry must not leave in clear. */
import type { Host } from "../model/network.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import { print } from "./shared.ts";
import { wireguardUnit } from "./wireguard.ts";

/**
 * Routing protocol of these routes, by which they are told from everyone else's. Free in iproute2's rt_protos, in
 * linux/rtnetlink.h (up to 99 and from 186 to 192) and in FRR, which adds 190 to 198.
 */
const ROUTE_PROTOCOL = "210";

/**
 * 0xff002000, from Documentation/networking/vrf.rst of the kernel: worse than any metric in use, and FRR takes the
 * first byte for the distance, 255, which it never installs.
 */
const WORST_METRIC = "4278198272";

const SETTINGS = { protocol: ROUTE_PROTOCOL, metric: WORST_METRIC } as const;

/** One line per prefix; hosts share most of them, so each is printed once. */
function batch(host: Host, context: EmitContext): OutputFile {
  const head = publicFile(host, context, { path: "etc/netgen/routes", template: "routes/routes.njk", view: SETTINGS });
  const lines = host.unreachable.map((prefix) =>
    print(context, { template: "routes/route.njk", view: { prefix, ...SETTINGS } }),
  );
  return { ...head, content: [...head.content, ...lines] };
}

/** The `ip -batch` file of unreachable routes, the script that applies it and its unit; nothing for a host with none. */
export const emitRoutes: Emitter = (host, context) => {
  if (host.unreachable.length === 0) return [];
  const interfaceUnits = host.interfaces.map(wireguardUnit).join(" ");
  const view = { ...SETTINGS, interfaceUnits };
  const unit = "etc/systemd/system/netgen-routes.service";
  return [
    batch(host, context),
    scriptFile(host, context, { path: "etc/netgen/routes-apply", template: "routes/routes-apply.njk", view }),
    publicFile(host, context, { path: unit, template: "routes/routes.service.njk", view }),
  ];
};

/** Units of {@link emitRoutes} that the host has to enable. */
export function routesUnits(host: Host): readonly string[] {
  return host.unreachable.length === 0 ? [] : ["netgen-routes.service"];
}
