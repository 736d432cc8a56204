/** Computers of a lab, and bundles that are brought to them: what the tests of delivery have in common. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { bundleOf } from "../../src/deliver/bundle.ts";
import { contentOf } from "../../src/emit/file.ts";
import { type Box, writeInto } from "../../src/lab/machine/box.ts";
import { type OpenLab, openLab, type Progress } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import type { Network } from "../../src/model/network.ts";
import type { Tree } from "../../src/write/plan.ts";

/** Tells nobody how far a lab is. */
export const quiet: Progress = { onPhase: () => undefined, onBooted: () => undefined };

/** Opens computers with programs, cables and a key, and nothing else: a guest would hang on a bridge that is not there yet. */
export function openBare(network: Network): Promise<OpenLab> {
  const plan = { ...planLab(network), guests: [] };
  return openLab({ network, plan, files: [], units: {}, configurations: {}, isBooting: true }, quiet);
}

/** Writes a file into a computer, and the directories above it. */
export function put(box: Box, path: string, text: string, mode: number): void {
  mkdirSync(dirname(box.outside(path)), { recursive: true });
  writeInto(box, path, text, mode);
}

/** Lays a host's bundle of a tree into a directory of its computer. */
export function stage(box: Box, tree: Tree, directory: string): void {
  for (const file of bundleOf(tree, box.name))
    put(box, `${directory}/${file.path}`, new TextDecoder().decode(contentOf(file)), 0o755);
}

/** What `verify` says is missing, of the lines that are meant, once there is none or a minute and a half is over. */
export async function missingOn(
  box: Box,
  { fleet = "", isMeant = () => true }: { readonly fleet?: string; readonly isMeant?: (line: string) => boolean } = {},
): Promise<readonly string[]> {
  let lines: readonly string[] = [];
  await eventually(async () => {
    const { output } = await box.attempt(`/etc/netgen${fleet}/verify`);
    lines = output.split("\n").filter((line) => line.startsWith("not ok") && isMeant(line));
    return output.includes("\nok ") && lines.length === 0;
  }, 90);
  return lines;
}
