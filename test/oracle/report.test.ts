/** The report in a real browser, and the graph read by Graphviz. Needs chromium and graphviz. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AxeResults } from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { compile } from "../../src/compile.ts";
import { contentsOf } from "../../src/deliver/contents.ts";
import { planGuests } from "../../src/lab/plan/guests.ts";
import { diagramOf } from "../../src/report/draw/diagram.ts";
import { renderDot } from "../../src/report/draw/dot.ts";
import { endsOutside } from "../../src/report/draw/layers.ts";
import { renderTraceSvg } from "../../src/report/draw/trace-svg.ts";
import { reportMtu } from "../../src/report/mtu.ts";
import { lossesFor } from "../../src/report/page/losses.ts";
import { renderPage } from "../../src/report/page/page.ts";
import { flowBetween, partiesNamed } from "../../src/ways/party.ts";
import { traceFlow } from "../../src/ways/trace.ts";
import { waysOf } from "../../src/ways/ways.ts";
import { sourceOf } from "../fixtures.ts";
import { allScenarios, forNow, isWhole, ON_EACH_CHANGE } from "../proofs.ts";
import { sitesOf } from "../sites.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const scenario = (name: string): string =>
  sourceOf(
    must(
      allScenarios.find((each) => each.name === name),
      name,
    ),
  ).text;
const TEXTS = {
  vrfs: scenario("vrfs"),
  remotes: scenario("remotes"),
  "60 hosts": sitesOf({ hosts: 60, sites: 6 }),
  "500 hosts": sitesOf({ hosts: 500, sites: 8, hasHubs: true }),
};
type Name = keyof typeof TEXTS;

let directory: string;
let browser: Browser;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "netgen-report-"));
  for (const [name, text] of Object.entries(TEXTS)) {
    const source = { name: "topology.yaml", text };
    const { model, files, diagnostics } = compile(source);
    const network = must(model, "it compiles");
    const contents = contentsOf(files, network.hosts.length <= 20);
    const losses = lossesFor(waysOf(network, planGuests(network).guests));
    writeFileSync(
      join(directory, `${name}.html`),
      renderPage({ network, source, diagnostics, files: contents, losses }),
    );
  }
  // Root has no sandbox of Chromium's.
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Opens a page; what it complains of and asks for besides itself is kept. */
async function open(name: Name, colorScheme: "light" | "dark", hash = "") {
  // The page's own policy would not let axe in.
  const page = await browser.newPage({ colorScheme, bypassCSP: true, viewport: { width: 1280, height: 900 } });
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  const url = `${pathToFileURL(join(directory, `${name}.html`)).href}${hash}`;
  await page.goto(url);
  return { page, complaints, requests, url };
}

