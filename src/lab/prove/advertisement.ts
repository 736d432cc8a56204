/** Guests make themselves addresses of what their router advertises, send by it, and nothing larger than it says. */
import { must } from "../../base/invariant.ts";
import { containsAddress, type IpAddress } from "../../base/ip.ts";
import type { Bridge, RouterAdvertisement } from "../../model/device.ts";
import type { Box } from "../machine/box.ts";
import { sleep } from "../machine/patience.ts";
import { serveRadvd } from "../machine/radvd.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { type Configured, configuration, whileConfigured } from "../measure/advertisement.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";
import type { LabGuest } from "../plan/plan.ts";

/** A host that is the router of a subnet. */
interface Router {
  readonly running: RunningHost;
  readonly bridge: Bridge;
  readonly advertisement: RouterAdvertisement;
}

const routersOf = (lab: Lab, subnet: string): readonly Router[] =>
  runningHosts(lab).flatMap((running) =>
    running.host.bridges.flatMap((bridge): Router[] => {
      const { advertisement } = bridge;
      return bridge.subnet === subnet && advertisement !== undefined ? [{ running, bridge, advertisement }] : [];
    }),
  );

/** The link-local address that a router speaks from. */
async function speaksFrom({ running, bridge }: Router): Promise<string> {
  const text = await running.box.run("ip", "-6", "-o", "address", "show", "dev", bridge.link, "scope", "link");
  return / inet6 (\S+)\//.exec(text)?.[1] ?? "no address";
}

function flawsOf({ addresses, routers, mtu }: Configured, advertisement: RouterAdvertisement, router: string) {
  const bare = advertisement.prefixes.filter(
    (prefix) => !addresses.some((address) => containsAddress(prefix, address as IpAddress)),
  );
  return [
    ...bare.map((prefix) => `no address of ${prefix} within 20 s`),
    ...(routers.join() === router ? [] : [`its router is ${routers.join(" and ") || "nobody"}, expected ${router}`]),
    ...(mtu === advertisement.mtu ? [] : [`it sends ${mtu} bytes, expected ${advertisement.mtu}`]),
  ];
}

/** Where each member is the router it says so to its own guests: that another one stops is none of their business. */
async function flawsWithout(other: Router | undefined, guest: Box, router: string): Promise<readonly string[]> {
  if (other === undefined) return [];
  const { name } = other.running.host;
  await serveRadvd(other.running, "stop");
  // What it says last has arrived by then.
  await sleep(1000);
  const { routers } = await configuration(guest);
  await serveRadvd(other.running, "start");
  return routers.join() === router ? [] : [`it has no router any more when ${name} stops advertising`];
}

async function measure(lab: Lab, guest: LabGuest, routers: readonly [Router, ...Router[]]): Promise<Outcome> {
  const box = must(lab.guests.get(guest.name), "every guest has a box");
  const own = routers.find(({ running }) => running.host.name === guest.host) ?? routers[0];
  const { advertisement } = own;
  const router = await speaksFrom(own);
  const other = routers.find((each) => each !== own);
  return whileConfigured(box, guest, async (seen) => {
    const wrong = [...flawsOf(seen, advertisement, router), ...(await flawsWithout(other, box, router))];
    if (wrong.length > 0) return { isKept: false, measured: wrong.join("; ") };
    const still = other === undefined ? "" : `, also when ${other.running.host.name} stops advertising`;
    return { isKept: true, measured: `${seen.addresses.join(", ")} by ${router}${still}; ${seen.mtu} bytes` };
  });
}

/** A promise for each guest that is configured by router advertisements. */
export const advertisements: Prover = {
  kind: "reachability",
  isAlone: true,
  promises: (lab): readonly LabPromise[] =>
    lab.plan.guests.flatMap((guest) => {
      const [first, ...others] = routersOf(lab, guest.subnet);
      if (first === undefined) return [];
      const { prefixes, mtu } = first.advertisement;
      return [
        {
          kind: "reachability" as const,
          subject: `${guest.name} by router advertisements`,
          promise: `makes itself addresses of ${prefixes.join(" and ")}, and sends ${mtu} bytes at most by its router`,
          command: execCommand(must(lab.guests.get(guest.name), "every guest has a box"), "ip -6 route show"),
          measure: () => measure(lab, guest, [first, ...others]),
        },
      ];
    }),
};
