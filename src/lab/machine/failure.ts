/** Why a host did not come up, with the last that its programs said. */
import type { Box } from "./box.ts";

/** A host that did not come up: its files, or a program that reads them, are at fault. */
export interface BootFailure extends Error {
  readonly host: string;
}

export function isBootFailure(error: unknown): error is BootFailure {
  return error instanceof Error && "host" in error;
}

// The last to speak is the likeliest to know.
const TAILS = 'cd /run/log; for log in $(ls -tr); do [ ! -s "$log" ] || { echo "── $log"; tail -n 12 "$log"; }; done';

const JOURNAL = "systemctl --failed --no-pager --no-legend; journalctl --boot --no-pager --quiet --output=cat -n 30";

/** The error with the name of its box and the last lines of every log in it. */
export async function withLogs({ name, attempt, power }: Box, error: unknown): Promise<BootFailure> {
  const { output } = await attempt("sh", "-uc", power === undefined ? TAILS : JOURNAL);
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(`${message.trim()}\n${output.trim()}`.trim(), { cause: error }), { host: name });
}
