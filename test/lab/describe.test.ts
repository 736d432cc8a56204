/** What `describe` has a person run on a host is run on it, and says what it is said to say. */
import { expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import { type Compilation, compile } from "../../src/compile.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import { findObstacles, thisMachine } from "../../src/lab/machine/needs.ts";
import { openLab } from "../../src/lab/machine/open.ts";
import { eventually } from "../../src/lab/machine/patience.ts";
import type { Lab } from "../../src/lab/machine/running.ts";
import { knownOf, namedThings, thingsNamed } from "../../src/report/describe/describe.ts";
import type { Look } from "../../src/report/describe/description.ts";
import { sourceOf } from "../fixtures.ts";
import { allScenarios, forNow } from "../proofs.ts";
import { quiet } from "./computers.ts";

/** A segment by EVPN, an exit, and a hub that two meet by: what hosts that boot by themselves say of all that runs on them. */
const BOOTED = `
netgen: 1
name: looked-at
wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [alpha]}
bgp: {asn: 65000}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
  gamma: {id: 3, behindNat: true, publicKey: "GuW7j70jBxU1kQDabHGrr0IkvMAHfdMHVRWWtBl0Rjc="}
subnets:
  guests: {cidr: 10.77.0.0/24, vxlan: {vni: 100}, hosts: [beta, gamma], gateway: {beta: 10.77.0.1}}
  vms: {cidr: 10.1.0.0/16, perHost: 24, hosts: [beta, gamma]}
`;

const compiled = (text: string): Compilation & { readonly model: NonNullable<Compilation["model"]> } => {
  const result = compile({ name: "topology.yaml", text });
  return { ...result, model: must(result.model, "it compiles") };
};

/** Of everything that has a name, and each tunnel, once each. */
function looksOf({ model, units }: ReturnType<typeof compiled>): readonly Look[] {
  const known = knownOf(model, units);
  const links = model.hosts.flatMap((host) =>
    [...known.neighboursOf(host)].flatMap((other) => {
      const things = thingsNamed(known, `link:${host.name}--${other}`);
      return things === "no-tunnel" ? [] : things;
    }),
  );
  const looks = [...namedThings(known), ...links].flatMap((thing) => thing.describe().looks);
  return [...new Map(looks.map((each) => [`${each.on} ${each.command}`, each])).values()];
}

/** Why what was printed is not the good answer; `undefined`: it is. */
function complaintOf(look: Look, status: number, output: string): string | undefined {
  const found = (pattern: string): boolean => new RegExp(pattern, "m").test(output);
  const wrong = [
    ...look.matches.filter((pattern) => !found(pattern)).map((pattern) => `no ${pattern}`),
    ...look.lacks.filter(found).map((pattern) => `has ${pattern}`),
    ...(status === 0 ? [] : [`status ${status}`]),
  ];
  return wrong.length === 0 ? undefined : `${look.on} $ ${look.command}: ${wrong.join(", ")}\n${output}`;
}

/** What is not as it is said to be, once all is or a minute and a half is over. */
async function complaints(boxes: ReadonlyMap<string, Box>, looks: readonly Look[]): Promise<readonly string[]> {
  let wrong: readonly string[] = [];
  await eventually(async () => {
    const all = await Promise.all(
      looks.map(async (look) => {
        const box = must(boxes.get(look.on), `${look.on} has a box`);
        const { status, output } = await box.attempt("sh", "-c", look.command);
        return complaintOf(look, status, output);
      }),
    );
    wrong = all.filter((each) => each !== undefined);
    return wrong.length === 0;
  }, 90);
  return wrong;
}

/** Commands with the keys that the lab has made, in the place of those of the topology. */
async function withLabKeys({ hosts, network }: Lab, looks: readonly Look[]): Promise<readonly Look[]> {
  const keys = await Promise.all(
    network.hosts
      .filter(({ interfaces }) => interfaces.length > 0)
      .map(async ({ name, publicKey, interfaces: [link] }) => {
        const box = must(hosts.get(name), `${name} has a box`);
        return [publicKey, (await box.run("wg", "show", link?.name ?? "", "public-key")).trim()] as const;
      }),
  );
  const replaced = (command: string): string => keys.reduce((text, [from, to]) => text.replaceAll(from, to), command);
  return looks.map((look) => ({ ...look, command: replaced(look.command) }));
}

/** Where no systemd runs, nobody can ask it; verify asks it too. */
const needsSystemd = ({ command }: Look): boolean => /^(systemctl|journalctl|\/etc\/netgen)/.test(command);

/** Something that breaks, the looks that see it, and what is missing then. */
interface Change {
  readonly change: (lab: Lab) => Promise<unknown>;
  readonly isOfIt: (look: Look) => boolean;
  readonly complaint: string;
}

/** What is good is seen on hosts that boot, and what is broken by the line that looks at it. */
async function lookAtBooted(text: string, { change, isOfIt, complaint }: Change): Promise<void> {
  const { model, ...rest } = compiled(text);
  const { lab, root } = await openLab({ network: model, ...rest, isBooting: true }, quiet);
  try {
    const looks = await withLabKeys(lab, looksOf({ model, ...rest }));
    expect(looks.filter(needsSystemd).length).toBeGreaterThan(2);
    expect(await complaints(lab.hosts, looks)).toEqual([]);
    await change(lab);
    const [first = ""] = await complaints(lab.hosts, looks.filter(isOfIt).slice(0, 1));
    expect(first).toContain(complaint);
  } finally {
    await root.close();
  }
}

const hostOf = ({ hosts }: Lab, name: string): Box => must(hosts.get(name), `${name} is a host`);

test("on hosts that boot, every command says what is good", { timeout: 1_800_000 }, () =>
  lookAtBooted(BOOTED, {
    change: (lab) => hostOf(lab, "beta").run("ip", "link", "set", "vx100", "mtu", "1300"),
    isOfIt: ({ on, command }) => on === "beta" && command.includes("vx100"),
    complaint: "no  mtu 1390 ",
  }),
);

const exits = forNow(
  allScenarios.filter(({ name }) => name === "exits"),
  () => false,
  "networks with exits whose hosts boot",
);

test.skipIf(exits.length === 0).for(exits)("of $name on hosts that boot", { timeout: 1_800_000 }, (fixture) =>
  lookAtBooted(sourceOf(fixture).text, {
    change: (lab) => hostOf(lab, "roz").run("systemctl", "stop", "netgen-exit@default"),
    isOfIt: ({ on, command }) => on === "roz" && command.startsWith("journalctl") && command.includes("exit@"),
    complaint: "no the way out by ",
  }),
);

const cases = forNow(allScenarios, ({ name }) => ["two-hubs", "vrfs"].includes(name), "scenarios to look at");

test.concurrent.for(cases)("on the hosts of $name", { timeout: 900_000 }, async (fixture, { skip }) => {
  const { model, ...rest } = compiled(sourceOf(fixture).text);
  const obstacles = await findObstacles(model, thisMachine());
  skip(obstacles.length > 0, obstacles.join("; "));
  const { lab, root } = await openLab({ network: model, ...rest }, quiet);
  try {
    const looks = looksOf({ model, ...rest }).filter((each) => !needsSystemd(each));
    expect(await complaints(lab.hosts, await withLabKeys(lab, looks))).toEqual([]);
  } finally {
    await root.close();
  }
});
