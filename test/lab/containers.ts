/** Podman, Docker and CNI's plugins of Debian 13 on a lab's computers: what each does with netgen's files. */
import type { Box } from "../../src/lab/machine/box.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import { IMAGE, NAMESPACE, PODMAN, ROOT, setUpEngines, WAIT } from "../oracle/container-engines.ts";

/** A container, or what a CNI has plugged in: a network namespace with an address. */
export interface Container {
  readonly address: string;
  /** Runs a program of the computer's there. */
  readonly attempt: (...words: readonly string[]) => ReturnType<Box["attempt"]>;
  readonly run: (...words: readonly string[]) => Promise<string>;
}

export interface Engines {
  readonly box: Box;
  /** A program of Debian 13's. */
  readonly run: (...words: readonly string[]) => Promise<string>;
  readonly podman: (name: string, network: string, ...options: readonly string[]) => Promise<Container>;
  readonly docker: (name: string, network: string) => Promise<Container>;
  readonly cni: (name: string, network: string) => Promise<Container>;
}

/** Sets the programs up on a computer, and starts Docker's daemon. */
export async function engines(box: Box, tree: string): Promise<Engines> {
  await box.run("bash", "-euc", setUpEngines(tree));
  const run = (...words: readonly string[]): Promise<string> => box.run("chroot", ROOT, ...words);
  const inside = (enter: readonly string[], address: string): Container => ({
    address,
    attempt: (...words) => box.attempt("nsenter", ...enter, ...words),
    run: (...words) => box.run("nsenter", ...enter, ...words),
  });
  const container = async (program: readonly string[], name: string, network: string): Promise<Container> => {
    const format = `{{.State.Pid}} {{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
    const [pid = "", address = ""] = (await run(...program, "inspect", "--format", format, name)).trim().split(" ");
    return inside(["-t", pid, "-n"], address);
  };
  await run(...PODMAN, "import", `/tmp/${IMAGE}.tar`, IMAGE);
  await box.start("dockerd", "chroot", ROOT, "/usr/sbin/dockerd", "--exec-opt", "native.cgroupdriver=cgroupfs");
  const isUp = async (): Promise<boolean> => (await box.attempt("chroot", ROOT, "docker", "version")).status === 0;
  if (!(await eventually(isUp))) throw new Error(await box.log("dockerd"));
  await run("docker", "import", `/tmp/${IMAGE}.tar`, IMAGE);
  return {
    box,
    run,
    podman: async (name, network, ...options) => {
      const own = ["--name", name, "--network", network, "--pull=never", "--cgroups=disabled", ...options];
      await run(...PODMAN, "run", "-d", ...own, IMAGE, ...WAIT);
      return container(PODMAN, name, network);
    },
    docker: async (name, network) => {
      await run("docker", "run", "-d", "--name", name, "--network", network, "--pull=never", IMAGE, ...WAIT);
      return container(["docker"], name, network);
    },
    cni: async (name, network) => {
      const file = `/etc/cni/net.d/10-netgen-${network}.conflist`;
      const pid = (await box.shell(NAMESPACE)).trim();
      const asked = `CNI_COMMAND=ADD CNI_CONTAINERID=${name} CNI_NETNS=/proc/${pid}/ns/net CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni`;
      const plugin = `jq '{cniVersion, name} + .plugins[0]' ${file} | chroot ${ROOT} env ${asked} /usr/lib/cni/bridge`;
      const { ips } = JSON.parse(await box.shell(plugin)) as { readonly ips: readonly { readonly address: string }[] };
      return inside(["-t", pid, "-n"], ips[0]?.address.replace(/\/.*/, "") ?? "");
    },
  };
}

const PORT = 5201;
const BYTES = 10 * 1024 * 1024;

/** Says that it listens, then who has come, and how much. */
const SERVER = `
require("net").createServer((socket) => {
  let bytes = 0;
  const seen = socket.remoteAddress;
  socket.on("data", (data) => (bytes += data.length));
  socket.on("end", () => { console.log(JSON.stringify({ seen, bytes })); process.exit(); });
}).listen(${PORT}, "0.0.0.0", () => require("fs").writeFileSync(process.argv[1], ""));
`;
const CLIENT = `
const [address, port] = process.argv.slice(1);
require("net").connect(Number(port), address).end(Buffer.alloc(${BYTES}));
`;

/** 10 MiB by TCP from one to the other, by what else it is reached by: who the one is to the other, and whether all came. */
export async function transfer(
  from: Container,
  to: Container,
  { address = to.address, port = PORT } = {},
): Promise<{ readonly seen: string; readonly isWhole: boolean }> {
  const listens = `/run/listens-${to.address}`;
  const server = to.run("timeout", "60", process.execPath, "-e", SERVER, listens);
  const isThere = async (): Promise<boolean> => (await to.attempt("rm", listens)).status === 0;
  if (!(await eventually(isThere))) throw new Error(`${to.address} does not listen`);
  await from.run("timeout", "50", process.execPath, "-e", CLIENT, address, String(port));
  const { seen, bytes } = JSON.parse(await server) as { readonly seen: string; readonly bytes: number };
  return { seen, isWhole: bytes === BYTES };
}
