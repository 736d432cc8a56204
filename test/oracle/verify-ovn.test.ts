/** What verify says of OVN's own databases, northd, ovn-controller and Open vSwitch (without a kernel), whole and broken one by one. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contentOf } from "../../src/emit/file.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { compileText } from "../compile-text.ts";
import { forNow } from "../proofs.ts";
import { type Lab, openLab } from "./namespaces.ts";
import { isEquipped, scratch } from "./nft-helpers.ts";

const { directory, remove } = scratch();
afterAll(remove);

/** Alpha is the central, the first gateway of one network and the only one of another; the others are rows in its database. */
const TOPOLOGY = `wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
bgp: {asn: 65000}
ovn:
  central: alpha
  chassis: [gamma]
  networks:
    tenant: {cidr: 10.9.0.0/24, gateway: [alpha, beta]}
    office: {cidr: 10.9.2.0/24, gateway: alpha}
    lonely: {cidr: 10.9.1.0/28}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1}
  beta: {id: 2, endpoint: 192.0.2.2}
  gamma: {id: 3, behindNat: true}
`;

const ENVIRONMENT = [
  `NETGEN_ROOT=${directory}`,
  ...["OVN_RUNDIR", "OVS_RUNDIR", "OVN_LOGDIR", "OVS_LOGDIR"].map((name) => `${name}=${directory}`),
  `OVN_NB_DB=unix:${directory}/nb.sock`,
  `OVN_SB_DB=unix:${directory}/sb.sock`,
];

const daemon = (name: string, command: string): string =>
  `${command} --detach --no-chdir --pidfile=${directory}/${name}.pid --log-file=${directory}/${name}.log`;
const database = (name: string, schema: string, more = ""): string =>
  `ovsdb-tool create ${directory}/${name}.db ${schema}
${daemon(name, `ovsdb-server --unixctl=${directory}/${name}.ctl --remote=punix:${directory}/${name}.sock ${more} ${directory}/${name}.db`)}`;
const CONTROLLER = daemon("ovn-controller", `ovn-controller unix:${directory}/db.sock`);
const SWITCH = daemon(
  "ovs-vswitchd",
  `ovs-vswitchd --enable-dummy=override --disable-system unix:${directory}/db.sock`,
);
/** As the scripts of the tree leave the host, whatever was done to it. */
const CHASSIS = `bash ${directory}/etc/netgen/ovn-chassis`;
const CENTRAL = `bash ${directory}/etc/netgen/ovn-nb`;

/** What is broken and how, the lines that say so, these and no others, and what makes it whole. */
type Case = readonly [what: string, breaking: string, expected: readonly string[], mending: string];

