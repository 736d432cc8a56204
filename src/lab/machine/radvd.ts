/** radvd on hosts that advertise themselves to guests, as netgen-radvd.service runs it. */
import type { Furnished } from "./keys.ts";

const UNIT = "netgen-radvd.service";
const PID_FILE = "/run/netgen-radvd.pid";

/** Starts or stops it; nothing on a host that has no such unit. */
export async function serveRadvd({ box, files }: Furnished, verb: "start" | "stop"): Promise<void> {
  const unit = files.find(({ path }) => path === `/etc/systemd/system/${UNIT}`);
  const [, command] = /^ExecStart=(.*)$/m.exec(unit?.text ?? "") ?? [];
  if (command === undefined) return;
  if (box.power !== undefined) await box.run("systemctl", verb, UNIT);
  else if (verb === "start") await box.shell(`setsid ${command} > /run/log/radvd 2>&1 < /dev/null &`);
  else await box.shell(`kill "$(cat ${PID_FILE})"; while [ -e ${PID_FILE} ]; do sleep 0.1; done`);
}
