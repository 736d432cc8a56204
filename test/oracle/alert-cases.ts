/** What hosts report while all is well, and for each alert what has to change for it to fire, and it alone. */

/** Of a series: values that are bad from the tenth minute on, and values that are so for a moment only. */
interface Change {
  readonly lasting: string;
  readonly moment: string;
}

export interface AlertCase {
  readonly alert: string;
  /** By series, as {@link GOOD} has them. */
  readonly changes: Readonly<Record<string, Change>>;
  /** Besides severity, fleet and host. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Which others fire with it. */
  readonly also?: readonly string[];
}

const ALPHA = 'fleet="netgen", instance="a:9100", job="node"';
const BETA = 'fleet="netgen", instance="b:9100", job="node"';
const KUBE = 'condition="Ready", status="true", instance="kube:8080", job="kube"';

const expected = `netgen:expected_host{fleet="netgen", host="alpha", sha256="1a", bgp="yes", exit="yes", fdb="yes", link="yes", neighbours="yes", peer="yes", table="yes", way="yes"}`;
const tree = `netgen_tree_info{${ALPHA}, host="alpha", sha256="1a"}`;
const lastRun = `netgen_verify_last_run_seconds{${ALPHA}}`;
const handshake = `netgen_wireguard_last_handshake_seconds{${ALPHA}, interface="wg0", peer="beta", keepalive="true"}`;
const quiet = `netgen_wireguard_last_handshake_seconds{${ALPHA}, interface="wg0", peer="gamma", keepalive="false"}`;
const mtu = `netgen_mtu_probe_success{${ALPHA}, interface="wg0", peer="beta", bytes="1412"}`;
const link = `netgen_link_up{${ALPHA}, device="wg0"}`;
const flannel = `netgen_link_up{${ALPHA}, device="flannel.1"}`;
const fdb = `netgen_stale_fdb_entries{${ALPHA}, device="vxlan100"}`;
const neighbours = `netgen_stale_neighbors{${ALPHA}, device="br-blue"}`;
const misrouted = `netgen_misrouted_prefixes{${ALPHA}, device="vxlan100"}`;
const guard = `netgen_guard_loaded{${ALPHA}, table="inet netgen"}`;
const exit = `netgen_exit_open{${ALPHA}, exit="default"}`;
const session = `netgen_bgp_session_up{${ALPHA}, vrf="default", neighbor="10.250.0.2", systems="65000-65000", peer="beta"}`;
const second = `netgen_bgp_session_up{${ALPHA}, vrf="default", neighbor="10.250.0.3", systems="65000-65000", peer="gamma"}`;
const unit = `netgen_promise_kept{${ALPHA}, kind="unit", name="frr.service"}`;
const linkKept = `netgen_promise_kept{${ALPHA}, kind="link", name="wg0"}`;
const files = `netgen_files_changed{${ALPHA}}`;

/** A sample a minute, for two hours. Times are seconds since the test began: its clock starts at 0. */
const TIMES = "1+60x120";

/** Values while all is well; the peer without a keepalive has been silent for long. */
export const GOOD: Readonly<Record<string, string>> = {
  [expected]: "1+0x120",
  [tree]: "1+0x120",
  [lastRun]: TIMES,
  [handshake]: TIMES,
  [quiet]: "1+0x120",
  [mtu]: "1+0x120",
  [link]: "1+0x120",
  [flannel]: "1+0x120",
  [fdb]: "0+0x120",
  [neighbours]: "0+0x120",
  [misrouted]: "0+0x120",
  [guard]: "1+0x120",
  [exit]: "1+0x120",
  [session]: "1+0x120",
  [second]: "1+0x120",
  [unit]: "1+0x120",
  [linkKept]: "1+0x120",
  [files]: "0+0x120",
  // Another host, which nobody expects here, and whose flannel.1 shows that there is such a thing.
  [`netgen_tree_info{${BETA}, host="beta", sha256="2b"}`]: "1+0x120",
  [`netgen_link_up{${BETA}, device="flannel.1"}`]: "1+0x120",
  [`kube_node_status_condition{${KUBE}, node="alpha"}`]: "1+0x120",
  [`kube_node_status_condition{${KUBE}, node="beta"}`]: "1+0x120",
};

const flips = (good: number, bad: number): Change => ({
  lasting: `${good}+0x9 ${bad}+0x110`,
  moment: `${good}+0x9 ${bad} ${good}+0x109`,
});
const falls = flips(1, 0);
/** What a scrape that fails makes of every series. */
const vanishes = (good: number): Change => ({
  lasting: `${good}+0x9 stale`,
  moment: `${good}+0x9 stale ${good}+0x109`,
});
/** A time that stands still from the tenth minute on; for a moment: for so many minutes, which is too short. */
const stops = (minutes: number): Change => ({
  lasting: "1+60x9 541+0x110",
  moment: `1+60x9 541+0x${minutes - 1} ${541 + minutes * 60}+60x${110 - minutes}`,
});

const at = { instance: "a:9100", job: "node" };
const tunnel = { ...at, interface: "wg0", peer: "beta" };
const unseen = (alert: string, series: readonly string[], what: string, good = 1): AlertCase => ({
  alert,
  changes: Object.fromEntries(series.map((each) => [each, vanishes(good)])),
  labels: {},
  summary: what,
});

