/** The lock-out guard on a host that boots by itself: what nobody confirms goes back, by its timer or by the next boot. */
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { booted } from "../../src/lab/machine/boot.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { runningHosts } from "../../src/lab/machine/running.ts";
import { testPublicKey } from "../test-keys.ts";
import { quiet, stage } from "./computers.ts";

const topology = (vni: number): string => `
netgen: 1
name: guarded
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, endpoint: 203.0.113.9}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: all}
`;

const compiled = (vni: number, publicKeys: Readonly<Record<string, string>>) => {
  const { files, units, configurations, model } = compile(
    { name: "topology.yaml", text: topology(vni) },
    { publicKeys },
  );
  return { files, units, configurations, network: must(model, "the topology has no mistake") };
};

const APPLY = "/etc/netgen/apply";
const statusOf = async (box: Box): Promise<string> => (await box.attempt(APPLY, "--status")).output;
const hasLink = async (box: Box, name: string): Promise<boolean> =>
  (await box.attempt("ip", "link", "show", name)).status === 0;

test("what nobody confirms goes back by its timer, and by a boot", { timeout: 600_000 }, async ({ signal }) => {
  const names = ["alpha", "beta"];
  const first = compiled(100, Object.fromEntries(names.map((name) => [name, testPublicKey(name)])));
  const { lab, root } = await openLab({ ...first, isBooting: true }, quiet);
  signal.addEventListener("abort", root.close);
  try {
    const hosts = runningHosts(lab);
    const keys = hosts.map(async ({ host, box }) => [
      host.name,
      (await box.run("wg", "show", "wg0", "public-key")).trim(),
    ]);
    const publicKeys = Object.fromEntries(await Promise.all(keys));
    const alpha = must(hosts[0], "there is a host");
    const { box } = alpha;
    const lay = (vni: number): void => {
      const { files, units, network } = compiled(vni, publicKeys);
      stage(box, { name: network.name, files, units }, `/root/${vni}`);
    };
    lay(100);
    lay(200);
    // What was brought without it is known to it from then on.
    await box.run("/root/100/etc/netgen/apply");
    const apply = (seconds: number) => box.attempt("/root/200/etc/netgen/apply", "--confirm-within", String(seconds));
    const isBack = async (): Promise<boolean> => (await hasLink(box, "vx100")) && !(await hasLink(box, "vx200"));

    const timed = await apply(15);
    expect(timed, timed.output).toMatchObject({ status: 0 });
    expect(await statusOf(box)).toMatch(/^armed /m);
    expect([await hasLink(box, "vx100"), await hasLink(box, "vx200")]).toEqual([false, true]);
    expect(await eventually(isBack, 60)).toBe(true);
    expect((await box.attempt(APPLY, "--confirm")).status).toBe(1);

    expect(await apply(3600)).toMatchObject({ status: 0 });
    await box.power?.off();
    await box.power?.on();
    await booted(box, alpha.files);
    expect(await eventually(isBack, 90)).toBe(true);
    expect(await eventually(async () => (await box.attempt("/etc/netgen/verify")).status === 0, 60)).toBe(true);
    expect(await statusOf(box)).not.toMatch(/^(armed|halfway) /m);
    expect((await box.attempt("ls", "/etc/systemd/system/netgen-rollback.service")).status).not.toBe(0);
  } finally {
    await root.close();
  }
});
