/** `netgen describe`: of everything that has a name, what is said is whole, true to the model, and leads to real devices. */
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { compile } from "../src/compile.ts";
import { knownOf, namedThings, type Thing, thingsNamed } from "../src/report/describe/describe.ts";
import type { Description, Known } from "../src/report/describe/description.ts";
import { renderDescription } from "../src/report/describe/text.ts";
import { sourceOf } from "./fixtures.ts";
import { runNetgen } from "./netgen.ts";
import { allScenarios } from "./proofs.ts";

const knownText = (text: string): Known => {
  const { model, units, diagnostics } = compile({ name: "topology.yaml", text });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return knownOf(must(model, "it compiles"), units);
};
const fixture = (name: string): Known =>
  knownText(
    sourceOf(
      must(
        allScenarios.find((each) => each.name === name),
        `${name} is a fixture`,
      ),
    ).text,
  );

/** Everything with a name, and every tunnel. */
function allThings(known: Known): readonly Thing[] {
  const links = known.network.hosts.flatMap((host) =>
    [...known.neighboursOf(host)].flatMap((other) => {
      const things = thingsNamed(known, `link:${host.name}--${other}`);
      return things === "no-tunnel" ? [] : things;
    }),
  );
  return [...namedThings(known), ...links];
}

function described(known: Known, text: string): Description {
  const things = thingsNamed(known, text);
  return must(things === "no-tunnel" ? undefined : things[0], `${text} is there`).describe();
}

const facts = ({ facts: all }: Description) => all.map(({ what, is, why }) => [what, is, why].join(" | "));
const loses = ({ dependents }: Description) => dependents.map((each) => `${each.who}: ${each.loses}`);

