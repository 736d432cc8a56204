/** The plan of a roll-out for people: what each host does in the words of its own `apply --check`. */
import { costWords } from "./actions.ts";
import type { Caution } from "./caution.ts";
import type { HostPlan, PlannedAction, RolloutPlan } from "./plan.ts";

const line = (event: string, text: string): string => `  ${event.padEnd(9)} ${text}\n`;

function interruptionWords({ interrupts }: PlannedAction): string {
  if (interrupts === undefined) return "nothing";
  const { of, ...cost } = interrupts;
  return costWords(of.length === 0 ? cost : { ...cost, what: `${cost.what} (${of.join(", ")})` });
}

/** What one host does, a line a step. */
export const stepsText = ({ files, stops, starts, actions }: HostPlan): string =>
  [
    ...files.map(({ path, verdict }) => line(verdict, `/${path}`)),
    ...stops.map((unit) => line("stop", unit)),
    ...starts.map((unit) => line("start", unit)),
    ...actions.map((action) => line("run", `${action.command}; interrupts ${interruptionWords(action)}`)),
  ].join("");

/** A caution with what is dark meanwhile. */
export const cautionText = ({ text, interrupts }: Caution): string =>
  `${text}${interrupts === undefined ? "" : ` Meanwhile dark: ${interrupts}.`}`;

/** Hosts in their order, and before them what has to be known first; empty where there is nothing to do. */
export function renderPlan({ batches, hosts, cautions }: RolloutPlan): string {
  const first = cautions.map((caution) => `! ${caution.kind}: ${cautionText(caution)}\n`);
  const batchText = batches.map((batch, index) => {
    const plans = hosts.filter((each) => each.batch === index + 1);
    if (batch.length === 1) return `\n${index + 1}. ${batch.join()}\n${plans.map(stepsText).join("")}`;
    return `\n${index + 1}. together: ${batch.join(", ")}\n${plans.map((plan) => `  ${plan.host}\n${stepsText(plan)}`).join("")}`;
  });
  return [...first, ...batchText].join("").replace(/^\n/, "");
}
