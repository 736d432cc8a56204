/** Debian 13's NetworkManager in a box, with a bus of its own: it has the uplink, and finds netgen's links there. */
import type { Box, Daemon } from "./netns.ts";
import { trixieTree } from "./trixie-tree.ts";

/** All may do all: there is nobody else. */
const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>`;

const CONNECTION = (address: string): string => `[connection]
id=uplink
uuid=6f1b1f0a-5f0c-4f0e-9d4e-0d3f5c6b7a81
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=${address}
[ipv6]
method=disabled`;

const setUp = (root: string, address: string, settings: string): string => `
mount --bind ${root} ${root}
for each in proc sys dev run; do mount --rbind /$each ${root}/$each; done
mount -t tmpfs tmpfs ${root}/var; mkdir -p ${root}/var/lib/NetworkManager ${root}/var/tmp
mkdir -p /run/NetworkManager/conf.d /run/NetworkManager/system-connections /run/dbus
cat > /run/NetworkManager/system-connections/uplink.nmconnection << 'END'
${CONNECTION(address)}
END
chmod 600 /run/NetworkManager/system-connections/uplink.nmconnection
printf '[main]\\nplugins=keyfile\\n[logging]\\nlevel=WARN\\nbackend=stderr\\n' > /run/NetworkManager.conf
cat > /run/NetworkManager/conf.d/90-netgen.conf << 'END'
${settings}
END
cat > /run/bus.conf << 'END'
${BUS}
END
dbus-daemon --config-file=/run/bus.conf --fork
`;

export interface NetworkManager extends Daemon {
  /** It answers. */
  readonly isRunning: () => boolean;
  /** What `nmcli` says, such as of `device`. */
  readonly ask: (...words: readonly string[]) => string;
}

/** Starts it with a profile for eth0; `address` with its prefix length, `settings` as in a file of conf.d. */
export function startNetworkManager(box: Box, address: string, settings = ""): NetworkManager {
  const root = trixieTree();
  if (root === undefined) throw new Error("there is no NetworkManager");
  box.shell(setUp(root, address, settings));
  const enter = ["chroot", root] as const;
  const daemon = box.start(...enter, "/usr/sbin/NetworkManager", "--no-daemon", "--config=/run/NetworkManager.conf");
  const isRunning = () => box.tryRun(...enter, "nmcli", "general").status === 0;
  return { ...daemon, isRunning, ask: (...words) => box.run(...enter, "nmcli", "--terse", ...words) };
}
