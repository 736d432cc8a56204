/** What guests believe that their subnets carry. */
import { must } from "../../base/invariant.ts";
import { ETHERNET_MTU } from "../../ways/subnet-routes.ts";
import type { Lab } from "../machine/running.ts";
import type { LabGuest } from "../plan/plan.ts";

/** So much more than its subnet carries is what a guest with jumbo frames believes in. */
const ROOM_BYTES = 100;

/** What a guest believes in while MTUs are measured: Ethernet's 1500, or more than its subnet carries if that is more. */
export const guestMtu = ({ mtu }: LabGuest): number => (mtu <= ETHERNET_MTU ? ETHERNET_MTU : mtu + ROOM_BYTES);

/** Makes all guests believe in more than their subnets carry. */
export async function widenGuests({ plan, guests, hosts }: Lab): Promise<void> {
  await Promise.all(
    plan.guests.map(async (guest) => {
      const bytes = String(guestMtu(guest));
      const [box, host] = [guests.get(guest.name), hosts.get(guest.host)];
      await must(box, "every guest has a box").run("ip", "link", "set", "eth0", "mtu", bytes);
      // The host's end has Ethernet's by itself, unless the host's own files say what it has.
      if (guestMtu(guest) > ETHERNET_MTU && !guest.isPluggedByHost)
        await must(host, "every host has a box").run("ip", "link", "set", guest.port, "mtu", bytes);
    }),
  );
}
