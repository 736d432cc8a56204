/** Something that befalls a host that boots by itself. */
export interface Disturbance {
  readonly what: string;
  readonly command: readonly string[];
  /** The journal is read from where it ends now; else from the last boot on. */
  readonly staysOn: boolean;
  /** A warning that has to be in the journal; `undefined`: none may be. */
  readonly warning: RegExp | undefined;
  /** Does it, and gives what is wrong already, and what is worth telling. */
  readonly disturb: () => Promise<{ readonly wrong: readonly string[]; readonly right: string }>;
}