const CASES: readonly Case[] = [
  [
    "whose ovn-controller has ended",
    "ovn-appctl -t ovn-controller exit --restart",
    ["ovn connected tcp:10.250.0.1:6642"],
    CONTROLLER,
  ],
  [
    "which leaves OVN",
    "ovn-appctl -t ovn-controller exit",
    [
      "ovn connected tcp:10.250.0.1:6642",
      "ovn chassis 10.250.0.1 alpha",
      "ovn bound out.alpha",
      "ovn geneve 10.250.0.2 beta",
      "ovn geneve 10.250.0.3 gamma",
    ],
    CONTROLLER,
  ],
  ["whose switch has ended", "ovs-appctl -t ovs-vswitchd exit", ["ovn ovs-vswitchd"], SWITCH],
  ["whose northd is paused", "ovn-appctl -t ovn-northd pause", ["ovn northd"], "ovn-appctl -t ovn-northd resume"],
  [
    "whose southbound database no longer listens",
    "ovn-sbctl del-connection",
    ["ovn connected tcp:10.250.0.1:6642", "ovn southbound tcp:10.250.0.1:6642"],
    CENTRAL,
  ],
  [
    "whose address is gone by which the southbound database was asked",
    "ip address del 10.250.0.1/32 dev lo; ovn-sbctl del-connection; ovn-sbctl set-connection ptcp:6642:127.0.0.1",
    ["ovn connected tcp:10.250.0.1:6642", "ovn southbound tcp:10.250.0.1:6642"],
    `ip address add 10.250.0.1/32 dev lo; ovn-sbctl del-connection; ${CENTRAL}`,
  ],
  [
    "of which another one has left",
    "ovn-sbctl chassis-del gamma",
    ["ovn chassis 10.250.0.3 gamma", "ovn geneve 10.250.0.3 gamma"],
    "ovn-sbctl chassis-add gamma geneve 10.250.0.3",
  ],
  [
    "of which another one has registered with an address that is not the topology's",
    "ovn-sbctl chassis-del gamma; ovn-sbctl chassis-add gamma geneve 10.250.0.33",
    ["ovn chassis 10.250.0.3 gamma", "ovn geneve 10.250.0.3 gamma"],
    "ovn-sbctl chassis-del gamma; ovn-sbctl chassis-add gamma geneve 10.250.0.3",
  ],
  [
    "whose switch could not make a port of Geneve's",
    "ovs-vsctl --no-wait set interface ovn-gamma-0 ofport=-1",
    ["ovn geneve 10.250.0.3 gamma"],
    "ovs-vsctl --no-wait del-port ovn-gamma-0",
  ],
  [
    "whose northbound database says nothing any more",
    `kill -STOP "$(< ${directory}/nb.pid)"`,
    [
      "ovn switch lonely",
      "ovn switch office",
      "ovn switch tenant",
      "ovn dhcp mtu=1382 lonely",
      "ovn dhcp mtu=1382 office",
      "ovn dhcp mtu=1382 tenant",
    ],
    `kill -CONT "$(< ${directory}/nb.pid)"`,
  ],
  ["of which a network is gone", "ovn-nbctl ls-del lonely", ["ovn switch lonely"], CENTRAL],
  [
    "whose guests are told another MTU",
    `ovn-nbctl set dhcp_options "$(ovn-nbctl --bare --columns=_uuid find dhcp_options external_ids:netgen=office)" options:mtu=1500`,
    ["ovn dhcp mtu=1382 office"],
    CENTRAL,
  ],
  [
    "whose router is not joined with its bridge",
    "ovn-appctl -t ovn-controller exit --restart; ovs-vsctl del-port br-ovn patch-edge.alpha.net-to-br-int",
    ["ovn connected tcp:10.250.0.1:6642", "ovn br-ovn edge.alpha.net"],
    CONTROLLER,
  ],
  [
    "beside whose mapping is another",
    "ovs-vsctl set open_vswitch . external_ids:ovn-bridge-mappings=a:br-a,netgen:br-ovn,b:br-b",
    [],
    CHASSIS,
  ],
  [
    "whose port for what is for guests is another's",
    "ovs-vsctl set interface ovn-entry external_ids:iface-id=vm1",
    ["ovn ovn-entry entry.alpha"],
    CHASSIS,
  ],
  [
    "of which no gateway has the router that moves",
    "ovn-sbctl lsp-unbind cr-ha.tenant.out",
    ["ovn bound ha.tenant.out"],
    "ovn-sbctl lsp-bind cr-ha.tenant.out beta",
  ],
  ["whose bridge is down", "ip link set br-ovn down", ["own 10.9.2.0/24 br-ovn", "link br-ovn"], CHASSIS],
  ["whose bridge has another MTU", "ip link set br-ovn mtu 1500", ["link br-ovn"], "ip link set br-ovn mtu 1382"],
  [
    "whose bridge has another MAC",
    "ip link set br-ovn address 02:00:00:00:00:01",
    ["mac br-ovn"],
    "ip link set br-ovn address 0a:00:00:00:00:01",
  ],
  [
    "whose bridge has lost an address",
    "ip address del 169.254.77.5/30 dev br-ovn",
    ["address br-ovn 169.254.77.5/30"],
    CHASSIS,
  ],
  [
    "whose entry was down for a moment",
    "ip link set ovn-entry down; ip link set ovn-entry up",
    ["own 10.9.0.0/24 ovn-entry", "ovn ovn-entry 10.9.0.1"],
    CHASSIS,
  ],
  [
    "whose way to guests is gone",
    "ip route del 10.9.2.0/24; ip route add unreachable 10.9.2.0/24",
    ["own 10.9.2.0/24 br-ovn"],
    `ip route del unreachable 10.9.2.0/24; ${CHASSIS}`,
  ],
];

/** One of each program. */
const ON_EACH_CHANGE: ReadonlySet<string> = new Set([
  "whose ovn-controller has ended",
  "whose northd is paused",
  "of which another one has left",
  "of which a network is gone",
  "whose entry was down for a moment",
]);

