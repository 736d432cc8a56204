import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Code } from "../src/base/catalogue.ts";
import { type Diagnostic, sortDiagnostics } from "../src/base/diagnostic.ts";
import { parseYaml } from "../src/parse/yaml.ts";
import type { Topology } from "../src/topology/topology.ts";
import { validate } from "../src/validate/validate.ts";

function read(text: string): { readonly topology: Topology | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const parsed = parseYaml({ name: "topology.yaml", text });
  if (parsed.value === undefined) return { topology: undefined, diagnostics: parsed.diagnostics };
  const validated = validate(parsed.value);
  const diagnostics = sortDiagnostics([...parsed.diagnostics, ...validated.diagnostics]);
  return { topology: validated.value, diagnostics };
}

const KEY = "bmV0Z2VuIGV4YW1wbGUsIG5vdCBhIHJlYWwga2V5ISE=";

interface Parts {
  readonly top?: string;
  readonly wireguard?: string;
  readonly alpha?: string;
  readonly hosts?: string;
  readonly subnet?: string;
}

/** A small good topology with lines added in one place. */
function topology({ top = "", wireguard = "", alpha = "", hosts = "", subnet }: Parts): string {
  const lines = [
    "netgen: 1",
    "name: test",
    "sites: {roz: {}, wro: {}}",
    top,
    "wireguard:",
    "  addresses: [10.250.0.0/24]",
    wireguard && `  ${wireguard}`,
    "hosts:",
    "  alpha:",
    "    id: 1",
    alpha && `    ${alpha}`,
    "  beta: {id: 2, site: roz}",
    hosts && `  ${hosts}`,
    ...(subnet === undefined ? [] : ["subnets:", "  vms:", "    hosts: [alpha]", `    ${subnet}`]),
  ];
  return `${lines.filter((line) => line !== "").join("\n")}\n`;
}

/** Takes `«` and `»` out; the text between them is where the diagnostic must stand. */
function marked(text: string): { readonly text: string; readonly start: number; readonly end: number } {
  const start = text.indexOf("«");
  const end = text.indexOf("»") - 1;
  return { text: text.replace("«", "").replace("»", ""), start, end };
}

interface Row {
  readonly code: Code;
  readonly text: string;
  readonly message: string;
  readonly hint: string;
}

const row = (code: Code, text: string, [message, hint]: readonly [string, string]): Row => ({
  code,
  text,
  message,
  hint,
});

const ENDPOINT_HINT = "write it like this: endpoint: roz.example.net:51820";

