/** What guests of OVN's send and are sent: through its own programs, Geneve, the guard, WireGuard and BGP. */
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { parseAddress } from "../../src/base/ip.ts";
import { compile } from "../../src/compile.ts";
import { cutCables, mend } from "../../src/lab/life/cut.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { execute } from "../../src/lab/machine/keeper.ts";
import { findKernelObstacles } from "../../src/lab/machine/kernel.ts";
import { thisMachine } from "../../src/lab/machine/needs.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually, sleep } from "../../src/lab/machine/patience.ts";
import { type RunningHost, runningHost } from "../../src/lab/machine/running.ts";
import { pingDuring, type Watched } from "../../src/lab/measure/steady-ping.ts";
import { cablesOf } from "../../src/lab/plan/plan.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { isWhole } from "../proofs.ts";
import { quiet } from "./computers.ts";
import { proveInKernel } from "./netgen-lab.ts";
import {
  type Datapath,
  endCentral,
  type Guest,
  hasCentral,
  inGuest,
  macOf,
  missingOf,
  plugIn,
  resumeCentral,
  startCentral,
  startChassis,
  withOvn,
} from "./ovn.ts";

if (!isWhole) console.warn("SKIPPED without NETGEN_PROOFS=whole: guests of OVN's");

/** Of the network with two gateways, and of that with one. */
const TENANT: Guest = {
  ...{ name: "vm1", network: "tenant", mtu: 1382 },
  ...{ address: "10.9.0.11", router: "10.9.0.1", ipv6: "fd09::801:aff:fe09:b" },
};
const OFFICE: Guest = {
  ...{ name: "vm2", network: "office", mtu: 1382 },
  ...{ address: "10.9.1.11", router: "10.9.1.1", ipv6: "fd09:0:0:1:801:aff:fe09:10b" },
};
/** Of delta, which is the central, and a spoke. */
const OVERLAY = ["10.250.0.4", "fd50::4"];
/** Of beta, the second gateway. */
const BETA = "10.250.0.2";

/** Where the router of the network with several gateways is left. */
const ACTIVE = "ovn-sbctl --bare --columns=chassis find port_binding logical_port=cr-ha.tenant.out";

const { model, ...compiled } = compile(
  sourceOf(
    must(
      listFixtures().find(({ name }) => name === "ovn-gateways"),
      "a fixture",
    ),
  ),
);
const network = must(model, "it has no mistake");
const plan = planLab(network);
const cables = cablesOf(
  must(
    plan.hosts.find(({ name }) => name === "alpha"),
    "alpha is in the plan",
  ),
);

/** With its headers, bytes: no echo request is cut up. */
const ping = (to: string, bytes: number): readonly [string, ...string[]] =>
  ["ping", "-n", "-c", "2", "-W", "2", "-M", "do", "-s", String(bytes - (to.includes(":") ? 48 : 28)), to] as const;

const watched = (box: Box, { address }: Guest): Watched => ({ box, to: must(parseAddress(address), "an address") });

/** The fixture's hosts with OVN, guests on gamma, and delta, which asks them. */
interface OvnLab {
  readonly alpha: RunningHost;
  readonly beta: RunningHost;
  readonly gamma: RunningHost;
  readonly delta: RunningHost;
  readonly reaches: (guest: Guest) => Promise<boolean>;
  /** The gateway at which the router of the network with several is left. */
  readonly router: () => Promise<string>;
}

async function prove(datapath: Datapath, work: (lab: OvnLab) => Promise<void>): Promise<void> {
  const { lab, root } = await openLab({ ...compiled, network, plan }, quiet);
  const host = (name: string) => runningHost(lab, name);
  const [alpha, beta, gamma, delta] = [host("alpha"), host("beta"), host("gamma"), host("delta")];
  try {
    await startCentral(delta);
    for (const each of [alpha, beta, gamma]) await startChassis(each, datapath);
    for (const guest of [TENANT, OFFICE]) {
      const addresses = `"${macOf(guest.address)} ${guest.address} ${guest.ipv6}"`;
      const port = `lsp-add ${guest.network} ${guest.name} -- lsp-set-addresses ${guest.name} ${addresses}`;
      await withOvn(delta.box, `ovn-nbctl ${port}`);
      await plugIn(gamma, guest);
    }
    const answers = async (address: string): Promise<boolean> =>
      (await delta.box.attempt(...ping(address, 84))).status === 0;
    const reaches = ({ address }: Guest): Promise<boolean> => answers(address);
    const router = async (): Promise<string> =>
      (await withOvn(delta.box, `ovn-sbctl --bare --columns=name list chassis $(${ACTIVE})`)).trim();
    for (const { address, ipv6 } of [TENANT, OFFICE]) {
      for (const each of [address, ipv6]) expect(await eventually(() => answers(each))).toBe(true);
    }
    expect(await router()).toBe("alpha");
    for (const each of [alpha, beta, gamma, delta]) expect(await missingOf(each)).toEqual([]);
    await work({ alpha, beta, gamma, delta, reaches, router });
  } finally {
    await root.close();
  }
}

/** A guest gets there by packets of its network's size, IPv4 and IPv6. */
async function reachOverlay(gamma: RunningHost, guest: Guest): Promise<void> {
  for (const address of OVERLAY) await inGuest(gamma, guest, ...ping(address, guest.mtu));
}

