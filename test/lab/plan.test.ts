/** Plans of changes, carried out on hosts that boot by themselves: fewer packets are lost than each plan says. */
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import type { IpAddress } from "../../src/base/ip.ts";
import { compile } from "../../src/compile.ts";
import { planRollout, type RolloutPlan } from "../../src/deliver/plan.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { runningHosts } from "../../src/lab/machine/running.ts";
import { pingDuring } from "../../src/lab/measure/steady-ping.ts";
import { forNow } from "../proofs.ts";
import { testPublicKey } from "../test-keys.ts";
import { quiet, stage } from "./computers.ts";

type PublicKeys = Readonly<Record<string, string>>;

/** What can be said of the network; left out: as it begins. */
interface Shape {
  readonly name?: string;
  readonly pathMtu?: number;
  readonly asn?: number;
  readonly bfd?: string;
  readonly vni?: number;
  /** Of beta's keys. */
  readonly beta?: string;
  /** Of gamma's keys. */
  readonly gamma?: string;
  /** Lines of the file. */
  readonly more?: string;
  readonly hosts?: string;
  readonly subnets?: string;
}

const topology = ({ name = "plans", pathMtu = 1500, asn = 65000, bfd = "", vni = 100, ...rest }: Shape): string => `
netgen: 1
name: ${name}
underlay: {pathMtu: ${pathMtu}}
wireguard: {addresses: [10.250.0.0/24]}
bgp: {asn: ${asn}${bfd}}
${rest.more ?? ""}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 203.0.113.9${rest.beta ?? ""}}
  gamma: {id: 3, endpoint: 192.0.2.7${rest.gamma ?? ""}}
${rest.hosts ?? ""}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1, beta: 10.77.0.2}, isolated: true}
${rest.subnets ?? ""}
`;

interface Change extends Shape {
  readonly what: string;
  readonly isForEachChange?: true;
}

/** Each is what it says besides what {@link topology} begins with: it is brought, and taken back before the next. */
const CHANGES: readonly Change[] = [
  { what: "comments alone", name: "renamed" },
  { what: "a peer that is kept alive", beta: ", behindNat: true", isForEachChange: true },
  { what: "a prefix behind a host", gamma: ", routes: [10.90.0.0/24]" },
  { what: "a host more", hosts: "  delta: {id: 4, endpoint: 192.0.2.8}" },
  { what: "a smaller path", pathMtu: 1480 },
  { what: "a segment more", subnets: "  more: {cidr: 10.78.0.0/24, vxlan: {vni: 200}, hosts: all}" },
  { what: "a gateway more", subnets: "  own: {cidr: 10.79.0.0/24, hosts: [gamma], gateway: 10.79.0.1}" },
  { what: "another VNI", vni: 101, isForEachChange: true },
  { what: "another AS number", asn: 65001 },
  { what: "BFD", bfd: ", bfd: {}" },
  { what: "somebody else who may speak VXLAN", more: "guard: {allowFrom: [198.51.100.77]}" },
  { what: "another port of one host", beta: ", listenPort: 51999" },
];

const compiled = (shape: Shape, publicKeys: PublicKeys) => {
  const { files, units, configurations, model, diagnostics } = compile(
    { name: "topology.yaml", text: topology(shape) },
    { publicKeys },
  );
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const network = must(model, "the topology has no mistake");
  return { network, files, units, configurations, tree: { name: network.name, files, units } };
};
type Compiled = ReturnType<typeof compiled>;

/** In the order of the plan, as far as the hosts are here. */
async function carryOut(plan: RolloutPlan, boxes: ReadonlyMap<string, Box>, to: Compiled): Promise<void> {
  for (const name of plan.batches.flat()) {
    const box = boxes.get(name);
    if (box === undefined) continue;
    await box.run("rm", "-rf", "/root/new");
    stage(box, to.tree, "/root/new");
    const applied = await box.attempt("/root/new/etc/netgen/apply");
    expect(applied, applied.output).toMatchObject({ status: 0 });
  }
}

/**
 * What the plan says that two hosts may lose of each other, in milliseconds: by what each does, and, if that is said of both, from the first that has
 * changed to the last, which took so long.
 */
function boundMs({ hosts, cautions }: RolloutPlan, pair: readonly string[], tookMs: number): number {
  const costs = hosts
    .filter(({ host }) => pair.includes(host))
    .flatMap(({ actions }) => actions.flatMap(({ interrupts }) => (interrupts === undefined ? [] : [interrupts])));
  const isDark = cautions.some(
    (each) => each.interrupts !== undefined && pair.every((host) => each.hosts.includes(host)),
  );
  return costs.reduce((sum, { atMostMs = 0 }) => sum + atMostMs, isDark ? tookMs : 0);
}

/** Between two pings. */
const PING_MS = 20;

const PAIRS = [
  { with: "beta", what: "tunnel", to: "10.250.0.2" },
  { with: "gamma", what: "tunnel", to: "10.250.0.3" },
  { with: "beta", what: "segment", to: "10.77.0.2" },
] as const;

const changes = forNow(CHANGES, ({ isForEachChange = false }) => isForEachChange, "kinds of changes");

test("no change loses more than its plan says", { timeout: 3_600_000 }, async ({ signal }) => {
  const names = ["alpha", "beta", "gamma"];
  const first = compiled({}, Object.fromEntries(names.map((name) => [name, testPublicKey(name)])));
  const { lab, root } = await openLab({ ...first, isBooting: true }, quiet);
  signal.addEventListener("abort", root.close);
  try {
    const boxes = new Map(runningHosts(lab).map(({ host, box }) => [host.name, box]));
    const keys = [...boxes].map(async ([name, box]) => [
      name,
      (await box.run("wg", "show", "wg0", "public-key")).trim(),
    ]);
    const publicKeys = { ...Object.fromEntries(await Promise.all(keys)), delta: testPublicKey("delta") };
    const alpha = must(boxes.get("alpha"), "there is alpha");
    const start = compiled({}, publicKeys);
    await carryOut(planRollout(start.network, { ...start.tree, files: [] }, start.tree), boxes, start);

    const lines: string[] = [];
    const measure = async (what: string, from: Compiled, to: Compiled): Promise<void> => {
      const plan = planRollout(to.network, from.tree, to.tree);
      let brought: Promise<number> | undefined;
      const timed = async (): Promise<number> => {
        const begin = performance.now();
        await carryOut(plan, boxes, to);
        return performance.now() - begin;
      };
      const bring = async (): Promise<void> => {
        brought ??= timed();
        await brought;
      };
      const seen = await Promise.all(PAIRS.map((pair) => pingDuring({ box: alpha, to: pair.to as IpAddress }, bring)));
      const tookMs = (await brought) ?? 0;
      for (const [index, { lost, isBack }] of seen.entries()) {
        const pair = must(PAIRS[index], "one for each");
        const most = Math.ceil(boundMs(plan, ["alpha", pair.with], tookMs) / PING_MS);
        lines.push(`${what}: alpha - ${pair.with}, ${pair.what}: ${lost} packets lost, ${most} said at the most`);
        expect(isBack, lines.at(-1)).toBe(true);
        expect(lost, lines.at(-1)).toBeLessThanOrEqual(most);
      }
    };
    for (const { what, ...shape } of changes) {
      const changed = compiled(shape, publicKeys);
      await measure(what, start, changed);
      await measure(`${what}, taken back`, changed, start);
    }
    console.info(lines.join("\n"));
  } finally {
    await root.close();
  }
});