const violationsOf = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(axe);
  const results = (await page.evaluate(`axe.run({ runOnly: ${JSON.stringify(RULES)} })`)) as AxeResults;
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 200)}`),
  );
};

describe.each(Object.keys(TEXTS) as Name[])("the report of %s", (name) => {
  test.each(["light", "dark"] as const)("in %s: no complaint, no request, nothing that axe minds", async (theme) => {
    const { page, complaints, requests, url } = await open(name, theme);
    // Also what is unfolded, and every layer.
    await page.evaluate(
      `document.querySelectorAll("#hosts > details").forEach((host, index) => { host.open = index < 3; })`,
    );
    await page.evaluate(`document.querySelectorAll("fieldset input").forEach((box) => { box.checked = true; })`);
    // Of 500 hosts axe takes half a minute, and sees what it sees of 60.
    if (name === "vrfs" || name === "60 hosts" || isWhole) expect(await violationsOf(page)).toEqual([]);
    expect([complaints, requests]).toEqual([[], [url]]);
    await page.close();
  });
});

describe.each([
  ["two-hubs", "stretched@gamma", "stretched@epsilon"],
  ["fragments", "machines@north", "machines@south"],
  ["dual-stack", "laptop", "tenant"],
] as const)("the trace of %s as a drawing", (name, from, to) => {
  test.each(["light", "dark"] as const)("in %s: each text has room, and nothing that axe minds", async (theme) => {
    const network = must(compile({ name: "topology.yaml", text: scenario(name) }).model, "it compiles");
    const ways = waysOf(network, planGuests(network).guests);
    const flow = must(flowBetween(partiesNamed(ways, from), partiesNamed(ways, to)), "the two can speak");
    const page = await browser.newPage({ colorScheme: theme });
    await page.setContent(
      `<!doctype html><html lang="en"><title>trace</title><main><h1>trace</h1>${renderTraceSvg(traceFlow(ways, flow, undefined))}</main>`,
    );
    const crowded = await page.evaluate(`(() => {
      const svg = document.querySelector("svg");
      const texts = [...svg.querySelectorAll("text")].map((text) => ({ words: text.textContent, box: text.getBBox() }));
      const whole = svg.viewBox.baseVal;
      const over = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height - 2 && b.y < a.y + a.height - 2;
      return texts.flatMap(({ words, box }, index) => [
        ...(box.x < 0 || box.x + box.width > whole.width || box.y + box.height > whole.height ? [words] : []),
        ...texts.slice(index + 1).filter((other) => over(box, other.box)).map((other) => words + " over " + other.words),
      ]);
    })()`);
    expect(crowded).toEqual([]);
    expect(await violationsOf(page)).toEqual([]);
    await page.close();
  });
});

describe("in the page", () => {
  test("its own policy lets its script run", async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(pathToFileURL(join(directory, "vrfs.html")).href);
    expect(await page.isVisible("#search")).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a link unfolds its host, and lists its files where there are many", async () => {
    const { page } = await open("500 hosts", "light", "#host-host77");
    expect(await page.getAttribute("#host-host77", "open")).toBe("");
    await page.waitForSelector("#host-host77 pre.list");
    const list = (await page.textContent("#host-host77 pre.list")) ?? "";
    const { files } = compile({ name: "t", text: TEXTS["500 hosts"] });
    const own = contentsOf(files, false).filter(({ host }) => host === "host77");
    const lines = own.map(({ path, bytes, sha256 }) => `${sha256.slice(0, 9)}  ${String(bytes).padStart(7)}  /${path}`);
    expect(list.split("\n")).toEqual(lines);
    await page.click('svg a[href="#host-host78"]');
    expect(await page.getAttribute("#host-host78", "open")).toBe("");
    await page.close();
  });

  test("a link that leads nowhere stops nothing", async () => {
    const { page, complaints } = await open("60 hosts", "light", "#%");
    await page.keyboard.press("/");
    await page.keyboard.type("host17");
    expect([await page.textContent("#found"), complaints]).toEqual(["1 of 60", []]);
    await page.close();
  });

  test("the search finds by name and address, and the first is one key away", async () => {
    const { page } = await open("60 hosts", "light");
    await page.keyboard.press("/");
    await page.keyboard.type("10.0.0.17");
    expect(await page.textContent("#found")).toBe("1 of 60");
    expect(await page.locator("svg a.hit").count()).toBe(1);
    await page.keyboard.press("Enter");
    expect(new URL(page.url()).hash).toBe("#host-host17");
    expect(await page.getAttribute("#host-host17", "open")).toBe("");
    await page.fill("#search", "nobody");
    expect(await page.textContent("#found")).toBe("0 of 60");
    await page.press("#search", "Escape");
    expect(await page.locator("#hosts > details:visible").count()).toBe(60);
    await page.close();
  });

  test("a layer shows when its box is ticked, with scripts or without", async () => {
    const page = await browser.newPage({ javaScriptEnabled: false });
    await page.goto(pathToFileURL(join(directory, "vrfs.html")).href);
    expect(await page.isVisible(".layer-0")).toBe(false);
    await page.check("#layer-0");
    expect(await page.isVisible(".layer-0")).toBe(true);
    await page.click('svg a[href="#host-alpha"]');
    await page.click("#host-alpha > summary");
    expect(await page.textContent("#host-alpha dl")).toContain("192.0.2.1:51820");
    await page.close();
  });

  test("the button changes the theme, and it is kept", async () => {
    const { page, url } = await open("vrfs", "light");
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.click("#theme");
    expect(await ground()).toBe(light);
    await page.click("#theme");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.goto(`${url}#mtu`);
    await page.reload();
    expect([await ground(), await page.textContent("#theme")]).toEqual([dark, "Theme: dark"]);
    await page.close();
  });

  test.each(["vrfs", "60 hosts"] as const)(
    "on paper nothing of %s is cut off, whatever the screen showed",
    async (name) => {
      const { page } = await open(name, "dark");
      await page.click("#theme");
      await page.click("#theme");
      await page.uncheck("#tunnels");
      await page.emulateMedia({ media: "print" });
      // A4 without its margins, in pixels of CSS.
      await page.setViewportSize({ width: 687, height: 1016 });
      const wide = await page.evaluate(
        `[...document.querySelectorAll("main *")].filter((each) => each.closest("svg") === null && each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML.slice(0, 120))`,
      );
      expect(wide).toEqual([]);
      const end = await page.evaluate("document.querySelector('figure').getBoundingClientRect().bottom + scrollY");
      expect(end).toBeLessThan(1016);
      const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(await ground()).toBe("rgb(255, 255, 255)");
      // What is shown has its colour explained, and nothing else.
      expect(await page.locator("fieldset label:visible").count()).toBe(
        (await page.locator("fieldset input:checked").count()) as number,
      );
      await page.close();
    },
  );

  test("on paper all is unfolded", async () => {
    const { page } = await open("remotes", "dark");
    const pdf = await page.pdf();
    expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
    // Folded up it is two.
    expect([...pdf.toString("latin1").matchAll(/\/Type \/Page\b/g)].length).toBeGreaterThan(4);
    await page.close();
  });
});

const scenarios = forNow(allScenarios, ({ name }) => ON_EACH_CHANGE.has(name), "graphs for Graphviz");
test.each(scenarios)("Graphviz reads the graph of $name, with every host and tunnel in it", (fixture) => {
  const network = must(compile(sourceOf(fixture)).model, "it compiles");
  const diagram = diagramOf(network, reportMtu(network));
  const { status, stdout, stderr } = spawnSync("dot", ["-Tcanon"], { input: renderDot(diagram), encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect([...stdout.matchAll(/^\t+n\d+\t.*label=/gm)]).toHaveLength(network.hosts.length);
  const ways = diagram.layers.filter(endsOutside).reduce((sum, { members }) => sum + members.size, 0);
  expect([...stdout.matchAll(/ -- /g)]).toHaveLength(diagram.links.length + ways);
});
