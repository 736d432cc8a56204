/**
 * Computers: hosts of a lab with a disk of their own and systemd as process 1, which are switched on, off and on again.
 * Everything of them ends with the lab's process namespace, but for the empty control groups: {@link clearControlGroups}.
 */
import { type Box, joinBox, type LabRoot, type Power, QUIET_BRIDGES } from "./box.ts";
import { execute, NAMESPACES, startWithin } from "./keeper.ts";

/** Where the lab's own mount namespace has the disks. */
const DISKS = "/run/disk";
/** And the control groups of the whole machine. */
const GROUPS = "/sys/fs/cgroup";
const GROUP = "netgen-lab-";

// Of Debian's units, those that serve people, or what only a machine of its own has.
const MASKED = [
  "systemd-logind",
  "systemd-timesyncd",
  "systemd-binfmt",
  "systemd-hwdb-update",
  "systemd-update-utmp",
  "systemd-udev-settle",
  "ldconfig",
].map((unit) => `${unit}.service`);

/** Rules of udev's that look at network interfaces; all others look at devices of the machine. */
const UDEV_RULES = ["75-net-description", "80-net-setup-link", "99-systemd"].map((name) => `${name}.rules`);

// Everything but what this machine itself is configured to be. Process 1 sees the whole machine's devices in /sys: only
// network interfaces are to be announced to udev anew, and those are its own.
const FORMAT = `
disk=${DISKS}/$1
mkdir -p "$disk"
mount -t tmpfs -o mode=0755 tmpfs "$disk"
mkdir "$disk/upper" "$disk/work" "$disk/root"
mount -t overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" overlay "$disk/root"
cd "$disk/root"
rm -rf etc/wireguard etc/netgen* etc/sysctl.d etc/sysctl.conf etc/modules-load.d etc/systemd/network etc/systemd/system \
  etc/systemd/networkd.conf.d etc/network/interfaces* etc/frr/frr.conf etc/keepalived/* etc/resolv.conf etc/fstab etc/rc?.d \
  usr/sbin/policy-rc.d etc/udev/rules.d etc/cron* var/log/journal var/lib/systemd/timers var/lib/cloud
mkdir -p etc/wireguard etc/systemd/network etc/systemd/system etc/udev/rules.d etc/frr etc/lab etc/systemd/journald.conf.d etc/cloud
: > etc/cloud/cloud-init.disabled
[ ! -e /usr/bin/vtysh ] || chown -R frr:frr etc/frr
od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' > etc/machine-id
echo "$1" > etc/hostname
for unit in ${MASKED.join(" ")}; do ln -s /dev/null "etc/systemd/system/$unit"; done
for rules in usr/lib/udev/rules.d/*; do
  case " ${UDEV_RULES.join(" ")} " in *" \${rules##*/} "*) ;; *) ln -s /dev/null "etc/udev/rules.d/\${rules##*/}" ;; esac
done
mkdir -p etc/systemd/system/systemd-udev-trigger.service.d
printf '%s\\n' '[Service]' 'ExecStart=' 'ExecStart=udevadm trigger --action=add --subsystem-match=net' \
  > etc/systemd/system/systemd-udev-trigger.service.d/lab.conf
# All of a boot is looked at, however much it says.
printf '%s\\n' '[Journal]' 'Storage=volatile' 'RateLimitIntervalSec=0' > etc/systemd/journald.conf.d/lab.conf
`;

// What the cables are plugged into, whether the computer is on or off.
const CASE = `
${QUIET_BRIDGES}
ip link set lo up
echo ready
exec < /dev/null > /dev/null 2>&1
while :; do sleep 86400 & wait $!; done
`;

