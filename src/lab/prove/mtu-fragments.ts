/** What was cut up on its way: nothing outside the tunnels, and in them what may be. */
import type { VxlanDevice } from "../../model/device.ts";
import { relaysOf } from "../../model/relays.ts";
import type { Box } from "../machine/box.ts";
import { type Lab, runningHosts } from "../machine/running.ts";
import { execCommand, type LabPromise, type Outcome, type Prover } from "../measure/promise.ts";

/** Fragments that a box has made, or has had to put together, since it was opened. */
async function ownFragments(box: Box): Promise<number> {
  const [names = "", values = ""] = (await box.run("grep", "^Ip:", "/proc/net/snmp")).split("\n");
  const ipv4 = ["FragCreates", "ReasmReqds"].map((each) => values.split(" ")[names.split(" ").indexOf(each)]);
  const { output } = await box.attempt("grep", "-E", "^Ip6(FragCreates|ReasmReqds)", "/proc/net/snmp6");
  const ipv6 = [...output.matchAll(/\s(\d+)$/gm)].map(([, count]) => count);
  return [...ipv4, ...ipv6].reduce((sum, count) => sum + Number(count), 0);
}

/** Fragments that have come by. */
async function seenFragments(box: Box): Promise<number> {
  const rules = await box.run("nft", "list", "chain", "inet", "watch", "fragments");
  return [...rules.matchAll(/packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
}

/** Hosts that cut VXLAN up on purpose, and those that pass on what they cut: connection tracking puts it together there. */
function fragmentingHosts({ network }: Lab): ReadonlySet<string> {
  const members = network.hosts.filter(({ vxlans }) => vxlans.some(({ cut }) => cut !== undefined));
  return new Set(members.length === 0 ? [] : [...members.map(({ name }) => name), ...relaysOf(network)]);
}

async function measureFragments(lab: Lab): Promise<Outcome> {
  const { internet, routers, hosts } = lab;
  const watchers = [internet, ...routers.values()];
  const cutting = fragmentingHosts(lab);
  const silent = [...hosts.values()].filter(({ name }) => !cutting.has(name));
  const counts = await Promise.all([
    ...watchers.map(async (box) => `${await seenFragments(box)} seen by ${box.name}`),
    ...[...watchers, ...silent].map(async (box) => `${await ownFragments(box)} made or put together by ${box.name}`),
  ]);
  const wrong = counts.filter((count) => !count.startsWith("0 "));
  if (wrong.length > 0) return { isKept: false, measured: `${wrong.join("; ")}; expected none` };
  return { isKept: true, measured: `none on ${watchers.length} routers and ${silent.length} hosts` };
}

/** That it is this host which cuts up what its guests have sent meanwhile, and no tunnel that is too large for its path. */
function cutPromise(box: Box, { name, segment, cut }: VxlanDevice): readonly LabPromise[] {
  if (cut === undefined) return [];
  return [
    {
      kind: "mtu",
      subject: `${segment} on ${box.name}`,
      promise: `what is larger than ${cut.wholeMtu} bytes was cut up in the tunnel`,
      command: execCommand(box, "grep", "^Ip:", "/proc/net/snmp"),
      measure: async () => {
        const count = await ownFragments(box);
        return { isKept: count > 0, measured: `${count} made or put together by ${box.name}, of ${name}` };
      },
    },
  ];
}

/** Of segments with somebody to send to. */
function cutPromises(lab: Lab): readonly LabPromise[] {
  const running = runningHosts(lab).flatMap(({ host, box }) => host.vxlans.map((device) => ({ box, device })));
  const isJoined = ({ segment }: VxlanDevice): boolean =>
    running.filter(({ device }) => device.segment === segment).length > 1;
  return running.flatMap(({ box, device }) => (isJoined(device) ? cutPromise(box, device) : []));
}

/** Measured after all sizes: whatever was too large for its path has left fragments. */
export const fragments: Prover = {
  kind: "mtu",
  isAlone: false,
  promises: (lab) => [
    {
      kind: "mtu",
      subject: "everywhere",
      promise:
        fragmentingHosts(lab).size === 0 ? "nothing was cut up on its way" : "nothing was cut up outside the tunnels",
      command: execCommand(lab.internet, "nft", "list", "chain", "inet", "watch", "fragments"),
      measure: () => measureFragments(lab),
    },
    ...cutPromises(lab),
  ],
};
