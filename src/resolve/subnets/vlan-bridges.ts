/** Bridges that several segments have in common, each by a VLAN of its own. */
import { grouped } from "../../base/grouped.ts";
import { sortedBy } from "../../base/text.ts";
import type { MtuBytes, VlanId } from "../../base/units.ts";
import type { Bridge, Trunk, VlanBridge } from "../../model/device.ts";
import { vlanBridgeMac } from "./mac.ts";

/** What a segment has of such a bridge. */
interface Part extends Bridge {
  readonly vlan: VlanId;
  readonly mtu: MtuBytes;
}

const isPart = (bridge: Bridge): bridge is Part => bridge.vlan !== undefined && bridge.mtu !== undefined;

const largest = (parts: readonly Part[]): MtuBytes =>
  parts.map(({ mtu }) => mtu).reduce((most, mtu) => (mtu > most ? mtu : most));

/** A port that several segments name carries them all. */
function trunksOf(parts: readonly Part[]): readonly Trunk[] {
  const uses = parts.flatMap((part) => part.ports.map((port) => ({ port, part })));
  const trunks = [...grouped(uses, ({ port }) => port)].map(([name, of]): Trunk => {
    const carried = of.map(({ part }) => part);
    return { name, mtu: largest(carried), vlans: carried.map(({ vlan }) => vlan) };
  });
  return sortedBy(trunks, ({ name }) => name);
}

/** The bridges with VLANs among those of one host, of which `bridges` has one entry a segment. */
export function vlanBridges(bridges: readonly Bridge[], hostId: number): readonly VlanBridge[] {
  const byName = grouped(
    bridges.filter(isPart).sort((a, b) => a.vlan - b.vlan),
    ({ name }) => name,
  );
  const all = [...byName].map(
    ([name, parts]): VlanBridge => ({
      name,
      isExisting: parts.some(({ isExisting }) => isExisting),
      macAddress: vlanBridgeMac(name, hostId),
      mtu: largest(parts),
      vlans: parts.map(({ vlan, link, macAddress }) => ({ id: vlan, link, macAddress })),
      trunks: trunksOf(parts),
    }),
  );
  return sortedBy(all, ({ name }) => name);
}
