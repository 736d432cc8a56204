/** All ways out of a network. */
import type { Exit } from "./exit.ts";
import type { Network } from "./network.ts";

/** Those of its VRFs, and those of what is in none. */
export const allExits = ({ vrfs, exits }: Network): readonly Exit[] => [...vrfs.flatMap((vrf) => vrf.exits), ...exits];
