/** A host as etc/netgen/apply sees one, in a directory: programs that only note what they were asked for, or make it so there. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { bundleOf } from "../src/deliver/bundle.ts";
import { contentOf } from "../src/emit/file.ts";
import type { Victim } from "./kill.ts";

/** What verify.list expects of a command, as if all of it were so. */
const asPromised = (command: string): string =>
  `awk -F'\\t' -v asked="${command} $*" '$3 == asked && $4 !~ /^!/ { print $4 }' "$NETGEN_ROOT/etc/netgen/verify.list"`;

const PROGRAMS: Readonly<Record<string, string>> = {
  systemctl: `
[[ $1 == is-* || $1 == cat ]] || echo "systemctl $*" >> "$NETGEN_ROOT/log"
verb=$1 unit=\${*: -1} units=$NETGEN_ROOT/units
# Once.
! grep -Fqxs -- "$verb $unit" "$NETGEN_ROOT/fails" || { sed -i "/^$verb $unit$/d" "$NETGEN_ROOT/fails" && exit 1; }
case $verb in
  is-active) 
    [[ -e $units/active/$unit ]] || exit 3
    [[ $2 == -q ]] || echo active
    exit 0
    ;;
  is-enabled) [[ -e $units/enabled/$unit ]]; exit ;;
  cat) ! grep -Fqxs -- "$unit" "$NETGEN_ROOT/missing"; exit ;;
  enable) : > "$units/enabled/$unit" ;;
  disable) rm -f "$units/enabled/$unit"; [[ $* != *--now* ]] || rm -f "$units/active/$unit" ;;
  start)
    : > "$units/active/$unit"
    [[ $unit != systemd-networkd.service ]] || networkctl reload
    ;;
esac
if [[ $unit == wg-quick@* && $verb =~ ^(start|reload)$ ]]; then
  name=\${unit#wg-quick@} name=\${name%.service}
  mkdir -p "$NETGEN_ROOT/sys/class/net/$name"
  sed -n 's/^MTU = //p' "$NETGEN_ROOT/etc/wireguard/$name.conf" > "$NETGEN_ROOT/sys/class/net/$name/mtu"
  echo 0x1 > "$NETGEN_ROOT/sys/class/net/$name/flags"
fi`,
  networkctl: `
echo "networkctl $*" >> "$NETGEN_ROOT/log"
[[ $1 != delete ]] || rm -r "$NETGEN_ROOT/sys/class/net/$2"
[[ $1 == reload ]] || exit 0
shopt -s nullglob
for file in "$NETGEN_ROOT"/etc/systemd/network/*.netdev; do
  name=$(sed -n 's/^Name=//p' "$file") mtu=$(sed -n 's/^MTUBytes=//p' "$file" "\${file%.netdev}.network" | tail -n 1)
  mkdir -p "$NETGEN_ROOT/sys/class/net/$name"
  echo "\${mtu:-1500}" > "$NETGEN_ROOT/sys/class/net/$name/mtu"
  echo 0x1 > "$NETGEN_ROOT/sys/class/net/$name/flags"
done`,
  "systemd-run": `! grep -Fqxs systemd-run "$NETGEN_ROOT/fails" || exit 1; echo "systemd-run $*" >> "$NETGEN_ROOT/log"`,
  // What it is told is noted, but not what it is asked.
  ip: `
case " $* " in
  *" link show "*" up "*)
    name=\${*: -2:1}
    ${asPromised("ip")} | grep -v ^mtu
    [[ ! -e $NETGEN_ROOT/sys/class/net/$name ]] || echo "$name: mtu $(< "$NETGEN_ROOT/sys/class/net/$name/mtu")"
    ;;
  *" show "* | *" get "*) ${asPromised("ip")} ;;
  *) echo "ip $*" >> "$NETGEN_ROOT/log" ;;
esac`,
  getent: `[[ $2 != frr || ! -e $NETGEN_ROOT/no-frr ]]`,
  // Nobody but root may give a file away.
  install: `exec /usr/bin/install -D -m "$3" "\${@: -2}"`,
  stat: `exec /usr/bin/stat -c '%04a root root' "$3"`,
  sync: "true",
  // The far end is silent while the tunnel's file has the line that says so.
  ping: `[[ ! -e $NETGEN_ROOT/silent ]] || ! grep -Fqx -f "$NETGEN_ROOT/silent" "$NETGEN_ROOT/etc/wireguard/wg0.conf"`,
  nft: `
if [[ $1 != -a ]]; then ${asPromised("nft")}
else
  awk -F'\\t' -v asked="rules \${*:4}" '$3 == asked { for (i = 0; i < $4; i++) print "\\t\\tcounter # handle " i }' \\
    "$NETGEN_ROOT/etc/netgen/verify.list"
fi`,
  // Where the clock was set since, by so many seconds, it tells of a handshake even if the far end is silent by now.
  wg: `{ [[ -e $NETGEN_ROOT/skew ]] || ping; } || exit 1
at=$((EPOCHSECONDS + $(cat "$NETGEN_ROOT/skew" 2> /dev/null || echo 0)))
[[ $3 != persistent-keepalive ]] || at=off
sed -n "s/^peer\\t[^\\t]*\\t$2\\t\\([^\\t]*\\)\\t.*/\\1\\t$at/p" "$NETGEN_ROOT/etc/netgen/verify.list"`,
  bridge: asPromised("bridge"),
};

