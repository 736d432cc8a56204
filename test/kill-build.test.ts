/** Builds that are killed at a random moment, hundreds of them over one tree: nothing may be lost, and nothing left over. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseManifest } from "../src/write/manifest.ts";
import { BUILD_TIMEOUT_MS } from "./built-package.ts";
import { type Death, killAtRandom, killCount, runVictim, type Victim } from "./kill.ts";
import { CLI } from "./netgen.ts";
import { testPublicKey } from "./test-keys.ts";

const KILLS = killCount(100);
/** A build takes about half a second on a busy machine, and each kill needs two. */
const TIMEOUT_MS = 60_000 + KILLS * 5_000;

/** Where the commands run: a.yaml, b.yaml, and the tree in out. */
let home: string;

/** A mesh of these hosts; `port` is in every file of WireGuard, so that another one changes them all. */
function topology(ids: readonly number[], port: number): string {
  const hosts = ids.map(
    (id) => `  host${id}: {id: ${id}, endpoint: 198.51.100.${id}, publicKey: "${testPublicKey(`host${id}`)}"}\n`,
  );
  return (
    `netgen: 1\nname: port${port}\nwireguard: {addresses: [10.250.0.0/16], listenPort: ${port}}\nhosts:\n` +
    `${hosts.join("")}subnets:\n  guests: {cidr: 10.77.0.0/16, vxlan: {vni: 100}, hosts: all}\n`
  );
}

const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

/** Two topologies over one tree: a third of the hosts comes, a third goes, and every file of the rest changes. */
const TOPOLOGIES: readonly (readonly [string, string])[] = [
  ["a.yaml", topology(range(1, 15), 51_820)],
  ["b.yaml", topology(range(8, 22), 51_821)],
];

interface Entry {
  readonly text: string;
  readonly mode: string;
}
type Files = ReadonlyMap<string, Entry>;

/** Every file of a tree, also its hidden ones; a link is its own content. */
function filesOf(directory: string): Files {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  return new Map(
    paths.flatMap((path): readonly (readonly [string, Entry])[] => {
      const stats = lstatSync(join(directory, path));
      if (stats.isDirectory()) return [];
      const text = stats.isFile() ? readFileSync(join(directory, path), "latin1") : "no file";
      return [[path, { text, mode: stats.isFile() ? (stats.mode & 0o7777).toString(8) : "" }]];
    }),
  );
}

const victim = (...args: readonly string[]) => ({ command: process.execPath, args: [CLI, ...args], cwd: home });

/** What a build of each topology gives in an empty place. */
let fresh: ReadonlyMap<string, Files>;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "netgen-kill-"));
  const trees = new Map<string, Files>();
  for (const [name, text] of TOPOLOGIES) {
    writeFileSync(join(home, name), text);
    expect(await runVictim(victim("build", name, "-o", `fresh-${name}`))).toMatchObject({ status: 0, stderr: "" });
    trees.set(name, filesOf(join(home, `fresh-${name}`)));
  }
  fresh = trees;
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

const isOurs = (path: string): boolean => /^\.netgen-(tmp|lock(\.[\d.]+)?)$/.test(path);
const NOTE = "host10/etc/wireguard/notes.txt";
const MINE: Entry = { text: "mine\n", mode: "644" };

const isSame = (a: Entry | undefined, b: Entry): boolean => a?.text === b.text && a.mode === b.mode;

/** The paths in the manifest of a tree; `undefined` if that is torn. */
function listedIn(files: Files): ReadonlySet<string> | undefined {
  const manifest = files.get("manifest.json");
  if (manifest === undefined) return new Set();
  const parsed = parseManifest(manifest.text);
  return parsed && new Set(parsed.files.map(({ path }) => path));
}

/** The first thing that a killed build has broken, or nothing; `kept` are the paths that no moment may be without. */
function damageIn(files: Files, kept: Iterable<string> = []): string | undefined {
  const listed = listedIn(files);
  if (listed === undefined) return "manifest.json is not whole";
  for (const [path, entry] of files) {
    if (path === "manifest.json" || path === NOTE || isOurs(path)) continue;
    if (!listed.has(path)) return `${path} is in no manifest`;
    if (![...fresh.values()].some((tree) => isSame(tree.get(path), entry))) return `${path} is neither old nor new`;
  }
  for (const path of kept) if (!files.has(path)) return `${path} is gone`;
  return undefined;
}

const without = (files: Files, left: string): Files => new Map([...files].filter(([path]) => path !== left));
const sameEntries = (a: Files, b: Files): boolean => JSON.stringify([...a]) === JSON.stringify([...b]);

/** Runs the build to its end; what it leaves must be what it would have written into an empty place, and the note. */
async function complete(name: string, out: string): Promise<void> {
  expect(await runVictim(victim("build", name, "-o", out))).toMatchObject({ status: 0, stderr: "" });
  const files = filesOf(join(home, out));
  expect([...files.keys()].filter(isOurs)).toEqual([]);
  expect([...without(files, NOTE)]).toEqual([...(fresh.get(name) as Files)]);
}

/** Milliseconds of the shortest of three undisturbed runs of each of these. */
async function lifeOf(...runs: readonly (() => Promise<{ readonly lifeMs: number }>)[]): Promise<number> {
  const lives: number[] = [];
  for (const run of [...runs, ...runs, ...runs]) lives.push((await run()).lifeMs);
  return Math.min(...lives);
}

function lockHolder(out: string): string | undefined {
  try {
    return readlinkSync(join(home, out, ".netgen-lock"));
  } catch {
    return undefined;
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended this very moment.
  }
}

