/** `netgen describe` in words. */
import type { Description, Fact, Look } from "./description.ts";

const KIND_IN_WORDS = { host: "host", subnet: "subnet", vrf: "VRF", link: "link", site: "site" } as const;

function factLine({ what, is, why }: Fact, previous: string | undefined, width: number): string {
  const name = (what === previous ? "" : what).padEnd(width);
  return `  ${name}  ${is}${why === undefined ? "" : `: ${why}`}`;
}

/** Commands by the host that each is for, in their order; a number of its own each, to be spoken of. */
function lookLines(looks: readonly Look[]): readonly string[] {
  return looks.flatMap(({ on, command, good }, index) => [
    ...(on === looks[index - 1]?.on ? [] : [`to look on ${on}, in this order`]),
    `  ${index + 1}. ${command}`,
    `     good: ${good}`,
  ]);
}

/** The description for people. */
export function renderDescription({ kind, name, facts, dependents, looks }: Description): string {
  const width = Math.max(...facts.map(({ what }) => what.length));
  return [
    `${KIND_IN_WORDS[kind]} ${name}`,
    ...facts.map((each, index) => factLine(each, facts[index - 1]?.what, width)),
    "depends on it",
    ...(dependents.length === 0
      ? ["  nobody more than on any other"]
      : dependents.map(({ who, loses }) => `  ${who}: ${loses}`)),
    ...lookLines(looks),
    "",
  ].join("\n");
}
