// Where the tests of a run find the package that the first of them to ask for it builds; removed when all have ended.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    readonly packages: string;
  }
}

const CACHE = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));

export function setup({ provide }: TestProject): () => void {
  mkdirSync(CACHE, { recursive: true });
  const packages = mkdtempSync(join(CACHE, "netgen-test-"));
  provide("packages", packages);
  return () => rmSync(packages, { recursive: true, force: true });
}
