/** `--record`: what a lab measured, kept as a file. */
import { accessSync, constants } from "node:fs";
import { basename, dirname } from "node:path";
import { maskKeys } from "../base/key.ts";
import { versions } from "../lab/machine/versions.ts";
import type { PromiseKind } from "../lab/measure/promise.ts";
import type { Results } from "../lab/report.ts";
import { formatProof, parseProof } from "../report/proof.ts";
import { removeTemporary, replaceFile } from "../write/disk.ts";
import { bytesAt } from "../write/look.ts";
import { hostHashes, sha256 } from "../write/manifest.ts";
import { machineError } from "./exit.ts";
import type { CompiledSession } from "./session.ts";
import { version } from "./version.generated.ts";

/** To standard output instead of a file: on one line, after all others. */
export const TO_OUTPUT = "-";

/** @throws Error where the file is no proof, which would be lost, or cannot be written: before a lab is started for it. */
export function demandPlace(path: string | undefined): void {
  if (path === undefined || path === TO_OUTPUT) return;
  accessSync(dirname(path), constants.W_OK);
  const before = bytesAt(path)?.toString();
  if (before !== undefined && parseProof(before) === undefined)
    throw machineError(`--record: ${path} is there and no proof of netgen's; name another file`);
}

/** The lines that a proof goes over, as one. */
const onOneLine = (text: string): string => `${JSON.stringify(JSON.parse(text))}\n`;

export function writeProof(path: string, text: string): void {
  if (path === TO_OUTPUT) return void process.stdout.write(onOneLine(text));
  const directory = dirname(path);
  try {
    replaceFile(directory, { path: basename(path), mode: 0o644, content: [new TextEncoder().encode(text)] });
  } finally {
    removeTemporary(directory);
  }
}

/** A line of a lab elsewhere, as text of a proof; `undefined` where it is another one. */
export function proofIn(line: string): string | undefined {
  const proof = line.startsWith('{"netgenProof":') ? parseProof(line) : undefined;
  return proof && formatProof(proof);
}

export interface Recorded {
  readonly session: CompiledSession;
  readonly results: Results;
  readonly hosts: readonly string[];
  readonly kinds: readonly PromiseKind[];
  readonly isBooting: boolean;
}

/** A proof's text. */
export async function proofOf({ session, results, hosts, kinds, isBooting }: Recorded): Promise<string> {
  const seconds = results.bootSeconds + results.kinds.reduce((sum, each) => sum + each.seconds, 0);
  return formatProof({
    name: results.name,
    version,
    topology: sha256([new TextEncoder().encode(session.source.text)]),
    tree: hostHashes(session.files),
    hosts,
    kinds,
    boot: isBooting,
    ...(await versions()),
    promises: results.kinds
      .flatMap(({ proven }) => proven)
      .map(({ kind, subject, promise, isKept: kept, measured }) => {
        return { kind, subject, promise, kept, measured: maskKeys(measured) };
      }),
    at: new Date().toISOString(),
    seconds: Math.round(seconds),
  });
}
