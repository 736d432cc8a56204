/** The part of nunjucks that precompiled templates call while they print; @types/nunjucks knows only the whole. */
declare module "nunjucks/browser/nunjucks-slim.min.js" {
  export interface Frame {
    push(isolateWrites?: boolean): Frame;
  }
  interface Slim {
    readonly runtime: { readonly Frame: new () => Frame };
  }
  const slim: Slim;
  export default slim;
}
