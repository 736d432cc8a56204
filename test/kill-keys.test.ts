/**
 * Commands that write keys, killed at random: no key that was there is lost or changed, none is half there, and the next
 * run completes what was begun. Some kills come at a random time of the whole life; a rotation or an import writes for a
 * millisecond of it, so most of theirs come just before an operation on a file: with 300 kills, before each of them.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isWireguardKey } from "../src/base/key.ts";
import { derivePublicKey } from "../src/keys/keypair.ts";
import { BUILD_TIMEOUT_MS } from "./built-package.ts";
import { type Death, killAtRandom, killCount, runVictim, type Victim } from "./kill.ts";
import { CLI } from "./netgen.ts";
import { testPrivateKey } from "./test-keys.ts";

const KILLS = killCount(100);
const TIMEOUT_MS = 60_000 + KILLS * 3000;
/** Of all kills together. */
const tally = { runs: 0, killed: 0, whileWriting: 0 };
const HOSTS = Array.from({ length: 12 }, (_, index) => `host${index + 1}`);
/** Have their keys before a run, as in a fleet that grows. */
const FIRST_HOSTS = HOSTS.slice(0, 4);

// Counts what changes the key directory, and dies before the operation whose number it is given; a file is half written
// by then. Without a number it says at the end how many there were.
const PRELOAD = `import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const last = Number(process.env.NETGEN_TEST_DIE_BEFORE ?? 0);
let count = 0;
const die = () => process.kill(process.pid, "SIGKILL");
for (const name of ["writeFileSync", "chmodSync", "linkSync", "renameSync", "rmSync", "mkdirSync", "symlinkSync"]) {
  const original = fs[name];
  fs[name] = (path, ...rest) => {
    count += 1;
    if (count === last && name === "writeFileSync") original(path, String(rest[0]).slice(0, 20), ...rest.slice(1));
    if (count === last) die();
    return original(path, ...rest);
  };
}
syncBuiltinESMExports();
if (last === 0) process.on("exit", () => process.stderr.write(\`operations: \${count}\\n\`));
`;

let sandbox: string;
let home: string;

const topology = (hosts: readonly string[]): string =>
  `netgen: 1\nname: kill\nwireguard: {addresses: [10.250.0.0/24], presharedKeys: true}\nhosts:\n${hosts
    .map((host) => `  ${host}: {id: ${host.slice(4)}, endpoint: 192.0.2.${host.slice(4)}}\n`)
    .join("")}`;

const netgen = (...args: readonly string[]): Victim => ({
  command: process.execPath,
  args: [CLI, "keys", ...args],
  cwd: home,
});

/** Those of two people: encrypted keys are told by what they hold, and either of the two may open them. */
const [ADA, BOB] = [await generateX25519Identity(), await generateX25519Identity()];
const [FOR_ADA, FOR_BOB] = [await identityToRecipient(ADA), await identityToRecipient(BOB)];
const FOR_EVE = await identityToRecipient(await generateX25519Identity());
/** The same keys, in clear and encrypted for both. */
type Store = "clear" | "encrypted";

beforeAll(async () => {
  sandbox = mkdtempSync(join(tmpdir(), "netgen-kill-keys-"));
  home = join(sandbox, "home");
  writeFileSync(join(sandbox, "preload.mjs"), PRELOAD);
  await makeFleet();
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(sandbox, { recursive: true, force: true });
});

type Files = ReadonlyMap<string, string>;

async function opened(text: string, identity: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(armor.decode(text), "text");
}

/** What a file holds; an encrypted one what everybody can open in it whom it is for, and it is for the first always. */
const contentOf = async (name: string, path: string): Promise<string> => {
  const text = readFileSync(path, "utf8");
  return name.endsWith(".age") ? opened(text, ADA) : text;
};