describe.skipIf(!isEquipped("ip", "ovn-controller", "ovn-northd", "ovs-vswitchd"))(
  "a host of OVN's that is looked at",
  { timeout: 120_000 },
  () => {
    let lab: Lab;
    const shell = (script: string): string => {
      const { status, output } = lab.tryAt("host", "env", [...ENVIRONMENT, "bash", "-euc", script]);
      if (status !== 0) throw new Error(`${script}: ${output}`);
      return output;
    };
    /** What of OVN's is not so; lines of a kernel's links as well. */
    const wrong = (): readonly string[] => {
      const { output } = lab.tryAt("host", "env", [
        ...ENVIRONMENT,
        "bash",
        `${directory}/etc/netgen/verify`,
        "--quick",
      ]);
      return [...output.matchAll(/^not ok \d+ - (.*)$/gm)]
        .map(([, what = ""]) => what)
        .filter((what) => /^ovn |br-ovn|ovn-entry/.test(what));
    };
    /** Waits until these lines are not so, and no others: ovn-controller and northd take a moment. */
    const expectWrong = async (expected: readonly string[]): Promise<void> => {
      let found: readonly string[] = [];
      await eventually(async () => {
        found = wrong();
        return found.join() === expected.join();
      }, 40);
      expect(found).toEqual(expected);
    };

    beforeAll(async () => {
      for (const file of compileText(TOPOLOGY).files.filter(({ path }) => path.startsWith("alpha/"))) {
        const path = join(directory, file.path.replace("alpha/", ""));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, contentOf(file));
      }
      // What is below the root of the tree and yet the kernel's.
      symlinkSync("/sys", join(directory, "sys"));
      lab = openLab(["host"]);
      // Open vSwitch has no part in the kernel here: these stand for its bridge and its port.
      for (const [link, far] of [
        ["br-ovn", "far0"],
        ["ovn-entry", "far1"],
      ]) {
        lab.at("host", `ip link add ${link} mtu 1382 type veth peer name ${far}`);
        lab.at("host", `ip link set ${far} up`);
      }
      lab.at("host", "ip link set br-ovn address 0a:00:00:00:00:01");
      lab.at("host", "ip address add 10.250.0.1/32 dev lo");
      shell(`
${database("nb", "/usr/share/ovn/ovn-nb.ovsschema")}
${database("sb", "/usr/share/ovn/ovn-sb.ovsschema", "--remote=db:OVN_Southbound,SB_Global,connections")}
${database("db", "/usr/share/openvswitch/vswitch.ovsschema")}
ovn-nbctl init; ovn-sbctl init; ovs-vsctl --no-wait init
${SWITCH}
${daemon("ovn-northd", "ovn-northd")}
${CENTRAL}
${CHASSIS}
ovn-sbctl chassis-add beta geneve 10.250.0.2 -- chassis-add gamma geneve 10.250.0.3
ovn-nbctl --wait=sb sync
# What beta's ovn-controller would do: alpha's leaves it alone, as it hears nothing of the others by BFD.
ovn-sbctl lsp-bind cr-ha.tenant.out beta
${CONTROLLER}`);
    }, 120_000);
    afterAll(() => {
      shell(`for name in ovn-controller ovn-northd ovs-vswitchd nb sb db; do
  [[ ! -e ${directory}/$name.pid ]] || kill "$(< ${directory}/$name.pid)"
done`);
      lab.close();
    });

    test("has all of it", async () => {
      await expectWrong([]);
      const { output } = lab.tryAt("host", "env", [
        ...ENVIRONMENT,
        "bash",
        `${directory}/etc/netgen/verify`,
        "--quick",
      ]);
      // Of a chassis that is a gateway, and of the central.
      expect(output.match(/^ok \d+ - ovn /gm)).toHaveLength(14 + 13);
    });

    test.each(forNow(CASES, ([what]) => ON_EACH_CHANGE.has(what), "hosts of OVN's with something broken"))(
      "%s",
      async (_, breaking, expected, mending) => {
        shell(breaking);
        await expectWrong(expected);
        shell(mending);
        await expectWrong([]);
      },
    );

    test("whose Open vSwitch was told something else", async () => {
      // It would act on it at once.
      shell("ovn-appctl -t ovn-controller exit --restart");
      const before = wrong();
      for (const [key, other, line] of [
        ["system-id", "other", "system-id=alpha"],
        ["ovn-encap-type", "stt", "ovn-encap-type=geneve"],
        ["ovn-encap-ip", "10.250.0.11", "ovn-encap-ip=10.250.0.1"],
        ["ovn-set-local-ip", "false", "ovn-set-local-ip=true"],
        ["ovn-remote", "tcp:10.250.0.9:6642", "ovn-remote=tcp:10.250.0.1:6642"],
        ["ovn-bridge-mappings", "netgen:br-ex,physnet1:br-ovn", "netgen:br-ovn"],
      ]) {
        shell(`ovs-vsctl set open_vswitch . 'external_ids:${key}="${other}"'`);
        expect(wrong()).toEqual([`ovn ${line}`, ...before]);
        shell(CHASSIS);
      }
      shell(CONTROLLER);
      await expectWrong([]);
    });
  },
);
