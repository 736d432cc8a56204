/** How segments join bridges with VLANs that others have made, of which networkd would make its own or leave too much. */
import type { VxlanDevice } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";

const unitOf = (context: EmitContext): string => ownUnit(context, "vlans.service");

/** The devices of a host whose bridge, with VLANs, is another program's. */
export function joiningDevices({ vxlans, vlanBridges }: Host): readonly VxlanDevice[] {
  const existing = new Set(vlanBridges.filter(({ isExisting }) => isExisting).map(({ name }) => name));
  return vxlans.filter(({ bridge, vlan }) => vlan !== undefined && existing.has(bridge));
}

function suppressionOf({ flooding }: VxlanDevice): string {
  if (flooding.kind === "static") return "-";
  return flooding.suppressesNeighbors ? "on" : "off";
}

/** Their list, a script that reads it and its unit; nothing where all bridges are netgen's, or have no VLANs. */
export const emitVlans: Emitter = (host, context) => {
  const joining = joiningDevices(host);
  if (joining.length === 0) return [];
  const devices = joining.map((device) => {
    const { name, bridge, vlan } = device;
    return { name, bridge, vlan: String(vlan), suppression: suppressionOf(device) };
  });
  const own = unitOf(context);
  const after = [restart(own)];
  const list = { path: ownPath(context, "vlans"), template: "vlans/vlans.njk", view: { devices }, after };
  const script = { path: ownPath(context, "vlan-join"), template: "vlans/vlan-join.njk", view: {}, after };
  const unit = { path: `etc/systemd/system/${own}`, template: "vlans/netgen-vlans.service.njk", view: {} };
  return [
    publicFile(host, context, list),
    scriptFile(host, context, script),
    publicFile(host, context, { ...unit, after: [RELOAD_UNITS, ...after] }),
  ];
};

/** Units of {@link emitVlans} that the host has to enable. */
export const vlansUnits = (host: Host, context: EmitContext): readonly string[] =>
  joiningDevices(host).length > 0 ? [unitOf(context)] : [];