/** Every file of the key directory but the lock, which is a link to no file. */
async function keyFiles(): Promise<Files> {
  const directory = join(home, "keys");
  const entries = readdirSync(directory, { recursive: true, encoding: "utf8", withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const files = new Map<string, string>();
  for (const path of paths.sort()) {
    const name = path.slice(directory.length + 1);
    files.set(name, await contentOf(name, path));
  }
  return files;
}

const isTemporary = (name: string): boolean => name.endsWith(".tmp");
const isSecret = (name: string): boolean => /\.(key|psk)(\.age)?$/.test(name);
const isEncrypted = (name: string): boolean => name.includes(".age");

/** A secret in clear is for its owner alone, half-written or not; all else is for everyone. */
function expectHidden(name: string): void {
  const mode = statSync(join(home, "keys", name)).mode & 0o777;
  const isOpen = /\.pub|\.gitignore|^recipients/.test(name) || isEncrypted(name);
  // What is half-written and for everyone has the mode that the umask leaves it, until it is whole.
  if (!isTemporary(name)) expect([name, mode]).toEqual([name, isOpen ? 0o644 : 0o600]);
  else if (!isOpen) expect([name, mode]).toEqual([name, 0o600]);
}

/** What holds at every moment: each key whole and hidden, each .pub that of its .key. */
function expectSound(files: Files): void {
  for (const [name, text] of files) {
    expectHidden(name);
    if (isSecret(name) || name.endsWith(".pub")) expect([name, isWireguardKey(text.trim())]).toEqual([name, true]);
    const key = files.get(name.replace(/\.pub$/, ".key")) ?? files.get(name.replace(/\.pub$/, ".key.age"));
    if (!name.endsWith(".pub") || key === undefined) continue;
    expect([name, text]).toEqual([name, `${derivePublicKey(key.trim())}\n`]);
  }
}

/** What a command does to the key directory, and what must hold when it was killed, and when it has run again. */
interface Story {
  readonly store: Store;
  readonly victim: () => Victim;
  /** What the next run may say is to be run in its place. */
  readonly mend?: () => Victim;
  /** Names that the command may change; all others are as before, whenever it is killed. */
  readonly mayChange: readonly string[];
  /** The exit codes of the next run: a rotation that was all but done is only told again. */
  readonly next: readonly number[];
}

/** A fleet that has grown: the first hosts have their keys, the others are in the topology. */
async function makeFleet(): Promise<void> {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "topology.yaml"), topology(FIRST_HOSTS));
  expect((await runVictim(netgen("generate", "topology.yaml"))).status).toBe(0);
  writeFileSync(join(home, "topology.yaml"), topology(HOSTS));
  writeFileSync(join(home, "ada"), `${ADA}\n`);
  cpSync(home, join(sandbox, "clear"), { recursive: true });
  for (const recipient of [FOR_ADA, FOR_BOB]) {
    const added = await runVictim(netgen("recipients", "add", recipient, "--identity", "ada"));
    expect([added.status, added.stderr]).toEqual([0, ""]);
  }
  renameSync(home, join(sandbox, "encrypted"));
}

function restoreFleet({ store }: Pick<Story, "store">): void {
  rmSync(home, { recursive: true, force: true });
  cpSync(join(sandbox, store), home, { recursive: true });
}

/** What is done in either store in the same way. */
const storiesIn = (store: Store): Readonly<Record<string, Story>> => {
  const file = (name: string): string => (store === "clear" ? name : `${name}.age`);
  const more = store === "clear" ? [] : ["--identity", "ada"];
  return {
    generate: {
      store,
      victim: () => netgen("generate", "topology.yaml", ...more),
      mayChange: [],
      next: [0],
    },
    "rotate a host": {
      store,
      victim: () => netgen("rotate", "topology.yaml", "host1", ...more),
      mayChange: [file("host1.key"), "host1.pub"],
      next: [0, 2],
    },
    "rotate a pair": {
      store,
      victim: () => netgen("rotate", "topology.yaml", "host1", "host2", ...more),
      mayChange: [file("psk/host1--host2.psk")],
      next: [0, 2],
    },
    import: {
      store,
      victim: () => ({ ...netgen("import", "host9", ...more), input: `${testPrivateKey("host9")}\n` }),
      mayChange: [],
      next: [0],
    },
  };
};

const ENCRYPTED = Object.entries(storiesIn("encrypted")).map(([name, story]) => [`${name}, encrypted`, story] as const);
const STORIES: Readonly<Record<string, Story>> = {
  ...storiesIn("clear"),
  ...Object.fromEntries(ENCRYPTED),
  "the first recipient": {
    store: "clear",
    victim: () => netgen("recipients", "add", FOR_ADA, "--identity", "ada"),
    mend: () => netgen("encrypt", "--identity", "ada"),
    mayChange: [".gitignore"],
    next: [0],
  },
  "one more recipient": {
    store: "encrypted",
    victim: () => netgen("recipients", "add", FOR_EVE, "--identity", "ada"),
    mayChange: ["recipients"],
    next: [0],
  },
  "one recipient less": {
    store: "encrypted",
    victim: () => netgen("recipients", "remove", FOR_BOB, "--identity", "ada"),
    mayChange: ["recipients"],
    next: [0, 2],
  },
};

/** No key of before is lost: it is where it was, or the rotation has kept it. */
function expectNothingLost(before: Files, after: Files, mayChange: readonly string[]): void {
  const kept = new Set(after.values());
  for (const [name, text] of before) {
    const now = after.get(name) ?? after.get(`${name}.age`);
    if (!mayChange.includes(name)) expect([name, now]).toEqual([name, text]);
    if (isSecret(name)) expect([name, kept.has(text)]).toEqual([name, true]);
  }
}

