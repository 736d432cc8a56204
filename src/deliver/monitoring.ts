/** What Prometheus and Grafana are given: which hosts have to report, and alerts and a dashboard that are always the same. */

import { contentOf, type OutputFile } from "../emit/file.ts";
import { fleetMark } from "../model/fleet.ts";
import type { Network } from "../model/network.ts";
import { hostOf } from "../write/manifest.ts";
import type { Tree } from "../write/plan.ts";
import { bundleHash } from "./bundle.ts";
import { dashboard, rules, runbooks } from "./monitoring.generated.ts";
import { plainFile } from "./tar.ts";

/** Where the runbooks are in what is written, and where alerts say that they are unless a URL is given. */
export const RUNBOOKS = "docs/runbooks.md";

/** A host's promises by kind: the first words of the lines of its verify.list. */
function kindsIn(list: OutputFile): readonly string[] {
  const lines = new TextDecoder().decode(contentOf(list)).split("\n");
  const kinds = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split("\t")[0] ?? "");
  return [...new Set(kinds)].sort();
}

/** What a host has to report: a label for each kind. A way out is no line of the list: its probes run all the time. */
function labelsOf(host: string, list: OutputFile, tree: Tree): Readonly<Record<string, string>> {
  const hasExits = tree.files.some(({ path }) => hostOf(path) === host && /\/etc\/netgen\d?\/[^/]+\.exit$/.test(path));
  const kinds = [...kindsIn(list), ...(hasExits ? ["exit"] : [])].map((kind) => [kind, "yes"] as const);
  return { host, sha256: bundleHash(tree, host), ...Object.fromEntries(kinds) };
}

/** The hosts that report what they see: those with `metrics: true`. */
export const reportingHosts = ({ files }: Tree): readonly string[] =>
  files.filter(({ path }) => /\/etc\/netgen\d?\/metrics$/.test(path)).map(({ path }) => hostOf(path));

/** Text in quotes as both JSON and YAML have it. */
const pairs = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(", ");

/**
 * A series for each host that there should be, its labels what it should report: what is absent is seen only by comparison
 * with something that is there. One rule for each host, whatever the number of alerts.
 */
function expectedHosts(network: Network, tree: Tree): string {
  const fleet = `netgen${fleetMark(network)}`;
  const reporting = reportingHosts(tree);
  const lists = tree.files.filter(
    ({ path }) => path.endsWith(`/etc/${fleet}/verify.list`) && reporting.includes(hostOf(path)),
  );
  const records = lists.map(
    (list) =>
      `      - record: netgen:expected_host\n        expr: vector(1)\n` +
      `        labels: {${pairs({ fleet, ...labelsOf(hostOf(list.path), list, tree) })}}\n`,
  );
  return (
    "# Written by netgen monitoring: edit the topology. Which hosts have to report, and what; the alerts are in netgen.rules.yml.\n" +
    `groups:\n  - name: ${fleet}-hosts\n    interval: 30s\n    rules:\n${records.join("")}`
  );
}

/**
 * The directory that Prometheus and Grafana read: rules, a dashboard and the runbooks.
 * `base`: the URL of the runbooks, for the links of alerts, without an anchor.
 */
export function monitoringTree(network: Network, tree: Tree, base: string): Tree {
  const files = [
    plainFile("rules/netgen.rules.yml", 0o644, rules.replaceAll(`runbook_url: ${RUNBOOKS}#`, `runbook_url: ${base}#`)),
    plainFile(`rules/netgen${fleetMark(network)}-hosts.rules.yml`, 0o644, expectedHosts(network, tree)),
    plainFile("grafana/netgen.json", 0o644, dashboard),
    plainFile(RUNBOOKS, 0o644, runbooks),
  ];
  return { name: network.name, files, units: {} };
}
