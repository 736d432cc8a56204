/** NetworkManager, where it has the uplink: which links are not for it. NetworkManager.conf(5), "Device List Format". */
import type { EmitContext, Emitter } from "./context.ts";
import { configuredLinks } from "./networkd.ts";
import { publicFile } from "./print.ts";

/** What keeps it from the links that networkd and wg-quick configure, bridges' ports among them; not from bridges of others'. */
export const emitNetworkManager: Emitter = (host, context: EmitContext) => {
  const links = configuredLinks(host, context);
  if (host.networkManager !== "NetworkManager" || links.length === 0) return [];
  // "=": the name as it is, and no pattern.
  const devices = links.map((name) => `interface-name:=${name}`).join(",");
  const path = `etc/NetworkManager/conf.d/90-netgen${context.fleet}.conf`;
  // Nothing has to follow: it is read when NetworkManager starts, and until then links of others' are left alone anyway.
  return [
    publicFile(host, context, { path, template: "network-manager/netgen.conf.njk", view: { devices }, after: [] }),
  ];
};
