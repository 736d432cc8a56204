import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Code, catalogue } from "../src/base/catalogue.ts";
import { diagnostic } from "../src/base/diagnostic.ts";
import { listFixtures } from "./fixtures.ts";

const codes = Object.keys(catalogue) as Code[];

test("no two parts of the catalogue have the same code", () => {
  const parts = new URL("../src/base/catalogue/", import.meta.url);
  const texts = readdirSync(parts).map((part) => readFileSync(new URL(part, parts), "utf8"));
  const written = texts.flatMap((text) => [...text.matchAll(/^ {2}"([^"]+)": \{$/gm)].map(([, code]) => code));
  expect(written.sort()).toEqual([...codes].sort());
});

// That a fixture does show its code is for the golden tests.
test("every code has a fixture", () => {
  const shown = new Set(listFixtures().map(({ code }) => code));
  expect(codes.filter((code) => !shown.has(code))).toEqual([]);
});

describe.each(codes)("%s", (code) => {
  const { message, hint } = catalogue[code];

  test("is subject-problem in kebab-case", () => {
    expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
  });

  test("message and hint are one sentence each, without a full stop and without blame", () => {
    for (const text of [message, hint]) {
      expect(text).not.toMatch(/[.!]$|^[A-Z][a-z]/);
      expect(text).not.toMatch(/\byou\b|please|invalid|illegal/i);
      expect(text.trim()).toBe(text);
    }
  });

  test("every hole is filled, and what fills it cannot break the line", () => {
    const names = [...`${message} ${hint}`.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
    const params = Object.fromEntries(names.map((name) => [name, "a\nb\u202E"]));
    const made = diagnostic(code, params as never, { start: 0, end: 0 });
    expect(`${made.message} ${made.hint}`).not.toMatch(/\{\w+\}(?<!u\{\w+\})|undefined|[\n\u202E]/);
    expect(made.severity).toBe(catalogue[code].severity);
  });
});
