/** All ways out of a network. */
import type { Exit } from "./exit.ts";
import type { Network } from "./network.ts";

/** Those of its VRFs, those of what is in none, and those to remotes. */
export const allExits = ({ vrfs, exits, remotes }: Network): readonly Exit[] => [
  ...vrfs.flatMap((vrf) => vrf.exits),
  ...exits,
  ...remotes.flatMap((remote) => remote.exits),
];
