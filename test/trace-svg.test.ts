/** A trace as a drawing: what is in the boxes is what the trace adds up, and no text leaves its place. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { planGuests } from "../src/lab/plan/guests.ts";
import { renderTraceSvg } from "../src/report/draw/trace-svg.ts";
import { renderTrace } from "../src/report/trace.ts";
import { flowBetween, partiesNamed } from "../src/ways/party.ts";
import { type FlowTrace, traceFlow } from "../src/ways/trace.ts";
import { waysOf } from "../src/ways/ways.ts";
import { sourceOf } from "./fixtures.ts";
import { allScenarios } from "./proofs.ts";

function waysOfFixture(name: string) {
  const found = must(
    allScenarios.find((each) => each.name === name),
    `${name} is a fixture`,
  );
  const network = must(compile(sourceOf(found)).model, "it compiles");
  return waysOf(network, planGuests(network).guests);
}

function traced(name: string, from: string, to: string, bytes?: number): FlowTrace {
  const ways = waysOfFixture(name);
  const flow = must(flowBetween(partiesNamed(ways, from), partiesNamed(ways, to)), "the two can speak");
  return traceFlow(ways, flow, bytes);
}

/** The words of the drawing, in their order. */
const wordsOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text = ""]) => text);

describe.each(allScenarios.map(({ name }) => name))("of %s", (name) => {
  const ways = waysOfFixture(name);
  const names = [...ways.hosts.keys(), ...ways.stations.map((station) => station.name)];
  const traces = names.flatMap((to) => {
    const flow = flowBetween(partiesNamed(ways, must(names[0], "there is a host")), partiesNamed(ways, to));
    return flow === undefined ? [] : [traceFlow(ways, flow, undefined)];
  });

  test("is the same each time, with no number that is none", () => {
    for (const trace of traces) {
      const svg = renderTraceSvg(trace);
      expect(renderTraceSvg(trace)).toBe(svg);
      expect(svg).not.toMatch(/NaN|undefined|Infinity|\[object/);
    }
  });

  test("the boxes of a hop come to what it sends", () => {
    for (const trace of traces) {
      const sums = [...renderTraceSvg(trace).matchAll(/<g class="hop">.*\n/g)].map(([hop]) => {
        const words = wordsOf(hop).slice(3);
        const boxes = words
          .slice(0, -1)
          .flatMap((text) => text.split(" · ").map((part) => Number(/\d+$/.exec(part)?.[0])));
        return [boxes.reduce((sum, bytes) => sum + bytes, 0), Number(/^= (\d+)/.exec(words.at(-1) ?? "")?.[1])];
      });
      expect(sums).toHaveLength(trace.there.hops.length + trace.back.hops.length);
      expect(sums.filter(([sum, sent]) => sum !== sent)).toEqual([]);
    }
  });
});

test("headers lie around the packet in their order on the wire, hop under hop", () => {
  expect(wordsOf(renderTraceSvg(traced("minimal", "guests@alpha", "guests@beta", 1001))).slice(0, 17)).toEqual([
    "guests@alpha (10.77.0.11) → guests@beta (10.77.0.12)",
    "1001 bytes of IPv4 that may not be cut up",
    "there",
    "alpha vx100",
    "frames to beta, in VXLAN",
    "takes 1390 at most, MSS 1350",
    "IPv4 20 · UDP 8 · VXLAN 8 · inner Ethernet 14",
    "packet 1001",
    "= 1051",
    "alpha wg0",
    "route 10.250.0.2/32: to beta, in WireGuard",
    "takes 1440 at most",
    "IPv4 20 · UDP 8 · WireGuard 16",
    "padding 5 · WireGuard tag 16",
    "IPv4 20 · UDP 8 · VXLAN 8 · inner Ethernet 14",
    "packet 1001",
    "= 1116 of 1500 (underlay.pathMtu)",
  ]);
});

test("what does not arrive stands out", () => {
  const svg = renderTraceSvg(traced("minimal", "guests@alpha", "guests@beta", 1500));
  expect([...svg.matchAll(/<text class="refused"[^>]*>([^<]*)/g)].map(([, text]) => text)).toHaveLength(2);
  expect(renderTraceSvg(traced("minimal", "alpha", "beta"))).not.toContain('class="refused"');
});

test("says in words what it draws, for those who do not see it", () => {
  const trace = traced("two-hubs", "stretched@gamma", "stretched@epsilon");
  const svg = renderTraceSvg(trace);
  expect(svg).toContain('role="img" aria-labelledby="title" aria-describedby="words"');
  const described = /<desc id="words">([\s\S]*?)<\/desc>/.exec(svg)?.[1] ?? "";
  expect(described.replaceAll("&gt;", ">")).toBe(renderTrace(trace));
});

test("a name stays text", () => {
  const wild = `<script>alert("1")</script>&'`;
  const trace = traced("minimal", "alpha", "beta");
  const hops = trace.there.hops.map((hop) => ({ ...hop, host: wild, via: wild, to: wild }));
  const end = { name: wild, host: wild, address: trace.to.address };
  const svg = renderTraceSvg({
    ...trace,
    from: end,
    to: end,
    there: { ...trace.there, hops, end: { kind: "arrived", host: wild } },
  });
  const tags = new Set([...svg.matchAll(/<\/?([a-z!]+)/gi)].map(([, tag]) => tag));
  expect([...tags].sort()).toEqual(["desc", "g", "rect", "style", "svg", "text", "title"]);
  expect(svg.replace(/<[^<>]*>/g, "")).not.toMatch(/[<>]/);
});
