/** Where a remote lies behind an interface of its own, guests and hosts get there, each as whom it is to be seen. */
import { must } from "../../base/invariant.ts";
import { FAMILIES, familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { poolAddresses } from "../../model/loopback.ts";
import { remoteExitsOf } from "../../ways/exits.ts";
import { gatewayHost } from "../../ways/reach.ts";
import { addressOf } from "../../ways/station.ts";
import { waysOf } from "../../ways/ways.ts";
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import type { LabPremises } from "../plan/plan.ts";
import { hostBox } from "./exit-loss.ts";

/** Who goes there, from which host's tables. */
interface Visitor {
  readonly name: string;
  readonly box: Box;
  readonly leader: Host;
  readonly addresses: Parameters<typeof addressOf>[0]["addresses"];
  /** It is the leader itself. */
  readonly isHost: boolean;
}

function visitorsOf(lab: Lab): readonly Visitor[] {
  const ways = waysOf(lab.network, lab.plan.guests);
  const guests = lab.plan.guests.flatMap((guest): readonly Visitor[] => {
    const leader = guest.vrf === undefined ? gatewayHost(ways, guest, 4) : undefined;
    if (leader === undefined) return [];
    const box = must(lab.guests.get(guest.name), "every guest has a box");
    return [{ name: guest.name, box, leader, addresses: guest.addresses, isHost: false }];
  });
  const hosts = lab.network.hosts
    .filter(({ egress }) => egress !== undefined)
    .map((host): Visitor => {
      const addresses = poolAddresses(host);
      return { name: host.name, box: hostBox(lab, host.name), leader: host, addresses, isHost: true };
    });
  return [...guests, ...hosts];
}

interface Visit {
  readonly visitor: Visitor;
  readonly premises: LabPremises;
  readonly to: IpAddress;
  readonly seenAs: IpAddress;
}

/** Those who go by the host that leads there; as itself where nothing hides it, else as that host. */
function visitsTo(lab: Lab, premises: LabPremises, visitor: Visitor): readonly Visit[] {
  const { remote, host, hasSnat, networks } = premises;
  return FAMILIES.flatMap((family): readonly Visit[] => {
    const network = networks.find(({ address }) => familyOf(address) === family);
    const own = addressOf(visitor, family);
    const [first] = remoteExitsOf(lab.network, visitor.leader, remote, family);
    if (network === undefined || own === undefined || first?.host !== host) return [];
    const isHidden = hasSnat || (visitor.isHost && visitor.leader.name === host);
    return [{ visitor, premises, to: network.address, seenAs: isHidden ? network.gateway : own }];
  });
}

async function seenThere(lab: Lab, { visitor, premises, to }: Visit): Promise<readonly string[]> {
  const there = must(lab.premises.get(premises.name), "each has a box");
  const set = ["inet", "remote", `seen${familyOf(to)}`];
  await there.run("nft", "flush", "set", ...set);
  const { output } = await visitor.box.attempt("ping", "-n", "-q", "-c", "3", "-i", "0.2", "-w", "2", to);
  if (!/ [1-9]\d* received/.test(output)) return [];
  const text = await there.run("nft", "list", "set", ...set);
  const elements = /elements = \{([^}]*)\}/.exec(text)?.[1] ?? "";
  return elements.split(",").map((each) => each.trim());
}

async function measure(lab: Lab, visit: Visit): Promise<Outcome> {
  let seen: readonly string[] = [];
  const isKept = await eventually(async () => {
    seen = await seenThere(lab, visit);
    return seen.length === 1 && seen[0] === visit.seenAs;
  }, 20);
  const measured = seen.length === 0 ? "no answer" : `seen as ${seen.join(", ")}`;
  return { isKept, measured: isKept ? measured : `${measured}; expected ${visit.seenAs}` };
}

/** One at a time: what is noted there is one visitor's. */
export const exitPremises: Prover = {
  kind: "exits",
  isAlone: true,
  promises: (lab) =>
    lab.plan.premises.flatMap((premises) =>
      visitorsOf(lab)
        .flatMap((visitor) => visitsTo(lab, premises, visitor))
        .map(
          (visit): LabPromise => ({
            kind: "exits",
            subject: `${visit.visitor.name} -> the remote ${premises.remote} behind ${premises.host}, IPv${familyOf(visit.to)}`,
            promise: `gets there by ${premises.interface}, and is seen as ${visit.seenAs}`,
            command: execCommand(visit.visitor.box, "ping", "-n", "-c", "3", visit.to),
            measure: () => measure(lab, visit),
          }),
        ),
    ),
};
