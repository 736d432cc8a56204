/** A host's ways out of its VRFs: what watches each of them, and opens and closes it. */
import { must } from "../base/invariant.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import type { VrfExit, VrfInstance } from "../model/vrf.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import type { EmitContext, Emitter } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { publicFile, scriptFile } from "./print.ts";
import { ROUTE_PROTOCOL } from "./routes.ts";

/** Metric of the route that FRR announces. No other route of a VRF's table has it: FRR's have 20, connected ones 0. */
export const ANNOUNCED_METRIC = "2";
/** Metric of the route that packets follow: before the other, and before any route of FRR's. */
const FOLLOWED_METRIC = "1";

interface OpenVrf extends VrfInstance {
  readonly exit: VrfExit;
}

const hasExit = (vrf: VrfInstance): vrf is OpenVrf => vrf.exit !== undefined;

/** Conntrack zone of a closed exit's connections. Zone 0 holds all that nobody assigns, and Proxmox uses 1. */
const CLOSED_ZONE = "210";

const unitOf = (vrf: string): string => `netgen-exit@${vrf}.service`;

/** The other exits as they are reached in the tunnel, and how many of them come before this one in the file. */
function othersView({ vrfs }: Network, { name, exit }: OpenVrf, hosts: EmitContext["hosts"]) {
  const exits = must(
    vrfs.find((vrf) => vrf.name === name),
    "an instance is one of a VRF",
  ).exits.map(({ host }) => host);
  const others = exits.filter((host) => host !== exit.host);
  return {
    hasOthers: exit.probes.length > 0 && others.length > 0,
    others: others.flatMap((host) => hosts.get(host)?.vtep ?? []).join(" "),
    turn: String(exits.indexOf(exit.host)),
  };
}

function exitFile(host: Host, context: EmitContext, vrf: OpenVrf): OutputFile {
  const { name, vni, exit, bridge } = vrf;
  const guests = host.bridges.filter((each) => each.vrf === name).map((each) => each.name);
  const view = {
    vrf: name,
    table: String(vni),
    interface: exit.interface,
    inside: [...guests, bridge].join(" "),
    hasProbes: exit.probes.length > 0,
    probes: exit.probes.join(" "),
    families: exit.families.join(" "),
    hasReach: exit.reach.length > 0,
    reach: exit.reach.join(" "),
    ...othersView(context.network, vrf, context.hosts),
  };
  const file = { path: `etc/netgen/${name}.exit`, template: "exits/vrf.exit.njk", after: [reload(unitOf(name))] };
  return publicFile(host, context, { ...file, view });
}

/** One file for each exit, the script that reads it and its unit; nothing for a host that is no exit. */
export const emitExits: Emitter = (host, context) => {
  const exits = host.vrfs.filter(hasExit);
  if (exits.length === 0) return [];
  const view = {
    protocol: ROUTE_PROTOCOL,
    announcedMetric: ANNOUNCED_METRIC,
    followedMetric: FOLLOWED_METRIC,
    zone: CLOSED_ZONE,
  };
  const script = { path: "etc/netgen/exit", template: "exits/exit.njk", after: [reload(unitOf("*"))] };
  const unit = unitOf("");
  const template = { path: `etc/systemd/system/${unit}`, template: `exits/${unit}.njk`, after: [RELOAD_UNITS] };
  return [
    ...exits.map((vrf) => exitFile(host, context, vrf)),
    scriptFile(host, context, { ...script, view }),
    publicFile(host, context, { ...template, view: {} }),
  ];
};

/** Units of {@link emitExits} that the host has to enable. */
export function exitUnits(host: Host): readonly string[] {
  return host.vrfs.filter(hasExit).map(({ name }) => unitOf(name));
}
