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
