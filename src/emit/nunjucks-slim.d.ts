/** The part of nunjucks that runs precompiled templates; @types/nunjucks knows only the whole. */
declare module "nunjucks/browser/nunjucks-slim.min.js" {
  interface Loader {
    readonly precompiled: Readonly<Record<string, object>>;
  }
  interface Environment {
    render(name: string, context: object): string;
  }
  interface Slim {
    readonly PrecompiledLoader: new (templates: Readonly<Record<string, object>>) => Loader;
    readonly Environment: new (loader: Loader, options: Readonly<Record<string, boolean>>) => Environment;
  }
  const slim: Slim;
  export default slim;
}
