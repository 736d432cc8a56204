/** Who speaks BGP with whom, inside an AS and between them. */
import { describe, expect, test } from "vitest";
import type { Speaker } from "../src/model/bgp.ts";
import { compileText, hostOf, linesOf, messagesOf, modelOf } from "./compile-text.ts";
import { testPublicKey } from "./test-keys.ts";

function topology(sites: string, reflectors: string, where: readonly string[]): string {
  const hosts = ["alpha", "beta", "gamma", "delta"].map(
    (name, index) => `  ${name}: {id: ${index + 1}, endpoint: 192.0.2.${index + 1}, site: ${where[index]}}\n`,
  );
  return [
    "wireguard: {addresses: [10.250.0.0/24]}\n",
    `sites: {${sites}}\n`,
    `bgp: {asn: 65000${reflectors}}\n`,
    `hosts:\n${hosts.join("")}`,
    "subnets: {s: {vxlan: {vni: 100}, hosts: all}}\n",
  ].join("");
}

/** Each session once: `alpha=beta` inside an AS, `alpha~beta` between two, `alpha>beta` where alpha reflects to beta. */
function sessionsOf(body: string): readonly string[] {
  const model = modelOf(body);
  const speakers = model.hosts.map(({ name, bgp }) => ({ name, bgp: bgp as Speaker }));
  const all = speakers.flatMap(({ name, bgp }) =>
    bgp.neighbours.map(({ host, asn, isClient }) => {
      const other = speakers.find((each) => each.name === host)?.bgp;
      expect(other?.asn).toBe(asn);
      expect(other?.neighbours.map((each) => each.host)).toContain(name);
      return { name, host, mark: asn === bgp.asn ? (isClient ? ">" : "=") : "~" };
    }),
  );
  const clients = all.filter(({ mark }) => mark === ">").map(({ name, host, mark }) => name + mark + host);
  const isReflected = (a: string, b: string): boolean => clients.includes(`${a}>${b}`) || clients.includes(`${b}>${a}`);
  const others = all
    .filter(({ name, host }) => name < host && !isReflected(name, host))
    .map(({ name, host, mark }) => name + mark + host);
  return [...clients, ...others].sort();
}

describe("who passes nothing on", () => {
  const passing = (body: string, name: string) =>
    (hostOf(modelOf(body), name).bgp as Speaker).neighbours.map(({ host, vnis }) => `${host} ${vnis ?? "passes on"}`);
  const TWO = "x: {asn: 65001}, y: {asn: 65002}";

  test("a client does, and a host in a mesh", () => {
    const one = topology("x: , y: ", "", ["x", "x", "y", "y"]);
    expect(passing(one, "alpha")).toEqual(["beta 100", "gamma 100", "delta 100"]);
    const reflected = topology("x: , y: ", ", routeReflectors: [alpha, beta]", ["x", "x", "y", "y"]);
    expect(passing(reflected, "alpha")).toEqual(["beta passes on", "gamma 100", "delta 100"]);
    expect(passing(reflected, "gamma")).toEqual(["alpha passes on", "beta passes on"]);
  });

  test("who speaks with another AS does not", () => {
    const sites = ["x", "x", "y", "y"];
    expect(passing(topology(TWO, "", sites), "alpha")).toEqual(
      ["beta", "gamma", "delta"].map((host) => `${host} passes on`),
    );
    expect(passing(topology(TWO, ", routeReflectors: [alpha, gamma]", sites), "alpha")).toEqual([
      "beta 100",
      "gamma passes on",
    ]);
  });
});