// As systemd's container interface has it: of /proc/sys only the network's part is the computer's own, and modules, clock and
// kernel log are the machine's. /sys can be written: without udev, nothing would be told of an interface that appears. Mounts
// get through to services, as each gets its credentials by one of its own.
const START = `
name=$1
group=${GROUPS}/$2/$1
mount -t cgroup2 cgroup2 ${GROUPS}
mkdir -p "$group"
echo $$ > "$group/cgroup.procs"
exec setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-sys_boot,-syslog \
  unshare -m -p -u -i -C --fork --kill-child bash -euc '
cd "${DISKS}/$1/root"
mount -t proc proc proc
mount --bind /proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind /proc/sys/net proc/sys/net
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755,nosuid tmpfs dev
mkdir dev/pts dev/shm dev/net
for device in null zero full random urandom tty net/tun; do
  [ -e "/dev/$device" ] || continue
  : > "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for link in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/\${link%:*}" "dev/\${link#*:}"; done
mount -t tmpfs -o mode=0755,nosuid tmpfs run
mount -t tmpfs -o mode=1777,nosuid tmpfs tmp
mkdir run/log
mkdir -p .lab
pivot_root . .lab
umount -l .lab
mount --make-rshared /
echo ready
exec < /dev/null > /dev/null 2>&1
exec env -i container=netgen PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
' bash "$name"
`;

// systemd(1): SIGRTMIN+4 starts poweroff.target.
const SHUT_DOWN = 'kill -s SIGRTMIN+4 "$1"; while kill -0 "$1" 2> /dev/null; do sleep 0.05; done';

// Cables, whose other end is elsewhere, go from one case to the next, as they were delivered.
const MOVE_CABLES = `
for link in $(nsenter -t "$1" -n ip -o link show type veth | sed -nE 's/^[0-9]+: ([^@]+)@if[0-9]+:.*/\\1/p'); do
  nsenter -t "$1" -n ip link set "$link" netns "$2"
  nsenter -t "$2" -n ip link set "$link" mtu 1500
done
kill -9 "$1"
`;

async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { status, output } = await execute(command, args);
  if (status !== 0) throw new Error(output.trim());
}

const bash = (script: string, ...words: readonly string[]): Promise<void> =>
  run("bash", "-euc", script, "bash", ...words);

/** Opens a computer in a lab: off, with a disk that has this machine's programs and nothing of its configuration. */
export async function openComputer(root: LabRoot, name: string, fleet: string): Promise<Box> {
  await run("nsenter", "-t", String(root.pid), "-m", "--", "bash", "-euc", FORMAT, "bash", name);
  const openCase = (): Promise<number> => startWithin(root.pid, ["-p", "-m"], ["unshare", ...NAMESPACES, CASE]);
  let frame = await openCase();
  let systemd: number | undefined;
  const power: Power = {
    on: async () => {
      const words = ["bash", "-euc", START, "bash", name, `${GROUP}${root.pid}`];
      systemd = await startWithin(frame, ["-n", "-m", "-p"], words);
    },
    off: async () => {
      await bash(SHUT_DOWN, String(systemd));
      systemd = undefined;
      const next = await openCase();
      await bash(MOVE_CABLES, String(frame), String(next));
      frame = next;
    },
  };
  return joinBox(name, {
    pid: () => systemd ?? frame,
    root: () => (systemd === undefined ? `${DISKS}/${name}/root` : undefined),
    power,
    fleet,
  });
}

// Whoever was killed could not clear its own; a group with somebody in it is another lab's. The last to end takes a moment.
const CLEAR = `
mount -t cgroup2 cgroup2 ${GROUPS}
for group in ${GROUPS}/${GROUP}*; do
  [ -d "$group" ] && [ ! -d "/proc/\${group##*-}" ] || continue
  for wait in 0 0.1 0.2 0.5 1 2; do
    sleep "$wait"
    ! grep -qx 'populated 0' "$group/cgroup.events" || break
  done
  find "$group" -depth -type d -exec rmdir {} + || true
done
`;

/** Removes what computers of labs that have ended leave behind: groups of processes that are no more. */
export async function clearControlGroups(): Promise<void> {
  await execute("unshare", ["-m", "bash", "-euc", CLEAR]);
}
