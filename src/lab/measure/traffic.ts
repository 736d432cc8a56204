/** TCP and UDP between boxes, by programs of Node.js: it is there, whatever else the machine has. */
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Box } from "../machine/box.ts";
import { eventually, PATIENCE } from "../machine/patience.ts";

const NODE = process.execPath;

// ── A connection that carries something both ways ───────────────────────────────────────────────────────────────────

// Sends back what it gets, on one connection; prints the port that it has been given.
const ECHO = `
const server = require("net").createServer((socket) => {
  socket.on("error", () => {});
  socket.on("close", () => process.exit());
  socket.pipe(socket);
}).listen(0, "::", () => console.log("port " + server.address().port));
setTimeout(() => process.exit(), ${120_000 * PATIENCE});
`;

// Not the socket's own timeout: it waits twice as long while something is still to be sent.
const EXCHANGE = `
const [host, port, bytes, idleSeconds] = process.argv.slice(1);
const begin = Date.now();
let [received, isConnected] = [0, false];
const finish = () => {
  console.log(JSON.stringify({ isConnected, bytes: received, seconds: (Date.now() - begin) / 1000 }));
  process.exit();
};
const idle = setTimeout(finish, Number(idleSeconds) * 1000);
const socket = require("net").connect({ host, port: Number(port) }, () => {
  isConnected = true;
  idle.refresh();
  socket.write(Buffer.alloc(Number(bytes)));
});
socket.on("data", (data) => {
  idle.refresh();
  received += data.length;
  if (received >= Number(bytes)) finish();
});
socket.on("error", finish);
socket.on("close", finish);
setTimeout(finish, 100000);
`;

/** Where a connection goes to. */
export interface Destination {
  readonly box: Box;
  readonly address: IpAddress;
}

export interface Load {
  /** Sent, and expected back. */
  readonly bytes: number;
  /** So long without a byte coming back and it has stalled. */
  readonly idleSeconds: number;
}

/** What came of a connection. */
export interface Exchange {
  readonly isConnected: boolean;
  /** That came back. */
  readonly bytes: number;
  readonly seconds: number;
}

let servers = 0;

/** Sends bytes by TCP to an address and gets them back: both directions carry them. */
export async function exchange(from: Box, { box, address }: Destination, load: Load): Promise<Exchange> {
  servers += 1;
  const log = `echo-${servers}`;
  await box.start(log, NODE, "-e", ECHO);
  let port = "";
  await eventually(async () => {
    port = /port (\d+)/.exec(await box.log(log))?.[1] ?? "";
    return port !== "";
  }, 30);
  if (port === "") throw new Error(`${box.name}: no server: ${await box.log(log)}`);
  // A connection is tried once, and what it needs may not be there yet.
  await from.attempt("ping", "-n", "-q", "-c", "1", "-w", "10", address);
  const words = [address, port, String(load.bytes), String(load.idleSeconds)];
  return JSON.parse(await from.run(NODE, "-e", EXCHANGE, ...words)) as Exchange;
}

// ── Single packets ──────────────────────────────────────────────────────────────────────────────────────────────────

/** From where a packet claims to come, and where it goes. */
export interface Addressed {
  readonly to: IpAddress;
  readonly port: number;
  /** An address of the box. */
  readonly from: IpAddress;
}

export interface Datagram extends Addressed {
  /** What it carries. */
  readonly hex: string;
}

const SEND = `
for (const { to, port, from, hex } of JSON.parse(process.argv[1])) {
  const socket = require("dgram").createSocket(to.includes(":") ? "udp6" : "udp4");
  socket.bind(0, from, () => socket.send(Buffer.from(hex, "hex"), port, to, () => socket.close()));
}
`;

/** Sends each datagram once. @throws Error when one cannot leave, as from an address that the box does not have. */
export async function sendDatagrams(box: Box, datagrams: readonly Datagram[]): Promise<void> {
  if (datagrams.length > 0) await box.run(NODE, "-e", SEND, JSON.stringify(datagrams));
}

const KNOCK = `
const [knocks, seconds] = [JSON.parse(process.argv[1]), Number(process.argv[2])];
const answers = knocks.map(({ to, port, from }) => new Promise((resolve) => {
  const socket = require("net").connect({ host: to, port, localAddress: from }, () => resolve("connected"));
  socket.on("error", ({ code }) => resolve(code === "ECONNREFUSED" || code === "ECONNRESET" ? "refused" : code));
  setTimeout(() => resolve("silent"), seconds * 1000);
}));
Promise.all(answers).then((all) => { console.log(JSON.stringify(all)); process.exit(); });
`;

/** Tries to connect by TCP: `connected`, `refused`, `silent`, or why nothing could be sent (an error code). */
export async function knock(box: Box, knocks: readonly Addressed[], seconds: number): Promise<readonly string[]> {
  if (knocks.length === 0) return [];
  return JSON.parse(await box.run(NODE, "-e", KNOCK, JSON.stringify(knocks), String(seconds))) as readonly string[];
}

// ── Counters ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Packets that the counters of a chain have seen, all together; 0 where there is no such chain. */
export async function countedPackets(box: Box, ...chain: readonly [family: string, table: string, name: string]) {
  const { status, output } = await box.attempt("nft", "list", "chain", ...chain);
  if (status !== 0) return 0;
  return [...output.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

/** `ip` with the option for an address's family. */
export const ipFor = (address: IpAddress): string => `-${familyOf(address)}`;
