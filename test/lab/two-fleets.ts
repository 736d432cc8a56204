/** The two fleets of fixture fleet on their hosts: what is one's, what it takes to be rid of it, and what is left then. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { type Compilation, compile } from "../../src/compile.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import type { Network } from "../../src/model/network.ts";
import { ROOT } from "../built-package.ts";
import { FIXTURES } from "../fixtures.ts";

export const read = (name: string): Compilation & { readonly model: Network } => {
  const made = compile({ name, text: readFileSync(`${FIXTURES}/fleet/${name}`, "utf8") });
  return { ...made, model: must(made.model, "it has no mistake") };
};

/** How the documents take a fleet off a host. */
export function removal(fleet: string): string {
  const page = readFileSync(`${ROOT}/docs/fleets.md`, "utf8");
  const script = must(/test\/lab\/fleets-boot.test.ts -->\n```bash\n(.*?)```/s.exec(page)?.[1], "it stands there");
  return script.replace(/^fleet=2.*$/m, `fleet=${fleet}`);
}

/** All that may be one fleet's on a host, a line each, without what changes by itself. */
const STATE = `
nft --stateless list ruleset | awk '/^table/ { name = $3 } NF { print "nft", name, $0 }'
for family in -4 -6; do
  ip -N "$family" route show table all | sed "s/^/route $family /"
  ip -N "$family" rule show | sed "s/^/rule $family /"
done
ip -br link show | awk '{ print "link", $1 }'
ip -br address show | sed 's/^/address /; s/@[^ ]*//'
wg show all allowed-ips | sed 's/^/peer /'
wg show all listen-port | sed 's/^/port /'
# Not what systemd notes of each run, and not the one lock that all fleets' apply takes.
find /etc /run /var/lib '(' -path '*netgen*' -o -path '/etc/wireguard/*' ')' ! -path '/run/systemd/units/*' ! -path /run/netgen-apply | sed 's/^/file /'
ps -eo args | grep -E '^(/bin/bash /etc/netgen|/usr/sbin/radvd)' | sort -u | sed 's/^/process /'
`;

export const stateOf = async (box: Box): Promise<readonly string[]> =>
  (await box.run("bash", "-uc", STATE))
    .split("\n")
    .filter((line) => line !== "")
    .sort();

/** Who does not answer. */
export async function silentOf(box: Box, ...addresses: readonly string[]): Promise<readonly string[]> {
  const answers = await Promise.all(
    addresses.map((address) =>
      eventually(async () => (await box.attempt("ping", "-n", "-c", "1", "-W", "1", address)).status === 0, 20),
    ),
  );
  return addresses.filter((_, index) => !answers[index]);
}

/** A fleet's names, addresses and number. */
export const OF_FIRST =
  /(?<!netgen2\/)netgen(?!\d|\.list)|NETGEN(?!\d)|\bwg0\b|\b(?:br|vx)100\b|br-vms|10\.250\.|fd00:250:|10\.7[17]\.|fd71:|\b210\b|\/psk(?:\/|$)/;
export const OF_SECOND =
  /netgen2|NETGEN2|\bwg2-0\b|\b(?:br|vx)200\b|br-disks|10\.240\.|fd00:240:|10\.8[12]\.|fd81:|\b212\b|\/psk2(?:\/|$)/;

/** Takes a fleet off a host: nothing of it is left, and all else is as it was. */
export async function takeOffWhole(box: Box, ofFleet: RegExp, takeOff: () => Promise<void>): Promise<void> {
  const before = await stateOf(box);
  expect(before.filter((line) => ofFleet.test(line)).length).toBeGreaterThan(50);
  await takeOff();
  const after = await stateOf(box);
  expect(after.filter((line) => ofFleet.test(line))).toEqual([]);
  expect(after).toEqual(before.filter((line) => !ofFleet.test(line)));
}
