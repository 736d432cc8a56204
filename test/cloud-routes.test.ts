/** `netgen cloud-routes`: what the networks of clouds are told, entered into stand-ins for their programs. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { must } from "../src/base/invariant.ts";
import { containsPrefix, type IpPrefix, overlaps } from "../src/base/ip.ts";
import { compile } from "../src/compile.ts";
import { cloudFiles, literal, siteTable } from "../src/deliver/cloud-routes.ts";
import { CLOUDS, type CloudName } from "../src/deliver/clouds.ts";
import { contentOf } from "../src/emit/file.ts";
import { ROOT } from "./built-package.ts";
import { runNetgen, runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { standIn } from "./stand-in.ts";
import { testPublicKey } from "./test-keys.ts";

const FIXTURE = join(ROOT, "fixtures/routed-lan/topology.yaml");
const ROUTED = readFileSync(FIXTURE, "utf8");
const ALL = Object.keys(CLOUDS) as readonly CloudName[];

function networkOf(text: string) {
  const { model, diagnostics } = compile({ name: "t.yaml", text });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return must(model, "it compiles");
}

/** The first site with gateways, and its network. */
function siteOf(text: string) {
  const network = networkOf(text);
  const site = must(
    network.sites.find(({ gateways }) => gateways.length > 0),
    "it has a gateway",
  );
  return [network, site] as const;
}

const tableOf = (text: string, name: CloudName) => siteTable(...siteOf(text), name);
const routesOf = (text: string, name: CloudName): readonly string[] =>
  tableOf(text, name).routes.map(({ prefix, host, address }) => `${prefix} ${host} ${address}`);

/** A VPC with so many hosts besides the gateway, and more of the overlay. */
const vpc = (site: string, hosts: string, more = ""): string => `netgen: 1
name: clouds
sites: {vpc: {lan: [172.30.0.0/16], ${site}}}
wireguard: {addresses: [10.250.0.0/16, "fd00:250::/64"], transit: [10.251.0.0/16, "fd00:251::/64"]}
hosts:
  gateway: {id: 1, site: vpc, endpoint: 198.51.100.7, lanEndpoint: 172.30.0.2, publicKey: "${testPublicKey("gateway")}"}
  far: {id: 2, endpoint: 203.0.113.9, publicKey: "${testPublicKey("far")}"${more}}
${hosts}`;
const LED = "gateways: [gateway]";

describe("which routes", () => {
  test("lead to the gateway, and to the hosts that have or lead to a part themselves", () => {
    expect(routesOf(ROUTED, "aws")).toEqual([
      "10.42.12.0/24 worker1 10.0.1.12",
      "10.250.0.0/24 gateway 10.0.1.2",
      "10.250.0.13/32 worker2 10.0.1.13",
      "192.168.7.0/24 gateway 10.0.1.2",
    ]);
  });

  test("are the same to any host of the LAN as a host without WireGuard has itself", () => {
    const [network, site] = siteOf(ROUTED);
    const own = must(
      network.hosts.find(({ name }) => name === "worker3"),
      "it is a host",
    ).lanRoutes;
    expect(site.routes.map(({ prefix }) => prefix)).toEqual(own.map(({ prefix }) => prefix));
  });

  test("do not overlap with Hetzner, and lead where they led", () => {
    const told = tableOf(ROUTED, "hetzner").routes;
    const before = tableOf(ROUTED, "aws").routes;
    expect(told.length).toBeGreaterThan(before.length);
    for (const [index, { prefix, host }] of told.entries()) {
      expect(told.slice(index + 1).filter((other) => overlaps(other.prefix, prefix))).toEqual([]);
      const around = before.filter((each) => containsPrefix(each.prefix, prefix));
      expect(around.at(-1)?.host).toBe(host);
    }
    const size = (all: readonly { readonly prefix: IpPrefix }[]): number =>
      all.reduce((sum, { prefix }) => sum + 2 ** (32 - Number(prefix.split("/")[1])), 0);
    expect(size(told)).toBe(size(before) - 1);
  });

  test("are of the IP versions that the provider has, by addresses of those; what is left out is said", () => {
    const text = vpc(LED, "");
    expect(routesOf(text, "aws")).toEqual(["10.250.0.0/16 gateway 172.30.0.2", "fd00:250::/64 gateway 172.30.0.2"]);
    expect(routesOf(text, "azure")).toEqual(["10.250.0.0/16 gateway 172.30.0.2"]);
    expect(tableOf(text, "azure").notes).toEqual([
      "left out, as Azure has no such route to the hosts' addresses: fd00:250::/64",
    ]);
    const inIpv6 = text.replace("172.30.0.0/16", '"fd00:1::/64"').replace("172.30.0.2", '"[fd00:1::2]"');
    expect(routesOf(inIpv6, "azure")).toEqual(["fd00:250::/64 gateway fd00:1::2"]);
    expect(tableOf(inIpv6, "gcp").refusals).toEqual(["nothing is left to be routed"]);
  });

  test("what lies inside another one and leads to the same host is not said twice", () => {
    const key = testPublicKey("third");
    const third = `  third: {id: 5, endpoint: 203.0.113.5, publicKey: "${key}", routes: [10.42.7.0/24]}\n`;
    const text = vpc(LED, third, ", routes: [{cidr: 10.42.0.0/16, exceptMoreSpecifics: true}]");
    expect(siteOf(text)[1].routes.map(({ prefix }) => prefix)).toContain("10.42.7.0/24");
    const own = routesOf(text, "aws").filter((each) => each.startsWith("10.42."));
    expect(own).toEqual(["10.42.0.0/16 gateway 172.30.0.2"]);
  });
});

