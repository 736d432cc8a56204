/** A topology's text with one more host in it: all that stood there stays as it was, byte for byte. */
import { type Diagnostic, hasErrors } from "../base/diagnostic.ts";
import type { Source } from "../base/source.ts";
import { type Compilation, type CompileOptions, compile } from "../compile.ts";
import { parseYaml } from "../parse/yaml.ts";
import { isMapping } from "../validate/place.ts";
import { readNodes } from "./collection.ts";
import { nextId } from "./ids.ts";
import { placeHost, placeMember } from "./place.ts";
import { applySplices } from "./splice.ts";
import type { Fields } from "./style.ts";

/** The host that is asked for. */
export interface HostRequest {
  readonly name: string;
  /** What the host says, by the keys of the language, in the order to write them; without an `id` it gets the next. */
  readonly fields: Fields;
  /** Subnets to whose lists of hosts it is added. */
  readonly subnets: readonly string[];
}

/** A topology and what compiling it said. */
export interface Compiled extends Pick<Compilation, "model" | "diagnostics"> {
  readonly source: Source;
}

export type Addition =
  /** `fresh`: what the compiler says now and did not say before; no error but that of a missing key. */
  | { readonly kind: "added"; readonly id: unknown; readonly result: Compiled; readonly fresh: readonly Diagnostic[] }
  /** `result` is the text that the diagnostics speak of: the topology as it is, or as it would be. */
  | { readonly kind: "refused"; readonly result: Compiled }
  /** There is no place to write it. */
  | { readonly kind: "impossible"; readonly reason: string };

/** Adds a host; the topology may have mistakes of its own, as long as it is YAML, but gets no new ones. Pure. */
export function addHost(before: Compiled, request: HostRequest, options: CompileOptions): Addition {
  const { source } = before;
  const { value: tree, diagnostics } = parseYaml(source);
  if (tree === undefined || hasErrors(diagnostics)) return refused(before, diagnostics);
  const complete = withId(tree.value, request);
  const edited = edit(source.text, tree.value, complete);
  if ("reason" in edited) return { kind: "impossible", ...edited };
  const after = { ...source, text: edited.text };
  const { model, diagnostics: found } = compile(after, options);
  const fresh = news(before.diagnostics, found);
  const result = { source: after, model, diagnostics: found };
  // Its key comes next, by another command.
  const errors = fresh.filter(({ severity, code }) => severity === "error" && code !== "public-key-missing");
  if (errors.length > 0) return refused(result, errors);
  if (!isWhatWasAsked(tree.value, complete, after)) {
    return { kind: "impossible", reason: "its anchors and aliases would spread the change to other places" };
  }
  return { kind: "added", id: complete.fields.id, result, fresh };
}

const refused = (result: Compiled, diagnostics: readonly Diagnostic[]): Addition => ({
  kind: "refused",
  result: { ...result, diagnostics },
});

/** The request with an id, and without the subnets that the host is on anyway. */
function withId(topology: unknown, { name, fields, subnets }: HostRequest): HostRequest {
  const site = fields.site ?? at(topology, "hostDefaults", "site");
  const id = fields.id ?? nextId({ topology, site, subnets });
  const isOn = (subnet: string): boolean => {
    const hosts = at(topology, "subnets", subnet, "hosts");
    return hosts === "all" || (Array.isArray(hosts) && (hosts.includes(name) || hosts.includes(site)));
  };
  const { id: _, ...rest } = fields;
  return { name, fields: { id, ...rest }, subnets: [...new Set(subnets)].filter((subnet) => !isOn(subnet)) };
}

/** A value some keys down; `undefined` where the way ends. */
function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((inner, key) => (isMapping(inner) ? inner[key] : undefined), value);
}

type Edited = { readonly text: string } | { readonly reason: string };

function edit(text: string, topology: unknown, { name, fields, subnets }: HostRequest): Edited {
  const unknown = subnets.find((subnet) => at(topology, "subnets", subnet) === undefined);
  if (unknown !== undefined) return { reason: `it has no subnet "${unknown}"` };
  const parsed = { text, root: readNodes(text) };
  const placed = [placeHost(parsed, name, fields), ...subnets.map((subnet) => placeMember(parsed, subnet, name))];
  const failed = placed.find((each) => "reason" in each);
  if (failed !== undefined) return failed;
  return {
    text: applySplices(
      text,
      placed.flatMap((each) => ("splices" in each ? each.splices : [])),
    ),
  };
}

/** What is said now and was not said before, wherever it stands. */
function news(before: readonly Diagnostic[], after: readonly Diagnostic[]): readonly Diagnostic[] {
  const said = new Set(before.map(({ code, message }) => `${code} ${message}`));
  return after.filter(({ code, message }) => !said.has(`${code} ${message}`));
}

/** The last look before anybody writes it: the data is what it was, and the host. */
function isWhatWasAsked(topology: unknown, { name, fields, subnets }: HostRequest, after: Source): boolean {
  if (!isMapping(topology)) return false;
  const hosts = { ...(at(topology, "hosts") as object | null), [name]: fields };
  const old = at(topology, "subnets");
  const lists = subnets.map((subnet) => {
    const members = at(old, subnet, "hosts") as readonly unknown[];
    return [subnet, { ...(at(old, subnet) as object), hosts: [...members, name] }] as const;
  });
  const expected = {
    ...topology,
    hosts,
    ...(old === undefined ? {} : { subnets: { ...old, ...Object.fromEntries(lists) } }),
  };
  return JSON.stringify(parseYaml(after).value?.value) === JSON.stringify(expected);
}
