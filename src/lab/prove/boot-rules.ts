/** What others do to all rules of a host, netgen's among them, by nftables.service or by hand: they come back. */
import type { Box } from "../machine/box.ts";
import { eventually } from "../machine/patience.ts";
import type { RunningHost } from "../machine/running.ts";
import { nftFile } from "./daemon-checks.ts";
import type { Disturbance } from "./disturbance.ts";

const listWords = ({ fleet }: Box): readonly string[] => ["--stateless", "list", "table", "inet", `netgen${fleet}`];

/** The rules as they are loaded, less their counters; nft gives up a listing while somebody replaces what it lists. */
async function rulesOf(box: Box): Promise<string> {
  let rules = "";
  await eventually(async () => {
    const { status, output } = await box.attempt("nft", ...listWords(box));
    rules = output;
    return status === 0;
  }, 5);
  return rules;
}

const NOTICED_SECONDS = 60;

interface Flush {
  readonly what: string;
  readonly script: string;
  readonly warning: RegExp | undefined;
}

/** Of the user's own rules too, where the topology has some. */
const WARNING = /^The rules of netgen\d?-nftables(-extra)?\.service were flushed or changed by somebody else/;
const flushesOf = ({ fleet }: Box): readonly Flush[] => [
  { what: "a reload of nftables", script: "systemctl reload nftables.service", warning: undefined },
  // firewalld stops it when it starts: the two exclude each other.
  { what: "a stop of nftables", script: "systemctl stop nftables.service", warning: undefined },
  { what: "a start of nftables", script: "systemctl enable --now nftables.service", warning: undefined },
  { what: "nft -f /etc/nftables.conf", script: "nft -f /etc/nftables.conf", warning: WARNING },
  { what: "a flush of netgen's input chain", script: `nft flush chain inet netgen${fleet} input`, warning: WARNING },
];

function flushed(box: Box, { what, script, warning }: Flush): Disturbance {
  return {
    what,
    command: ["sh", "-euc", script],
    staysOn: true,
    warning,
    disturb: async () => {
      const before = await rulesOf(box);
      await box.shell(script);
      const isBack = async (): Promise<boolean> => (await box.attempt("nft", ...listWords(box))).output === before;
      const isKept = await eventually(isBack, NOTICED_SECONDS);
      return { wrong: isKept ? [] : [`the rules are not what they were, ${NOTICED_SECONDS} s later`], right: "" };
    },
  };
}

/** In an order in which nftables.service is there for each, and at the end as it was. */
export function flushes({ box, files }: RunningHost): readonly Disturbance[] {
  const text = files.find(({ path }) => path === nftFile(box))?.text ?? "";
  const all = text.includes("chain input {") ? flushesOf(box) : flushesOf(box).slice(0, -1);
  return text === "" ? [] : all.map((each) => flushed(box, each));
}
