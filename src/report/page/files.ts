/** The files of hosts: with their texts, or as a list of which there may be many thousands. */
import { grouped } from "../../base/grouped.ts";
import { counted } from "../draw/diagram.ts";
import { type Markup, markup, ownMarkup, type Piece } from "../markup.ts";

/** A file of a host, as a build writes it. */
export interface HostFile {
  readonly host: string;
  /** On the host, without the `/` in front. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** `undefined`: the page is to list it only. */
  readonly text: string | undefined;
}

function fileWithText({ path, bytes, sha256, text }: HostFile): Markup {
  return markup`<details class="file"><summary><code>/${path}</code> <small>${counted(bytes, "byte")}</small></summary>
<p><small>SHA-256 <code>${sha256}</code></small></p>
<pre tabindex="0">${text}</pre></details>
`;
}

/** The files of one host with their texts; what the page only lists, its script does. */
export function filesOf(files: readonly HostFile[]): Piece {
  if (files[0]?.text === undefined) return undefined;
  return markup`<h3>${counted(files.length, "file")}</h3>
<div class="files">${files.map(fileWithText)}</div>`;
}

/** Digits of a hash that stand in the list. */
const SHOWN_DIGITS = 9;

/** Hexadecimal digits as base64url, two thirds as long. */
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
function packed(digits: string): string {
  return digits.replace(/.{3}/g, (three) => {
    const bits = Number.parseInt(three, 16);
    return `${BASE64[bits >> 6]}${BASE64[bits & 63]}`;
  });
}

/** Numbers texts from 0 on, each once. */
class Numbered {
  readonly #numbers = new Map<string, number>();
  of(text: string): number {
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
  get texts(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}

/**
 * All lists of files for the script of the page, as short as may be: paths are numbered, and so are sets of them and lists of
 * their sizes in base 36, which hosts that are made alike have alike; a host has the numbers of its set and of its sizes, and
 * the beginnings of the hashes, six characters each.
 */
export function fileData(files: readonly HostFile[]): Markup {
  const paths = [...new Set(files.map(({ path }) => path))].sort();
  const numbers = new Map(paths.map((path, index) => [path, index]));
  const [sets, sizes] = [new Numbered(), new Numbered()];
  const hosts = [...grouped(files, ({ host }) => host)].map(([host, own]) => {
    const set = sets.of(own.map(({ path }) => numbers.get(path)).join(" "));
    const size = sizes.of(own.map(({ bytes }) => bytes.toString(36)).join(" "));
    return [host, [set, size, own.map(({ sha256 }) => packed(sha256.slice(0, SHOWN_DIGITS))).join("")]];
  });
  const json = JSON.stringify({ paths, sets: sets.texts, sizes: sizes.texts, hosts: Object.fromEntries(hosts) });
  // In a script no entities are read, and no tag may begin.
  return markup`<script type="application/json" id="files">${ownMarkup(json.replaceAll("<", "\\u003c"))}</script>
`;
}
