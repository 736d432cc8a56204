// How long the whole program takes, and how much memory: `npm run bench` prints a table, `npm run bench -- --record`
// puts it into docs/speed.md as well. Needs a built dist/, a `cp`, and for one of the figures `netplan`.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { netplanOf, spokesOf, topologyOf } from "./fleets.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CLI = join(root, "dist/cli.js");
const DOCUMENT = join(root, "docs/speed.md");
/** Of so many runs the median counts. */
const RUNS = 3;

const FLEETS = [
  { hosts: 2, segments: 1 },
  { hosts: 100, segments: 1 },
  { hosts: 500, segments: 1 },
  { hosts: 1000, segments: 1 },
  { hosts: 200, segments: 100 },
];
const NETPLAN_HOSTS = 100;

// statfs(2): what the kernel calls tmpfs.
const TMPFS_MAGIC = 0x01021994;

function workingDirectory() {
  const asked = process.env.NETGEN_BENCH_DIR;
  const memory = ["/dev/shm", tmpdir()].find((path) => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC);
  const parent = asked ?? memory ?? tmpdir();
  const kind = statfsSync(parent).type === TMPFS_MAGIC ? "tmpfs" : "a disk";
  return { kind, path: mkdtempSync(join(parent, "netgen-bench-")) };
}

/** The program tells of itself on descriptor 3 when it ends. */
const REPORT = `data:text/javascript,${encodeURIComponent(
  'import { writeSync } from "node:fs"; process.on("exit", () => writeSync(3, JSON.stringify(process.resourceUsage())));',
)}`;