async function proveGateways({ alpha, gamma, delta, router }: OvnLab): Promise<void> {
  for (const guest of [TENANT, OFFICE]) {
    await reachOverlay(gamma, guest);
    for (const address of [guest.address, guest.ipv6]) await delta.box.run(...ping(address, guest.mtu));
    // By a host's own address: others' would be dropped where AllowedIPs name what is behind each peer.
    const ipv4 = await delta.box.attempt(...ping(guest.address, guest.mtu + 1));
    expect(ipv4.output).toMatch(/^From 10\.250\.0\.[12] .*Frag needed and DF set \(mtu = 1382\)/m);
    const ipv6 = await delta.box.attempt(...ping(guest.ipv6, guest.mtu + 1));
    expect(ipv6.output).toMatch(/^From fd50::[12] .*Packet too big: mtu=1382/m);
  }

  const away = await pingDuring(watched(delta.box, TENANT), () => cutCables(alpha.box, cables));
  expect(away.isBack).toBe(true);
  expect(await router()).toBe("beta");
  await reachOverlay(gamma, TENANT);

  const back = await pingDuring(watched(delta.box, TENANT), async () => {
    await mend(alpha.box);
    expect(await eventually(async () => (await router()) === "alpha")).toBe(true);
  });
  expect(back.isBack).toBe(true);
  await reachOverlay(gamma, TENANT);
  await withOvn(gamma.box, "ovn-appctl -t ovn-controller exit --restart");
  expect(await missingOf(gamma)).toEqual(["ovn connected tcp:10.250.0.4:6642"]);
  tell(`the first gateway cut off: ${away.gapSeconds} s without an answer; back: ${back.gapSeconds} s`);
}

/** Longer than Open vSwitch keeps a flow that nothing goes by (10 s), and than OVN asks whether the other end is there (5 s). */
const AWAY_MS = 15_000;
/** Longer than a gateway takes that takes over, which is 5. */
const TAKEOVER_SECONDS = 20;

async function proveWithoutCentral({ alpha, beta, gamma, delta, reaches, router }: OvnLab): Promise<void> {
  const leave = async (): Promise<void> => {
    await endCentral(delta);
    for (const each of [alpha, beta, gamma]) {
      expect(await eventually(async () => !(await hasCentral(each)))).toBe(true);
    }
    await sleep(AWAY_MS);
    // Nobody has sent there before: Open vSwitch has no flow yet.
    for (const guest of [TENANT, OFFICE]) await inGuest(gamma, guest, ...ping(BETA, guest.mtu));
    await inGuest(gamma, TENANT, ...ping(OFFICE.address, OFFICE.mtu));
  };
  const office = await pingDuring(watched(delta.box, OFFICE), async () => {
    expect(await pingDuring(watched(delta.box, TENANT), leave)).toMatchObject({ lost: 0, isBack: true });
  });
  expect(office).toMatchObject({ lost: 0, isBack: true });

  await cutCables(alpha.box, cables);
  expect(await eventually(() => reaches(TENANT), TAKEOVER_SECONDS)).toBe(false);
  // What is for guests comes by the other gateway; what they send has no way out.
  const heard = async (): Promise<number> =>
    Number((await inGuest(gamma, TENANT, "nstat", "-asz", "IcmpInEchos")).match(/^IcmpInEchos\s+(\d+)/m)?.[1]);
  const before = await heard();
  expect(await reaches(TENANT)).toBe(false);
  expect(await heard()).toBeGreaterThan(before);
  await mend(alpha.box);
  for (const guest of [TENANT, OFFICE]) expect(await eventually(() => reaches(guest))).toBe(true);

  await cutCables(alpha.box, cables);
  expect(await eventually(async () => !(await reaches(TENANT)))).toBe(true);
  const from = performance.now();
  await resumeCentral(delta);
  expect(await eventually(() => reaches(TENANT))).toBe(true);
  const seconds = (performance.now() - from) / 1000;
  expect(await router()).toBe("beta");
  await mend(alpha.box);
  for (const guest of [TENANT, OFFICE]) expect(await eventually(() => reaches(guest))).toBe(true);
  expect(await eventually(async () => (await router()) === "alpha")).toBe(true);
  tell(`the central back: the next gateway has taken over after ${seconds} s`);
}

const MEASURED = "measured: ";
const tell = (line: string): void => console.info(`${MEASURED}${line}`);

const PROOFS = [
  { what: "guests are reached, and get out, by each gateway that is there", work: proveGateways },
  {
    what: "without the central all goes on as it was, and nobody takes over until it is back",
    work: proveWithoutCentral,
  },
];
/** On a busy machine; and on an emulated one. */
const [LONG_MS, VERY_LONG_MS] = [600_000, 3_600_000];

/** As the scripts of Debian's package load it. */
const hasModule = async (): Promise<boolean> => (await execute("modprobe", ["-q", "openvswitch"])).status === 0;

for (const { what, work } of PROOFS) {
  test.runIf(isWhole)(`${what}: in userspace`, { timeout: LONG_MS }, () => prove("userspace", work));

  const name = `${what}: in the kernel`;
  test.runIf(isWhole)(name, { timeout: VERY_LONG_MS }, async ({ signal, skip }) => {
    if (await hasModule()) return prove("kernel", work);
    const obstacles = findKernelObstacles(network, thisMachine(), process.arch);
    skip(obstacles.length > 0 && process.env.CI === undefined, `SKIPPED: ${obstacles.join("; ")}`);
    const { end, ran, said } = await proveInKernel("test/lab/ovn.test.ts", name, signal);
    expect(end, said).toEqual({ kind: "ended", status: 0 });
    expect(ran, said).toEqual([expect.stringMatching(/^ok /)]);
    for (const line of said.split("\n").filter((each) => each.startsWith(MEASURED))) console.info(line);
  });
}
