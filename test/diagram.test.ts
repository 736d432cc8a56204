/** `netgen graph`: everything has a place of its own, in every format, and no text leaves its place. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { bundlesOf, type Diagram, diagramOf } from "../src/report/draw/diagram.ts";
import { renderDot } from "../src/report/draw/dot.ts";
import { endsOutside } from "../src/report/draw/layers.ts";
import { type Box, layOut, type Picture } from "../src/report/draw/layout.ts";
import { linesOf } from "../src/report/draw/lines.ts";
import { MAX_EDGES, MAX_TEXT, renderMermaid } from "../src/report/draw/mermaid.ts";
import { renderSvg } from "../src/report/draw/svg.ts";
import { reportMtu } from "../src/report/mtu.ts";
import { sourceOf } from "./fixtures.ts";
import { allScenarios } from "./proofs.ts";
import { sitesOf } from "./sites.ts";

function diagram(text: string): Diagram {
  const { model } = compile({ name: "topology.yaml", text });
  const network = must(model, "the topology compiles");
  return diagramOf(network, reportMtu(network));
}

const fixture = (name: string): Diagram =>
  diagram(
    sourceOf(
      must(
        allScenarios.find((each) => each.name === name),
        `${name} is a fixture`,
      ),
    ).text,
  );

const GENERATED = {
  "6 hosts": { hosts: 6, sites: 2 },
  "20 hosts of no site": { hosts: 20, sites: 0 },
  "21 hosts of no site": { hosts: 21, sites: 0 },
  "60 hosts": { hosts: 60, sites: 6 },
  "120 hosts at one site": { hosts: 120, sites: 1 },
  "200 hosts at 50 sites": { hosts: 200, sites: 50 },
  "500 spokes": { hosts: 500, sites: 8, hasHubs: true },
};
const ALL = [
  ...allScenarios.map((each) => [each.name, sourceOf(each).text] as const),
  ...Object.entries(GENERATED).map(([name, fleet]) => [name, sitesOf(fleet)] as const),
].map(([name, text]) => ({ name, drawn: diagram(text) }));

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const isInside = (inner: Box, outer: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

/** Pairs of boxes that lie over each other. */
const clashes = (boxes: readonly Box[]): readonly unknown[] =>
  boxes.flatMap((a, index) => boxes.slice(index + 1).filter((b) => overlap(a, b)));

const solid = ({ outside }: Picture): readonly Box[] => outside.filter((box) => box !== undefined);

