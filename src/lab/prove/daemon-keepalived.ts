/** What keepalived has made of its file, and whether only the master's tunnels are up. */

import { hasRival } from "../machine/keepalived.ts";
import type { RunningHost } from "../machine/running.ts";
import { lastWords, linesOf } from "./daemon-checks.ts";

const REFUSED = /Unknown keyword|WARNING|SECURITY VIOLATION|[Ii]gnoring|not a valid|exited (?:with|due)|Error/;

export async function checkKeepalived(running: RunningHost): Promise<readonly string[]> {
  const { host, box } = running;
  const log = await box.log("keepalived");
  const said = linesOf(log).filter((line) => REFUSED.test(line));
  const { status } = await box.attempt("pgrep", "-x", "keepalived");
  const isUp = await box.attempt("wg", "show", host.interfaces[0]?.name ?? "wg0", "public-key");
  const isWrong = host.vrrp?.isExclusive === true && (isUp.status === 0) === hasRival(running);
  return [
    ...(status === 0 ? [] : [`keepalived has died: ${lastWords(log)}`]),
    ...said.map((line) => `keepalived: ${line}`),
    ...(isWrong
      ? [`its tunnels are ${hasRival(running) ? "up" : "down"}, expected them ${hasRival(running) ? "down" : "up"}`]
      : []),
  ];
}