function run(command, args, expected = 0) {
  const before = process.hrtime.bigint();
  const { status, stderr, output } = spawnSync(command, args, {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  const wall = Number(process.hrtime.bigint() - before) / 1e9;
  if (status !== expected) throw new Error(`${command} ${args.join(" ")} ended with ${status}:\n${stderr}`);
  return { wall, report: output[3] };
}

const netgen = (...args) => netgenEnding(0, ...args);

/** `netgen diff` ends with 1 where there is a difference. */
function netgenEnding(expected, ...args) {
  const { wall, report } = run(process.execPath, ["--import", REPORT, CLI, ...args], expected);
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(report);
  return { wall, cpu: (userCPUTime + systemCPUTime) / 1e6, memory: maxRSS / 1024 };
}

/** The median of each figure, over runs that each begin as `prepare` leaves things. */
function median(measure, prepare = () => undefined) {
  const results = Array.from({ length: RUNS }, () => {
    prepare();
    return measure();
  });
  const of = (key) => results.map((each) => each[key]).sort((a, b) => a - b)[RUNS >> 1];
  return Object.fromEntries(Object.keys(results[0]).map((key) => [key, of(key)]));
}

function sizeOf(directory) {
  const sizes = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
  return { files: sizes.length, bytes: sizes.reduce((sum, each) => sum + each, 0) };
}

function measureFleet(directory, fleet) {
  const topology = join(directory, "topology.yaml");
  const [out, copy] = [join(directory, "out"), join(directory, "copy")];
  writeFileSync(topology, topologyOf(fleet));
  const without = (path) => () => rmSync(path, { recursive: true, force: true });
  const first = median(() => netgen("build", topology), without(out));
  const again = median(() => netgen("build", topology));
  const { wall: copied } = median(() => ({ wall: run("cp", ["-r", out, copy]).wall }), without(copy));
  const result = { ...fleet, ...sizeOf(out), ...first, again: again.wall, copied };
  for (const path of [out, copy]) without(path)();
  return result;
}

/** Fleets at the edge of what is taken, and a change of a large one. */
function measureCommands(directory) {
  const [topology, out] = [join(directory, "topology.yaml"), join(directory, "out")];
  const clear = () => rmSync(out, { recursive: true, force: true });
  const results = [];
  const measure = (name, text, ...command) => {
    writeFileSync(topology, text);
    results.push({ name, ...median(() => netgen(...command, topology), clear) });
  };
  measure("`check` of a mesh of 10,000 hosts", topologyOf({ hosts: 10_000, segments: 1 }), "check");
  measure("`check` of 10,000 spokes", spokesOf(10_000), "check");
  measure("`build` of 10,000 spokes", spokesOf(10_000), "build");
  clear();
  writeFileSync(topology, topologyOf({ hosts: 1000, segments: 1 }));
  netgen("build", topology);
  writeFileSync(topology, topologyOf({ hosts: 1001, segments: 1 }));
  results.push({
    name: "`diff` of one host more in a mesh of 1,000",
    ...median(() => netgenEnding(1, "diff", topology)),
  });
  clear();
  return results;
}

/** Seconds that netplan takes for all hosts, one after the other, as it runs on each; `undefined`: it is not there. */
function measureNetplan(directory, hosts) {
  const command = "/usr/sbin/netplan";
  if (!existsSync(command)) return undefined;
  const topology = join(directory, "topology.yaml");
  writeFileSync(topology, topologyOf({ hosts, segments: 1 }));
  const { stdout } = spawnSync(process.execPath, [CLI, "model", topology], { encoding: "utf8", maxBuffer: 1 << 30 });
  const { hosts: resolved, peers } = JSON.parse(stdout);
  const roots = resolved.map((host) => {
    const path = join(directory, "netplan", host.name);
    mkdirSync(join(path, "etc/netplan"), { recursive: true });
    writeFileSync(join(path, "etc/netplan/90-bench.yaml"), netplanOf(host, peers), { mode: 0o600 });
    return path;
  });
  return roots.reduce((sum, path) => sum + run(command, ["generate", "--root-dir", path]).wall, 0);
}

function tableOf(results) {
  const head = [
    "fleet",
    "files",
    "MB",
    "build, s",
    "CPU, s",
    "memory, MB",
    "again, s",
    "`cp -r`, s",
    "build / `cp -r`",
  ];
  const rows = results.map((each) => [
    `${each.hosts} hosts, ${each.segments} segment${each.segments === 1 ? "" : "s"}`,
    each.files,
    (each.bytes / 1e6).toFixed(each.bytes < 1e7 ? 2 : 0),
    each.wall.toFixed(2),
    each.cpu.toFixed(2),
    each.memory.toFixed(0),
    each.again.toFixed(2),
    each.copied.toFixed(3),
    (each.wall / each.copied).toFixed(1),
  ]);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function commandTable(results) {
  const rows = results.map(({ name, wall, cpu, memory }) =>
    [name, wall.toFixed(2), cpu.toFixed(2), memory.toFixed(0)].join(" | "),
  );
  return ["command | s | CPU, s | memory, MB", "--- | --: | --: | --:", ...rows].map((row) => `| ${row} |`).join("\n");
}

function netplanLine(seconds, results) {
  if (seconds === undefined) return "netplan is not installed here, so there is no comparison with it.";
  const own = results.find(({ hosts }) => hosts === NETPLAN_HOSTS).wall;
  return (
    `\`netplan generate\` for the same ${NETPLAN_HOSTS} hosts, their WireGuard and VXLAN alone: ${seconds.toFixed(1)} s, ` +
    `${(seconds / own).toFixed(0)} times as long.`
  );
}

function machine(kind) {
  const [{ model }] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${model.trim()}, ${memory} GiB, Linux ${release()}, Node.js ${process.version}, files on ${kind}.`;
}

const { kind, path } = workingDirectory();
try {
  const results = FLEETS.map((fleet) => measureFleet(path, fleet));
  const commands = measureCommands(path);
  const netplan = measureNetplan(path, NETPLAN_HOSTS);
  const text = `${tableOf(results)}\n\n${commandTable(commands)}\n\n${netplanLine(netplan, results)}\n\n${machine(kind)}\n`;
  process.stdout.write(text);
  if (process.argv.includes("--record")) {
    const document = readFileSync(DOCUMENT, "utf8");
    const marked = /(<!-- recorded by npm run bench -->\n)[\s\S]*?(<!-- end -->)/;
    if (!marked.test(document)) throw new Error(`${DOCUMENT} has no place for the table`);
    writeFileSync(
      DOCUMENT,
      document.replace(marked, (_, begin, end) => `${begin}\n${text}\n${end}`),
    );
  }
} finally {
  rmSync(path, { recursive: true, force: true });
}
