/** The underlay is as narrow as declared, tunnels carry exactly their MTU through it, and nothing is cut up on the way. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { VxlanDevice, WireguardInterface } from "../../model/device.ts";
import { mtuTowards } from "../../model/tunnel.ts";
import type { Box } from "../machine/box.ts";
import { isHeard } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { widenGuests } from "../measure/guest-mtu.ts";
import { type Probe, payloadBytes, pingWords } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import { areOnOneLan, cablesOf, type LabHost, type LabPath } from "../plan/plan.ts";
import { fragments } from "./mtu-fragments.ts";
import { guestPromises } from "./mtu-guests.ts";

/** The line of ping that says why a packet did not even leave, or was sent back; `undefined`: it was answered. */
async function refusal(box: Box, probe: Probe, source: readonly string[]): Promise<string | undefined> {
  const words = ["-n", "-M", "do", "-c", "1", "-w", "2", ...source, "-s", String(payloadBytes(probe)), probe.to];
  const { status, output } = await box.attempt("ping", ...words);
  if (status === 0) return undefined;
  const reason = /(message too long.*|Frag needed.*|Packet too big.*)/i.exec(output)?.[1];
  return reason ?? "no answer";
}

/** Whether exactly so many bytes pass. */
export async function measureExactly(
  box: Box,
  probe: Probe,
  refused: Probe,
  source: readonly string[],
): Promise<Outcome> {
  const isPassed = await eventually(async () => (await refusal(box, probe, source)) === undefined, 20);
  if (!isPassed) return { isKept: false, measured: `${probe.bytes} bytes to ${probe.to} are lost, expected an answer` };
  const reason = await refusal(box, refused, source);
  if (reason === undefined)
    return { isKept: false, measured: `${refused.bytes} bytes to ${refused.to} pass, expected to be refused` };
  return { isKept: true, measured: `${probe.bytes} bytes to ${probe.to} pass, ${refused.bytes}: ${reason}` };
}

/** Several measurements as one: broken if one is. */
export async function all(measurements: readonly Promise<Outcome>[]): Promise<Outcome> {
  const outcomes = await Promise.all(measurements);
  const broken = outcomes.filter(({ isKept }) => !isKept);
  const told = broken.length > 0 ? broken : outcomes;
  return { isKept: broken.length === 0, measured: told.map(({ measured }) => measured).join("; ") };
}

// ── The underlay ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a router has been told, where no packet but a tunnel's own gets through its NAT. */
async function measureRoute(router: Box, { from, to, mtu }: LabPath): Promise<Outcome> {
  const link = (await router.run("ip", "-o", "route", "get", to)).match(/dev (\S+)/)?.[1] ?? "";
  const route = await router.run("ip", "-o", "route", "get", to, "from", from, "iif", "wan");
  const found = Number(/mtu (?:lock )?(\d+)/.exec(route)?.[1]);
  const measured = `behind NAT: ${router.name}'s route from ${from} to ${to} by ${link} has ${found || "no MTU of its own"}`;
  return found === mtu ? { isKept: true, measured } : { isKept: false, measured: `${measured}, expected ${mtu}` };
}

/** An app that sends all into its tunnel sends answers there, too: of its underlay nothing can be asked. */
const isWholeTunnel = ({ network }: Lab, { name }: LabHost): boolean =>
  network.hosts.some(({ name: host, app }) => host === name && app?.exit !== undefined);

function measurePath(lab: Lab, from: LabHost, to: LabHost, path: LabPath): Promise<Outcome> {
  if (to.isBehindNat && !areOnOneLan(from, to)) {
    return measureRoute(must(lab.routers.get(path.router), "every router has a box"), path);
  }
  const box = must(lab.hosts.get(from.name), "every host has a box");
  const source = cablesOf(from).some(({ addresses }) => addresses.includes(path.from)) ? ["-I", path.from] : [];
  const probe = (bytes: number): Probe => ({ to: path.to, bytes });
  return measureExactly(box, probe(path.mtu), probe(path.mtu + 1), source);
}

