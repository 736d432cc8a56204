/** `netgen trace` to what is outside, in words. */
import { familyOf } from "../base/ip.ts";
import { listInWords } from "../base/text.ts";
import type { Leaving, WayOut } from "../ways/leave.ts";
import { aboveLines, endInWords, fateOf, hopLines } from "./trace.ts";

/** What others see of it, and who has to know a way back. */
function leaves({ host, interface: link, hasSnat }: WayOut, { from, remote }: Leaving): string {
  const by = link === undefined ? "" : ` by ${link}`;
  const as = hasSnat
    ? "with the address of that host there"
    : `as ${from.address}: what is there needs a route to that by ${host}`;
  return `leaves at ${host}${by}${remote === undefined ? "" : ` to ${remote}`}, ${as}`;
}

function wayLines(way: WayOut, leaving: Leaving): readonly string[] {
  const family = familyOf(leaving.to);
  const { there, back } = way;
  const isOut = there.end.kind === "outside";
  return [
    ...there.hops.flatMap(hopLines),
    `  it ${isOut ? leaves(way, leaving) : fateOf(there.end, family)}`,
    ...aboveLines(there, family),
    `back, from ${way.host}`,
    ...back.hops.flatMap(hopLines),
    `  an answer ${fateOf(back.end, family)}`,
    ...aboveLines(back, family),
  ];
}

/** Which of them, and when. */
function headingOf({ host }: WayOut, index: number, { ways, isAsked }: Leaving): string {
  if (!isAsked) return `out by ${host}: nobody asks whether that is a way`;
  const before = listInWords(
    ways.slice(0, index).map((way) => way.host),
    "or",
  );
  return `out by ${host}, while it is open${before === "" ? "" : ` and not ${before}`}`;
}

/** The ways out for people. */
export function renderLeaving(leaving: Leaving): string {
  const { from, to, bytes, ways, otherwise } = leaving;
  const none = ways.length === 0 ? "it has no way out" : "while none of these is open";
  const lost = otherwise === undefined ? [] : [none, `  it ${fateOf(otherwise, familyOf(to))}`];
  return [
    `${endInWords(from)} -> ${to}, outside: ${bytes} bytes of IPv${familyOf(to)} that may not be cut up`,
    ...ways.flatMap((way, index) => [headingOf(way, index, leaving), ...wayLines(way, leaving)]),
    ...lost,
    "",
  ].join("\n");
}
