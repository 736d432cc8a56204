/** The releases of systemd that keep a key as a credential: that of Debian 12, which is installed, and that of Debian 13. */
import { inPlace, trixieTree } from "./trixie-tree.ts";

export interface Release {
  readonly version: string;
  /** Lines of shell that put its programs in the place of this machine's, in a mount namespace; what there is not stays. */
  readonly setUp: string;
}

export const INSTALLED: Release = { version: "252", setUp: ":" };

/** Of Debian 13's programs those there are, which is all of systemd but udev; none where they cannot be had, said aloud. */
export function debian13Systemd(): readonly Release[] {
  const root = trixieTree();
  if (root === undefined) return [];
  return [{ version: "257", setUp: inPlace(root) }];
}
