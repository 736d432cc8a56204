/** Where BGP routes, nobody takes over what is another's: a hub hears from a spoke of the spoke's own prefixes only. */
import { familyOf, type IpPrefix } from "../../base/ip.ts";
import type { UnicastNeighbour } from "../../model/bgp.ts";
import type { Host } from "../../model/host.ts";
import { unicastOf } from "../../model/loopback.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";

/** A spoke that announces what is another's, as its hub sees both. */
export interface Takeover {
  readonly thief: UnicastNeighbour;
  readonly owner: UnicastNeighbour;
  readonly prefix: IpPrefix;
}

/** The first two neighbours of a host that pass nothing on. Pure. */
export function takeoverAt(hub: Host): Takeover | undefined {
  const leaves = (unicastOf(hub)?.neighbours ?? []).filter(({ announced }) => announced !== undefined);
  const [thief] = leaves;
  const owner = leaves.find(
    ({ host, address }) => thief && host !== thief.host && familyOf(address) === familyOf(thief.address),
  );
  const prefix = owner?.announced?.[0];
  return thief === undefined || owner === undefined || prefix === undefined ? undefined : { thief, owner, prefix };
}

const vtysh = (box: Box, ...commands: readonly string[]): Promise<string> =>
  box.run("vtysh", ...commands.flatMap((command) => ["-c", command]));

/** Of a prefix-list, as FRR counts. */
const LAST_ENTRY = 4_294_967_295;

/** Has a host announce a prefix, or no more. */
function announce({ host, box }: RunningHost, prefix: IpPrefix, no: "" | "no "): Promise<string> {
  const { bgp } = host;
  const speaker = bgp.kind === "none" ? [] : [`router bgp ${bgp.asn}`];
  const [family, command] = familyOf(prefix) === 4 ? ["ipv4", "ip"] : ["ipv6", "ipv6"];
  // A spoke that has been broken into does not hold itself to what it says to other ASes.
  const lifted = unicastOf(host)?.hasSeveralSystems
    ? [`${no}${command} prefix-list OWN seq ${LAST_ENTRY} permit ${prefix}`]
    : [];
  const spoken = [...speaker, `address-family ${family} unicast`, `${no}network ${prefix}`];
  return vtysh(box, "configure terminal", ...lifted, ...spoken);
}

/** From whom a host has heard of a prefix. */
async function tellers(box: Box, prefix: IpPrefix): Promise<readonly string[]> {
  const text = await vtysh(box, `show bgp ipv${familyOf(prefix)} unicast ${prefix} json`);
  return [...text.matchAll(/"peerId":"([^"]+)"/g)].map(([, peer = ""]) => peer);
}

async function measure(hub: RunningHost, spoke: RunningHost, { thief, owner, prefix }: Takeover): Promise<Outcome> {
  const told = `show bgp ipv${familyOf(prefix)} unicast neighbors ${thief.source} advertised-routes json`;
  await announce(spoke, prefix, "");
  try {
    const isTold = await eventually(async () => (await vtysh(spoke.box, told)).includes(`"${prefix}"`), 20);
    if (!isTold) return { isKept: false, measured: `${spoke.host.name} did not announce ${prefix}` };
    // What is refused leaves no trace: time for it to arrive.
    const hasTaken = await eventually(async () => (await tellers(hub.box, prefix)).includes(thief.address), 3);
    const hasOwner = (await tellers(hub.box, prefix)).includes(owner.address);
    const measured = hasTaken
      ? `${prefix} was taken from ${thief.host}, whose it is not`
      : `${prefix} is ${owner.host}'s`;
    return { isKept: !hasTaken && hasOwner, measured: hasOwner ? measured : `${measured}; nothing from ${owner.host}` };
  } finally {
    await announce(spoke, prefix, "no ");
  }
}

/** One hub at a time: what a spoke announces changes where all send to. */
export const takeovers: Prover = {
  kind: "guard",
  isAlone: true,
  promises: (lab: Lab) => {
    const running = runningHosts(lab);
    return running.flatMap((hub): readonly LabPromise[] => {
      const takeover = takeoverAt(hub.host);
      const spoke = running.find(({ host }) => host.name === takeover?.thief.host);
      if (takeover === undefined || spoke === undefined) return [];
      const { thief, owner, prefix } = takeover;
      return [
        {
          kind: "guard",
          subject: `${thief.host} -> ${hub.host.name}`,
          promise: `what it announces of ${owner.host}'s is not taken`,
          command: execCommand(hub.box, "vtysh", "-c", `"show bgp ipv${familyOf(prefix)} unicast ${prefix}"`),
          measure: () => measure(hub, spoke, takeover),
        },
      ];
    });
  },
};
