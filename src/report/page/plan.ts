/** What a roll-out would do, in the page: in which order hosts change, and what each of them does. */
import { grouped } from "../../base/grouped.ts";
import { numberInWords } from "../draw/diagram.ts";
import { type Markup, markup, type Piece } from "../markup.ts";
import { hostLink, hostLinks, separated } from "./parts.ts";

/** A roll-out in the words of `netgen diff --plan`. */
export interface PlanInWords {
  /** What hosts have now: a directory, or a revision of git's. */
  readonly from: string;
  /** What the order alone does not do. */
  readonly cautions: readonly { readonly kind: string; readonly text: string }[];
  /** Hosts that change, in their order; those of a batch at the same time. */
  readonly batches: readonly (readonly string[])[];
  /** What each host does, a line a step. */
  readonly steps: ReadonlyMap<string, string>;
}

/** The steps of a host, beside its files. */
export function stepsOf(host: string, { batches, steps }: PlanInWords): Piece {
  const batch = batches.findIndex((names) => names.includes(host)) + 1;
  if (batch === 0) return markup`<p>Nothing changes here in the roll-out.</p>\n`;
  return markup`<h3>Roll-out, step ${batch} of ${batches.length}</h3>
<pre tabindex="0">${steps.get(host)}</pre>
`;
}

/** Hosts of a batch with the same steps are one line, and the steps stand there where hosts do not have them themselves. */
function batchItem(names: readonly string[], { steps }: PlanInWords, isOfMany: boolean): Markup {
  if (!isOfMany) return markup`<li>${separated(names.map(hostLink))}</li>\n`;
  const alike = [...grouped(names, (name) => steps.get(name) ?? "")];
  return markup`<li>${alike.map(
    ([text, own]) =>
      markup`<details><summary>${numberInWords(own.length)}: ${own.slice(0, 3).join(", ")}${own.length > 3 && " and others"}</summary><p>${hostLinks(own)}</p><pre tabindex="0">${text}</pre></details>`,
  )}</li>
`;
}

/** The order, and before it what has to be known first; steps of each host only where `isOfMany`. */
export function planPart(plan: PlanInWords, isOfMany: boolean): Piece {
  const { from, cautions, batches } = plan;
  return [
    cautions.length > 0 &&
      markup`<ul class="said">${cautions.map(({ kind, text }) => markup`<li class="warning"><b>${kind}</b><br>${text}</li>\n`)}</ul>
`,
    batches.length === 0
      ? markup`<p>Nothing to do: hosts that have ${from} have all of it.</p>`
      : markup`<p>From ${from}, one step after the other; hosts of a step at the same time.</p>
<ol class="plan">${batches.map((names) => batchItem(names, plan, isOfMany))}</ol>`,
  ];
}
