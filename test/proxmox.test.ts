/** `netgen proxmox`: the objects of the SDN of each cluster, entered into a stand-in for its API; rules for its firewall. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { proxmoxTree } from "../src/deliver/proxmox.ts";
import { contentOf } from "../src/emit/file.ts";
import { readProxmox } from "../src/import/proxmox.ts";
import type { Network } from "../src/model/network.ts";
import { ROOT } from "./built-package.ts";
import { runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { standIn } from "./stand-in.ts";
import { testPublicKey } from "./test-keys.ts";

const TEXT = readFileSync(join(ROOT, "fixtures/proxmox-sdn/topology.yaml"), "utf8");

function modelOf(text: string): Network {
  const { model, diagnostics } = compile({ name: "t.yaml", text });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return must(model, "it compiles");
}

/** With IPv6 for guests of one network. */
const DUAL = TEXT.replace("cidr: 10.1.1.0/24", "cidr: [10.1.1.0/24, fd00:1:1::/64]").replace(
  "gateway: 10.1.1.1",
  "gateway: [10.1.1.1, 'fd00:1:1::1']",
);

/** What is written of a topology, by path; with what goes of the one before. */
function writtenOf(text: string, before?: string): ReadonlyMap<string, string> {
  const old = before === undefined ? undefined : modelOf(before);
  const tree = must(proxmoxTree(modelOf(text), old), "it has an SDN");
  return new Map(tree.files.map((file) => [file.path, new TextDecoder().decode(contentOf(file))]));
}

const written = writtenOf(TEXT);
const textOf = (path: string, files = written): string => must(files.get(path), `${path} is written`);

/** Sections as PVE::SectionConfig reads them: comments and empty lines are none, a key stands behind a tab. */
function sectionsOf(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const sections: Record<string, Record<string, string>> = {};
  let own: Record<string, string> = {};
  for (const line of text.split("\n").filter((each) => each !== "" && !each.startsWith("#"))) {
    const [, type, id = ""] = /^([a-z]+): (\S+)$/.exec(line) ?? [];
    const [, key = "", value = ""] = /^\t([a-z-]+) (\S+)$/.exec(line) ?? [];
    expect(type ?? key, line).not.toBe("");
    if (type === undefined) own[key] = value;
    else {
      own = { type };
      sections[id] = own;
    }
  }
  return sections;
}

const KINDS = ["controllers", "zones", "vnets", "subnets"] as const;

type Config = Readonly<Record<(typeof KINDS)[number], Readonly<Record<string, Readonly<Record<string, string>>>>>>;
const configOf = (cluster: string, files = written): Config =>
  Object.fromEntries(KINDS.map((kind) => [kind, sectionsOf(textOf(`${cluster}/sdn/${kind}.cfg`, files))])) as Config;