const ROWS: readonly Row[] = [
  // Keys.
  row("key-unknown", topology({ alpha: "«enpoint»: 203.0.113.1" }), [
    '"enpoint" is no key of hosts.alpha; did you mean "endpoint"?',
    'write "endpoint", or take the key out',
  ]),
  row("key-unknown", topology({ top: "underlay: {«colour»: red}" }), [
    '"colour" is no key of underlay; it has pathMtu, ipVersion and paths',
    "take it out; netgen schema prints every key with its meaning",
  ]),
  row("key-unknown", topology({ top: "«subnet»: {}" }), [
    '"subnet" is no key of the topology; did you mean "subnets"?',
    'write "subnets", or take the key out',
  ]),
  row("key-unknown", topology({ top: "hostDefaults: {«id»: 3}" }), [
    '"id" is no key of hostDefaults; every host has its own',
    "write it under the host",
  ]),
  row("key-unknown", topology({ alpha: "«privateKey»: x" }), [
    '"privateKey" is no key of hosts.alpha; a topology holds no secrets',
    "take it out; netgen keys generate puts secrets into files of their own",
  ]),
  row("key-missing", topology({ hosts: "«gamma»: {site: roz}" }), [
    'hosts.gamma lacks the key "id": the number that the host\'s addresses, router-id and MACs are made from; no two hosts share one',
    'add "id: 1"',
  ]),
  row("key-missing", "«»netgen: 1\nname: test\nwireguard: {addresses: [10.250.0.0/24]}\n", [
    'the topology lacks the key "hosts": the hosts, by name',
    'add "hosts: {alpha: {id: 1, endpoint: 203.0.113.1}, beta: {id: 2, behindNat: true}}"',
  ]),
  row("key-missing", topology({ top: "underlay: {paths: [«{mtu: 1492}»]}" }), [
    'underlay.paths[0] lacks the key "between": the two ends, each a host or a site',
    'add "between: [alpha, gamma]"',
  ]),
  row("key-missing", topology({ subnet: "«vxlan»: {}" }), [
    'subnets.vms.vxlan lacks the key "vni": the VXLAN network identifier; no two subnets share one',
    'add "vni: 100"',
  ]),
  row("vrf-unknown", topology({ subnet: "vrf: «red»" }), [
    'there is no VRF "red"',
    'declare it under vrfs, as "red: {vni: 5000}"',
  ]),
  row("language-version-unknown", topology({}).replace("netgen: 1", "netgen: «2»\nfuture: {}"), [
    "the language version is 2; this netgen knows only version 1",
    'write "netgen: 1"',
  ]),
  row("language-version-unknown", topology({}).replace("netgen: 1", "netgen: «1.5»"), [
    "the language version is 1.5; this netgen knows only version 1",
    'write "netgen: 1"',
  ]),

  // Values.
  row("value-type", topology({}).replace("netgen: 1", 'netgen: «"1"»'), [
    'netgen is the text "1"; it must be the number 1',
    "write it like this: netgen: 1",
  ]),
  row("value-type", topology({ alpha: "site: «10»" }), [
    "hosts.alpha.site is the number 10, because digits without quotes are one; it must be the name of a site",
    'write it like this: site: "10"',
  ]),
  row("value-type", topology({ subnet: "cidr: «10.1»" }), [
    "subnets.vms.cidr is the number 10.1, because digits without quotes are one; it must be an IPv4 or IPv6 prefix such as 10.1.1.0/24",
    "write it like this: cidr: 10.1.1.0/24",
  ]),
  row("value-type", topology({ alpha: "behindNat: «yes»" }), [
    'hosts.alpha.behindNat is the text "yes"; it must be true or false',
    "write it like this: behindNat: true",
  ]),
  row("value-type", topology({ alpha: "behindNat: «No»" }), [
    'hosts.alpha.behindNat is the text "No"; it must be true or false',
    "write it like this: behindNat: false",
  ]),
  row("value-type", topology({ alpha: "acceptRa: «on»" }), [
    'hosts.alpha.acceptRa is the text "on"; it must be true or false',
    "write it like this: acceptRa: true",
  ]),
  row("value-type", topology({ alpha: "routes: «192.168.3.0/24»" }), [
    'hosts.alpha.routes is the text "192.168.3.0/24"; it must be a list of prefixes',
    "write it like this: routes: [192.168.3.0/24]",
  ]),
  row("value-type", topology({ hosts: "gamma:«»" }), [
    "hosts.gamma is empty; it must be a mapping with the key id",
    "write it like this: gamma: {id: 1, site: roz, endpoint: roz.example.net:51820}",
  ]),
  row("value-type", "«just text»\n", [
    'the topology is the text "just text"; it must be a mapping of netgen, name, wireguard, hosts and others',
    "write it like this: {netgen: 1, name: two-hosts, wireguard: …, hosts: …, subnets: …}",
  ]),
  row("value-type", topology({ alpha: "id: «1.5»" }).replace("    id: 1\n", ""), [
    "hosts.alpha.id is the number 1.5; it must be a whole number from 1 to 65535",
    "write it like this: id: 1",
  ]),
  row("value-type", topology({ top: "underlay: {paths: [{between: «[alpha]», mtu: 1492}]}" }), [
    "underlay.paths[0].between is a list of 1 entry; it must be a list of two names, each a host or a site",
    "write it like this: between: [alpha, gamma]",
  ]),
  row("value-type", topology({ top: "underlay: {ipVersion: «true»}" }), [
    "underlay.ipVersion is the truth value true; it must be 4, 6 or auto",
    "write it like this: ipVersion: 4",
  ]),
  row("value-choice", topology({ alpha: "networkManager: «netwrokd»" }), [
    'hosts.alpha.networkManager is "netwrokd"; it must be networkd, NetworkManager or other',
    'did you mean "networkd"?',
  ]),
  row("value-choice", topology({ top: "underlay: {ipVersion: «5»}" }), [
    'underlay.ipVersion is "5"; it must be 4, 6 or auto',
    "write it like this: ipVersion: 4",
  ]),
  row("value-range", topology({ wireguard: "listenPort: «65536»" }), [
    "wireguard.listenPort is 65536; it must be a whole number from 1 to 65535",
    "write it like this: listenPort: 51820",
  ]),
  row("value-range", topology({ subnet: "vxlan: {vni: «16777216»}" }), [
    "subnets.vms.vxlan.vni is 16777216; it must be a whole number from 1 to 16777215",
    "write it like this: vni: 100",
  ]),
  row("value-range", topology({ top: "bgp: {asn: «0»}" }), [
    "bgp.asn is 0; it must be a whole number from 1 to 4294967294",
    "write it like this: asn: 65000",
  ]),
  row("list-empty", topology({}).replace("[10.250.0.0/24]", "«[]»"), [
    "wireguard.addresses is empty; it needs at least 1 prefix",
    'write it like this: addresses: [10.250.0.0/24, "fd00:250::/64"]',
  ]),
  row("list-empty", "netgen: 1\nname: test\nwireguard: {addresses: [10.250.0.0/24]}\nhosts: «{}»\n", [
    "hosts is empty; it needs at least 1 host",
    "write it like this: hosts: {alpha: {id: 1, endpoint: 203.0.113.1}, beta: {id: 2, behindNat: true}}",
  ]),
  row("list-empty", topology({ subnet: "gateway: «{}»" }), [
    "subnets.vms.gateway is empty; it needs at least 1 address",
    "write it like this: gateway: 10.1.1.1",
  ]),
  row("list-duplicate", topology({ top: "bgp: {asn: 65000, routeReflectors: [alpha, «alpha»]}" }), [
    'bgp.routeReflectors names "alpha" twice',
    "delete one of the two",
  ]),

  // Texts.
  row("name-malformed", topology({ hosts: "«Gamma»: {id: 3}" }), [
    '"Gamma" cannot be the name of a host: a name is 1 to 63 of a-z, 0-9, "." and "-", starts with a letter or digit, and has no two dots in a row',
    "choose a name that is also good as a directory and a host name, such as alpha or rack1-a",
  ]),
  row("address-malformed", topology({ alpha: "addresses: [«10.250.0.256»]" }), [
    'hosts.alpha.addresses[0] is "10.250.0.256", which is not an IPv4 or IPv6 address such as 10.250.0.1',
    "write it like this: 10.250.0.1",
  ]),
  row("address-malformed", topology({ subnet: "gateway: «nonsense»" }), [
    'subnets.vms.gateway is "nonsense", which is not an address, a list of addresses, a mapping of hosts to addresses, or none',
    "write it like this: gateway: 10.1.1.1",
  ]),
  row("prefix-malformed", topology({ subnet: "cidr: «10.1.1.0/33»" }), [
    'subnets.vms.cidr is "10.1.1.0/33", which is not an IPv4 or IPv6 prefix such as 10.1.1.0/24',
    "write it like this: cidr: 10.1.1.0/24",
  ]),
  row("prefix-malformed", topology({ alpha: "routes: [«0.0.0.0/0»]" }), [
    'hosts.alpha.routes[0] is "0.0.0.0/0", which is not a prefix without loopback, link-local, multicast and other special addresses; exits say who leads to all others',
    "write it like this: 192.168.3.0/24",
  ]),
  row("prefix-malformed", topology({ alpha: "routes: [{cidr: «127.0.0.0/8»}]" }), [
    'hosts.alpha.routes[0].cidr is "127.0.0.0/8", which is not a prefix without loopback, link-local, multicast and other special addresses',
    "write it like this: cidr: 192.168.3.0/24",
  ]),
  row("prefix-host-bits", topology({ subnet: "cidr: «10.1.1.1/24»" }), [
    '"10.1.1.1/24" has host bits set: the network is 10.1.1.0/24',
    "write 10.1.1.0/24; an address of its own goes under gateway or addresses",
  ]),
  row("public-key-malformed", topology({ alpha: "publicKey: «keys/alpha.pub»" }), [
    'the public key of alpha is "keys/alpha.pub", which is not base64 of 32 bytes, not all zero (44 characters, the last "=")',
    "paste what `wg pubkey` or `netgen keys list` prints for alpha",
  ]),
  row("interface-name-malformed", topology({ alpha: "uplink: «enp1s0f0np0-vlan100»" }), [
    'hosts.alpha.uplink is "enp1s0f0np0-vlan100"; an interface name is 1 to 15 of A-Z, a-z, 0-9, "_", "-" and ".", does not start with "-" or ".", and is not all, default, lo or a number',
    "write it like this: uplink: eth0",
  ]),
  row("text-malformed", topology({}).replace("name: test", "name: «../test»"), [
    'name is "../test"; it must be 1 to 63 letters, digits, spaces and . _ -, with a letter or digit first',
    "write it like this: name: two-sites",
  ]),
  row("text-malformed", topology({ subnet: "" }).replace("[alpha]", "«alpha»"), [
    'subnets.vms.hosts is "alpha"; it must be all, or a list of hosts and sites',
    "write it like this: hosts: [alpha, roz]",
  ]),
  row("extra-refused", topology({ alpha: "extra: {wireguard: [«SaveConfig = true»]}" }), [
    'the extra line "SaveConfig = true" is refused: it must begin with PreUp, PostUp, PreDown, PostDown or FwMark and a "="',
    "write one plain line that stays inside its block; anything else belongs in a file of your own",
  ]),

  // Endpoints.
  row("endpoint-malformed", topology({ alpha: "endpoint: «2001:db8::1»" }), [
    'hosts.alpha.endpoint is "2001:db8::1", which is not an IPv6 address in brackets, which keep it apart from the port',
    'write it like this: endpoint: "[2001:db8::1]"',
  ]),
  row("endpoint-malformed", topology({ alpha: "endpoint: «2001:db8::1:51820»" }), [
    'hosts.alpha.endpoint is "2001:db8::1:51820", which is not an IPv6 address in brackets, which keep it apart from the port',
    'write it like this: endpoint: "[2001:db8::1]:51820"',
  ]),
  row("endpoint-malformed", topology({ alpha: "endpoint: «example.com:51820:51820»" }), [
    'hosts.alpha.endpoint is "example.com:51820:51820", which is not one host and at most one :port',
    ENDPOINT_HINT,
  ]),
  row("endpoint-malformed", topology({ alpha: 'endpoint: «"[[2001:db8::1]:1234]:43783"»' }), [
    'hosts.alpha.endpoint is "[[2001:db8::1]:1234]:43783", which is not an IPv6 address in brackets, which keep it apart from the port',
    'write it like this: endpoint: "[2001:db8::1]:51820"',
  ]),
  row("endpoint-malformed", topology({ alpha: 'endpoint: «"[203.0.113.1]:51820"»' }), [
    'hosts.alpha.endpoint is "[203.0.113.1]:51820", which is not an IPv6 address in brackets, with or without a :port',
    'write it like this: endpoint: "[2001:db8::1]:51820"',
  ]),
  row("endpoint-malformed", topology({ alpha: "endpoint: «203.0.113.300:51820»" }), [
    'hosts.alpha.endpoint is "203.0.113.300:51820", which is not an IPv4 address of four numbers from 0 to 255',
    "write it like this: endpoint: 203.0.113.9:51820",
  ]),
  row("endpoint-malformed", topology({ alpha: "endpoint: «203.0.113.1:65536»" }), [
    'hosts.alpha.endpoint is "203.0.113.1:65536", which is not an endpoint with a port from 1 to 65535',
    "write it like this: endpoint: 203.0.113.1:51820",
  ]),
  row("endpoint-malformed", topology({ alpha: "endpoint: «-roz.example.net»" }), [
    'hosts.alpha.endpoint is "-roz.example.net", which is not a DNS name (parts of 1 to 63 letters, digits and inner hyphens, 253 characters in all) or an address',
    ENDPOINT_HINT,
  ]),
  row("endpoint-malformed", topology({ alpha: "lanEndpoint: «127.0.0.1»" }), [
    'hosts.alpha.lanEndpoint is "127.0.0.1", which is not an address that another host can dial (not loopback, link-local or multicast)',
    "write it like this: lanEndpoint: 192.168.2.3",
  ]),
  row("endpoint-malformed", topology({ alpha: "endpoint: «LocalHost:51820»" }), [
    'hosts.alpha.endpoint is "LocalHost:51820", which is not an address that another host can dial (not loopback, link-local or multicast)',
    ENDPOINT_HINT,
  ]),

  // References.
  row("host-unknown", topology({ top: "bgp: {asn: 65000, routeReflectors: [«alhpa»]}" }), [
    'there is no host "alhpa"',
    'did you mean "alpha"?',
  ]),
  row("host-unknown", topology({ subnet: "ports: {«roz»: [eno2]}" }), [
    'there is no host "roz"',
    '"roz" is a site: name its hosts',
  ]),
  row("host-unknown", topology({ subnet: "gateway: {«gamma-rays»: 10.1.1.1}" }), [
    'there is no host "gamma-rays"',
    "write one of alpha and beta",
  ]),
  row("site-unknown", topology({ alpha: "site: «rzo»" }), ['there is no site "rzo"', 'did you mean "roz"?']),
  row("site-unknown", topology({ alpha: "site: «warsaw»" }), [
    'there is no site "warsaw"',
    'declare it under sites, as "warsaw: {}"',
  ]),
  row("site-unknown", topology({ alpha: "site: «beta»" }), [
    'there is no site "beta"',
    '"beta" is a host: name a site, or leave site out',
  ]),
  row("site-unknown", topology({ top: "hostDefaults: {site: «rzo»}" }), [
    'there is no site "rzo"',
    'did you mean "roz"?',
  ]),
  row("member-unknown", topology({ top: "underlay: {paths: [{between: [alpha, «bta»], mtu: 1400}]}" }), [
    '"bta" is neither a host nor a site',
    'did you mean "beta"?',
  ]),
  row("member-unknown", topology({ subnet: "" }).replace("[alpha]", "[«all»]"), [
    '"all" is neither a host nor a site',
    "write hosts: all, without brackets",
  ]),

  // What may stand only once.
  row("id-duplicate", topology({ hosts: "gamma: {id: «2»}" }), [
    "gamma and beta both have the id 2; addresses and MACs are made from it",
    "give one of them an id of its own, from 1 to 65535",
  ]),
  row("vni-duplicate", topology({ subnet: "vxlan: {vni: 100}\n  more: {hosts: all, vxlan: {vni: «100»}}" }), [
    "more and vms both have the VNI 100; each segment and each VRF needs its own, from 1 to 16777215",
    "give one of them another VNI",
  ]),
  row("public-key-duplicate", topology({ alpha: `publicKey: ${KEY}`, hosts: `gamma: {id: 3, publicKey: «${KEY}»}` }), [
    "gamma and alpha have the same public key; WireGuard knows a peer by its key alone",
    "generate a new key for one of them: netgen keys generate",
  ]),
  row("name-taken", topology({ hosts: "«wro»: {id: 3}" }), [
    '"wro" names both a host and a site; hosts and sites share one namespace',
    "rename one of them",
  ]),
  row("name-reserved", topology({ hosts: "«all»: {id: 3}" }), [
    'a host or site cannot be called "all": that means every host',
    "choose another name",
  ]),
  row("name-reserved", topology({ hosts: "«manifest.json»: {id: 3}" }), [
    'a host or site cannot be called "manifest.json": the output has a file of that name',
    "choose another name",
  ]),
  row("name-reserved", topology({ wireguard: "presharedKeys: true", hosts: "«a--b»: {id: 3}" }), [
    'a host or site cannot be called "a--b": with presharedKeys a "--" divides two names in the name of a key file',
    "choose another name",
  ]),
];