describe("sessions", () => {
  const TWO = "x: {asn: 65001}, y: {asn: 4200000002}";
  test("without reflectors everyone speaks with everyone, in the AS of the site or of the network", () => {
    expect(sessionsOf(topology(`${TWO}, z: `, "", ["x", "x", "y", "z"]))).toEqual([
      "alpha=beta",
      "alpha~delta",
      "alpha~gamma",
      "beta~delta",
      "beta~gamma",
      "delta~gamma",
    ]);
    const model = modelOf(topology(`${TWO}, z: `, "", ["x", "x", "y", "z"]));
    expect(model.hosts.map(({ bgp }) => (bgp as Speaker).asn)).toEqual([65_001, 65_001, 65_000, 4_200_000_002]);
  });

  test("a reflector in each AS: clients speak with their own, reflectors with each other", () => {
    const body = topology(TWO, ", routeReflectors: [alpha, gamma]", ["x", "x", "y", "y"]);
    expect(sessionsOf(body)).toEqual(["alpha>beta", "alpha~gamma", "gamma>delta"]);
  });

  test("ASes without a reflector hear of each other by that of a third, and nobody speaks with its clients", () => {
    const body = topology(`${TWO}, z: {asn: 65003}`, ", routeReflectors: [alpha]", ["x", "x", "y", "z"]);
    expect(sessionsOf(body)).toEqual(["alpha>beta", "alpha~delta", "alpha~gamma"]);
  });

  test("inside an AS without a reflector everyone speaks with everyone, and each with the reflectors of others", () => {
    const body = topology(TWO, ", routeReflectors: [alpha]", ["x", "y", "y", "y"]);
    expect(sessionsOf(body)).toEqual([
      "alpha~beta",
      "alpha~delta",
      "alpha~gamma",
      "beta=delta",
      "beta=gamma",
      "delta=gamma",
    ]);
  });

  test("a reflector reflects to nobody of another AS, though all of that one speak with it", () => {
    const body = topology(TWO, ", routeReflectors: [alpha]", ["x", "x", "y", "y"]);
    const { neighbours } = hostOf(modelOf(body), "alpha").bgp as Speaker;
    expect(neighbours.map(({ host, isClient }) => [host, isClient])).toEqual([
      ["beta", true],
      ["gamma", false],
      ["delta", false],
    ]);
  });

  test("two sites with one number are one AS: no path leads through it twice", () => {
    const body = topology("x: {asn: 65001}, y: {asn: 65001}, z: ", "", ["x", "y", "z", "z"]);
    expect(sessionsOf(body)).toContain("alpha=beta");
  });
});

describe("what FRR is told", () => {
  const config = (body: string, path: string): string => {
    const file = compileText(body).files.find((each) => each.path === path);
    return Buffer.concat(file?.content ?? []).toString();
  };
  const body = topology("x: {asn: 65001}, y: {asn: 4200000002}", "", ["x", "x", "y", "y"]);

  test("the number of each outside neighbour, and never to take the next hop for itself", () => {
    const text = config(body, "alpha/etc/frr/frr.conf");
    expect(text).toContain("router bgp 65001\n");
    expect(text).toContain(" neighbor 10.250.0.3 remote-as 4200000002\n neighbor 10.250.0.3 peer-group EXTERNAL\n");
    expect(text).toContain(" neighbor PEERS remote-as internal\n");
    expect(text).not.toMatch(/^ *neighbor .* next-hop-self|requires-policy|route-target/m);
  });

  test("of BFD only what is not FRR's own: it does not list that, and each reload would write it again", () => {
    const profile = (bfd: string): readonly string[] => {
      const lines = linesOf(body.replace("asn: 65000", `asn: 65000, bfd: {${bfd}}`), "alpha/etc/frr/frr.conf");
      return lines.slice(lines.indexOf("profile tunnel") + 1, lines.indexOf("exit"));
    };
    expect(profile("intervalMs: 300, multiplier: 5")).toEqual(["detect-multiplier 5"]);
    expect(profile("intervalMs: 500, multiplier: 3")).toEqual(["transmit-interval 500", "receive-interval 500"]);
  });

  test("a snippet does not count on the defaults that it is merged into", () => {
    const snippet = body.replace("hosts:\n", "hostDefaults: {frr: snippet}\nhosts:\n");
    expect(config(snippet, "alpha/etc/netgen/frr.conf.snippet")).toContain(" no bgp ebgp-requires-policy\n");
  });
});

