import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import * as mtu from "../src/base/mtu.ts";
import { compile } from "../src/compile.ts";
import { reportMtu } from "../src/report/mtu.ts";
import { renderMtu } from "../src/report/mtu-text.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const readme = read("README.md");
const UPDATE = "if this is intended, npm run docs:update writes it";

/** The fenced block that follows a comment such as `<!-- the same as PATH -->`. */
function blockAfter(text: string): string {
  const start = readme.indexOf(`<!-- the same as ${text} -->`);
  const block = /```\w*\n([\s\S]*?)```/.exec(readme.slice(start))?.[1];
  if (start < 0 || block === undefined) throw new Error(`the README has no block for ${text}`);
  return block;
}

function compiled(fixture: string) {
  const name = `fixtures/${fixture}/topology.yaml`;
  return compile({ name, text: read(name) });
}

test.each(["fixtures/minimal/topology.yaml", "fixtures/minimal/expect/alpha/etc/wireguard/wg0.conf"])(
  "the block for %s is that file",
  (path) => {
    expect(blockAfter(path), UPDATE).toBe(read(path));
  },
);

test("the block for netgen mtu is what it prints", () => {
  const { model } = compiled("minimal");
  expect(blockAfter("netgen mtu fixtures/minimal/topology.yaml"), UPDATE).toBe(model && renderMtu(reportMtu(model)));
});

test("the build prints the counts that the README shows", () => {
  // And the manifest is no file of a host: it is not counted.
  const { files } = compiled("proxmox");
  const shown = /^out: .*$/m.exec(readme)?.[0];
  expect(shown, UPDATE).toBe(`out: ${files.length} new, 0 changed, 0 removed, 0 as they were`);
});

test("the picture shows kinds of files that exist", () => {
  const paths = compiled("proxmox").files.map((file) => file.path.replace(/^[^/]+\//, ""));
  const shown = [
    "etc/wireguard/wg0.conf",
    "etc/systemd/network/",
    "etc/frr/frr.conf",
    "etc/frr/daemons",
    "etc/sysctl.d/",
    "etc/modules-load.d/",
    "etc/netgen/",
    "etc/systemd/system/netgen-",
  ];
  expect(shown.filter((start) => !paths.some((path) => path.startsWith(start)))).toEqual([]);
});

test("it reckons every layer as the compiler does", () => {
  const tunnel = ([4, 6] as const).map((family) => 1500 - mtu.wireguardOverheadBytes(family));
  const segment = tunnel.map((bytes) => bytes - mtu.vxlanOverheadBytes(4, false));
  const block = /```text\n(path between the endpoints[\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const [path = [], ...layers] = block
    .trimEnd()
    .split("\n")
    .map((line) => (line.replace(/IPv\d/g, "").match(/\d+/g) ?? []).map(Number));
  expect(path).toEqual([1500]);
  const tcp = (family: 4 | 6): number => 1500 - mtu.tcpMss(1500, family);
  const ping = (family: 4 | 6): number => 1500 - mtu.pingPayload(1500, family);
  const [over4 = 0, over6 = 0] = tunnel;
  const [in4 = 0, in6 = 0] = segment;
  expect(layers).toEqual([
    [1500 - over4, over4, 1500 - over6, over6],
    [over4 - in4, in4, over6 - in6, in6, mtu.vxlanOverheadBytes(6, false)],
    ...[tcp, ping].map((overhead) => [overhead(4), in4 - overhead(4), overhead(4), in6 - overhead(4), overhead(6)]),
  ]);
});

test("it asks for the Node.js that package.json asks for", () => {
  const { engines } = JSON.parse(read("package.json")) as { readonly engines: { readonly node: string } };
  expect(readme).toContain(`Node.js ${engines.node.replace(">=", "")} or newer`);
});

describe("src/README.md", () => {
  const map = read("src/README.md");
  const rooms = readdirSync(join(root, "src")).filter((name) => !name.includes(".") || name === "index.ts");

  test("has a row for every room, and for no other", () => {
    const rows = [...map.matchAll(/^\| `([a-z]+)(?:\/|\.ts)` \|/gm)].map(([, name = ""]) => name);
    expect(rows.toSorted()).toEqual(rooms.map((name) => name.replace(".ts", "")).toSorted());
  });

  test("names files and rooms that are there", () => {
    const named = [...map.matchAll(/`([\w./-]+)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => /\w\/|\.(?:ts|mjs|json|md|njk)$/.test(path) && path !== "after.txt");
    const parents = ["", "src", "src/lab", "src/model", "src/resolve"];
    const missing = named.filter((path) => !parents.some((parent) => existsSync(join(root, parent, path))));
    expect(named.length).toBeGreaterThan(50);
    expect(missing).toEqual([]);
  });

  test("names every script of package.json that is for people, and no other", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };
    const named = new Set([...map.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name = ""]) => name));
    // npm itself runs these.
    const own = Object.keys(scripts).filter((name) => !["build", "prepare"].includes(name));
    expect([...named].toSorted()).toEqual(own.toSorted());
  });
});

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...page.replace(/```[\s\S]*?```/g, "").matchAll(/^#+ (.*)$/gm)].map(
    ([, heading]) => heading as string,
  );
  return new Set(
    headings.map((each) =>
      each
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}

const pages = ["README.md", "CHANGELOG.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)];

describe.each(pages)("%s", (page) => {
  const text = read(page);

  test("every link leads to a file of the repository, and to a heading in it", () => {
    const prose = text.replace(/```[\s\S]*?```/g, "");
    const broken = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
      const [file, anchor] = (link as string).split("#") as [string, string?];
      const target = file === "" ? page : join(dirname(page), file);
      if (!existsSync(join(root, target))) return [link];
      return anchor === undefined || anchorsOf(read(target)).has(anchor) ? [] : [link];
    });
    expect(broken).toEqual([]);
  });

  test("it ends in one newline, and no line has anything behind it", () => {
    expect(text.endsWith("\n") && !text.endsWith("\n\n")).toBe(true);
    expect(text.split("\n").filter((line) => /[ \t]$/.test(line))).toEqual([]);
  });
});
