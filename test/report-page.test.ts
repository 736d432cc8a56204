/** `netgen report`: what the page holds, how large it is, and that no text leaves its place. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { contentsOf } from "../src/deliver/contents.ts";
import { planGuests } from "../src/lab/plan/guests.ts";
import { pageScriptHash } from "../src/report/assets.generated.ts";
import { markup, ownMarkup } from "../src/report/markup.ts";
import { lossesFor, lossesPart } from "../src/report/page/losses.ts";
import { renderPage } from "../src/report/page/page.ts";
import { judged } from "../src/report/what-if.ts";
import { UNBOUNDED, whatIfEach } from "../src/ways/each.ts";
import { waysOf } from "../src/ways/ways.ts";
import { lostCount } from "../src/ways/what-if.ts";
import { sha256 } from "../src/write/manifest.ts";
import { BUILD_TIMEOUT_MS } from "./built-package.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { runNetgen } from "./netgen.ts";
import { allScenarios } from "./proofs.ts";
import { sitesOf } from "./sites.ts";

const NO_LOSSES = { results: [], unasked: [] };

/** Losses of 500 hosts take ten seconds: they are asked for only where a test is about them, or there are few. */
function pageOf(text: string, hasTexts: boolean, isAsked = hasTexts): string {
  const source = { name: "topology.yaml", text };
  const { model, diagnostics, files } = compile(source);
  const network = must(model, "the topology compiles");
  return renderPage({
    network,
    source,
    diagnostics,
    losses: isAsked ? lossesFor(waysOf(network, planGuests(network).guests)) : NO_LOSSES,
    files: contentsOf(files, hasTexts),
  });
}

const fixture = (name: string): string =>
  pageOf(
    sourceOf(
      must(
        listFixtures().find((each) => each.name === name),
        `${name} is a fixture`,
      ),
    ).text,
    true,
  );

