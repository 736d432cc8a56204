/** How segments join bridges with VLANs that others have made, of which networkd would make its own or leave too much. */
import type { VxlanDevice } from "../model/device.ts";
import type { Host } from "../model/host.ts";
import { RELOAD_UNITS, restart } from "./after.ts";
import type { Emitter } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";

const UNIT = "netgen-vlans.service";

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
  const list = { path: "etc/netgen/vlans", template: "vlans/vlans.njk", view: { devices }, after: [restart(UNIT)] };
  const script = { path: "etc/netgen/vlan-join", template: "vlans/vlan-join.njk", view: {}, after: [restart(UNIT)] };
  const unit = { path: `etc/systemd/system/${UNIT}`, template: `vlans/${UNIT}.njk`, view: {} };
  return [
    publicFile(host, context, list),
    scriptFile(host, context, script),
    publicFile(host, context, { ...unit, after: [RELOAD_UNITS, restart(UNIT)] }),
  ];
};

/** Units of {@link emitVlans} that the host has to enable. */
export const vlansUnits = (host: Host): readonly string[] => (joiningDevices(host).length > 0 ? [UNIT] : []);
