/** What `netgen what-if` says of a tunnel and of a site, as questions that a lab can ask when it has taken them away. Pure. */
import { must } from "../../base/invariant.ts";
import type { IpAddress } from "../../base/ip.ts";
import { failoverOf } from "../../model/loopback.ts";
import type { Network } from "../../model/network.ts";
import type { Flow } from "../../ways/flows.ts";
import { allLosses, type Loss } from "../../ways/loss.ts";
import type { Party } from "../../ways/party.ts";
import { addressOf } from "../../ways/station.ts";
import { type Ways, waysOf } from "../../ways/ways.ts";
import { fatesOf } from "../../ways/what-if.ts";
import { cover } from "../measure/cover.ts";
import { cablesOf, type LabCable, type LabPlan } from "../plan/plan.ts";

/** Who asks whom. */
export interface Question {
  /** A guest, or a host. */
  readonly from: Party;
  readonly to: IpAddress;
  /** As a reader knows it: `vms@alpha -> vms@beta by IPv4`. */
  readonly name: string;
}

/** What a host drops: all of some cables, or of one tunnel by the port that this alone has. */
export interface Drop {
  readonly host: string;
  readonly what: { readonly cables: readonly LabCable[] } | { readonly port: number };
}

/** Something that is taken away, and what is said to go on and to end with that. */
export interface Trial {
  readonly loss: Loss;
  readonly drops: readonly Drop[];
  readonly goesOn: readonly Question[];
  readonly ends: readonly Question[];
  /** Of what goes on, what has to find another way. */
  readonly moved: number;
}

/** The end of a tunnel that has a device for it alone, and so a port: the other one may be a hub, which has one for all. */
function portBetween({ network, peers }: Ways, hosts: readonly string[]): Drop | undefined {
  const drops = network.hosts.flatMap(({ name, interfaces }) =>
    interfaces
      .filter(({ peers: ids }) => {
        const others = ids.map((id) => must(peers.get(id), "every id is a peer's").host);
        return hosts.includes(name) && others.length === 1 && others.every((other) => hosts.includes(other));
      })
      .map(({ listenPort: port }): Drop => ({ host: name, what: { port } })),
  );
  return drops[0];
}

function dropsOf(ways: Ways, plan: Pick<LabPlan, "hosts">, { hosts, tunnels }: Loss): readonly Drop[] {
  const cables = plan.hosts
    .filter(({ name }) => hosts.includes(name))
    .map((host) => ({ host: host.name, what: { cables: cablesOf(host) } }));
  return [...cables, ...tunnels.flatMap((pair) => portBetween(ways, pair) ?? [])];
}

/** What leaves by exits is asked by those: a lab knows who answers there. */
function questionOf(flow: Flow): readonly Question[] {
  if (flow.kind === "leaving") return [];
  const { from, to, family } = flow;
  const address = must(addressOf(to, family), "a flow is of a family that both ends have");
  return [{ from, to: address, name: `${from.name} -> ${to.name} by IPv${family}` }];
}

function trialOf(ways: Ways, plan: Pick<LabPlan, "hosts">, loss: Loss): Trial {
  const { all, gone, lost, moved } = fatesOf(ways, loss);
  const ended = new Set([...gone, ...lost]);
  const questions = (isWanted: (has: boolean) => boolean): readonly Question[] =>
    all.filter((each) => isWanted(ended.has(each))).flatMap(({ flow }) => questionOf(flow));
  return {
    loss,
    drops: dropsOf(ways, plan, loss),
    goesOn: questions((hasEnded) => !hasEnded),
    ends: questions((hasEnded) => hasEnded),
    moved: moved.length,
  };
}

/** For each tunnel, and each site that is not all there is, where there is more than one way. */
export function trialsOf(network: Network, plan: Pick<LabPlan, "guests" | "hosts">): readonly Trial[] {
  if (failoverOf(network) === undefined) return [];
  const ways = waysOf(network, plan.guests);
  return [...allLosses(ways, "link"), ...allLosses(ways, "site")]
    .filter(({ hosts }) => hosts.length < network.hosts.length)
    .map((loss) => trialOf(ways, plan, loss))
    .filter(({ drops, goesOn, ends }) => drops.length > 0 && goesOn.length + ends.length > 0);
}

/** Few of them that show all that one can do: that something ends, and that something finds another way. */
export const fewOf = (trials: readonly Trial[]): readonly Trial[] =>
  cover(trials, ({ loss, ends, moved }) => [
    ...(moved > 0 ? [`${loss.kind} moves`] : []),
    ...(ends.length > 0 ? [`${loss.kind} ends`] : []),
  ]);

/** What is otherwise than was said, of who was answered. */
export function surprises({ goesOn, ends }: Trial, isAnswered: (question: Question) => boolean): readonly string[] {
  return [
    ...goesOn.filter((each) => !isAnswered(each)).map(({ name }) => `${name}: no answer, expected that it goes on`),
    ...ends.filter(isAnswered).map(({ name }) => `${name}: an answer, expected that it ends`),
  ];
}
