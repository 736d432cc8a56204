/** How long things may take. */
import { readFileSync } from "node:fs";

/** How many times longer in a machine whose processor is emulated, by what was measured of qemu: 5 to 12. */
const EMULATED = 8;

function isEmulated(): boolean {
  try {
    return /^model name\s*: QEMU TCG/m.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}

/** What a limit of time is to be multiplied with: 1 on a processor of its own, even a busy one. */
export const PATIENCE = isEmulated() ? EMULATED : 1;

/** Waits, whatever the machine. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is true, or for so many seconds of a machine that is not emulated; whether it became true. */
export async function eventually(isTrue: () => Promise<boolean>, seconds = 60): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000 * PATIENCE;
  while (!(await isTrue())) {
    if (performance.now() > deadline) return false;
    await sleep(200);
  }
  return true;
}
