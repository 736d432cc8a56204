// `npm test` and `npm run cover`: what needs neither root nor daemons.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { longestFirst } from "./longest-first.ts";

const FULL = { statements: 100, branches: 100, functions: 100, lines: 100 };

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/*.test.ts"],
    globalSetup: "test/config/package.ts",
    // Vitest leaves one core for itself, which is half of two.
    maxWorkers: "100%",
    // Loaded and warmed up once for each core, not for each file: a quarter of the time.
    isolate: false,
    // Compiling makes much that lives for a moment: with room for it in MiB (16 is the default) there is less to tidy up.
    execArgv: ["--max-semi-space-size=32"],
    sequence: { sequencer: longestFirst("large", "report-page", "fuzz", "properties", "canary", "apply", "machine") },
    // The generators of fast-check and a compiled network of 1,000 hosts take their time on a busy machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["**/*.generated.ts", "**/*.d.ts"],
      reporter: ["text", "json-summary"],
      thresholds: {
        "src/base/**": FULL,
        "src/topology/**": FULL,
        "src/laws/**": FULL,
        "src/resolve/**": FULL,
        "src/checks/**": FULL,
        "src/ways/**": FULL,
      },
    },
  },
});