describe("what a provider would refuse", () => {
  test("a LAN without neighbours whose hosts would send to the gateway's address", () => {
    const text = vpc(LED, "  node: {id: 3, site: vpc, wireguard: false, lanEndpoint: 172.30.0.3}\n");
    const message =
      'Google Cloud routes between hosts that are no neighbours, and node would send to the gateway\'s address: write under sites.vpc its router, such as "lanRouter: 10.0.0.1"';
    expect(tableOf(text, "gcp").refusals).toEqual([message]);
    expect(tableOf(text, "aws").refusals).toEqual([]);
    const routed = vpc(
      `lanRouter: 172.30.0.1, ${LED}`,
      "  node: {id: 3, site: vpc, wireguard: false, lanEndpoint: 172.30.0.3}\n",
    );
    expect(tableOf(routed, "gcp").refusals).toEqual([]);
  });

  test("an address that moves", () => {
    const text = readFileSync(join(ROOT, "fixtures/vrrp-gateways/topology.yaml"), "utf8");
    expect(tableOf(text, "aws").refusals[0]).toMatch(/share \S+ by VRRP, and in a cloud no address moves/);
  });

  test("a host that it cannot be told the address of", () => {
    const text = vpc(LED, "").replace(", lanEndpoint: 172.30.0.2", "");
    expect(tableOf(text, "azure").refusals).toEqual([
      "gateway has no lanEndpoint that is an address, and Azure is told one to send to",
    ]);
    expect(routesOf(text, "aws")[0]).toBe("10.250.0.0/16 gateway ");
  });

  test("public destinations, and the way out of its own servers, with Hetzner", () => {
    const refusalsOf = (routes: string) => tableOf(vpc(LED, "", `, routes: [${routes}]`), "hetzner").refusals;
    expect(refusalsOf("100.64.0.0/24")).toEqual([
      "Hetzner Cloud takes no route to 100.64.0.0/24: it takes destinations inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 alone",
    ]);
    expect(refusalsOf("172.31.0.0/16")).toEqual([
      "Hetzner Cloud takes no route to 172.31.0.0/16: 172.31.1.1 is the way out of its servers",
    ]);
    expect(refusalsOf("10.1.0.0/16")).toEqual([]);
  });

  test("more than a table takes; what takes a request is a note", () => {
    // Every other one, which nothing merges.
    const many = (count: number): string =>
      `, routes: [${Array.from({ length: count }, (_, index) => `10.${100 + Math.floor(index / 100)}.${(index % 100) * 2}.0/24`).join(", ")}]`;
    expect(tableOf(vpc(LED, "", many(99)), "hetzner").refusals).toEqual([]);
    expect(tableOf(vpc(LED, "", many(100)), "hetzner").refusals).toEqual([
      "101 routes, and a network of Hetzner Cloud takes 100: let prefixes be parts of fewer and larger ones",
    ]);
    expect(tableOf(vpc(LED, "", many(498)), "aws").notes).toEqual([]);
    expect(tableOf(vpc(LED, "", many(499)), "aws").notes).toEqual([
      "501 routes, and a route table of AWS takes 500 unless more are asked for",
    ]);
  });

  test("is told the first of several gateways", () => {
    const text = readFileSync(join(ROOT, "fixtures/lan-gateways/topology.yaml"), "utf8");
    expect(tableOf(text, "aws").notes).toEqual(["all is sent to gate1; should it be lost, to gate2 by hand"]);
  });
});

