/** radvd: what a host tells guests that it is the IPv6 router of. */
import type { Bridge, RouterAdvertisement } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, reload, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { publicFile } from "./print.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "radvd.service");

interface Router extends Bridge {
  readonly advertisement: RouterAdvertisement;
}

const isRouter = (bridge: Bridge): bridge is Router => bridge.advertisement !== undefined;

const linkView = ({ link, advertisement: { prefixes, mtu, dns } }: Router) => ({
  name: link,
  hasMtu: mtu !== undefined,
  mtu: String(mtu ?? ""),
  prefixes,
  dns,
});

/** radvd's file and a unit that reads it; nothing for a host that advertises nothing. */
export const emitRadvd: Emitter = (host, context) => {
  const routers = host.bridges.filter(isRouter);
  if (routers.length === 0) return [];
  const own = unitOf(context);
  const file = { path: ownPath(context, "radvd.conf"), template: "radvd/radvd.conf.njk", after: [reload(own)] };
  const unit = {
    path: `etc/systemd/system/${own}`,
    template: "radvd/netgen-radvd.service.njk",
    after: [RELOAD_UNITS, restart(own)],
  };
  return [
    publicFile(host, context, { ...file, view: { links: routers.map(linkView) } }),
    publicFile(host, context, { ...unit, view: {} }),
  ];
};

/** Units of {@link emitRadvd} that the host has to enable. */
export function radvdUnits({ bridges }: Host, context: EmitContext): readonly string[] {
  return bridges.some(isRouter) ? [unitOf(context)] : [];
}
