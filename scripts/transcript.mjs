// A page whose ```console blocks are a session: `$ ` before a command, `> ` before its further lines, then what it prints.
//   node scripts/transcript.mjs PAGE BIN [--write]
// runs all of them in one shell, in an empty directory and with BIN first on the PATH, and says where the page differs
// from what was printed; with --write the page is rewritten. Keys are nobody's twice: they are printed as <key>.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTwoFilesPatch } from "diff";

const BLOCK = /^```console\n([\s\S]*?)^```$/gm;
/** Before each command's output; nothing that is run prints it. */
const MARK = "\u001e";
const KEY = /[A-Za-z0-9+/]{43}=/g;

/** The commands of a block, each with all its lines as they stand in the page. */
function commandsOf(block) {
  const commands = [];
  let isOpen = false;
  for (const line of block.split("\n").slice(0, -1)) {
    if (line.startsWith("$ ")) commands.push([line]);
    else if (isOpen && line.startsWith("> ")) commands.at(-1).push(line);
    isOpen = line.startsWith("$ ") || (isOpen && line.startsWith("> "));
  }
  return commands;
}

/** The session's surroundings: the same on every machine, as far as what is run prints anything of them. */
function environment(home, bin) {
  const name = { GIT_AUTHOR_NAME: "Ada", GIT_COMMITTER_NAME: "Ada" };
  const email = { GIT_AUTHOR_EMAIL: "ada@example.net", GIT_COMMITTER_EMAIL: "ada@example.net" };
  const git = { ...name, ...email, GIT_CONFIG_NOSYSTEM: "1", GIT_PAGER: "cat" };
  return { ...git, PATH: `${bin}:${process.env.PATH}`, HOME: home, LC_ALL: "C.UTF-8", TZ: "UTC", COLUMNS: "80" };
}

/** What each of the commands prints, on either stream, run one after the other in one shell. */
function run(commands, bin) {
  const home = mkdtempSync(join(tmpdir(), "netgen-transcript-"));
  const lines = commands.map((command) => command.map((line) => line.slice(2)).join("\n"));
  // The exit code goes round the mark: a page may ask for it.
  const mark = `_code=$?; printf '${MARK}'; (exit "$_code")`;
  const script = ["umask 022", "exec 2>&1", ...lines.map((line) => `${mark}\n${line}`)].join("\n");
  try {
    const { stdout, error } = spawnSync("bash", ["-c", script], {
      cwd: home,
      env: environment(home, bin),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (error !== undefined) throw error;
    return stdout.replace(KEY, "<key>").split(MARK).slice(1);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const ended = (text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

/** The page with what its commands print. */
function played(page, bin) {
  const blocks = [...page.matchAll(BLOCK)].map(([, block]) => commandsOf(block));
  const outputs = run(blocks.flat(), bin);
  if (outputs.length !== blocks.flat().length) throw new Error("the session ended before the page did");
  const texts = blocks.map((commands) =>
    commands.map((command) => `${command.join("\n")}\n${ended(outputs.shift())}`).join(""),
  );
  return page.replace(BLOCK, () => `\`\`\`console\n${texts.shift()}\`\`\``);
}

const [path, bin] = process.argv.slice(2);
const page = readFileSync(path, "utf8");
const next = played(page, bin);
if (next !== page && process.argv.includes("--write")) {
  writeFileSync(path, next);
  console.log(`${path} written`);
} else if (next !== page) {
  console.log(createTwoFilesPatch(path, "as it is now", page, next, "", ""));
  process.exitCode = 1;
}
