/** One file of one host. `path` begins with the host's name; what follows is its path on that host. */
export interface OutputFile {
  readonly path: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  /** The bytes, in order. Chunks may be shared between files: never write into one. */
  readonly content: readonly Uint8Array[];
}

/** The bytes of a file in one piece. */
export function contentOf(file: OutputFile): Uint8Array {
  const whole = new Uint8Array(file.content.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of file.content) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
