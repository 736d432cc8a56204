/** `systemctl reload wg-quick@…`, in the words of the unit: it takes over what the file says, and nobody notices. */
import { runUnit } from "../machine/boot.ts";
import { writeInto } from "../machine/box.ts";
import { isHeard } from "../machine/keepalived.ts";
import type { Lab, RunningHost } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { pingDuring, type Watched } from "../measure/steady-ping.ts";
import { watchOf } from "../measure/watch.ts";
import { healing } from "./restart.ts";

const PACKAGED_UNIT = "/lib/systemd/system/wg-quick@.service";

/** What systemd would do: the drop-in's line, or without one the package's own. */
async function reload({ box, files }: RunningHost, link: string): Promise<void> {
  if (box.power !== undefined) return void (await box.run("systemctl", "reload", `wg-quick@${link}.service`));
  const dropIn = `wg-quick@${link}.service.d/10-netgen${box.fleet}.conf`;
  const isDroppedIn = files.some(({ path }) => path === `/etc/systemd/system/${dropIn}`);
  if (isDroppedIn) return runUnit({ box, files }, dropIn, { key: "ExecReload", instance: link });
  const line = /^ExecReload=(.+)$/m.exec(await box.run("cat", PACKAGED_UNIT))?.[1] ?? "false";
  await box.shell(line.replaceAll("%i", link));
}

/** Latest handshakes by public key, in seconds since 1970. */
async function handshakesOf({ box }: RunningHost, link: string): Promise<ReadonlyMap<string, number>> {
  const text = await box.run("wg", "show", link, "latest-handshakes");
  const rows = text
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  return new Map(rows.map(([key = "", at = "0"]) => [key, Number(at)]));
}

const KEEPALIVE = /^PersistentKeepalive = \d+$/m;
/** What no topology asks for. */
const CHANGED = "PersistentKeepalive = 77";

/** Changes the first peer's keepalive, reloads, and changes it back. Tells what did not go as it should. */
export async function reloadTwice(running: RunningHost, link: string): Promise<readonly string[]> {
  const { box } = running;
  const path = `/etc/wireguard/${link}.conf`;
  const text = await box.run("cat", path);
  const isTaken = async (): Promise<boolean> =>
    (await box.run("wg", "show", link, "persistent-keepalive")).includes("\t77\n");
  try {
    writeInto(box, path, text.replace(KEEPALIVE, CHANGED), 0o600);
    await reload(running, link);
    return (await isTaken()) ? [] : ["a change of the file was not taken over"];
  } finally {
    writeInto(box, path, text, 0o600);
    await reload(running, link);
  }
}

async function measure(running: RunningHost, link: string, watched: Watched): Promise<Outcome> {
  const { box } = running;
  const privateKey = await box.run("wg", "show", link, "private-key");
  const before = await handshakesOf(running, link);
  const wrong: string[] = [];
  const seen = await pingDuring(
    watched,
    async () => {
      wrong.push(...(await reloadTwice(running, link)));
    },
    20,
  );
  const after = await handshakesOf(running, link);
  const forgotten = [...before].filter(([key, at]) => at > 0 && (after.get(key) ?? 0) < at);
  if ((await box.run("wg", "show", link, "private-key")) !== privateKey)
    wrong.push("the private key is another one, or none");
  if (forgotten.length > 0) wrong.push(`${forgotten.length} handshakes of ${before.size} are forgotten`);
  if (!seen.isBack) wrong.push("no answer within 20 s after it");
  if (seen.lost > 0) wrong.push(`${seen.lost} packets lost (${seen.gapSeconds.toFixed(2)} s), expected none`);
  if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
  return {
    isKept: true,
    measured: `two reloads, ${seen.answered} packets at 50 Hz, none lost; key and handshakes kept`,
  };
}

/** A promise for each tunnel interface of a host. */
export function reloadPromises(lab: Lab, running: RunningHost): readonly LabPromise[] {
  const watched = watchOf(lab, running.host);
  if (watched === undefined || !isHeard(running.host, lab.network.hosts)) return [];
  return running.host.interfaces
    .filter(({ peers }) => peers.length > 0)
    .map(({ name }) => ({
      kind: "life",
      subject: `${running.host.name}, reload of wg-quick@${name}`,
      promise: `takes over what changed, and ${watched.box.name} loses no packet to ${watched.to}`,
      command: execCommand(running.box, `/etc/netgen${running.box.fleet}/wg-reload`, name),
      measure: () => healing(running, () => measure(running, name, watched)),
    }));
}
