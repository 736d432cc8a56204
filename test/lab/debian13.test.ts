/**
 * The scenarios of fixtures/ on Debian 13: every host is said to be of that release, and its programs run in the place of
 * this machine's: FRR 10.3, nftables 1.1, systemd 257, keepalived 2.3. The kernel stays.
 */
import { test } from "vitest";
import { isMap, parseDocument } from "yaml";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { findKernelObstacles } from "../../src/lab/machine/kernel.ts";
import { findObstacles, thisMachine } from "../../src/lab/machine/needs.ts";
import { inTurn } from "../../src/lab/measure/forge.ts";
import { isOfSdn } from "../../src/model/host.ts";
import { sourceOf } from "../fixtures.ts";
import { CLI } from "../netgen.ts";
import { inPlace, trixieTree } from "../oracle/trixie-tree.ts";
import { allScenarios, forNow, isWhole } from "../proofs.ts";
import { brokenIn, runLab } from "./netgen-lab.ts";

/** As written, but for the release; a host of another distribution stays what it is. */
function onDebian13(text: string): string {
  const document = parseDocument(text);
  document.setIn(["hostDefaults", "platform"], "debian13");
  const hosts = document.get("hosts");
  for (const { value } of isMap(hosts) ? hosts.items : []) {
    if (isMap(value) && value.get("platform") === "debian12") value.delete("platform");
  }
  return String(document);
}

const cases = forNow(
  allScenarios.filter((each) => !compile(sourceOf(each)).model?.hosts.some(isOfSdn)),
  () => false,
  "scenarios by Debian 13's programs",
);
const root = isWhole ? trixieTree() : undefined;
/** And what packages have in /etc, where this machine has no such file: keepalived 2.3 ends at once without one. */
const setUpOf = (tree: string): string =>
  `${inPlace(tree)}\nmount -t overlay -o ro,lowerdir=/etc:${tree}/etc overlay /etc`;

test.skipIf(root === undefined).concurrent.for(cases)(
  "$name keeps every promise",
  { timeout: 14_400_000 },
  async (fixture, { skip, signal, expect }) => {
    const topology = onDebian13(sourceOf(fixture).text);
    const network = must(compile({ name: "topology.yaml", text: topology }).model, "it compiles");
    const isHere = (await findObstacles(network, thisMachine())).length === 0;
    const obstacles = isHere ? [] : findKernelObstacles(network, thisMachine(), process.arch);
    skip(process.env.CI === undefined && obstacles.length > 0, `SKIPPED: ${obstacles.join("; ")}`);
    const options = { input: topology, signal, isUrgent: !isHere, setUp: setUpOf(must(root, "there is a tree")) };
    const boot = () => runLab(CLI, ["-", "--quiet", ...(isHere ? [] : ["--kernel", "debian"])], options);
    const run = await (isHere ? boot() : inTurn("virtual machine", boot));
    expect(brokenIn(run).join("\n"), run.said).toBe("");
    expect([run.status, run.proven.length > 0], run.said).toEqual([0, true]);
  },
);

test.skipIf(root !== undefined)("they wait for NETGEN_PROOFS=whole", ({ skip }) => skip("SKIPPED"));
