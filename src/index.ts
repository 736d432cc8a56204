/** The public API. */

export type { Code } from "./base/catalogue.ts";
export type { Diagnostic, Related, Severity } from "./base/diagnostic.ts";
export { renderJson, renderText } from "./base/render.ts";
export type { Source, Span } from "./base/source.ts";
export { type BesideInput, type Compilation, type CompileOptions, compile } from "./compile.ts";
export { contentOf, type OutputFile } from "./emit/file.ts";
export type { Network } from "./model/network.ts";
