/**
 * Known private and preshared keys are put where netgen keeps them, and where a tired person may put them. Then every
 * command runs on that, and nothing that it prints or writes elsewhere may hold one of them.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUILD_TIMEOUT_MS, ROOT } from "./built-package.ts";
import { CLI } from "./netgen.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

const TIMEOUT_MS = 300_000;
const ALPHA = testPrivateKey("alpha");
const BETA = testPrivateKey("beta");
const SHARED = testPrivateKey("alpha and beta");
const IMPORTED = testPrivateKey("gamma");

/** Two people of a team; what opens the keys of the first lies in the file "identity". */
const IDENTITY = await generateX25519Identity();
const RECIPIENT = await identityToRecipient(IDENTITY);
const OTHER = await identityToRecipient(await generateX25519Identity());

/** Every command with what it may be given; `keys` is beside the topology, and only `exported` may get secrets. */
const CASES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  init: [["new.yaml"], ["topology.yaml"]],
  import: [
    ["wg.conf", "-o", "imported.yaml"],
    ["wg.conf", "-o", "-"],
    ["clean.conf", "-o", "imported.yaml"],
    ["wg.conf", "-o", "topology.yaml"],
    ["keys", "-o", "-"],
    ["keys/alpha.key"],
    ...["wg-quick", "showconf", "netplan", "proxmox", "githubixx"].map((format) => [
      "topology.yaml",
      "--format",
      format,
      "-o",
      "-",
    ]),
  ],
  "host add": [
    ["delta", "--endpoint", "192.0.2.9", "--dry-run"],
    ["epsilon", "--endpoint", "192.0.2.9"],
    ["zeta", "--public-key", ALPHA],
    ["eta", "--endpoint", SHARED],
    [ALPHA],
  ],
  "keys generate": [["topology.yaml"]],
  "keys list": [["topology.yaml"]],
  "keys rotate": [
    ["topology.yaml", "alpha"],
    ["topology.yaml", "alpha"],
    ["topology.yaml", "beta", "alpha"],
    ["topology.yaml", BETA],
  ],
  "keys import": [
    ["gamma"],
    ["gamma", "twice.key"],
    ["alpha", "other.key"],
    ["beta", "topology.yaml"],
    ["alpha", "pub"],
  ],
  "keys export": [
    ["alpha", "-o", "exported"],
    ["beta", "-o", "exported/beta"],
    ["alpha", "-o", "topology.yaml"],
    [SHARED, "-o", "exported"],
  ],
  "keys recipients add": [
    [RECIPIENT, "--identity", "identity"],
    [OTHER, "--identity", "identity"],
    [IDENTITY],
    [OTHER, "--identity", "keys/alpha.key"],
    [OTHER, "--identity", "cut"],
  ],
  "keys recipients remove": [
    [OTHER, "--identity", "identity"],
    [OTHER, "--identity", "cut"],
    [ALPHA, "--identity", "identity"],
  ],
  "keys recipients list": [[]],
  "keys encrypt": [["--identity", "identity"], [], ["--identity", "keys/alpha.key.age"]],
  check: [
    ["topology.yaml"],
    ["topology.yaml", "--format", "json"],
    ["topology.yaml", "--format", "github"],
    ["topology.yaml", "--format", "sarif"],
    ["keys/alpha.key"],
    ["keys"],
  ],
  mtu: [["topology.yaml"], ["topology.yaml", "--format", "json"], ["keys/alpha.key"]],
  trace: [
    ["alpha", "beta"],
    ["alpha", "guests@beta", "--format", "json"],
    ["alpha", "guests@beta", "--format", "svg"],
    ["alpha", "keys/alpha.key"],
    ["alpha", "beta", "--topology", "keys/alpha.key"],
  ],
  "what-if": [
    ["--down", "alpha"],
    ["--each", "--format", "json"],
    ["--down", "keys/alpha.key"],
    ["--down", ALPHA],
    ["--each", "--topology", "keys/alpha.key"],
  ],
  describe: [
    ["alpha"],
    ["guests", "--format", "json"],
    ["alpha--beta"],
    ["keys/alpha.key"],
    [ALPHA],
    ["alpha", "--topology", "keys/alpha.key"],
  ],
  diff: [
    ["topology.yaml"],
    ["topology.yaml", "--stat"],
    ["topology.yaml", "--format", "json"],
    ["topology.yaml", "--hosts", ALPHA],
    ["topology.yaml", "--plan"],
    ["topology.yaml", "--plan", "--format", "json"],
    ["topology.yaml", "--from", ALPHA],
    ["keys/alpha.key", "--plan", "--from", "HEAD"],
  ],
  bundle: [["alpha"], ["alpha", "--topology", "keys/alpha.key"], ["keys/alpha.key"]],
  ansible: [
    ["topology.yaml", "-o", "deploy"],
    ["topology.yaml", "-o", "deploy", "--no-bundles"],
    ["keys/alpha.key", "-o", "deploy"],
  ],
  monitoring: [
    ["topology.yaml", "-o", "monitoring"],
    ["keys/alpha.key", "-o", "monitoring"],
    ["topology.yaml", "-o", "monitoring", "--runbooks", ALPHA],
    ["topology.yaml", "-o", "monitoring", "--hosts", BETA],
  ],
  proxmox: [
    ["topology.yaml", "-o", "proxmox"],
    ["keys/alpha.key", "-o", "proxmox"],
  ],
  "cloud-routes": [
    ["topology.yaml", "--for", "aws", "-o", "cloud"],
    ["topology.yaml", "--for", "gcp", "-o", "cloud", "--site", BETA],
    ["keys/alpha.key", "--for", "aws", "-o", "cloud"],
  ],
  "cloud-init": [
    ["topology.yaml", "--host", "alpha"],
    ["topology.yaml", "--host", "alpha", "--for", "aws"],
    ["topology.yaml", "--host", ALPHA],
    ["topology.yaml", "--host", "alpha", "-o", "keys"],
    ["keys/alpha.key", "--host", "alpha"],
  ],
  build: [
    ["topology.yaml", "-v"],
    ["topology.yaml", "--format", "json"],
    ["topology.yaml", "-o", "-"],
    ["topology.yaml", "-o", "broken", "--force"],
    ["topology.yaml", "--hosts", BETA],
    ["keys/psk/alpha--beta.psk"],
  ],
  report: [
    ["topology.yaml"],
    ["topology.yaml", "--plan", "-o", "-"],
    ["topology.yaml", "--proof", "keys/alpha.key"],
    ["topology.yaml", "-o", "-"],
    ["topology.yaml", "-o", "topology.yaml"],
    ["keys/alpha.key"],
  ],
  graph: [
    ["topology.yaml", "--format", "svg"],
    ["topology.yaml", "--format", "dot"],
    ["topology.yaml", "--format", "mermaid"],
    ["keys/alpha.key"],
  ],
  model: [["topology.yaml"], ["keys/alpha.key"]],
  schema: [[]],
  // What boots needs root and half a minute: only what is refused, and what is not there.
  lab: [
    ["topology.yaml", "--hosts", "nobody"],
    ["topology.yaml", "--hosts", "nobody", "--format", "json"],
    ["keys/alpha.key"],
  ],
  "lab down": [["no-such-lab"]],
  "lab exec": [["--lab", "no-such-lab", "alpha", "true"]],
  "lab list": [[]],
  completion: [["bash"], ["zsh"], ["fish"], ["bash", "--", "keys", "export", "--topology", "topology.yaml", ""]],
};

