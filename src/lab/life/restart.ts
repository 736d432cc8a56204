/** Restarts of what carries the overlay: the tunnel, networkd, FRR. */
import { applySysctl, managedLinks, runUnit, serveFrr, startNetworkd, unconfigured } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { isHeard } from "../machine/keepalived.ts";
import { eventually, sleep } from "../machine/patience.ts";
import type { Lab, RunningHost } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { isAnswered, type PingRecord, pingDuring, type Watched } from "../measure/steady-ping.ts";
import { countedPackets } from "../measure/traffic.ts";
import { brokenSessions, greetDialled, watchOf } from "../measure/watch.ts";

const told = (wrong: readonly string[], right: string): Outcome => ({
  isKept: wrong.length === 0,
  measured: wrong.length > 0 ? wrong.join("; ") : right,
});

const gap = ({ lost, gapSeconds }: PingRecord): string => `${lost} packets lost, ${gapSeconds.toFixed(1)} s without`;

// ── wg-quick ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Index and MTU of a host's VXLAN devices. */
async function devicesOf({ host, box }: RunningHost): Promise<string> {
  const lines = host.vxlans.map(async ({ name }) => {
    const read = async (what: string): Promise<string> =>
      (await box.attempt("cat", `/sys/class/net/${name}/${what}`)).output.trim();
    return `${name} is device ${await read("ifindex")} with MTU ${await read("mtu")}`;
  });
  return (await Promise.all(lines)).join(", ");
}

