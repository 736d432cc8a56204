/** Lists of raw lines: what they have in common, whatever reads them. */
import { diagnostic } from "../base/diagnostic.ts";
import { isWireguardKey, keysIn } from "../base/key.ts";
import { entries, keySpan, type Node, type Reader, refuse, report, textAt } from "./reader.ts";

/** The reason why a line is refused, or `undefined`. */
export type Rule = (line: string) => string | undefined;

/** A key, but for one behind the word that wg(8) expects a public key after. */
const holdsSecret = (line: string): boolean =>
  keysIn(line.replace(/\bpeer\s+\S+/g, "")).some(({ key }) => isWireguardKey(key));

function reasonAgainst(line: string, rule: Rule): string | undefined {
  if (line === "") return "it is empty";
  return holdsSecret(line) ? "a key is a secret, and a topology holds none" : rule(line);
}

/** The lines of a list that its rule takes, trimmed; the others are reported. */
export function linesAt(reader: Reader, list: Node, rule: Rule): readonly string[] {
  return entries(list).flatMap((node) => {
    const line = textAt(reader, node);
    if (line === undefined) return [];
    const reason = reasonAgainst(line.trim(), rule);
    if (reason === undefined) return [line.trim()];
    refuse(reader, node, { reason });
    return [];
  });
}

/** A second line of what is said once, and where the first is. */
interface Twice {
  readonly key: string;
  readonly what: string;
  readonly node: Node;
  readonly first: Node;
}

export function reportTwice(reader: Reader, { key, what, node, first }: Twice): void {
  const related = [{ message: "it is set here as well", span: keySpan(reader, first.pointer) }];
  const params = { value: key, reason: `${what} is set twice` };
  report(reader, node.pointer, diagnostic("extra-refused", params, keySpan(reader, node.pointer), related));
}
