/** A host's ways out, of its VRFs and of what is in none: what watches each of them, and opens and closes it. */
import { must } from "../base/invariant.ts";
import { EVERYTHING, FAMILIES, networkAddress, prefixOf, subPrefix } from "../base/ip.ts";
import { DEFAULT_VRF, type Exit, type RemoteEgress } from "../model/exit.ts";
import type { Host } from "../model/host.ts";
import type { VrfExit, VrfInstance } from "../model/vrf.ts";
import { RELOAD_UNITS, reload } from "./after.ts";
import { type EmitContext, type Emitter, ownPath, ownUnit } from "./context.ts";
import type { OutputFile } from "./file.ts";
import { type PrintedFile, publicFile, scriptFile } from "./print.ts";

/** Metric of the route that FRR announces. No other route of a VRF's table has it: FRR's have 20, connected ones 0. */
export const ANNOUNCED_METRIC = "2";
/** Metric of the route that packets follow: before the other, and before any route of FRR's. */
const FOLLOWED_METRIC = "1";

interface OpenVrf extends VrfInstance {
  readonly exit: VrfExit;
}

const hasExit = (vrf: VrfInstance): vrf is OpenVrf => vrf.exit !== undefined;

/**
 * By which a host asks an exit whether it is open: a codepoint of pool 2, which is for local use (RFC 2474 §6), so that
 * all other pings are answered as ever.
 */
export const QUESTION_DSCP = 43;

/** The same for the way to a remote, whose name the question has in it. */
export const REMOTE_DSCP = 47;

/**
 * What a question about a remote has in it, in hexadecimal digits: its name, of the 16 bytes that ping's -p takes. It repeats
 * them from the first byte on, and puts the time over those: so another length would begin elsewhere.
 */
export const questionOf = ({ name }: Pick<RemoteEgress, "name">): string =>
  [...new TextEncoder().encode(name.padEnd(16, "."))].map((byte) => byte.toString(16)).join("");

const unitOf = (context: EmitContext, way: string): string => ownUnit(context, `exit@${way}.service`);

/** What a way out asks, and where it leads to. */
function viewOf(exit: Exit, inside: readonly string[]) {
  return {
    interface: exit.interface,
    inside: inside.join(" "),
    hasProbes: exit.probes.length > 0,
    probes: exit.probes.join(" "),
    families: exit.families.join(" "),
  };
}

function reachView(reach: readonly string[]) {
  return { hasReach: reach.length > 0, reach: reach.join(" ") };
}

/** All exits of a VRF, in the order of the file. */
const exitsOf = ({ name }: OpenVrf, { network: { vrfs } }: EmitContext): readonly VrfExit[] =>
  must(
    vrfs.find((vrf) => vrf.name === name),
    "an instance is one of a VRF",
  ).exits;

/** The other exits as they are reached in the tunnel, and how many of them come before this one in the file. */
function othersView(vrf: OpenVrf, context: EmitContext) {
  const { exit } = vrf;
  const { hosts } = context;
  const exits = exitsOf(vrf, context).map(({ host }) => host);
  const others = exits.filter((host) => host !== exit.host);
  return {
    hasOthers: exit.probes.length > 0 && others.length > 0,
    others: others.flatMap((host) => hosts.get(host)?.vtep ?? []).join(" "),
    turn: String(exits.indexOf(exit.host)),
  };
}

/** The parts of the whole that it announces beside the default. */
function partsView({ families, partBits }: VrfExit) {
  const parts = families.flatMap((family) =>
    Array.from({ length: partBits === 0 ? 0 : 2 ** partBits }, (_, index) =>
      must(subPrefix(EVERYTHING[family], partBits, index), "there are as many"),
    ),
  );
  return { hasParts: parts.length > 0, parts: parts.join(" ") };
}

/** The first part of each exit that comes before this one: it announces all of its parts, or none. */
function beforeView({ exit }: OpenVrf, exits: readonly VrfExit[], guests: readonly string[]) {
  const lengths = exits.map(({ partBits }) => partBits).filter((bits) => bits > exit.partBits);
  const firsts = [...new Set(lengths)]
    .sort((a, b) => a - b)
    .flatMap((bits) => FAMILIES.map((family) => prefixOf(networkAddress(EVERYTHING[family]), bits)));
  return { hasBefore: firsts.length > 0 && guests.length > 0, before: firsts.join(" "), guests: guests.join(" ") };
}

