import { eventually } from "../machine/patience.ts";
import type { Outcome } from "./promise.ts";

/** Asks until nothing is missing, for as long as BGP may take on a busy machine; tells what is at the end. */
export async function untilNone(missing: () => Promise<readonly string[]>, kept: string): Promise<Outcome> {
  let last: readonly string[] = [];
  const isKept = await eventually(async () => {
    last = await missing();
    return last.length === 0;
  });
  return { isKept, measured: isKept ? kept : last.join("; ") };
}
