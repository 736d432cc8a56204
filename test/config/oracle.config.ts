// `npm run oracle`: the compiled files against the real programs. Needs root and the packages that .ci/steps installs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/oracle/**/*.test.ts"],
    globalSetup: "test/config/package.ts",
    // Network namespaces, /run and the daemons' sockets are the machine's, not a file's.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
