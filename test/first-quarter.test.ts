/** A new user's first quarter of an hour as docs/first-quarter.md has recorded it, and the same tree on other machines. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { type InstalledPackage, installPackage } from "./installed-package.ts";

const PAGE = join(ROOT, "docs/first-quarter.md");
const PAGES = [PAGE, join(ROOT, "docs/questions.md")];

function isEquipped(): boolean {
  if (spawnSync("git", ["--version"]).status === 0) return true;
  if (process.env.CI) throw new Error("these tests need git");
  console.warn("SKIPPED: the recorded session and the clones need git");
  return false;
}

let installed: InstalledPackage;

beforeAll(() => {
  installed = installPackage();
  // For the other user: a directory of mkdtemp is its owner's alone.
  chmodSync(installed.project, 0o755);
}, BUILD_TIMEOUT_MS);
afterAll(() => installed.remove());

const bin = (): string => join(installed.project, "node_modules/.bin");

describe.runIf(isEquipped())("a recorded session", () => {
  const play = (page: string) => installed.run(process.execPath, join(ROOT, "scripts/transcript.mjs"), page, bin());

  test.each(PAGES)("%s is what happens; if this is intended, npm run docs:update records it anew", (page) => {
    expect(play(page)).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("would not pass with another output, a line less, or a key that is printed", () => {
    const page = readFileSync(PAGE, "utf8");
    const changes = [
      ["keys: 4 new, 0 as they were", "keys: 5 new, 0 as they were"],
      ["$ ls keys\nhost1.pub\n", "$ ls keys\n"],
      ["PublicKey = <key>", "PublicKey = c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="],
    ] as const;
    const copy = join(installed.project, "page.md");
    writeFileSync(
      copy,
      changes.reduce((text, [before, after]) => text.replace(before, after), page),
    );
    const { status, stdout } = play(copy);
    expect([status, stdout.match(/^@@/gm)?.length]).toEqual([1, changes.length]);
    expect(stdout.match(/^[-+](?![-+]{2} ).*$/gm)).toEqual([
      "-keys: 5 new, 0 as they were",
      "+keys: 4 new, 0 as they were",
      "- PublicKey = c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s=",
      "+ PublicKey = <key>",
      "+host1.pub",
    ]);
  });
});

// ── Other machines ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Somebody on a machine. */
interface Person {
  readonly home: string;
  readonly umask: string;
  readonly env?: Readonly<Record<string, string>>;
  /** User and group; undefined: who runs the test. */
  readonly id?: number;
}

/** Runs a script as somebody; it must succeed. What it prints on either stream. */
function run({ home, umask, env, id }: Person, script: string): string {
  const identity = ["AUTHOR", "COMMITTER"].flatMap((who) => [`GIT_${who}_NAME=x`, `GIT_${who}_EMAIL=x@example.net`]);
  const { status, stdout, error } = spawnSync(
    "env",
    ["-i", `PATH=${bin()}:${process.env.PATH}`, `HOME=${home}`, "GIT_CONFIG_NOSYSTEM=1", ...identity]
      .concat(Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`))
      .concat("sh", "-c", `umask ${umask}; exec 2>&1; set -e; ${script}`),
    { cwd: home, encoding: "utf8", ...(id === undefined ? {} : { uid: id, gid: id }) },
  );
  if (status !== 0) throw new Error(`${script}\n${stdout}${error?.message ?? ""}`);
  return stdout;
}

/** What is different there, who works on it, and how the clone is made. */
type Machine = [name: string, person: Omit<Person, "home">, options: string];

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

describe.runIf(isEquipped())("a tree built, committed and cloned", () => {
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  function personAt(name: string, traits: Omit<Person, "home">): Person {
    const home = join(installed.project, name);
    mkdirSync(home);
    chmodSync(home, 0o755);
    if (traits.id !== undefined) chownSync(home, traits.id, traits.id);
    return { home, ...traits };
  }

  /** The repository of the first machine, as a file that anyone may clone. */
  let bundle: string;

  beforeAll(() => {
    const first = personAt("first", { umask: "022" });
    run(first, "git init --quiet -b main .; netgen init --hosts 3");
    // All kinds of files: FRR's with their own owner, scripts, and the endpoint scripts of peers known by name.
    const topology = join(first.home, "topology.yaml");
    const text = readFileSync(topology, "utf8").replace("# bgp:", "bgp:").replace("203.0.113.3", "host3.example.net");
    writeFileSync(topology, text);
    run(
      first,
      "netgen keys generate topology.yaml; netgen build topology.yaml; git add .; git commit --quiet -m first",
    );
    bundle = join(first.home, "bundle");
    run(first, `git bundle create --quiet ${bundle} HEAD main`);
    expect(run(first, "git status --porcelain")).toBe("?? bundle\n");
  });

  test.each<Machine>([
    ["a narrow umask", { umask: "077" }, ""],
    ["a wide umask", { umask: "000" }, ""],
    [
      "another place and language",
      { umask: "022", env: { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "C" } },
      "",
    ],
    ["a git that knows no modes", { umask: "022" }, "-c core.fileMode=false"],
    ...(isRoot ? [["another user", { umask: "027", id: NOBODY }, ""] as Machine] : []),
  ])("is the same with %s", (name, traits, options) => {
    const person = personAt(name.replaceAll(" ", "-"), traits);
    run(person, `git clone --quiet ${options} ${bundle} net`);
    const clone: Person = { ...person, home: join(person.home, "net") };
    const secret = join(clone.home, "out/host1/etc/wireguard/wg0.conf");
    expect(modeOf(secret)).toBe({ "077": "600", "000": "666", "022": "644", "027": "640" }[traits.umask]);

    expect(run(clone, "netgen diff topology.yaml")).toBe("");
    expect(run(clone, "git status --porcelain")).toBe("");
    expect(run(clone, "netgen build topology.yaml")).toMatch(/^out: 0 new, 0 changed, 0 removed, \d+ as they were\n$/);
    expect([modeOf(secret), modeOf(join(clone.home, "out/host1/etc/netgen/wg-reload"))]).toEqual(["600", "755"]);
    expect(run(clone, "git status --porcelain")).toBe("");
    expect(run(clone, "netgen diff topology.yaml")).toBe("");
  });

  test("is the same where the whole tree is built anew", () => {
    const person = personAt("anew", { umask: "077", ...(isRoot ? { id: NOBODY } : {}) });
    run(person, `git clone --quiet ${bundle} net`);
    const clone: Person = { ...person, home: join(person.home, "net") };
    expect(run(clone, "rm -r out; netgen build topology.yaml")).toMatch(/^out: \d+ new, 0 changed/);
    expect(run(clone, "git status --porcelain")).toBe("");
    expect(existsSync(join(clone.home, "keys/host1.key"))).toBe(false);
  });
});
