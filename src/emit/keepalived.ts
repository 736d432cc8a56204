/** keepalived, for hosts that share an address: who has it, and that only that one is heard. */
import type { Host } from "../model/host.ts";
import type { Emitter } from "./context.ts";
import { publicFile, scriptFile } from "./print.ts";
import { wireguardUnit } from "./wireguard.ts";

/** keepalived's file, and the script that starts and stops the tunnels where the two share a key; nothing for other hosts. */
export const emitKeepalived: Emitter = (host, context) => {
  const { vrrp } = host;
  if (vrrp === undefined) return [];
  const { address, lengthBits } = vrrp.address;
  const view = {
    host: host.name,
    other: vrrp.other.host,
    address: `${address}/${lengthBits}`,
    plainAddress: address,
    interface: vrrp.interface,
    id: String(vrrp.id),
    priority: String(vrrp.priority),
    source: vrrp.source,
    peer: vrrp.other.address,
    isExclusive: vrrp.isExclusive,
    units: host.interfaces.map(wireguardUnit),
  };
  const path = "etc/keepalived/keepalived.conf";
  const script = { path: "etc/netgen/vrrp-notify", template: "keepalived/vrrp-notify.njk", view };
  return [
    publicFile(host, context, { path, template: "keepalived/keepalived.conf.njk", view, head: "!" }),
    ...(vrrp.isExclusive ? [scriptFile(host, context, script)] : []),
  ];
};

/** Units of {@link emitKeepalived} that the host has to enable. */
export function keepalivedUnits({ vrrp }: Host): readonly string[] {
  return vrrp === undefined ? [] : ["keepalived.service"];
}
