/** Segments whose packets are cut up in the tunnels, on purpose: how the kernel is brought to do it. */
import { must } from "../base/invariant.ts";
import { familyOf, type IpPrefix } from "../base/ip.ts";
import { CUT_MARK, type Cut, type VxlanDevice } from "../model/device.ts";
import { cutLink, cutTable } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { EmitContext, Emitter } from "./context.ts";
import { oneOf, type Section, sortedNumbers } from "./nft-words.ts";
import { publicFile } from "./print.ts";
import { print } from "./shared.ts";

const RELOAD = "networkctl reload";

/** Before those of VRFs (1000) and of exits (2100), and after the host's own addresses (0). */
const RULE_PRIORITY = 900;

interface CuttingDevice extends VxlanDevice {
  readonly cut: Cut;
}

const isCutting = (device: VxlanDevice): device is CuttingDevice => device.cut !== undefined;

const poolsOf = ({ prefixes }: Network): readonly IpPrefix[] =>
  prefixes.filter(({ prefix, use }) => use.kind === "pool" && familyOf(prefix) === 4).map(({ prefix }) => prefix);

const viewOf = (devices: readonly CuttingDevice[], context: EmitContext) => ({
  name: cutLink(context.network),
  // A host has one address for all its devices, and one port.
  local: must(devices[0], "there is a device that cuts").local,
  mark: CUT_MARK,
  mtu: String(Math.max(...devices.map(({ cut }) => cut.packetBytes))),
  // Where the others' addresses are, and nothing else: whoever else asks that table is told of no other way.
  pools: poolsOf(context.network),
  table: String(cutTable(context.network)),
  priority: String(RULE_PRIORITY),
  nextPriority: String(RULE_PRIORITY + 1),
});

/** The link, with the route and the rule that VXLAN asks; nothing where no segment is cut up. */
export const emitCut: Emitter = (host, context) => {
  const devices = host.vxlans.filter(isCutting);
  if (devices.length === 0) return [];
  const view = { ...viewOf(devices, context), port: String(must(devices[0], "there is one").port) };
  const file = (kind: "netdev" | "network", after: readonly string[]) =>
    publicFile(host, context, {
      path: `etc/systemd/network/20-netgen${context.fleet}-${view.name}.${kind}`,
      template: `systemd-networkd/cut.${kind}.njk`,
      view,
      after,
    });
  return [file("netdev", [`networkctl delete ${view.name}`, RELOAD]), file("network", [RELOAD])];
};

/** What sends VXLAN by the host's own routes, after it has asked that one. */
export const cutSection: Section = (host: Host, context) => {
  const devices = host.vxlans.filter(isCutting);
  if (devices.length === 0) return undefined;
  const ports = oneOf(sortedNumbers(devices.map(({ port }) => port)).map(String));
  const { local, mark } = viewOf(devices, context);
  return print(context, { template: "nftables/cut.nft.njk", view: { local, mark, ports } });
};