/** What one of its programs did, and said. */
export interface Applied {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What systemctl and networkctl were told meanwhile. */
  readonly log: readonly string[];
}

export interface FakeHost {
  readonly root: string;
  /** Puts a bundle of a topology's host beside it; its directory. */
  readonly stage: (topology: string, name?: string) => string;
  readonly apply: (...args: readonly string[]) => Applied;
  /** The same, to be killed. */
  readonly victim: (...args: readonly string[]) => Victim;
  /** Another program of its tree. */
  readonly run: (name: string, ...args: readonly string[]) => Omit<Applied, "log">;
  readonly write: (path: string, text: string) => void;
  readonly read: (path: string) => string;
  /** Its files below a directory, sorted, with what is in them. */
  readonly files: (directory: string) => ReadonlyMap<string, string>;
}

function writeBelow(directory: string, path: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
  chmodSync(join(directory, path), mode);
}

/** All that a tree or a host has below a directory. */
export function filesBelow(root: string, directory = "."): ReadonlyMap<string, string> {
  if (!existsSync(join(root, directory))) return new Map();
  const paths = readdirSync(join(root, directory), { recursive: true, encoding: "utf8" }).map((path) =>
    join(directory, path),
  );
  const files = paths.filter((path) => statSync(join(root, path)).isFile()).sort();
  return new Map(files.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** Makes one below a directory: it is called alpha, and nothing runs on it yet. */
export function fakeHost(home: string): FakeHost {
  const root = join(home, "root");
  for (const directory of ["bin", "root/units/active", "root/units/enabled", "root/run/systemd/system", "root/etc"]) {
    mkdirSync(join(home, directory), { recursive: true });
  }
  for (const [name, script] of Object.entries(PROGRAMS))
    writeBelow(home, `bin/${name}`, `#!/bin/bash\n${script}\n`, 0o755);
  const env = {
    ...process.env,
    NETGEN_ROOT: root,
    NETGEN_PATIENCE: "2",
    PATH: `${join(home, "bin")}:${process.env.PATH}`,
  };
  const last = { directory: "" };
  const programOf = (args: readonly string[]): string => {
    const isOfHost = args.some((arg) => /^--(confirm|rollback|status)$/.test(arg));
    const kept = join(root, "var/lib/netgen/apply");
    if (!isOfHost) return join(last.directory, "etc/netgen/apply");
    return existsSync(kept) ? kept : join(root, "etc/netgen/apply");
  };
  return {
    root,
    stage: (text, name = "alpha") => {
      const { files, units, model } = compile({ name: "topology.yaml", text });
      const tree = { name: must(model, "the topology has no mistake").name, files, units };
      last.directory = join(home, `staged-${name}`);
      rmSync(last.directory, { recursive: true, force: true });
      for (const file of bundleOf(tree, name)) writeBelow(last.directory, file.path, contentOf(file), file.mode);
      return last.directory;
    },
    apply: (...args) => {
      writeBelow(root, "log", "");
      const { status, stdout, stderr } = spawnSync("bash", [programOf(args), "--host", "alpha", ...args], {
        env,
        encoding: "utf8",
      });
      const log = readFileSync(join(root, "log"), "utf8")
        .split("\n")
        .filter((line) => line !== "");
      return { status, stdout, stderr, log };
    },
    victim: (...args) => ({
      command: "env",
      args: [
        `NETGEN_ROOT=${root}`,
        "NETGEN_PATIENCE=2",
        `PATH=${env.PATH}`,
        "bash",
        programOf(args),
        "--host",
        "alpha",
        ...args,
      ],
      cwd: home,
    }),
    run: (name, ...args) => {
      const { status, stdout, stderr } = spawnSync("bash", [join(root, "etc/netgen", name), ...args], {
        env,
        encoding: "utf8",
      });
      return { status, stdout, stderr };
    },
    write: (path, text) => writeBelow(root, path, text),
    read: (path) => readFileSync(join(root, path), "utf8"),
    files: (directory) => filesBelow(root, directory),
  };
}
