/** A host that is in a VRF itself answers guests by what of it is bound to the VRF, and by nothing else; and it reaches them. */
import { must } from "../../base/invariant.ts";
import { familyOf, type IpAddress } from "../../base/ip.ts";
import type { Host } from "../../model/host.ts";
import { addressOf } from "../../ways/station.ts";
import { eventually } from "../machine/patience.ts";
import type { Lab } from "../machine/running.ts";
import { answered, SMALL_BYTES } from "../measure/ping.ts";
import { execCommand, type LabPromise, type Outcome } from "../measure/promise.ts";
import { knock } from "../measure/traffic.ts";
import type { LabGuest } from "../plan/plan.ts";
import { hostBox } from "./exit-loss.ts";

// One socket of the VRF's, and one of the host's own; of Python, which FRR's reload needs as well: Node.js binds to no device.
const LISTEN = `
import socket, sys, time
def listening(device):
    s = socket.socket(socket.AF_INET6)
    if device: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    s.bind(("::", 0)); s.listen()
    return s
own, other = listening(sys.argv[1]), listening("")
print("ports", own.getsockname()[1], other.getsockname()[1], flush=True)
time.sleep(600)
`;

interface Visit {
  readonly guest: LabGuest;
  readonly from: IpAddress;
  readonly host: Host;
  readonly to: IpAddress;
}

async function measure(lab: Lab, { guest, from, host, to }: Visit): Promise<Outcome> {
  const box = hostBox(lab, host.name);
  const visitor = must(lab.guests.get(guest.name), "every guest has a box");
  const log = `local-${guest.name}-${familyOf(to)}`;
  await box.start(log, "python3", "-c", LISTEN, guest.vrf ?? "");
  let ports: readonly number[] = [];
  await eventually(async () => {
    ports =
      /^ports (\d+) (\d+)$/m
        .exec(await box.log(log))
        ?.slice(1)
        .map(Number) ?? [];
    return ports.length > 0;
  }, 30);
  if (ports.length === 0) throw new Error(`${box.name}: nothing listens: ${await box.log(log)}`);
  // Who is silent where it may speak would be silent anyway.
  await answered(visitor, [{ to, bytes: SMALL_BYTES }]);
  const heard = await knock(
    visitor,
    ports.map((port) => ({ from, to, port })),
    5,
  );
  const back = await answered(box, [{ to: from, bytes: SMALL_BYTES }]);
  const wrong = [
    ...(heard[0] === "connected" ? [] : [`what is bound to the VRF: ${heard[0]}, expected an answer`]),
    ...(heard[1] === "connected" ? ["what is not bound to the VRF answered, expected none"] : []),
    ...(back.size > 0 ? [] : [`${from} does not answer ${host.name}`]),
  ];
  const measured = `bound to it: ${heard[0]}, not bound: ${heard[1]}; ${from} answers ${host.name}`;
  return { isKept: wrong.length === 0, measured: wrong.join("; ") || measured };
}

/** For each address by which a host is in a VRF: a guest of another host, if there is one, else one of its own. */
export function localPromises(lab: Lab): readonly LabPromise[] {
  return lab.network.hosts.flatMap((host) =>
    host.vrfs.flatMap(({ name: vrf, ownAddresses }) =>
      ownAddresses.flatMap(({ address: to }): readonly LabPromise[] => {
        const guests = lab.plan.guests.filter((each) => each.vrf === vrf && addressOf(each, familyOf(to)));
        const guest = guests.find((each) => each.host !== host.name) ?? guests[0];
        const from = guest && addressOf(guest, familyOf(to));
        if (guest === undefined || from === undefined) return [];
        return [
          {
            kind: "guard",
            subject: `${guest.name} -> ${host.name} itself, IPv${familyOf(to)}`,
            promise: `what is bound to the VRF ${vrf} answers, nothing else of it does, and it reaches the guest`,
            command: execCommand(hostBox(lab, host.name), "ping", "-n", "-c", "3", from),
            measure: () => measure(lab, { guest, from, host, to }),
          },
        ];
      }),
    ),
  );
}
