/** What docs/ci.md and .pre-commit-hooks.yaml offer, as their readers parse it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "./built-package.ts";

export interface Hook {
  readonly id: string;
  readonly entry: string;
  readonly args?: readonly string[];
  readonly language: string;
  readonly files: string;
  readonly pass_filenames?: boolean;
}

export const HOOKS_FILE = ".pre-commit-hooks.yaml";
export const hooksText = (): string => readFileSync(join(ROOT, HOOKS_FILE), "utf8");
export const hooks = (): readonly Hook[] => parse(hooksText()) as readonly Hook[];

/** The blocks of YAML below a heading of docs/ci.md, in order. */
export function blocksBelow(heading: string): readonly string[] {
  const page = readFileSync(join(ROOT, "docs/ci.md"), "utf8");
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block as string);
}

/** The one that a project has as its .pre-commit-config.yaml. */
export const localConfig = (): string => blocksBelow("pre-commit")[0] ?? "";
