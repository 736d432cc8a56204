/** The schema in an editor: the real yaml-language-server completes, explains and checks a topology by it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lineStarts, positionAt } from "../src/base/source.ts";
import { ROOT } from "./built-package.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { type Editor, type LspPosition, startEditor } from "./language-server.ts";
import { marked } from "./markers.ts";

const page = readFileSync(join(ROOT, "docs/editor.md"), "utf8");
/** What users are told to write, as they are told. */
const MODELINE = /^# yaml-language-server: .*$/m.exec(page)?.[0] ?? "";
const SETTINGS = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "{}") as Readonly<Record<string, unknown>>;

const START = "netgen: 1\nname: two-sites\nwireguard: {addresses: [10.250.0.0/24]}\n";
const HOSTS = "hosts: {alpha: {id: 1}}\n";

test("the page shows a modeline, the one that netgen init writes, and settings", () => {
  expect(readFileSync(join(ROOT, "src/commands/init.ts"), "utf8")).toContain(`${MODELINE}\n`);
  expect(Object.keys(SETTINGS)).toEqual(["yaml.schemas"]);
});

describe.each([
  { way: "by a modeline", head: `${MODELINE}\n`, settings: {} },
  { way: "by settings", head: "", settings: { schemas: SETTINGS["yaml.schemas"] } },
])("$way", ({ head, settings }) => {
  let editor: Editor;
  let workspace: string;
  let file: string;

  beforeAll(async () => {
    workspace = mkdtempSync(join(tmpdir(), "netgen-editor-"));
    mkdirSync(join(workspace, "node_modules"));
    symlinkSync(ROOT, join(workspace, "node_modules/netgen"));
    file = join(workspace, "topology.yaml");
    editor = await startEditor(workspace, settings);
  });
  afterAll(async () => {
    await editor.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  /** Opens a text with one marked place, and gives that place. */
  async function openAt(textWithMark: string): Promise<LspPosition> {
    const { text, spans } = marked(head + textWithMark);
    await editor.open(file, text);
    const { line, column } = positionAt(lineStarts(text), spans[0]?.start ?? 0);
    return { line: line - 1, character: column - 1 };
  }

  const labels = async (textWithMark: string): Promise<readonly string[]> =>
    (await editor.complete(file, await openAt(textWithMark))).map(({ label }) => label);

  /** What is wrong, each with the text that it stands under. */
  async function complaints(body: string): Promise<readonly (readonly [string, string])[]> {
    const text = head + body;
    const lines = text.split("\n");
    const found = await editor.open(file, text);
    return found.map(({ message, range: { start, end } }) => [
      lines[start.line]?.slice(start.character, start.line === end.line ? end.character : undefined) ?? "",
      message,
    ]);
  }

  test("completes the keys of the file, but those that it has", async () => {
    const found = await labels(`${START}«»\n`);
    expect(found).toEqual(
      expect.arrayContaining(["hosts", "subnets", "underlay", "sites", "hostDefaults", "bgp", "guard"]),
    );
    expect(found).not.toContain("wireguard");
  });

  test("completes the keys of a host and of a subnet, each with what it means", async () => {
    const at = await openAt(`${START}hosts:\n  alpha:\n    id: 1\n    «»\n`);
    const items = await editor.complete(file, at);
    const keys = ["site", "endpoint", "lanEndpoint", "behindNat", "publicKey", "uplink", "routes", "extra"];
    expect(items.map(({ label }) => label)).toEqual(expect.arrayContaining(keys));
    expect(items.find(({ label }) => label === "lanEndpoint")?.documentation).toBe(
      "Where hosts of its own site reach it.",
    );
    const subnet = await labels(`${START}${HOSTS}subnets:\n  vms:\n    cidr: 10.1.1.0/24\n    «»\n`);
    expect(subnet).toEqual(expect.arrayContaining(["vxlan", "hosts", "gateway", "perHost", "snat"]));
  });

  test.each([
    ["hosts:\n  alpha:\n    frr: «»\n", ["complete", "snippet"]],
    ["hosts:\n  alpha:\n    behindNat: «»\n", ["true", "false"]],
    ["underlay:\n  ipVersion: «»\n", ["4", "6", "auto"]],
    ["subnets:\n  vms:\n    hosts: «»\n", ["all"]],
    ["subnets:\n  vms:\n    interface: «»\n", ["external"]],
  ])("completes the values of %j", async (body, values) => {
    expect(await labels(START + body)).toEqual(expect.arrayContaining(values));
  });

  test("explains the key and the value under the pointer", async () => {
    const over = async (body: string): Promise<string> => editor.hover(file, await openAt(START + body));
    expect(await over("hosts: {alpha: {id: 1, «endpoint»: 192.0.2.1}}\n")).toContain(
      "Where hosts outside its site reach it",
    );
    expect(await over(`${HOSTS}underlay: {«pathMtu»: 1500}\n`)).toContain("The IP MTU in bytes between two endpoints");
    expect(await over("hosts: {alpha: {id: 1, frr: «snippet»}}\n")).toContain("a file to be merged by hand");
  });

  test.each<[string, string, string, string]>([
    ["a wrong key", `${HOSTS}subnet: {}\n`, "subnet", "Property subnet is not allowed."],
    ["a wrong key of a host", "hosts: {alpha: {id: 1, colour: red}}\n", "colour", "Property colour is not allowed."],
    ["a missing key", "hosts: {alpha: {site: roz}}\n", "alpha", 'Missing property "id".'],
    ["a wrong type", "hosts: {alpha: {id: one}}\n", "one", 'Incorrect type. Expected "integer".'],
    [
      "a wrong choice",
      "hosts: {alpha: {id: 1, frr: some}}\n",
      "some",
      'Value is not accepted. Valid values: "complete", "snippet".',
    ],
    ["a value out of range", `${HOSTS}underlay: {pathMtu: 70000}\n`, "70000", "Value is above the maximum of 65535."],
    [
      "a malformed key",
      "hosts: {alpha: {id: 1, publicKey: abc}}\n",
      "abc",
      "It must be a public key, 44 characters of base64.",
    ],
    [
      "a malformed name",
      "hosts: {Alpha: {id: 1}}\n",
      "Alpha",
      'A name is 1 to 63 of a-z, 0-9, "." and "-", starts with a letter or digit, and has no two dots in a row.',
    ],
    [
      "a malformed endpoint",
      "hosts: {alpha: {id: 1, endpoint: a_b}}\n",
      "a_b",
      "It must be an IPv4 address, an IPv6 address in brackets or a DNS name, each with or without a :port.",
    ],
  ])("marks %s", async (_, body, place, message) => {
    expect(await complaints(START + body)).toEqual([[place, message]]);
  });

  test.each(listFixtures().filter(({ kind }) => kind === "scenario"))("has nothing against $name", async (fixture) => {
    expect(await complaints(sourceOf(fixture).text)).toEqual([]);
  });
});
