/** OVN on a lab's hosts, by its own programs. */
import { fileURLToPath } from "node:url";
import { invariant, must } from "../../src/base/invariant.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import type { RunningHost } from "../../src/lab/machine/running.ts";

const RUN = "/run/ovn-lab";
const RELAY = fileURLToPath(new URL("ovn-sockets.py", import.meta.url));

/** Where Open vSwitch switches: in the kernel by its module, as on real hosts, or in its own process where that is not to be had. */
export type Datapath = "kernel" | "userspace";

/** Of a host whose bridges are of a datapath that needs no kernel module. */
const IN_USERSPACE = `${RUN}/in-userspace`;

const PROLOGUE = `
export OVS_RUNDIR=${RUN} OVN_RUNDIR=${RUN} OVS_LOGDIR=${RUN} NETGEN_ROOT=${RUN}
export OVN_NB_DB=unix:${RUN}/nb.sock OVN_SB_DB=unix:${RUN}/sb.sock
# What netgen's scripts run.
ovs-vsctl() {
  local bridge='' more=()
  [[ ! -e ${IN_USERSPACE} ]] || bridge=$(sed -n 's/.*add-br \\([a-z-]*\\).*/\\1/p' <<< "$*")
  [[ -z $bridge ]] || more=(-- set bridge "$bridge" datapath_type=netdev)
  command ovs-vsctl "$@" "\${more[@]}"
}
export -f ovs-vsctl
`;

/** Lines of shell on a host, with OVN's programs speaking to its own. */
export const withOvn = ({ run }: Box, script: string): Promise<string> =>
  // A shell above all others that reads from a socket takes itself for a remote one, and complains about what it reads then.
  run("bash", "--norc", "-euc", `${PROLOGUE}${script}`);

// By their own names, by which ovn-appctl and ovs-appctl find them.
const daemon = (name: string, command: string): string =>
  `${command} --detach --pidfile=${RUN}/${name}.pid --log-file=${RUN}/${name}.log`;

const create = (name: string, schema: string): string => `ovsdb-tool create ${RUN}/${name}.db ${schema}`;

const serve = (name: string, more = ""): string =>
  daemon(name, `ovsdb-server --remote=punix:${RUN}/${name}.sock ${more} ${RUN}/${name}.db`);

/** OVN's databases and northd, with what is in the databases' files. */
const CENTRAL = `
${serve("nb")}
${serve("sb", "--remote=db:OVN_Southbound,SB_Global,connections")}
ovn-nbctl init; ovn-sbctl init
${daemon("ovn-northd", `ovn-northd --ovnnb-db=unix:${RUN}/nb.sock --ovnsb-db=unix:${RUN}/sb.sock`)}
`;

/** The central of a lab that has just come up, with what netgen's script has in it. */
export async function startCentral({ box }: RunningHost): Promise<void> {
  await withOvn(
    box,
    `mkdir -p ${RUN}
${create("nb", "/usr/share/ovn/ovn-nb.ovsschema")}
${create("sb", "/usr/share/ovn/ovn-sb.ovsschema")}
${CENTRAL}
/etc/netgen/ovn-nb`,
  );
}

/** Ends the central's programs; the databases' files stay. */
export async function endCentral({ box }: RunningHost): Promise<void> {
  await withOvn(
    box,
    `for name in ovn-northd nb sb; do
  pid=$(< ${RUN}/$name.pid)
  kill "$pid"
  while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
done`,
  );
}

/** Starts them again. */
export const resumeCentral = ({ box }: RunningHost): Promise<string> => withOvn(box, CENTRAL);

