/** keepalived, for hosts that share an address: who has it, and that only that one is heard. */
import { familyOf } from "../base/ip.ts";
import type { Host } from "../model/host.ts";
import { reload } from "./after.ts";
import { type Emitter, ownPath } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import { wireguardUnit } from "./wireguard.ts";

const UNIT = "keepalived.service";

/**
 * keepalived's file, the script that tells it whether this host has tunnels, and where the two share a key the one that starts
 * and stops them; nothing for other hosts.
 */
export const emitKeepalived: Emitter = (host, context) => {
  const { vrrp } = host;
  if (vrrp === undefined) return [];
  const { address, lengthBits } = vrrp.address;
  const view = {
    host: host.name,
    other: vrrp.other.host,
    address: `${address}/${lengthBits}`,
    // With the length of the LAN it would be the host's first address there whenever the link lost its own, and the source of
    // all that the host says.
    single: `${address}/${familyOf(address) === 4 ? 32 : 128}`,
    plainAddress: address,
    interface: vrrp.interface,
    hasUplink: vrrp.uplink !== undefined,
    uplink: vrrp.uplink ?? "",
    id: String(vrrp.id),
    priority: String(vrrp.priority),
    takesOver: vrrp.takesOver,
    source: vrrp.source,
    peer: vrrp.other.address,
    isExclusive: vrrp.isExclusive,
    units: host.interfaces.map(wireguardUnit),
    tunnels: host.interfaces.map(({ name }) => name).join(" "),
  };
  const path = "etc/keepalived/keepalived.conf";
  const configuration = { path, template: "keepalived/keepalived.conf.njk", after: [reload(UNIT)] };
  // Read each time it is run.
  const script = (name: string): OutputFile =>
    scriptFile(host, context, { path: ownPath(context, name), template: `keepalived/${name}.njk`, after: [], view });
  return [
    publicFile(host, context, { ...configuration, head: "!", view }),
    script("vrrp-check"),
    ...(vrrp.isExclusive ? [script("vrrp-notify")] : []),
  ];
};

/** Units of {@link emitKeepalived} that the host has to enable. */
export function keepalivedUnits({ vrrp }: Host): readonly string[] {
  return vrrp === undefined ? [] : [UNIT];
}
