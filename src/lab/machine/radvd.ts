/** radvd on hosts that advertise themselves to guests, as netgen-radvd.service runs it. */
import type { Furnished } from "./keys.ts";

/** Starts or stops it; nothing on a host that has no such unit. */
export async function serveRadvd({ box, files }: Furnished, verb: "start" | "stop"): Promise<void> {
  const name = `netgen${box.fleet}-radvd`;
  const unit = files.find(({ path }) => path === `/etc/systemd/system/${name}.service`);
  const [, command] = /^ExecStart=(.*)$/m.exec(unit?.text ?? "") ?? [];
  if (command === undefined) return;
  if (box.power !== undefined) await box.run("systemctl", verb, `${name}.service`);
  else if (verb === "start") await box.shell(`setsid ${command} > /run/log/radvd 2>&1 < /dev/null &`);
  else await box.shell(`kill "$(cat /run/${name}.pid)"; while [ -e /run/${name}.pid ]; do sleep 0.1; done`);
}
