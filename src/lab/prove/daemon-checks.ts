/** What each daemon of a host has made of its file. Every check gives what is wrong; nothing where all is well. */
import { existsSync } from "node:fs";
import { OVN_BRIDGE } from "../../model/ovn.ts";
import { NAME_SERVERS_FILE, runUnit } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { hasRival } from "../machine/keepalived.ts";
import type { Furnished, PlacedFile } from "../machine/keys.ts";
import type { RunningHost } from "../machine/running.ts";

type Problems = readonly string[];

const textOf = (files: readonly PlacedFile[], path: string): string | undefined =>
  files.find((file) => file.path === path)?.text;

export const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line.trim() !== "");

const LAST_LINES = 5;

/** The end of a log: what a daemon that died had to say. */
export const lastWords = (log: string): string => linesOf(log).slice(-LAST_LINES).join(" / ") || "(its log is empty)";

// ── wg-quick ────────────────────────────────────────────────────────────────────────────────────────────────────────

// Without WireGuard in the kernel, wg-quick says so and takes wireguard-go, which says the same in a frame.
const FALLBACK = /^(Error: Unknown device type\.|\[!\] Missing WireGuard kernel module\.|[┌│└])/;

/** wg-quick echoes its commands; everything else that it prints is a complaint. */
export async function checkWireguard({ host, box, files }: RunningHost): Promise<Problems> {
  const log = await box.log("wg-quick");
  const said = linesOf(log).filter((line) => !line.startsWith("[#] ") && !FALLBACK.test(line));
  const states = await Promise.all(
    host.interfaces.map(async ({ name, peers }): Promise<Problems> => {
      const { status, output } = await box.attempt("wg", "show", name, "peers");
      if (status !== 0) return [`${name} is gone: ${lastWords(log)}`];
      const file = textOf(files, `/etc/wireguard/${name}.conf`) ?? "";
      const asked = /^MTU = (\d+)$/m.exec(file)?.[1];
      const bytes = (await box.run("cat", `/sys/class/net/${name}/mtu`)).trim();
      return [
        ...(linesOf(output).length === peers.length
          ? []
          : [`${name} has ${linesOf(output).length} peers, expected ${peers.length}`]),
        ...(asked === undefined || asked === bytes ? [] : [`${name} has MTU ${bytes}, expected ${asked}`]),
      ];
    }),
  );
  return [...said.map((line) => `wg-quick: ${line}`), ...states.flat()];
}

/** What wg-quick has handed over of a device's name servers, in resolvconf's words. */
export async function checkNameServers({ host, box }: RunningHost): Promise<Problems> {
  const expected = (host.app?.dns ?? []).map((address) => `nameserver ${address}`);
  const { output } = await box.attempt("cat", NAME_SERVERS_FILE);
  const found = linesOf(output);
  return found.join() === expected.join() ? [] : [`found ${found.join(", ")}; expected ${expected.join(", ")}`];
}

// ── sysctl ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export const sysctlFile = ({ fleet }: Box): string => `/etc/sysctl.d/90-netgen${fleet}.conf`;