/** A topology with the keys of its hosts in keys/, or with the public ones in itself. */
function topology(where: "keys" | "topology", edit: (text: string) => string): string {
  const host = (name: string, id: number): string => {
    const publicKey = where === "topology" ? `, publicKey: "${testPublicKey(name)}"` : "";
    return `  ${name}: {id: ${id}, endpoint: 192.0.2.${id}${publicKey}}\n`;
  };
  const text = `netgen: 1\nname: canary\nwireguard: {addresses: [10.250.0.0/24], presharedKeys: true}\nhostDefaults: {metrics: true}\nhosts:\n`;
  const subnets = "subnets:\n  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: all}\n";
  return edit(`${text}${host("alpha", 1)}${host("beta", 2)}${host("gamma", 3)}${subnets}`);
}

/** One that compiles. */
const COMPLETE = topology("keys", (text) => text);

type Edit = (text: string) => string;
const inHost =
  (entry: string): Edit =>
  (text) =>
    text.replace("{id: 2,", `{id: 2, ${entry},`);

/** Where a secret may end up in a topology, and be refused; any line of the list may be shown with the refusal. */
const MISPLACED: readonly (readonly [string, Edit])[] = [
  ["nowhere", (text) => text],
  ["a host's name", (text) => text.replace("beta:", `"${BETA}":`)],
  ["the name of all", (text) => text.replace("name: canary", `name: "${ALPHA}"`)],
  ["an endpoint", (text) => text.replace("192.0.2.2", `"${BETA}"`)],
  ["an id", (text) => text.replace("id: 2", `id: "${BETA}"`)],
  ["an unknown key", inHost(`privateKey: "${BETA}"`)],
  ["an unknown key, for a preshared key", inHost(`presharedKey: ${SHARED}`)],
  ["the name of an unknown key", inHost(`"${SHARED}": 1`)],
  ["a raw line of WireGuard's", inHost(`extra: {wireguard: ["PrivateKey = ${BETA}", "PresharedKey = ${SHARED}"]}`)],
  [
    "a raw line that wg-quick runs",
    inHost(`extra: {wireguard: ["PostUp = wg set wg0 peer x preshared-key <(echo ${SHARED})"]}`),
  ],
  ["an unknown key, without its end", inHost(`privateKey: "${BETA.slice(0, 43)}"`)],
  ["an unknown key, in hexadecimal", inHost(`key: {k: ${Buffer.from(BETA, "base64").toString("hex")}}`)],
  ["an endpoint, without its end", inHost(`endpoint: "${SHARED.slice(0, 43)}"`)],
  ["an uplink", inHost(`uplink: "${ALPHA}"`)],
  ["a line that is no YAML", (text) => `${text}key: {${ALPHA}: [${SHARED}\n`],
  ["a value that is too long", inHost(`endpoint: "${ALPHA} ${BETA} ${SHARED}"`)],
];

