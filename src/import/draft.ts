/** A topology that is to be written: its values by the keys of the language, and the comments that go with them. */

/** One key and its value on a line of its own, under comments of its own. */
export interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly comments: readonly string[];
}

export const entry = (key: string, value: unknown, ...comments: readonly string[]): Entry => ({ key, value, comments });

/** A named mapping: a host, a subnet. */
export interface Block {
  readonly name: string;
  readonly comments: readonly string[];
  readonly entries: readonly Entry[];
}

export interface Draft {
  /** Sections of single values: `underlay`, `wireguard`, `bgp`. */
  readonly sections: readonly Block[];
  readonly hostDefaults: readonly Entry[];
  readonly hosts: readonly Block[];
  readonly subnets: readonly Block[];
  readonly vrfs: readonly Block[];
}
