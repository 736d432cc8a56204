/** What sets up tunnels and routes on a host is read there, at night: it stays small. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FIXTURES } from "./fixtures.ts";

test("wg-reload and routes-apply together", () => {
  const scripts = ["wg-reload", "routes-apply"].map((name) => readFileSync(join(FIXTURES, "scripts", name), "utf8"));
  const text = scripts.join("");
  expect(text.length).toBeLessThanOrEqual(8_900);
  expect(text.split("\n").length - 1).toBeLessThanOrEqual(186);
});