/** Runs a build and kills it at a random moment of its writing: from when its lock is there. */
async function killWriter(build: Victim, out: string, withinMs: number): Promise<Death> {
  const stale = lockHolder(out);
  let isOver = false;
  const death = runVictim(build).finally(() => {
    isOver = true;
  });
  for (let holder: string | undefined; !isOver && holder === undefined; await sleep(1)) {
    const found = lockHolder(out);
    if (found !== stale) holder = found;
    if (holder === undefined) continue;
    await sleep(Math.random() * withinMs);
    if (!isOver) killIfAlive(Number.parseInt(holder, 10));
  }
  return death;
}

/** Half of the builds are killed at any moment of their lives, half while they write: there is most to break. */
const killOne = (build: Victim, out: string, lifeMs: number): Promise<Death> =>
  Math.random() < 0.5 ? killAtRandom(build, lifeMs) : killWriter(build, out, lifeMs / 3);

const oneOf = (name: string, other: string): string => (Math.random() < 0.5 ? name : other);

/** Kills builds until enough of them are dead, and enough of these died between their first and last change to the tree. */
async function killMany(
  count: number,
  kill: (round: number) => Promise<"ended" | "killed" | "writing">,
): Promise<void> {
  const toll = { ended: 0, killed: 0, writing: 0 };
  for (let round = 0; toll.killed + toll.writing < count || toll.writing < count / 4; round += 1) {
    expect(round, "most builds end before they are killed, or before they write").toBeLessThan(20 * count + 20);
    toll[await kill(round)] += 1;
  }
  console.info(`${toll.killed + toll.writing} killed, ${toll.writing} of them while they wrote`);
}

describe(`${KILLS} kills`, () => {
  test(
    "over a tree of before: every file is the old or the new one, and the next build completes it",
    async () => {
      const out = join(home, "out");
      const build = (name: string) => () => runVictim(victim("build", name, "-o", "out"));
      await build("a.yaml")();
      mkdirSync(join(out, NOTE, ".."), { recursive: true });
      writeFileSync(join(out, NOTE), MINE.text);
      const lifeMs = await lifeOf(build("b.yaml"), build("a.yaml"));
      await killMany(Math.ceil(KILLS * 0.6), async (round) => {
        const before = filesOf(out);
        const name = oneOf("a.yaml", "b.yaml");
        const death = await killOne(victim("build", name, "-o", "out"), "out", lifeMs);
        const after = filesOf(out);
        const kept = [...before.keys()].filter((path) => fresh.get(name)?.has(path));
        expect(damageIn(after, kept), `round ${round}, ${name} after ${death.lifeMs} ms`).toBeUndefined();
        expect(after.get(NOTE)).toEqual(MINE);
        const isDone = sameEntries(without(after, NOTE), fresh.get(name) as Files);
        // Sometimes no build follows, so that several deaths lie one upon another.
        if (Math.random() < 0.7) await complete(oneOf("a.yaml", "b.yaml"), "out");
        if (!death.isKilled) expect(death).toMatchObject({ status: 0, stderr: "" });
        if (!death.isKilled) return "ended";
        return isDone || sameEntries(before, after) ? "killed" : "writing";
      });
      await complete("a.yaml", "out");
    },
    TIMEOUT_MS,
  );

  test(
    "into an empty place, of all hosts and of some: the same",
    async () => {
      const out = join(home, "first");
      const names = range(8, 15).map((id) => `host${id}`);
      const build = (...hosts: readonly string[]) => victim("build", "a.yaml", "-o", "first", ...hosts);
      const lifeMs = await lifeOf(() => {
        rmSync(out, { recursive: true, force: true });
        return runVictim(build());
      });
      await killMany(Math.floor(KILLS * 0.4), async (round) => {
        rmSync(out, { recursive: true, force: true });
        const hosts = round % 2 === 0 ? [] : ["--hosts", names.join(",")];
        const death = await killOne(build(...hosts), "first", lifeMs);
        mkdirSync(out, { recursive: true });
        const files = filesOf(out);
        expect(damageIn(files), `round ${round} after ${death.lifeMs} ms`).toBeUndefined();
        expect(await runVictim(build(...hosts))).toMatchObject({ status: 0, stderr: "" });
        const there = [...(hosts.length > 0 ? names : range(1, 15).map((id) => `host${id}`)), "manifest.json"];
        expect(readdirSync(out).sort()).toEqual([...there].sort());
        const whole = filesOf(out).size;
        await complete(oneOf("a.yaml", "b.yaml"), "first");
        if (!death.isKilled) return "ended";
        return files.size > 0 && files.size < whole ? "writing" : "killed";
      });
    },
    TIMEOUT_MS,
  );
});

test("the check sees a torn file, a stranger, a torn manifest and a file that is gone", () => {
  const good = fresh.get("a.yaml") as Files;
  const [path] = [...good.keys()].filter((each) => each.endsWith("wg0.conf")) as [string];
  const torn = { text: (good.get(path) as Entry).text.slice(0, 100), mode: "600" };
  expect(damageIn(good, good.keys())).toBeUndefined();
  expect(damageIn(without(good, path), good.keys())).toBe(`${path} is gone`);
  expect(damageIn(new Map([...good, [path, torn]]))).toBe(`${path} is neither old nor new`);
  expect(damageIn(new Map([...good, ["host1/stranger", torn]]))).toBe("host1/stranger is in no manifest");
  expect(damageIn(new Map([...good, ["manifest.json", { ...torn, text: "{" }]]))).toBe("manifest.json is not whole");
});