describe("one mistake, one diagnostic", () => {
  it.each(ROWS)("$code: $message", ({ code, text: withMarks, message, hint }) => {
    const { text, start, end } = marked(withMarks);
    const { diagnostics } = read(text);
    expect(
      diagnostics.map(({ code: found, message: said, hint: advice, span }) => ({ found, said, advice, span })),
    ).toEqual([{ found: code, said: message, advice: hint, span: { start, end } }]);
  });

  it("points at both places of a conflict", () => {
    const text = topology({ hosts: "gamma: {id: 2}" });
    const [problem] = read(text).diagnostics;
    const first = text.indexOf("id: 2") + "id: ".length;
    expect(problem?.related).toEqual([{ message: "beta has it here", span: { start: first, end: first + 1 } }]);
  });
});

describe("all mistakes of a file at once", () => {
  const text = [
    "netgen: 1",
    "name: test",
    "wireguard: {addresses: [10.250.0.0/24]}",
    "hosts:",
    "  alpha: {id: 0, site: nowhere-at-all, endpoint: 2001:db8::1, uplnk: eth0, routes: [10.0.0.1/8]}",
    "  beta: {id: 2, endpoint: 203.0.113.2}",
    "subnets:",
    "  vms: {cidr: 10.1.1.0/24, hosts: [beta, gamma]}",
    "  good: {cidr: 10.2.1.0/24, hosts: [alpha, beta]}",
  ].join("\n");

  it("reports the mistakes of one entry together, whatever finds them", () => {
    expect(read(text).diagnostics.map((each) => each.code)).toEqual([
      "value-range",
      "site-unknown",
      "endpoint-malformed",
      "key-unknown",
      "prefix-host-bits",
      "member-unknown",
    ]);
  });

  it("leaves out the entries with a mistake and keeps the rest", () => {
    const { topology: value } = read(text);
    expect(value?.hosts.map((host) => host.name)).toEqual(["beta"]);
    expect([...(value?.hostNames ?? [])]).toEqual(["alpha", "beta"]);
    expect(value?.subnets.map((subnet) => subnet.name)).toEqual(["good"]);
  });

  it("reads any other value with a mistake as if it were not there, and has no value where that says nothing", () => {
    expect(read(topology({ wireguard: "listenPort: 0" })).topology?.wireguard.listenPort).toBeUndefined();
    expect(read(topology({ top: "underlay: {pathMtu: 1}" })).topology?.underlay.pathMtu).toBeUndefined();
    expect(read(topology({ top: "hostDefaults: {uplink: lo}" })).topology?.hosts[0]?.uplink).toBeUndefined();
    expect(read(topology({}).replace("name: test", "name: t%")).topology?.name).toBe("");
    const paths = "underlay: {paths: [{between: [alpha, nobody-here], mtu: 1400}]}";
    expect(read(topology({ top: paths })).topology?.underlay.paths).toEqual([]);
    expect(read(topology({ top: "vrfs: []" })).topology).toBeUndefined();
    expect(read(topology({ top: "subnets: []" })).topology).toBeUndefined();
  });

  it("does not call names unknown when there is no list of hosts to be in", () => {
    const codes = read(
      "netgen: 1\nname: x\nwireguard: {addresses: [10.0.0.0/8]}\nsubnets: {a: {hosts: [b]}}\n",
    ).diagnostics;
    expect(codes.map((each) => each.code)).toEqual(["key-missing"]);
  });
});