function underlayPromises(lab: Lab): readonly LabPromise[] {
  const { paths } = lab.plan;
  const hosts = lab.plan.hosts.filter((host) => !isWholeTunnel(lab, host));
  const pathsFrom = (from: LabHost, to: LabHost): readonly LabPath[] => {
    const isOneLan = areOnOneLan(from, to);
    const { addresses } = isOneLan ? to.lan : to.uplink;
    const seenAs = isOneLan ? from.lan.addresses : from.publicAddresses;
    return paths.filter((path) => addresses.includes(path.to) && seenAs.includes(path.from));
  };
  return hosts.flatMap((from) =>
    hosts.flatMap((to): readonly LabPromise[] => {
      const own = from === to ? [] : pathsFrom(from, to);
      const [first] = own;
      if (first === undefined) return [];
      return [
        {
          kind: "mtu",
          subject: `${from.name} -> ${to.name}, underlay`,
          promise: `exactly ${[...new Set(own.map(({ mtu }) => mtu))].join(" or ")} bytes`,
          command: execCommand(
            must(lab.hosts.get(from.name), "every host has a box"),
            ...pingWords({ to: first.to, bytes: first.mtu }),
          ),
          measure: () => all(own.map((path) => measurePath(lab, from, to, path))),
        },
      ];
    }),
  );
}

// ── Tunnels ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One direction of a pair: what both ends carry passes, and an interface refuses what is larger than itself. */
function tunnelPromise(box: Box, own: WireguardInterface, peer: string, far: WireguardInterface): LabPromise {
  const sent = mtuTowards(own, peer);
  const bytes = Math.min(sent, mtuTowards(far, box.name));
  const families = new Set(own.addresses.map(({ address }) => familyOf(address)));
  const targets: readonly IpAddress[] = far.addresses
    .map(({ address }) => address)
    .filter((address) => families.has(familyOf(address)));
  const first = must(targets[0], "the ends of a tunnel have a family in common");
  return {
    kind: "mtu",
    subject: `${box.name} -> ${peer}, tunnel`,
    // The other end would cut up its answer: larger packets are refused where they enter.
    promise: sent === bytes ? `exactly ${bytes} bytes` : `the ${bytes} bytes that ${peer} carries`,
    command: execCommand(box, ...pingWords({ to: first, bytes })),
    measure: () => all(targets.map((to) => measureExactly(box, { to, bytes }, { to, bytes: sent + 1 }, []))),
  };
}

function tunnelPromises(lab: Lab): readonly LabPromise[] {
  const hostOf = new Map(lab.network.peers.map(({ id, host }) => [id, host]));
  const interfaceOf = (name: string, peer: string): WireguardInterface | undefined =>
    lab.network.hosts
      .find((host) => host.name === name)
      ?.interfaces.find(({ peers }) => peers.some((id) => hostOf.get(id) === peer));
  const heard = runningHosts(lab).filter(({ host }) => isHeard(host, lab.network.hosts));
  return heard.flatMap(({ host, box }) =>
    host.interfaces.flatMap((own) =>
      own.peers.flatMap((id) => {
        const peer = must(hostOf.get(id), `${id} is a peer`);
        const far = interfaceOf(peer, host.name);
        return far === undefined ? [] : [tunnelPromise(box, own, peer, far)];
      }),
    ),
  );
}

// ── Segments ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the device itself has: too much of it shows in no packet with DF, as the kernel refuses those in a guest's name. */
function devicePromise(box: Box, { name, segment, mtu }: VxlanDevice): LabPromise {
  const file = `/sys/class/net/${name}/mtu`;
  return {
    kind: "mtu",
    subject: `${segment} on ${box.name}, device`,
    promise: `${name} has exactly ${mtu} bytes`,
    command: execCommand(box, "cat", file),
    measure: async () => {
      const found = Number(await box.run("cat", file));
      const measured = `${name} has ${found} bytes`;
      return found === mtu ? { isKept: true, measured } : { isKept: false, measured: `${measured}, expected ${mtu}` };
    },
  };
}

const devicePromises = (lab: Lab): readonly LabPromise[] =>
  runningHosts(lab).flatMap(({ host, box }) => host.vxlans.map((device) => devicePromise(box, device)));

// ── Provers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const sizes: Prover = {
  kind: "mtu",
  isAlone: false,
  prepare: widenGuests,
  promises: (lab) => [...underlayPromises(lab), ...tunnelPromises(lab), ...devicePromises(lab), ...guestPromises(lab)],
};

/** In the order in which they are to be proven. */
export const mtu: readonly Prover[] = Object.freeze([sizes, fragments]);
