/** Which exit has everything in WireGuard stands in no file: a reload of the tunnel keeps it. */
import { reloadTwice } from "../life/reload.ts";
import { type Lab, runningHost } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { pingDuring } from "../measure/steady-ping.ts";
import { type Leaver, leaversOf } from "./exit-leavers.ts";

async function measure(lab: Lab, { guest, watched }: Leaver, link: string): Promise<Outcome> {
  const wrong: string[] = [];
  const seen = await pingDuring(watched, async () => {
    wrong.push(...(await reloadTwice(runningHost(lab, guest.host), link)));
  });
  if (seen.lost > 0) wrong.push(`${seen.lost} packets lost, expected none`);
  return {
    isKept: wrong.length === 0,
    measured: wrong.join("; ") || `two reloads, ${seen.answered} packets, none lost`,
  };
}

/** For the first guest whose host moves everything between peers, and for the first that reaches a remote. */
function promisesOf(lab: Lab): readonly LabPromise[] {
  const moving = leaversOf(lab).flatMap((leaver) => {
    const host = lab.network.hosts.find(({ name }) => name === leaver.guest.host);
    const { remote } = leaver;
    const list = remote === undefined ? host?.egress : host?.egress?.remotes.find(({ name }) => name === remote);
    const ways = (list?.exits ?? []).map(({ way }) => way);
    const tunnel = ways.find((way) => way.kind === "tunnel" && way.moves);
    return tunnel?.kind === "tunnel" && leaver.exits[0]?.host !== leaver.guest.host
      ? [{ leaver, link: tunnel.interface }]
      : [];
  });
  const first = (isRemote: boolean) =>
    moving.filter(({ leaver }) => (leaver.remote !== undefined) === isRemote).slice(0, 1);
  return [...first(false), ...first(true)].map(({ leaver, link }) => ({
    kind: "exits",
    subject: `${leaver.remote === undefined ? "" : `to ${leaver.remote}: `}${leaver.guest.host}, reload of wg-quick@${link}`,
    promise: `${leaver.guest.name} goes on leaving by ${leaver.exits[0]?.host}, and loses no packet`,
    command: execCommand(leaver.watched.box, "ping", "-n", "-c", "3", leaver.watched.to),
    measure: () => measure(lab, leaver, link),
  }));
}

export const exitReload: Prover = { kind: "exits", isAlone: true, promises: promisesOf };
