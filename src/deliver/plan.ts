/**
 * What the hosts of a network do to get from one tree to another: what `etc/netgen/apply --check` would say on each, said before
 * anything is brought there, and in which order. Of a host it is taken that it has the old tree, and that its units run.
 */
import { sortedBy } from "../base/text.ts";
import { contentOf, type OutputFile } from "../emit/file.ts";
import type { Host } from "../model/host.ts";
import type { Network } from "../model/network.ts";
import { isLasting } from "../model/unit.ts";
import type { Tree } from "../write/plan.ts";
import { type Action, BRIDGE_PHASE, type Cost, replacements } from "./actions.ts";
import { actionsOf } from "./bundle.ts";
import type { Caution } from "./caution.ts";
import { cautionsOf } from "./cautions.ts";
import { commentsOf } from "./comments.ts";
import { rolloutBatches } from "./order.ts";
import { type Change, NOTHING, OWN, type Side, sidesOf, textOf } from "./sides.ts";
import { changedPeers } from "./wireguard-file.ts";

/** In apply's words; `comment`: nothing else differs, and nothing follows. */
export type Verdict = "new" | "changed" | "comment" | "gone";

/** What is interrupted, and what of that: names of peers, of a segment, of a VRF. */
export interface Interruption extends Cost {
  readonly of: readonly string[];
}

export interface PlannedAction {
  readonly command: string;
  /** `undefined`: nothing. */
  readonly interrupts: Interruption | undefined;
}

export interface HostPlan {
  readonly host: string;
  /** From 1 on. */
  readonly batch: number;
  /** By path on the host. */
  readonly files: readonly { readonly path: string; readonly verdict: Verdict }[];
  /** Units. */
  readonly stops: readonly string[];
  readonly starts: readonly string[];
  /** In the order in which they are run. */
  readonly actions: readonly PlannedAction[];
}

export interface RolloutPlan {
  /** Hosts that change, in their order; those of a batch at the same time. */
  readonly batches: readonly (readonly string[])[];
  /** As the batches have them. */
  readonly hosts: readonly HostPlan[];
  /** What the order alone does not do. */
  readonly cautions: readonly Caution[];
}

// ── What differs ────────────────────────────────────────────────────────────────────────────────────────────────────

const linesOf = (file: OutputFile, isMeant: (line: string) => boolean): string =>
  textOf(file).split("\n").filter(isMeant).join("\n");

/** What programs read: apply's `words`. */
function wordsOf(file: OutputFile): string {
  const isComment = commentsOf(textOf(file));
  return linesOf(file, (line) => line.trim() !== "" && !isComment(line));
}

function verdictOn(before: OutputFile | undefined, after: OutputFile | undefined): Verdict | undefined {
  if (after === undefined) return "gone";
  if (before === undefined) return "new";
  if (Buffer.compare(contentOf(before), contentOf(after)) === 0) return undefined;
  return wordsOf(before) === wordsOf(after) ? "comment" : "changed";
}

function filesOf({ before, after }: Change): HostPlan["files"] {
  const paths = new Set([...before.files.keys(), ...after.files.keys()]);
  const files = [...paths].flatMap((path) => {
    const verdict = verdictOn(before.files.get(path), after.files.get(path));
    return verdict === undefined ? [] : [{ path, verdict }];
  });
  return sortedBy(files, ({ path }) => path);
}

// ── What follows ────────────────────────────────────────────────────────────────────────────────────────────────────

function isAsked(when: string, verdict: Verdict, versions: readonly OutputFile[]): boolean {
  if (when === "changed") return verdict !== "comment";
  if (when === "gone" || verdict !== "changed") return when === verdict;
  const pattern = new RegExp(when);
  return new Set(versions.map((file) => linesOf(file, (line) => pattern.test(line)))).size > 1;
}

/** Each once, in the order of their phases. */
function askedActions(
  { before, after }: Change,
  files: HostPlan["files"],
  stops: readonly string[],
): readonly Action[] {
  const ofFiles = files.flatMap(({ path, verdict }) => {
    const versions = [after.files.get(path), before.files.get(path)].filter((file) => file !== undefined);
    const all = versions.flatMap(actionsOf);
    return all.filter(([when]) => isAsked(when, verdict, versions)).map(([, action]) => action);
  });
  const told = stops.filter((unit) => !/^systemd-/.test(unit) && !OWN.test(unit));
  const tell = (unit: string): Action => ({
    command: `systemctl try-restart ${unit}`,
    phase: 36,
    unit: "",
    cost: undefined,
  });
  const all = [...ofFiles, ...told.map(tell)];
  const once = new Map(all.map((action) => [`${action.phase} ${action.command}`, action]));
  return sortedBy(once.values(), ({ command }) => command).sort((a, b) => a.phase - b.phase);
}

