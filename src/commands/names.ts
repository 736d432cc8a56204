/** What somebody calls a thing of the topology on the command line. */
import { InvalidArgumentError } from "commander";
import { listInWords } from "../base/text.ts";
import { closest } from "../validate/suggest.ts";
import { machineError } from "./exit.ts";

/** Reads one of some names that an option takes. @throws InvalidArgumentError with what was likely meant. */
export const readChoice =
  <T extends string>(names: readonly T[]) =>
  (text: string): T => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const near = closest(text, names);
    throw new InvalidArgumentError(
      near === undefined
        ? `There are ${listInWords(names)}.`
        : `Did you mean "${near}"? There are ${listInWords(names)}.`,
    );
  };

/** What a text may be, for when it is nothing of it. */
export interface Nameable {
  /** `no host and no subnet`. */
  readonly is: string;
  /** Names that may have been meant. */
  readonly names: readonly string[];
  /** What to write where none is near. */
  readonly write: string;
}

export function unknownName(text: string, { is, names, write }: Nameable): Error {
  const near = closest(text, names);
  return machineError(
    `"${text}" is ${is} of the topology; ${near === undefined ? `write ${write}` : `did you mean "${near}"?`}`,
  );
}

/** A thing by its kind and name. */
interface Named {
  readonly kind: string;
  readonly name: string;
}

/** The one thing that a text means. @throws Error when that is nothing, or several. */
export function onlyOne<T extends Named>(text: string, things: readonly T[] | "no-tunnel", nameable: Nameable): T {
  if (things === "no-tunnel") throw machineError(`the hosts that "${text}" names have no tunnel between them`);
  const [thing, ...others] = things;
  if (thing === undefined) throw unknownName(text, nameable);
  if (others.length === 0) return thing;
  const names = listInWords(
    things.map(({ kind, name }) => `${kind}:${name}`),
    "or",
  );
  throw machineError(`"${text}" is the name of more than one thing: write ${names}`);
}
