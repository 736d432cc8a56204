/**
 * What a network lives through: reloads, restarts, an address that changes.
 *
 * Every host is reloaded. The rest, which takes longer, is done to the first host of each shape: its role in BGP, who
 * configures its network, how its segments are flooded, whether it is a gateway, has prefixes, stands behind NAT. An
 * address changes for the first host with a name of each kind: reached as it is, or by a port of its router. Of several
 * endpoints the first fails once. A guest's address moves to another host in each segment, once of each family; who gives
 * guests their addresses forgets them. Where there are several route reflectors, each ends once; where there is more than
 * one way, whoever others send through is cut off, without a word and once it has been drained, and so are a few tunnels and
 * sites. Of two that share an address the master goes, and is drained.
 */
import { addressPromises } from "../life/address.ts";
import { drainPromises } from "../life/drain.ts";
import { endpointPromises } from "../life/endpoints.ts";
import { failoverPromises } from "../life/failover.ts";
import { leasePromises } from "../life/lease.ts";
import { movePromises } from "../life/moved-guest.ts";
import { reflectorPromises } from "../life/reflector.ts";
import { reloadPromises } from "../life/reload.ts";
import { restartPromises } from "../life/restart.ts";
import { trialPromises } from "../life/trials.ts";
import { vrrpPromises } from "../life/vrrp.ts";
import { runningHosts } from "../machine/running.ts";
import type { Prover } from "../measure/promise.ts";
import { oneOfEachShape } from "../measure/watch.ts";

/** One after the other, and each leaves the lab as well as it found it. */
export const life: Prover = {
  kind: "life",
  isAlone: true,
  promises: (lab) => {
    // Of what an app configures nothing is reloaded: it takes in a whole configuration.
    const hosts = runningHosts(lab).filter(({ host }) => host.app === undefined);
    return [
      ...hosts.flatMap((running) => reloadPromises(lab, running)),
      ...oneOfEachShape(hosts).flatMap((running) => restartPromises(lab, running)),
      ...reflectorPromises(lab),
      ...addressPromises(lab),
      ...endpointPromises(lab),
      ...movePromises(lab),
      ...leasePromises(lab),
      ...failoverPromises(lab),
      ...drainPromises(lab),
      ...trialPromises(lab),
      ...vrrpPromises(lab),
    ];
  },
};