/** Strings that would leave their place in a file or a path. */
const BREAKOUTS = [
  "../up",
  "a/../b",
  '"a\\nb"',
  '"a\\rb"',
  '"a\\tb"',
  '"a\\0b"',
  '"a\\e[31mb"',
  '"a\\u202eb"',
  '"a\\u200bb"',
  '"a\\u2028b"',
  '"a]b"',
  '"a#b"',
  '"a%b"',
  '"$(reboot)"',
  '"`reboot`"',
  '"a;b"',
  '"a b\\"c"',
  '"a\'b"',
  '"a\\\\b"',
  '"{{ a }}"',
  '"ä"',
  '""',
  '"."',
  '".."',
];

const PLACES: Readonly<Record<string, (value: string) => string>> = {
  name: (value) => topology({}).replace("name: test", `name: ${value}`),
  "host name": (value) => topology({ hosts: `${value}: {id: 3}` }),
  "site name": (value) => topology({}).replace("roz: {}", `roz: {}, ${value}: {}`),
  "subnet name": (value) => topology({ top: `subnets: {${value}: {hosts: all}}` }),
  site: (value) => topology({ alpha: `site: ${value}` }),
  interface: (value) => topology({ wireguard: `interface: ${value}` }),
  pool: (value) => topology({}).replace("[10.250.0.0/24]", `[${value}]`),
  endpoint: (value) => topology({ alpha: `endpoint: ${value}` }),
  lanEndpoint: (value) => topology({ alpha: `lanEndpoint: ${value}` }),
  pin: (value) => topology({ alpha: `addresses: [${value}]` }),
  publicKey: (value) => topology({ alpha: `publicKey: ${value}` }),
  uplink: (value) => topology({ alpha: `uplink: ${value}` }),
  "default uplink": (value) => topology({ top: `hostDefaults: {uplink: ${value}}` }),
  route: (value) => topology({ alpha: `routes: [${value}]` }),
  cidr: (value) => topology({ subnet: `cidr: ${value}` }),
  bridge: (value) => topology({ subnet: `bridge: ${value}` }),
  "bridge name": (value) => topology({ subnet: `bridge: {name: ${value}}` }),
  port: (value) => topology({ subnet: `ports: {alpha: [${value}]}` }),
  gateway: (value) => topology({ subnet: `gateway: ${value}` }),
  "gateway of a host": (value) => topology({ subnet: `gateway: {alpha: [${value}]}` }),
  "gateway host": (value) => topology({ subnet: `gateway: {${value}: 10.1.1.1}` }),
  reflector: (value) => topology({ top: `bgp: {asn: 65000, routeReflectors: [${value}]}` }),
  allowFrom: (value) => topology({ top: `guard: {allowFrom: [${value}]}` }),
  "guard interface": (value) => topology({ top: `guard: {interfaces: [${value}]}` }),
  "sysctl key": (value) => topology({ alpha: `extra: {sysctl: {${value}: 1}}` }),
};

describe("no string leaves its place", () => {
  it.each(Object.keys(PLACES))("%s", (place) => {
    const build = PLACES[place] as (value: string) => string;
    for (const value of BREAKOUTS) {
      const { diagnostics } = read(build(value));
      expect.soft(diagnostics.length, `${place}: ${value}`).toBe(1);
      expect.soft(diagnostics[0]?.severity, `${place}: ${value}`).toBe("error");
    }
  });

  it("says a character of the parser's list once", () => {
    const codes = read(topology({ alpha: 'uplink: "eth\\u202e0"' })).diagnostics.map((each) => each.code);
    expect(codes).toEqual(["source-control-character"]);
  });
});

describe("long strings", () => {
  // A pattern that goes back and forth would take longer than anyone waits.
  const LONG = ["a", "a.", "a-", "1.", "1:", "::1", "a:1", "../", "a=", "[", "%"].map(
    (part) => `"${part.repeat(30_000)}!"`,
  );

  it.each(Object.keys(PLACES))("are refused, and soon: %s", (place) => {
    const build = PLACES[place] as (value: string) => string;
    for (const value of LONG)
      expect.soft(read(build(value)).diagnostics.length, `${place}: ${value.slice(0, 8)}`).toBe(1);
  });
});

