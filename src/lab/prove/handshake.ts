/** Every pair of hosts that should have a handshake has one; those that should not, do not. */
import { must } from "../../base/invariant.ts";
import type { WireguardInterface } from "../../model/device.ts";
import type { Host } from "../../model/host.ts";
import { isHeard } from "../machine/keepalived.ts";
import { eventually } from "../machine/patience.ts";
import { type Lab, type RunningHost, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Prover } from "../measure/promise.ts";

/** Names of the hosts that an interface of the model has a tunnel to. */
function peersOf({ network }: Lab, host: Host): readonly string[] {
  const hosts = new Map(network.peers.map((peer) => [peer.id, peer.host]));
  return host.interfaces.flatMap(({ peers }) => peers.map((id) => must(hosts.get(id), "a peer is a host")));
}

/** The interface that leads from one host to another; the first, where there is no tunnel between them. */
function linkBetween({ network }: Lab, from: Host, to: Host): WireguardInterface {
  const views = new Set(network.peers.filter(({ host }) => host === to.name).map(({ id }) => id));
  const own = from.interfaces.find(({ peers }) => peers.some((id) => views.has(id)));
  return must(own ?? from.interfaces[0], "every host has an interface");
}

/** Public keys with which a host has had a handshake. */
async function greeted({ host, box }: RunningHost): Promise<ReadonlySet<string>> {
  const tables = await Promise.all(host.interfaces.map(({ name }) => box.run("wg", "show", name, "latest-handshakes")));
  const lines = tables.join("").split("\n");
  return new Set(
    lines.map((line) => line.split("\t")).flatMap(([key = "", at = "0"]) => (Number(at) > 0 ? [key] : [])),
  );
}

async function publicKeyOf({ host, box }: RunningHost): Promise<string> {
  return (await box.run("wg", "show", host.interfaces[0]?.name ?? "wg0", "public-key")).trim();
}

function pairPromise(lab: Lab, one: RunningHost, other: RunningHost): LabPromise {
  const isPair = peersOf(lab, one.host).includes(other.host.name);
  const link = linkBetween(lab, one.host, other.host);
  const back = linkBetween(lab, other.host, one.host);
  const address = must(back.addresses[0]?.address, "an interface has an address");
  return {
    kind: "handshake",
    subject: `${one.host.name} -> ${other.host.name}`,
    promise: isPair ? "a handshake" : "no tunnel",
    command: execCommand(one.box, "wg", "show", link.name, "latest-handshakes"),
    measure: async () => {
      const key = await publicKeyOf(other);
      const has = async (): Promise<boolean> => (await greeted(one)).has(key);
      // A tunnel greets when there is something to carry.
      const isGreeted = await eventually(async () => {
        await one.box.attempt("ping", "-n", "-c", "1", "-W", "1", address);
        return !isPair || (await has());
      }, 20);
      if (isPair) return { isKept: isGreeted, measured: isGreeted ? "a handshake" : "no handshake within 20 s" };
      const isTunnel = await has();
      return { isKept: !isTunnel, measured: isTunnel ? "a handshake, although they are no pair" : "none" };
    },
  };
}

export const handshakes: Prover = {
  kind: "handshake",
  isAlone: false,
  promises: (lab) => {
    const hosts = runningHosts(lab).filter(({ host }) => isHeard(host, lab.network.hosts));
    return hosts.flatMap((one) => hosts.filter((other) => other !== one).map((other) => pairPromise(lab, one, other)));
  },
};
