/** The releases of ansible-core that the role is for: that of Debian 12, which is installed, and that of Debian 13. */
import { join } from "node:path";
import { trixieTree } from "./trixie-tree.ts";

export interface Release {
  readonly version: string;
  /** The words before ansible-playbook's own arguments. */
  readonly playbook: readonly string[];
  /** The same of the ansible-lint that is in the same Debian, and its release. */
  readonly lint: readonly string[];
  readonly lintVersion: string;
  readonly env: Readonly<Record<string, string>>;
}

export const INSTALLED: Release = {
  version: "2.14",
  playbook: ["ansible-playbook"],
  lint: ["ansible-lint"],
  lintVersion: "6.13",
  env: {},
};

/** By this machine's Python, which it takes as well; none where it cannot be had, which is said aloud. */
export function debian13Ansible(): readonly Release[] {
  const root = trixieTree();
  if (root === undefined) return [];
  const env = { PYTHONPATH: join(root, "usr/lib/python3/dist-packages") };
  const python = (module: string): readonly string[] => ["/usr/bin/python3", "-m", module];
  return [
    {
      version: "2.19",
      playbook: python("ansible.cli.playbook"),
      lint: python("ansiblelint"),
      // 25.2.1, behind a number that Debian gave it to step back from 25.6.1.
      lintVersion: "25.6.1+really25.2",
      env,
    },
  ];
}