describe("interface names", () => {
  const accepts = (name: string): boolean => read(topology({ alpha: `uplink: "${name}"` })).diagnostics.length === 0;

  it("are what the kernel and networkd take", () => {
    const good = ["eth0", "enp1s0.100", "br_vms", "a", "A2345678901234-", "0a"];
    expect(good.filter((name) => !accepts(name))).toEqual([]);
    const bad = [
      "",
      "lo",
      "all",
      "default",
      ".",
      "..",
      ".a",
      "-a",
      "12",
      "a234567890123456",
      "a b",
      "a/b",
      "a:1",
      "a@b",
      "a=b",
    ];
    expect(bad.filter(accepts)).toEqual([]);
  });
});

describe("endpoints", () => {
  const endpointOf = (value: string) => {
    const { topology: found } = read(topology({ alpha: `endpoint: "${value}"` }));
    return found?.hosts[0]?.endpoints[0]?.value;
  };

  it("are an address or a name, with or without a port", () => {
    expect(endpointOf("203.0.113.1")).toEqual({ kind: "address", address: "203.0.113.1", port: undefined });
    expect(endpointOf("203.0.113.1:443")).toEqual({ kind: "address", address: "203.0.113.1", port: 443 });
    expect(endpointOf("[2001:DB8:0::1]")).toEqual({ kind: "address", address: "2001:db8::1", port: undefined });
    expect(endpointOf("[2001:db8::1]:65535")).toEqual({ kind: "address", address: "2001:db8::1", port: 65_535 });
    expect(endpointOf("roz.example.net")).toEqual({ kind: "name", name: "roz.example.net", port: undefined });
    expect(endpointOf("roz:1")).toEqual({ kind: "name", name: "roz", port: 1 });
    expect(endpointOf(`${"a".repeat(63)}.net`)).toMatchObject({ kind: "name" });
  });

  it.each([
    "roz.example.net.",
    "roz.example.net:",
    "roz.example.net:0",
    "roz.example.net:051820",
    "roz.example.net:51820x",
    "roz..net",
    ".net",
    "roz-.net",
    "roz_1.net",
    `${"a".repeat(64)}.net`,
    `${"a.".repeat(126)}net`,
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.4/32",
    "roz.0x7f",
    "2130706433",
    "[2001:db8::1]51820",
    "[2001:db8::1",
    "2001:db8::1]",
    "[]",
    "[::1]",
    "[fe80::1]",
    "[fe80::1%eth0]",
    "[::ffff:203.0.113.1]:1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    ":51820",
    "http://roz.example.net",
  ])("refuses %s", (value) => {
    const { diagnostics } = read(topology({ alpha: `endpoint: "${value}"` }));
    expect(diagnostics.map((each) => each.code)).toEqual(["endpoint-malformed"]);
  });

  it("shows the brackets for what it was given", () => {
    const hint = (value: string) => read(topology({ alpha: `endpoint: ${value}` })).diagnostics[0]?.hint;
    expect(hint("2001:db8:1:2:3:4:5:6")).toBe('write it like this: endpoint: "[2001:db8:1:2:3:4:5:6]"');
    expect(hint("2001:db8:1:2:3:4:5:6:51820")).toBe('write it like this: endpoint: "[2001:db8:1:2:3:4:5:6]:51820"');
    expect(hint("2001:db8::g")).toBe(ENDPOINT_HINT.replace(/endpoint: .*/, 'endpoint: "[2001:db8::1]:51820"'));
  });
});

describe("public keys", () => {
  const accepts = (key: string): boolean => read(topology({ alpha: `publicKey: "${key}"` })).diagnostics.length === 0;

  it("are 32 bytes in canonical base64, not all zero", () => {
    expect(accepts(KEY)).toBe(true);
    const bad = [
      `${"A".repeat(43)}=`,
      KEY.slice(0, 43),
      `${KEY}=`,
      // The two bits past the 256th must be zero, or one key has four spellings.
      KEY.replace("E=", "F="),
      KEY.replace("b", "-"),
      Buffer.alloc(31, 1).toString("base64"),
      Buffer.alloc(33, 1).toString("base64"),
    ];
    expect(bad.filter(accepts)).toEqual([]);
  });
});

