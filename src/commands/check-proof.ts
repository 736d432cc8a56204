/** `check --proof`: whether what a lab measured still speaks of what a topology compiles to. */
import { shellWord, someOf } from "../base/text.ts";
import { PROMISE_KINDS } from "../lab/measure/promise.ts";
import { hostsApart, isWholeProof, type Proof, parseProof, proofSummary } from "../report/proof.ts";
import { bytesAt } from "../write/look.ts";
import { hostHashes } from "../write/manifest.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { type CommonOptions, type CompiledSession, printSummary, say } from "./session.ts";

const againOf = (path: string, topology: string): string =>
  `netgen lab ${shellWord(topology)} --record ${shellWord(path)}`;

/** The proof in a file. @throws Error where there is none. */
function readProof(path: string, topology: string): Proof {
  const text = bytesAt(path)?.toString();
  if (text === undefined) {
    throw machineError(`--proof: there is no ${path}; prove this topology: ${againOf(path, topology)}`);
  }
  const proof = parseProof(text);
  if (proof === undefined) throw machineError(`--proof: ${path} is no proof of netgen's, or one of another version`);
  return proof;
}

/** A proof, and why it does not speak of what a topology compiles to; `undefined`: it does. */
export interface JudgedProof {
  readonly proof: Proof;
  readonly kinds: readonly string[];
  readonly complaint: string | undefined;
}

/** Reads a proof, and compares what was measured with what is compiled. @throws Error where there is no proof. */
export function judgeProof(path: string, { source, files, model }: CompiledSession): JudgedProof {
  const proof = readProof(path, source.name);
  const judged = { proof, kinds: PROMISE_KINDS };
  const again = againOf(path, source.name);
  if (proof.name !== model?.name) {
    return { ...judged, complaint: `${path} is of another topology, ${proof.name}; prove this one: ${again}` };
  }
  const apart = hostsApart(proof, hostHashes(files));
  if (apart.length === 0) return { ...judged, complaint: undefined };
  const who = `${someOf(apart)} ${apart.length === 1 ? "has" : "have"}`;
  const complaint = `${path} does not speak of this tree any more: ${who} other files than were measured; prove it anew: ${again}`;
  return { ...judged, complaint };
}

/** Says it; 0 where the proof is of this tree and nothing in it is broken, else 1. */
export function checkProof(path: string, session: CompiledSession, options: CommonOptions): number {
  const { proof, kinds, complaint } = judgeProof(path, session);
  if (complaint !== undefined) {
    say(`netgen: ${complaint}\n`);
    return EXIT_TOPOLOGY;
  }
  printSummary(proofSummary(proof, kinds), options);
  return isWholeProof(proof) ? EXIT_DONE : EXIT_TOPOLOGY;
}
