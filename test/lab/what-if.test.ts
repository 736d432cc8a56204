/** Each tunnel is cut, and each site, in every network with more than one way: what goes on and what ends is what what-if says. */
import { test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { trialPromises } from "../../src/lab/life/trials.ts";
import { trialsOf } from "../../src/lab/life/what-if.ts";
import { findObstacles, thisMachine } from "../../src/lab/machine/needs.ts";
import type { Prover } from "../../src/lab/measure/promise.ts";
import { planLab } from "../../src/lab/plan/plan-lab.ts";
import { sourceOf } from "../fixtures.ts";
import { allScenarios, forNow } from "../proofs.ts";
import { proveTampered } from "./netgen-lab.ts";

const found = allScenarios.map((fixture) => {
  const { text } = sourceOf(fixture);
  const network = must(compile({ name: "topology.yaml", text }).model, "it compiles");
  return { name: fixture.name, text, network, count: trialsOf(network, planLab(network)).length };
});

// Each takes some ten seconds; a few of each network are among the promises of its lab.
const cases = forNow(
  found.filter(({ count }) => count > 0),
  () => false,
  "networks with more than one way",
);

const all: Prover = { kind: "life", isAlone: true, promises: (lab) => trialPromises(lab, (trials) => trials) };

test.skipIf(cases.length === 0).concurrent.for(cases)(
  "tunnels and sites of $name",
  { timeout: 3_600_000 },
  async ({ text: topology, network, count }, { skip, signal, expect }) => {
    const obstacles = await findObstacles(network, thisMachine());
    skip(obstacles.length > 0, `SKIPPED: ${obstacles.join("; ")}`);
    const proven = await proveTampered({ topology, tamper: (_, files) => files, provers: [all], signal });
    expect(proven.filter(({ isKept }) => !isKept).map((each) => `${each.subject}: ${each.measured}`)).toEqual([]);
    expect(proven.length).toBe(count);
  },
);

test.skipIf(cases.length > 0)("they wait for NETGEN_PROOFS=whole", ({ skip }) => skip("SKIPPED"));
