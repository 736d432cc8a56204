/** What a host has to do for a file that changed to take effect, in the words of systemctl. */

/** For every unit and every drop-in: systemd reads none by itself. */
export const RELOAD_UNITS = "systemctl daemon-reload";

/** Where a restart would interrupt what runs: there would be no routes, no rules, no way out in between. */
export const reload = (unit: string): string => `systemctl reload ${unit}`;

/** Where the program takes nothing over while it runs. */
export const restart = (unit: string): string => `systemctl restart ${unit}`;
