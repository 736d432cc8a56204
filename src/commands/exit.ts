/** How a command can end. */

export const EXIT_DONE = 0;
/** The topology has errors. */
export const EXIT_TOPOLOGY = 1;
/** A build would change something. */
export const EXIT_DIFFERENT = 1;
/** Wrong invocation, or a file or directory that cannot be read or written. */
export const EXIT_MACHINE = 2;
/** A bug in netgen. */
export const EXIT_BUG = 70;

/** A mistake in how netgen was called, or a file that is not what it should be: ends with exit code 2. */
export function machineError(message: string): Error {
  return Object.assign(new Error(message), { code: "ENETGEN" });
}
