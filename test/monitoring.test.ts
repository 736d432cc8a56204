/** `netgen monitoring`: who has to report, the alerts with their runbooks, and the dashboard. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { dashboard as dashboardText, rules as rulesText } from "../src/deliver/monitoring.generated.ts";
import { ROOT } from "./built-package.ts";
import { runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

// Names that are no text to YAML; a way out; a phone, which reports nothing.
const TOPOLOGY = `netgen: 1
name: watched
fleet: 2
wireguard: {addresses: [10.250.0.0/24]}
hostDefaults: {metrics: true}
subnets:
  tenants: {cidr: 10.7.0.0/16, hosts: ["no"], exits: ["1e3"]}
exits:
  - {host: "1e3", interface: eth0}
hosts:
  "no": {id: 1, endpoint: 192.0.2.1}
  "1e3": {id: 2, endpoint: 192.0.2.2}
  phone: {id: 9, platform: wireguard-app}
`;

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const rulesOf = (text: string): readonly Rule[] =>
  (parse(text) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap(({ rules }) => rules);

const alerts = rulesOf(rulesText).filter(({ alert }) => alert !== undefined);

let home: string;
const shell = (line: string) => runShell(home, `set -o pipefail; ${line}`);
const MONITORING = "netgen monitoring topology.yaml -o monitoring";

describe("netgen monitoring", () => {
  eachInNewDirectory((path) => {
    home = path;
    writeFileSync(join(home, "topology.yaml"), TOPOLOGY);
    shell("netgen keys generate -q topology.yaml");
  });

  const expectedHosts = (): readonly Rule[] =>
    rulesOf(readFileSync(join(home, "monitoring/rules/netgen2-hosts.rules.yml"), "utf8"));

  test("says of every host that has promises which kinds they are, and of which tree", () => {
    expect(shell(MONITORING)).toMatchObject({
      status: 0,
      stdout: "monitoring: 4 new, 0 changed, 0 removed, 0 as they were; 2 hosts expected to report\n",
      stderr: "",
    });
    expect(expectedHosts().map(({ labels }) => labels?.host)).toEqual(["1e3", "no"]);
    for (const { record, expr, labels } of expectedHosts()) {
      const { host, sha256, fleet, exit, ...kinds } = labels ?? {};
      expect([record, expr, fleet, exit]).toEqual([
        "netgen:expected_host",
        "vector(1)",
        "netgen2",
        host === "1e3" ? "yes" : undefined,
      ]);
      const listed = shell(
        `netgen build -q topology.yaml; cut -f1 out/${host}/etc/netgen2/verify.list | grep -v '^#' | sort -u`,
      );
      expect(Object.keys(kinds).map((kind) => `${kind}\n`)).toEqual(listed.stdout.match(/.+\n/g));
      expect(new Set(Object.values(kinds))).toEqual(new Set(["yes"]));
      const head = shell(`netgen bundle ${host} -q | tar -x -O netgen.list | head -n 1 | cut -f 3`);
      expect(`${sha256}\n`).toBe(head.stdout);
    }
  });

  test("gives the same bytes each time, leaves alone what is the user's, and has no key in it", () => {
    shell(`${MONITORING} && cp -r monitoring first && rm -r monitoring && ${MONITORING}`);
    expect(shell("diff -r first monitoring").status).toBe(0);
    shell("echo mine > monitoring/rules/mine.yml");
    expect(shell(`${MONITORING} -q && cat monitoring/rules/mine.yml`).stdout).toBe("mine\n");
    expect(shell("cat keys/*.key | grep -rFf - monitoring").status).toBe(1);
  });

  test("links alerts to the runbooks' URL, and refuses what is none", () => {
    expect(shell(`${MONITORING} -q --runbooks https://example.com/netgen/runbooks.md`).status).toBe(0);
    const text = readFileSync(join(home, "monitoring/rules/netgen.rules.yml"), "utf8");
    const urls = rulesOf(text).flatMap(({ annotations }) => annotations?.runbook_url ?? []);
    expect(urls.filter((url) => !/^https:\/\/example\.com\/netgen\/runbooks\.md#[a-z-]+$/.test(url))).toEqual([]);
    expect(urls.length).toBe(alerts.length);
    for (const base of ["docs", "https://a b", 'https://a/"x', "https://a/#b", "javascript:x", "https://a/\n- x"]) {
      const refused = shell(`netgen monitoring topology.yaml -o none --runbooks '${base}' || echo $?; ls none`);
      expect(refused.stderr).toContain("netgen: --runbooks: ");
      expect(refused.stdout).toBe("2\n");
    }
  });

  test("expects nothing of hosts that are not told to report, and refuses where none is", () => {
    shell("sed -i 's/hostDefaults: .*//; s/endpoint: 192.0.2.1}/endpoint: 192.0.2.1, metrics: true}/' topology.yaml");
    expect(shell(MONITORING).stdout).toMatch(/; 1 host expected to report\n$/);
    shell("sed -i 's/, metrics: true//' topology.yaml; rm -r monitoring");
    expect(shell(`${MONITORING}; ls monitoring`)).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("none of these hosts reports anything: write metrics: true"),
    });
  });

  test("leaves out hosts that report elsewhere", () => {
    expect(shell(`${MONITORING} --hosts no`).stdout).toMatch(/; 1 host expected to report\n$/);
    expect(expectedHosts().map(({ labels }) => labels?.host)).toEqual(["no"]);
    expect(shell(`${MONITORING} --hosts nobody`)).toMatchObject({
      status: 2,
      stderr: 'netgen: --hosts: the topology has no host "nobody"\n',
    });
  });

  test("takes no directory that another command wrote, nor does that one take this", () => {
    shell("netgen build -q topology.yaml && netgen ansible -q topology.yaml -o deploy && netgen report topology.yaml");
    expect(shell("netgen monitoring topology.yaml -o out")).toMatchObject({
      status: 2,
      stderr: "netgen: out is a tree that netgen build wrote; name another directory with -o\n",
    });
    const refusal = (directory: string, writer: string) => ({
      status: 2,
      stderr: `netgen: ${directory} is a tree that netgen ${writer} wrote; name another directory with -o\n`,
    });
    expect(shell("netgen monitoring topology.yaml -o deploy")).toMatchObject(refusal("deploy", "ansible"));
    shell(MONITORING);
    expect(shell("netgen ansible topology.yaml -o monitoring")).toMatchObject(refusal("monitoring", "monitoring"));
  });

  test("writes nothing of a topology that does not compile", () => {
    const broken = shell(`sed -i 's/^fleet: 2/fleet: 0/' topology.yaml; ${MONITORING}; ls`);
    expect(broken.stderr).toContain("topology.yaml:3:8: error[");
    expect(broken.stdout).toBe("keys\ntopology.yaml\n");
  });
});

