/** Diagnostics as GitHub's workflow commands: in the log of a job they are annotations of the lines that they are about. */
import type { Severity } from "../base/diagnostic.ts";
import type { Located } from "../base/render.ts";

const COMMANDS: Readonly<Record<Severity, string>> = { error: "error", warning: "warning", note: "notice" };

/** The text of a command, which ends with its line. */
const escapeText = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

/** The value of a property, which ends at a comma, as the last one does at "::". */
const escapeProperty = (text: string): string => escapeText(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

/** Columns are of one line: GitHub drops them where there are several. */
function propertiesOf({ file, line, endLine, column, endColumn, code }: Located): string {
  const columns = line === endLine ? { col: column, endColumn } : {};
  return Object.entries({ file, line, endLine, ...columns, title: code })
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
    .join(",");
}

/** One command a line, with related places and the hint below its message. */
export function renderGithub(diagnostics: readonly Located[]): string {
  return diagnostics
    .map((each) => {
      const related = each.related.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
      const text = [each.message, ...related, `hint: ${each.hint}`].join("\n");
      return `::${COMMANDS[each.severity]} ${propertiesOf(each)}::${escapeText(text)}\n`;
    })
    .join("");
}