export const CASES: readonly AlertCase[] = [
  {
    alert: "NetgenHostSilent",
    changes: Object.fromEntries(
      [tree, link, flannel, guard, session, second, unit].map((series) => [series, vanishes(1)]),
    ),
    labels: {},
    summary: "alpha reports nothing: whether its tunnels work is not known",
  },
  {
    alert: "NetgenVerifyStale",
    changes: { [lastRun]: stops(6), [handshake]: stops(6) },
    labels: at,
    summary: "alpha: the last report is 1h 40m 59s old, and so is all that is known of it",
  },
  {
    alert: "NetgenHandshakeOld",
    changes: { [handshake]: stops(4), [mtu]: falls },
    labels: { ...tunnel, keepalive: "true" },
    summary: "alpha: no handshake with beta on wg0 for 1h 41m 0s",
  },
  {
    alert: "NetgenHandshakeNever",
    changes: {
      [handshake]: { lasting: "0+0x120", moment: "0+0x3 241+60x116" },
      [mtu]: { lasting: "0+0x120", moment: "0+0x3 1+0x116" },
    },
    labels: { ...tunnel, keepalive: "true" },
    summary: "alpha: no handshake with beta on wg0 since the interface came up",
  },
  {
    alert: "NetgenHandshakeNotReported",
    changes: {
      [handshake]: { lasting: "1+60x9 stale", moment: "1+60x9 stale 661+60x109" },
      [quiet]: vanishes(1),
    },
    labels: {},
    summary: "alpha reports no handshakes, though it has peers",
  },
  {
    alert: "NetgenMtuProbeFails",
    changes: { [mtu]: falls },
    labels: { ...tunnel, bytes: "1412" },
    summary: "alpha: the largest packet to beta does not come back on wg0",
  },
  unseen("NetgenMtuProbeNotReported", [mtu], "alpha reports no MTU probes, though it has peers"),
  {
    alert: "NetgenLinkDown",
    changes: { [link]: falls, [linkKept]: falls },
    labels: { ...at, device: "wg0" },
    summary: "alpha: wg0 is not there or not up",
  },
  unseen("NetgenLinkNotReported", [link], "alpha reports no links, though it has some"),
  {
    alert: "NetgenFlannelMissing",
    changes: { [flannel]: falls },
    labels: { ...at, device: "flannel.1" },
    summary: "alpha is Ready without flannel.1: its pods are reached from no other node",
  },
  unseen(
    "NetgenFlannelNotReported",
    [flannel],
    "alpha is a Ready node and does not say whether it has flannel.1, as others do",
  ),
  {
    alert: "NetgenNeighborsStale",
    changes: { [fdb]: flips(0, 2) },
    labels: { ...at, device: "vxlan100" },
    summary: "alpha: vxlan100 has 2 entries that lead to nobody",
  },
  {
    alert: "NetgenNeighborsStale",
    changes: { [neighbours]: flips(0, 3) },
    labels: { ...at, device: "br-blue" },
    summary: "alpha: br-blue has 3 entries that lead to nobody",
  },
  unseen("NetgenNeighborsNotReported", [fdb], "alpha reports no stale entries, not even 0, though it has segments", 0),
  unseen(
    "NetgenNeighborsNotReported",
    [neighbours],
    "alpha reports no stale entries, not even 0, though it has segments",
    0,
  ),
  {
    alert: "NetgenPrefixMisrouted",
    changes: { [misrouted]: flips(0, 1) },
    labels: { ...at, device: "vxlan100" },
    summary: "alpha: 1 prefixes of vxlan100 leave by another device",
  },
  unseen(
    "NetgenPrefixNotReported",
    [misrouted],
    "alpha reports no misrouted prefixes, not even 0, though it has routes",
    0,
  ),
  {
    alert: "NetgenGuardGone",
    changes: { [guard]: falls },
    labels: { ...at, table: "inet netgen" },
    summary: "alpha: the table inet netgen is not loaded: VXLAN is open to whoever reaches the host",
  },
  unseen("NetgenGuardNotReported", [guard], "alpha does not say whether its guard is loaded"),
  {
    alert: "NetgenExitClosed",
    changes: { [exit]: falls },
    labels: { ...at, exit: "default" },
    summary: "alpha: the exit of default is closed",
  },
  unseen("NetgenExitNotReported", [exit], "alpha does not say whether its exits are open"),
  {
    alert: "NetgenBgpDown",
    changes: { [session]: falls },
    labels: { ...at, neighbor: "10.250.0.2", vrf: "default", systems: "65000-65000", peer: "beta" },
    summary: "alpha: no BGP session with beta, 10.250.0.2 in VRF default",
  },
  {
    alert: "NetgenBgpAllDown",
    changes: { [session]: falls, [second]: falls },
    labels: at,
    summary: "alpha: no BGP session is up",
    also: ["NetgenBgpDown"],
  },
  unseen("NetgenBgpNotReported", [session, second], "alpha reports no BGP sessions, though it has some"),
  {
    alert: "NetgenPromiseBroken",
    changes: { [unit]: falls },
    labels: { ...at, kind: "unit", name: "frr.service" },
    summary: "alpha: the unit frr.service is not as promised",
  },
  unseen("NetgenPromiseNotReported", [unit, linkKept], "alpha reports none of its promises"),
  {
    alert: "NetgenFilesChanged",
    changes: { [files]: flips(0, 2) },
    labels: at,
    summary: "alpha: 2 files are not as netgen wrote them",
  },
  unseen("NetgenFilesNotReported", [files], "alpha does not say whether its files are as netgen wrote them", 0),
  {
    alert: "NetgenTreeOutdated",
    changes: {
      [expected.replace('"1a"', '"2c"')]: { lasting: "_x9 1+0x110", moment: "_x9 1 stale" },
      [expected]: vanishes(1),
    },
    labels: { ...at, sha256: "1a" },
    summary: "alpha has another tree than the topology that these alerts were written from",
  },
];
