/** VTEPs know each other, every guest and every gateway, and no MAC wanders. */
import { must } from "../../base/invariant.ts";
import { addressBits, familyOf, type IpAddress } from "../../base/ip.ts";
import type { Bridge, VxlanDevice } from "../../model/device.ts";
import type { Segment } from "../../model/segment.ts";
import type { Box } from "../machine/box.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import {
  announcedVteps,
  floodTargets,
  knownBehind,
  macAddressOf,
  macRoutes,
  wandering,
} from "../measure/evpn-tables.ts";
import { speak } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Prover } from "../measure/promise.ts";
import { untilNone } from "../measure/until-none.ts";
import type { LabGuest } from "../plan/plan.ts";
import { sessionPromises } from "./evpn-sessions.ts";

/** A host's part of a segment. */
interface Member {
  readonly name: string;
  readonly box: Box;
  readonly device: VxlanDevice;
  readonly bridge: Bridge | undefined;
}

function membersOf(lab: Lab, { vni }: Segment): readonly Member[] {
  return runningHosts(lab).flatMap(({ host, box }) => {
    const device = host.vxlans.find((each) => each.vni === vni);
    if (device === undefined) return [];
    return [{ name: host.name, box, device, bridge: host.bridges.find(({ subnet }) => subnet === device.segment) }];
  });
}

// ── Segments ────────────────────────────────────────────────────────────────────────────────────────────────────────

const list = (names: readonly string[]): string => (names.length === 0 ? "nobody" : names.join(", "));
const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

/** Who gets what has no known destination: exactly the others. */
function floodPromise(member: Member, others: readonly Member[], segment: Segment): LabPromise {
  const { box, device } = member;
  const isEvpn = device.flooding.kind === "evpn";
  // A list is the file's, whoever of it has been booted.
  const told = device.flooding.kind === "static" ? device.flooding.remotes : others.map((other) => other.device.local);
  const expected = [...told].sort();
  const missing = async (): Promise<readonly string[]> => {
    const vteps = isEvpn ? await announcedVteps(box, segment) : expected;
    const announced = vteps.filter((vtep) => vtep !== device.local);
    const flooded = await floodTargets(box, device.name);
    const wrong = isSame(announced, expected) ? [] : [`type-3 routes from ${list(announced)}`];
    if (!isSame(flooded, expected)) wrong.push(`${device.name} floods to ${list(flooded)}`);
    return wrong.length === 0 ? [] : [...wrong, `expected ${list(expected)}`];
  };
  return {
    kind: "evpn",
    subject: `${segment.name} on ${member.name}`,
    promise: `${isEvpn ? "a type-3 route from each other VTEP, and " : ""}frames flooded to exactly these`,
    command: execCommand(box, "bridge", "fdb", "show", "dev", device.name),
    measure: () => untilNone(missing, `${list(expected)}`),
  };
}

// ── Guests and gateways ─────────────────────────────────────────────────────────────────────────────────────────────

/** A MAC that others have to know behind a member, with the addresses that have to be announced with it. */
interface Announced {
  readonly mac: string;
  readonly at: Member;
  readonly addresses: readonly IpAddress[];
}

/** What other members do not know of it. */
async function unknownOf({ mac, at, addresses }: Announced, others: readonly Member[]): Promise<readonly string[]> {
  const found = await Promise.all(
    others.map(async ({ name, box, device }) => {
      const behind = await knownBehind(box, device.name, mac);
      if (!isSame(behind, [at.device.local]))
        return [`${name} has ${mac} behind ${list(behind)}, expected ${at.device.local}`];
      const routes = addresses.length === 0 ? "" : await macRoutes(box);
      return addresses
        .filter((address) => !routes.includes(`[${mac}]:[${addressBits(familyOf(address))}]:[${address}]`))
        .map((address) => `${name} has no type-2 route for ${mac} with ${address}`);
    }),
  );
  return found.flat();
}

const addressesOf = ({ addresses }: LabGuest): readonly IpAddress[] => addresses.map(({ address }) => address);

function guestPromise(lab: Lab, guest: LabGuest, members: readonly Member[]): LabPromise {
  const box = must(lab.guests.get(guest.name), "every guest has a box");
  const at = must(
    members.find(({ name }) => name === guest.host),
    "a guest's host is a member",
  );
  const others = members.filter((member) => member !== at);
  const neighbours = lab.plan.guests.filter((each) => each !== guest && each.subnet === guest.subnet);
  const targets = [...guest.gateways, ...neighbours.flatMap(addressesOf)].slice(0, 4);
  const isEvpn = at.device.flooding.kind === "evpn";
  // A host learns the addresses of those that ask it, not of those that it has no address for.
  const families = new Set((isEvpn ? (at.bridge?.addresses ?? []) : []).map(({ address }) => familyOf(address)));
  const addresses = addressesOf(guest).filter((address) => families.has(familyOf(address)));
  const missing = async (): Promise<readonly string[]> => {
    await speak(box, targets);
    return unknownOf({ mac: await macAddressOf(box, "eth0"), at, addresses }, others);
  };
  const what = ["its MAC", ...addresses].join(" and ");
  return {
    kind: "evpn",
    subject: guest.name,
    promise: `${what} known behind ${at.name} once it has spoken`,
    command: execCommand(others[0]?.box ?? at.box, "bridge", "fdb", "show", "dev", at.device.name),
    measure: () => untilNone(missing, `${what} known on ${list(others.map(({ name }) => name))}`),
  };
}

