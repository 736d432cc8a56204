/** What a boot has left of a computer, as systemd tells it: units, its journal, when the network was there. */
import { must } from "../../base/invariant.ts";
import { isRecord } from "../../base/shape.ts";
import type { Box } from "../machine/box.ts";
import type { PlacedFile } from "../machine/keys.ts";
import type { RunningHost } from "../machine/running.ts";
import { linesOf } from "./daemon-checks.ts";
import { isOfLaterRelease } from "./daemon-networkd.ts";

type Problems = readonly string[];

/** A unit's properties by name. */
async function properties(box: Box, unit: string, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const text = await box.run("systemctl", "show", `--property=${names.join(",")}`, "--", unit);
  return new Map(linesOf(text).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

const ASKED = ["LoadState", "UnitFileState", "ActiveState", "Result", "Type", "RemainAfterExit", "ConditionResult"];

/** Of a unit that was enabled: active, or done where it is one that ends. */
async function unitProblems(box: Box, unit: string): Promise<Problems> {
  const state = await properties(box, unit, [...ASKED, "ExecMainExitTimestampMonotonic"]);
  const is = (name: string, value: string): boolean => state.get(name) === value;
  if (is("ActiveState", "active")) return [];
  const isShort = is("Type", "oneshot") && is("RemainAfterExit", "no");
  if (isShort && is("Result", "success") && !is("ExecMainExitTimestampMonotonic", "0")) return [];
  const said = [...state].map(([name, value]) => `${name}=${value}`).join(" ");
  return [`${unit} is ${state.get("ActiveState")}, expected active (${said})`];
}

/** What a host has of others, and this machine may lack: then nobody asks for what is enabled for it alone. */
const OF_OTHERS = "docker.service";

/** Whether a unit is enabled for a program that is not on this machine. */
export async function isForNobody({ box, files }: RunningHost, unit: string): Promise<boolean> {
  const text = files.find(({ path }) => path === `/etc/systemd/system/${unit}`)?.text ?? "";
  if (/^WantedBy=(.*)$/m.exec(text)?.[1] !== OF_OTHERS) return false;
  return (await properties(box, OF_OTHERS, ["LoadState"])).get("LoadState") === "not-found";
}

/** Enabled units that are not active, and all that have failed. */
export async function brokenUnits(running: RunningHost): Promise<Problems> {
  const { box, units } = running;
  const problemsOf = async (unit: string): Promise<Problems> =>
    (await isForNobody(running, unit)) ? [] : unitProblems(box, unit);
  const inactive = (await Promise.all(units.map(problemsOf))).flat();
  const failed = linesOf(await box.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager"));
  return [...inactive, ...failed.map((line) => `${line.split(/\s+/)[0]} has failed`)];
}

// ── Journal ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A message of the journal. */
interface Message {
  readonly by: string;
  readonly text: string;
  /** As syslog(3) has it: 4 is a warning, less is worse. */
  readonly priority: number;
}

function toMessage(line: string): Message {
  const value: unknown = JSON.parse(line);
  const field = (name: string): string => (isRecord(value) && typeof value[name] === "string" ? value[name] : "");
  return { by: field("SYSLOG_IDENTIFIER"), text: field("MESSAGE"), priority: Number(field("PRIORITY")) };
}

const FIELDS = "--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER";

/** A place in a journal, to read on from. */
export async function endOfJournal(box: Box): Promise<string> {
  const text = await box.run(
    "journalctl",
    "--boot",
    "--no-pager",
    "--quiet",
    "--lines=1",
    "--show-cursor",
    "--output=cat",
  );
  return must(/^-- cursor: (.+)$/m.exec(text)?.[1], "a journal has an end");
}

async function messagesSince(box: Box, cursor: string | undefined): Promise<readonly Message[]> {
  const since = cursor === undefined ? [] : [`--after-cursor=${cursor}`];
  const text = await box.run("journalctl", "--boot", "--no-pager", "--quiet", "--output=json", FIELDS, ...since);
  return linesOf(text).map(toMessage);
}

/** systemd breaks a cycle by leaving one of its units out, whichever. */
const CYCLE = /ordering cycle|deleted to break/i;

/**
 * What would be said on a machine without a file of netgen's: where root may not raise limits, and of FRR's daemons to each
 * other whenever they start and stop. What these make of their file is asked of themselves.
 */
const FOREIGN: readonly { readonly by: RegExp; readonly text: RegExp }[] = [
  { by: /^dbus-daemon$/, text: /Failed to set fd limit/ },
  // keepalived's own unit lets only one of its processes speak.
  { by: /^systemd$/, text: /^keepalived\.service: Got notification message from PID/ },
  {
    by: /^(?:frr|watchfrr|watchfrr\.sh|frrinit\.sh|zebra|bgpd|bfdd|staticd)$/,
    text: /^(?!.* still running after \d+ seconds)/,
  },
];

const isForeign = ({ by, text }: Message): boolean => FOREIGN.some((each) => each.by.test(by) && each.text.test(text));

const WARNING = 4;
const MAX_MESSAGES = 6;

const told = (messages: readonly Message[]): Problems => {
  const lines = [...new Set(messages.map(({ by, text }) => `${by}: ${text}`))];
  const rest = lines.length - MAX_MESSAGES;
  return [...lines.slice(0, MAX_MESSAGES), ...(rest > 0 ? [`and ${rest} more`] : [])];
};

/** What a boot would have to break; that of this boot was said before there was a journal. */
async function cycles(box: Box): Promise<Problems> {
  const { output } = await box.attempt("systemd-analyze", "verify", "--man=no", "default.target");
  return linesOf(output)
    .filter((line) => CYCLE.test(line))
    .slice(0, MAX_MESSAGES);
}

/** A place in the journal, or the boot, and a warning that has to be there since. */
export interface Since {
  readonly cursor: string | undefined;
  readonly warning: RegExp | undefined;
}

const THE_BOOT: Since = { cursor: undefined, warning: undefined };

/** Units that have to be left out of a boot, each warning that is not due, and that which is due and missing. */
export async function complaints({ host, box }: RunningHost, since: Since = THE_BOOT): Promise<Problems> {
  const { cursor, warning } = since;
  const messages = await messagesSince(box, cursor);
  const isOurs = (message: Message): boolean => !isForeign(message) && !isOfLaterRelease(host, message.text);
  const warnings = messages.filter((message) => message.priority <= WARNING && isOurs(message));
  const isDue = ({ text }: Message): boolean => warning?.test(text) ?? false;
  const missing = warning === undefined || warnings.some(isDue) ? [] : [`no warning ${warning.source}`];
  return [...(await cycles(box)), ...told(warnings.filter((message) => !isDue(message))), ...missing];
}

// ── Times ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Seconds on the clock that systemd's time stamps count by. */
export async function now(box: Box): Promise<number> {
  return Number((await box.run("cat", "/proc/uptime")).split(" ")[0]);
}

async function secondsOf(box: Box, unit: string, name: string): Promise<number | undefined> {
  const stamp = Number((await properties(box, unit, [name])).get(name) ?? 0);
  return stamp === 0 ? undefined : stamp / 1e6;
}

/** When systemd began, and when the network was there; `undefined`: nothing has waited for it. */
export async function timesOf(box: Box): Promise<{ readonly begun: number; readonly online: number | undefined }> {
  const text = await box.run("systemctl", "show", "--property=UserspaceTimestampMonotonic", "--value");
  return {
    begun: Number(text) / 1e6,
    online: await secondsOf(box, "network-online.target", "ActiveEnterTimestampMonotonic"),
  };
}

// ── Units beside ────────────────────────────────────────────────────────────────────────────────────────────────────

const ORDER = /^(?:After|Before|Wants|Requires|BindsTo|PartOf|WantedBy|ReloadPropagatedFrom)=(.*)$/gm;

/** Services that files of netgen's name, besides those that they are, and those that they enable. Pure. */
export function servicesBeside(files: readonly PlacedFile[], units: readonly string[]): readonly string[] {
  const texts = files.filter(({ path }) => path.startsWith("/etc/systemd/system/")).map(({ text }) => text);
  const named = texts.flatMap((text) => [...text.matchAll(ORDER)].flatMap(([, list = ""]) => list.split(/\s+/)));
  const all = new Set([...named, ...units].filter((name) => name.endsWith(".service") && !name.includes("%")));
  return [...all].sort();
}
