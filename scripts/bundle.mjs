// Bundles the program and the library, with the packages that they use, into a directory (dist/ unless another is named):
// a handful of files to load instead of some three hundred, in half of the time. The compiler writes the types beside them.
// With them stand the packages' licences, and a list of the packages for those who keep account of what they run.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { minifySync } from "rolldown/utils";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const LICENCE = /^licen[cs]e(\.|$)/i;

/** The directory of the package that a module belongs to; `undefined`: it is our own. */
const packageOf = (module) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(module)?.[0];

/** The packages that modules belong to, by name and version. */
function packagesOf(modules) {
  const directories = [...new Set(modules.map(packageOf))].filter((each) => each !== undefined);
  const packages = directories.map((directory) => ({
    directory,
    ...JSON.parse(readFileSync(join(directory, "package.json"), "utf8")),
  }));
  const key = ({ name, version }) => `${name} ${version}`;
  return packages.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Whose work is in it, and under which licence: they all ask for that. */
function notices(packages) {
  const texts = packages.map(({ directory, name, version, license }) => {
    const file = readdirSync(directory).find((each) => LICENCE.test(each));
    const text = file === undefined ? "" : `\n${readFileSync(join(directory, file), "utf8").trim()}\n`;
    return `${name} ${version} (${license})\n${text}`;
  });
  return `netgen is built with these packages.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** The packages as a CycloneDX 1.5 bill of materials, https://cyclonedx.org; the same bytes for the same packages. */
function billOfMaterials(packages) {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const component = (type, { name, version, license }) => {
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    return { type, "bom-ref": purl, name, version, licenses: [{ expression: license }], purl };
  };
  const components = packages.map((each) => component("library", each));
  const metadata = { component: component("application", own) };
  const bom = { bomFormat: "CycloneDX", specVersion: "1.5", version: 1, metadata, components };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

/** Half of what age-encryption brings is for recipients that netgen refuses: post-quantum ones, and those of hardware. */
const withoutRefused = {
  name: "without-refused",
  resolveId: (id) => (/^@noble\/(?:post-quantum|curves\/nist)|^\.\/webauthn\.js$/.test(id) ? "\0refused" : undefined),
  load: (id) => (id === "\0refused" ? "export const MLKEM768P256 = {}, MLKEM768X25519 = {}, p256 = {};" : undefined),
};

const directory = process.argv[2] ?? join(root, "dist");
const build = await rolldown({
  cwd: root,
  input: { cli: "src/cli.ts", index: "src/index.ts" },
  platform: "node",
  plugins: [withoutRefused],
  transform: { target: "node20" },
});
const { output } = await build.write({
  dir: directory,
  format: "esm",
  chunkFileNames: "chunks/[name].js",
  codeSplitting: {
    groups: [
      { name: "generated", test: /(?:templates|validator)\.generated\.ts$/ },
      // The two that every compilation loads.
      { name: "packages", test: /\/node_modules\/(?:yaml|ip-address)\// },
      // What only some commands load; by themselves, so that they are made small.
      { name: "age", test: /\/node_modules\/(?:age-encryption|@noble|@scure)\// },
      { name: "difference", test: /\/node_modules\/diff\// },
      { name: "qr", test: /\/node_modules\/uqr\// },
      { name: "tweetnacl", test: /\/node_modules\/tweetnacl\// },
      { name: "tar", test: /\/node_modules\/(?:tar-stream|streamx|b4a|text-decoder|fast-fifo|events-universal)\// },
    ],
  },
  comments: { legal: true, annotation: true, jsdoc: false },
});
await build.close();
/** What a program wrote, or is others' and stands in their package: nobody looks for a name of it. */
const isForeign = ({ fileName, moduleIds = [] }) =>
  /generated/.test(fileName) || moduleIds.every((each) => packageOf(each) !== undefined || !existsSync(each));
// Indentation is a sixth of it. Of our own the names of functions stay: whoever reports a bug shows us the stack.
const keepNames = { function: true, class: true };
for (const chunk of output.filter(({ fileName }) => /^chunks\/.*\.js$/.test(fileName))) {
  const path = join(directory, chunk.fileName);
  const options = isForeign(chunk) ? {} : { compress: { keepNames }, mangle: { keepNames } };
  const { code } = minifySync(chunk.fileName, readFileSync(path, "utf8"), options);
  writeFileSync(path, code);
}
const modules = output.flatMap(({ moduleIds = [] }) => moduleIds.filter((module) => existsSync(module)));
const packages = packagesOf(modules);
writeFileSync(join(directory, "THIRD-PARTY.txt"), notices(packages));
writeFileSync(join(directory, "sbom.cdx.json"), billOfMaterials(packages));
// npx makes it so once, for the first build that it runs: of a later one in the same place it could run nothing.
chmodSync(join(directory, "cli.js"), 0o755);