describe("extra lines", () => {
  const reasonFor = (kind: string, line: string): string | undefined => {
    const { diagnostics } = read(topology({ alpha: `extra: {${kind}: [${JSON.stringify(line)}]}` }));
    return diagnostics[0]?.code === "extra-refused"
      ? diagnostics[0].message.replace(/^.*is refused: /s, "")
      : undefined;
  };

  it.each([
    ["wireguard", "PostUp = ip rule add from 10.0.0.0/8 table 5"],
    ["wireguard", "postdown=iptables -D FORWARD -i %i -j ACCEPT || true"],
    ["wireguard", "FwMark = 0xca6c"],
    ["wireguard", "FwMark = 4294967295"],
    ["wireguard", "fwmark=0x0FFFFFFFF"],
    ["wireguard", "FwMark = OFF"],
    ["frr", "neighbor 10.250.0.9 remote-as 65000"],
    ["frr", "no bgp suppress-duplicates"],
    ["frr", "timers bgp 3 9"],
    ["nftables", "ip daddr { 10.1.1.7, 10.1.1.8 } drop"],
    ["nftables", 'iifname "eth0" tcp dport { 25, 465 } log prefix "} a {" counter drop'],
    ["nftables", "add @seen { ip saddr }"],
  ])("%s takes %s", (kind, line) => {
    const { topology: found, diagnostics } = read(topology({ alpha: `extra: {${kind}: [${JSON.stringify(line)}]}` }));
    expect(diagnostics).toEqual([]);
    const { wireguard, frr, nftables } = found?.hosts[0]?.extra ?? {};
    expect({ wireguard, frr: frr?.bgp, nftables: nftables?.forward }[kind]).toEqual([line]);
  });

  const NOT_PRINTABLE = "it must be one line of 1 to 1000 printable ASCII characters";
  const NOT_WIREGUARD = "it must begin with PreUp";
  const NOT_BALANCED = "every brace and quote that it opens must be closed";
  it.each([
    ["wireguard", "SaveConfig = true", NOT_WIREGUARD],
    ["wireguard", "DNS = 1.1.1.1", NOT_WIREGUARD],
    ["wireguard", "PrivateKey = x", NOT_WIREGUARD],
    ["wireguard", "Address = 10.0.0.1/8", NOT_WIREGUARD],
    ["wireguard", "[Peer]", NOT_WIREGUARD],
    ["wireguard", "PostUp =", NOT_WIREGUARD],
    ["wireguard", "   ", "it is empty"],
    ["wireguard", "", NOT_PRINTABLE],
    ["wireguard", "PostUp = echo # hidden", "wg-quick takes"],
    ["wireguard", "PostUp = true\n[Peer]", NOT_PRINTABLE],
    ["wireguard", "FwMark = $(reboot)", "FwMark is off or a number"],
    ["wireguard", "FwMark = 4294967296", "FwMark is off or a number"],
    ["wireguard", "FwMark = 0x100000000", "FwMark is off or a number"],
    // wg(8) knows no large X.
    ["wireguard", "FwMark = 0Xff", "FwMark is off or a number"],
    ["frr", "exit", "it must begin with bgp"],
    ["frr", "no router bgp 65000", "it must begin with bgp"],
    ["frr", "router bgp 1", "it must begin with bgp"],
    ["frr", "address-family ipv4 unicast", "it must begin with bgp"],
    ["frr", "neighbors x", "it must begin with bgp"],
    ["frr", "bgp bestpath ! y", "it must be without !"],
    ["frr", "bgp community-list standard OURS permit 65000:1", '"bgp community-list" is no command of router bgp'],
    ["frr", "no bgp as-path access-list A", '"bgp as-path" is no command of router bgp'],
    ["frr", "bgp update-delay 5", '"bgp update-delay" is no command of router bgp'],
    ["frr", "bgp community-l standard A permit 1:1", '"bgp community-l" is no command of router bgp'],
    ["frr", "bgp", '"bgp" is no command of router bgp, where "bgp" is followed by allow-martian-nexthop, '],
    ["frr", "bgp bestpath as-path | include", 'a "|" with a blank beside it begins a filter'],
    ["frr", "neighbor 10.0.0.1 description address-family ipv4", 'it must be without "address-family"'],
    ["frr", "neighbor 10.0.0.1 passw hidden", "a password is a secret"],
    ["frr", "neighbor 10.0.0.1 password hidden", "a password is a secret"],
    ["frr", "neighbor x\nexit", NOT_PRINTABLE],
    ["nftables", "}", NOT_BALANCED],
    ["nftables", "accept }", NOT_BALANCED],
    ["nftables", "ip saddr { 1.2.3.4", NOT_BALANCED],
    ["nftables", "} accept {", NOT_BALANCED],
    ["nftables", 'log prefix "a', NOT_BALANCED],
    ["nftables", "accept; drop", "it must be without ;"],
    ["nftables", "accept # all", "it must be without ;"],
    ["nftables", "accept \\", "it must be without ;"],
    ["nftables", "ip saddr $evil drop", "it must be without ;"],
    ["nftables", 'include "/etc/passwd"', '"include" begins no rule'],
    ["nftables", "define a = 1", '"define" begins no rule'],
    ["nftables", "policy drop", '"policy" begins no rule'],
    ["nftables", "type filter hook input priority 0", '"type" begins no rule'],
    ["nftables", "  chain x { }", '"chain" begins no rule'],
    ["nftables", "flush ruleset", '"flush" begins no rule'],
    ["nftables", "accept\ndrop", NOT_PRINTABLE],
    ["nftables", 'accept comment "é"', NOT_PRINTABLE],
  ])("%s refuses %j", (kind, line, reason) => {
    expect(reasonFor(kind, line)?.slice(0, reason.length)).toBe(reason);
  });

  const NO_BLOCKS = { global: [], bgp: [], ipv4: [], ipv6: [], evpn: [], routeMaps: [] };

  it("takes lines by the block or the chain that they are for, and those of VRFs apart", () => {
    const extra = `extra:
      frr:
        global: [ip prefix-list A seq 5 permit 10.0.0.0/8, " bgp as-path access-list B seq 5 permit ^(1|2)$"]
        ipv6: ["no network fd00::/8"]
        routeMaps: {X permit 10: [match tag 7], X permit 20: []}
        vrfs: {blue: {vrf: [ip route 10.0.0.0/8 blackhole], evpn: ["rd 1:1"]}}
      nftables: {srcnat: [masquerade], input: []}`;
    const { topology: found, diagnostics } = read(`${topology({ alpha: extra })}\nvrfs: {blue: {vni: 700}}\n`);
    expect(diagnostics).toEqual([]);
    expect(found?.hosts[0]?.extra.frr).toEqual({
      ...NO_BLOCKS,
      global: ["ip prefix-list A seq 5 permit 10.0.0.0/8", "bgp as-path access-list B seq 5 permit ^(1|2)$"],
      ipv6: ["no network fd00::/8"],
      routeMaps: [
        { entry: "X permit 10", lines: ["match tag 7"] },
        { entry: "X permit 20", lines: [] },
      ],
    });
    expect(found?.hosts[0]?.vrfLines).toEqual(
      new Map([["blue", { vrf: ["ip route 10.0.0.0/8 blackhole"], bgp: [], ipv4: [], ipv6: [], evpn: ["rd 1:1"] }]]),
    );
    expect(found?.hosts[0]?.extra.nftables).toMatchObject({ srcnat: ["masquerade"], input: [], forward: [] });
  });

  it("what a host says for FRR replaces all that hostDefaults say for it", () => {
    const text = `hostDefaults: {extra: {frr: {global: [ip route 10.0.0.0/8 blackhole], vrfs: {blue: {bgp: [timers bgp 3 9]}}}}}
vrfs: {blue: {vni: 700}}
${topology({ alpha: "extra: {frr: {evpn: [advertise-svi-ip]}}" })}`;
    const [alpha, beta] = read(text).topology?.hosts ?? [];
    expect(alpha?.extra.frr).toEqual({ ...NO_BLOCKS, evpn: ["advertise-svi-ip"] });
    expect([alpha?.vrfLines.size, beta?.vrfLines.size, beta?.extra.frr.global.length]).toEqual([0, 1, 1]);
  });

  it.each([
    ["global", "router bgp 1", "it must begin with ip, ipv6, access-list"],
    ["global", "hostname x", "it must begin with ip"],
    ["global", "password x", "a password is a secret"],
    [
      "global",
      "ip forwarding",
      '"ip forwarding" is no command of the top level, where "ip" is followed by prefix-list, ',
    ],
    ["global", "ip prefix-list A permit 10.0.0.0/8", '"ip prefix-list A permit" is no command of the top level, where'],
    [
      "evpn",
      "neighbor 10.0.0.1 prefix-list A in",
      '"neighbor 10.0.0.1 prefix-list" is no command of address-family l2vpn evpn; such a line stands under ipv4 or ipv6',
    ],
    [
      "ipv4",
      "neighbor 10.0.0.1 route-reflector",
      '"route-reflector" is cut short: FRR would guess, so write route-reflector-client',
    ],
    ["bgp", "network 10.0.0.0/8", '"network" is no command of router bgp; such a line stands under ipv4'],
    ["ipv4", "neigh 10.0.0.1 activate", '"neigh" is cut short: FRR would guess, so write neighbor'],
    ["ipv4", "exit-address-family", "it must begin with network"],
    ["ipv4", "neighbor 10.0.0.1 passw x", "a password is a secret"],
    [
      "ipv4",
      "neighbor 10.0.0.1 remote-as 1",
      '"neighbor 10.0.0.1 remote-as" is no command of address-family ipv4 unicast; such a line stands under bgp',
    ],
    [
      "ipv6",
      "network 10.0.0.0/8",
      '"network 10.0.0.0/8" is no command of address-family ipv6 unicast; such a line stands under ipv4',
    ],
    ["evpn", "vni 7", "it must begin with neighbor"],
    [
      "evpn",
      "no rd",
      '"rd" is no command of address-family l2vpn evpn, where "rd" is followed by a name or an address',
    ],
  ])("frr.%s refuses %j", (block, line, reason) => {
    const { diagnostics } = read(topology({ alpha: `extra: {frr: {${block}: [${JSON.stringify(line)}]}}` }));
    expect(diagnostics.map(({ code, message }) => `${code} ${message}`)[0]).toContain(
      `extra-refused the extra line "${line}" is refused: ${reason}`,
    );
  });

  it.each([
    ["routeMaps: {A permit 0: []}", "it must be a name, permit or deny, and a number from 1 to 65535"],
    ["routeMaps: {A permit 65536: []}", "it must be a name"],
    ["routeMaps: {A 10: []}", "it must be a name"],
    ["routeMaps: {A permit 10: [exit]}", "it must begin with match"],
    ["routeMaps: {A permit 10: [], A deny 10: []}", "the same entry is set twice"],
    ["vrfs: {blue: {vrf: [vni 7]}}", 'it must begin with ip, ipv6, or "no" and one of them'],
    ["vrfs: {blue: {vrf: [ip route 10.0.0.0/8 10.0.0.1 vr red]}}", 'it must be without "vrf"'],
  ])("frr: {%s} is refused", (member, reason) => {
    const { diagnostics } = read(`${topology({ alpha: `extra: {frr: {${member}}}` })}\nvrfs: {blue: {vni: 700}}\n`);
    expect(diagnostics.map(({ code }) => code)).toEqual(["extra-refused"]);
    expect(diagnostics[0]?.message).toContain(`is refused: ${reason}`);
  });

  it("takes kernel parameters by name, with numbers or plain text", () => {
    const { topology: found, diagnostics } = read(
      topology({ alpha: 'extra: {sysctl: {net.core.rmem_max: 4194304, "net.ipv4.conf.eth0/100.rp_filter": "2 "}}' }),
    );
    expect(diagnostics).toEqual([]);
    expect(found?.hosts[0]?.extra.sysctl).toEqual([
      { key: "net.core.rmem_max", value: "4194304" },
      { key: "net.ipv4.conf.eth0/100.rp_filter", value: "2" },
    ]);
  });

  it("keeps kernel parameters in an order of its own, and what resets others first", () => {
    const keys = (sysctl: string) =>
      read(topology({ alpha: `extra: {sysctl: {${sysctl}}}` })).topology?.hosts[0]?.extra.sysctl.map(({ key }) => key);
    const sorted = ["net.ipv4.ip_forward", "net.core.rmem_max", "net.ipv4.conf.all.accept_redirects"];
    expect(keys(sorted.map((key) => `${key}: 1`).join(", "))).toEqual(sorted);
    expect(
      keys(
        [...sorted]
          .reverse()
          .map((key) => `${key}: 1`)
          .join(", "),
      ),
    ).toEqual(sorted);
  });

  it.each([
    "net..core: 1",
    "net.ipv4/../../x: 1",
    "rmem_max: 1",
    "-net.core.x: 1",
    "net.*.x: 1",
    '"net.core.x = 1": 1',
    'net.core.x: "1; 2"',
    'net.core.x: ""',
    'net.core.x: "1\\n2"',
    'kernel.core_pattern: "|/bin/sh"',
    "net.core.x: 1, net/core/x: 2",
  ])("refuses the kernel parameter {%s}", (member) => {
    const { diagnostics } = read(topology({ alpha: `extra: {sysctl: {${member}}}` }));
    expect(diagnostics.map((each) => each.code)).toEqual(["extra-refused"]);
  });
});