/** Packets to addresses of the overlay that routers have seen as such. */
async function seenInClear({ internet, routers }: Lab): Promise<number> {
  const counts = [internet, ...routers.values()].map((box) => countedPackets(box, "inet", "watch", "clear"));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

const VERBS = { up: "start", down: "stop" } as const;

// A daemon that is left behind must not hold our ends of its output.
const quick = (box: Box, verb: "up" | "down", link: string): Promise<string> =>
  box.power === undefined
    ? // As bootHost does: no systemd is there to decrypt a credential.
      box.run(
        "sh",
        "-uc",
        'CREDENTIALS_DIRECTORY=/etc/wireguard wg-quick "$1" "$2" >> /run/log/wg-quick 2>&1 < /dev/null',
        "sh",
        verb,
        link,
      )
    : box.run("systemctl", VERBS[verb], `wg-quick@${link}.service`);

/** Starts the tunnels of a host as its units do. */
async function startTunnels({ host, box, files }: RunningHost): Promise<void> {
  for (const { name } of host.interfaces) await quick(box, "up", name);
  await applySysctl(box, files);
  await runUnit({ box, files }, `netgen${box.fleet}-endpoints.service`);
}

/** Stops the tunnels of a host, however far it had come with them, and starts them. */
export async function restartTunnels(running: RunningHost): Promise<void> {
  for (const { name } of running.host.interfaces) await quick(running.box, "down", name).catch(() => undefined);
  await startTunnels(running);
}

/** Where something went wrong the tunnels are started anew, so that it is not found again in what is measured next. */
export async function healing(running: RunningHost, measure: () => Promise<Outcome>): Promise<Outcome> {
  let isKept = false;
  try {
    const outcome = await measure();
    isKept = outcome.isKept;
    return outcome;
  } finally {
    if (!isKept) await restartTunnels(running);
  }
}

async function measureTunnel(lab: Lab, running: RunningHost, watched: Watched): Promise<Outcome> {
  const { host, box } = running;
  const [devices, clear] = await Promise.all([devicesOf(running), seenInClear(lab)]);
  const wrong: string[] = [];
  const seen = await pingDuring(watched, async () => {
    for (const { name } of host.interfaces) await quick(box, "down", name);
    if (await isAnswered(watched, 2)) wrong.push("an answer while it was down, expected none");
    const others = lab.network.hosts.flatMap((other) => (other === host ? [] : other.interfaces));
    // Of the host's own as well: nothing may follow the default route instead.
    const targets = others.flatMap(({ addresses }) => addresses).slice(0, 4);
    await Promise.all(targets.map(({ address }) => box.attempt("ping", "-n", "-c", "1", "-W", "1", address)));
    await startTunnels(running);
  });
  await greetDialled(lab, host);
  const left = (await seenInClear(lab)) - clear;
  const after = await devicesOf(running);
  if (!seen.isBack) wrong.push("no answer within 60 s after it");
  if (left > 0) wrong.push(`${left} packets left in clear, expected none`);
  if (after !== devices) wrong.push(`${after}; expected as before: ${devices}`);
  wrong.push(...(await brokenSessions(lab)));
  return told(wrong, `${gap(seen)}; nothing in clear${devices === "" ? "" : `; ${devices}, as before`}`);
}

function tunnelPromise(lab: Lab, running: RunningHost, watched: Watched): LabPromise {
  const { host, box } = running;
  const kept = host.vxlans.length > 0 ? "VXLAN devices stay, " : "";
  return {
    kind: "life",
    subject: `${host.name}, restart of wg-quick`,
    promise: `${kept}traffic comes back, nothing leaves in clear`,
    command: execCommand(box, "wg-quick", "down", host.interfaces[0]?.name ?? "wg0"),
    measure: () => healing(running, () => measureTunnel(lab, running, watched)),
  };
}

// ── networkd ────────────────────────────────────────────────────────────────────────────────────────────────────────

// What is learned from traffic and what runs out may go at any time.
const STATE = `
{ ip -4 route show table all; ip -6 route show table all; ip -4 rule; ip -6 rule; ip -o address show
  bridge fdb show | grep -E 'permanent|static|extern_learn' || true
} | grep -v expires | sed -E 's/ nhid [0-9]+//; s/ (linkdown|dead|offload)//g; s/ +valid_lft.*//' | sort -u
`;

const stateOf = async (box: Box): Promise<readonly string[]> =>
  (await box.shell(STATE))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

/** The same once it stays as it is: BGP may still be choosing from what was done before. */
async function settledState(box: Box): Promise<readonly string[]> {
  let last: readonly string[] = [];
  await eventually(async () => {
    const before = last;
    await sleep(1000);
    last = await stateOf(box);
    return last.join("\n") === before.join("\n");
  }, 20);
  return last;
}

/** Touched before networkd begins anew: what is older of what it wrote about links is the one's before it. */
const BEGUN = "/run/networkd-begun";

export async function restartNetworkd({ box, files }: RunningHost): Promise<void> {
  if (box.power !== undefined) await box.shell(`touch ${BEGUN}; systemctl restart systemd-networkd.service`);
  else {
    // Of this box: it has process numbers of its own.
    await box.shell(`kill $(pgrep -x systemd-network); while pgrep -x systemd-network > /dev/null; do sleep 0.1; done
touch ${BEGUN}`);
    await startNetworkd(box, files);
  }
  await eventually(async () => (await unconfigured(box, files, BEGUN)).length === 0);
}

const MONITOR = ["ip", "monitor", "address"] as const;
const MONITOR_PATTERN = `^${MONITOR.join(" ")}`;

/** Begins to note what becomes of addresses. While links come and go `ip` may give up: it lists them at its start. */
async function watchAddresses(box: Box): Promise<void> {
  const isWatching = await eventually(async () => {
    await box.start("addresses", "stdbuf", "-oL", ...MONITOR);
    await sleep(500);
    return (await box.attempt("pgrep", "-f", MONITOR_PATTERN)).status === 0;
  });
  if (!isWatching) throw new Error(`${box.name}: ${MONITOR.join(" ")} ends at once: ${await box.log("addresses")}`);
}

/** The addresses that are taken away while something is done, were it for a moment: packets to them are lost meanwhile. */
async function takenDuring(box: Box, work: () => Promise<void>): Promise<readonly string[]> {
  await watchAddresses(box);
  await work();
  await box.run("pkill", "-f", MONITOR_PATTERN);
  const lines = (await box.log("addresses")).matchAll(/^Deleted \d+: (\S+) +\S+ (\S+)/gm);
  return [...lines].map(([, link, address]) => `${address} was taken from ${link} for a while`);
}

async function measureNetworkd(lab: Lab, running: RunningHost, watched: Watched): Promise<Outcome> {
  const { box } = running;
  const before = await settledState(box);
  let taken: readonly string[] = [];
  let missing: readonly string[] = [];
  const seen = await pingDuring(watched, async () => {
    taken = await takenDuring(box, () => restartNetworkd(running));
    await eventually(async () => {
      const after = new Set(await stateOf(box));
      missing = before.filter((line) => !after.has(line));
      return missing.length === 0;
    }, 20);
  });
  const wrong = [...taken, ...missing.map((line) => `gone: ${line}`)];
  if (!seen.isBack) wrong.push("no answer within 60 s after it");
  if (seen.lost > 0) wrong.push(`${gap(seen)}, expected none`);
  wrong.push(...(await brokenSessions(lab)));
  return told(wrong, `all ${before.length} routes, rules, addresses and forwarding entries are there; no packet lost`);
}

function networkdPromise(lab: Lab, running: RunningHost, watched: Watched): LabPromise {
  return {
    kind: "life",
    subject: `${running.host.name}, restart of networkd`,
    promise: `routes, addresses and forwarding entries of others stay, and ${watched.box.name} loses no packet`,
    command: execCommand(running.box, "ip", "route", "show", "table", "all"),
    measure: () => healing(running, () => measureNetworkd(lab, running, watched)),
  };
}

// ── FRR ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function measureFrr(lab: Lab, { box }: RunningHost, watched: Watched): Promise<Outcome> {
  let broken: readonly string[] = [];
  const seen = await pingDuring(watched, async () => {
    await serveFrr(box, "restart");
    broken = await brokenSessions(lab);
  });
  const wrong = seen.isBack ? broken : [...broken, "no answer within 60 s after it"];
  return told(wrong, `all sessions are up again; ${gap(seen)}`);
}

function frrPromise(lab: Lab, running: RunningHost, watched: Watched): LabPromise {
  return {
    kind: "life",
    subject: `${running.host.name}, restart of FRR`,
    promise: "sessions come back, and traffic",
    command: execCommand(running.box, "/usr/lib/frr/frrinit.sh", "restart"),
    measure: () => measureFrr(lab, running, watched),
  };
}

// ── Promises ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What holds for a host when something of it is restarted. */
export function restartPromises(lab: Lab, running: RunningHost): readonly LabPromise[] {
  const watched = watchOf(lab, running.host);
  if (watched === undefined) return [];
  const { host, files } = running;
  return [
    ...(managedLinks(files).length > 0 ? [networkdPromise(lab, running, watched)] : []),
    ...(isHeard(host, lab.network.hosts) ? [tunnelPromise(lab, running, watched)] : []),
    ...(host.bgp.kind !== "none" ? [frrPromise(lab, running, watched)] : []),
  ];
}