function vrfExitFile(host: Host, context: EmitContext, vrf: OpenVrf): OutputFile {
  const { name, table, exit, bridge } = vrf;
  const guests = host.bridges.filter((each) => each.vrf === name).map(({ link }) => link);
  const view = {
    vrf: name,
    table: String(table),
    ...viewOf(exit, [...guests, bridge]),
    ...reachView(exit.reach),
    ...partsView(exit),
    ...beforeView(vrf, exitsOf(vrf, context), guests),
    ...othersView(vrf, context),
  };
  const path = ownPath(context, `${name}.exit`);
  const after = [reload(unitOf(context, name))];
  return publicFile(host, context, { path, template: "exits/vrf.exit.njk", after, view });
}

function defaultExitFile(host: Host, context: EmitContext, exit: Exit): OutputFile {
  const inside = host.interfaces.map(({ name }) => name);
  const view = { ...viewOf(exit, inside), ...reachView(exit.reach) };
  const path = ownPath(context, `${DEFAULT_VRF}.exit`);
  return publicFile(host, context, {
    path,
    template: "exits/default.exit.njk",
    after: [reload(unitOf(context, DEFAULT_VRF))],
    view,
  });
}

/** A remote that the host leads to. */
interface OwnRemote extends RemoteEgress {
  readonly own: Exit;
}

const isOwn = (remote: RemoteEgress): remote is OwnRemote => remote.own !== undefined;

const ownRemotes = ({ egress }: Host): readonly OwnRemote[] => (egress?.remotes ?? []).filter(isOwn);

function remoteFile(host: Host, context: EmitContext, remote: OwnRemote): OutputFile {
  const { name, prefixes, own } = remote;
  const inside = host.interfaces.map((link) => link.name);
  const question = questionOf(remote);
  // After 8 bytes of ICMP and the 16 of the time by which ping measures, in bits.
  const asked = `@th,192,128 0x${question}`;
  const view = { remote: name, prefixes: prefixes.join(" "), asked, ...viewOf(own, inside) };
  return publicFile(host, context, {
    path: ownPath(context, `${name}.exit`),
    template: "exits/remote.exit.njk",
    after: [reload(unitOf(context, name))],
    view,
  });
}

const script = (context: EmitContext): Omit<PrintedFile, "head"> => ({
  path: ownPath(context, "exit"),
  template: "exits/exit.njk",
  after: [reload(unitOf(context, "*"))],
  view: {
    protocol: context.number,
    announcedMetric: ANNOUNCED_METRIC,
    followedMetric: FOLLOWED_METRIC,
    zone: context.number,
    dscp: String(QUESTION_DSCP),
    remoteDscp: String(REMOTE_DSCP),
  },
});

/** One file for each way out, the script that reads it and its unit; nothing for a host that is no exit. */
export const emitExits: Emitter = (host, context) => {
  if (exitUnits(host, context).length === 0) return [];
  const unit = {
    path: `etc/systemd/system/${unitOf(context, "")}`,
    template: "exits/netgen-exit@.service.njk",
    after: [RELOAD_UNITS],
  };
  return [
    ...host.vrfs.filter(hasExit).map((vrf) => vrfExitFile(host, context, vrf)),
    ...(host.exit === undefined ? [] : [defaultExitFile(host, context, host.exit)]),
    ...ownRemotes(host).map((remote) => remoteFile(host, context, remote)),
    scriptFile(host, context, script(context)),
    publicFile(host, context, { ...unit, view: {} }),
  ];
};

/** Units of {@link emitExits} that the host has to enable. */
export function exitUnits(host: Host, context: EmitContext): readonly string[] {
  const ways = [
    ...host.vrfs.filter(hasExit).map(({ name }) => name),
    ...(host.exit === undefined ? [] : [DEFAULT_VRF]),
    ...ownRemotes(host).map(({ name }) => name),
  ];
  return ways.map((way) => unitOf(context, way));
}