describe("markup", () => {
  test("escapes what is put into it, and nothing twice", () => {
    const inner = markup`<b title="${`"<&'>`}">${["<i>", 7, undefined, false]}</b>`;
    expect(markup`<p>${inner}${[inner]}</p>`.text).toBe(
      '<p><b title="&quot;&lt;&amp;&#39;&gt;">&lt;i&gt;7</b><b title="&quot;&lt;&amp;&#39;&gt;">&lt;i&gt;7</b></p>',
    );
    expect(markup`${ownMarkup("<hr>")}`.text).toBe("<hr>");
  });
});

describe.each(allScenarios.map((each) => ({ name: each.name, text: sourceOf(each).text })))("of $name", ({ text }) => {
  const page = pageOf(text, true);

  test("holds every host with every file, and says what each link leads to", () => {
    const { model, files } = compile({ name: "topology.yaml", text });
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => id?.startsWith("host-"))).toEqual(model?.hosts.map(({ name }) => `host-${name}`));
    const targets = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, target]) => target);
    expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
    expect([...page.matchAll(/<details class="file">/g)]).toHaveLength(files.length);
  });

  test("is the same each time, fetches nothing and names no moment", () => {
    expect(pageOf(text, true)).toBe(page);
    const outer = page.replace(/<pre[\s\S]*?<\/pre>/g, "");
    expect(outer).not.toMatch(/\b(?:src|srcset|poster|action)=|url\(|@import|NaN|\[object|>undefined</);
    expect([...outer.matchAll(/ href="([^#][^"]*)"/g)]).toEqual([]);
  });
});

describe("what it shows", () => {
  test("each MTU with its sum and the ping that proves it", () => {
    const page = fixture("minimal");
    expect(page).toContain("<code>ping -M do -s 1412 10.250.0.2</code>");
    expect(page).toContain("<small>WireGuard header</small>");
    expect(page).toContain(" = <b>1440</b>");
  });

  test("warnings with their places, and with their hosts", () => {
    const page = fixture("warn-endpoint-port-unforwarded");
    expect(page).toMatch(
      /<li class="warning"><b>warning<\/b> <code>endpoint-port-unforwarded<\/code> <small>topology.yaml:\d+:\d+/,
    );
    expect(page).toMatch(/id="host-[a-z]+"><summary>[^\n]*<i class="warning">1 remark<\/i>/);
  });

  test("ways out in their order", () => {
    expect(fixture("remotes")).toMatch(/<td>office<\/td>.*#host-roz.*probed by 192\.168\.50\.1.*#host-wro/);
  });
});

describe("single points of failure", () => {
  const sectionOf = (page: string): string => /<section id="losses"[\s\S]*?<\/section>/.exec(page)?.[0] ?? "";
  const rowsOf = (page: string): readonly (readonly string[])[] =>
    [...sectionOf(page).matchAll(/<tr>(<td>.*)<\/tr>/g)].map(([, row = ""]) =>
      row.split("</td>").map((cell) => cell.replace(/<[^>]*>/g, "")),
    );
  const answerOf = (name: string) => {
    const network = must(
      compile(
        sourceOf(
          must(
            allScenarios.find((each) => each.name === name),
            name,
          ),
        ),
      ).model,
      name,
    );
    return judged(whatIfEach(waysOf(network, planGuests(network).guests), ["host", "site", "link"], UNBOUNDED).results);
  };

  test("are those of what-if --each, the worst first, with links to hosts and from them", () => {
    const page = fixture("hub-and-spoke");
    const { points } = answerOf("hub-and-spoke");
    expect(rowsOf(page).map(([, lost]) => Number(lost))).toEqual(points.map(lostCount));
    expect(rowsOf(page)[0]?.[0]).toBe("host hub");
    const [, hub = ""] = /<details id="host-hub">([\s\S]*?)<dl>/.exec(page) ?? [];
    expect(hub).toContain(`others lose ${points[0] && lostCount(points[0])} flows`);
    expect(/<details id="host-north">[^\n]*/.exec(page)?.[0]).not.toContain("single point of failure");
  });

  test("what is taken over is said by whom; what is not alike has its own row", () => {
    const page = sectionOf(fixture("two-hubs"));
    const { replaced } = answerOf("two-hubs");
    expect(replaced.length).toBeGreaterThan(1);
    const text = page.replace(/<[^>]*>/g, " ").replace(/ +/g, " ");
    expect(text).toMatch(/tunnel alpha – epsilon [^\n]* beta \n/);
    expect(text).toMatch(/tunnel beta – epsilon [^\n]* alpha \n/);
    expect(sectionOf(fixture("ring"))).toContain("<b>No single point of failure.</b>");
  });

  test("losses that are alike are one row, of many rows there are twenty, and what was not asked is named", () => {
    const network = must(
      compile({ name: "t", text: sitesOf({ hosts: 30, sites: 3, hasHubs: true }) }).model,
      "it compiles",
    );
    const each = whatIfEach(waysOf(network, planGuests(network).guests), ["host", "link"], UNBOUNDED);
    const { text } = markup`${lossesPart({ ...each, unasked: ["site"] })}`;
    expect(text.match(/<tr><td>/g)).toHaveLength(2);
    expect(text).toContain(" and 26 more alike");
    expect(text).toContain("The loss of single sites is not worked out here");
    expect(text).toContain("<code>netgen what-if --each site</code>");
    // Each with a number of its own.
    const unlike = each.results.map((result, index) => ({
      ...result,
      lost: result.lost.map((own) => ({ ...own, count: own.count + index })),
    }));
    const long = markup`${lossesPart({ results: unlike, unasked: [] })}`.text;
    expect(long.match(/<tr><td>/g)).toHaveLength(20);
    expect(long).toContain("<p>And 10 more that do less");
  });
});

describe("of many hosts", () => {
  const FLEET = sitesOf({ hosts: 500, sites: 8, hasHubs: true });
  const many = pageOf(FLEET, false, true);

  const isRight = (page: string): void => {
    expect(page.length).toBeLessThan(400_000);
    expect(page.length).toBeGreaterThan(100_000);
  };
  test("500 spokes are no more than 400 kB", () => isRight(many));
  test.each([
    ["at 8 sites", sitesOf({ hosts: 500, sites: 8 })],
    ["without sites", sitesOf({ hosts: 500, sites: 0 })],
    ["at as many sites", sitesOf({ hosts: 500, sites: 500 })],
    ["at half as many sites", sitesOf({ hosts: 500, sites: 250 })],
    ["with long names", sitesOf({ hosts: 500, sites: 12 }).replaceAll(/\bhost(?=\d)/g, "hypervisor-")],
  ])("500 in a full mesh with BGP %s are no more than 400 kB", (_, text) => isRight(pageOf(text, false)));

  test("very many sites of one host are two boxes, in which each says its site", () => {
    const page = pageOf(sitesOf({ hosts: 130, sites: 130 }), false);
    expect(page.match(/<rect class="box"/g)).toHaveLength(2);
    expect(page).toContain("<title>host77, site78</title>");
    // Where hosts are drawn by name, sites are as well.
    expect(pageOf(sitesOf({ hosts: 60, sites: 60 }), false).match(/<rect class="box"/g)).toHaveLength(60);
  });

  test("files are listed for the script: path, size, and the beginning of the hash", () => {
    const [, json = ""] = /<script type="application\/json" id="files">(.*)<\/script>/.exec(many) ?? [];
    const { paths, sets, sizes, hosts } = JSON.parse(json);
    const { files } = compile({ name: "t", text: FLEET });
    const own = contentsOf(files, false).filter(({ host }) => host === "host77");
    const [set, size, hashes] = hosts.host77;
    expect(sets[set].split(" ").map((number: number) => paths[number])).toEqual(own.map(({ path }) => path));
    const bytesOf = (text: string): number => Number.parseInt(text, 36);
    expect(sizes[size].split(" ").map(bytesOf)).toEqual(own.map(({ bytes }) => bytes));
    const digits = (packed: string): string => Buffer.from(`${packed}AA`, "base64url").toString("hex").slice(0, 9);
    expect(hashes.match(/.{6}/g).map(digits)).toEqual(own.map((file) => file.sha256.slice(0, 9)));
  });

  test("tunnels with the same sum are one row, peers are counted", () => {
    expect(many).toContain("and 498 more alike");
    expect(many).toContain("<dt>peers<dd>499: all other hosts with WireGuard");
    expect(pageOf(sitesOf({ hosts: 24, sites: 2 }), false)).toContain("<dt>peers<dd>23: all other hosts");
  });
});

describe("a roll-out of many hosts", () => {
  test("has the steps of hosts that do the same once", () => {
    const source = { name: "topology.yaml", text: sitesOf({ hosts: 24, sites: 2 }) };
    const { model, diagnostics, files } = compile(source);
    const network = must(model, "it compiles");
    const names = network.hosts.map(({ name }) => name);
    const steps = new Map(names.map((name) => [name, name === "host9" ? "stop nine" : "stop & start"]));
    const plan = {
      from: "out",
      cautions: [{ kind: "hub", text: "<first>" }],
      batches: [names.slice(0, 5), names.slice(5)],
      steps,
    };
    const page = renderPage({ network, source, diagnostics, files: contentsOf(files, false), losses: NO_LOSSES, plan });
    const [section = ""] = /<section id="plan"[\s\S]*?<\/section>/.exec(page) ?? [];
    expect(section).toContain("<b>hub</b><br>&lt;first&gt;");
    expect(page.match(/stop &amp; start/g)).toHaveLength(1);
    expect(section).toContain("<summary>steps 1 <small>23 hosts</small></summary>");
    expect(section).toMatch(/host9<\/a> <a href="#steps-2">steps 2<\/a>/);
  });
});

describe("a text that would break out", () => {
  const WILD = `</pre></script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> "'& ]]>`;
  const tagsOf = (page: string): readonly string[] => [...page.matchAll(/<\/?[a-z!][^\s>]*/gi)].map(([tag]) => tag);

  test("of a file stays in its file", () => {
    const source = sourceOf(must(allScenarios[0], "there is a fixture"));
    const { model, files } = compile(source);
    const network = must(model, "it compiles");
    const page = (text: string): string => {
      const all = contentsOf(files, true).map((file) => ({ ...file, text, path: text }));
      return renderPage({
        network: { ...network, name: text },
        source: { ...source, name: text },
        diagnostics: [],
        files: all,
        losses: NO_LOSSES,
      });
    };
    expect(tagsOf(page(WILD))).toEqual(tagsOf(page("calm")));
  });

  test("of a path stays in the list for the script", () => {
    const source = sourceOf(must(allScenarios[0], "there is a fixture"));
    const network = must(compile(source).model, "it compiles");
    const file = { host: "alpha", path: WILD, bytes: 1, sha256: "0".repeat(64), text: undefined };
    const page = renderPage({ network, source, diagnostics: [], files: [file], losses: NO_LOSSES });
    const [, json = ""] = /id="files">(.*)<\/script>\n<script>/.exec(page) ?? [];
    expect(json).not.toContain("<");
    expect(JSON.parse(json).paths).toEqual([WILD]);
  });

  test("the one script that may run is known by its hash", () => {
    const page = fixture("minimal");
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text = ""]) => text);
    expect(scripts).toHaveLength(1);
    const digest = Buffer.from(sha256([Buffer.from(scripts[0] as string)]), "hex").toString("base64");
    expect(pageScriptHash).toBe(`sha256-${digest}`);
    expect(page.replaceAll("&#39;", "'")).toContain(
      `default-src 'none'; style-src 'unsafe-inline'; script-src '${pageScriptHash}'`,
    );
  });
});

