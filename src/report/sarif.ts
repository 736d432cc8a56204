/**
 * Diagnostics as SARIF, the Static Analysis Results Interchange Format 2.1.0 of OASIS, which code scanning and editors
 * read. Section numbers are those of its text.
 */
import { type Code, catalogue } from "../base/catalogue.ts";
import type { Located, Location } from "../base/render.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** Text with nothing in it that is read as a placeholder (3.11.5) or as the middle of a link (3.11.6). */
const plainText = (text: string): string => text.replace(/[{}]/g, "$&$&").replaceAll("](", "] (");

/** A link to a location of the same result (3.11.6). */
const linkTo = (id: number, text: string): string =>
  `[${text.replace(/[{}]/g, "$&$&").replace(/[\\[\]]/g, "\\$&")}](${id})`;

/** A path as a URI relative to the top of the repository, whose place only the reader knows. */
const uriOf = (file: string): string => file.split("/").map(encodeURIComponent).join("/");

const physicalLocation = ({ file, line, column, endLine, endColumn }: Location) => ({
  artifactLocation: { uri: uriOf(file), uriBaseId: "%SRCROOT%" },
  region: { startLine: line, startColumn: column, endLine, endColumn },
});

/** What a code means wherever it is reported: its words, with what they name left open. */
function ruleOf(code: Code) {
  const { severity, message, hint } = catalogue[code];
  const open = (text: string) => ({ text: text.replace(/\{\w+\}/g, "…") });
  return {
    id: code,
    shortDescription: open(message),
    fullDescription: open(message),
    help: open(hint),
    defaultConfiguration: { level: severity },
  };
}

/** One log with one run, of all files together; `version` is netgen's. Without diagnostics it says that there are none. */
export function renderSarif(diagnostics: readonly Located[], version: string): string {
  const codes = [...new Set(diagnostics.map(({ code }) => code))];
  const results = diagnostics.map((each) => ({
    ruleId: each.code,
    ruleIndex: codes.indexOf(each.code),
    level: each.severity,
    message: {
      text: [
        plainText(each.message),
        ...each.related.map(({ message }, id) => linkTo(id, message)),
        plainText(`hint: ${each.hint}`),
      ].join("\n"),
    },
    locations: [{ physicalLocation: physicalLocation(each) }],
    relatedLocations: each.related.map((other, id) => ({
      id,
      physicalLocation: physicalLocation(other),
      message: { text: plainText(other.message) },
    })),
  }));
  const driver = { name: "netgen", semanticVersion: version, rules: codes.map(ruleOf) };
  const run = { tool: { driver }, columnKind: "utf16CodeUnits", results };
  return `${JSON.stringify({ $schema: SCHEMA, version: "2.1.0", runs: [run] }, undefined, 2)}\n`;
}