describe("what is written", () => {
  test("says of each zone all that Proxmox would guess", () => {
    expect(configOf("wro").zones).toEqual({
      flat: { type: "vxlan", peers: "10.250.0.1,10.250.0.2", nodes: "pve-wro", mtu: "1362", ipam: "pve" },
      prod: {
        type: "evpn",
        controller: "evpnctl",
        "vrf-vxlan": "5000",
        nodes: "pve-wro",
        exitnodes: "pve-wro",
        "exitnodes-local-routing": "0",
        "exitnodes-primary": "pve-wro",
        mac: "02:00:13:88:00:00",
        mtu: "1362",
        ipam: "pve",
      },
    });
    expect(configOf("wro").controllers).toEqual({
      evpnctl: { type: "evpn", asn: "65000", peers: "10.250.0.1,10.250.0.2" },
    });
  });

  test("is read back by import as what it was made of", () => {
    const { model } = compile({ name: "t.yaml", text: TEXT });
    const sources = KINDS.map((kind) => ({ name: `${kind}.cfg`, text: textOf(`roz/sdn/${kind}.cfg`) }));
    const { fabric, findings } = readProxmox(sources);
    expect(findings.filter(({ kind }) => kind === "question")).toEqual([]);
    expect(fabric?.asn).toBe(65_000);
    expect([...new Set(fabric?.addresses.map(({ value }) => value))]).toEqual(model?.hosts.map(({ vtep }) => vtep));
    expect(fabric?.vrfs.map(({ name, vni, exits }) => ({ name, vni, exits }))).toEqual(
      model?.vrfs.map(({ name, vni }) => ({ name, vni, exits: ["pve-roz"] })),
    );
    const facts = fabric?.segments.map(({ name, vni, cidrs, vrf, gateways, snat }) => [
      name,
      vni,
      cidrs,
      vrf,
      gateways,
      snat,
    ]);
    const own = model?.segments.map(({ name, vni, prefixes, vrf, gateway }) => {
      const gateways = gateway.kind === "shared" ? gateway.addresses.map(({ address }) => address) : [];
      return [name, vni, prefixes, vrf, gateways, vrf !== undefined];
    });
    expect(facts?.sort()).toEqual(own?.sort());
  });

  test("is for Terraform what it is for the API, by arguments that bpg's resources have", () => {
    const config = JSON.parse(textOf("roz/terraform/main.tf.json"));
    // The pages of the provider's resources, 0.105 and later.
    const known: Readonly<Record<string, readonly string[]>> = {
      proxmox_sdn_controller_evpn: ["id", "asn", "peers", "fabric"],
      proxmox_sdn_zone_evpn:
        "id controller vrf_vxlan nodes exit_nodes exit_nodes_local_routing primary_exit_node mtu ipam advertise_subnets".split(
          " ",
        ),
      proxmox_sdn_zone_vxlan: ["id", "peers", "nodes", "mtu", "ipam"],
      proxmox_sdn_vnet: ["id", "zone", "tag", "alias"],
      proxmox_sdn_subnet: ["cidr", "vnet", "gateway", "snat"],
      proxmox_sdn_applier: ["lifecycle"],
    };
    const resources = Object.entries<Record<string, Record<string, unknown>>>(config.resource);
    const there = new Set(resources.flatMap(([type, each]) => Object.keys(each).map((label) => `${type}.${label}`)));
    for (const [type, each] of resources) {
      for (const [label, { depends_on: needs, ...own }] of Object.entries(each)) {
        expect(label).toMatch(/^[a-zA-Z_][\w-]*$/);
        expect(
          Object.keys(own).filter((name) => !known[type]?.includes(name)),
          type,
        ).toEqual([]);
        expect(((needs ?? []) as string[]).filter((name) => !there.has(name))).toEqual([]);
      }
    }
    const objects = KINDS.flatMap((kind) => Object.keys(configOf("roz")[kind]));
    expect(there.size).toBe(objects.length + 2);
    expect(config.resource.proxmox_sdn_zone_evpn.prod).toMatchObject({
      exit_nodes: ["pve-roz"],
      mtu: 1362,
      vrf_vxlan: 5000,
    });
  });

  test("has the firewall let in what nodes and guests need, by rules in its grammar", () => {
    const rule =
      /^(?:IN ACCEPT|FORWARD (?:ACCEPT|NeighborDiscovery\(ACCEPT\)))(?: -i [\w.-]+)?(?: -source \+[\w-]+)?(?: -dest \+[\w-]+)?(?: -p (?:tcp|udp|icmp|icmpv6))?(?: -dport \d+(?:,\d+)*)? -log nolog # netgen: .+$/;
    const dual = writtenOf(DUAL);
    const paths = ["roz/firewall/cluster.fw", "roz/nodes/pve-roz/host.fw", "wro/nodes/pve-wro/host.fw"];
    for (const [path, text] of [written, dual].flatMap((files) =>
      paths.map((each) => [each, textOf(each, files)] as const),
    )) {
      const [head = "", rules = ""] = text.split("[RULES]\n\n");
      const lines = rules.trim().split("\n");
      expect(
        lines.filter((line) => !rule.test(line)),
        path,
      ).toEqual([]);
      const sets = [...head.matchAll(/^\[IPSET ([\w-]+)\]$/gm)].map(([, name]) => name);
      const used = lines.flatMap((line) => [...line.matchAll(/\+([\w-]+)/g)].map(([, name]) => name));
      expect(new Set(used), path).toEqual(new Set(sets));
      expect(text).not.toMatch(/^\[OPTIONS\]/m);
    }
    expect(textOf("roz/firewall/cluster.fw")).toContain("[IPSET netgen-vteps]\n\n10.250.0.1\n10.250.0.2\n");
    expect(textOf("roz/nodes/pve-roz/host.fw")).toContain("IN ACCEPT -i vmbr0 -p udp -dport 51820 ");
  });

  test("lets guests with IPv6 find their neighbours where what is forwarded is filtered", () => {
    const text = textOf("roz/firewall/cluster.fw", writtenOf(DUAL));
    expect(text).toContain("IN ACCEPT -source +netgen-guests -p icmpv6 ");
    expect(text).toContain("FORWARD NeighborDiscovery(ACCEPT) -log nolog ");
    expect(text.indexOf("FORWARD NeighborDiscovery")).toBeLessThan(text.indexOf("FORWARD ACCEPT"));
    expect(textOf("roz/firewall/cluster.fw")).not.toMatch(/icmpv6|NeighborDiscovery/);
  });

  test("grows by a third site as docs/proxmox.md counts it", () => {
    const third = TEXT.replace("  wro: {", "  krk:\n  wro: {")
      .replace(
        "\nvrfs:",
        `  pve-krk:\n    id: 3\n    site: krk\n    endpoint: krk.example.net\n    publicKey: "${testPublicKey("gamma")}"\n\nvrfs:`,
      )
      .replace("pve-wro, snat: true}]", "pve-wro, snat: true}, {host: pve-krk, snat: true}]")
      .replace(
        "  # One Ethernet",
        "  vkrk: {cidr: 10.3.1.0/24, vxlan: {vni: 10031}, hosts: all, gateway: 10.3.1.1, vrf: prod}\n  # One Ethernet",
      );
    const grown = writtenOf(third);
    const lines = (text: string): readonly string[] => text.split("\n").filter((line) => !line.startsWith("#"));
    const changes = [...written].map(([path, text]) => {
      const [before, after] = [lines(text), lines(textOf(path, grown))];
      const [gone, come] = [
        before.filter((line) => !after.includes(line)),
        after.filter((line) => !before.includes(line)),
      ];
      return { path, gone, come };
    });
    const program = must(
      changes.find(({ path }) => path === "roz/sdn-apply"),
      "it is written",
    );
    // The peers of the controller and of the segment that is a zone of its own.
    expect(program.gone.map((line) => line.split(" ")[3])).toEqual(["evpnctl", "flat"]);
    expect(program.come.map((line) => line.split(" ")[3])).toEqual(["evpnctl", "flat", "vkrk", "prod-10.3.1.0-24"]);
    expect(
      changes.filter(({ path }) => path.startsWith("wro/")).map(({ gone, come }) => [gone.length, come.length]),
    ).toEqual(
      changes.filter(({ path }) => path.startsWith("roz/")).map(({ gone, come }) => [gone.length, come.length]),
    );
    expect(
      changes.filter(({ path }) => path.endsWith("host.fw")).flatMap(({ gone, come }) => [...gone, ...come]),
    ).toEqual([]);
    const page = readFileSync(join(ROOT, "docs/proxmox.md"), "utf8");
    const said = `two objects of each cluster change by one address (\`${program.gone.map((line) => line.split(" ")[3]).join("` and `")}\`), and two come`;
    expect(page.replace(/\s+/g, " ")).toContain(said);
  });
});