const sameFiles = (a: Files, b: Files): boolean =>
  a.size === b.size && [...a].every(([name, text]) => b.get(name) === text);

/** How a story ends undisturbed: how long it takes, how many operations it has, and which files there are then. */
async function undisturbed(story: Story) {
  const lives: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    restoreFleet(story);
    lives.push((await runVictim(story.victim())).lifeMs);
  }
  const end = [...(await keyFiles()).keys()];
  restoreFleet(story);
  const victim = story.victim();
  const counted = await runVictim({ ...victim, args: ["--import", join(sandbox, "preload.mjs"), ...victim.args] });
  const operations = Number(/operations: (\d+)/.exec(counted.stderr)?.[1]);
  return { lifeMs: Math.max(...lives), end, operations };
}

/** Dies just before one of its operations, counted from 0. */
function killAtOperation(victim: Victim, operation: number): Promise<Death> {
  const script = join(sandbox, "preload.mjs");
  const args = [`NETGEN_TEST_DIE_BEFORE=${operation + 1}`, victim.command, "--import", script, ...victim.args];
  return runVictim({ ...victim, command: "/usr/bin/env", args });
}

interface Life {
  readonly lifeMs: number;
  readonly operations: number;
  /** The operation that the first kill of that kind strikes. */
  readonly first: number;
}

/** How many of its kills come at a time: fewer where a time hardly ever meets the millisecond in which it writes. */
const timedShare = (operations: number): number => (operations > 100 ? 0.5 : 0.2);

/** Where the next kill strikes: at a random time, or before a random operation; the next ones go on from that. */
function nextKill(number: number, { lifeMs, operations, first }: Life): (victim: Victim) => Promise<Death> {
  const timed = Math.ceil(1 / timedShare(operations));
  if (number % timed === 0) return (victim) => killAtRandom(victim, lifeMs);
  const strikes = number - Math.floor(number / timed) - 1;
  return (victim) => killAtOperation(victim, (first + strikes) % operations);
}

/**
 * One kill, all that must hold then, and all that must hold when the command has run again.
 * @returns how long that took, milliseconds.
 */
async function killOnce(
  story: Story,
  end: readonly string[],
  kill: (victim: Victim) => Promise<Death>,
): Promise<number> {
  restoreFleet(story);
  const before = await keyFiles();
  const { isKilled } = await kill(story.victim());
  const after = await keyFiles();
  const isLocked = readdirSync(join(home, "keys")).includes(".netgen-lock");
  tally.runs += 1;
  tally.killed += isKilled ? 1 : 0;
  tally.whileWriting += isKilled && (isLocked || !sameFiles(before, after)) ? 1 : 0;
  expectSound(after);
  expectNothingLost(before, after, story.mayChange);

  const again = await runVictim(story.victim());
  const isMended = story.mend !== undefined && again.stderr.includes("run netgen keys encrypt");
  const { status, stderr, lifeMs } = isMended ? await runVictim(story.mend()) : again;
  expect({ stderr, isGood: story.next.includes(status ?? -1) }).toMatchObject({ isGood: true });
  const completed = await keyFiles();
  expectSound(completed);
  expectNothingLost(before, completed, story.mayChange);
  // With that no temporary file either.
  expect([...completed.keys()]).toEqual(end);
  expect(readdirSync(join(home, "keys"))).not.toContain(".netgen-lock");
  return lifeMs;
}

const SHARE = Math.ceil(KILLS / Object.keys(STORIES).length);

test.each(Object.entries(STORIES))(
  `${SHARE} kills: %s`,
  async (_, story) => {
    const { lifeMs, end, operations } = await undisturbed(story);
    expect(operations).toBeGreaterThan(5);
    const first = Math.floor(Math.random() * operations);
    const killed = tally.killed;
    // The machine may be busier now than a moment ago: the last whole run tells how long one takes.
    for (let number = 0, life = lifeMs; tally.killed - killed < SHARE; number += 1) {
      expect(number).toBeLessThan(3 * SHARE + 10);
      life = await killOnce(story, end, nextKill(number, { lifeMs: life, operations, first }));
    }
  },
  TIMEOUT_MS,
);

test("enough of them were killed while files were written", () => {
  console.log(`${tally.killed} kills in ${tally.runs} runs, ${tally.whileWriting} of them while files were written`);
  expect(tally.killed).toBeGreaterThanOrEqual(KILLS);
  expect(tally.whileWriting).toBeGreaterThan(tally.killed * 0.25);
});
