/** Hosts that share an address: keepalived in their boxes, and which of the two has the address. */
import type { Host } from "../../model/host.ts";
import { applySysctl, runUnit } from "./boot.ts";
import { type Box, writeInto } from "./box.ts";
import { eventually } from "./patience.ts";
import type { RunningHost } from "./running.ts";

/** The host that is to be silent: it shares a key, and the other one is to be the master. */
export function isStandby({ vrrp, name }: Host, hosts: readonly Host[]): boolean {
  if (vrrp === undefined || !vrrp.isExclusive) return false;
  const other = hosts.find((each) => each.name === vrrp.other.host);
  return other?.vrrp !== undefined && other.name !== name && other.vrrp.priority > vrrp.priority;
}

/** The lower of two priorities that share a key: while the other is there its tunnels are down. */
export const hasRival = ({ host: { vrrp } }: Pick<RunningHost, "host">): boolean =>
  vrrp?.isExclusive === true && vrrp.priority <= 100;

/** It has tunnels, and they are up. */
export function isHeard(host: Host, hosts: readonly Host[]): boolean {
  return host.interfaces.length > 0 && !isStandby(host, hosts);
}

// There is no systemd in a box: what keepalived's script asks of it is done as its units would.
const systemctl = (fleet: string): string => `#!/bin/bash
[[ $2 =~ ^wg-quick@(.*)\\.service$ ]] || exit 1
link=\${BASH_REMATCH[1]}
exec >> /run/log/wg-quick 2>&1 < /dev/null
case $1 in
  start) ip link show "$link" > /dev/null 2>&1 || wg-quick up "$link" || exit 1
    grep -sE '^-?net' /etc/sysctl.d/90-netgen${fleet}.conf | sysctl -qe -p - || true
    [[ ! -x /etc/netgen${fleet}/wg-endpoints ]] || /etc/netgen${fleet}/wg-endpoints ;;
  stop) ! ip link show "$link" > /dev/null 2>&1 || wg-quick down "$link" ;;
esac
`;

const PUT_SYSTEMCTL = "mountpoint -q /usr/bin/systemctl || mount --bind /run/systemctl /usr/bin/systemctl";
const PID_FILE = "/run/keepalived.pid";

/** Starts keepalived on a host that has a file for it. */
export async function startKeepalived({ box, files }: RunningHost): Promise<void> {
  if (box.power !== undefined) return void (await box.run("systemctl", "start", "keepalived.service"));
  writeInto(box, "/run/systemctl", systemctl(box.fleet), 0o755);
  await box.shell(PUT_SYSTEMCTL);
  await box.start("keepalived", "keepalived", "--dont-fork", "--log-console", "--log-detail", `--pid=${PID_FILE}`);
  await runUnit({ box, files }, `netgen${box.fleet}-routes.service`, { key: "ExecReload" });
}

/** Ends it as its unit does: it says goodbye, and the other takes over. */
export async function stopKeepalived(box: Box): Promise<void> {
  if (box.power !== undefined) await box.run("systemctl", "stop", "keepalived.service");
  else await box.shell(`kill "$(cat ${PID_FILE})"; while [ -e ${PID_FILE} ]; do sleep 0.1; done`);
}

/** Has it read its file anew. */
export async function reloadKeepalived({ box }: RunningHost): Promise<void> {
  if (box.power !== undefined) await box.run("systemctl", "reload", "keepalived.service");
  else await box.shell(`kill -HUP "$(cat ${PID_FILE})"`);
}

/** Whether a host has the shared address, and its tunnels where only then they are to be up. */
export async function isMaster({ host, box }: RunningHost): Promise<boolean> {
  const { vrrp } = host;
  if (vrrp === undefined) return false;
  const { output } = await box.attempt("ip", "-o", "address", "show", "to", vrrp.address.address);
  const tunnels = vrrp.isExclusive ? host.interfaces : [];
  const states = await Promise.all(tunnels.map(({ name }) => box.attempt("wg", "show", name, "public-key")));
  return output !== "" && states.every(({ status }) => status === 0);
}

/** Those that are to be masters of their pairs. */
function mastersOf(hosts: readonly RunningHost[]): readonly RunningHost[] {
  const priorityOf = (name: string | undefined): number =>
    hosts.find(({ host }) => host.name === name)?.host.vrrp?.priority ?? 0;
  return hosts.filter(({ host: { vrrp } }) => vrrp !== undefined && priorityOf(vrrp.other.host) < vrrp.priority);
}

/** Those whose keepalived is to find a master that is there: as both begin, the priorities would decide, but not at once. */
export function followersOf(hosts: readonly RunningHost[]): readonly RunningHost[] {
  const masters = mastersOf(hosts);
  return hosts.filter((each) => each.host.vrrp !== undefined && !masters.includes(each));
}

/** Starts those that are to be masters, and waits until they are. @throws Error when none becomes one. */
export async function startMasters(hosts: readonly RunningHost[]): Promise<void> {
  const masters = mastersOf(hosts);
  await Promise.all(masters.map(startKeepalived));
  for (const master of masters) {
    if (!(await eventually(() => isMaster(master), 30))) {
      throw new Error(`${master.host.name} does not become the master: ${await master.box.log("keepalived")}`);
    }
    await applySysctl(master.box, master.files);
  }
}