describe("the decoded topology", () => {
  const text = [
    "netgen: 1",
    "name: two sites",
    "underlay: {pathMtu: 1492, ipVersion: 6, paths: [{between: [alpha, roz], mtu: 1400}]}",
    "sites: {roz: {lanMtu: 9000, wanMtu: 1500}, wro:}",
    'wireguard: {interface: wg1, addresses: [10.250.0.0/24, "FD00:250::/64"], listenPort: 443, presharedKeys: true}',
    "hostDefaults: {site: roz, uplink: eth0, frr: snippet, extra: {frr: [bgp bestpath compare-routerid], nftables: [accept]}}",
    "hosts:",
    "  alpha:",
    "    id: 1",
    "    site: wro",
    "    behindNat: true",
    "    addresses: [10.250.0.7]",
    '    routes: [192.168.3.0/24, {cidr: "fd03::/64"}]',
    "    networkManager: other",
    "    acceptRa: false",
    "    extra: {frr: [timers bgp 3 9], sysctl: {net.core.rmem_max: 1}}",
    "  constructor: {id: 2}",
    "subnets:",
    "  one: {cidr: 10.1.1.0/24, hosts: [alpha], gateway: [10.1.1.1], bridge: br-x, snat: true}",
    "  two: {cidr: [10.2.0.0/16], hosts: all, perHost: 24, interface: external}",
    "  three: {vxlan: {vni: 7}, hosts: [roz], gateway: none, bridge: {name: vmbr1, existing: true}, tagged: true, mtu: 1300}",
    '  four: {cidr: "fd77::/64", vxlan: {vni: 8}, hosts: all, gateway: {alpha: "fd77::1"}, ports: {alpha: [eno2]}, isolated: true}',
    "bgp: {asn: 4200000000, routeReflectors: [alpha], bfd: {intervalMs: 300}}",
    'guard: {allowFrom: [198.51.100.7, "2001:db8::/32"], interfaces: [cni0, "cali*"]}',
  ].join("\n");
  const { topology: found, diagnostics } = read(text);
  const at = (part: string, from = ""): { readonly start: number; readonly end: number } => {
    const start = text.indexOf(part, text.indexOf(from));
    return { start, end: start + part.length };
  };

  it("has no complaints", () => {
    expect(diagnostics).toEqual([]);
  });

  it("has what was written", () => {
    expect(found?.name).toBe("two sites");
    expect(found?.underlay).toMatchObject({
      pathMtu: 1492,
      ipVersion: 6,
      paths: [{ between: ["alpha", "roz"], mtu: 1400 }],
    });
    expect(found?.sites).toMatchObject([
      { name: "roz", lanMtu: 9000, wanMtu: 1500 },
      { name: "wro", lanMtu: undefined, wanMtu: undefined },
    ]);
    expect(found?.wireguard).toMatchObject({ interface: "wg1", listenPort: 443, presharedKeys: true });
    expect(found?.wireguard.addresses.map((each) => each.value)).toEqual(["10.250.0.0/24", "fd00:250::/64"]);
    expect(found?.bgp).toMatchObject({ asn: 4_200_000_000, bfd: { intervalMs: 300, multiplier: undefined } });
    expect(found?.bgp?.routeReflectors).toEqual([{ value: "alpha", span: at("alpha", "routeReflectors") }]);
    expect(found?.guardAllowFrom.map(({ value }) => value)).toEqual(["198.51.100.7/32", "2001:db8::/32"]);
    expect(found?.guardInterfaces).toEqual(["cni0", "cali*"]);
  });

  it("lays hostDefaults under each host", () => {
    const [alpha, other] = found?.hosts ?? [];
    expect(alpha).toMatchObject({
      name: "alpha",
      id: 1,
      site: "wro",
      uplink: "eth0",
      frr: "snippet",
      isBehindNat: true,
    });
    expect(alpha).toMatchObject({
      networkManager: "other",
      acceptsRa: false,
      publicKey: undefined,
      endpoints: [],
    });
    expect(alpha?.extra).toEqual({
      wireguard: [],
      frr: { global: [], bgp: ["timers bgp 3 9"], ipv4: [], ipv6: [], evpn: [], routeMaps: [] },
      nftables: {
        prerouting: [],
        input: [],
        forward: ["accept"],
        output: [],
        postrouting: [],
        dstnat: [],
        srcnat: [],
      },
      sysctl: [{ key: "net.core.rmem_max", value: "1" }],
    });
    expect(other).toMatchObject({ name: "constructor", id: 2, site: "roz", isBehindNat: undefined });
    expect(other?.extra.frr.bgp).toEqual(["bgp bestpath compare-routerid"]);
  });

  it("knows where each came from", () => {
    const [alpha, other] = found?.hosts ?? [];
    expect(alpha?.origin[""]).toEqual(at("alpha", "hosts:"));
    expect(alpha?.origin.site).toEqual(at("wro", "  alpha:"));
    expect(alpha?.origin.uplink).toEqual(at("eth0"));
    expect(alpha?.origin["routes/0"]).toEqual(at("192.168.3.0/24"));
    expect(alpha?.origin["routes/1/cidr"]).toEqual(at('"fd03::/64"'));
    expect(alpha?.origin["addresses/0"]).toEqual(at("10.250.0.7"));
    expect(alpha?.origin["extra/frr/0"]).toEqual(at("timers bgp 3 9"));
    expect(alpha?.origin["extra/nftables/0"]).toEqual(at("accept"));
    expect(other?.origin[""]).toEqual(at("constructor"));
    expect(other?.origin["extra/frr/0"]).toEqual(at("bgp bestpath compare-routerid"));
    expect(found?.subnets[3]?.origin["gateway/alpha"]).toEqual(at('"fd77::1"'));
    expect(found?.underlay.paths[0]?.origin.mtu).toEqual(at("1400"));
    expect(found?.origin.name).toEqual(at("two sites"));
    expect(found?.origin["underlay/pathMtu"]).toEqual(at("1492"));
    expect(found?.origin[""]).toEqual({ start: 0, end: 0 });
  });

  it("spells out the short forms of subnets", () => {
    const [one, two, three, four] = found?.subnets ?? [];
    expect(one).toMatchObject({
      hasSnat: true,
      bridge: { name: "br-x", isExisting: false },
      vxlan: undefined,
      isTagged: false,
    });
    expect(one?.gateway).toEqual({
      kind: "shared",
      addresses: [{ value: "10.1.1.1", span: at("10.1.1.1", "[10.1.1.1]") }],
    });
    expect(two).toMatchObject({ members: "all", perHost: 24, isExternal: true, gateway: undefined, bridge: undefined });
    expect(three).toMatchObject({
      prefixes: [],
      vxlan: { vni: 7 },
      gateway: { kind: "none" },
      isTagged: true,
      mtu: 1300,
    });
    expect(three).toMatchObject({ members: [{ value: "roz" }], bridge: { name: "vmbr1", isExisting: true } });
    const host = { value: "alpha", span: at("alpha", "gateway: {alpha") };
    expect(four?.gateway).toEqual({
      kind: "perHost",
      hosts: [{ host, addresses: [{ value: "fd77::1", span: at('"fd77::1"') }] }],
    });
    expect(four?.ports).toMatchObject([{ host: { value: "alpha" }, interfaces: [{ value: "eno2" }] }]);
    expect(four?.isIsolated).toBe(true);
  });
});