describe("the command", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "netgen-report-"));
    writeFileSync(
      join(home, "topology.yaml"),
      sourceOf(
        must(
          allScenarios.find(({ name }) => name === "minimal"),
          "minimal",
        ),
      ).text,
    );
  }, BUILD_TIMEOUT_MS);
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const netgen = (...args: readonly string[]) => runNetgen(home, args);

  test("writes a page, and replaces its own", () => {
    expect(netgen("report", "topology.yaml")).toEqual({
      status: 0,
      stdout: "report.html: 2 hosts; open it in a browser\n",
      stderr: "",
    });
    const page = readFileSync(join(home, "report.html"), "utf8");
    expect(netgen("report", "topology.yaml", "-o", "-").stdout).toBe(page);
    writeFileSync(join(home, "report.html"), page.replace("</html>", ""));
    expect(netgen("report", "topology.yaml", "-q")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(readFileSync(join(home, "report.html"), "utf8")).toBe(page);
  });

  test("says nothing of losses where it is not to", () => {
    expect(netgen("report", "topology.yaml", "-o", "-").stdout).toContain('<section id="losses"');
    const { status, stdout } = netgen("report", "topology.yaml", "-o", "-", "--no-losses");
    expect([status, stdout.includes("losses")]).toEqual([0, false]);
  });

  test("shows what a roll-out would do: to new hosts, to those that have all of it, and to those that have less", () => {
    const sectionsOf = (...args: readonly string[]) => {
      const { status, stdout, stderr } = netgen("report", "topology.yaml", "-o", "-", ...args);
      const plan = /<section id="plan"[\s\S]*?<\/section>/.exec(stdout)?.[0];
      const steps = [...stdout.matchAll(/<h3>(Roll-out, [^<]*)<\/h3>\n<pre tabindex="0">([^<]*)/g)];
      return { status, plan, steps: steps.map(([, heading, text]) => [heading, text]), stderr };
    };
    expect(sectionsOf().plan).toBeUndefined();
    const fresh = sectionsOf("--plan");
    expect(fresh.steps).toHaveLength(2);
    expect(fresh.steps[0]?.[1]).toContain("  new       /etc/wireguard/wg0.conf\n");
    netgen("build", "topology.yaml", "-q");
    expect(sectionsOf("--plan")).toMatchObject({
      status: 0,
      plan: expect.stringContaining("Nothing to do"),
      steps: [],
    });
    const conf = join(home, "out/beta/etc/wireguard/wg0.conf");
    writeFileSync(conf, readFileSync(conf, "utf8").replace(/MTU = .*/, "MTU = 1300"));
    const less = sectionsOf("--plan");
    expect(less.plan).toMatch(/<ol class="plan"><li><a href="#host-beta">beta<\/a><\/li>\n<\/ol>/);
    expect(less.steps).toEqual([
      ["Roll-out, step 1 of 1", expect.stringMatching(/^ {2}changed {3}\/etc\/wireguard\/wg0.conf\n/)],
    ]);
    rmSync(join(home, "out"), { recursive: true });
    expect(sectionsOf("--from", "HEAD")).toMatchObject({ status: 2, stderr: expect.stringContaining("--from: ") });
    expect(netgen("report", "-", "--from", "HEAD").stderr).toContain("standard input has none");
  });

  test("replaces nothing else", () => {
    const { status, stdout, stderr } = netgen("report", "topology.yaml", "-o", "topology.yaml");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "netgen: topology.yaml is there already, and no report of netgen's; remove it, or name another file with -o\n",
    );
  });

  test("says what is wrong, and writes nothing then", () => {
    writeFileSync(join(home, "wrong.yaml"), "netgen: 1\nhosts: {}\n");
    for (const command of [
      ["report", "wrong.yaml", "-o", "wrong.html"],
      ["graph", "wrong.yaml"],
    ]) {
      const { status, stdout, stderr } = netgen(...command);
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^wrong\.yaml:\d+:\d+: error\[/);
    }
    expect(existsSync(join(home, "wrong.html"))).toBe(false);
    expect(netgen("report", "topology.yaml", "-o", "none/report.html").stderr).toBe(
      "netgen: none/report.html: there is no such file or directory\n",
    );
    expect(netgen("report", "topology.yaml", "-o", ".").status).toBe(2);
  });

  test("graph prints the format that is asked for, and says where Mermaid draws nothing", () => {
    expect(netgen("graph", "topology.yaml").stdout).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(netgen("graph", "topology.yaml", "--format", "dot").stdout).toMatch(/^graph "minimal" \{/);
    expect(netgen("graph", "topology.yaml", "--format", "mermaid").stdout).toMatch(/^flowchart LR\n/);
    writeFileSync(join(home, "many.yaml"), sitesOf({ hosts: 80, sites: 40 }));
    const { status, stderr } = netgen("graph", "many.yaml", "--format", "mermaid");
    expect([status, stderr]).toEqual([2, expect.stringContaining("Mermaid draws no more than 500 lines")]);
  });
});
