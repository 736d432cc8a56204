/** What the units of systemd-networkd have in common. */
import type { View } from "./template.ts";

// Of several .network files that match a link the first one wins, and catch-alls are customarily 70 to 99.
type Order = "05" | "20";

/** A file of systemd-networkd. */
export interface Unit {
  readonly order: Order;
  /** What it is for and of which kind: `br100.netdev`. */
  readonly file: string;
  readonly template: string;
  readonly view: View;
  readonly after: readonly string[];
  readonly gone?: readonly string[];
}

export const RELOAD = "networkctl reload";

export function unit(name: string, kind: "netdev" | "network", [template, view]: readonly [string, View]): Unit {
  const file = `${name}.${kind}`;
  return { order: "20", file, template: `${template}.${kind}.njk`, view: { ...view, name }, after: [RELOAD] };
}

/**
 * networkd never changes the VNI, the port or the learning of a device that exists (nor do older ones anything else), so
 * a vxlan goes first, and so does a VRF, whose table has to change. So do a VLAN's
 * device, and the link of what is cut up, on which no guest hangs. Never another bridge: guests hang on it, and it may be the
 * user's.
 */
export function remadeDevice(name: string, print: readonly [string, View]): Unit {
  return { ...unit(name, "netdev", print), after: [`networkctl delete ${name}`, RELOAD] };
}

/** A bridge of netgen's, which outlives every change of it, and how it is to be. */
export const ownBridge = (name: string, view: View): readonly Unit[] => [
  { ...unit(name, "netdev", ["bridge", view]), gone: [`networkctl delete ${name}`] },
  unit(name, "network", ["bridge", view]),
];

/**
 * The same of one that is made anew by a change. What was enslaved to it stays behind, and no reload puts that back: networkd
 * takes it as configured.
 */
export function bothRemade(name: string, kind: string, view: View, enslaved: readonly string[] = []): readonly Unit[] {
  const device = remadeDevice(name, [kind, view]);
  const after = [...device.after, ...enslaved.map((link) => `networkctl reconfigure ${link}`)];
  return [{ ...device, after }, unit(name, "network", [kind, view])];
}
