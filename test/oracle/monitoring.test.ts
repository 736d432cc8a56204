/** What `netgen monitoring` writes, judged by promtool: each alert fires when it should, and not before. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { dashboard } from "../../src/deliver/monitoring.generated.ts";
import { ROOT } from "../built-package.ts";
import { runShell } from "../netgen.ts";
import { eachInNewDirectory } from "../new-directory.ts";
import { forNow } from "../proofs.ts";
import { type AlertCase, CASES, GOOD } from "./alert-cases.ts";
import { isEquipped } from "./nft-helpers.ts";

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly interval: string; readonly rules: readonly Rule[] }[];
}

const rulesText = readFileSync(join(ROOT, "monitoring/netgen.rules.yml"), "utf8");
const ruleFile: RuleFile = parse(rulesText);
const rules = ruleFile.groups.flatMap((group) => group.rules);
const alerts = rules.flatMap(({ alert }) => alert ?? []);

let home: string;
eachInNewDirectory((path) => {
  home = path;
});
const shell = (line: string) => runShell(home, `set -o pipefail; ${line}`);

/** How many rules apart those are that are left out on each change. */
const EACH = 8;

/** Every alert lasts longer by then than it has to. */
const END = "110m";

const seriesOf = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([series, each]) => ({ series, values: each }));

/** What fires, and nothing else: by name, from the series that Prometheus keeps of its alerts. */
const firing = (names: readonly string[]) => ({
  expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
  eval_time: END,
  exp_samples: names.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
});

const neverFires = {
  expr: `group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[${END}]))`,
  eval_time: END,
  exp_samples: [],
};

/** The alert as it is sent: what the rule says with the labels put in. */
function sent({ alert, labels, summary }: AlertCase) {
  const rule = rules.find((each) => each.alert === alert);
  const host = { host: "alpha", fleet: "netgen" };
  // Of NotReported and silent hosts there is no more to say than which.
  const all = { ...host, ...labels };
  const filled = (text: string): string =>
    text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => (all as Record<string, string>)[name] ?? "");
  const annotations = Object.entries(rule?.annotations ?? {}).map(([key, text]) => [key, filled(text)]);
  return {
    exp_labels: { ...(alert === "NetgenFlannelNotReported" ? host : all), ...rule?.labels },
    exp_annotations: { ...Object.fromEntries(annotations), summary },
  };
}

function testsOf(each: AlertCase) {
  const changed = (how: "lasting" | "moment") => ({
    ...GOOD,
    ...Object.fromEntries(Object.entries(each.changes).map(([series, change]) => [series, change[how]])),
  });
  const lasting = {
    interval: "1m",
    input_series: seriesOf(changed("lasting")),
    promql_expr_test: [firing([each.alert, ...(each.also ?? [])])],
    alert_rule_test: [{ eval_time: END, alertname: each.alert, exp_alerts: [sent(each)] }],
  };
  const moment = { interval: "1m", input_series: seriesOf(changed("moment")), promql_expr_test: [neverFires] };
  return { lasting, moment };
}

const quietTest = { interval: "1m", input_series: seriesOf(GOOD), promql_expr_test: [neverFires] };

/** What promtool says of such tests with these rules. */
function judge(file: RuleFile, tests: readonly object[]) {
  writeFileSync(join(home, "rules.yml"), stringify(file));
  writeFileSync(
    join(home, "tests.yml"),
    JSON.stringify({ rule_files: ["rules.yml"], evaluation_interval: "30s", tests }),
  );
  const { status, stdout, stderr } = shell("promtool test rules tests.yml");
  return { status, output: stdout + stderr };
}

const without = (index: number): RuleFile => ({
  groups: ruleFile.groups.map((group) => ({ ...group, rules: group.rules.toSpliced(index, 1) })),
});