/** The links that a side has files of networkd for. */
function networkdLinksOf({ files }: Side): ReadonlySet<string> {
  const names = [...files.keys()].map((path) => /\/\d\d-netgen\d*-(.+)\.(netdev|network)$/.exec(path)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

interface Units {
  readonly starts: readonly string[];
  readonly stops: readonly string[];
}

/** As apply's `is_moot`: what just began has read its files, what is not there needs nothing, a restart is more than a reload. */
function isMoot({ command, phase, unit }: Action, { before, after }: Change, { starts, stops }: Units): boolean {
  if (unit !== "" && (starts.includes(unit) || (OWN.test(unit) && stops.includes(unit)))) return true;
  const link = /^networkctl (delete|reconfigure) (.*)$/.exec(command)?.[2];
  if (link !== undefined)
    return !networkdLinksOf(before).has(link) || (phase === BRIDGE_PHASE && networkdLinksOf(after).has(link));
  if (/daemon-reload| try-| start |networkctl reload/.test(command)) return false;
  const [kind = ""] = (command.split(" ")[2] ?? "").split("*");
  return OWN.test(kind) && !before.units.some((each) => each.startsWith(kind));
}

// ── What it interrupts ──────────────────────────────────────────────────────────────────────────────────────────────

/** The subnets and VRFs by their links. */
const carriedBy = ({ bridges, vxlans, vrfs }: Host, link: string): readonly string[] => [
  ...bridges.filter((each) => each.link === link).map(({ subnet }) => subnet),
  ...[...vxlans, ...vrfs.map(({ vxlan }) => vxlan)].filter(({ name }) => name === link).map(({ segment }) => segment),
  ...vrfs.filter(({ name, bridge }) => name === link || bridge === link).map(({ name }) => name),
];

function interruptionOf({ command, cost }: Action, host: Host, { before, after }: Change): Interruption | undefined {
  if (cost === undefined) return undefined;
  const link = /^networkctl \S+ (.*)$/.exec(command)?.[1];
  if (link !== undefined) {
    const isGone = !networkdLinksOf(after).has(link);
    return { what: cost.what, atMostMs: isGone ? undefined : cost.atMostMs, of: carriedBy(host, link) };
  }
  const tunnel = /reload\S* wg-quick@(.*)\.service$/.exec(command)?.[1];
  if (tunnel === undefined) return { ...cost, of: [] };
  const path = `etc/wireguard/${tunnel}.conf`;
  const peers = changedPeers(textOf(before.files.get(path)), textOf(after.files.get(path)));
  return peers.length === 0 ? undefined : { ...cost, of: peers };
}

function planHost(change: Change, host: Host): Omit<HostPlan, "batch"> {
  const { before, after } = change;
  const files = filesOf(change);
  const stops = before.units.filter((unit) => !after.units.includes(unit));
  const starts = after.units.filter((unit) => !before.units.includes(unit) && isLasting(unit, after.units));
  const asked = askedActions(change, files, stops);
  const replaced = new Set(replacements(asked.map(({ command }) => command)).map(([, weaker]) => weaker));
  const actions = asked
    .filter((action) => !replaced.has(action.command) && !isMoot(action, change, { starts, stops }))
    .map((action) => ({ command: action.command, interrupts: interruptionOf(action, host, change) }));
  return { host: host.name, files, stops: stops.filter((unit) => OWN.test(unit)), starts, actions };
}

const isIdle = ({ files, starts, stops }: Omit<HostPlan, "batch">): boolean =>
  files.length + starts.length + stops.length === 0;

/** The plan that leads the hosts of a network from one tree to another, which the network compiles to. */
export function planRollout(network: Network, before: Tree, after: Tree): RolloutPlan {
  const [old, next] = [sidesOf(before), sidesOf(after)];
  const changeOf = (host: string): Change => ({
    host,
    before: old.get(host) ?? NOTHING,
    after: next.get(host) ?? NOTHING,
  });
  const cautions = cautionsOf(sortedBy(new Set([...old.keys(), ...next.keys()]), (host) => host).map(changeOf));
  const first = cautions.flatMap((caution) => caution.first);
  const last = cautions.flatMap((caution) => caution.last);
  const order = rolloutBatches(network).map((batch) => batch.filter(({ name }) => next.has(name)));
  const alone = (names: readonly string[]) =>
    order
      .flat()
      .filter(({ name }) => names.includes(name))
      .map((host) => [host]);
  const rest = order.map((batch) => batch.filter(({ name }) => !first.includes(name) && !last.includes(name)));
  const planned = [...alone(first), ...rest, ...alone(last)]
    .map((batch) => batch.map((host) => planHost(changeOf(host.name), host)).filter((plan) => !isIdle(plan)))
    .filter((batch) => batch.length > 0);
  return {
    batches: planned.map((batch) => batch.map(({ host }) => host)),
    hosts: planned.flatMap((batch, index) => batch.map((plan) => ({ ...plan, batch: index + 1 }))),
    cautions,
  };
}
