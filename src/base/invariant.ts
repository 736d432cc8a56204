/** A defect of netgen itself, never of the user's input. */
export class InternalError extends Error {
  override readonly name = "InternalError";
}

/**
 * States what must hold if netgen is right.
 * @throws InternalError when it does not.
 */
export function invariant(condition: boolean, whatMustHold: string): asserts condition {
  if (!condition) throw new InternalError(whatMustHold);
}

/**
 * The value, when something must be there if netgen is right.
 * @throws InternalError when it is `undefined`.
 */
export function must<T>(value: T | undefined, whatMustHold: string): T {
  if (value === undefined) throw new InternalError(whatMustHold);
  return value;
}