/** Where it would be taken for what belongs there; the public key beside it tells. */
const BELIEVED: readonly (readonly [string, Edit])[] = [
  ["its own host's publicKey", inHost(`publicKey: "${BETA}"`)],
  ["another host's publicKey", inHost(`publicKey: "${ALPHA}"`)],
  ["a comment", (text) => `${text}# ${ALPHA}\n`],
  ["a command of WireGuard's", inHost(`extra: {wireguard: ["PostUp = wg set wg0 private-key <(echo ${BETA})"]}`)],
  ["a command, without its end", inHost(`extra: {wireguard: ["PostUp = echo ${BETA.slice(0, 43)} > /tmp/x"]}`)],
  ["a comment, in hexadecimal", (text) => `${text}# ${Buffer.from(ALPHA, "base64").toString("hex").toUpperCase()}\n`],
  ["a rule of nftables'", inHost(`extra: {nftables: ["meta comment ${ALPHA}"]}`)],
];

type Spoil = (put: (name: string, text: string, mode?: number) => void) => void;
const CORRUPT: readonly (readonly [string, Spoil])[] = [
  ["a key twice", (put) => put("keys/alpha.key", `${ALPHA}\n${ALPHA}\n`)],
  ["a key with more behind it", (put) => put("keys/alpha.key", `${ALPHA}x\n`)],
  ["a key that others may read", (put) => put("keys/alpha.key", `${ALPHA}\n`, 0o644)],
  ["a .pub of another pair", (put) => put("keys/beta.pub", `${testPublicKey("other")}\n`, 0o644)],
  ["a .pub with the private key", (put) => put("keys/beta.pub", `${BETA}\n`, 0o644)],
  ["a .pub with a private key and more", (put) => put("keys/beta.pub", `${BETA} ${BETA}\n`, 0o644)],
  ["a preshared key twice", (put) => put("keys/psk/alpha--beta.psk", `${SHARED}\n${SHARED}\n`)],
  ["a preshared key that others may read", (put) => put("keys/psk/alpha--beta.psk", `${SHARED}\n`, 0o640)],
];

let sandbox: string;

