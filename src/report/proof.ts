/** What a lab measured, as a file that is kept beside a topology: of which tree, by which programs, and each promise with what came of it. */
import { grouped } from "../base/grouped.ts";
import { isRecord, isText, isTextList, isTextRecord } from "../base/shape.ts";

/** The version of the file's format. */
const PROOF_VERSION = 1;

/** A promise with what was seen, as `netgen lab --format json` has it, but for the times and the commands. */
export interface RecordedPromise {
  readonly kind: string;
  readonly subject: string;
  readonly promise: string;
  readonly kept: boolean;
  readonly measured: string;
}

/** Hashes are SHA-256 in lower-case hexadecimal. */
export interface Proof {
  readonly netgenProof: typeof PROOF_VERSION;
  /** Of the topology. */
  readonly name: string;
  /** Of netgen. */
  readonly version: string;
  /** Hash of the topology's text. */
  readonly topology: string;
  /** Hash of each host's files, of all hosts of the topology. */
  readonly tree: Readonly<Record<string, string>>;
  /** The hosts that were up. */
  readonly hosts: readonly string[];
  /** The kinds of promises that were asked for. */
  readonly kinds: readonly string[];
  /** Whether systemd was process 1 of each. */
  readonly boot: boolean;
  /** The release of the kernel. */
  readonly kernel: string;
  /** Version of Debian's package, by its name. */
  readonly programs: Readonly<Record<string, string>>;
  readonly promises: readonly RecordedPromise[];
  /** When it was measured, in UTC (ISO 8601), and how many seconds that took. */
  readonly at: string;
  readonly seconds: number;
}

/** The file's text: a promise on each line, and what differs from run to run in the last two. */
export function formatProof({ promises, at, seconds, ...head }: Omit<Proof, "netgenProof">): string {
  const fields = Object.entries({ netgenProof: PROOF_VERSION, ...head });
  const lines = fields.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`).join("");
  const list = promises.map((each) => `\n    ${JSON.stringify(each)}`).join(",");
  const times = `  "at": ${JSON.stringify(at)},\n  "seconds": ${seconds}\n`;
  return `{\n${lines}  "promises": [${list}\n  ],\n${times}}\n`;
}

function isPromise(value: unknown): value is RecordedPromise {
  if (!isRecord(value) || typeof value.kept !== "boolean") return false;
  return [value.kind, value.subject, value.promise, value.measured].every(isText);
}

function isProof(value: unknown): value is Proof {
  if (!isRecord(value) || value.netgenProof !== PROOF_VERSION) return false;
  const { name, version, topology, tree, hosts, kinds, boot, kernel, programs, promises, at, seconds } = value;
  if (![name, version, topology, kernel, at].every(isText) || ![hosts, kinds].every(isTextList)) return false;
  if (![tree, programs].every(isTextRecord) || typeof boot !== "boolean" || typeof seconds !== "number") return false;
  return Array.isArray(promises) && promises.every(isPromise);
}

/** Reads a proof; `undefined` when the text is none of this version. */
export function parseProof(text: string): Proof | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isProof(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The hosts whose files are not those that were measured: other ones, new ones, and those that are no more. */
export function hostsApart({ tree }: Proof, now: Readonly<Record<string, string>>): readonly string[] {
  const names = new Set([...Object.keys(tree), ...Object.keys(now)]);
  return [...names].filter((name) => tree[name] !== now[name]).sort();
}

const brokenOf = ({ promises }: Proof): readonly RecordedPromise[] => promises.filter(({ kept }) => !kept);

/** Whether there were promises, and all of them were kept. */
export const isWholeProof = (proof: Proof): boolean => proof.promises.length > 0 && brokenOf(proof).length === 0;

/** What was left out, in words; empty where the whole topology was measured in every way. */
function limits({ hosts, tree, kinds }: Proof, allKinds: readonly string[]): string {
  const absent = Object.keys(tree).filter((name) => !hosts.includes(name));
  const unasked = allKinds.filter((kind) => !kinds.includes(kind));
  const words = [
    ...(absent.length === 0 ? [] : [`without the hosts ${absent.join(", ")}`]),
    ...(unasked.length === 0 ? [] : [`without the kinds ${unasked.join(", ")}`]),
  ];
  return words.length === 0 ? "" : ` Measured ${words.join(" and ")}.`;
}

/** What a proof comes to, for whoever writes it down. */
export interface ProofInWords {
  readonly verdict: string;
  /** When, by which netgen, on how many hosts, with which programs, and what was left out. */
  readonly how: string;
  readonly kinds: readonly { readonly kind: string; readonly promises: readonly RecordedPromise[] }[];
  readonly broken: readonly RecordedPromise[];
}

export function proofInWords(proof: Proof, allKinds: readonly string[]): ProofInWords {
  const { promises, at, version, hosts, boot, kernel, programs } = proof;
  const broken = brokenOf(proof);
  const verdict =
    promises.length === 0
      ? "No promise was measured."
      : broken.length === 0
        ? `All ${promises.length} promises are kept.`
        : `${broken.length} of ${promises.length} promises are broken.`;
  const tools = Object.entries(programs).map(([name, of]) => `${name} ${of}`);
  const machines = `${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}${boot ? " that booted by themselves" : ""}, Linux ${kernel}, ${tools.join(", ")}`;
  const kinds = [...grouped(promises, ({ kind }) => kind)].map(([kind, own]) => ({ kind, promises: own }));
  const how = `${at.slice(0, "2026-11-28".length)}, netgen ${version}: ${machines}.${limits(proof, allKinds)}`;
  return { verdict, how, kinds, broken };
}

export const keptOf = (promises: readonly RecordedPromise[]): string =>
  `${promises.filter(({ kept }) => kept).length} of ${promises.length}`;

/** In Markdown, for a README or a merge request: the verdict, what it was measured with, and a row for each kind. */
export function proofSummary(proof: Proof, allKinds: readonly string[]): string {
  const { verdict, how, kinds, broken } = proofInWords(proof, allKinds);
  const rows = kinds.map(({ kind, promises }) => `| ${kind} | ${keptOf(promises)} |\n`);
  const lines = broken.map((each) => `- ${each.kind}: ${each.subject}: ${each.promise}: ${each.measured}\n`);
  return (
    `**${verdict}** ${how}\n\n` +
    `| promises | kept |\n|---|---|\n${rows.join("")}${lines.length === 0 ? "" : `\n${lines.join("")}`}`
  );
}