describe.each(ALL)("of $name", ({ drawn }) => {
  const picture = layOut(drawn);
  const { groups, width, height } = picture;

  test("every host stands in its group, once", () => {
    const hosts = groups.flatMap(({ nodes }) => nodes.map(({ node }) => node.host));
    expect(new Set(hosts).size).toBe(hosts.length);
    expect(hosts).toEqual(drawn.groups.flatMap(({ nodes }) => nodes.map(({ host }) => host)));
    expect(groups.map(({ group }) => group)).toEqual(drawn.groups);
  });

  test("nothing lies over anything else, and all is inside", () => {
    expect(clashes([...groups, ...solid(picture)])).toEqual([]);
    const whole = { x: 0, y: 0, width, height };
    expect([...groups, ...solid(picture)].filter((box) => !isInside(box, whole))).toEqual([]);
    for (const group of groups) {
      expect(clashes(group.nodes)).toEqual([]);
      expect(group.nodes.filter((node) => !isInside(node, group))).toEqual([]);
    }
  });

  test("lanes run where no box is", () => {
    for (const lane of picture.lanes.filter((each) => each !== undefined)) {
      expect(groups.filter(({ x, width: wide }) => x <= lane && lane <= x + wide)).toEqual([]);
      expect(lane).toBeLessThan(width);
    }
  });

  test("every tunnel is in one line, or within a group", () => {
    const { lines, spine } = linesOf(drawn, picture);
    const own = lines.filter(({ ends }) => ends[1] !== undefined).map(({ bundle }) => bundle);
    const within = picture.detail === "card" ? [] : bundlesOf(drawn).filter(({ between: [a, b] }) => a === b);
    const counts = [...own, ...within, ...spine].map(({ count }) => count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(drawn.links.length);
  });

  test("a legend names each layer as the report's boxes do", () => {
    const svg = renderSvg(drawn);
    const said = { segment: "segment", vrf: "VRF", exit: "way out to", peer: "BGP with" };
    expect(drawn.layers.filter(({ kind, name }) => !svg.includes(`>${said[kind]} ${name}: `))).toEqual([]);
  });

  test("is the same each time, with no number that is none", () => {
    const svg = renderSvg(drawn);
    expect(renderSvg(drawn)).toBe(svg);
    expect(svg).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(renderDot(drawn)).toMatch(/^graph ".*" \{\n[\s\S]*\n\}\n$/);
  });

  test("fits Mermaid", () => {
    const text = renderMermaid(drawn);
    // Of fifty sites that all meet there are too many lines.
    if (text === undefined) return expect(bundlesOf(drawn).length).toBeGreaterThan(MAX_EDGES);
    expect(text).toMatch(/^flowchart LR\n/);
    expect(text.length).toBeLessThanOrEqual(MAX_TEXT);
    expect([...text.matchAll(/ ---\|/g)].length).toBeLessThanOrEqual(MAX_EDGES);
  });
});

describe("what is drawn", () => {
  test("two hubs stand between those who meet by them", () => {
    const { groups } = layOut(fixture("two-hubs"));
    const middle = groups.filter(({ side }) => side === "middle").flatMap(({ nodes }) => nodes);
    expect(middle.map(({ node }) => [node.host, node.role])).toEqual([
      ["alpha", "hub"],
      ["beta", "hub"],
    ]);
    expect(new Set(groups.map(({ side }) => side))).toEqual(new Set(["left", "middle", "right"]));
  });

  test("of a ring nobody is in the middle", () => {
    expect(layOut(fixture("ring")).groups.filter(({ side }) => side === "middle")).toEqual([]);
  });

  test("gateways, hosts without WireGuard and apps are known", () => {
    const roles = ({ groups }: Diagram) =>
      new Map(groups.flatMap(({ nodes }) => nodes.map(({ host, role }) => [host, role])));
    expect(roles(fixture("kubernetes-vpc")).get("vpc1") ?? "lan").toBe("lan");
    expect([...roles(fixture("lan-gateways")).values()]).toContain("gateway");
    expect([...roles(fixture("remotes"))]).toContainEqual(["phone", "app"]);
  });

  test("segments, VRFs and ways out are layers", () => {
    const layers = fixture("vrfs").layers.map(({ kind, name }) => `${kind} ${name}`);
    expect(layers).toEqual([
      "segment blue-vms",
      "segment blue-db",
      "segment red-vms",
      "vrf blue",
      "vrf red",
      "exit internet of blue",
      "exit internet of red",
    ]);
    expect(fixture("remotes").layers.map(({ name }) => name)).toEqual(["internet", "lab", "office"]);
  });

  test("others' BGP speakers are layers, each once and with its VRF", () => {
    const peers = fixture("peers").layers.filter(({ kind }) => kind === "peer");
    expect(peers.map(({ name, detail, members }) => [name, detail, ...members])).toEqual([
      ["AS 64600 192.168.30.2", "not netgen's", "alpha"],
      ["AS 4200000007 2001:db8:30::2", "not netgen's", "alpha"],
      ["AS 64602 10.77.0.5", "VRF blue, not netgen's", "beta"],
      ["AS 64601 192.168.31.2", "VRF blue, not netgen's", "beta"],
    ]);
  });

  test("as dot and for Mermaid", () => {
    expect(renderDot(fixture("minimal"))).toBe(`graph "minimal" {
  layout=fdp;
  node [shape=box, fontname=monospace];
  edge [fontname=monospace, fontsize=10];
  n0 [label="alpha\\n10.250.0.1\\nguests"];
  n1 [label="beta\\n10.250.0.2\\nguests"];
  n0 -- n1 [label="1440"];
}
`);
    expect(renderMermaid(fixture("minimal"))).toBe(`flowchart LR
  n0["alpha: guests"]
  n1["beta: guests"]
  n0 ---|1440| n1
`);
  });

  test.each(["vrfs", "peers"])("with segments, VRFs and all outside, as the picture of %s has them", (name) => {
    const { layers } = fixture(name);
    const [dot, mermaid] = [renderDot(fixture(name)), renderMermaid(fixture(name)) ?? ""];
    for (const layer of layers) {
      const { name, members } = layer;
      const at = (text: string): string =>
        /^ *(x\d+)/.exec(text.split("\n").find((line) => line.includes(name) && /^ *x/.test(line)) ?? "")?.[1] ?? "";
      if (endsOutside(layer)) {
        expect(dot.split(` -- ${at(dot)} `)).toHaveLength(members.size + 1);
        expect(mermaid.split(` -.- ${at(mermaid)}\n`)).toHaveLength(members.size + 1);
        continue;
      }
      for (const host of members) {
        expect(dot).toMatch(new RegExp(`label="${host}\\\\n.*\\\\n(?:[^"]* )?${name}[ "]`));
        expect(mermaid).toMatch(new RegExp(`"${host}: [^"]*\\b${name}\\b`));
      }
    }
    expect(new Set(layers.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(3);
    // Where sites are drawn, each of them leads out once.
    expect(renderMermaid(fixture("remotes"))).toContain(" -.- x");
  });

  test("of more tunnels than Mermaid draws, those between two sites are one line", () => {
    const text = renderMermaid(diagram(sitesOf({ hosts: 60, sites: 3 }))) ?? "";
    expect(text.split("\n").slice(1, 3)).toEqual(['  g0["site1: 20 hosts"]', '  g1["site2: 20 hosts"]']);
    expect(text).toContain('g0 ---|"400 tunnels, 1440"| g1');
  });

  test("of more sites than that it draws nothing", () => {
    expect(renderMermaid(diagram(sitesOf({ hosts: 80, sites: 40 })))).toBeUndefined();
  });
});

describe("a name that would break out", () => {
  const WILD = `a" -- b; ]} <script>alert(1)</script> & \\ ' #quot; -->`;
  const [host] = fixture("minimal").groups[0]?.nodes ?? [];
  const wild: Diagram = {
    name: WILD,
    groups: [
      { title: WILD, nodes: [{ ...must(host, "a host"), host: WILD, address: WILD, notes: [WILD] }], isCentral: false },
    ],
    links: [{ between: [WILD, WILD], mtu: 1440 }],
    layers: [{ kind: "exit", name: WILD, detail: WILD, members: new Set([WILD]) }],
  };

  test("stays text in SVG", () => {
    const svg = renderSvg(wild);
    const tags = new Set([...svg.matchAll(/<\/?([a-z!]+)/gi)].map(([, name]) => name));
    expect([...tags].sort()).toEqual(["circle", "g", "path", "rect", "style", "svg", "text", "title", "tspan"]);
    expect(svg.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]/);
    expect(svg).toContain("&lt;script&gt;");
  });

  test("stays one string in dot", () => {
    // Without its strings, each of which ends where it should, nothing of it is left.
    const rest = renderDot(wild).replace(/"(?:[^"\\]|\\[\s\S])*"/g, '""');
    expect(rest).not.toMatch(/script|["\\]{3}/);
    expect(rest).toContain('graph "" {');
  });

  test("stays one label for Mermaid", () => {
    const rest = (renderMermaid(wild) ?? "").replace(/"[^"\n]*"/g, '""');
    expect(rest).toBe(
      'flowchart LR\n  subgraph g0[""]\n    n0[""]\n  end\n  n0 ---|1440| n0\n  x0([""])\n  n0 -.- x0\n',
    );
    expect(renderMermaid(wild)).not.toMatch(/[<>&]/);
  });
});