beforeAll(() => {
  sandbox = mkdtempSync(join(tmpdir(), "netgen-canary-"));
}, BUILD_TIMEOUT_MS);
afterAll(() => {
  rmSync(sandbox, { recursive: true, force: true });
}, BUILD_TIMEOUT_MS);

// ── What there is to run ────────────────────────────────────────────────────────────────────────────────────────────

/** The commands that do something, by their words, from the table in cli.ts and commander's own tree. */
async function leaves(): Promise<ReadonlyMap<string, Command>> {
  const table = readFileSync(join(ROOT, "src/cli.ts"), "utf8");
  const rows = [...table.matchAll(/^ {2}\["([\w-]+)", async \(\) => \(await import\("(.+?)"\)\)\.(\w+)\],$/gm)];
  expect(rows).toHaveLength([...table.matchAll(/await import\(/g)].length);
  const found = new Map<string, Command>();
  const visit = (command: Command, words: string): void => {
    for (const each of command.commands) visit(each, `${words} ${each.name()}`);
    if (command.commands.length === 0 || command.registeredArguments.length > 0) found.set(words, command);
  };
  for (const [, name = "", path = "", exported = ""] of rows) {
    const module = await import(pathToFileURL(join(ROOT, "src", path)).href);
    visit(
      module[exported](() => undefined),
      name,
    );
  }
  return found;
}

test("every command has a case, and every way of printing too", async () => {
  const commands = await leaves();
  expect([...commands.keys()].filter((words) => CASES[words] === undefined)).toEqual([]);
  for (const [words, command] of commands) {
    const choices = command.options.flatMap((option) => (option.long === "--format" ? (option.argChoices ?? []) : []));
    const used = (CASES[words] ?? []).flat();
    // "text" is what comes without the option.
    expect([words, choices.filter((choice) => choice !== "text" && !used.includes(choice))]).toEqual([words, []]);
  }
});

// ── Running it ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Run {
  readonly args: readonly string[];
  readonly status: number | null;
  readonly output: Buffer;
  /** The place that it ran in: a copy of its own. */
  readonly place: string;
}

/** A process of its own, with something on standard input. */
function run(place: string, args: readonly string[]): Run {
  const input = args[1] === "import" ? `${IMPORTED}\n` : "";
  const { status, output } = spawnSync(process.execPath, [CLI, ...args], { cwd: place, input });
  return { args, status, output: Buffer.concat([output[1] ?? Buffer.of(), output[2] ?? Buffer.of()]), place };
}

// Many runs in one process, as starting Node takes most of the time: cli.js is loaded anew for each.
const DRIVER = `import { cpSync, writeFileSync } from "node:fs";
const { cli, home, cases } = JSON.parse(process.argv[2]);
const results = [];
let chunks = [];
for (const stream of [process.stdout, process.stderr]) {
  stream.setMaxListeners(0);
  stream.write = (chunk, encoding, done) => {
    chunks.push(Buffer.from(chunk));
    const callback = typeof encoding === "function" ? encoding : done;
    if (callback) process.nextTick(callback);
    return true;
  };
}
for (const [index, args] of cases.entries()) {
  const place = home + "-" + index;
  cpSync(home, place, { recursive: true });
  process.chdir(place);
  process.argv = [process.argv[0], cli, ...args];
  process.exitCode = 0;
  chunks = [];
  await (await import(cli + "?" + index)).finished;
  results.push({ args, status: process.exitCode, output: Buffer.concat(chunks).toString("latin1"), place });
}
process.exitCode = 0;
writeFileSync(home + ".json", JSON.stringify(results));
`;