describe("several ways", () => {
  const body = `
wireguard: {addresses: [10.250.0.0/24], transit: [10.251.0.0/16], shape: hub-and-spoke, hubs: [alpha, beta]}
sites: {x: {asn: 65001}, y: {asn: 65002}, z: {asn: 65003}}
bgp: {asn: 65000}
subnets: {s: {vxlan: {vni: 100}, hosts: all}}
hosts:
  alpha: {id: 1, endpoint: 192.0.2.1, site: x}
  beta: {id: 2, endpoint: 192.0.2.2, site: y}
  gamma: {id: 3, site: x}
  delta: {id: 4, site: z}
  epsilon: {id: 5, site: z, publicKey: "${testPublicKey("epsilon")}"}
`;
  const said = (name: string, word: string, text = body) =>
    linesOf(text, `${name}/etc/frr/frr.conf`).filter((line) => line.includes(word));

  test("each tunnel has a session, inside the AS or to another; EVPN has one with every reflector", () => {
    expect(said("gamma", "remote-as")).toEqual([
      "neighbor WG1-IPV4 remote-as internal",
      "neighbor 10.251.2.2 remote-as 65002",
      "neighbor PEERS remote-as internal",
      "neighbor 10.250.0.2 remote-as 65002",
    ]);
    // One AS by the hubs alone: with each other EVPN is spoken directly.
    expect(sessionsOf(body).filter((each) => /delta|epsilon/.test(each))).toEqual([
      "alpha~delta",
      "alpha~epsilon",
      "beta~delta",
      "beta~epsilon",
      "delta=epsilon",
    ]);
  });

  test("a host's own AS may stand in a path as often as that has other hosts, which FRR counts up to 10", () => {
    expect(new Set(said("delta", "allowas-in"))).toEqual(
      new Set(
        ["WG1-IPV4-EXTERNAL", "WG2-IPV4-EXTERNAL", "PEERS", "EXTERNAL"].map(
          (group) => `neighbor ${group} allowas-in 1`,
        ),
      ),
    );
    expect(said("beta", "allowas-in")).toEqual([]);
    const more = Array.from(
      { length: 12 },
      (_, index) => `  z${index}: {id: ${index + 10}, site: z, publicKey: "${testPublicKey(`z${index}`)}"}\n`,
    ).join("");
    expect(said("delta", "PEERS allowas-in", body + more)).toEqual(["neighbor PEERS allowas-in 10"]);
    expect(said("delta", "allowas-in", body.replace(/^sites: .*$/m, "sites: {x: , y: , z: {asn: 65000}}"))).toEqual([]);
  });

  test("who passes nothing on says its own and no more to other ASes; a hub counts the tunnels inside its own", () => {
    expect(said("delta", "OWN out")).toHaveLength(2);
    expect(said("delta", "prefix-list OWN seq")).toEqual(["ip prefix-list OWN seq 5 permit 10.250.0.4/32"]);
    expect(said("alpha", "OWN")).toEqual([]);
    expect(said("alpha", "COUNTED in")).toEqual(["neighbor WG1-IPV4 route-map COUNTED in"]);
    expect(said("gamma", "COUNTED")).toEqual([]);
    const within = body.replace("{asn: 65002}", "{asn: 65001}");
    expect(said("alpha", "COUNTED in", within)).toHaveLength(2);
  });

  test("a snippet does not count on the defaults here either, with EVPN or without", () => {
    const snippet = body.replace("hosts:\n", "hostDefaults: {frr: snippet}\nhosts:\n").replace(/^subnets: .*\n/m, "");
    expect(linesOf(snippet, "delta/etc/netgen/frr.conf.snippet")).toContain("no bgp ebgp-requires-policy");
  });
});

describe("numbers", () => {
  test.each([23_456, 65_535])("%i is nobody's", (asn) => {
    expect(messagesOf(topology(`x: {asn: ${asn}}, y: `, "", ["x", "x", "y", "y"]))).toEqual([
      expect.stringMatching(`^asn-reserved: ${asn} `),
    ]);
  });

  test("the number of a site means nothing without BGP", () => {
    const body = topology("x: {asn: 65001}, y: ", "", ["x", "x", "y", "y"]).replace(/bgp: .*\n/, "");
    expect(messagesOf(body)).toEqual([expect.stringMatching(/^asn-without-bgp: x /)]);
  });
});
