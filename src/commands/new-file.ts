/** How a file comes to be that the user goes on with: it is never put in the place of another. */
import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { machineError } from "./exit.ts";

function openNew(path: string, command: string): number {
  try {
    return openSync(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw machineError(`${path} is there already, and ${command} overwrites nothing; name another file`);
  }
}

/** Writes a file that is not there yet, whole or not at all. */
export function writeNew(path: string, text: string, command: string): void {
  const descriptor = openNew(path, command);
  try {
    writeFileSync(descriptor, text);
  } catch (error) {
    // On a full disk; half a file would stand in the way of the next try.
    rmSync(path, { force: true });
    throw Object.assign(error as Error, { path });
  } finally {
    closeSync(descriptor);
  }
}
