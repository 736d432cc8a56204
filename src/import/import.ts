/** Other tools' configurations in, one topology out, with all that is open. Pure; the texts have no secrets in them any more. */
import { hasErrors } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";
import { compareText } from "../base/text.ts";
import { type Judgement, judge } from "../compile.ts";
import { assemble } from "./assemble.ts";
import { tellDifferences } from "./compare.ts";
import { hostsOfFabric } from "./fabric.ts";
import type { Facts, Finding, Format, Place } from "./facts.ts";
import { gatherFleet } from "./fleet.ts";
import { formatOf, READERS } from "./formats.ts";
import { writeDraft } from "./write.ts";

export interface Import {
  /** `undefined`: there is no host in all of the files. */
  readonly source: Source | undefined;
  /** What the compiler says of it. */
  readonly judgement: Judgement | undefined;
  readonly findings: readonly Finding[];
  /** Files in none of the formats. */
  readonly unknown: readonly string[];
}

/** The facts of all files, by format. */
function readAll(sources: readonly Source[], forced: Format | undefined): Facts & Pick<Import, "unknown"> {
  const byFormat = new Map<Format, Source[]>();
  const unknown: string[] = [];
  for (const source of sources) {
    const format = forced ?? formatOf(source.text);
    if (format === undefined) unknown.push(source.name);
    else byFormat.set(format, [...(byFormat.get(format) ?? []), source]);
  }
  const all = [...byFormat].map(([format, files]) => READERS[format](files));
  return {
    hosts: all.flatMap(({ hosts }) => hosts),
    fabric: all.find(({ fabric }) => fabric !== undefined)?.fabric,
    findings: all.flatMap(({ findings }) => findings),
    unknown,
  };
}

/** What the topology says of itself, with what is open where its author will look for it. */
function headOf(findings: readonly Finding[]): readonly string[] {
  const open = findings.filter(({ kind }) => kind === "question");
  return [
    "Made by netgen import, which changed none of the files that it read. Private keys stay on the hosts, and netgen keys",
    "generate makes new preshared ones: docs/import.md says how the hosts come to them.",
    ...(open.length === 0 ? [] : ["", "Open, by what the files say:"]),
    ...open.map(({ text, places: [place] }) => `- ${placeText(place)}: ${text}`),
  ];
}

const placeText = ({ file, line }: Place): string => `${file}:${line}`;

/** In the order of files and lines. */
function sorted(findings: readonly Finding[]): readonly Finding[] {
  const unlike = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...unlike.values()].sort(
    (a, b) => compareText(a.places[0].file, b.places[0].file) || a.places[0].line - b.places[0].line,
  );
}

/** Makes a topology of the configurations, under the name that it is going to have. */
export function importTopology(sources: readonly Source[], name: string, format?: Format): Import {
  const { hosts, fabric, findings: read, unknown } = readAll(sources, format);
  const findings = [...read];
  const nodes = fabric === undefined ? [] : hostsOfFabric(fabric, hosts, findings);
  const members = gatherFleet([...hosts, ...nodes], findings);
  if (members.length === 0) return { source: undefined, judgement: undefined, findings: sorted(findings), unknown };
  const { draft, nameOf } = assemble(members, fabric, findings);
  const source = { name, text: writeDraft(draft, headOf(sorted(findings))) };
  const judgement = judge(source);
  if (judgement.model !== undefined && !hasErrors(judgement.diagnostics)) {
    const asked = new Set(findings.flatMap(({ kind, places }) => (kind === "question" ? [placeText(places[0])] : [])));
    const differences = tellDifferences(judgement.model, members, nameOf);
    // What does not fit was a question before anything was worked out.
    findings.push(...differences.filter(({ kind, places }) => kind === "note" || !asked.has(placeText(places[0]))));
  }
  return { source, judgement, findings: sorted(findings), unknown };
}
