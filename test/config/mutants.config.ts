// `npm run mutants`: the tests that ask a mutant. None that bundles the program: it would ask the bundle.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: [
      "test/{golden,checks,laws,prefix-index,compile,corners,autonomous,dynamic,gateways,resolve,shapes,vrfs,platform,known-mistakes,write,lock,mtu,peer-mtu,tunnel}.test.ts",
    ],
    // Stryker's runner keeps tests in threads, which have no umask and no user of their own.
    testNamePattern: /^(?!.*(?:umask|may not be written))/,
    globalSetup: "test/config/package.ts",
    testTimeout: 60_000,
  },
});
