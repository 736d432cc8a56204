/** The releases of ansible-core that the role is for: that of Debian 12, which is installed, and that of Debian 13. */
import { join } from "node:path";
import { trixieTree } from "./trixie-tree.ts";

export interface Release {
  readonly version: string;
  /** The words before ansible-playbook's own arguments. */
  readonly playbook: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const INSTALLED: Release = { version: "2.14", playbook: ["ansible-playbook"], env: {} };

/** By this machine's Python, which it takes as well; none where it cannot be had, which is said aloud. */
export function debian13Ansible(): readonly Release[] {
  const root = trixieTree();
  if (root === undefined) return [];
  const env = { PYTHONPATH: join(root, "usr/lib/python3/dist-packages") };
  return [{ version: "2.19", playbook: ["/usr/bin/python3", "-m", "ansible.cli.playbook"], env }];
}