describe("alerts", () => {
  test("all say how long, how bad, whom it is about and where to read on", () => {
    for (const { alert, for: duration, keep_firing_for: kept, labels, annotations } of alerts) {
      expect([duration, kept], alert).toEqual([expect.stringMatching(/^\d+[mh]$/), "5m"]);
      expect(["critical", "warning", "info"], alert).toContain(labels?.severity);
      expect(annotations?.summary, alert).toMatch(/^\{\{ \$labels\.host \}\}/);
      expect(Object.keys(annotations ?? {}), alert).toEqual(["summary", "description", "runbook_url"]);
    }
  });

  test("every gauge that an alert reads has a twin for where it is not reported", () => {
    const gauges = (rule: Rule): readonly string[] => rule.expr.match(/\bnetgen_\w+/g) ?? [];
    const twins = alerts.filter(({ alert }) => alert?.endsWith("NotReported"));
    const seen = new Set(twins.flatMap(gauges));
    const others = alerts.filter(({ alert }) => !alert?.endsWith("NotReported"));
    // Without the one a host is silent; the other comes with it, from the same file.
    const apart = ["netgen_tree_info", "netgen_verify_last_run_seconds"];
    const read = [...rulesOf(rulesText).filter(({ record }) => record !== undefined), ...others].flatMap(gauges);
    expect(new Set(read).size).toBeGreaterThan(10);
    expect(read.filter((gauge) => !seen.has(gauge) && !apart.includes(gauge))).toEqual([]);
  });
});

