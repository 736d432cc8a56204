/** Network namespaces joined by cables, and TCP and UDP between them. */
import { type ChildProcess, spawn } from "node:child_process";
import { type Ended, run, succeed } from "./nft-helpers.ts";

/** Namespaces of one test, named apart from everyone else's on the machine. */
export interface Lab {
  /** What the machine calls a namespace. */
  readonly full: (name: string) => string;
  /** Runs a command line in a namespace; it must succeed. Words are split at blanks. */
  readonly at: (name: string, line: string) => string;
  readonly tryAt: (name: string, command: string, args: readonly string[]) => Ended;
  /** A cable: `interface@namespace` at both ends. */
  readonly cable: (one: string, other: string) => void;
  /** Gives an interface (`interface@namespace`) its addresses. */
  readonly address: (end: string, ...addresses: readonly string[]) => void;
  /** Default routes, one per family. */
  readonly gateway: (name: string, ...addresses: readonly string[]) => void;
  /** Loads a ruleset; what came before it in other tables stays. */
  readonly load: (name: string, file: string) => void;
  /** Whether a ping is answered within two seconds. */
  readonly answers: (name: string, to: string) => boolean;
  /** Packets that the first counter of a chain has seen. */
  readonly counted: (name: string, chain: string) => number;
  /** Packets that all counters of a chain have seen. */
  readonly countedInAll: (name: string, chain: string) => number;
  /** Starts a TCP server on all addresses; resolves when it listens. */
  readonly serve: (name: string, port: number) => Promise<void>;
  /** Sends this many bytes by TCP; true when all have arrived within the seconds given. */
  readonly transfer: (name: string, to: string, options: Transfer) => boolean;
  /** Sends one datagram from an address. */
  readonly datagram: (name: string, to: string, options: Datagram) => void;
  readonly close: () => void;
}

export interface Transfer {
  readonly port: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly from?: string;
}

export interface Datagram {
  readonly port: number;
  readonly from: string;
  readonly hex: string;
}

// Counts what arrives on a connection and, once the sender has closed its side, answers with the sum.
export const SERVER = `
const [port] = process.argv.slice(1);
require("net").createServer({ allowHalfOpen: true }, (socket) => {
  let bytes = 0;
  socket.on("data", (data) => { bytes += data.length; });
  socket.on("end", () => socket.end(String(bytes)));
  socket.on("error", () => socket.destroy());
}).listen(Number(port), "::", () => console.log("listening"));
`;

export const CLIENT = `
const [host, port, bytes, seconds, localAddress] = process.argv.slice(1);
const giveUp = setTimeout(() => process.exit(1), Number(seconds) * 1000);
const socket = require("net").connect({ host, port: Number(port), localAddress: localAddress || undefined }, () => {
  socket.end(Buffer.alloc(Number(bytes)));
});
let answer = "";
socket.on("data", (data) => { answer += data; });
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(answer === bytes ? 0 : 1));
`;

export const SENDER = `
const [host, port, address, hex] = process.argv.slice(1);
const socket = require("dgram").createSocket(host.includes(":") ? "udp6" : "udp4");
socket.bind(0, address, () => socket.send(Buffer.from(hex, "hex"), Number(port), host, () => socket.close()));
`;

const NODE = process.execPath;

function startServer(namespace: string, port: number): Promise<ChildProcess> {
  const child = spawn("ip", ["netns", "exec", namespace, NODE, "-e", SERVER, String(port)], { stdio: "pipe" });
  return new Promise((resolve, reject) => {
    child.stdout.once("data", () => resolve(child));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

/** Makes the namespaces, each with its loopback up and without duplicate address detection. */
export function openLab(names: readonly string[]): Lab {
  const full = (name: string): string => `ngo${process.pid}-${name}`;
  const servers: ChildProcess[] = [];
  const tryAt = (name: string, command: string, args: readonly string[]): Ended =>
    run("ip", ["netns", "exec", full(name), command, ...args]);
  const at = (name: string, line: string): string => succeed("ip", ["netns", "exec", full(name), ...line.split(" ")]);
  for (const name of names) {
    succeed("ip", ["netns", "add", full(name)]);
    at(name, "ip link set lo up");
    at(name, "sysctl -qw net.ipv6.conf.default.accept_dad=0");
  }
  return {
    full,
    at,
    tryAt,
    cable: (one, other) => {
      const [[linkA, a], [linkB, b]] = [one.split("@"), other.split("@")] as [[string, string], [string, string]];
      succeed("ip", `link add ${linkA} netns ${full(a)} type veth peer name ${linkB} netns ${full(b)}`.split(" "));
      // One packet per frame: a virtual cable would carry what is not yet cut into segments past any MTU.
      at(a, `ip link set ${linkA} gso_max_segs 1 up`);
      at(b, `ip link set ${linkB} gso_max_segs 1 up`);
    },
    address: (end, ...addresses) => {
      const [link, name] = end.split("@") as [string, string];
      for (const each of addresses) at(name, `ip address add ${each} dev ${link}`);
    },
    gateway: (name, ...addresses) => {
      for (const each of addresses) at(name, `ip route add default via ${each}`);
    },
    load: (name, file) => {
      at(name, `nft -f ${file}`);
    },
    answers: (name, to) => tryAt(name, "ping", ["-n", "-c", "1", "-W", "2", to]).status === 0,
    countedInAll: (name, chain) =>
      [...at(name, `nft list chain ${chain}`).matchAll(/packets (\d+)/g)].reduce(
        (sum, [, each]) => sum + Number(each),
        0,
      ),
    counted: (name, chain) =>
      Number(/counter packets (\d+)/.exec(at(name, `nft list chain ${chain}`))?.[1] ?? Number.NaN),
    serve: async (name, port) => {
      servers.push(await startServer(full(name), port));
    },
    transfer: (name, to, { port, bytes, seconds, from = "" }) =>
      tryAt(name, NODE, ["-e", CLIENT, to, ...[port, bytes, seconds].map(String), from]).status === 0,
    datagram: (name, to, { port, from, hex }) => {
      succeed("ip", ["netns", "exec", full(name), NODE, "-e", SENDER, to, String(port), from, hex]);
    },
    close: () => {
      for (const server of servers) server.kill("SIGKILL");
      for (const name of names) run("ip", ["netns", "del", full(name)]);
    },
  };
}
