/** What a roll-out would do, in the page: in which order hosts change, and what each of them does. */
import { grouped } from "../../base/grouped.ts";
import { counted } from "../draw/diagram.ts";
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

/** Each batch with the numbers of its hosts' steps, and all steps once: hosts that are alike do the same, one after the other. */
function ofMany({ batches, steps }: PlanInWords): Markup {
  const alike = [...grouped(batches.flat(), (name) => steps.get(name) ?? "")];
  const numbers = new Map(alike.flatMap(([, own], index) => own.map((name) => [name, index + 1] as const)));
  const items = batches.map((names) => {
    const groups = [...grouped(names, (name) => numbers.get(name))];
    const shown = groups.map(([number, own]) => [
      hostLinks(own),
      markup` <a href="#steps-${number}">steps ${number}</a>`,
    ]);
    return markup`<li>${separated(shown, "; ")}</li>\n`;
  });
  return markup`<ol class="plan">${items}</ol>
${alike.map(
  ([text, own], index) =>
    markup`<details class="measured" id="steps-${index + 1}"><summary>steps ${index + 1} <small>${counted(own.length, "host")}</small></summary><pre tabindex="0">${text}</pre></details>\n`,
)}`;
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
${isOfMany ? ofMany(plan) : markup`<ol class="plan">${batches.map((names) => markup`<li>${separated(names.map(hostLink))}</li>\n`)}</ol>`}`,
  ];
}