function runAll(home: string, cases: readonly (readonly string[])[]): readonly Run[] {
  const driver = join(sandbox, "driver.mjs");
  writeFileSync(driver, DRIVER);
  const plan = JSON.stringify({ cli: CLI, home, cases });
  const { status, stderr } = spawnSync(process.execPath, [driver, plan], { input: "", encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  const results = JSON.parse(readFileSync(`${home}.json`, "utf8")) as readonly (Omit<Run, "output"> & {
    readonly output: string;
  })[];
  return results.map((each) => ({ ...each, output: Buffer.from(each.output, "latin1") }));
}

/** A place with a topology and its keys; the topology has its own public keys, or they lie in keys/. */
function makeHome(text: string, hasPub: boolean): string {
  const home = mkdtempSync(join(sandbox, "home-"));
  const put = (name: string, content: string, mode = 0o600): void => {
    mkdirSync(join(home, dirname(name)), { recursive: true });
    writeFileSync(join(home, name), content);
    chmodSync(join(home, name), mode);
  };
  put("topology.yaml", text, 0o644);
  for (const name of ["alpha", "beta"]) {
    put(`keys/${name}.key`, `${testPrivateKey(name)}\n`);
    if (hasPub) put(`keys/${name}.pub`, `${testPublicKey(name)}\n`, 0o644);
  }
  // gamma keeps its private key to itself.
  if (hasPub) put("keys/gamma.pub", `${testPublicKey("gamma")}\n`, 0o644);
  put("keys/psk/alpha--beta.psk", `${SHARED}\n`);
  for (const name of ["alpha", "beta"]) put(`keys/psk/${name}--gamma.psk`, `${testPrivateKey(`${name} and gamma`)}\n`);
  put("twice.key", `${IMPORTED}\n${IMPORTED}\n`);
  put("other.key", `${IMPORTED}\n`);
  const own = `[Interface]\nPrivateKey = ${ALPHA}\nAddress = 10.250.0.1/24\n`;
  const peer = `[Peer]\nPublicKey = ${testPublicKey("beta")}\nPresharedKey = ${SHARED}\nEndpoint = 192.0.2.2:51820\n`;
  put(
    "clean.conf",
    `${own}# ${BETA}\nPostUp = wg set %i private-key <(echo ${ALPHA})\n${peer}AllowedIPs = 10.250.0.2/32\n`,
  );
  put("wg.conf", `${own}Key = ${BETA}\n${peer}AllowedIPs = 10.250.0.2/32, ${BETA}\n`);
  put("pub", `${testPublicKey("beta")}\n`);
  put("identity", `# mine\n${IDENTITY}\n`);
  put("cut", `${IDENTITY.slice(0, -1)}\n`);
  return home;
}

/** A secret as it may be written: base64, with and without its end, in hexadecimal, and as it is. */
function formsOf(secret: string): readonly Buffer[] {
  const bytes = Buffer.from(secret, "base64");
  const hex = bytes.toString("hex");
  const texts = [secret.slice(0, 43), bytes.toString("base64url"), hex, hex.toUpperCase()];
  return [...texts.map((text) => Buffer.from(text)), bytes];
}

/** All files below a place but those that the user or netgen keeps secrets in. */
function publicFiles(home: string): ReadonlyMap<string, Buffer> {
  const secretPlace =
    /^(keys\/(.*\.key|psk\/.*)|exported\/.*|(twice|other)\.key|identity|cut|(wg|clean)\.conf|topology\.yaml)$/;
  const entries = readdirSync(home, { recursive: true, encoding: "utf8", withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return new Map(
    paths
      .map((path) => [path.slice(home.length + 1), path] as const)
      .filter(([name]) => !secretPlace.test(name))
      .map(([name, path]) => [name, readFileSync(path)]),
  );
}

/** The secrets that lie in keys/ now: also those that netgen has made. */
function secretsIn(home: string): readonly string[] {
  const entries = readdirSync(join(home, "keys"), { recursive: true, encoding: "utf8" });
  const files = entries.filter((name) => /\.(key|psk)$/.test(name));
  return files.map((name) => readFileSync(join(home, "keys", name), "utf8").slice(0, 44));
}

const ALL = Object.entries(CASES).flatMap(([words, lists]) => lists.map((args) => [...words.split(" "), ...args]));

/** `host add` edits the user's own text, and shows it: only what it puts in is netgen's. */
function addedLines(text: Buffer, own: Buffer): Buffer {
  const known = new Set(own.toString().split("\n"));
  const lines = text.toString().split("\n");
  return Buffer.from(lines.filter((line) => !known.has(line) && !known.has(line.slice(1))).join("\n"));
}

/** Where a secret is that has no business there, after a run. What stands in its arguments the user has said aloud. */
function leaksOf({ args, output, place }: Run, home: string): readonly string[] {
  const secrets = [ALPHA, BETA, SHARED, IMPORTED, ...secretsIn(place)].filter((secret) => !args.includes(secret));
  const own = readFileSync(join(home, "topology.yaml"));
  const before = publicFiles(home);
  const written = [...publicFiles(place)].filter(([name, bytes]) => before.get(name)?.equals(bytes) !== true);
  const places: readonly (readonly [string, Buffer])[] = [
    ...written,
    ["topology.yaml", addedLines(readFileSync(join(place, "topology.yaml")), own)],
    ["what it printed", args[0] === "host" ? addedLines(output, own) : output],
  ];
  const isLeak = (bytes: Buffer): boolean =>
    secrets.some((secret) => formsOf(secret).some((form) => bytes.includes(form)));
  // Whole, or as it is told when it has a typo.
  const isIdentity = (bytes: Buffer): boolean => bytes.includes(IDENTITY.slice(16, 40));
  const found = places.filter(([, bytes]) => isLeak(bytes) || isIdentity(bytes));
  return found.map(([where]) => `netgen ${args.join(" ")}: ${where}`);
}

/** These are run in a process of their own. */
const readsInput = (args: readonly string[]): boolean => args[1] === "import" && args.length === 3;

const runPiped = (home: string): readonly Run[] =>
  ALL.filter(readsInput).map((args, index) => {
    const place = `${home}-piped-${index}`;
    cpSync(home, place, { recursive: true });
    return run(place, args);
  });

const statuses = (runs: readonly Run[]): ReadonlySet<number | null> => new Set(runs.map(({ status }) => status));

/** Runs every case, and wants none of them to give away a secret, nor to end as a bug does. */
function expectNoLeak(home: string): readonly Run[] {
  const runs = runAll(
    home,
    ALL.filter((args) => !readsInput(args)),
  );
  expect(runs.flatMap((each) => leaksOf(each, home))).toEqual([]);
  expect([...statuses(runs)].filter((status) => ![0, 1, 2].includes(status ?? -1))).toEqual([]);
  for (const { place } of runs) rmSync(place, { recursive: true, force: true });
  return runs;
}

test("the search finds what is there, in every form", () => {
  for (const form of formsOf(ALPHA)) {
    const text = Buffer.concat([Buffer.from("before "), form, Buffer.from(" behind")]);
    expect(formsOf(ALPHA).some((each) => text.includes(each))).toBe(true);
    expect(formsOf(BETA).some((each) => text.includes(each))).toBe(false);
  }
});

test("--help of every command", () => {
  const home = makeHome(COMPLETE, true);
  const helps = Object.keys(CASES).map((words) => [...words.split(" "), "--help"]);
  for (const { args, status, output } of runAll(home, helps)) {
    const words = args.slice(0, -1).join(" ");
    expect([words, status, output.includes(`netgen ${words}`)]).toEqual([words, 0, true]);
    expect([ALPHA, BETA, SHARED].filter((secret) => output.includes(secret))).toEqual([]);
  }
});

test(
  "with all in its place, every command does its work and keeps the secrets",
  () => {
    const home = makeHome(COMPLETE, true);
    const piped = runPiped(home);
    const runs = [...expectNoLeak(home), ...piped];
    expect(piped.flatMap((each) => leaksOf(each, home))).toEqual([]);
    // A first diff has much to show, and says so with its exit code.
    const done = runs.filter(({ args, status }) => status === (args[0] === "diff" ? 1 : 0)).map(({ args }) => args);
    // A clear store has nobody to take out, and nothing to encrypt for.
    const isForTeams = (words: string): boolean => ["keys recipients remove", "keys encrypt"].includes(words);
    // Hosts with preshared keys cannot begin by themselves, and these are no nodes of Proxmox's: see below.
    const able = Object.keys(CASES).filter(
      (words) => !/^(lab|cloud-init|cloud-routes|proxmox)/.test(words) && !isForTeams(words),
    );
    const idle = able.filter((words) => !done.some((args) => args.join(" ").startsWith(words)));
    expect(idle).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "without preshared keys, user-data is printed and holds no key",
  () => {
    const home = makeHome(
      topology("keys", (text) => text.replace(", presharedKeys: true", "")),
      true,
    );
    const runs = runAll(
      home,
      ALL.filter(([words]) => words === "cloud-init"),
    );
    expect(runs.flatMap((each) => leaksOf(each, home))).toEqual([]);
    expect(runs.filter(({ status }) => status === 0)).toHaveLength(3);
  },
  TIMEOUT_MS,
);

test(
  "of nodes of Proxmox's, the objects of their SDN hold no key",
  () => {
    const sdn = "sites: {one: {}}\nhostDefaults: {platform: proxmox9, proxmox: sdn, site: one, ";
    const home = makeHome(
      topology("keys", (text) => text.replace("hostDefaults: {", sdn)),
      true,
    );
    const runs = runAll(
      home,
      ALL.filter(([words]) => words === "proxmox"),
    );
    expect(runs.flatMap((each) => leaksOf(each, home))).toEqual([]);
    expect(runs.filter(({ status }) => status === 0)).toHaveLength(1);
  },
  TIMEOUT_MS,
);

test(
  "of a site with a gateway, what its cloud is told holds no key",
  () => {
    const led = "sites: {one: {gateways: [alpha]}}\nhosts:\n";
    const home = makeHome(
      topology("keys", (text) => text.replace(/alpha: \{/, "alpha: {site: one, ").replace("hosts:\n", led)),
      true,
    );
    const runs = runAll(
      home,
      ALL.filter(([words]) => words === "cloud-routes"),
    );
    expect(runs.flatMap((each) => leaksOf(each, home))).toEqual([]);
    expect(runs.filter(({ status }) => status === 0)).toHaveLength(1);
  },
  TIMEOUT_MS,
);

test(
  "with keys that are encrypted, every command for them does its work and keeps the secrets",
  () => {
    const home = makeHome(COMPLETE, true);
    for (const recipient of [RECIPIENT, OTHER]) {
      const added = run(home, ["keys", "recipients", "add", recipient, "--identity", "identity"]);
      expect([added.status, leaksOf(added, home)]).toEqual([0, []]);
    }
    const opened = ALL.filter(([, verb]) => ["export", "rotate", "generate"].includes(verb ?? ""));
    const cases = [...ALL, ...opened.map((args) => [...args, "--identity", "identity"])];
    const others = cases.filter((args) => !readsInput(args));
    const runs = [...runAll(home, others), ...runPiped(home)];
    expect(runs.flatMap((each) => leaksOf(each, home))).toEqual([]);
    const done = runs.filter(({ status }) => status === 0).map(({ args }) => args.join(" "));
    const idle = Object.keys(CASES).filter((words) => words.startsWith("keys "));
    expect(idle.filter((words) => !done.some((args) => args.startsWith(words)))).toEqual([]);
    for (const { place } of runs) {
      const files = readdirSync(join(place, "keys"), { recursive: true, encoding: "utf8" });
      expect(files.filter((name) => /\.(key|psk)$/.test(name))).toEqual([]);
    }
  },
  TIMEOUT_MS,
);

describe("a secret in the wrong place of the topology is in no message", () => {
  test.each(MISPLACED)(
    "in %s",
    (_, edit) => {
      expectNoLeak(makeHome(topology("topology", edit), false));
    },
    TIMEOUT_MS,
  );
});

describe("a private key that would be believed is told by its public one, before anything is made of it", () => {
  test.each(BELIEVED)(
    "in %s",
    (_, edit) => {
      const runs = expectNoLeak(makeHome(topology("keys", edit), true));
      const checks = runs.filter(({ args }) => args.join(" ") === "check topology.yaml");
      expect(checks.map(({ status, output }) => [status, output.toString().slice(0, 70)])).toEqual([
        [2, expect.stringMatching(/^netgen: topology\.yaml:\d+:\d+: here stands the private key of /)],
      ]);
    },
    TIMEOUT_MS,
  );
});

describe("key files that are wrong", () => {
  test.each(CORRUPT)(
    "%s",
    (_, spoil) => {
      const home = makeHome(COMPLETE, true);
      spoil((name, text, mode = 0o600) => {
        writeFileSync(join(home, name), text);
        chmodSync(join(home, name), mode);
      });
      expectNoLeak(home);
    },
    TIMEOUT_MS,
  );
});
