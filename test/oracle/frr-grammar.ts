/** FRR's grammar, as vtysh lists it: the commands of a block, lines that they take, and where FRR is after a line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./nft-helpers.ts";

/** What `vtysh -C` says of a file. */
export type Reader = (text: string) => string;

/** Of a root directory's vtysh; of this machine's without one. */
export function readerIn(root: string | undefined): Reader {
  return (text) => {
    const directory = mkdtempSync(join(tmpdir(), "netgen-grammar-"));
    writeFileSync(join(directory, "frr.conf"), text);
    const inRoot = 'mount --bind "$1" "$2/mnt"; exec chroot "$2" vtysh -C -f /mnt/frr.conf';
    const said =
      root === undefined
        ? run("vtysh", ["-C", "-f", join(directory, "frr.conf")])
        : run("unshare", ["-m", "sh", "-euc", inRoot, "sh", directory, root]);
    rmSync(directory, { recursive: true });
    return said.output;
  };
}

/** The commands of the block that some lines lead to; hidden ones are not among them. */
export const commandsIn = (read: Reader, way: readonly string[]): readonly string[] =>
  read([...way, "list", ""].join("\n"))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("line "));

const SAMPLES: Readonly<Record<string, string>> = {
  "A.B.C.D": "10.0.0.1",
  "A.B.C.D/M": "10.0.0.0/8",
  "X:X::X:X": "fd00::1",
  "X:X::X:X/M": "fd00::/8",
  "X:X:X:X:X:X": "02:00:00:00:00:01",
  "X:X:X:X:X:X/M": "02:00:00:00:00:00/24",
  "ASN:NN_OR_IP-ADDRESS:NN": "1:1",
  "AA:NN": "1:1",
  "AA:BB:CC": "1:1:1",
  ASNUM: "65001",
  RT: "1:1",
  RTLIST: "1:1",
};

/** A word that a place of the grammar takes: of a range the last number, as the first is often less than others need. */
function sample(place: string): string {
  const word = place.replace(/\.\.\.$/, "");
  const last = /^\((?:-?\d+-)?(\d+)\)$/.exec(word)?.[1];
  if (last !== undefined) return last.length > 5 ? "7" : last;
  return SAMPLES[word] ?? (/^[A-Z][A-Z0-9_]+$/.test(word) ? "NAME" : word);
}

/** Of very many lines that a command takes the first. */
const MAX_LINES = 60;

type Words = readonly string[];
const followed = (before: readonly Words[], after: readonly Words[]): readonly Words[] =>
  before.flatMap((one) => after.map((other) => [...one, ...other])).slice(0, MAX_LINES);

/** Lines that a command takes, one for each choice that it leaves: `a <b|c> [d]`. */
export function linesOf(command: string): readonly string[] {
  const tokens = command.match(/[<>[\]{}|]|\([^)]*\)|[^\s<>[\]{}|(]+/g) ?? [];
  let next = 0;
  const sequence = (end: string | undefined): readonly Words[] => {
    let found: readonly Words[] = [[]];
    while (next < tokens.length && tokens[next] !== "|" && tokens[next] !== end) found = followed(found, item());
    return found;
  };
  const choice = (end: string): readonly Words[] => {
    const all = [...sequence(end)];
    while (tokens[next] === "|") {
      next += 1;
      all.push(...sequence(end));
    }
    next += 1;
    return all;
  };
  const item = (): readonly Words[] => {
    const token = tokens[next] ?? "";
    next += 1;
    if (token === "!") return item();
    if (token === "<") return choice(">");
    if (token === "{") return choice("}");
    if (token === "[") return [[], ...choice("]")];
    return [[sample(token)]];
  };
  const found: Words[] = [];
  while (next < tokens.length) {
    found.push(...sequence(undefined));
    next += 1;
  }
  return found.map((words) => words.join(" "));
}

/** A place in FRR's configuration. */
export interface Place {
  /** The lines that lead there. */
  readonly way: readonly string[];
  /** A line that FRR knows there, and nowhere around. */
  readonly sentinel: string;
}

/** What became of a line: whether FRR knows it, and whether it is still there after it. */
export interface Fate {
  readonly isKnown: boolean;
  readonly stays: boolean;
}

/** The fate of each line at a place. */
export function fatesOf(read: Reader, { way, sentinel }: Place, lines: readonly string[]): ReadonlyMap<string, Fate> {
  const size = way.length + 2;
  const said = read(`${lines.flatMap((line) => [...way, line, sentinel]).join("\n")}\n`);
  const wrong = new Set([...said.matchAll(/^line (\d+): %/gm)].map(([, number]) => Number(number)));
  return new Map(
    lines.map((line, index) => {
      const last = (index + 1) * size;
      return [line, { isKnown: !wrong.has(last - 1), stays: !wrong.has(last) }];
    }),
  );
}
