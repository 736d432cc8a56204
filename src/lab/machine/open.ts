/** A whole lab: opened, built and booted from what was compiled. */
import type { OutputFile } from "../../emit/file.ts";
import type { Network } from "../../model/network.ts";
import type { LabPlan } from "../plan/plan.ts";
import { planLab } from "../plan/plan-lab.ts";
import { bootHost, install } from "./boot.ts";
import { type LabRoot, openRoot } from "./box.ts";
import { build, plugGuests } from "./build.ts";
import { withLogs } from "./failure.ts";
import { startPairs } from "./keepalived.ts";
import { filesOf, type Keys, makeKeys, type PlacedFile } from "./keys.ts";
import { type Lab, type RunningHost, runningHosts } from "./running.ts";

/** What a lab is made from. */
export interface Compiled {
  readonly network: Network;
  readonly files: readonly OutputFile[];
  /** Where it is not that of the network: the part of a larger one. */
  readonly plan?: LabPlan;
}

/** A lab that is up, and the namespaces that hold it. */
export interface OpenLab {
  readonly lab: Lab;
  readonly root: LabRoot;
}

/** What `openLab` tells of itself while it works. */
export interface Progress {
  /** The namespaces are there: closing them ends everything. What it throws does so too. */
  readonly onOpened?: (root: LabRoot) => void;
  readonly onPhase: (phase: string) => void;
  readonly onBooted: (host: string) => void;
}

/** Files may be changed before they are put in place: how the lab's own tests break a promise. */
export type Tamper = (host: string, files: readonly PlacedFile[]) => readonly PlacedFile[];

async function bring({ host, box, files }: RunningHost, keys: Keys): Promise<void> {
  try {
    await install(box, host, files, keys);
    await bootHost(box, host, files);
  } catch (error) {
    throw await withLogs(box, error);
  }
}

/**
 * Opens, builds and boots a lab.
 * @throws Error when it cannot, a BootFailure when a host does not come up; then nothing is left of it.
 */
export async function openLab(
  { network, files, plan }: Compiled,
  progress: Progress,
  tamper: Tamper = (_, own) => own,
): Promise<OpenLab> {
  const keys = await makeKeys(network);
  const root = await openRoot();
  try {
    progress.onOpened?.(root);
    progress.onPhase("underlay");
    const built = await build(root, plan ?? planLab(network));
    const placed = new Map(network.hosts.map(({ name }) => [name, tamper(name, filesOf(name, files, keys))] as const));
    const lab: Lab = { ...built, network, files: placed };
    progress.onPhase("hosts");
    await Promise.all(
      runningHosts(lab).map(async (running) => {
        await bring(running, keys);
        progress.onBooted(running.host.name);
      }),
    );
    await startPairs(runningHosts(lab));
    await plugGuests(built);
    return { lab, root };
  } catch (error) {
    await root.close();
    throw error;
  }
}
