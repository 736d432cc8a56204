/** A host that has several endpoints is reached at the first no more: whoever dials it gets to it by the next. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Endpoint } from "../../model/reach.ts";
import { runUnit } from "../machine/boot.ts";
import type { Box } from "../machine/box.ts";
import { type Lab, type RunningHost, runningHost } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { isAnswered, type Watched } from "../measure/steady-ping.ts";
import { brokenSessions, hostWatch } from "../measure/watch.ts";
import { diallerOf } from "./address.ts";
import { mute, SHY, unmute } from "./mute.ts";
import { restartTunnels } from "./restart.ts";

/** A host with several endpoints, one that dials it, and where the first of them leads to. */
export interface Detour {
  readonly host: string;
  readonly by: string;
  readonly first: IpAddress;
}

/** The first host that is dialled at several places by one whose only way it is. Pure. */
export function detourOf({ network, plan }: Pick<Lab, "network" | "plan">): Detour | undefined {
  const addressOf = (endpoint: Endpoint): IpAddress | undefined =>
    endpoint.kind === "address" ? endpoint.address : plan.names.find(({ name }) => name === endpoint.name)?.address;
  const routed = new Set(
    network.hosts
      .filter(({ interfaces }) => interfaces.some(({ routedBy }) => routedBy === "bgp"))
      .map(({ name }) => name),
  );
  return network.peers
    .flatMap(({ id, host, endpoints: [endpoint, ...others] }): readonly Detour[] => {
      const first = endpoint && addressOf(endpoint);
      if (first === undefined || others.length === 0 || routed.has(host)) return [];
      const by = diallerOf({ network, plan }, host, new Set([id]));
      return by === undefined ? [] : [{ host, by: by.name, first }];
    })
    .at(0);
}

const LOST = "lost";

/** Nothing gets to an address any more, and nothing from it. */
function cut(address: IpAddress): string {
  const family = familyOf(address) === 4 ? "ip" : "ip6";
  return `table inet ${LOST} { chain forward { type filter hook forward priority filter
    ${family} daddr ${address} drop
    ${family} saddr ${address} drop
  }; }`;
}

/** Two addresses, each of which has its time to answer, and what a busy machine adds. */
const PATIENCE_SECONDS = 60;

/** Seconds until the dialler is answered, as often as its timer looks or more often; `undefined`: it is not. */
async function secondsUntilFound(running: RunningHost, watched: Watched): Promise<number | undefined> {
  const begun = Date.now();
  const seconds = (): number => (Date.now() - begun) / 1000;
  while (seconds() < PATIENCE_SECONDS) {
    if (await isAnswered(watched, 11)) return seconds();
    await runUnit(running, `netgen${running.box.fleet}-endpoints.service`);
  }
  return undefined;
}

async function measure(lab: Lab, { host, first }: Detour, by: RunningHost, watched: Watched): Promise<Outcome> {
  const placed = must(
    lab.plan.hosts.find(({ name }) => name === host),
    "every host is in the plan",
  );
  // It must not be the first to speak, or WireGuard would follow it by itself.
  const router: Box = must(lab.routers.get(placed.uplink.router), "every router has a box");
  const wrong: string[] = [];
  let found: number | undefined;
  if (!(await isAnswered(watched, 30))) wrong.push("no answer even before, expected one");
  await lab.internet.run("nft", cut(first));
  try {
    await mute(router, SHY);
    await restartTunnels(by);
    if (await isAnswered(watched, 3)) wrong.push(`an answer by ${first}, which leads nowhere, expected none`);
    found = await secondsUntilFound(by, watched);
    if (found === undefined) wrong.push(`no answer within ${PATIENCE_SECONDS} s, expected one at another endpoint`);
  } finally {
    await lab.internet.run("nft", `delete table inet ${LOST}`);
    await unmute(router);
    await restartTunnels(by);
  }
  if (!(await isAnswered(watched, 60))) wrong.push("no answer within 60 s after the first was there again");
  wrong.push(...(await brokenSessions(lab)));
  if (wrong.length > 0 || found === undefined) return { isKept: false, measured: wrong.join("; ") };
  return { isKept: true, measured: `silent at ${first}, answered at another one after ${found.toFixed(0)} s` };
}

/** A promise for the first host that has several endpoints. */
export function endpointPromises(lab: Lab): readonly LabPromise[] {
  const detour = detourOf(lab);
  if (detour === undefined) return [];
  const by = runningHost(lab, detour.by);
  const watched = hostWatch(lab, by.host, runningHost(lab, detour.host).host);
  if (watched === undefined) return [];
  return [
    {
      kind: "life",
      subject: `${detour.host}, another endpoint`,
      promise: `${detour.by} gets to it by the next one when the first leads nowhere`,
      command: execCommand(by.box, `/etc/netgen${by.box.fleet}/wg-endpoints`),
      measure: () => measure(lab, detour, by, watched),
    },
  ];
}
