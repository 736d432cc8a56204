/** Three hosts that wg-quick brought up from compiled files, one to add, and a twin to compare with a fresh start. */
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import type { OutputFile } from "../../src/emit/file.ts";
import {
  attempt,
  compileFiles,
  install,
  interfaceState,
  type Lab,
  type LabHost,
  makeKey,
  makePresharedKey,
  openLab,
  readOn,
  removeOn,
  run,
  spiedCalls,
  startPing,
  writeOn,
} from "./wg-helpers.ts";

/** What sets a topology apart from the smallest one. */
export interface Change {
  readonly hosts?: readonly string[];
  readonly routes?: Readonly<Record<string, readonly string[]>>;
  readonly pools?: readonly string[];
  readonly pathMtu?: number;
  readonly endpoints?: Readonly<Record<string, string>>;
  /** MTU of the path between alpha and others, by name, each tunnel with its own. */
  readonly peerPaths?: Readonly<Record<string, number>>;
}

const IDS: Readonly<Record<string, number>> = { alpha: 1, beta: 2, gamma: 3, delta: 4 };
export const ALL = Object.keys(IDS);
/** What every test begins with: without delta, and two prefixes behind gamma. */
export const BASE: Change = { routes: { gamma: ["10.20.0.0/16", "fd20::/64"] } };

function topology(change: Change): string {
  const { hosts = ["alpha", "beta", "gamma"], routes = {}, pools = ["10.250.0.0/24", "fd00:250::/64"] } = change;
  const host = (name: string): string => {
    const endpoint = change.endpoints?.[name] ?? `192.0.2.${IDS[name]}`;
    return `  ${name}: {id: ${IDS[name]}, endpoint: "${endpoint}", routes: ${JSON.stringify(routes[name] ?? [])}}`;
  };
  const paths = Object.entries(change.peerPaths ?? {}).map(([other, mtu]) => ({ between: ["alpha", other], mtu }));
  return [
    "netgen: 1",
    "name: reload",
    `underlay: {pathMtu: ${change.pathMtu ?? 1500}, paths: ${JSON.stringify(paths)}}`,
    `wireguard: {addresses: ${JSON.stringify(pools)}, presharedKeys: true, mtu: ${change.peerPaths ? "per-peer" : "per-interface"}}`,
    "hosts:",
    ...hosts.map(host),
    "",
  ].join("\n");
}

let lab: Lab;
const publicKeys: Record<string, string> = {};

export const on = (name: string): LabHost => lab.hosts[name] as LabHost;
export const publicKeyOf = (name: string): string => publicKeys[name] ?? "";

export function files(change: Change): readonly OutputFile[] {
  return compileFiles(topology(change), publicKeys);
}

/** A new key pair in the host's key file. */
export function renewKey(name: string): void {
  publicKeys[name] = makeKey(on(name));
}

export function down(host: LabHost): void {
  attempt(host, "wg-quick down wg0");
}

export function up(host: LabHost): void {
  run(host, "wg-quick up wg0");
}

export function reload(): void {
  run(on("alpha"), "/etc/netgen/wg-reload wg0");
}

/** The same files and keys on a host where nothing runs yet, brought up by wg-quick. */
function freshStart(): object {
  const twin = on("twin");
  down(twin);
  removeOn(twin, "/etc/wireguard/psk");
  for (const path of run(on("alpha"), "cd /etc/wireguard; find . -type f").trim().split("\n")) {
    writeOn(twin, `/etc/wireguard/${path}`, readOn(on("alpha"), `/etc/wireguard/${path}`), 0o600);
  }
  for (const path of ["/etc/netgen/routes", "/etc/netgen/routes-apply"]) {
    writeOn(twin, path, readOn(on("alpha"), path), 0o755);
  }
  up(twin);
  return interfaceState(twin);
}

/** Does something on alpha under a ping to beta, which gets all its answers. */
export async function withoutLoss(step: () => void, address: readonly string[] = ["10.250.0.2"]): Promise<void> {
  const ping = startPing(on("alpha"), ...address);
  try {
    await ping.replies(15);
    step();
    await ping.replies(25);
  } finally {
    await ping.stop();
  }
  expect(await ping.stop()).toEqual([]);
}

/** The same, and insists on what holds after every reload. */
export async function underPing(step: () => void, address?: readonly string[]): Promise<void> {
  const key = run(on("alpha"), "wg show wg0 private-key");
  await withoutLoss(step, address);
  expect(run(on("alpha"), "wg show wg0 private-key") === key).toBe(true);
  expect(run(on("alpha"), "wg show wg0 listen-port").trim()).toBe("51820");
  expect(interfaceState(on("alpha"))).toEqual(freshStart());
}

/** Changes a file of alpha's by hand; it has to make a difference. */
function edit(path: string, change: (text: string) => string): void {
  const before = readOn(on("alpha"), path);
  const after = change(before);
  expect(after).not.toBe(before);
  writeOn(on("alpha"), path, after, 0o600);
}

export const editConfiguration = (change: (text: string) => string): void => edit("/etc/wireguard/wg0.conf", change);
export const editRoutes = (change: (text: string) => string): void => edit("/etc/netgen/routes", change);

/** From alpha. A handshake that met a closed door is tried again after 5 s (REKEY_TIMEOUT). */
export const isReachable = (address: string): boolean =>
  attempt(on("alpha"), `ping -c 1 -w 12 ${address}`).status === 0;

export const isUnreachable = (address: string): boolean =>
  attempt(on("alpha"), `ping -c 3 -w 1 ${address}`).status !== 0;

/** What wg was told about the interface; the dry run of check_file names one that cannot exist. */
export const orders = (): readonly string[] => spiedCalls(on("alpha")).filter((call) => call.startsWith("set wg0 "));

export const routes = (): string => run(on("alpha"), "ip route show dev wg0; ip -6 route show dev wg0");

/** The lab for the tests of one file; each of them begins with a fresh start of {@link BASE}. */
export function useReloadLab(): void {
  beforeAll(async () => {
    // Its name is the worker's: another may have one at the same time.
    lab = await openLab(`ngreload${process.env.VITEST_POOL_ID ?? ""}`, [...ALL, "twin"]);
    for (const name of ALL) renewKey(name);
    run(on("gamma"), "ip address add 10.20.0.1/32 dev lo; ip address add 10.30.0.1/32 dev lo");
    run(on("beta"), "ip address add 10.20.0.2/32 dev lo; ip address add 10.30.0.1/32 dev lo");
  });

  afterAll(() => lab.close());

  beforeEach(() => {
    for (const name of ALL) down(on(name));
    for (const [index, a] of ALL.entries()) for (const b of ALL.slice(index + 1)) makePresharedKey(on(a), on(b));
    const base = files(BASE);
    for (const name of ["alpha", "beta", "gamma"]) {
      install(on(name), base);
      up(on(name));
    }
    expect(isReachable("10.250.0.2")).toBe(true);
  });
}