describe.each(allScenarios.map((each) => [each.name, each] as const))("of %s", (_, scenario) => {
  const { model, units } = compile(sourceOf(scenario));
  const known = knownOf(must(model, "it compiles"), units);
  const all = allThings(known).map((thing) => thing.describe());

  test("says no word that is none", () => {
    expect(all.length).toBeGreaterThan(known.network.hosts.length);
    const wrong = all
      .map(renderDescription)
      .filter((text) => /undefined|NaN|Infinity|\[object|null|: $|, ,/m.test(text));
    expect(wrong).toEqual([]);
  });

  test("its patterns are patterns, and its commands are for hosts that have a shell", () => {
    for (const { on, command, good, matches, lacks } of all.flatMap(({ looks }) => looks)) {
      for (const pattern of [...matches, ...lacks]) expect(() => new RegExp(pattern, "m")).not.toThrow();
      expect(good).not.toBe("");
      expect(command).not.toMatch(/\n/);
      expect(known.hosts.get(on)?.app, on).toBeUndefined();
    }
  });

  test("each device, unit and table of its commands is one of the host's", () => {
    const wrong = all
      .flatMap(({ looks }) => looks)
      .filter(({ on, command }) => {
        const host = must(known.hosts.get(on), "it is a host");
        const links = [
          ...host.interfaces.map(({ name }) => name),
          ...host.bridges.map(({ link }) => link),
          ...[...host.vxlans, ...host.vrfs.map(({ vxlan }) => vxlan)].map(({ name }) => name),
          ...host.vrfs.map(({ name }) => name),
          ...(host.vrrp === undefined ? [] : [host.vrrp.interface]),
        ];
        const device = /(?: dev |wg show )(\S+)/.exec(command)?.[1];
        const named = [...command.matchAll(/\S+\.(?:service|timer)/g)].map(([unit]) => unit);
        return (
          (device !== undefined && !links.includes(device)) || named.some((unit) => !known.unitsOf(on).includes(unit))
        );
      });
    expect(wrong).toEqual([]);
  });
});

describe("of a host", () => {
  test("says which number of the pool its address is, or that it was chosen", () => {
    const known = knownText(`
netgen: 1
name: named
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  beta: {id: 2, addresses: [10.250.0.99], publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
`);
    expect(facts(described(known, "alpha"))).toContain(
      "address | 10.250.0.1/24 | number 1 of the pool 10.250.0.0/24, as its id is 1",
    );
    expect(facts(described(known, "beta"))).toContain(
      "address | 10.250.0.99/24 | pinned, in the pool 10.250.0.0/24: its id alone would make it 10.250.0.2",
    );
  });

  test("adds its MTU up, by the path that sets it", () => {
    expect(facts(described(fixture("two-hubs"), "alpha"))).toContain(
      " | MTU 1432 | 1492 (wanMtu of home) - 20 (IPv4 header) - 8 (UDP header) - 16 (WireGuard header) - 16 (WireGuard tag) = 1432, by the path to epsilon",
    );
  });

  test("names who has it as the only hub, and who prefers it", () => {
    expect(loses(described(fixture("hub-and-spoke"), "hub")).join("\n")).toContain(
      "all others: their only tunnel is to it",
    );
    expect(loses(described(fixture("two-hubs"), "alpha"))).toEqual([
      "delta, gamma: the hub that is preferred: another is in use within 2.5 s",
    ]);
    expect(facts(described(fixture("two-hubs"), "gamma"))).toContain("meets others by | alpha, else beta | ");
  });

  test("that is the only exit, gateway or way to a remote is missed by those who have no other", () => {
    const known = fixture("vrfs");
    expect(loses(described(known, "beta")).join("\n")).toContain("VRF red: the internet: it is the only exit");
    expect(facts(described(known, "beta")).join("\n")).toContain("exit of VRF red");
  });

  test("whose own packets leave by an exit looks for its tunnels' by their mark, and an exit may take itself", () => {
    const known = fixture("exits");
    const looks = (host: string) => described(known, host).looks;
    const endpoints = (host: string) =>
      looks(host).flatMap(({ command }) => /^ip route get (?:198|203)\S+( .*)?$/.exec(command)?.slice(1) ?? []);
    expect(endpoints("far")).toEqual([" mark 0xd2"]);
    expect(endpoints("lab")).toEqual([undefined]);
    const taken = (host: string) => looks(host).find(({ command }) => command === "ip route show table 210");
    expect(taken("wro")?.matches).toEqual(["^(throw )?default "]);
    expect(taken("far")?.matches).toEqual(["^default "]);
  });

  test("without a shell is asked for where it is heard", () => {
    const { looks } = described(fixture("devices"), "phone");
    expect(looks.map(({ on }) => on)).not.toContain("phone");
    expect(looks[0]?.command).toMatch(/^wg show \S+ latest-handshakes \| grep -F \S{43}=$/);
  });

  test("is looked at from what says most, then from the cables up", () => {
    const order = described(fixture("vrfs"), "alpha").looks.map(({ command }) =>
      command.split(" ").slice(0, 3).join(" "),
    );
    expect(order.slice(0, 2)).toEqual(["/etc/netgen/verify", "systemctl is-active frr.service"]);
    const places = ["wg show wg0", "ping -c 3", "vtysh -c 'show", "bridge fdb show", "nft list tables"].map((each) =>
      order.indexOf(each),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });
});

describe("of a VRF", () => {
  test("says what it sees besides itself, and that it is also where that is", () => {
    const apart = facts(described(fixture("vrfs"), "vrf:red")).join("\n");
    expect(apart).toMatch(/what is in it sees nothing else$/m);
    expect(apart).toMatch(/those with a subnet, a route, a peer or an exit of it$/m);
    const known = fixture("shared");
    const shared = facts(described(known, "vrf:green")).join("\n");
    expect(shared).toMatch(/what is in it sees nothing else but what it reaches, below$/m);
    expect(shared).toMatch(/exit of it, or of what it reaches$/m);
    expect(shared).toMatch(/^reaches \| shared/m);
  });
});

describe("of a tunnel", () => {
  test("says why it carries less than its path", () => {
    expect(facts(described(fixture("vrfs"), "alpha-beta"))).toEqual(
      expect.arrayContaining([
        "MTU | 1432 | wg0 on alpha has no more, by the path to delta",
        " | the path allows 1440 | 1500 (underlay.pathMtu) - 20 (IPv4 header) - 8 (UDP header) - 16 (WireGuard header) - 16 (WireGuard tag) = 1440",
      ]),
    );
  });
});

describe("names", () => {
  const TWICE = `
netgen: 1
name: named
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  vms: {id: 1, endpoint: 198.51.100.1, publicKey: "zdPzmIxnUBw7kA72BX2sF2xSdu7u8OZI2Rhm3d7HzGg="}
  a-b: {id: 2, publicKey: "c2EjgnCEKBJ6WEAbxM94zB1qZwn4TapenDWROXgct1s="}
subnets:
  vms: {cidr: 10.1.0.0/24, hosts: [a-b]}
`;
  const kinds = (known: Known, text: string) => {
    const things = thingsNamed(known, text);
    return things === "no-tunnel" ? things : things.map(({ kind, name }) => `${kind}:${name}`);
  };

  test("that several have are told apart by their kind", () => {
    const known = knownText(TWICE);
    expect(kinds(known, "vms")).toEqual(["host:vms", "subnet:vms"]);
    expect(kinds(known, "subnet:vms")).toEqual(["subnet:vms"]);
    expect(kinds(known, "vrf:vms")).toEqual([]);
  });

  test("with hyphens are told from tunnels", () => {
    const known = knownText(TWICE);
    expect(kinds(known, "a-b")).toEqual(["host:a-b"]);
    expect(kinds(known, "a-b-vms")).toEqual(["link:a-b--vms"]);
    expect(kinds(known, "vms--a-b")).toEqual(["link:vms--a-b"]);
    expect(kinds(known, "vms--vms")).toEqual([]);
    expect(kinds(fixture("two-hubs"), "gamma--delta")).toBe("no-tunnel");
  });

  test("are answered for by the command", () => {
    const run = (...args: readonly string[]) =>
      runNetgen(".", ["describe", ...args, "--topology", "-"], { input: TWICE });
    expect(run("vms").stderr).toBe('netgen: "vms" is the name of more than one thing: write host:vms or subnet:vms\n');
    expect(run("vmss").stderr).toContain('did you mean "vms"?');
    expect(run("quite-another").stderr).toContain("write a host, a subnet, a VRF, a site or a tunnel (alpha--beta)");
    expect(run("vmss").status).toBe(2);
    const json = JSON.parse(run("host:vms", "--format", "json").stdout) as Description;
    expect(Object.keys(json)).toEqual(["kind", "name", "facts", "dependents", "looks"]);
  });
});
