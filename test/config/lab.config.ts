// `npm run test:lab`: whole topologies booted and proven. Needs root and the packages that .ci/steps installs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/lab/**/*.test.ts"],
    globalSetup: "test/config/package.ts",
    // Most of a lab is waiting; several at once do not see each other. Two dozen on two cores wait for each other.
    maxWorkers: 2,
    maxConcurrency: 3,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
