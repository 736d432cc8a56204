/** Segments whose packets are cut up in the tunnels, on purpose: how the kernel is brought to do it. */
import { familyOf, type IpPrefix } from "../base/ip.ts";
import { CUT_MARK, type Cut, type VxlanDevice } from "../model/device.ts";
import { cutLink, cutTable } from "../model/fleet.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { EmitContext } from "./context.ts";
import { bothRemade, type Unit } from "./networkd-unit.ts";
import type { Section } from "./nft-words.ts";
import { print } from "./shared.ts";

/** Before those of VRFs (1000) and of exits (2100), and after the host's own addresses (0). */
const RULE_PRIORITY = 900;

interface CuttingDevice extends VxlanDevice {
  readonly cut: Cut;
}

const isCutting = (device: VxlanDevice): device is CuttingDevice => device.cut !== undefined;

const poolsOf = ({ prefixes }: Network): readonly IpPrefix[] =>
  prefixes.filter(({ prefix, use }) => use.kind === "pool" && familyOf(prefix) === 4).map(({ prefix }) => prefix);

function viewOf({ vxlans }: Host, { network }: EmitContext) {
  const devices = vxlans.filter(isCutting);
  // A host has one address for all its devices, and one port.
  const [first] = devices;
  if (first === undefined) return undefined;
  return {
    name: cutLink(network),
    local: first.local,
    port: String(first.port),
    mark: CUT_MARK,
    mtu: String(Math.max(...devices.map(({ cut }) => cut.packetBytes))),
    // Where the others' addresses are, and nothing else: whoever else asks that table is told of no other way.
    pools: poolsOf(network),
    table: String(cutTable(network)),
    priority: String(RULE_PRIORITY),
    nextPriority: String(RULE_PRIORITY + 1),
  };
}

/** The link, with the route and the rule that VXLAN asks; nothing where no segment is cut up. */
export function cutUnits(host: Host, context: EmitContext): readonly Unit[] {
  const view = viewOf(host, context);
  return view === undefined ? [] : bothRemade(view.name, "cut", view);
}

/** The routes that VXLAN asks, with the table that they are in. */
export function cutRoutes(host: Host, context: EmitContext) {
  const view = viewOf(host, context);
  return view === undefined ? [] : view.pools.map((pool) => ({ pool, table: view.table, mtu: view.mtu }));
}

/** What sends VXLAN by the host's own routes, after it has asked that one. */
export const cutSection: Section = (host, context) => {
  const view = viewOf(host, context);
  if (view === undefined) return undefined;
  const { local, mark, port } = view;
  return print(context, { template: "nftables/cut.nft.njk", view: { local, mark, port } });
};
