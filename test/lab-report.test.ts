/** What a lab run prints: every promise in its order with its command, and a summary that cannot be green by mistake. */
import { describe, expect, test } from "vitest";
import { labScreen } from "../src/commands/lab-screen.ts";
import type { Proven } from "../src/lab/measure/promise.ts";
import {
  inOrder,
  isAllKept,
  type KindResult,
  type Results,
  renderPromiseJson,
  renderSummary,
  textReport,
} from "../src/lab/report.ts";

function proven(subject: string, more: Partial<Proven> = {}): Proven {
  return {
    kind: "handshake",
    subject,
    promise: "a handshake",
    command: "netgen lab exec alpha -- wg show",
    isKept: true,
    measured: "seen",
    seconds: 1.23456,
    ...more,
  };
}

const plain = (text: string): string => text;

/** What a text report prints of promises of one kind. */
function printed(all: readonly Proven[], isQuiet = false): string {
  let text = "";
  const report = textReport(
    (more) => {
      text += more;
    },
    plain,
    isQuiet,
  );
  for (const [index, each] of all.entries()) report(each, index === all.length - 1);
  return text;
}

describe("as text", () => {
  test("neighbours that have a command in common share the line that says it", () => {
    const other = { command: "netgen lab exec beta -- wg show" };
    expect(printed([proven("alpha -> beta"), proven("alpha -> gamma"), proven("beta -> alpha", other)])).toBe(
      `ok    handshake     alpha -> beta: a handshake: seen
ok    handshake     alpha -> gamma: a handshake: seen
      $ netgen lab exec alpha -- wg show
ok    handshake     beta -> alpha: a handshake: seen
      $ netgen lab exec beta -- wg show
`,
    );
  });

  test("what programs said changes no terminal, and names no key", () => {
    const key = "kKQ1mZ4m0b0cq2v4nT7w8yYbU9sXe3LrJt5pWz1aG2M=";
    const measured = `set wg0 private-key ${key}\nwg: \u001b]0;owned\u0007 ${key.slice(0, -1)} \u202e`;
    const text = printed([proven("alpha", { isKept: false, measured })]);
    expect(text).toContain("private-key kKQ1****");
    expect(text).toContain("\\u{1b}]0;owned\\u{7}");
    expect(text).toContain("\\u{202e}");
    for (const said of [text, renderPromiseJson(proven("alpha", { measured }))])
      expect(said).not.toContain(key.slice(4, 20));
  });

  test("a broken promise has its command directly below it", () => {
    const broken = { isKept: false, measured: "none within 20 s" };
    expect(printed([proven("alpha -> beta"), proven("alpha -> gamma", broken), proven("alpha -> delta")])).toBe(
      `ok    handshake     alpha -> beta: a handshake: seen
      $ netgen lab exec alpha -- wg show
FAIL  handshake     alpha -> gamma: a handshake: none within 20 s
      $ netgen lab exec alpha -- wg show
ok    handshake     alpha -> delta: a handshake: seen
      $ netgen lab exec alpha -- wg show
`,
    );
  });

  test("the words of a program that failed stand below, and none of its bytes reaches the terminal", () => {
    const text = printed([proven("alpha", { isKept: false, measured: "ended with 1:\n\u001b[31mno\u0007\nsuch\n" })]);
    expect(text).toMatch(
      /^FAIL {2}handshake {5}alpha: a handshake: ended with 1:\n {6}\| .*no.*\n {6}\| such\n {6}\$ /,
    );
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  test("of a flood the end is kept", () => {
    const flood = Array.from({ length: 1000 }, (_, index) => `line ${index}`).join("\n");
    const lines = printed([proven("alpha", { isKept: false, measured: flood })]).split("\n");
    expect(lines.length).toBeLessThan(25);
    expect(lines.at(-3)).toBe("      | line 999");
  });

  test("quietly, only what is broken", () => {
    const broken = proven("alpha -> gamma", { isKept: false });
    const [, verdict] = printed([proven("alpha -> beta"), broken, proven("alpha -> delta")], true).split(/^/m);
    expect(verdict).toBe("      $ netgen lab exec alpha -- wg show\n");
    expect(printed([proven("alpha -> beta")], true)).toBe("");
  });
});

test("promises are handed on in their order, each as soon as it can be", () => {
  const seen: string[] = [];
  const onProven = inOrder(({ subject }, isLast) => seen.push(isLast ? `${subject} last` : subject));
  onProven(proven("c"), 2, 3);
  expect(seen).toEqual([]);
  onProven(proven("a"), 0, 3);
  expect(seen).toEqual(["a"]);
  onProven(proven("b"), 1, 3);
  expect(seen).toEqual(["a", "b", "c last"]);
  // The next kind begins anew.
  onProven(proven("d"), 0, 1);
  expect(seen.at(-1)).toBe("d last");
});

test("as JSON a promise is an object on a line", () => {
  const line = renderPromiseJson(proven("alpha -> beta", { measured: "two\nlines" }));
  expect(line.endsWith("}\n")).toBe(true);
  expect(line.trimEnd()).not.toContain("\n");
  expect(JSON.parse(line)).toEqual({
    kind: "handshake",
    subject: "alpha -> beta",
    promise: "a handshake",
    kept: true,
    measured: "two\nlines",
    command: "netgen lab exec alpha -- wg show",
    seconds: 1.235,
  });
});

describe("the summary", () => {
  const kind = (name: Proven["kind"], ...kept: readonly boolean[]): KindResult => ({
    kind: name,
    proven: kept.map((isKept) => proven("alpha", { kind: name, isKept })),
    seconds: 2,
  });
  const results = (...kinds: readonly KindResult[]): Results => ({ name: "two", hosts: 2, bootSeconds: 3.14, kinds });

  test("counts by kind, also where a kind was measured in several goes", () => {
    const all = results(kind("handshake", true, true), kind("evpn"), kind("mtu", true), kind("mtu", false, true));
    expect(renderSummary(all)).toBe(
      `      handshake         2 of 2 kept     2.0 s
      mtu               2 of 3 kept     4.0 s
two: 1 of 5 promises are broken; 2 hosts up in 3.1 s, proven in 8.0 s
`,
    );
    expect(isAllKept(all)).toBe(false);
  });

  test("says so when all were kept", () => {
    const all = results(kind("handshake", true, true));
    expect(renderSummary(all)).toContain("two: all 2 promises are kept; 2 hosts up");
    expect(isAllKept(all)).toBe(true);
  });
});

describe("progress", () => {
  const CLEAR = "\r\u001b[K";

  function screenOf(columns: number | undefined) {
    const written: string[] = [];
    const clock = { now: 1000 };
    const write = (text: string): number => written.push(text);
    const screen = labScreen({ write, now: () => clock.now, hosts: ["alpha", "beta"], columns });
    return { written, clock, screen };
  }

  test("without a terminal it is lines, one for each phase and host", () => {
    const { written, clock, screen } = screenOf(undefined);
    screen.onPhase("underlay");
    clock.now += 1500;
    screen.onPhase("hosts");
    screen.onBooted("beta");
    screen.onPhase("mtu");
    screen.onPhase("mtu");
    screen.onCount(1, 2, 0);
    screen.end();
    expect(written).toEqual([
      "underlay: begun after 0.0 s\n",
      "hosts: begun after 1.5 s\n",
      "beta: up after 1.5 s\n",
      "proving mtu: begun after 1.5 s\n",
    ]);
  });

  test("on a terminal one line stands at the bottom, no wider than it, and is gone in the end", () => {
    const { written, clock, screen } = screenOf(40);
    screen.onPhase("hosts");
    expect(written.at(-1)).toBe(`${CLEAR}booting: 0 of 2 up, waiting for alpha, `);
    clock.now += 2000;
    screen.onBooted("alpha");
    expect(written.slice(-3).join("")).toBe(
      `${CLEAR}alpha: up after 2.0 s\n${CLEAR}booting: 1 of 2 up, waiting for beta (2`,
    );
    screen.onPhase("mtu");
    screen.onCount(3, 8, 1);
    expect(written.at(-1)).toBe(`${CLEAR}proving mtu: 3 of 8, 1 broken (0.0 s)`);
    screen.end();
    expect(written.at(-1)).toBe(CLEAR);
  });
});