function gatewayPromise(at: Member, bridge: Bridge, others: readonly Member[]): LabPromise {
  const addresses = bridge.addresses.map(({ address }) => address);
  const missing = async (): Promise<readonly string[]> =>
    unknownOf({ mac: await macAddressOf(at.box, bridge.link), at, addresses }, others);
  return {
    kind: "evpn",
    subject: `gateway of ${bridge.subnet} on ${at.name}`,
    promise: `its MAC and ${addresses.join(" and ")} announced`,
    command: execCommand(at.box, "vtysh", "-c", '"show bgp l2vpn evpn route type macip"'),
    measure: () => untilNone(missing, `known on ${list(others.map(({ name }) => name))}`),
  };
}

function segmentPromises(lab: Lab, segment: Segment): readonly LabPromise[] {
  const members = membersOf(lab, segment);
  const hosts = new Map(lab.network.hosts.map((host) => [host.name, host]));
  if (members.length < 2) return [];
  const gateways = members.flatMap((at) => {
    const { bgp } = must(hosts.get(at.name), "a member is a host");
    const isAnnounced =
      bgp.kind !== "none" && bgp.vnis.some(({ vni, advertise }) => vni === segment.vni && advertise !== undefined);
    const others = members.filter((member) => member !== at);
    return isAnnounced && at.bridge !== undefined ? [gatewayPromise(at, at.bridge, others)] : [];
  });
  const guests = lab.plan.guests.filter(({ subnet }) => subnet === segment.name);
  return [
    ...members.map((at) =>
      floodPromise(
        at,
        members.filter((member) => member !== at),
        segment,
      ),
    ),
    ...gateways,
    ...guests.map((guest) => guestPromise(lab, guest, members)),
  ];
}

// ── Provers ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const tables: Prover = {
  kind: "evpn",
  isAlone: false,
  promises: (lab) => [
    ...sessionPromises(lab),
    ...lab.network.segments.flatMap((segment) => segmentPromises(lab, segment)),
  ],
};

/** All guests of a segment talk for as long as somebody looks: a MAC moves only when it is heard. */
async function talk(lab: Lab, segment: Segment): Promise<void> {
  const guests = lab.plan.guests.filter(({ subnet }) => subnet === segment.name);
  await Promise.all(
    guests.map(async (guest) => {
      const [to] = guests.filter((each) => each !== guest).flatMap(addressesOf);
      const box = must(lab.guests.get(guest.name), "every guest has a box");
      if (to !== undefined) await box.attempt("ping", "-n", "-q", "-i", "0.2", "-w", "4", to);
    }),
  );
}

function stillPromise(lab: Lab, segment: Segment, { name, box, device, bridge }: Member): LabPromise {
  const isEvpn = device.flooding.kind === "evpn";
  return {
    kind: "evpn",
    subject: `${segment.name} on ${name}`,
    promise: "no MAC wanders between hosts",
    command: isEvpn
      ? execCommand(box, "vtysh", "-c", `"show evpn mac vni ${device.vni}"`)
      : execCommand(box, "bridge", "monitor", "fdb"),
    measure: async () => {
      const [moved] = await Promise.all([wandering(box, device), isEvpn ? undefined : talk(lab, segment)]);
      const isShared = segment.gateway.kind === "shared" && bridge !== undefined;
      const shared = isShared ? await knownBehind(box, device.name, bridge.macAddress) : [];
      const wrong = [
        ...moved.map((each) => `${each}, expected it to stay`),
        ...shared.map((vtep) => `the shared gateway's ${bridge?.macAddress} is announced by ${vtep}, expected nobody`),
      ];
      if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
      return { isKept: true, measured: isEvpn ? "none has moved since the lab was opened" : "none moved in 3 s" };
    },
  };
}

/** Measured after all have spoken. */
const still: Prover = {
  kind: "evpn",
  isAlone: false,
  promises: (lab) =>
    lab.network.segments.flatMap((segment) => {
      const members = membersOf(lab, segment);
      return members.length < 2 ? [] : members.map((member) => stillPromise(lab, segment, member));
    }),
};

/** In the order in which they are to be proven. */
export const evpn: readonly Prover[] = Object.freeze([tables, still]);
