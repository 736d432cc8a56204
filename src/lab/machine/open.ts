/** A whole lab: opened, built and booted from what was compiled. */
import type { OutputFile } from "../../emit/file.ts";
import type { Network } from "../../model/network.ts";
import type { LabPlan } from "../plan/plan.ts";
import { planLab } from "../plan/plan-lab.ts";
import { bootComputer, bootDevice, bootHost, install } from "./boot.ts";
import { type LabRoot, openRoot } from "./box.ts";
import { type Built, build } from "./build.ts";
import { clearControlGroups } from "./computer.ts";
import { withLogs } from "./failure.ts";
import { plugGuests } from "./guests.ts";
import { followersOf, startKeepalived, startMasters } from "./keepalived.ts";
import { filesOf, type Keys, makeKeys, type PlacedFile } from "./keys.ts";
import { type Lab, type RunningHost, runningHosts } from "./running.ts";

/** What a lab is made from. */
export interface Compiled {
  readonly network: Network;
  readonly files: readonly OutputFile[];
  /** What apps take in, by the name of the device. */
  readonly configurations: Readonly<Record<string, string>>;
  /** The systemd units to enable, by host name. */
  readonly units: Readonly<Record<string, readonly string[]>>;
  /** Where it is not that of the network: the part of a larger one. */
  readonly plan?: LabPlan;
  /** Hosts are computers that boot by themselves; left out, the lab starts their programs. */
  readonly isBooting?: boolean;
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

async function bring(built: Built, { host, box, files, units }: RunningHost, keys: Keys): Promise<void> {
  try {
    await install(box, host, files, keys);
    if (host.app !== undefined) await bootDevice(box, host);
    else await (box.power === undefined ? bootHost(box, host, files) : bootComputer(box, files, units));
    await plugGuests(built, box);
  } catch (error) {
    throw await withLogs(box, error);
  }
}

/** Nothing is left of computers either. */
async function openBootingRoot(): Promise<LabRoot> {
  await clearControlGroups();
  const root = await openRoot();
  return {
    ...root,
    close: async () => {
      await root.close();
      await clearControlGroups();
    },
  };
}

/**
 * Opens, builds and boots a lab.
 * @throws Error when it cannot, a BootFailure when a host does not come up; then nothing is left of it.
 */
export async function openLab(
  { network, files, configurations, units, plan, isBooting = false }: Compiled,
  progress: Progress,
  tamper: Tamper = (_, own) => own,
): Promise<OpenLab> {
  // Of whoever starts it: daemons that are not root could read nothing under 077, and all could write under 000.
  process.umask(0o022);
  const keys = await makeKeys(network);
  const root = isBooting ? await openBootingRoot() : await openRoot();
  try {
    progress.onOpened?.(root);
    progress.onPhase("underlay");
    const built = await build(root, plan ?? planLab(network), isBooting);
    const texts = { files, configurations };
    const placed = new Map(
      network.hosts.map((host) => [host.name, tamper(host.name, filesOf(host, texts, keys))] as const),
    );
    const lab: Lab = { ...built, network, files: placed, units };
    progress.onPhase("hosts");
    const bringUp = async (running: RunningHost): Promise<void> => {
      await bring(built, running, keys);
      progress.onBooted(running.host.name);
    };
    const hosts = runningHosts(lab);
    const followers = followersOf(hosts);
    // A computer starts its keepalived by itself.
    const late = isBooting ? followers : [];
    await Promise.all(hosts.filter((each) => !late.includes(each)).map(bringUp));
    await startMasters(hosts);
    await Promise.all(late.map(bringUp));
    await Promise.all(followers.map(startKeepalived));
    return { lab, root };
  } catch (error) {
    await root.close();
    throw error;
  }
}
