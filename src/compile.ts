/** The pipeline: parse → validate → laws → resolve → checks → emit. The only place that knows the order and decides to stop. */
import { type Diagnostic, hasErrors, sortDiagnostics } from "./base/diagnostic.ts";
import type { Source } from "./base/source.ts";
import { besideUnfit, checkBeside } from "./checks/beside.ts";
import { runChecks } from "./checks/index.ts";
import type { OutputFile } from "./emit/file.ts";
import { emitNetwork } from "./emit/index.ts";
import { applyLaws } from "./laws/index.ts";
import type { Network } from "./model/network.ts";
import { parseYaml } from "./parse/yaml.ts";
import { resolveNetwork } from "./resolve/resolve.ts";
import { validate } from "./validate/validate.ts";

export interface CompileOptions {
  /** Public keys by host name, for hosts whose key is not in the topology. Private keys never come in here. */
  readonly publicKeys?: Readonly<Record<string, string>>;
  /** Other fleets, with hosts that are the same machines: what they have there is not to be had twice. */
  readonly beside?: readonly BesideInput[];
}

/** Another fleet's topology, with public keys as in {@link CompileOptions}. */
export interface BesideInput {
  readonly source: Source;
  readonly publicKeys?: Readonly<Record<string, string>>;
}

export interface Compilation {
  /** Sorted by path; empty when there is an error. */
  readonly files: readonly OutputFile[];
  /** The systemd units to enable, by host name. */
  readonly units: Readonly<Record<string, readonly string[]>>;
  /**
   * By the name of a device that an app configures (`platform: wireguard-app`), which gets no files: what its app takes in,
   * but for PrivateKey and PresharedKey.
   */
  readonly configurations: Readonly<Record<string, string>>;
  /** `undefined` when the text could not be understood well enough to have one. */
  readonly model: Network | undefined;
  /** Sorted by their place in the text. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What is known of a topology before any file is made of it. */
export type Judgement = Pick<Compilation, "model" | "diagnostics">;

/** What is wrong with it as one of several fleets; nothing before it is right by itself. */
function judgeBeside(network: Network, beside: readonly BesideInput[]): readonly Diagnostic[] {
  return beside.flatMap(({ source, publicKeys = {} }) => {
    const { model, diagnostics } = judge(source, { publicKeys });
    const isFit = model !== undefined && !hasErrors(diagnostics);
    return isFit ? checkBeside(network, { network: model, source }) : [besideUnfit(network, source)];
  });
}

/** Compiles one topology as far as to say what is wrong with it. */
export function judge(source: Source, { publicKeys = {}, beside = [] }: CompileOptions = {}): Judgement {
  const stop = (diagnostics: readonly Diagnostic[], model?: Network): Judgement => ({
    model,
    diagnostics: sortDiagnostics(diagnostics),
  });

  const parsed = parseYaml(source);
  if (parsed.value === undefined) return stop(parsed.diagnostics);

  const validated = validate(parsed.value);
  const read = [...parsed.diagnostics, ...validated.diagnostics];
  if (validated.value === undefined) return stop(read);

  // What has a mistake is left out of the topology: the rest is judged all the same.
  const resolved = resolveNetwork(validated.value, { publicKeys, topologyName: source.name });
  const model = resolved.value;
  const later = [...applyLaws(validated.value), ...resolved.diagnostics, ...runChecks(model)];
  const all = [...read, ...later.filter((each) => !validated.unsure.has(each.code))];
  return stop(hasErrors(all) ? all : [...all, ...judgeBeside(model, beside)], model);
}

/** What a topology compiles to that was judged before; nothing where there is an error. */
export function emitJudged({ model, diagnostics }: Judgement): Compilation {
  const isFit = model !== undefined && !hasErrors(diagnostics);
  return { ...(isFit ? emitNetwork(model) : { files: [], units: {}, configurations: {} }), model, diagnostics };
}

/** Compiles one topology. Pure and synchronous: the same input gives the same bytes, on any machine, on any day. */
export function compile(source: Source, options: CompileOptions = {}): Compilation {
  return emitJudged(judge(source, options));
}
