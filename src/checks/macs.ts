import { type Diagnostic, diagnostic } from "../base/diagnostic.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { originSpan } from "../model/origin.ts";

/** The MACs that netgen derives on a host, each with what has it. */
function derivedMacs({ bridges, vxlans, vrfs }: Host, isPinned: (subnet: string) => boolean) {
  return [
    ...bridges
      .filter(({ subnet, isExisting }) => !isExisting && !isPinned(subnet))
      .map(({ macAddress, subnet }) => ({ macAddress, use: `the bridge of ${subnet}` })),
    ...vxlans.map(({ macAddress, segment }) => ({ macAddress, use: `the vxlan device of ${segment}` })),
    ...vrfs.flatMap(({ name, routerMac, vxlan }) => [
      { macAddress: routerMac, use: `the router of the VRF ${name}` },
      { macAddress: vxlan.macAddress, use: `the vxlan device of the VRF ${name}` },
    ]),
  ];
}

/** A gateway's MAC is nobody else's. Several segments may have gateways of one: a frame never leaves its own. */
export function gatewayMacsAreFree({ hosts, segments }: Network): readonly Diagnostic[] {
  const pinned = segments.filter(({ gatewayMac }) => gatewayMac !== undefined);
  if (pinned.length === 0) return [];
  const names = new Set(pinned.map(({ name }) => name));
  const taken = new Map(
    hosts.flatMap((host) =>
      derivedMacs(host, (subnet) => names.has(subnet)).map(
        ({ macAddress, use }) => [macAddress, { use, host: host.name }] as const,
      ),
    ),
  );
  return pinned.flatMap(({ name: subnet, gatewayMac: mac = "", origin }) => {
    const other = taken.get(mac);
    if (other === undefined) return [];
    return [diagnostic("mac-taken", { subnet, mac, ...other }, originSpan(origin, "gatewayMac"))];
  });
}