describe.runIf(isEquipped("promtool"))("alerts", () => {
  test("each has a case in which it fires", () => {
    expect(alerts.filter((alert) => !CASES.some((each) => each.alert === alert))).toEqual([]);
  });

  test("are silent while all is well", () => {
    expect(judge(ruleFile, [quietTest])).toMatchObject({ status: 0 });
  });

  test.each(CASES.map((each, index) => ({ ...each, index })))(
    "$alert ($index) fires when it lasts, with the labels and the words that it should have; for a moment nothing does",
    (each) => {
      const { lasting, moment } = testsOf(each);
      expect(judge(ruleFile, [lasting, moment])).toEqual({
        status: 0,
        output: expect.stringContaining("SUCCESS"),
      });
    },
  );

  const named = rules.map(({ alert, record, expr }, index) => ({ name: alert ?? record, expr, index }));
  test.each(forNow(named, ({ index }) => index % EACH === 0, "rules that are left out"))(
    "without $name a case fails",
    ({ name, index }) => {
      // Its own, and those of what is made from it.
      const made = rules.filter(({ expr }) => expr.includes(name ?? "")).map(({ alert }) => alert);
      const own = CASES.filter(({ alert }) => alert === name || made.includes(alert));
      expect(
        judge(
          without(index),
          own.map((each) => testsOf(each).lasting),
        ).status,
      ).toBe(1);
    },
  );

  test("one scrape that is lost ends no alert", () => {
    const gap = Object.entries(GOOD).map(([series, values]) => {
      const [start = "", step = ""] = values.split(/\+|x/);
      const value = series.startsWith("netgen_guard_loaded") ? "0" : start;
      const after = Number(start) + 21 * Number(step);
      return [
        series,
        series.startsWith("netgen:") ? values : `${value}+${step}x19 stale ${value === "0" ? value : after}+${step}x98`,
      ];
    });
    const tests = ["19m", "20m", "20m30s", "25m"].map((eval_time) => ({
      interval: "1m",
      input_series: seriesOf(Object.fromEntries(gap)),
      promql_expr_test: [{ ...firing(["NetgenGuardGone"]), eval_time }],
    }));
    expect(judge(ruleFile, tests)).toMatchObject({ status: 0 });
  });

  test("what is written for a topology is taken without a warning, and every host of it is silent until it reports", () => {
    const topology = join(ROOT, "fixtures/proxmox/topology.yaml");
    const watched = readFileSync(topology, "utf8").replace("\nhostDefaults:\n", "\nhostDefaults:\n  metrics: true\n");
    writeFileSync(join(home, "watched.yaml"), watched);
    expect(shell("netgen monitoring -q watched.yaml -o monitoring")).toMatchObject({ status: 0, stderr: "" });
    const checked = shell("promtool check rules --lint=all --lint-fatal monitoring/rules/*.rules.yml");
    expect(checked).toMatchObject({ status: 0, stderr: "" });
    const hosts = shell('sed -n \'s/.* host: "\\([^"]*\\)".*/\\1/p\' monitoring/rules/netgen-hosts.rules.yml');
    const names = hosts.stdout.trim().split("\n");
    expect(names.length).toBeGreaterThan(1);
    const silent = {
      expr: 'group by (alertname, host) (ALERTS{alertstate="firing"})',
      eval_time: "10m",
      exp_samples: names.map((host) => ({ labels: `{alertname="NetgenHostSilent", host="${host}"}`, value: 1 })),
    };
    const tests = [{ interval: "1m", input_series: [], promql_expr_test: [silent] }];
    const rule_files = ["monitoring/rules/netgen.rules.yml", "monitoring/rules/netgen-hosts.rules.yml"];
    writeFileSync(join(home, "tests.yml"), JSON.stringify({ rule_files, evaluation_interval: "30s", tests }));
    expect(shell("promtool test rules tests.yml 2>&1")).toEqual({
      status: 0,
      stdout: expect.stringContaining("SUCCESS"),
      stderr: "",
    });
  });

  test("every query of the dashboard is one", () => {
    const found = JSON.stringify(JSON.parse(dashboard)).matchAll(/"expr":"((?:[^"\\]|\\.)*)"/g);
    const exprs = [...found].map(([, text = ""]) => JSON.parse(`"${text}"`) as string);
    expect(exprs.length).toBeGreaterThan(10);
    const asRules = exprs.map((expr, index) => ({ record: `dashboard:${index}`, expr }));
    writeFileSync(join(home, "queries.yml"), stringify({ groups: [{ name: "dashboard", rules: asRules }] }));
    expect(shell("promtool check rules queries.yml").status).toBe(0);
    const broken = stringify({
      groups: [{ name: "dashboard", rules: [{ record: "dashboard:0", expr: `${exprs[0]} (` }] }],
    });
    writeFileSync(join(home, "queries.yml"), broken);
    expect(shell("promtool check rules queries.yml").status).toBe(1);
  });
});