/** The way of Geneve through the kernel's own UDP, and so through WireGuard and the guard, for an Open vSwitch in userspace. */
async function relayGeneve({ box, host }: RunningHost): Promise<void> {
  const own = must(host.vtep, "a chassis has an address");
  await withOvn(
    box,
    `touch ${IN_USERSPACE}
ip link add gnv0 type veth peer name gnv1
ip link set gnv0 up
ip link set gnv1 up
ovs-vsctl add-br br-gnv -- add-port br-gnv gnv1 -- set open_vswitch . external_ids:ovn-bridge-datapath-type=netdev
ip link set br-gnv mtu 9000 up
ip address add ${own}/24 dev br-gnv noprefixroute
# It has not seen the address at once.
for ((i = 0; i < 50; i++)); do
  ovs-appctl -t ovs-vswitchd ovs/route/add 10.250.0.0/24 br-gnv 10.250.0.254 && break
  sleep 0.2
done
ovs-appctl -t ovs-vswitchd tnl/neigh/set br-gnv 10.250.0.254 02:00:00:00:00:fe`,
  );
  const inside = (await box.run("cat", "/sys/class/net/br-gnv/address")).trim();
  await box.start("sockets", "python3", RELAY, "gnv0", own, inside);
}

/** Open vSwitch, what netgen's script tells it, and ovn-controller. */
export async function startChassis(running: RunningHost, datapath: Datapath): Promise<void> {
  const { box } = running;
  await withOvn(
    box,
    `mkdir -p ${RUN}
# The lab's own stand-ins for what lies behind a gateway.
for each in /sys/class/net/lab*; do [[ ! -e $each ]] || ip link delete "\${each##*/}"; done
${create("db", "/usr/share/openvswitch/vswitch.ovsschema")}
${serve("db")}
ovs-vsctl --no-wait init
${daemon("ovs-vswitchd", `ovs-vswitchd unix:${RUN}/db.sock`)}`,
  );
  if (datapath === "userspace") await relayGeneve(running);
  await withOvn(box, "/etc/netgen/ovn-chassis");
  await withOvn(box, daemon("ovn-controller", `ovn-controller unix:${RUN}/db.sock`));
}

/** What verify says is not so, of OVN and of links: no systemd runs here, and no udev that would set a new bridge's sysctls. */
export async function missingOf({ box }: RunningHost): Promise<readonly string[]> {
  // Its list is not where the scripts write.
  const said = await withOvn(box, "NETGEN_ROOT= /etc/netgen/verify --quick || true");
  invariant(said.includes("\n1.."), "verify gets to its end");
  const lines = [...said.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, line = ""]) => line);
  return lines.filter((line) => /^(ovn|own|link|mac|address) /.test(line));
}

/** Whether a chassis has the central's southbound database. */
export async function hasCentral({ box }: RunningHost): Promise<boolean> {
  return (await withOvn(box, `ovn-appctl -t ovn-controller connection-status`)).trim() === "connected";
}

export interface Guest {
  /** Of its port in OVN, and of its network namespace. */
  readonly name: string;
  /** Of OVN's, of which it has a whole /24. */
  readonly network: string;
  readonly address: string;
  readonly router: string;
  /** What it makes of its MAC (RFC 4291, Appendix A) and of what its router announces. */
  readonly ipv6: string;
  /** Bytes. */
  readonly mtu: number;
}

/** A guest on a chassis, with the address that OVN is told it has. */
export async function plugIn({ box }: RunningHost, { name, address, router, mtu }: Guest): Promise<void> {
  await withOvn(
    box,
    `until ovs-vsctl br-exists br-int; do sleep 0.2; done
ovs-vsctl add-port br-int ${name} -- set interface ${name} type=internal external_ids:iface-id=${name}
ip netns add ${name}
ip link set ${name} netns ${name}
ip -n ${name} link set lo up
ip -n ${name} link set ${name} mtu ${mtu} address ${macOf(address)} up
ip -n ${name} address add ${address}/24 dev ${name}
ip -n ${name} route add default via ${router}`,
  );
}

/** Of the four numbers of its address. */
export const macOf = (address: string): string =>
  `0a:01:${address
    .split(".")
    .map((each) => Number(each).toString(16).padStart(2, "0"))
    .join(":")}`;

/** Runs a command as a guest; it has to succeed. */
export const inGuest = ({ box }: RunningHost, { name }: Guest, ...command: readonly string[]): Promise<string> =>
  box.run("ip", "netns", "exec", name, ...command);
