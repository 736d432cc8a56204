/** The plan of a roll-out: what it says of a host is what that host's `apply --check` says, and what it warns of. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import type { Caution } from "../src/deliver/caution.ts";
import { planRollout, type RolloutPlan } from "../src/deliver/plan.ts";
import { renderPlan } from "../src/deliver/plan-text.ts";
import { changedPeers } from "../src/deliver/wireguard-file.ts";
import { contentOf } from "../src/emit/file.ts";
import { type FakeHost, fakeHost } from "./apply-host.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

let host: FakeHost;
eachInNewDirectory((path) => {
  host = fakeHost(path);
});

const NAMES = ["alpha", "beta", "gamma", "delta"];
const KEYS = Object.fromEntries([...NAMES, "new"].map((name) => [name, testPublicKey(name)]));

interface Shape {
  readonly name?: string;
  readonly wireguard?: string;
  readonly top?: string;
  readonly hosts?: readonly string[];
  /** By host: its endpoint, and what else is said of it. */
  readonly of?: Readonly<Record<string, string>>;
  readonly subnets?: string;
}

const PLAIN = "guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: {alpha: 10.77.0.1}}";

function topology({
  name: called = "office",
  wireguard = "",
  top = "",
  hosts = ["alpha", "beta"],
  of = {},
  subnets = PLAIN,
}: Shape): string {
  const lines = hosts.map((name) => {
    const id = NAMES.indexOf(name) + 1;
    const said = of[name] ?? `endpoint: 198.51.100.${id}`;
    const key = said.includes("publicKey") ? "" : `, publicKey: "${KEYS[name]}"`;
    return `  ${name}: {${said.includes("id:") ? "" : `id: ${id}, `}${said}${key}}\n`;
  });
  const pool = "wireguard: {addresses: [10.250.0.0/24]";
  return `netgen: 1\nname: ${called}\n${pool}${wireguard}}\n${top}\nhosts:\n${lines.join("")}${subnets === "" ? "" : `subnets: {${subnets}}\n`}`;
}

function treeOf(text: string) {
  const { files, units, model, diagnostics } = compile({ name: "topology.yaml", text });
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
  expect(errors).toEqual([]);
  return { tree: { name: "office", files, units }, model: must(model, "it has no mistake") };
}

function planOf(before: Shape, after: Shape): RolloutPlan {
  const next = treeOf(topology(after));
  return planRollout(next.model, treeOf(topology(before)).tree, next.tree);
}

const BGP = "bgp: {asn: 65000}\n";
const VRF = `${BGP}vrfs: {blue: {vni: 5000}}\n`;
const BLUE = "guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [alpha, beta], gateway: 10.77.0.1, vrf: blue}";

describe("what is planned for a host is what its apply --check says", () => {
  const cases: readonly (readonly [what: string, before: Shape, after: Shape])[] = [
    ["nothing", {}, {}],
    ["a port", {}, { wireguard: ", listenPort: 51999" }],
    ["another VNI", {}, { subnets: PLAIN.replace("100", "101") }],
    ["a segment that goes", {}, { subnets: "" }],
    ["a segment that comes", { subnets: "" }, {}],
    ["a smaller MTU", {}, { top: "underlay: {pathMtu: 1400}\n" }],
    ["another host", {}, { hosts: ["alpha", "beta", "gamma"] }],
    ["a host that goes", { hosts: ["alpha", "beta", "gamma"] }, {}],
    ["BGP that comes", {}, { top: BGP }],
    ["BGP that goes", { top: BGP }, {}],
    ["another AS without a VRF", { top: BGP }, { top: BGP.replace("65000", "65001") }],
    ["another AS beside a VRF", { top: VRF, subnets: BLUE }, { top: VRF.replace("65000", "65001"), subnets: BLUE }],
    ["a VRF that goes", { top: VRF, subnets: BLUE }, { top: BGP }],
    ["another L3VNI", { top: VRF, subnets: BLUE }, { top: VRF.replace("5000", "5001"), subnets: BLUE }],
    ["comments alone", { name: "home" }, {}],
  ];
  test.each(cases)("%s", (_, before, after) => {
    // What runs on every host.
    for (const unit of ["systemd-sysctl.service", "systemd-modules-load.service"])
      host.write(`units/active/${unit}`, "");
    host.stage(topology(before));
    expect(host.apply()).toMatchObject({ status: 0 });
    host.stage(topology(after));
    const said = host.apply("--check").stdout.split("\n");
    const plan = planOf(before, after);
    const own = renderPlan({
      ...plan,
      batches: [["alpha"]],
      cautions: [],
      hosts: plan.hosts.filter((each) => each.host === "alpha").map((each) => ({ ...each, batch: 1 })),
    });
    const events = (lines: readonly string[]): readonly string[] =>
      lines
        // A plan names whom it is about, knows what goes for good, and which peers' lines are the same.
        .map((line) => line.trim().replace(/; interrupts .*/, ""))
        .filter((line) => /^(new|changed|comment|gone|stop|start|run) /.test(line));
    expect(events(own.split("\n"))).toEqual(events(said));
  });
});