describe("sdn-apply, on a stand-in for pvesh", () => {
  let home: string;
  const place = standIn("pvesh.mjs");
  eachInNewDirectory((path) => {
    home = path;
    mkdirSync(join(home, "bin"));
    place(join(home, "bin/pvesh"), '"$PWD/$PVE_STATE" "$PVE_RELEASE"');
  });

  const STATE = "sdn.json";
  const shell = (line: string, release = "9") =>
    runShell(home, `export PATH="$PWD/bin:$PATH"; ${line}`, { env: { PVE_STATE: STATE, PVE_RELEASE: release } });
  const apply = (text = textOf("roz/sdn-apply"), words = "", release = "9") => {
    writeFileSync(join(home, "sdn-apply"), text);
    return shell(`bash sdn-apply ${words}`, release);
  };
  const state = (): { config: Config; running: Config; lock: string | null } =>
    JSON.parse(readFileSync(join(home, STATE), "utf8"));
  /** What was asked of the API since the last look, but for questions. */
  const asked = (): readonly string[] => {
    const log = join(home, `${STATE}.log`);
    const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    rmSync(log, { force: true });
    return lines.filter((line) => !line.startsWith("get "));
  };

  test.each([
    ["roz", "9"],
    ["wro", "8"],
  ])("enters all objects of %s, on Proxmox %s, once", (cluster, release) => {
    const program = textOf(`${cluster}/sdn-apply`);
    const plan = apply(program, "--check", release);
    expect(plan).toMatchObject({ status: 0, stderr: "" });
    expect(asked()).toEqual([]);
    const first = apply(program, "", release);
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(first.stdout).toContain("8 entered, 0 taken away, and applied");
    expect(plan.stdout.split("\n").slice(0, 8)).toEqual(first.stdout.split("\n").slice(0, 8));
    expect(state().running).toEqual(configOf(cluster));
    expect(state().lock).toBeNull();
    expect(asked().filter((line) => line.includes("--lock-token")).length).toBe(release === "9" ? 9 : 0);
    const second = apply(program, "", release);
    expect(second).toMatchObject({ status: 0, stdout: "all of it is there\n", stderr: "" });
    expect(asked().filter((line) => !line.includes("/lock"))).toEqual([]);
    expect(state().lock).toBeNull();
  });

  test("changes what is otherwise, takes away what is not said any more, and leaves the rest alone", () => {
    apply();
    shell("pvesh create /cluster/sdn/zones --zone mine --type vlan --bridge vmbr0; pvesh set /cluster/sdn");
    asked();
    const closed = TEXT.replace("exits: [{host: pve-roz, snat: true}, ", "exits: [").replace(
      "/24, vxlan: {vni: 10011}",
      "/24, vxlan: {vni: 10012}",
    );
    const files = writtenOf(closed);
    const run = apply(textOf("roz/sdn-apply", files));
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(asked().filter((line) => /^(create|set) .*\/(zones|vnets|controllers)/.test(line))).toEqual([
      "set /cluster/sdn/zones/prod --delete exitnodes,exitnodes-primary --lock-token 0f0e0d",
      "set /cluster/sdn/vnets/vroz --tag 10012 --lock-token 0f0e0d",
    ]);
    expect(state().running.zones.mine).toBeDefined();
    const { prod } = state().running.zones;
    // Off, where nobody leaves: the same as not said.
    expect({ ...prod, "exitnodes-local-routing": undefined }).toEqual({
      ...configOf("roz", files).zones.prod,
      "exitnodes-local-routing": undefined,
    });
    expect(apply(textOf("roz/sdn-apply", files)).stdout).toBe("all of it is there\n");
  });

  describe("of what an earlier topology had", () => {
    const SUBNET = "/cluster/sdn/vnets/vwro/subnets/prod-10.2.1.0-24";
    const VNET = "/cluster/sdn/vnets/vwro";
    /** Without one network of the zone. */
    const LESS = TEXT.replace(/^ {2}vwro: \{cidr.*\n/m, "");
    const LEAVES = writtenOf(LESS, TEXT);
    /** A VRF that has another name, and the old one's VNI. */
    const RENAMED = writtenOf(TEXT.replace(/\bprod\b/g, "work"), TEXT);
    const FLAT = LESS.replace(/^ {2}vroz: .*\n/m, "").replace(/\nvrfs:\n(?: .*\n)+/, "\n");
    const changed = (): readonly string[] =>
      asked()
        .filter((line) => /^(create|set|delete) .*\/(zones|vnets|controllers)/.test(line))
        .map((line) => line.replace(" --lock-token 0f0e0d", ""));

    test.each(["8", "9"])(
      "takes away what is gone on Proxmox %s, what refers to another first, and once",
      (release) => {
        apply(textOf("wro/sdn-apply"), "", release);
        asked();
        const program = textOf("wro/sdn-apply", LEAVES);
        const plan = apply(program, "--check", release);
        expect([plan.status, plan.stdout, plan.stderr]).toEqual([
          0,
          `pvesh delete ${SUBNET}\npvesh delete ${VNET}\n0 to enter, 2 to take away; nothing was done\n`,
          "",
        ]);
        expect(changed()).toEqual([]);
        expect(apply(program, "", release)).toMatchObject({
          status: 0,
          stdout: expect.stringContaining("0 entered, 2 taken away, and applied"),
        });
        expect(changed()).toEqual([`delete ${SUBNET}`, `delete ${VNET}`]);
        expect(state().running).toEqual(configOf("wro", LEAVES));
        expect(apply(program, "", release)).toMatchObject({ status: 0, stdout: "all of it is there\n", stderr: "" });
        expect(changed()).toEqual([]);
      },
    );

    test("moves what was in a zone that has another name", () => {
      apply();
      asked();
      expect(apply(textOf("roz/sdn-apply", RENAMED), "--check").stdout).toContain("5 to enter, 5 to take away");
      expect(apply(textOf("roz/sdn-apply", RENAMED))).toMatchObject({ status: 0, stderr: "" });
      expect(state().running).toEqual(configOf("roz", RENAMED));
      expect(changed().filter((line) => line.startsWith("delete"))).toEqual([
        "delete /cluster/sdn/vnets/vroz/subnets/prod-10.1.1.0-24",
        `delete ${SUBNET}`,
        "delete /cluster/sdn/vnets/vroz",
        `delete ${VNET}`,
        "delete /cluster/sdn/zones/prod",
      ]);
    });

    test("takes the controller with the last zone of it, and of a site without nodes all", () => {
      apply();
      expect(apply(textOf("roz/sdn-apply", writtenOf(FLAT, TEXT))).stderr).toBe("");
      expect([Object.keys(state().running.zones), state().running.controllers]).toEqual([["flat"], {}]);
      rmSync(join(home, STATE));
      apply();
      const alone = TEXT.replace(/ {2}proxmox: sdn\n/, "").replaceAll(", snat: true", "");
      const files = writtenOf(alone.replaceAll("gateway: ", "bridge: x").replace(/^.*exits: .*\n/m, ""), TEXT);
      expect([...files.keys()]).toEqual(["roz/sdn-apply", "wro/sdn-apply"]);
      expect(apply(textOf("roz/sdn-apply", files))).toMatchObject({ status: 0, stderr: "" });
      expect(state().running).toEqual({ controllers: {}, zones: {}, vnets: {}, subnets: {} });
    });

    test("leaves alone what somebody else made of the same name", () => {
      apply(textOf("wro/sdn-apply"), "", "8");
      shell(`pvesh delete ${SUBNET}; pvesh set ${VNET} --tag 77; pvesh set /cluster/sdn`, "8");
      asked();
      expect(apply(textOf("wro/sdn-apply", LEAVES), "", "8")).toMatchObject({
        status: 0,
        stdout: "all of it is there\n",
        stderr: "sdn-apply: vnet vwro is left alone: it has tag 77, and netgen's had 10021\n",
      });
      expect(changed()).toEqual([]);
    });

    test.each([
      [
        "zone prod",
        "pvesh create /cluster/sdn/vnets --vnet mine --zone prod --tag 99",
        writtenOf(FLAT, TEXT),
        "vnet mine",
      ],
      [
        "vnet vwro",
        "pvesh create /cluster/sdn/vnets/vwro/subnets --subnet 10.9.0.0/24 --type subnet",
        LEAVES,
        "subnet prod-10.9.0.0-24",
      ],
      ["vnet vwro", "true", LEAVES, "guest 101"],
    ])("refuses to take the %s from who needs it (%s), before it enters anything", (what, line, files, user) => {
      apply(textOf("wro/sdn-apply"), "", "8");
      expect(shell(`${line} && pvesh set /cluster/sdn`, "8").stderr).toBe("");
      mkdirSync(join(home, "nodes/pve-wro/qemu-server"), { recursive: true });
      const bridge = user.startsWith("guest") ? "vwro" : "vwro2";
      writeFileSync(
        join(home, "nodes/pve-wro/qemu-server/101.conf"),
        `net0: virtio=BC:24:11:00:00:01,bridge=${bridge},mtu=1\n`,
      );
      asked();
      const program = textOf("wro/sdn-apply", files).replace("NODES=/etc/pve/nodes", "NODES=nodes");
      expect(apply(program, "", "8")).toMatchObject({
        status: 1,
        stdout: "",
        stderr: `sdn-apply: ${what} is to go, and ${user} uses it: move that away first\n`,
      });
      expect(changed()).toEqual([]);
    });

    test("takes back what Proxmox refuses on the way, such as a subnet with addresses in its IPAM", () => {
      apply();
      writeFileSync(join(home, STATE), JSON.stringify({ ...state(), ipam: { "prod-10.2.1.0-24": ["10.2.1.7"] } }));
      const run = apply(textOf("roz/sdn-apply", LEAVES));
      expect(run.status).not.toBe(0);
      expect(run.stderr).toContain("cannot delete subnet 'prod-10.2.1.0-24', not empty");
      expect(run.stderr).toContain("nothing was applied, and what was entered is taken back");
      expect(state().config).toEqual(configOf("roz"));
    });
  });

  test("takes back on Proxmox 9 what cannot be entered to its end, and says so on 8", () => {
    const broken = textOf("roz/sdn-apply")
      .replace("mtu=1362 ipam=pve\n#", "mtu=large ipam=pve\n#")
      .replaceAll("object vnets vnet vroz none zone=prod", "object vnets vnet vroz none zone=gone");
    const nine = apply(broken);
    expect(nine.status).not.toBe(0);
    expect(nine.stderr).toContain("nothing was applied, and what was entered is taken back");
    expect(state()).toMatchObject({ lock: null, config: { zones: {}, controllers: {} } });
    rmSync(join(home, STATE));
    const vnet = textOf("wro/sdn-apply").replaceAll(
      "object vnets vnet vroz none zone=prod",
      "object vnets vnet vroz none zone=gone",
    );
    const eight = apply(vnet, "", "8");
    expect(eight.status).not.toBe(0);
    expect(eight.stderr).toContain("not applied: what was entered is pending");
    expect([Object.keys(state().config.zones), Object.keys(state().running.zones)]).toEqual([["flat", "prod"], []]);
    // What was entered by the run before is applied by the next.
    expect(apply(textOf("wro/sdn-apply"), "", "8").status).toBe(0);
    expect(state().running).toEqual(configOf("wro"));
  });

  test("refuses what would be somebody else's, and enters nothing", () => {
    shell(
      "pvesh create /cluster/sdn/controllers --controller other --type evpn --asn 1 --peers 192.0.2.1; pvesh set /cluster/sdn",
      "8",
    );
    asked();
    const second = apply(textOf("wro/sdn-apply"), "", "8");
    expect(second).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "sdn-apply: this cluster has the EVPN controller other, and can have one: remove it, with its zones\n",
    });
    expect(asked()).toEqual([]);
    rmSync(join(home, STATE));
    shell("pvesh create /cluster/sdn/zones --zone flat --type vlan --bridge vmbr0; pvesh set /cluster/sdn");
    const typed = apply();
    expect(typed.stderr).toContain("flat is there, of the type vlan, and should be vxlan");
    expect(state()).toMatchObject({ lock: null, config: { controllers: {} } });
    shell("pvesh create /cluster/sdn/zones --zone half --type vlan --bridge vmbr0");
    expect(apply().stderr).toContain("the SDN is locked, or has changes that are not applied");
    expect(state().config.zones.half).toBeDefined();
  });

  test("is for a node of Proxmox, and takes --check alone", () => {
    writeFileSync(join(home, "sdn-apply"), textOf("roz/sdn-apply"));
    expect(runShell(home, "bash sdn-apply")).toMatchObject({
      status: 1,
      stderr: "sdn-apply: this is no node of Proxmox: there is no pvesh\n",
    });
    expect(shell("bash sdn-apply --force")).toMatchObject({ status: 2, stderr: "usage: sdn-apply [--check]\n" });
  });

  test("the stand-in refuses what the API refuses", () => {
    const zone = (id: string) => shell(`pvesh create /cluster/sdn/zones --zone ${id} --type vlan --bridge vmbr0`);
    expect(zone("production").stderr).toContain("can't be more length than 8 characters");
    expect(zone("a").stderr).toContain("contains illegal characters");
    expect(zone("prod").status).toBe(0);
    expect(shell("pvesh set /cluster/sdn/zones/prod --type vlan").stderr).toContain("type: property is not defined");
  });
});

