/** What a lab measured, in the page: whether it still speaks of this network, what is broken, and all that was seen. */
import { grouped } from "../../base/grouped.ts";
import { counted } from "../draw/diagram.ts";
import { type Markup, markup, type Piece } from "../markup.ts";
import { keptOf, type ProofInWords, type RecordedPromise } from "../proof.ts";
import { table } from "./parts.ts";

/** A proof for the page. */
export interface Measured extends ProofInWords {
  /** Why it does not speak of this network; `undefined`: it does. */
  readonly complaint: string | undefined;
}

/** Promises of a kind up to which each is listed; of more there is the number, and the file has them. */
const MAX_LISTED = 200;

const cells = ({ subject, promise, measured }: RecordedPromise): readonly Piece[] => [subject, promise, measured];
const HEADINGS = ["what", "promised", "measured"];

function listOf(kind: string, promises: readonly RecordedPromise[]): Markup {
  const list =
    promises.length > MAX_LISTED
      ? markup`<p>${counted(promises.length, "promise")}: the proof has them one by one.</p>`
      : table(`Promises of ${kind}`, HEADINGS, promises.map(cells));
  return markup`<details class="measured"><summary>${kind} <small>${keptOf(promises)} kept</small></summary>
${list}</details>
`;
}

/** Broken promises first; then each kind, folded up. */
export function measuredPart({ verdict, how, kinds, broken, complaint }: Measured): Piece {
  const rows = [...grouped(broken, ({ kind }) => kind)].flatMap(([kind, own]) =>
    own.map((each) => [kind, ...cells(each)]),
  );
  return [
    complaint !== undefined &&
      markup`<ul class="said"><li class="warning"><b>not of this network</b><br>${complaint}</li></ul>`,
    markup`<p><b>${verdict}</b> ${how}</p>
`,
    table("Broken promises", ["kind", ...HEADINGS], rows),
    kinds.map(({ kind, promises }) => listOf(kind, promises)),
  ];
}
