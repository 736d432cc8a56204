/** Debian 13's programs in a directory of their own: packages from its archive, unpacked and never installed. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const PROGRAMS = [
  "systemd",
  "frr",
  "keepalived",
  "nftables",
  "iptables",
  "wireguard-tools",
  "iproute2",
  "network-manager",
  "docker.io",
  "docker-cli",
  "podman",
  "netavark",
  "crun",
  "containernetworking-plugins",
  "busybox-static",
];
// vtysh asks PAM who it is.
const SHELL = ["bash", "dash", "coreutils", "grep", "sed", "mount", "procps", "libc-bin", "libpam-modules"];
const PACKAGES = [...PROGRAMS, ...SHELL];
/** In Python, and run by this machine's: without what they depend on. */
const ALONE = ["frr-pythontools", "ansible-core", "ansible-lint", "python3-ansible-compat", "cloud-init"];
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const run = (command: string, args: readonly string[], env = {}) =>
  spawnSync(command, [...args], { encoding: "utf8", timeout: 240_000, env: { ...process.env, ...env } });

/** The archive that this machine's own packages of Debian come from. */
function archive(): string {
  const format = "$(LABEL) $(REPO_URI)";
  const { stdout } = run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  return /^Debian (\S+)$/m.exec(stdout)?.[1] ?? "";
}

/** apt with a state of its own: nothing of this machine's is read or changed. */
function writeAptSettings(directory: string): string {
  for (const each of ["state/lists/partial", "cache/archives/partial", "parts", "root"]) {
    mkdirSync(join(directory, each), { recursive: true });
  }
  writeFileSync(join(directory, "status"), "");
  writeFileSync(join(directory, "sources.list"), `deb [signed-by=${KEYRING}] ${archive()} trixie main\n`);
  const settings = {
    "Dir::State": "state",
    "Dir::State::status": "status",
    "Dir::Cache": "cache",
    "Dir::Etc::sourcelist": "sources.list",
    "Dir::Etc::sourceparts": "parts",
    "Dir::Etc::preferencesparts": "parts",
  };
  const lines = Object.entries(settings).map(([key, path]) => `${key} "${join(directory, path)}";\n`);
  const file = join(directory, "apt.conf");
  const rest = 'APT::Install-Recommends "false";\nAPT::Sandbox::User "root";\nAcquire::Languages "none";\n';
  writeFileSync(file, lines.join("") + rest);
  return file;
}

function fetchTree(directory: string): string | undefined {
  const env = { APT_CONFIG: writeAptSettings(directory) };
  const update = run("apt-get", ["-q", "update"], env);
  const download = run("apt-get", ["-q", "-y", "--download-only", "install", ...PACKAGES], env);
  const archives = join(directory, "cache/archives");
  const alone = run("sh", ["-ec", 'cd "$0" && apt-get -q download "$@"', archives, ...ALONE], env);
  const packages = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  if (download.status !== 0 || alone.status !== 0 || packages.length === 0)
    return (update.stderr + download.stderr + alone.stderr).trim().split("\n").at(-1);
  const root = join(directory, "root");
  for (const name of packages) {
    const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -C "$2" -x --keep-directory-symlink';
    const { status, stderr } = run("sh", ["-ec", unpack, "sh", join(archives, name), root]);
    if (status !== 0) return stderr;
  }
  // What base-files and the packages' scripts would have done.
  for (const each of ["dev", "etc/netgen", "mnt", "proc", "run", "sys", "tmp"]) {
    mkdirSync(join(root, each), { recursive: true });
  }
  if (!existsSync(join(root, "usr/bin/sh"))) symlinkSync("dash", join(root, "usr/bin/sh"));
  for (const name of ["iptables", "iptables-restore", "ip6tables", "ip6tables-restore"]) {
    symlinkSync("xtables-nft-multi", join(root, "usr/sbin", name));
  }
  writeFileSync(join(root, "etc/pam.d/other"), "account sufficient pam_permit.so\n");
  for (const name of ["passwd", "group"]) run("cp", [`/etc/${name}`, join(root, "etc")]);
  rmSync(join(directory, "cache"), { recursive: true });
  rmSync(join(directory, "state"), { recursive: true });
  return run("chroot", [root, "/sbin/ldconfig"]).stderr.trim() || undefined;
}

/** The root of the tree: that in the cache directory, else fetched there (180 MB); `undefined`: it cannot be had, said aloud. */
export function trixieTree(): string | undefined {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "netgen");
  // One of other packages, of another day's tests, is no use.
  const directory = join(
    cache,
    `debian13-${createHash("sha256")
      .update([...PACKAGES, ...ALONE].join())
      .digest("hex")
      .slice(0, 16)}`,
  );
  const root = join(directory, "root");
  if (existsSync(root)) return root;
  const making = `${directory}.${process.pid}`;
  const reason = process.getuid?.() === 0 ? fetchTree(making) : "only root can enter it";
  if (reason === undefined) {
    try {
      renameSync(making, directory);
    } catch {
      // Another file's tests were quicker.
      rmSync(making, { recursive: true });
    }
    return root;
  }
  rmSync(making, { recursive: true, force: true });
  const message = `Debian 13's programs cannot be had: ${reason}`;
  if (process.env.CI === "true") throw new Error(message);
  console.warn(`SKIPPED: ${message}`);
  return undefined;
}

/** Lines of shell that put a tree's programs in the place of this machine's, in a mount namespace; what there is not stays. */
export const inPlace = (root: string): string => `mount -t overlay -o ro,lowerdir=${root}/usr:/usr overlay /usr`;
