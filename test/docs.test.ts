import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { catalogue } from "../src/base/catalogue.ts";
import { must } from "../src/base/invariant.ts";
import * as mtu from "../src/base/mtu.ts";
import { NEEDS, PROGRAMS } from "../src/base/programs.ts";
import { renderJson, renderText } from "../src/base/render.ts";
import { ansibleCommand } from "../src/commands/ansible.ts";
import { buildCommand } from "../src/commands/build.ts";
import { checkCommand } from "../src/commands/check.ts";
import { cloudInitCommand } from "../src/commands/cloud-init.ts";
import { cloudRoutesCommand } from "../src/commands/cloud-routes.ts";
import { completionCommand } from "../src/commands/completion.ts";
import { describeCommand } from "../src/commands/describe.ts";
import { diffCommand } from "../src/commands/diff.ts";
import { graphCommand } from "../src/commands/graph.ts";
import { hostCommand } from "../src/commands/host.ts";
import { importCommand } from "../src/commands/import.ts";
import { initCommand } from "../src/commands/init.ts";
import { keysCommand } from "../src/commands/keys.ts";
import { labCommand } from "../src/commands/lab.ts";
import { modelCommand } from "../src/commands/model.ts";
import { monitoringCommand } from "../src/commands/monitoring.ts";
import { mtuCommand } from "../src/commands/mtu.ts";
import { proxmoxCommand } from "../src/commands/proxmox.ts";
import { reportCommand } from "../src/commands/report.ts";
import { schemaCommand } from "../src/commands/schema.ts";
import { traceCommand } from "../src/commands/trace.ts";
import { whatIfCommand } from "../src/commands/what-if.ts";
import { compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import { planGuests } from "../src/lab/plan/guests.ts";
import { renderPromiseJson } from "../src/lab/report.ts";
import { parseYaml } from "../src/parse/yaml.ts";
import { reportMtu } from "../src/report/mtu.ts";
import { PLATFORMS, platformDefaults } from "../src/resolve/hosts/platform.ts";
import { type SchemaNode, topologySchema } from "../src/validate/place.ts";
import { flowBetween, partiesNamed } from "../src/ways/party.ts";
import { traceFlow } from "../src/ways/trace.ts";
import { waysOf } from "../src/ways/ways.ts";
import { listFixtures } from "./fixtures.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** The cells of every table row of a page, without backticks and emphasis. */
function tableRows(page: string): readonly (readonly string[])[] {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("|--"));
  return rows.map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.replace(/[`*]/g, "").trim()),
  );
}

test("the generated pages are what npm run docs:update would write", () => {
  const { status, stdout, stderr } = spawnSync("node", [join(root, "scripts/docs.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect(`${stdout}${stderr}`).toBe("");
  expect(status).toBe(0);
});

/** Every example and default of the schema, by the key that it is of. */
function valuesIn(node: SchemaNode): readonly (readonly [string, unknown])[] {
  const named = Object.entries(node.properties ?? {}).flatMap(([key, each]) => [
    ...[...each.examples, ...("default" in each ? [each.default] : [])].map((value) => [key, value] as const),
    ...valuesIn(each),
  ]);
  const inner = [node.items, node.additionalProperties].flatMap((each) => (each ? valuesIn(each) : []));
  return [...named, ...inner];
}

test("language.md writes examples and defaults as a topology would have them", () => {
  const rows = read("docs/language.md").match(/^\| `.* \|$/gm) ?? [];
  const found = rows.flatMap((row) => {
    const [key = "", , fallback = "", , examples = ""] = row.slice(2, -2).split(" | ");
    return [...`${fallback} ${examples.replaceAll("\\*", "*")}`.matchAll(/`([^`]+)`/g)].map(([, value = ""]) => {
      const text = `${key.replaceAll("`", "")}: ${value}`;
      return JSON.stringify(parseYaml({ name: "example", text }).value?.value);
    });
  });
  const wanted = valuesIn(topologySchema).map(([key, value]) => JSON.stringify({ [key]: value }));
  expect(found.filter((each) => !wanted.includes(each))).toEqual([]);
  expect(wanted.filter((each) => !found.includes(each))).toEqual([]);
});

describe("diagnostics.md", () => {
  const page = read("docs/diagnostics.md");

  test("has a heading for every code of the catalogue, and for no other", () => {
    const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(Object.keys(catalogue));
  });

  test("begins with an example that netgen prints", () => {
    const text = read("fixtures/minimal/topology.yaml").replace("{alpha: 10.77.0.1}", "{alpha: 10.78.0.1}");
    const source = { name: "topology.yaml", text };
    const shown = /```text\n([\s\S]*?)\n```/.exec(page)?.[1];
    expect(shown).toBe(renderText(source, compile(source).diagnostics).trimEnd());
  });
});

/** The paths of all fields of a value as the tables write them: `path.mtu`; what is inside a list goes by the list's name. */
function fieldsOf(value: object, prefix = ""): readonly string[] {
  return Object.entries(value).flatMap(([key, each]) => {
    const path = `${prefix}${key}`;
    return each !== null && typeof each === "object" && !Array.isArray(each) ? fieldsOf(each, `${path}.`) : [path];
  });
}

describe("commands.md", () => {
  const page = read("docs/commands.md");
  const exit = (): void => undefined;
  const commands = [
    initCommand,
    buildCommand,
    diffCommand,
    checkCommand,
    modelCommand,
    mtuCommand,
    traceCommand,
    whatIfCommand,
    describeCommand,
    reportCommand,
    graphCommand,
    schemaCommand,
    keysCommand,
    hostCommand,
    importCommand,
    completionCommand,
    labCommand,
    ansibleCommand,
    monitoringCommand,
    proxmoxCommand,
    cloudRoutesCommand,
    cloudInitCommand,
  ].map((each) => each(exit));
  const withParts = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withParts)];
  const callsOf = (command: Command, call: string): readonly string[] =>
    command.commands.flatMap((part) => [`${call} ${part.name()}`, ...callsOf(part, `${call} ${part.name()}`)]);

  test("names every command and every option", () => {
    const names = commands.map((command) => `## netgen ${command.name()}`);
    const parts = commands.flatMap((command) => callsOf(command, `netgen ${command.name()}`));
    const options = commands
      .flatMap(withParts)
      .flatMap((command) => command.options.map((option) => option.long ?? ""));
    expect([...names, ...parts, ...options].filter((text) => !page.includes(text))).toEqual([]);
    // Options of other programs stand there too, in blocks and tables of what to run.
    const prose = page.replace(/```sh\n[\s\S]*?```/g, "").replace(/`(?:tar|cp|npm) [^`]*`/g, "");
    const shown = new Set(prose.match(/--[a-z][a-z-]+/g));
    expect([...shown].filter((option) => !["--help", ...options].includes(option))).toEqual([]);
  });

  const documented = tableRows(page).flatMap(([first = ""]) => first.split(", "));

  test("lists every field of a diagnostic", () => {
    const source = { name: "topology.yaml", text: "netgen: 2\n" };
    const lines = renderJson(source, compile(source).diagnostics).trim().split("\n");
    const fields = lines.flatMap((line) => Object.keys(JSON.parse(line) as object));
    expect(fields.length).toBeGreaterThan(0);
    expect(fields.filter((field) => !documented.includes(field))).toEqual([]);
  });

  test("lists every field of the MTU report", () => {
    const name = "fixtures/dual-stack/topology.yaml";
    const { model } = compile({ name, text: read(name) });
    const { tunnels, segments } = model ? reportMtu(model) : { tunnels: [], segments: [] };
    const fields = [...tunnels, ...segments].flatMap((row) => fieldsOf(row));
    expect(fields).toContain("vxlanMtu.ipv4");
    expect(fields).toContain("pin");
    expect(fields.filter((field) => !documented.includes(field))).toEqual([]);
  });

  test("lists every field of a trace", () => {
    const name = "fixtures/minimal/topology.yaml";
    const network = must(compile({ name, text: read(name) }).model, "it compiles");
    const ways = waysOf(network, planGuests(network).guests);
    const flow = must(flowBetween(partiesNamed(ways, "guests@alpha"), partiesNamed(ways, "guests@beta")), "they speak");
    const trace = traceFlow(ways, flow, undefined);
    const [hop = {}] = trace.there.hops;
    const fields = [
      ...Object.keys(trace),
      ...Object.keys(trace.there),
      ...Object.keys(trace.from),
      ...Object.keys(hop),
    ];
    expect(fields.filter((field) => !documented.includes(field))).toEqual([]);
  });

  /** The words in backticks of the sentence that begins so. */
  const wordsAfter = (start: string): readonly string[] => {
    const sentence = page.replace(/\n/g, " ").split(start)[1]?.split(". ")[0] ?? "";
    return [...sentence.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
  };

  test("lists every field of a row of lans, of a file and of a compilation", () => {
    const name = "fixtures/vrrp-gateways/topology.yaml";
    const { model, ...rest } = compile({ name, text: read(name) });
    const [row = {}] = model ? reportMtu(model).lans : [];
    expect(wordsAfter("without WireGuard to its gateway:").toSorted()).toEqual(Object.keys(row).toSorted());
    const nodes = "fixtures/kubernetes/topology.yaml";
    const cluster = must(compile({ name: nodes, text: read(nodes) }).model, "it compiles");
    const pods = Object.keys(reportMtu(cluster).kubernetes ?? {});
    expect(wordsAfter("what pods get:").toSorted()).toEqual(pods.toSorted());
    const [file = {}] = rest.files;
    expect(wordsAfter("A file has ")).toEqual(expect.arrayContaining(Object.keys(file)));
    const section = page.split("## As a library")[1] ?? "";
    expect(["model", ...Object.keys(rest)].filter((key) => !section.includes(key))).toEqual([]);
  });

  test("lists every field of a lab's promise", () => {
    const seen = {
      kind: "mtu",
      subject: "",
      promise: "",
      command: "",
      isKept: true,
      measured: "",
      seconds: 1,
    } as const;
    const fields = Object.keys(JSON.parse(renderPromiseJson(seen)) as object);
    expect(fields.filter((field) => !documented.includes(field))).toEqual([]);
  });
});

describe("mtu.md", () => {
  const rows = tableRows(read("docs/mtu.md"));

  test("has the constants that the compiler reckons with", () => {
    const bytes = rows.filter(([, value = ""]) => /^\d+$/.test(value)).map(([, value]) => Number(value));
    // The first table, in its order.
    expect(bytes.slice(0, 11)).toEqual([
      mtu.IPV4_HEADER_BYTES,
      mtu.IPV6_HEADER_BYTES,
      mtu.UDP_HEADER_BYTES,
      mtu.WIREGUARD_HEADER_BYTES,
      mtu.WIREGUARD_TAG_BYTES,
      mtu.VXLAN_HEADER_BYTES,
      mtu.ETHERNET_HEADER_BYTES,
      mtu.VLAN_TAG_BYTES,
      mtu.TCP_HEADER_BYTES,
      mtu.ICMP_HEADER_BYTES,
      mtu.IPV6_MINIMUM_MTU,
    ]);
  });

  test("reckons every common path right, and sets off what IPv6 does not fit", () => {
    const paths = rows.filter((row) => row.length === 6 && /^\d+$/.test(row[0] ?? ""));
    expect(paths.length).toBeGreaterThan(5);
    for (const [path = "", ...cells] of paths) {
      const [over4, over6] = ([4, 6] as const).map((family) => Number(path) - mtu.wireguardOverheadBytes(family)) as [
        number,
        number,
      ];
      const vxlan = mtu.vxlanOverheadBytes(4, false);
      expect(cells.slice(0, 4), `path ${path}`).toEqual([over4, over6, over4 - vxlan, over6 - vxlan].map(String));
    }
    const bold = [...read("docs/mtu.md").matchAll(/\*\*(\d{4})\*\*/g)].map(([, number]) => Number(number));
    expect(bold.every((number) => number < mtu.IPV6_MINIMUM_MTU)).toBe(true);
    const small = paths.flatMap((row) => row.slice(1, 5)).filter((cell) => Number(cell) < mtu.IPV6_MINIMUM_MTU);
    expect(bold).toHaveLength(small.length);
  });

  test("names the smallest paths that carry IPv6", () => {
    const needed = (vxlan: number): readonly string[] =>
      ([4, 6] as const).map((family) => String(mtu.IPV6_MINIMUM_MTU + mtu.wireguardOverheadBytes(family) + vxlan));
    expect(rows).toContainEqual(["in the tunnel", ...needed(0)]);
    for (const family of [4, 6] as const) {
      const vxlan = mtu.vxlanOverheadBytes(family, false);
      expect(rows).toContainEqual([`in a segment between IPv${family} tunnel addresses`, ...needed(vxlan)]);
    }
  });
});

describe("platforms.md", () => {
  const page = read("docs/platforms.md");

  test("has every platform's versions and defaults", () => {
    const { "wireguard-app": _, ...distributions } = PLATFORMS;
    const platforms = Object.keys(distributions) as readonly (keyof typeof distributions)[];
    const rows = tableRows(page).filter((row) => row.length === platforms.length + 1);
    expect(rows).toEqual([
      ["", ...platforms],
      ...PROGRAMS.map((program) => [program, ...platforms.map((name) => PLATFORMS[name][program])]),
      ["networkManager, left out", ...platforms.map((name) => platformDefaults(name).networkManager)],
      ["frr, left out", ...platforms.map((name) => platformDefaults(name).frrMode)],
    ]);
  });

  test("names the oldest versions that will do", () => {
    const sentence = /^The oldest that will do are [^;]*;/m.exec(page)?.[0].replace(/\s+/g, " ") ?? "";
    const needs = PROGRAMS.map((program) => NEEDS[program]);
    const missing = needs.filter(({ title, oldest }) => {
      const name = title === "the kernel" ? "Linux" : title;
      return !sentence.includes(`${name} ${oldest}`);
    });
    expect(missing).toEqual([]);
  });
});

describe("outputs.md", () => {
  const patterns = [...read("docs/outputs.md").matchAll(/^### `(etc\/[^`]+)`(?: and `(etc\/[^`]+)`)?$/gm)]
    .flatMap(([, one, other]) => [one, other])
    .filter((each) => each !== undefined);
  const toRegExp = (pattern: string): RegExp =>
    new RegExp(`^${pattern.replace(/[.@]/g, "\\$&").replace(/[A-Z]{2,}/g, "[^/]+")}$`);
  const scenarios = listFixtures()
    .filter(({ kind }) => kind === "scenario")
    .map(({ name }) => name);
  const files = scenarios.flatMap((scenario) => {
    const name = `fixtures/${scenario}/topology.yaml`;
    return compile({ name, text: read(name) }).files;
  });
  const paths = files.map((file) => file.path.replace(/^[^/]+\//, "").replace(/netgen\d/, "netgen"));

  test("says rightly that every file begins by saying where it comes from", () => {
    const heads = files.map((file) => [file.path, new TextDecoder().decode(contentOf(file)).slice(0, 100)] as const);
    const silent = heads.filter(
      ([, head]) => !/^(?:(?:#!.*\n)?[#;!/]+ |\{\n {2}"\/\/": ")Written by netgen from /.test(head),
    );
    expect(silent.map(([path, head]) => `${path}: ${head}`)).toEqual([]);
  });

  test("has a heading for every file that comes out", () => {
    const unnamed = paths.filter((path) => patterns.filter((pattern) => toRegExp(pattern).test(path)).length !== 1);
    expect(paths.length).toBeGreaterThan(100);
    expect([...new Set(unnamed)]).toEqual([]);
  });

  test("has no heading for a file that never comes out", () => {
    expect(patterns.filter((pattern) => !paths.some((path) => toRegExp(pattern).test(path)))).toEqual([]);
  });
});