/** What Terraform works out. */
const worked = (expression: string): string => ["$", "{", expression, "}"].join("");

describe("as Terraform reads it", () => {
  const configOf = (name: CloudName) => {
    const file = must(
      cloudFiles(...siteOf(ROUTED), name).find(({ path }) => path === "fsn/terraform/main.tf.json"),
      "it is written",
    );
    return JSON.parse(new TextDecoder().decode(contentOf(file)));
  };

  test.each([
    [
      "aws",
      "aws_route",
      {
        for_each: worked("var.route_table_ids"),
        route_table_id: worked("each.value"),
        destination_cidr_block: "10.42.12.0/24",
        network_interface_id: worked('var.network_interface_ids["worker1"]'),
      },
    ],
    [
      "gcp",
      "google_compute_route",
      {
        name: expect.stringMatching(/^netgen-10-42-12-0-24-[0-9a-f]{8}$/),
        network: worked("var.network"),
        dest_range: "10.42.12.0/24",
        next_hop_ip: "10.0.1.12",
      },
    ],
    [
      "azure",
      "azurerm_route",
      {
        for_each: worked("var.route_table_names"),
        name: expect.stringMatching(/^netgen-10-42-12-0-24-[0-9a-f]{8}$/),
        resource_group_name: worked("var.resource_group_name"),
        route_table_name: worked("each.value"),
        address_prefix: "10.42.12.0/24",
        next_hop_type: "VirtualAppliance",
        next_hop_in_ip_address: "10.0.1.12",
      },
    ],
    [
      "hetzner",
      "hcloud_network_route",
      { network_id: worked("var.network_id"), destination: "10.42.12.0/24", gateway: "10.0.1.12" },
    ],
  ] as const)("%s", (name, type, route) => {
    const config = configOf(name);
    expect(config.resource[type].to_10_42_12_0_24).toEqual(route);
    expect(Object.keys(config.resource)).toEqual([type]);
    expect(config["//"]).toContain(CLOUDS[name].forwarding);
    const text = JSON.stringify(config.resource);
    const asked = [...text.matchAll(/\$\{var\.(\w+)/g)].map(([, variable]) => variable);
    expect(new Set(asked)).toEqual(new Set(Object.keys(config.variable)));
  });

  test("what is not to be worked out is not", () => {
    expect(literal(`a${worked("b")}%{c}$d%e`)).toBe(`a$${worked("b")}%%{c}$d%e`);
  });

  test("IPv6 has an argument of its own with AWS", () => {
    const route = must(
      tableOf(vpc(LED, ""), "aws").routes.find(({ family }) => family === 6),
      "it has both",
    );
    expect(CLOUDS.aws.terraform.argumentsOf(route)).toMatchObject({ destination_ipv6_cidr_block: "fd00:250::/64" });
  });

  test("names are legal everywhere, and another topology's and site's are others", () => {
    const [network, site] = siteOf(vpc(LED, "", ', routes: ["2001:db8:ffff:ffff:ffff:ffff:ffff:fff0/124"]'));
    const names = siteTable(network, site, "aws").routes.map(({ name }) => name);
    expect(names.filter((name) => !/^[a-z][-a-z0-9]{0,61}[a-z0-9]$/.test(name))).toEqual([]);
    const others = siteTable({ ...network, name: "other" }, site, "aws").routes.map(({ name }) => name);
    const elsewhere = siteTable(network, { ...site, name: "other" }, "aws").routes.map(({ name }) => name);
    expect(new Set([...names, ...others, ...elsewhere]).size).toBe(3 * names.length);
  });
});

/** How each program is called, what its stand-in has when all is entered, and what somebody else has changed. */
const CALLS = {
  aws: {
    program: "aws",
    words: "rtb-1 rtb-2 gateway=eni-1 worker1=eni-2 worker2=eni-3",
    forwarding: ["eni-2", "eni-1", "eni-3"],
    count: 8,
    foreign: ["rtb-1 10.250.0.0/24", "igw-9"],
    mending: [
      "aws ec2 replace-route --route-table-id rtb-1 --destination-cidr-block 10.250.0.0/24 --network-interface-id eni-1",
    ],
  },
  gcp: {
    program: "gcloud",
    words: "default",
    forwarding: [],
    count: 4,
    foreign: undefined,
    mending: [],
  },
  azure: {
    program: "az",
    words: "net/routes gateway=net/a worker1=net/b worker2=net/c",
    forwarding: ["net/b", "net/a", "net/c"],
    count: 4,
    foreign: undefined,
    mending: [],
  },
  hetzner: {
    program: "hcloud",
    words: "mine",
    forwarding: [],
    count: 11,
    foreign: ["mine 192.168.7.0/24", "10.0.1.99"],
    mending: [
      "hcloud network remove-route mine --destination 192.168.7.0/24 --gateway 10.0.1.99",
      "hcloud network add-route mine --destination 192.168.7.0/24 --gateway 10.0.1.2",
    ],
  },
} as const;

describe("routes-apply, on stand-ins for the programs", () => {
  let home = "";
  const write = standIn("clouds.mjs");
  eachInNewDirectory((path) => {
    home = path;
    mkdirSync(join(home, "bin"));
    for (const { program } of Object.values(CALLS)) write(join(home, "bin", program), `"$CLOUD" ${program}`);
  });

  type State = { forwarding: string[]; routes: Record<string, unknown> };
  const state = (): State => JSON.parse(readFileSync(join(home, "state"), "utf8"));
  const set = (to: State): void => writeFileSync(join(home, "state"), JSON.stringify(to));
  const apply = (words: string) => {
    // The real programs are not to be found.
    return runShell(home, `CLOUD="$PWD/state" PATH="$PWD/bin" fsn/routes-apply ${words}`);
  };
  const place = (name: CloudName): void => {
    for (const file of cloudFiles(...siteOf(ROUTED), name)) {
      mkdirSync(join(home, file.path, ".."), { recursive: true });
      writeFileSync(join(home, file.path), contentOf(file), { mode: file.mode });
    }
  };

  test.each(ALL)("%s: enters what is not there, once, mends what is otherwise, and takes nothing away", (name) => {
    const { words, forwarding, count, foreign, mending } = CALLS[name];
    place(name);
    const before = { forwarding: name === "gcp" ? ["10.0.1.2", "10.0.1.12", "10.0.1.13"] : [], routes: {} };
    set(before);
    const checked = apply(`--check ${words}`);
    expect(checked).toMatchObject({ status: 0, stderr: "" });
    expect(state()).toEqual(before);
    const entered = apply(words);
    expect(entered).toEqual(checked);
    expect(entered.stdout.split("\n").filter((line) => line !== "")).toHaveLength(count + forwarding.length);
    const after = state();
    expect(Object.keys(after.routes)).toHaveLength(count);
    if (name !== "gcp") expect(after.forwarding).toEqual(forwarding);
    expect(apply(words)).toEqual({ status: 0, stdout: "", stderr: "" });
    if (foreign !== undefined) {
      set({ ...after, routes: { ...after.routes, [foreign[0]]: foreign[1], [`${foreign[0]}0`]: "theirs" } });
      expect(apply(words)).toEqual({ status: 0, stdout: mending.map((line) => `${line}\n`).join(""), stderr: "" });
      expect(state().routes).toEqual({ ...after.routes, [`${foreign[0]}0`]: "theirs" });
    }
  });

  test.each(["gcp", "azure"] as const)("%s: a route of the name that leads elsewhere is put right", (name) => {
    place(name);
    set({ forwarding: ["10.0.1.2", "10.0.1.12", "10.0.1.13"], routes: {} });
    apply(CALLS[name].words);
    const after = state();
    const key = must(Object.keys(after.routes)[0], "it has routes");
    const wrong = (after.routes[key] as string[]).with(-1, "10.0.1.99");
    set({ ...after, routes: { ...after.routes, [key]: wrong } });
    expect(apply(CALLS[name].words).status).toBe(0);
    expect(state()).toEqual(after);
  });

  test("gcp: an instance that does not forward is told of, and nothing is entered", () => {
    place("gcp");
    set({ forwarding: [], routes: {} });
    expect(apply("default")).toEqual({
      status: 1,
      stdout: "",
      stderr: "routes-apply: worker1: no instance at 10.0.1.12 has canIpForward: make it with --can-ip-forward\n",
    });
  });

  test("without what it has to be told it says what that is", () => {
    place("aws");
    set({ forwarding: [], routes: {} });
    for (const words of ["", "--now", "gateway=eni-1"]) {
      expect(apply(words)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/^usage: routes-apply \[--check\] ROUTE_TABLE/),
      });
    }
    expect(apply("rtb-1 worker1=eni-2")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("by which interface is gateway there? gateway=..."),
    });
    expect(state().routes).toEqual({});
  });

  test("what a provider refuses ends it", () => {
    place("hetzner");
    writeFileSync(join(home, "state"), "not JSON");
    expect(apply("mine").status).not.toBe(0);
  });
});

