/** What guests of OVN's send and are sent: through its own programs, Geneve, the guard, WireGuard and BGP. */
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { parseAddress } from "../../src/base/ip.ts";
import { compile } from "../../src/compile.ts";
import { cutCables, mend } from "../../src/lab/life/cut.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { runningHost } from "../../src/lab/machine/running.ts";
import { pingDuring } from "../../src/lab/measure/steady-ping.ts";
import { cablesOf } from "../../src/lab/plan/plan.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import { listFixtures, sourceOf } from "../fixtures.ts";
import { isWhole } from "../proofs.ts";
import { quiet } from "./computers.ts";
import { type Guest, inGuest, macOf, missingOf, plugIn, startCentral, startChassis, withOvn } from "./ovn.ts";

if (!isWhole) console.warn("SKIPPED without NETGEN_PROOFS=whole: guests of OVN's, by Open vSwitch in userspace");

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
const OVERLAY = { ipv4: "10.250.0.4", ipv6: "fd50::4" };

/** Where the router of the network with several gateways is left. */
const ACTIVE = "ovn-sbctl --bare --columns=chassis find port_binding logical_port=cr-ha.tenant.out";

/** With its headers, bytes: no echo request is cut up. */
const ping = (to: string, bytes: number): readonly [string, ...string[]] =>
  ["ping", "-n", "-c", "2", "-W", "2", "-M", "do", "-s", String(bytes - (to.includes(":") ? 48 : 28)), to] as const;

test.runIf(isWhole)(
  "guests are reached, and get out, by each gateway that is there",
  { timeout: 600_000 },
  async () => {
    const fixture = must(
      listFixtures().find(({ name }) => name === "ovn-gateways"),
      "a fixture",
    );
    const { model, ...compiled } = compile(sourceOf(fixture));
    const network = must(model, "it has no mistake");
    const { lab, root } = await openLab({ ...compiled, network, plan: planLab(network) }, quiet);
    const host = (name: string) => must(runningHost(lab, name), `${name} is a host`);
    const [alpha, gamma, delta] = [host("alpha"), host("gamma"), host("delta")];
    try {
      await startCentral(delta);
      for (const each of [alpha, host("beta"), gamma]) await startChassis(each);
      for (const guest of [TENANT, OFFICE]) {
        const addresses = `"${macOf(guest.address)} ${guest.address} ${guest.ipv6}"`;
        const port = `lsp-add ${guest.network} ${guest.name} -- lsp-set-addresses ${guest.name} ${addresses}`;
        await withOvn(delta.box, `ovn-nbctl ${port}`);
        await plugIn(gamma, guest);
      }
      const reach = async (): Promise<boolean> => {
        const asked = [TENANT, OFFICE]
          .flatMap(({ address, ipv6 }) => [address, ipv6])
          .map((address) => delta.box.attempt(...ping(address, 84)));
        return (await Promise.all(asked)).every(({ status }) => status === 0);
      };
      const router = async (): Promise<string> =>
        (await withOvn(delta.box, `ovn-sbctl --bare --columns=name list chassis $(${ACTIVE})`)).trim();
      expect(await eventually(reach)).toBe(true);
      expect(await router()).toBe("alpha");
      for (const each of [alpha, host("beta"), gamma, delta]) expect(await missingOf(each)).toEqual([]);

      for (const guest of [TENANT, OFFICE]) {
        await inGuest(gamma, guest, ...ping(OVERLAY.ipv4, guest.mtu));
        await inGuest(gamma, guest, ...ping(OVERLAY.ipv6, guest.mtu));
        await delta.box.run(...ping(guest.address, guest.mtu));
        await delta.box.run(...ping(guest.ipv6, guest.mtu));
        // By a host's own address: others' would be dropped where AllowedIPs name what is behind each peer.
        const ipv4 = await delta.box.attempt(...ping(guest.address, guest.mtu + 1));
        expect(ipv4.output).toMatch(/^From 10\.250\.0\.[12] .*Frag needed and DF set \(mtu = 1382\)/m);
        const ipv6 = await delta.box.attempt(...ping(guest.ipv6, guest.mtu + 1));
        expect(ipv6.output).toMatch(/^From fd50::[12] .*Packet too big: mtu=1382/m);
      }

      const cables = cablesOf(
        must(
          lab.plan.hosts.find(({ name }) => name === "alpha"),
          "alpha is in the plan",
        ),
      );
      const watched = { box: delta.box, to: must(parseAddress(TENANT.address), "an address") };
      const away = await pingDuring(watched, () => cutCables(alpha.box, cables));
      expect(away.isBack).toBe(true);
      expect(await router()).toBe("beta");
      await inGuest(gamma, TENANT, ...ping(OVERLAY.ipv4, TENANT.mtu));
      await inGuest(gamma, TENANT, ...ping(OVERLAY.ipv6, TENANT.mtu));

      const back = await pingDuring(watched, async () => {
        await mend(alpha.box);
        expect(await eventually(async () => (await router()) === "alpha")).toBe(true);
      });
      expect(back.isBack).toBe(true);
      await inGuest(gamma, TENANT, ...ping(OVERLAY.ipv4, TENANT.mtu));
      await inGuest(gamma, TENANT, ...ping(OVERLAY.ipv6, TENANT.mtu));
      await withOvn(gamma.box, "ovn-appctl -t ovn-controller exit --restart");
      expect(await missingOf(gamma)).toEqual(["ovn connected tcp:10.250.0.4:6642"]);
      console.info(`the first gateway cut off: ${away.gapSeconds} s without an answer; back: ${back.gapSeconds} s`);
    } finally {
      await root.close();
    }
  },
);
