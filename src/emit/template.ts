/** Prints views through the precompiled templates. The only importer of nunjucks. */
// Minified: Node searches the whole text of a CommonJS module for what it exports, and starts 10 ms later with the other.
import nunjucks, { type Frame } from "nunjucks/browser/nunjucks-slim.min.js";
import { InternalError, must } from "../base/invariant.ts";
import { templates } from "./templates.generated.ts";

/** What a template may see: text, claims, lists and records of these. Numbers are formatted before they get here. */
export type View = { readonly [name: string]: string | boolean | readonly string[] | View | readonly View[] };

type Done = (error: Error | null, ...results: readonly unknown[]) => void;
type Task = (...args: readonly unknown[]) => void;

interface Compiled {
  readonly root: (
    environment: object,
    context: object,
    frame: Frame,
    runtime: object,
    done: (error: Error | null, text?: string) => void,
  ) => void;
}

/** What a compiled template may ask for: with nunjucks' own environment, each of many small prints takes twice as long. */
const environment = {
  getTemplate(name: string, ...[, , , done]: readonly [boolean, string, boolean, Done]): void {
    // An include sees the names around it.
    const include = ({ view }: { view: View }, frame: Frame, printed: Done): void =>
      printed(null, run(name, view, frame.push(true)));
    done(null, { render: include });
  },
  waterfall(tasks: readonly Task[], done: () => void): void {
    let results: readonly unknown[] = [];
    for (const task of tasks) task(...results, (_: Error | null, ...next: readonly unknown[]) => (results = next));
    done();
  },
};

/** All of it is synchronous, so that an error can be thrown where nunjucks would hand it on. */
function run(name: string, view: View, frame: Frame): string {
  const { root } = must(templates[name] as Compiled | undefined, `the template ${name} exists`);
  const variables = { view };
  const context = { lookup: (key: "view") => variables[key], getVariables: () => variables };
  let printed = "";
  root(environment, context, frame, nunjucks.runtime, (error, text = "") => {
    if (error) throw error;
    printed = text;
  });
  return printed;
}

// nunjucks asks arrays and its own runtime values for these; everything else must be in the view.
const ALWAYS_KNOWN = new Set<string | symbol>([
  "length",
  "then",
  Symbol.iterator,
  Symbol.toPrimitive,
  Symbol.toStringTag,
  "toString",
]);

/** The view, except that reading a name it does not define is a defect of netgen instead of an empty text. */
function strict<T extends object>(view: T, path: string): T {
  return new Proxy(view, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (value === undefined && !ALWAYS_KNOWN.has(name)) {
        throw new InternalError(`a template read ${path}.${String(name)}, which the view does not define`);
      }
      if (typeof value !== "object" || value === null) return value;
      return strict(value, `${path}.${String(name)}`);
    },
  });
}

/**
 * Prints a view through a template: `render("frr/frr.conf.njk", view)`.
 * @throws InternalError when the template does not exist or reads what the view does not define.
 */
export function render(name: string, view: View): string {
  try {
    return run(name, strict(view, "view"), new nunjucks.runtime.Frame());
  } catch (error) {
    // nunjucks wraps whatever is thrown while it prints in an error of its own.
    throw new InternalError(error instanceof Error ? error.message : String(error));
  }
}

const encoder = new TextEncoder();

export function encode(text: string): Uint8Array {
  return encoder.encode(text);
}
