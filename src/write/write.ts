/** OutputFile[] → disk. A tree with a stranger in the way is left as it is; otherwise every file is the old or the new one. */
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDirectory, removeFile, removeTemporary, replaceFile } from "./disk.ts";
import { hasAbandonedLock, isLocked, LOCK_NAME, withLock } from "./lock.ts";
import { MANIFEST_NAME } from "./manifest.ts";
import { manifestText, type Plan, planTree, type Refusal, type Tree, type WriteOptions } from "./plan.ts";

/** What a build has done to the tree; paths are relative to it, sorted. */
export interface Written {
  readonly kind: "written";
  readonly created: readonly string[];
  readonly changed: readonly string[];
  /** Among the changed and removed: edited by somebody since netgen wrote them. */
  readonly edited: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: number;
}

export type WriteResult = Written | Refusal;

function hasWork({ created, changed, repaired, removed, manifests }: Plan): boolean {
  if (created.length + changed.length + repaired.length + removed.length > 0) return true;
  const { claim, manifest } = manifests();
  return claim !== undefined || manifest !== undefined;
}

function putManifest(directory: string, text: string | undefined): void {
  if (text === undefined) return;
  replaceFile(directory, { path: MANIFEST_NAME, content: [new TextEncoder().encode(text)], mode: 0o644 });
}

/** Makes the directories above a path that are missing, and strikes them off. */
function makeParents(directory: string, path: string, missing: Set<string>): void {
  const parent = dirname(path);
  if (!missing.delete(parent)) return;
  makeParents(directory, parent, missing);
  makeDirectory(join(directory, parent));
}

/** The order matters: what is claimed first and forgotten last is never a stranger to the next build. */
function apply(plan: Plan, { directory, progress }: WriteOptions): void {
  const files = [...plan.created, ...plan.changed];
  const missing = new Set(plan.missing);
  let written = 0;
  const { claim, manifest } = plan.manifests();
  removeTemporary(directory);
  try {
    putManifest(directory, claim);
    for (const file of files) {
      makeParents(directory, file.path, missing);
      replaceFile(directory, file);
      progress?.(++written, files.length);
    }
    for (const { path, mode } of plan.repaired) chmodSync(join(directory, path), mode);
    for (const path of plan.removed) removeFile(directory, path);
    putManifest(directory, manifest);
  } finally {
    removeTemporary(directory);
  }
}

function report(plan: Plan): Written {
  return {
    kind: "written",
    created: plan.created.map((file) => file.path),
    changed: plan.changed.map((file) => file.path),
    edited: plan.edited,
    removed: plan.removed,
    unchanged: plan.unchanged,
  };
}

const LOCK_HELD: Refusal = {
  kind: "refused",
  reason: "is the lock of another build that is writing (remove it if there is none)",
  paths: [LOCK_NAME],
  canForce: false,
};

/**
 * A plan without the lock, or a refusal that holds. What another build has written since the manifest was read looks like
 * a stranger's file: such a refusal counts only if nobody writes, and nobody has come and gone.
 */
function lookAlone(tree: Tree, options: WriteOptions): Plan | Refusal {
  const { directory } = options;
  let plan = planTree(tree, options);
  while (plan.kind === "refused") {
    if (isLocked(directory)) return LOCK_HELD;
    const before = manifestText(directory);
    plan = planTree(tree, options);
    if (!isLocked(directory) && manifestText(directory) === before) break;
  }
  return plan;
}

/** Writes a tree, or says why it did not touch anything. Errors of the machine are thrown as Node makes them. */
export function writeTree(tree: Tree, options: WriteOptions): WriteResult {
  const plan = lookAlone(tree, options);
  if (plan.kind === "refused") return plan;
  // Nothing to do touches nothing, not even for a lock; but what a build that was killed has left goes.
  if (!hasWork(plan) && !hasAbandonedLock(options.directory)) return report(plan);
  const locked = withLock(options.directory, (): WriteResult => {
    // Decided anew: until now another build may have been writing.
    const current = planTree(tree, options);
    if (current.kind === "refused") return current;
    apply(current, options);
    return report(current);
  });
  return locked.kind === "held" ? LOCK_HELD : locked.value;
}
