/** Passwords of BGP sessions where systemd runs what gives FRR them: a reload keeps the sessions, and without them none comes up. */
import type { Peer } from "../../model/bgp.ts";
import { peersOf } from "../../model/peer.ts";
import { writeInto } from "../machine/box.ts";
import { sleep } from "../machine/patience.ts";
import type { RunningHost } from "../machine/running.ts";
import { sessionOf } from "../measure/evpn-tables.ts";
import type { Disturbance } from "./disturbance.ts";

type Guarded = Peer & { readonly passwordFile: string };

const guardedPeers = ({ host }: RunningHost): readonly Guarded[] =>
  peersOf(host).filter((peer): peer is Guarded => peer.passwordFile !== undefined);

const CONFIGURATION = "/etc/frr/frr.conf";
/** What no topology has. */
const CHANGE = "ip prefix-list NETGEN-LAB seq 5 permit 192.0.2.0/24";

/** Twice: with a line more, and without it again. */
const reload = (running: RunningHost, peers: readonly Guarded[]): Disturbance => ({
  what: "a reload of FRR, whose sessions have passwords",
  command: ["systemctl", "reload", "frr.service"],
  staysOn: true,
  warning: undefined,
  disturb: async () => {
    const { box } = running;
    const sessions = () => Promise.all(peers.map(({ address, vrf }) => sessionOf(box, address, vrf)));
    const before = await sessions();
    const text = await box.run("cat", CONFIGURATION);
    const load = async (content: string): Promise<string> => {
      writeInto(box, CONFIGURATION, content, 0o640);
      await box.run("systemctl", "reload", "frr.service");
      return box.run("vtysh", "-c", "show running-config");
    };
    const isTaken = (await load(`${text}${CHANGE}\n`)).includes(CHANGE);
    const isGone = !(await load(text)).includes(CHANGE);
    const after = await sessions();
    // One that is down is counted when it is up again.
    const isSame = (index: number) => after[index]?.isUp === true && after[index].count === before[index]?.count;
    const lost = peers.filter((_, index) => !isSame(index));
    return {
      wrong: [
        ...(isTaken && isGone ? [] : ["a change of the file was not taken over"]),
        ...lost.map(({ address }) => `the session with ${address} was lost`),
      ],
      right: `two reloads, the same ${peers.length === 1 ? "session" : "sessions"} all the time`,
    };
  },
});

/** One run of the timer's, and more. */
const CLOSED_SECONDS = 45;

const withoutPasswords = (running: RunningHost, peers: readonly Guarded[]): Disturbance => ({
  what: "a restart of FRR without the files of its passwords",
  command: ["journalctl", "--boot", "--identifier=frr-passwords"],
  staysOn: true,
  warning: /stays shut: \S+ must hold a password/,
  disturb: async () => {
    const { box } = running;
    const files = [...new Set(peers.map(({ passwordFile }) => passwordFile))];
    const move = (from: string, to: string) =>
      Promise.all(files.map((file) => box.run("mv", `${file}${from}`, `${file}${to}`)));
    await move("", ".away");
    try {
      await box.run("systemctl", "restart", "frr.service");
      await sleep(CLOSED_SECONDS * 1000);
      const states = await Promise.all(peers.map(({ address, vrf }) => sessionOf(box, address, vrf)));
      const open = peers.filter((_, index) => states[index]?.isShut !== true);
      return {
        wrong: open.map(({ address }) => `the session with ${address} is not shut`),
        right: `shut for ${CLOSED_SECONDS} s, and open with the files again`,
      };
    } finally {
      await move(".away", "");
    }
  },
});

/** What is done to a host whose sessions have passwords. */
export function passwordDisturbances(running: RunningHost): readonly Disturbance[] {
  const peers = guardedPeers(running);
  return peers.length === 0 ? [] : [reload(running, peers), withoutPasswords(running, peers)];
}
