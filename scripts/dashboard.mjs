// @ts-check
// The Grafana dashboard that `netgen monitoring` writes, by Grafana's own builder, which knows the fields of a panel.

import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimeline } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";

/** Chosen in the dashboard: it has no data source of its own. */
const SOURCE = { type: "prometheus", uid: "$datasource" };

/** A sample does not name its host; one series of each host does. */
const OF_HOSTS = '* on (job, instance, fleet) group_left (host) netgen_tree_info{host=~"$host"}';

/** @param {string} expr @param {string} legend */
const query = (expr, legend) => new DataqueryBuilder().expr(expr).legendFormat(legend).datasource(SOURCE).refId("A");

/** Good below the limit, bad from there on. @param {string} good @param {string} bad @param {number} limit */
const split = (good, bad, limit) =>
  new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { color: good, value: null },
    { color: bad, value: limit },
  ]);

/** @typedef {readonly [title: string, description: string]} Words */

/** A number that should be 0. @param {Words} words @param {string} expr */
const fault = ([title, description], expr) =>
  new Stat()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .withTarget(query(`${expr} or vector(0)`, "").instant())
    .thresholds(split("green", "red", 1))
    .height(4)
    .span(4);

/** 1 or 0 over time. @param {Words} words @param {string} metric @param {string} legend */
const state = ([title, description], metric, legend) =>
  new StateTimeline()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .withTarget(query(`${metric} ${OF_HOSTS}`, legend))
    .thresholds(split("red", "green", 1))
    .mergeValues(true)
    .height(8)
    .span(12);

/** A value over time. @param {Words} words @param {string} expr @param {string} legend @param {string} unit */
const curve = ([title, description], expr, legend, unit) =>
  new TimeSeries()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .withTarget(query(`(${expr}) ${OF_HOSTS}`, legend))
    .unit(unit)
    .min(0)
    .height(8)
    .span(12);

const SILENT = "count(max by (fleet, host) (netgen:expected_host) unless on (fleet, host) netgen_tree_info)";
const OLD = "count(time() - netgen_verify_last_run_seconds > 300)";

const faults = () => [
  fault(["Silent hosts", "Hosts of the topology that report nothing."], SILENT),
  fault(["Old reports", "Hosts whose last report is older than 300 s."], OLD),
  fault(["Broken promises", "Lines of verify that are not ok."], "count(netgen_promise_kept == 0)"),
  fault(["Guards gone", "Tables of netgen's that are not loaded."], "count(netgen_guard_loaded == 0)"),
  fault(["Closed exits", "Ways out that do not work."], "count(netgen_exit_open == 0)"),
  fault(["Changed files", "Files that are not as netgen wrote them."], "sum(netgen_files_changed)"),
];

const AGE = 'netgen:handshake_age_seconds{keepalive="true"}';
const ENDS = "{{host}} – {{peer}} {{interface}}";

const tunnels = () => [
  curve(["Age of handshakes", "With a keepalive; a session ends after 180 s."], AGE, ENDS, "s").thresholds(
    split("green", "red", 180),
  ),
  state(["Largest packet", "Whether it comes back."], "netgen_mtu_probe_success", ENDS),
];

const DEVICE = "{{host}} {{device}}";
const STALE = "netgen_stale_fdb_entries or netgen_stale_neighbors";

const segments = () => [
  state(["Links", "There and up."], "netgen_link_up", DEVICE),
  curve(["MTU of links", "As the kernel has it."], "netgen_link_mtu_bytes", DEVICE, "decbytes"),
  curve(["Stale entries", "Neighbours and forwarding entries that lead to nobody."], STALE, DEVICE, "short"),
  curve(["Misrouted prefixes", "That leave by another device."], "netgen_misrouted_prefixes", DEVICE, "short"),
];

const ways = () => [
  state(["BGP sessions", "Established or not."], "netgen_bgp_session_up", "{{host}} – {{peer}} {{vrf}}"),
  state(["Exits", "Open or closed."], "netgen_exit_open", "{{host}} {{exit}}"),
];

const reports = () => [
  curve(["Changed files", "Against the tree."], "netgen_files_changed", "{{host}}", "short"),
  curve(["Age of reports", "One a minute."], "time() - netgen_verify_last_run_seconds", "{{host}}", "s"),
];

const hostVariable = () =>
  new QueryVariableBuilder("host")
    .label("Host")
    .datasource(SOURCE)
    .query("label_values(netgen_tree_info, host)")
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".+");

/** @returns {string} */
export function dashboardText() {
  const dashboard = new DashboardBuilder("netgen")
    .uid("netgen")
    .description("What etc/netgen/metrics reports of every host. Written by netgen monitoring.")
    .tags(["netgen", "wireguard"])
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: "now-6h", to: "now" })
    .refresh("1m")
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(hostVariable());
  const rows = {
    "All hosts": faults(),
    Tunnels: tunnels(),
    "Links and segments": segments(),
    "Routing and ways out": ways(),
    Reports: reports(),
  };
  for (const [title, panels] of Object.entries(rows)) {
    dashboard.withRow(new RowBuilder(title));
    for (const panel of panels) dashboard.withPanel(panel);
  }
  // The numbers that the builder gives rows are all 0: Grafana numbers its panels when it loads them.
  const withoutIds = (/** @type {string} */ key, /** @type {unknown} */ value) => (key === "id" ? undefined : value);
  return `${JSON.stringify(dashboard.build(), withoutIds, 1)}\n`;
}