/** sysctl.d(5): if the first separator is a dot, dots become slashes and slashes dots; else both stay. */
function procPath(key: string): string {
  if (/^[^./]*\//.test(key)) return key;
  return key.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

/** The assignments of a sysctl.d file by path below /proc/sys; the last one of a key counts. */
export function assignments(text: string): ReadonlyMap<string, string> {
  const lines = linesOf(text).filter((line) => !/^\s*[#;]/.test(line));
  return new Map(
    lines.map((line) => {
      const [key = "", ...value] = line.split("=");
      return [procPath(key.trim().replace(/^-/, "")), value.join("=").trim()] as const;
    }),
  );
}

export interface SysctlState {
  readonly held: number;
  readonly refused: Problems;
  /** Keys that this kernel does not have in a namespace, each with why. */
  readonly absent: Problems;
}

/** Why a key is not there; `undefined`: it should be. */
function reasonOfAbsence(path: string): string | undefined {
  if (path.startsWith("net/bridge/")) return "br_netfilter is not loaded";
  if (path.includes(`/conf/${OVN_BRIDGE}/`)) return "a lab runs no OVN";
  return existsSync(`/proc/sys/${path}`) ? "the whole machine's, in no namespace" : undefined;
}

export async function checkSysctl(running: RunningHost): Promise<SysctlState> {
  const { box, files, host } = running;
  const silent = hasRival(running) ? host.interfaces.map(({ name }) => `/conf/${name}/`) : [];
  const absenceOf = (path: string): string | undefined =>
    silent.some((each) => path.includes(each)) ? "a standby has no tunnels" : reasonOfAbsence(path);
  const asked = assignments(textOf(files, sysctlFile(box)) ?? "");
  const script = `for path; do printf '%s=%s\\n' "$path" "$(cat "/proc/sys/$path" 2>/dev/null || echo missing)"; done`;
  const output = await box.run("sh", "-uc", script, "sh", ...asked.keys());
  const found = new Map(linesOf(output).map((line) => line.split("=") as [string, string]));
  const values = [...asked].map(([path, value]) => {
    const now = (found.get(path) ?? "missing").replaceAll("\t", " ");
    return { path, value, now, absence: now === "missing" ? absenceOf(path) : undefined };
  });
  const wrong = values.filter(({ value, now, absence }) => now !== value && absence === undefined);
  const absent = values.filter(({ absence }) => absence !== undefined);
  return {
    held: values.length - wrong.length - absent.length,
    refused: wrong.map(({ path, value, now }) => `${path} is ${now}, expected ${value}`),
    absent: absent.map(({ path, absence }) => `${path} (${absence})`),
  };
}

// ── nftables ────────────────────────────────────────────────────────────────────────────────────────────────────────

export const nftFile = ({ fleet }: Box): string => `/etc/netgen${fleet}/netgen.nft`;

/** Tables that a ruleset file leaves behind: it names others only to take away what an earlier one made. */
export const tablesOf = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/^table (\S+ \S+) \{/gm)].map(([, table = ""]) => table)),
];

const extraNftFile = ({ fleet }: Box): string => `/etc/netgen${fleet}/extra.nft`;

/** All that the ruleset files make is there: each is loaded as one transaction. */
export async function checkNftables({ box, files }: RunningHost): Promise<Problems> {
  const loaded = new Set(linesOf(await box.run("nft", "list", "tables")).map((line) => line.replace(/^table /, "")));
  const tables = [nftFile(box), extraNftFile(box)].flatMap((path) => tablesOf(textOf(files, path) ?? ""));
  const missing = tables.filter((table) => !loaded.has(table));
  return missing.map((table) => `table ${table} is not loaded`);
}

// ── Units ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Units whose scripts may be run again at any time, as their timers and reloads do. */
const SCRIPTS = ["routes.service", "endpoints.service"];

async function missingRoutes({ host, box }: RunningHost): Promise<Problems> {
  const list = (family: string): Promise<string> => box.run("ip", family, "route", "show", "type", "unreachable");
  const lines = linesOf((await Promise.all(["-4", "-6"].map(list))).join("\n"));
  const there = new Set(lines.map((line) => line.split(" ")[1]));
  // Of a single address, ip leaves out the length.
  const missing = host.unreachable.filter(
    (prefix) => !there.has(prefix) && !there.has(prefix.replace(/\/(32|128)$/, "")),
  );
  return missing.map((prefix) => `no unreachable route for ${prefix}`);
}

export async function checkUnits(running: RunningHost): Promise<Problems> {
  // Before the scripts run again: they would put right what is to be seen.
  const missing = await missingRoutes(running);
  const failed = await Promise.all(
    SCRIPTS.map((name) => `netgen${running.box.fleet}-${name}`).map((unit) =>
      runUnit(running, unit).then(
        (): Problems => [],
        (error: unknown): Problems => [`${unit}: ${error instanceof Error ? error.message : error}`],
      ),
    ),
  );
  return [...missing, ...failed.flat()];
}

// ── FRR ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const hasFrr = ({ box, files }: Furnished): boolean =>
  ["/etc/frr/frr.conf", `/etc/netgen${box.fleet}/frr.conf.snippet`].some((path) => textOf(files, path) !== undefined);

/** watchfrr starts what has died again, but not before its next look. */
async function deadDaemons(box: Box): Promise<Problems> {
  const script = `for name; do kill -0 "$(cat "/run/frr/$name.pid" 2>/dev/null)" 2>/dev/null || echo "$name"; done`;
  const daemons = await box.run("cat", "/etc/frr/daemons");
  const enabled = [...daemons.matchAll(/^(\w+d)=yes/gm)].map(([, name = ""]) => name);
  const wanted = new Set(["watchfrr", "zebra", "staticd", ...enabled]);
  return linesOf(await box.run("sh", "-uc", script, "sh", ...wanted));
}

/** As `systemctl reload frr` would: by the script that the daemons' file names, else by FRR's own. */
export const TEST_RELOAD = `RELOAD_SCRIPT=/usr/lib/frr/frr-reload.py; . /etc/frr/daemons; "$RELOAD_SCRIPT" --test --stdout /etc/frr/frr.conf`;

/** Lines that FRR has and the file has not, and the other way round, as a reload would change them. */
async function reloadChanges(box: Box): Promise<Problems> {
  const { status, output } = await box.attempt("sh", "-euc", TEST_RELOAD);
  if (status !== 0) return [`frr-reload.py: ${lastWords(output)}`];
  // Its own log goes the same way, each line with a date, and a warning of the script's with its priority.
  const told = output.replace(/^(?:\d{4}-|<\d>).*\n/gm, "");
  // A block with nothing in it is not listed; from FRR 10 on it has an end.
  const lists = told.replace(/^interface \S+\n(?:exit\n)?/gm, "").split(/^Lines To (?:Delete|Add)\n=+$/m);
  const changes = lists.slice(1).flatMap(linesOf);
  // The host's name is the machine's in a namespace. Forwarding that is on is not listed.
  return changes.filter((line) => !/^(no )?hostname |^(ip|ipv6) forwarding$/.test(line.trim()));
}

/** Of a vtysh that reads a file while another one does: from FRR 10 on it waits for it and goes on (FRRouting/frr, 15286). */
export const WAITING = /^% Can't enter config; (?:candidate|running) datastore locked by another session$/m;

export async function checkFrr({ box }: RunningHost): Promise<Problems> {
  const log = await box.log("frr");
  const dead = await deadDaemons(box);
  if (dead.length > 0) return [`${dead.join(", ")} died: ${lastWords(log)}`];
  const grammar = await box.attempt("vtysh", "-C", "-f", "/etc/frr/frr.conf");
  // Over a whole boot, and restarts, what failed once may have been tried again: there, only what was refused counts.
  const refusal = box.power === undefined ? /line \d+|%|[Ff]ail/ : /line \d+|%/;
  return [
    ...linesOf(log)
      .filter((line) => refusal.test(line) && !WAITING.test(line))
      .map((line) => `frr: ${line}`),
    ...(grammar.status === 0 ? [] : [`vtysh: ${lastWords(grammar.output)}`]),
    ...(await reloadChanges(box)).map((line) => `a reload would change: ${line.trim()}`),
  ];
}
