/** Cables that are taken out and plugged in again. */
import { must } from "../../base/invariant.ts";
import { membersOf } from "../plan/plan.ts";
import { memberLinks } from "./cables.ts";
import type { Lab, RunningHost } from "./running.ts";

// An interface that goes down takes its routes along, and its IPv6 addresses.
const SCRIPTS = {
  down: `sysctl -qw "net.ipv6.conf.$1.keep_addr_on_down=1"
for family in -4 -6; do ip "$family" route save table all dev "$1" > "/run/cable-$1$family"; done
ip link set "$1" down`,
  up: `ip link set "$1" up
for family in -4 -6; do ip "$family" route restore < "/run/cable-$1$family"; done`,
} as const;

/** Takes a cable of a host out of its router, or plugs it in again; its uplink, unless the LAN's is asked for. */
export async function plug(
  { plan, routers }: Lab,
  { host }: RunningHost,
  state: "up" | "down",
  cable: "uplink" | "lan" = "uplink",
): Promise<void> {
  const { router } = must(
    plan.hosts.find(({ name }) => name === host.name),
    "every host is planned",
  )[cable];
  const link = memberLinks(membersOf(router, plan)).get(host.name);
  const box = must(routers.get(router), "every router has a box");
  await box.run("bash", "-uc", SCRIPTS[state], "bash", must(link, "every host has a cable"));
}
