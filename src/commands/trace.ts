import { Argument, Command, InvalidArgumentError, Option } from "commander";
import {
  containsPrefix,
  FAMILIES,
  familyOf,
  hostAddress,
  hostPrefix,
  type IpAddress,
  type IpFamily,
  type IpPrefix,
  networkAddress,
  parseAddress,
  parsePrefix,
} from "../base/ip.ts";
import { pingPayload } from "../base/mtu.ts";
import { planGuests } from "../lab/plan/guests.ts";
import { renderTraceSvg } from "../report/draw/trace-svg.ts";
import { renderLeaving } from "../report/leaving.ts";
import { renderTrace } from "../report/trace.ts";
import { isOutside, traceLeaving } from "../ways/leave.ts";
import { type Flow, flowBetween, type Party, partiesNamed } from "../ways/party.ts";
import { addressOf } from "../ways/station.ts";
import { traceFlow } from "../ways/trace.ts";
import { type Ways, waysOf } from "../ways/ways.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { unknownName } from "./names.ts";
import { formatOption, keysOption, quietOption, topologyOption } from "./options.ts";
import { type CommonOptions, exitCodeOf, jsonOf, open, printDiagnostics } from "./session.ts";

interface TraceOptions extends Omit<CommonOptions, "format"> {
  readonly format: keyof typeof RENDER;
  readonly topology: string;
  readonly size?: number;
  readonly family?: "4" | "6";
}

const RENDER = { text: renderTrace, json: jsonOf, svg: renderTraceSvg };

/** What the length of an IP packet can say (RFC 791 §3.1). */
const MAX_BYTES = 65_535;

function readSize(text: string): number {
  const bytes = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (bytes >= 1 && bytes <= MAX_BYTES) return bytes;
  throw new InvalidArgumentError(`A packet has 1 to ${MAX_BYTES} bytes.`);
}

/** The prefix of the topology that an address or a prefix is of, such as what a BGP neighbour may say; `undefined`: none. */
function prefixAround({ network }: Ways, text: string): IpPrefix | undefined {
  const address = parseAddress(text);
  const asked = address === undefined ? parsePrefix(text)?.prefix : hostPrefix(address);
  const all = [...network.prefixes.map(({ prefix }) => prefix), ...network.sites.flatMap(({ lan }) => lan)];
  return asked && all.find((prefix) => containsPrefix(prefix, asked));
}

/** All that a text means. @throws Error when that is nothing. */
function meant(ways: Ways, text: string): readonly Party[] {
  const parties = partiesNamed(ways, text);
  if (parties.length > 0) return parties;
  const prefix = prefixAround(ways, text);
  if (prefix !== undefined) {
    throw machineError(`"${text}" lies in ${prefix}, and the topology does not say who is there: name a host instead`);
  }
  const names = [...ways.hosts.keys(), ...new Set(ways.stations.flatMap(({ subnet, name }) => [subnet, name]))];
  throw unknownName(text, {
    is: "no host, no subnet and no address",
    names,
    write: `a host, a subnet, one on a host (${names.at(-1)}), an address or a prefix`,
  });
}

const onOneHost = ([from, to]: readonly [string, string], host: string): Error =>
  machineError(`"${from}" and "${to}" are both on ${host}: what they send each other leaves no host`);

/** What is between two texts. @throws Error when that never leaves a host, or there is no IP version for it. */
function flowOf(ways: Ways, ends: readonly [string, string], family: string | undefined): Flow {
  const [from, to] = ends;
  const [a, b] = [meant(ways, from), meant(ways, to)];
  const families = FAMILIES.filter((each) => family === undefined || family === String(each));
  const flow = flowBetween(a, b, families);
  if (flow !== undefined) return flow;
  const hosts = new Set([...a, ...b].map(({ host }) => host));
  if (hosts.size === 1) throw onOneHost(ends, [...hosts].join());
  const version = family === undefined ? "no IP version in common" : `no IPv${family} address each`;
  throw machineError(`"${from}" and "${to}" have ${version}`);
}

/** @throws Error when no packet of this size has room for a question. */
function checkSize(family: IpFamily, { size }: Pick<TraceOptions, "size">): void {
  const least = 1 - pingPayload(0, family);
  if (size === undefined || size >= least) return;
  throw machineError(
    `--size ${size} is too small: an IPv${family} packet that is answered has ${least - 1} bytes at least`,
  );
}

/** The address that a text means where that is nobody's in the overlay: itself, or the first of a prefix. */
function outsideOf(ways: Ways, text: string): IpAddress | undefined {
  const prefix = parsePrefix(text)?.prefix;
  const to = parseAddress(text) ?? (prefix && (hostAddress(prefix, 1) ?? networkAddress(prefix)));
  return to !== undefined && partiesNamed(ways, text).length === 0 && isOutside(ways, to) ? to : undefined;
}

/** The ways out to an address. @throws Error when it has none of them, or they cannot be printed so. */
function printLeaving(ways: Ways, [from, to]: readonly [string, IpAddress], options: TraceOptions): string {
  const { format, size, family = String(familyOf(to)) } = options;
  if (format === "svg") throw machineError("what leaves the overlay is not drawn: use --format text or json");
  if (family !== String(familyOf(to))) throw machineError(`"${to}" is no IPv${family} address`);
  checkSize(familyOf(to), options);
  const party = meant(ways, from).find(({ addresses }) => addressOf({ addresses }, familyOf(to)) !== undefined);
  const leaving = party && traceLeaving(ways, party, to, size);
  if (leaving === undefined) throw machineError(`"${from}" has no IPv${familyOf(to)} address`);
  return format === "json" ? jsonOf(leaving) : renderLeaving(leaving);
}

function trace(ends: readonly [string, string], { format, ...options }: TraceOptions): number {
  const session = open(options.topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model !== undefined && exitCodeOf(session) === EXIT_DONE) {
    const all = waysOf(session.model, planGuests(session.model).guests);
    const to = outsideOf(all, ends[1]);
    if (to !== undefined) {
      process.stdout.write(printLeaving(all, [ends[0], to], { format, ...options }));
      return EXIT_DONE;
    }
    const flow = flowOf(all, ends, options.family);
    checkSize(flow.family, options);
    const result = traceFlow(all, flow, options.size);
    // A gateway's address that several hosts have is nearest on one's own.
    const stays = [result.there, result.back].find(({ hops, end }) => hops.length === 0 && end.kind === "arrived");
    if (stays !== undefined) throw onOneHost(ends, stays.end.host);
    process.stdout.write(RENDER[format](result));
  }
  return exitCodeOf(session);
}

export const traceCommand = (exit: (code: number) => void): Command =>
  new Command("trace")
    .summary("follow a packet from one end to the other, and back")
    .description(
      "Prints a packet's way hop by hop and layer by layer: the route that chose each link, the bytes before and after each " +
        "header, what TCP is clamped to, and who says what where it is too large; and where the way back is another. An end " +
        "is a host, a subnet, one on a host as guests@alpha, an address or a prefix.",
    )
    .addArgument(new Argument("<from>", "who sends"))
    .addArgument(new Argument("<to>", "who is to get it"))
    .addOption(topologyOption())
    .addOption(keysOption())
    .addOption(
      new Option("--size <bytes>", "of the IP packet (default: the largest that arrives and is answered)").argParser(
        readSize,
      ),
    )
    .addOption(new Option("--family <version>", "IP version, where both ends have both").choices(["4", "6"]))
    .addOption(quietOption())
    .addOption(formatOption("the trace", ["text", "json", "svg"]))
    .action((from: string, to: string, options: TraceOptions) => exit(trace([from, to], options)));
