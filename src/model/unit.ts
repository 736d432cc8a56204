/** Systemd units, by their names. */

/** Whether a unit of these runs from its boot on: not what a timer among them starts, and ends, nor what comes and goes with Docker. */
export const isLasting = (unit: string, units: readonly string[]): boolean =>
  !(unit.endsWith(".service") && units.includes(unit.replace(/service$/, "timer"))) &&
  !unit.endsWith("-docker.service");
