/** What systemd-networkd has made of its files. */
import { knows } from "../../base/programs.ts";
import type { Host } from "../../model/host.ts";
import { unconfigured } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import type { PlacedFile } from "../machine/keys.ts";
import { eventually } from "../machine/patience.ts";
import type { RunningHost } from "../machine/running.ts";
import { lastWords, linesOf } from "./daemon-checks.ts";

type Problems = readonly string[];

// What systemd-networkd 252 and 257 say of what they do not take, at the level info. No box has a cgroup for the latter.
const COMPLAINT =
  /Unknown key|Unknown section|(?<!Failed to get cgroup path, )[Ii]gnoring|Failed to (?!get cgroup path)|Invalid|Could not|Missing|not found/;

/** What the kernel can be asked for of that which the files say of a link. */
const ASKED = [
  { key: "MTUBytes", file: "mtu" },
  { key: "MACAddress", file: "address" },
] as const;

/** Some of it networkd changes without a word, such as an MTU that the device below has no room for. */
async function checkLinks(box: Box, files: readonly PlacedFile[]): Promise<Problems> {
  const units = files.filter(({ path }) => path.startsWith("/etc/systemd/network/"));
  const wrong = units.flatMap(({ text }) => {
    const name = /^Name=(\S+)$/m.exec(text)?.[1] ?? "";
    const own = text.split(/^\[/m).filter((section) => /^(NetDev|Link)\]/.test(section));
    return ASKED.map(async ({ key, file }): Promise<Problems> => {
      const asked = new RegExp(`^${key}=(.*)$`, "m").exec(own.join(""))?.[1] ?? "none";
      if (asked === "none") return [];
      const { status, output } = await box.attempt("cat", `/sys/class/net/${name}/${file}`);
      if (status !== 0) return [`${name} is not there`];
      return output.trim() === asked ? [] : [`${name} has ${output.trim()}, expected ${key}=${asked}`];
    });
  });
  return [...new Set((await Promise.all(wrong)).flat())];
}

/** Whether any link is networkd's. */
export const hasNetworkd = (files: readonly PlacedFile[]): boolean =>
  files.some(({ path, text }) => path.endsWith(".network") && !/^Unmanaged=yes$/m.test(text));

/** Of a host's own release, which this machine's may not know yet: systemd 252 ignores the line. */
const LATER = /Unknown key 'ManageForeignNextHops' in section \[Network\], ignoring/;

/** Whether a complaint is about what only a host's own, later release knows. */
export const isOfLaterRelease = ({ programs }: Host, line: string): boolean =>
  knows(programs, "networkd-foreign-next-hops") && LATER.test(line);

export async function checkNetworkd({ host, box, files }: RunningHost): Promise<Problems> {
  const log = await box.log("networkd");
  const { status } = await box.attempt("pgrep", "-x", "systemd-network");
  if (status !== 0) return [`systemd-networkd has died: ${lastWords(log)}`];
  // The first guest gives a bridge its carrier, and networkd sets its addresses anew: one of IPv6 after 2 s alone.
  let open: readonly string[] = [];
  await eventually(async () => {
    open = await unconfigured(box, files);
    return open.length === 0;
  });
  return [
    ...linesOf(log)
      .filter((line) => COMPLAINT.test(line) && !isOfLaterRelease(host, line))
      .map((line) => `networkd: ${line}`),
    ...open.map((name) => `${name} is not configured`),
    ...(await checkLinks(box, files)),
  ];
}