describe("any value in any place", () => {
  const whole = {
    netgen: 1,
    name: "test",
    underlay: { pathMtu: 1500, ipVersion: 4, paths: [{ between: ["alpha", "roz"], mtu: 1400 }] },
    sites: { roz: { lanMtu: 9000 } },
    wireguard: { interface: "wg0", addresses: ["10.250.0.0/24"], presharedKeys: true },
    hostDefaults: { site: "roz", extra: { sysctl: { "net.core.x": 1 } } },
    hosts: {
      alpha: { id: 1, endpoint: "203.0.113.1", addresses: ["10.250.0.1"], routes: [{ cidr: "192.168.3.0/24" }] },
    },
    subnets: {
      vms: {
        cidr: ["10.1.1.0/24"],
        vxlan: { vni: 1 },
        hosts: ["alpha"],
        gateway: { alpha: ["10.1.1.1"] },
        bridge: { name: "b" },
      },
    },
    bgp: { asn: 65_000, routeReflectors: ["alpha"], bfd: { intervalMs: 100 } },
    guard: { allowFrom: ["198.51.100.7"] },
  };

  function pathsIn(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
    if (typeof value !== "object" || value === null) return [path];
    return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))];
  }

  /** A copy with the value at the path replaced. */
  function replaced(value: unknown, path: readonly string[], by: (old: unknown) => unknown): unknown {
    const [key, ...rest] = path;
    if (key === undefined) return by(value);
    const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
    (copy as Record<string, unknown>)[key] = replaced((copy as Record<string, unknown>)[key], rest, by);
    return copy;
  }

  const scalar = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constantFrom("all", "none", "alpha", "roz", "::", "a:1"),
  );
  const anything = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "alpha", "a/b", "a~b")), scalar, {
      maxKeys: 3,
    }),
    fc.constant(null),
  );

  it("is taken or reported inside the text, and never breaks the pass", () => {
    const path = fc.constantFrom(...pathsIn(whole, []));
    fc.assert(
      fc.property(path, anything, (where, value) => {
        const text = JSON.stringify(replaced(whole, where, () => value));
        const { topology: found, diagnostics } = read(text);
        for (const { span } of diagnostics) {
          expect(span.start).toBeGreaterThanOrEqual(0);
          expect(span.end).toBeLessThanOrEqual(text.length);
          expect(span.start).toBeLessThanOrEqual(span.end);
        }
        expect(found !== undefined || diagnostics.length > 0).toBe(true);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("is taken as it is where nothing was replaced", () => {
    expect(read(JSON.stringify(whole)).diagnostics).toEqual([]);
  });
});