describe("the command", () => {
  let home = "";
  eachInNewDirectory((path) => {
    home = path;
    cpSync(FIXTURE, join(home, "topology.yaml"));
  });
  const run = (...words: readonly string[]) => runNetgen(home, ["cloud-routes", "topology.yaml", ...words]);
  const refused = (stderr: string) => ({ status: 2, stdout: "", stderr: expect.stringContaining(stderr) });

  test("writes a directory for each site, and keeps it as build keeps its tree", () => {
    const first = run("--for", "aws", "-o", "cloud");
    expect(first).toEqual({
      status: 0,
      stderr: "",
      stdout: "cloud: 2 new, 0 changed, 0 removed, 0 as they were; of 1 site in AWS\n",
    });
    expect(run("--for", "aws", "-o", "cloud", "--site", "fsn").stdout).toContain("2 as they were");
    expect(runNetgen(home, ["build", "topology.yaml", "-o", "cloud"])).toMatchObject(
      refused("cloud is a tree that netgen cloud-routes wrote"),
    );
    runNetgen(home, ["build", "topology.yaml"]);
    expect(run("--for", "aws", "-o", "out")).toMatchObject(refused("out is a tree that netgen build wrote"));
    mkdirSync(join(home, "mine/fsn"), { recursive: true });
    writeFileSync(join(home, "mine/fsn/routes-apply"), "mine");
    expect(run("--for", "aws", "-o", "mine")).toMatchObject({
      ...refused("nothing was written"),
      stderr: expect.stringContaining("routes-apply"),
    });
  });

  test("says which provider and which site there is", () => {
    expect(run("--for", "hezner", "-o", "cloud")).toMatchObject(refused('Did you mean "hetzner"?'));
    expect(run("--for", "oracle", "-o", "cloud")).toMatchObject(refused("There are aws, gcp, azure and hetzner."));
    expect(run("-o", "cloud")).toMatchObject(refused("required option '--for <provider>'"));
    expect(run("--for", "aws", "-o", "cloud", "--site", "fns")).toMatchObject(refused('did you mean "fsn"?'));
    expect(existsSync(join(home, "cloud"))).toBe(false);
  });

  test("asks which of several sites, and refuses one without a gateway", () => {
    const sites = "sites:\n  bare: {lan: [10.7.0.0/16]}\n  other: {lan: [10.8.0.0/16], gateways: [second]}\n";
    const key = testPublicKey("second");
    const second = `hosts:\n  second: {id: 40, site: other, endpoint: 198.51.100.40, lanEndpoint: 10.8.0.2, publicKey: "${key}"}\n`;
    writeFileSync(join(home, "topology.yaml"), ROUTED.replace("sites:\n", sites).replace("hosts:\n", second));
    expect(run("--for", "aws", "-o", "cloud")).toMatchObject(refused("--site: which of fsn and other is there"));
    expect(run("--for", "aws", "-o", "cloud", "--site", "bare")).toMatchObject(refused("bare has no gateway"));
    expect(run("--for", "aws", "-o", "cloud", "--site", "fsn, other").stdout).toContain("4 new");
    cpSync(join(ROOT, "fixtures/minimal/topology.yaml"), join(home, "topology.yaml"));
    expect(run("--for", "aws", "-o", "none")).toMatchObject(
      refused("no site has a gateway that a cloud could send to"),
    );
  });

  test("writes nothing where the provider would refuse something, or the topology has errors; and notes what it leaves", () => {
    writeFileSync(join(home, "topology.yaml"), ROUTED.replace("lanRouter: 10.0.0.1, ", ""));
    expect(run("--for", "hetzner", "-o", "cloud")).toMatchObject(
      refused("netgen: fsn: Hetzner Cloud routes between hosts"),
    );
    writeFileSync(join(home, "topology.yaml"), ROUTED.replace("gateways: [gateway]", "gateways: [gatway]"));
    expect(run("--for", "hetzner", "-o", "cloud").status).toBe(1);
    expect(existsSync(join(home, "cloud"))).toBe(false);
    writeFileSync(join(home, "topology.yaml"), vpc(LED, ""));
    expect(run("--for", "azure", "-o", "cloud")).toMatchObject({
      status: 0,
      stderr: expect.stringContaining("vpc: left out, as Azure"),
    });
    expect(run("--for", "azure", "-o", "cloud", "-q")).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});
