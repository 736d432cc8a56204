// Makes what a release has besides the npm package, from that package as it is built (here unless another directory is named):
//   node scripts/package.mjs [DIRECTORY] [PACKAGE]
// a Debian package for any architecture, one executable for this one, the bill of materials of each, and the licences of what
// both are built with, in DIRECTORY (release/). Node.js's own licence comes with it.
// The same sources give the same bytes: times are SOURCE_DATE_EPOCH's, or those of the last commit.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { inject } from "postject";
import { rolldown } from "rolldown";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [release = join(root, "release"), source = root] = process.argv.slice(2).map((each) => resolve(each));
const { version, description, engines } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
const run = (program, args, options) => execFileSync(program, args, { encoding: "utf8", stdio: "pipe", ...options });
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? run("git", ["-C", root, "log", "-1", "--format=%ct"]));

/** Gives every file the mode and the time that it has in a package, whatever umask and day it is; sums up the bytes. */
function settle(path) {
  const entries = readdirSync(path, { withFileTypes: true });
  const sizes = entries.map((entry) => {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) return settle(inner);
    if (!entry.isSymbolicLink()) chmodSync(inner, statSync(inner).mode & 0o111 ? 0o755 : 0o644);
    lutimesSync(inner, seconds, seconds);
    return entry.isSymbolicLink() ? 0 : statSync(inner).size;
  });
  chmodSync(path, 0o755);
  lutimesSync(path, seconds, seconds);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Where each shell that Debian has looks for what packages complete. */
const COMPLETIONS = {
  bash: "usr/share/bash-completion/completions/netgen",
  zsh: "usr/share/zsh/vendor-completions/_netgen",
  fish: "usr/share/fish/vendor_completions.d/netgen.fish",
};

/** The program with what it says about itself, as a tree to be laid over a root. */
function layTree(tree) {
  const put = (path, content) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  };
  const take = (name, path) => cpSync(join(source, name), join(tree, path), { recursive: true });
  for (const name of ["package.json", "schemas", "dist/cli.js", "dist/chunks"]) take(name, `usr/lib/netgen/${name}`);
  mkdirSync(join(tree, "usr/bin"));
  symlinkSync("../lib/netgen/dist/cli.js", join(tree, "usr/bin/netgen"));
  const cli = join(source, "dist/cli.js");
  for (const [shell, path] of Object.entries(COMPLETIONS)) {
    put(path, run(process.execPath, [cli, "completion", shell]));
  }
  for (const name of ["docs", "README.md"]) take(name, `usr/share/doc/netgen/${name}`);
  for (const name of ["THIRD-PARTY.txt", "sbom.cdx.json"]) take(`dist/${name}`, `usr/share/doc/netgen/${name}`);
  take("LICENSE", "usr/share/doc/netgen/copyright");
  put("usr/share/doc/netgen/changelog.gz", gzipSync(readFileSync(join(source, "CHANGELOG.md")), { level: 9 }));
}

/** A Debian package; Node.js is what it needs, in the versions that package.json says. */
function packForDebian(work) {
  const tree = join(work, "tree");
  layTree(tree);
  const bytes = settle(tree);
  const control = {
    Package: "netgen",
    // Of two versions, Debian takes that with a "~" for the older one.
    Version: version.replace("-", "~"),
    Architecture: "all",
    Maintainer: "netgen contributors",
    "Installed-Size": Math.ceil(bytes / 1024),
    Depends: `nodejs (${engines.node.replace(/^>=\s*/, ">= ")})`,
    Section: "net",
    Priority: "optional",
    Description: description.replace(/\.$/, ""),
  };
  mkdirSync(join(tree, "DEBIAN"));
  const lines = Object.entries(control).map(([field, value]) => `${field}: ${value}\n`);
  writeFileSync(join(tree, "DEBIAN/control"), lines.join(""));
  settle(join(tree, "DEBIAN"));
  const name = `netgen_${control.Version}_all.deb`;
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(seconds) };
  run("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, join(release, name)], { env });
  copyFileSync(join(source, "dist/sbom.cdx.json"), join(release, `${name}.cdx.json`));
  return name;
}

// Where Node.js looks for a program that was put into it: https://nodejs.org/api/single-executable-applications.html
const RESOURCE = "NODE_SEA_BLOB";
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** One script, in which nothing is loaded later: all that such an executable takes. */
async function bundleWhole(file) {
  const build = await rolldown({ input: join(source, "dist/cli.js"), platform: "node" });
  await build.write({ file, format: "cjs", codeSplitting: false, minify: true });
  await build.close();
}

/** This Node.js with the program in it: of its version, its system and its architecture. */
async function makeExecutable(work) {
  await bundleWhole(join(work, "netgen.cjs"));
  const config = { main: "netgen.cjs", output: "netgen.blob", disableExperimentalSEAWarning: true };
  writeFileSync(join(work, "sea.json"), JSON.stringify(config));
  run(process.execPath, ["--experimental-sea-config", "sea.json"], { cwd: work });
  const name = `netgen-${version}-${process.platform}-${process.arch}`;
  const executable = join(release, name);
  copyFileSync(process.execPath, executable);
  chmodSync(executable, 0o755);
  await inject(executable, RESOURCE, readFileSync(join(work, "netgen.blob")), { sentinelFuse: FUSE });
  const bom = JSON.parse(readFileSync(join(source, "dist/sbom.cdx.json"), "utf8"));
  const purl = `pkg:generic/nodejs@${process.versions.node}`;
  const node = { type: "platform", "bom-ref": purl, name: "nodejs", version: process.versions.node, purl };
  const whole = { ...bom, components: [...bom.components, node] };
  writeFileSync(`${executable}.cdx.json`, `${JSON.stringify(whole, undefined, 2)}\n`);
  return name;
}

const work = mkdtempSync(join(tmpdir(), "netgen-package-"));
try {
  mkdirSync(release, { recursive: true });
  copyFileSync(join(source, "dist/THIRD-PARTY.txt"), join(release, "THIRD-PARTY.txt"));
  for (const name of [packForDebian(work), await makeExecutable(work)]) console.log(join(release, name));
} finally {
  rmSync(work, { recursive: true, force: true });
}
