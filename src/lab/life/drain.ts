/** A host that others send through asks them to send by somebody else, and is cut off: nobody loses a packet. */
import { eventually, sleep } from "../machine/patience.ts";
import type { Lab, RunningHost } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { pingDuring } from "../measure/steady-ping.ts";
import { brokenSessions } from "../measure/watch.ts";
import { type Cut, cutOff, cutsOf, linksOf, putBack, settledLinks } from "./failover.ts";

/** What `drained: true` writes, told to FRR as it runs. */
async function tell({ box, host }: RunningHost, command: string): Promise<void> {
  if (host.bgp.kind === "none") return;
  await box.attempt("vtysh", "-c", "configure terminal", "-c", `router bgp ${host.bgp.asn}`, "-c", command);
}

async function measure(cut: Cut): Promise<Outcome> {
  const { lab, lost, sender, watched } = cut;
  const before = await settledLinks(cut);
  const wrong: string[] = [];
  const changed = async (isDrained: boolean): Promise<boolean> =>
    eventually(async () => ((await linksOf(cut)) !== before) === isDrained);
  try {
    const seen = await pingDuring(watched, async () => {
      await tell(lost, "bgp graceful-shutdown");
      if (!(await changed(true))) wrong.push(`${sender.host.name} goes on sending through it`);
      // What is on its way arrives.
      await sleep(1000);
      await cutOff(cut);
      await putBack(cut);
      wrong.push(...(await brokenSessions(lab)));
      await tell(lost, "no bgp graceful-shutdown");
      if (!(await changed(false))) wrong.push(`${sender.host.name} does not come back to the preferred way`);
      await sleep(1000);
    });
    if (seen.lost > 0) wrong.push(`${seen.lost} packets lost of ${seen.answered + seen.lost}, expected none`);
    if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
    return { isKept: true, measured: `${seen.answered} packets, none lost` };
  } finally {
    await putBack(cut);
    await tell(lost, "no bgp graceful-shutdown");
  }
}

/** A promise for each host that some guests can do without. */
export function drainPromises(lab: Lab): readonly LabPromise[] {
  return cutsOf(lab).map((cut) => ({
    kind: "life" as const,
    subject: `${cut.lost.host.name}, drained`,
    promise: `${cut.from.name} loses nothing to ${cut.to.name} when it is drained, cut off and back`,
    command: execCommand(cut.sender.box, "ip", "route", "show", "proto", "bgp"),
    measure: () => measure(cut),
  }));
}
