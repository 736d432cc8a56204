// `npm run oracle`: the compiled files against the real programs. Needs root and the packages that .ci/steps installs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { longestFirst } from "./longest-first.ts";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/oracle/**/*.test.ts"],
    globalSetup: "test/config/package.ts",
    // Each file has namespaces of its own, with their /etc and /run. Most of a file is waiting.
    maxWorkers: 2,
    sequence: { sequencer: longestFirst("oracle/exits", "oracle/monitoring", "oracle/ansible", "oracle/networkd") },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
