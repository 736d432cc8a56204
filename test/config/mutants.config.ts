// `npm run mutants`: the tests that ask a mutant. None that bundles the program: it would ask the bundle.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: [
      "test/{golden,checks,laws,prefix-index,compile,corners,autonomous,dynamic,gateways,resolve,shapes,vrfs,platform,known-mistakes,write,lock,mtu,peer-mtu,tunnel,apps,nested,exits,peers,fabric,ruleset}.test.ts",
    ],
    // Stryker's runner keeps tests in threads, which have no umask and no user of their own. Those of very large
    // topologies would take most of the time of a change that no test sees.
    testNamePattern: /^(?!.*(?:umask|may not be written|too-large|too-many|alias-bomb|very many|any tree of links))/,
    globalSetup: "test/config/package.ts",
    testTimeout: 60_000,
  },
});