describe("the documents", () => {
  const page = readFileSync(join(ROOT, "docs/runbooks.md"), "utf8");
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")), section]),
  );
  const anchorOf = (heading: string): string => heading.toLowerCase().replaceAll(" ", "-");

  test("each alert has its runbook, and each runbook its alert", () => {
    for (const { alert = "", annotations } of alerts) {
      const anchor = annotations?.runbook_url?.split("#")[1];
      const [heading = "", section = ""] = [...sections].find(([title]) => anchorOf(title) === anchor) ?? [];
      expect(heading, alert).toBe(alert.endsWith("NotReported") ? "Not reported" : alert);
      expect(section, alert).toContain(alert);
    }
    const names = [...page.matchAll(/^(?:## |\| )(Netgen\w+)/gm)].map(([, name]) => name);
    expect(names.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  test("each runbook says what it means, what to ask, what to do and when to wake somebody", () => {
    for (const [heading, section] of sections) {
      expect(section, heading).toMatch(/^[^\n]+\n\n\*\*/);
      expect(section.match(/^\| `[^`]+`.* \| .+ \| .+ \|$/gm)?.length, heading).toBeGreaterThanOrEqual(2);
      expect(section, heading).toMatch(/\*\*Do:\*\*/);
      expect(section, heading).toMatch(/\*\*Wake\s+(?:nobody|somebody)/);
    }
  });

  test("links within the page lead to a section", () => {
    const anchors = [...sections.keys()].map(anchorOf);
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = ""]) => anchor);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });

  test("monitoring.md lists every alert with its severity and how long it lasts", () => {
    const text = readFileSync(join(ROOT, "docs/monitoring.md"), "utf8");
    const rows = [...text.matchAll(/^\| (Netgen\w+) \| (\w+) \| .* \| (\d+ \w+) \|$/gm)].map((row) => row.slice(1));
    const known = alerts.filter(({ alert }) => !alert?.endsWith("NotReported"));
    const inWords = (duration = ""): string => duration.replace("m", " min").replace("h", " h");
    expect(rows.toSorted()).toEqual(
      known.map(({ alert, labels, for: duration }) => [alert, labels?.severity, inWords(duration)]).toSorted(),
    );
    expect(text).toContain("| eleven that end in NotReported | warning |");
    expect(alerts.length - known.length).toBe(11);
  });
});

describe("the dashboard", () => {
  const dashboard = JSON.parse(dashboardText);
  const targets = dashboard.panels.flatMap(({ targets: each = [] }: { targets?: readonly object[] }) => each);

  test("can be taken into any Grafana: its data source is chosen there, and nothing has a number of another one", () => {
    expect([dashboard.uid, dashboard.schemaVersion]).toEqual(["netgen", 42]);
    expect(dashboardText).not.toMatch(/"id":/);
    expect(dashboard.templating.list.map(({ name, type }: { name: string; type: string }) => [name, type])).toEqual([
      ["datasource", "datasource"],
      ["host", "query"],
    ]);
    const sources = [...dashboardText.matchAll(/"datasource": \{\s*"type": "(\w+)",\s*"uid": "([^"]+)"/g)];
    expect(sources.length).toBeGreaterThan(targets.length);
    expect(new Set(sources.map(([, type, uid]) => `${type} ${uid}`))).toEqual(new Set(["prometheus $datasource"]));
  });

  test("asks for what alerts know, and for the MTU of links", () => {
    const named = (text: string): readonly string[] => text.match(/\bnetgen[_:][a-z_]+/g) ?? [];
    const known = [...named(rulesText), "netgen_link_mtu_bytes"];
    const asked = targets.flatMap(({ expr }: { expr: string }) => named(expr));
    expect(asked.length).toBeGreaterThan(targets.length);
    expect(asked.filter((metric: string) => !known.includes(metric))).toEqual([]);
  });
});
