/** What a host says of itself: the program that comes with its tree, asked for what its list promises. */
import { OVN_BRIDGE, OVN_ENTRY } from "../../model/ovn.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { isOfOvn, type Lab, type RunningHost } from "../machine/running.ts";
import type { Outcome } from "../measure/promise.ts";
import { isForNobody } from "./boot-state.ts";

export const verifyOf = ({ fleet }: Box): string => `/etc/netgen${fleet}/verify`;

/** Of OVN's programs, and of the links that they make. */
const OF_OVN = new RegExp(`^ovn | (${OVN_BRIDGE}|${OVN_ENTRY})( |$)`);

/**
 * Lines of a host's verify that are not so, without number, such as `link wg0`; of other hosts those that this lab has booted.
 * Where the lab itself starts programs there are no units to be asked for, and none is asked for that comes with a program which
 * this machine lacks. A lab runs no OVN.
 */
export async function missingOn({ hosts }: Lab, running: RunningHost): Promise<readonly string[]> {
  const { box } = running;
  const isAsked = async (line: string): Promise<boolean> => {
    const [kind, unit = ""] = line.split(" ");
    if (OF_OVN.test(line) || (kind === "unit" && isOfOvn(unit))) return false;
    if (kind === "unit") return box.power !== undefined && !(await isForNobody(running, unit));
    const end = line.split(" ").at(-1) ?? "";
    return !/^(handshake|size|vtep|bgp) /.test(line) || hosts.has(end) || /[.:]/.test(end);
  };
  const { output } = await box.attempt(verifyOf(box));
  if (!output.includes("\n1..")) return ["it does not get to its end"];
  const lines = [...output.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, line = ""]) => line);
  const asked = await Promise.all(lines.map(async (line) => ((await isAsked(line)) ? [line] : [])));
  return asked.flat();
}

const LONGEST_SECONDS = 60;

export async function measureVerify(lab: Lab, running: RunningHost): Promise<Outcome> {
  let missing: readonly string[] = [];
  const isKept = await eventually(async () => {
    missing = await missingOn(lab, running);
    return missing.length === 0;
  }, LONGEST_SECONDS);
  return { isKept, measured: isKept ? "it has all of it" : `not so: ${missing.join("; ")}` };
}
