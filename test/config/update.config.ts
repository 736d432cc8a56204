// `npm run golden:update`: writes what the golden tests compare.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { include: ["test/golden.update.ts"], testTimeout: 120_000 },
});
