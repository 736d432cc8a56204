/** Traffic between boxes, and what a router on its way sees of it. */
import { CLIENT, SENDER, SERVER } from "./namespaces.ts";
import { type Box, until } from "./netns.ts";

// ── Packets and connections ─────────────────────────────────────────────────────────────────────────────────────────

/** Whether an unfragmented packet of so many bytes, headers included, is answered; asked until it is, within 20 s. */
export function passes(box: Box, to: string, bytes = 84): boolean {
  return ping(box, to, bytes, ["-c", "1", "-w", "20"]);
}

/** The same of two packets in two seconds: for what must not pass. Ask {@link passes} about a smaller one first. */
export function isLost(box: Box, to: string, bytes = 84): boolean {
  return !ping(box, to, bytes, ["-c", "2", "-w", "2"]);
}

function ping(box: Box, to: string, bytes: number, options: readonly string[]): boolean {
  const headerBytes = to.includes(":") ? 48 : 28;
  return box.tryRun("ping", "-n", "-M", "do", ...options, "-s", String(bytes - headerBytes), to).status === 0;
}

/** The packets, by number, that were not answered while something was done: 50 a second, from before it until after. */
export async function lostDuring(box: Box, to: string, step: () => unknown): Promise<readonly number[]> {
  const pinging = box.start("ping", "-n", "-i", "0.02", "-s", "1000", to);
  const answered = (): readonly number[] =>
    [...pinging.log().matchAll(/ icmp_seq=(\d+) ttl/g)].map(([, n]) => Number(n));
  const more = (count: number): Promise<void> => {
    const before = answered().length;
    return until(() => answered().length >= before + count, pinging.log);
  };
  await more(15);
  await step();
  await more(50);
  await pinging.stop();
  const seen = new Set(answered());
  return Array.from({ length: Math.max(...seen) }, (_, index) => index + 1).filter((each) => !seen.has(each));
}

const NODE = process.execPath;

/** A TCP server on all addresses of a box. */
export async function serve(box: Box, port: number): Promise<void> {
  await box.start(NODE, "-e", SERVER, String(port)).says("listening");
}

/** Sends 5 MB by TCP; true when all have arrived within 30 s. */
export function transfers(box: Box, to: string, port: number): boolean {
  return box.tryRun(NODE, "-e", CLIENT, to, String(port), "5000000", "30").status === 0;
}

/** Sends one datagram from an address. */
export function datagram(box: Box, from: string, to: readonly [string, number], hex: string): void {
  box.run(NODE, "-e", SENDER, to[0], String(to[1]), from, hex);
}

// ── Routers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const WATCH = `
table inet watch {
  chain fragments {
    type filter hook prerouting priority -450
    ip frag-off & 0x3fff != 0 counter
    exthdr frag exists counter
  }
  chain clear {
    type filter hook prerouting priority -450
    ip daddr 10.0.0.0/8 counter
    ip6 daddr fd00::/8 counter
  }
}
`;

/** Makes a box a router that counts fragments, and packets to addresses of the overlay. */
export function makeRouter(router: Box): void {
  router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  router.shell(`echo '${WATCH}' | nft -f -`);
}

function counted(router: Box, chain: string): number {
  const counters = router.run("nft", "list", "chain", "inet", "watch", chain).matchAll(/packets (\d+)/g);
  return [...counters].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

/** Fragments that a router has seen or made. */
export function fragments(router: Box): number {
  const [names = "", values = ""] = router.shell("grep ^Ip: /proc/net/snmp").split("\n");
  return counted(router, "fragments") + Number(values.split(" ")[names.split(" ").indexOf("FragCreates")]);
}

/** Packets to addresses of the overlay that have left a host as they are. */
export const inClear = (router: Box): number => counted(router, "clear");
