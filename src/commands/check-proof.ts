/** `check --proof`: whether what a lab measured still speaks of what a topology compiles to. */
import { shellWord, someOf } from "../base/text.ts";
import { PROMISE_KINDS } from "../lab/measure/promise.ts";
import { hostsApart, isWholeProof, parseProof, proofSummary } from "../report/proof.ts";
import { bytesAt } from "../write/look.ts";
import { hostHashes } from "../write/manifest.ts";
import { EXIT_DONE, EXIT_TOPOLOGY, machineError } from "./exit.ts";
import { type CommonOptions, type CompiledSession, printSummary, say } from "./session.ts";

/** Says it; 0 where the proof is of this tree and nothing in it is broken, else 1. */
export function checkProof(path: string, { source, files, model }: CompiledSession, options: CommonOptions): number {
  const again = `netgen lab ${shellWord(source.name)} --record ${shellWord(path)}`;
  const text = bytesAt(path)?.toString();
  if (text === undefined) throw machineError(`--proof: there is no ${path}; prove this topology: ${again}`);
  const proof = parseProof(text);
  if (proof === undefined) throw machineError(`--proof: ${path} is no proof of netgen's, or one of another version`);
  if (proof.name !== model?.name) {
    say(`netgen: ${path} is of another topology, ${proof.name}; prove this one: ${again}\n`);
    return EXIT_TOPOLOGY;
  }
  const apart = hostsApart(proof, hostHashes(files));
  if (apart.length > 0) {
    say(
      `netgen: ${path} does not speak of this tree any more: ${someOf(apart)} ${apart.length === 1 ? "has" : "have"} ` +
        `other files than were measured; prove it anew: ${again}\n`,
    );
    return EXIT_TOPOLOGY;
  }
  printSummary(proofSummary(proof, PROMISE_KINDS), options);
  return isWholeProof(proof) ? EXIT_DONE : EXIT_TOPOLOGY;
}