test("a line of a script that begins with the sign of FRR's comments is none: its file has changed, as apply says", () => {
  const { tree, model } = treeOf(topology({}));
  const path = "alpha/etc/netgen/routes-apply";
  const files = tree.files.map((file) => {
    const text = new TextDecoder().decode(contentOf(file));
    return file.path === path ? { ...file, content: [new TextEncoder().encode(text.replace(/^ +! .*\n/m, ""))] } : file;
  });
  const [plan] = planRollout(model, { ...tree, files }, tree).hosts;
  expect(plan?.files).toEqual([{ path: path.slice("alpha/".length), verdict: "changed" }]);
});

describe("what an order alone does not do", () => {
  const HUB = ", shape: hub-and-spoke, hubs: [alpha]";
  const SPOKES = { hosts: ["alpha", "beta", "gamma", "delta"], subnets: "" };
  const cases: readonly (readonly [kind: Caution["kind"], hosts: string, text: string, before: Shape, after: Shape])[] =
    [
      ["key", "beta", "netgen keys rotate", {}, { of: { beta: `endpoint: 198.51.100.2, publicKey: "${KEYS.new}"` } }],
      ["preshared-key", "alpha beta", "between alpha and beta", {}, { wireguard: ", presharedKeys: true" }],
      [
        "listen-port",
        "beta",
        "port 51999 in place of 51820",
        {},
        { of: { beta: "endpoint: 198.51.100.2, listenPort: 51999" } },
      ],
      ["address", "beta", "10.250.0.9/24", {}, { of: { beta: "id: 9, endpoint: 198.51.100.2" } }],
      [
        "hub",
        "alpha beta delta gamma",
        "by beta, and no more by alpha",
        { ...SPOKES, wireguard: HUB },
        { ...SPOKES, wireguard: HUB.replace("alpha", "beta") },
      ],
      ["mtu-lowered", "alpha beta", "wg0 from 1440 to 1340", {}, { top: "underlay: {pathMtu: 1400}\n" }],
      ["mtu-raised", "alpha beta", "wg0 from 1440 to 8940", {}, { top: "underlay: {pathMtu: 9000}\n" }],
      ["asn", "alpha beta", "65001 in place of 65000", { top: BGP }, { top: BGP.replace("65000", "65001") }],
      [
        "segment",
        "alpha beta",
        "vx101 (VNI 101, port 4789) in place of vx100",
        {},
        { subnets: PLAIN.replace("100", "101") },
      ],
      ["host-gone", "gamma", "systemctl disable --now", { hosts: ["alpha", "beta", "gamma"] }, {}],
    ];
  test.each(cases)("%s", (kind, hosts, text, before, after) => {
    const { cautions } = planOf(before, after);
    const found = cautions.filter((each) => each.kind === kind);
    expect(found.map((each) => each.hosts.join(" "))).toEqual([hosts]);
    expect(found[0]?.text).toContain(text);
    expect(planOf(after, after)).toEqual({ batches: [], hosts: [], cautions: [] });
  });

  test("the hub that comes is first, the one that is left is last", () => {
    const plan = planOf({ ...SPOKES, wireguard: HUB }, { ...SPOKES, wireguard: HUB.replace("alpha", "beta") });
    expect(plan.batches).toEqual([["beta"], ["delta"], ["gamma"], ["alpha"]]);
  });

  test("what adds something asks for nothing", () => {
    const plans = [
      planOf({}, { hosts: ["alpha", "beta", "gamma"] }),
      planOf({ subnets: "" }, {}),
      planOf({}, { top: "guard: {allowFrom: [192.0.2.0/24]}\n" }),
    ];
    expect(plans.flatMap(({ cautions }) => cautions)).toEqual([]);
  });
});

test("a peer is the same when only the comment that names it is written in another way", () => {
  const file = (name: string, port: number) =>
    `[Interface]\n\n[Peer]\n# ${name}\nPublicKey = a=\nEndpoint = 192.0.2.1:${port}\nAllowedIPs = 10.250.0.2/32\n`;
  expect(changedPeers(file("beta", 1), file("friendly_name = beta", 1))).toEqual([]);
  expect(changedPeers(file("beta", 1), file("friendly_name = beta", 2))).toEqual(["beta"]);
  expect(changedPeers(file("friendly_name = beta", 1), file("friendly_name = gamma", 1))).toEqual(["beta"]);
});
