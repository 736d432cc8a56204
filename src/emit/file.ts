/** One file of one host. `path` begins with the host's name; what follows is its path on that host. */
export interface OutputFile {
  readonly path: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  /** Commands to run on the host, in this order, once the file has changed there. May be empty. */
  readonly after: readonly string[];
  /** Commands besides those, where lines changed that match a POSIX extended regular expression. */
  readonly afterLines?: readonly { readonly lines: string; readonly command: string }[];
  /** Commands besides those, once no file says any more what this one said. */
  readonly gone?: readonly string[];
  /** The bytes, in order. Chunks may be shared between files: never write into one. */
  readonly content: readonly Uint8Array[];
}

/** The length of a file in bytes. */
export function sizeOf(content: OutputFile["content"]): number {
  return content.reduce((size, chunk) => size + chunk.length, 0);
}

/** Bytes in one piece. */
export function joined(content: OutputFile["content"]): Uint8Array {
  const whole = new Uint8Array(sizeOf(content));
  let offset = 0;
  for (const chunk of content) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** The bytes of a file in one piece. */
export const contentOf = (file: OutputFile): Uint8Array => joined(file.content);
