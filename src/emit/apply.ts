/** The program that makes a host what its tree says: the same for every way of delivery. */
import { type Emitter, ownPath } from "./context.ts";
import { scriptFile } from "./print.ts";

export const emitApply: Emitter = (host, context) => [
  scriptFile(host, context, { path: ownPath(context, "apply"), template: "delivery/apply.njk", view: {}, after: [] }),
];