describe("netgen proxmox", () => {
  let home: string;
  const shell = (line: string) => runShell(home, line);
  eachInNewDirectory((path) => {
    home = path;
    writeFileSync(join(home, "topology.yaml"), TEXT);
  });

  test("writes a directory for each cluster, and takes no other command's", () => {
    expect(shell("netgen proxmox topology.yaml -o pve")).toMatchObject({
      status: 0,
      stdout: "pve: 16 new, 0 changed, 0 removed, 0 as they were; of 2 clusters\n",
      stderr: "",
    });
    for (const [path, text] of written) expect(readFileSync(join(home, "pve", path), "utf8"), path).toBe(text);
    shell("netgen build -q topology.yaml");
    expect(shell("netgen proxmox topology.yaml -o out").stderr).toContain("out is a tree that netgen build wrote");
    expect(shell("netgen monitoring topology.yaml -o pve").stderr).toMatch(
      /pve is a tree that netgen proxmox wrote|none of these hosts/,
    );
    expect(shell("netgen build -q topology.yaml -o pve").stderr).toContain("pve is a tree that netgen proxmox wrote");
  });

  test("takes away what a revision of git had, with --from", () => {
    const GIT = "git -c user.name=a -c user.email=a@example.net -c init.defaultBranch=main";
    shell(`${GIT} init -q; ${GIT} add topology.yaml; ${GIT} commit -qm one; sed -i '/vwro: {cidr/d' topology.yaml`);
    expect(shell("netgen proxmox topology.yaml -o pve --from HEAD")).toMatchObject({ status: 0, stderr: "" });
    expect(readFileSync(join(home, "pve/wro/sdn-apply"), "utf8")).toContain(
      "gone vnets/vwro/subnets subnet prod-10.2.1.0-24 subnet\ngone vnets vnet vwro none zone=prod tag=10021\ntake_away\n",
    );
    expect(shell("netgen proxmox topology.yaml -o pve --from gone")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('git knows no revision "gone" here'),
    });
    expect(shell("netgen proxmox - -o pve --from HEAD < topology.yaml").stderr).toContain("standard input has none");
    shell(
      `sed -i 's/vni: 5000/vni: 0/' topology.yaml; ${GIT} commit -qam two; ${GIT} checkout -q HEAD~1 -- topology.yaml`,
    );
    expect(shell("netgen proxmox topology.yaml -o pve --from HEAD; echo $?")).toMatchObject({
      stdout: "1\n",
      stderr: expect.stringContaining("HEAD:topology.yaml"),
    });
  });

  test("replaces nobody's file, and refuses where no host leaves anything to Proxmox", () => {
    shell("mkdir -p pve/roz && echo mine > pve/roz/sdn-apply");
    expect(shell("netgen proxmox topology.yaml -o pve; cat pve/roz/sdn-apply").stdout).toBe("mine\n");
    shell("sed -i '/proxmox: sdn/d; s/, snat: true//g' topology.yaml");
    expect(shell("netgen proxmox topology.yaml -o none; ls none")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no host leaves its segments to Proxmox's SDN: write proxmox: sdn"),
    });
  });

  test("writes nothing of a topology that does not compile", () => {
    shell("sed -i 's/prod:/production:/; s/vrf: prod/vrf: production/' topology.yaml");
    const run = shell("netgen proxmox topology.yaml -o pve; echo $?; ls");
    expect(run.stderr).toContain('"production" cannot be the zone');
    expect(run.stdout).toBe("1\ntopology.yaml\n");
  });
});
