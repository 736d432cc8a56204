// A stand-in for Proxmox's API behind pvesh: keeps the SDN of a cluster in a file and refuses what the API refuses (pve-network,
// PVE/API2/Network/SDN and the plugins). No part of Proxmox: what it does not know, it does not prove. See stand-in.mjs.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";

/** Of the call that is being answered; one ends before the next begins. */
let state;
let release;
let path;
let options;
let printed;

class Refusal extends Error {}

function refuse(text) {
  throw new Refusal(text);
}

function readOptions(words) {
  options = {};
  for (let at = 0; at < words.length; at += 2) {
    if (!words[at].startsWith("--") || words[at + 1] === undefined) refuse(`400 unable to parse option ${words[at]}`);
    options[words[at].slice(2)] = words[at + 1];
  }
}

const take = (key) => {
  const value = options[key];
  delete options[key];
  return value;
};
const print = (value) => {
  printed = `${JSON.stringify(value)}\n`;
};

const KEYS = {
  "controllers evpn": ["asn", "peers"],
  "zones evpn": "controller vrf-vxlan nodes exitnodes exitnodes-primary exitnodes-local-routing mac mtu ipam".split(
    " ",
  ),
  "zones vxlan": ["peers", "nodes", "mtu", "ipam"],
  "zones vlan": ["bridge", "nodes", "mtu", "ipam"],
  "vnets vnet": ["zone", "tag"],
  "subnets subnet": ["vnet", "gateway", "snat"],
};
const NEEDED = {
  "controllers evpn": ["asn", "peers"],
  "zones evpn": ["controller", "vrf-vxlan"],
  "zones vxlan": ["peers"],
  "zones vlan": ["bridge"],
  "vnets vnet": ["zone", "tag"],
  "subnets subnet": ["vnet"],
};
const isPending = () => JSON.stringify(state.config) !== JSON.stringify(state.running);

function demandLock() {
  const token = take("lock-token");
  if (token !== undefined && release !== "9")
    refuse("400 Parameter verification failed. lock-token: property is not defined in schema");
  if ((state.lock ?? undefined) !== token) refuse("500 the SDN configuration is locked, or the lock-token is wrong");
}

function check(kind, id, object) {
  const { type, ...values } = object;
  const known = KEYS[`${kind} ${type}`] ?? refuse(`400 type: value '${type}' does not have a value in the enumeration`);
  const alien = Object.keys(values).find((key) => !known.includes(key));
  if (alien !== undefined) refuse(`400 ${alien}: property is not defined in schema`);
  const missing = NEEDED[`${kind} ${type}`].find((key) => values[key] === undefined);
  if (missing !== undefined) refuse(`400 ${missing}: property is missing and it is not optional`);
  if (values.mtu !== undefined && !/^\d+$/.test(values.mtu)) refuse("400 mtu: type check ('integer') failed");
  const others = Object.entries(state.config[kind]).filter(([other]) => other !== id);
  const rules = {
    controllers: () =>
      others.some(([, each]) => each.type === "evpn") && "500 only 1 global evpn controller can be defined",
    zones: () =>
      (!/^[a-z][a-z0-9]*[a-z0-9]$/i.test(id) && `400 zone ID '${id}' contains illegal characters`) ||
      (id.length > 8 && `400 zone ID '${id}' can't be more length than 8 characters`) ||
      (type === "evpn" &&
        state.config.controllers[values.controller]?.type !== "evpn" &&
        `500 controller ${values.controller} don't exist`) ||
      (others.some(([, each]) => type === "evpn" && each["vrf-vxlan"] === values["vrf-vxlan"]) &&
        "500 vrf-vxlan is already declared"),
    vnets: () =>
      (!/^[a-z][a-z0-9]*[a-z0-9]$/i.test(id) && `400 vnet ID '${id}' contains illegal characters`) ||
      (id.length > 8 && `400 vnet ID '${id}' can't be more length than 8 characters`) ||
      (state.config.zones[values.zone] === undefined && `400 zone ${values.zone} don't exist`) ||
      (others.some(([, each]) => each.tag === values.tag) && "400 vxlan tag already exist"),
    subnets: () => state.config.vnets[values.vnet] === undefined && `400 ${values.vnet} don't exist`,
  };
  const problem = rules[kind]();
  if (problem) refuse(problem);
  // What is not said is invented, another one in each cluster.
  if (type === "evpn" && kind === "zones") values.mac ??= "BC:24:11:DE:AD:01";
  return { type, ...values };
}

const NAMES = { controllers: "controller", zones: "zone", vnets: "vnet", subnets: "subnet" };

/** The kind, the id or none, and for subnets the vnet. */
function place() {
  const own = /^\/cluster\/sdn\/vnets\/([^/]+)\/subnets(?:\/([^/]+))?$/.exec(path);
  if (own) {
    if (state.config.vnets[own[1]] === undefined) refuse(`500 vnet ${own[1]} does not exist`);
    return { kind: "subnets", id: own[2], vnet: own[1] };
  }
  const [, kind, id] =
    /^\/cluster\/sdn\/(controllers|zones|vnets)(?:\/([^/]+))?$/.exec(path) ?? refuse(`404 no such path ${path}`);
  return { kind, id };
}

function create({ kind, vnet }) {
  demandLock();
  let id = take(NAMES[kind]);
  const type = kind === "vnets" ? (take("type") ?? "vnet") : take("type");
  if (kind === "subnets") {
    if (!/^[0-9a-f.:]+\/\d+$/.test(id)) refuse("400 value does not look like a valid CIDR network");
    id = `${state.config.vnets[vnet].zone}-${id.replace("/", "-")}`;
    options.vnet = vnet;
  }
  if (state.config[kind][id] !== undefined) refuse(`500 object ID '${id}' already defined`);
  state.config[kind][id] = check(kind, id, { type, ...options });
}

function update({ kind, id }) {
  demandLock();
  const gone = (take("delete") ?? "").split(",").filter((key) => key !== "");
  const object = state.config[kind][id] ?? refuse(`500 ${id} does not exist`);
  if (options.type !== undefined) refuse("400 type: property is not defined in schema");
  const kept = Object.fromEntries(Object.entries(object).filter(([key]) => !gone.includes(key)));
  const hasSubnets = Object.values(state.config.subnets).some(({ vnet }) => vnet === id);
  if (kind === "vnets" && options.zone !== undefined && options.zone !== object.zone && hasSubnets)
    refuse("400 zone: can't change zone if subnets exist");
  state.config[kind][id] = check(kind, id, { ...kept, ...options });
}

/** What on_delete_hook of the plugins, and the IPAM that counts addresses, refuse. */
function remove({ kind, id }) {
  demandLock();
  if (state.config[kind][id] === undefined) refuse(`500 ${id} does not exist`);
  const [alien] = Object.keys(options);
  if (alien !== undefined) refuse(`400 ${alien}: property is not defined in schema`);
  const user = (of, key) => Object.entries(state.config[of]).find(([, each]) => each[key] === id)?.[0];
  const rules = {
    subnets: () => (state.ipam?.[id] ?? []).length > 0 && `500 cannot delete subnet '${id}', not empty`,
    vnets: () => user("subnets", "vnet") && "400 vnet: Can't delete vnet if subnets exists",
    zones: () => user("vnets", "zone") && `500 zone ${id} is used by vnet ${user("vnets", "zone")}`,
    controllers: () => user("zones", "controller") && `500 controller ${id} is used by ${user("zones", "controller")}`,
  };
  const problem = rules[kind]();
  if (problem) refuse(problem);
  delete state.config[kind][id];
}

function get({ kind, vnet }) {
  const withPending = take("pending") === "1";
  const isAsked = ([, each]) => vnet === undefined || each.vnet === vnet;
  const all = Object.entries(state.config[kind]).filter(isAsked);
  const old = withPending ? Object.entries(state.running[kind]).filter(isAsked) : [];
  const deleted = old.filter(([id]) => state.config[kind][id] === undefined);
  const shown = all.map(([id, each]) => ({
    [NAMES[kind]]: id,
    // A digest is no value, and truth is printed as such by some releases.
    digest: "0",
    ...each,
    ...(each.snat === undefined ? {} : { snat: each.snat === "1" }),
    ...(withPending && JSON.stringify(each) !== JSON.stringify(state.running[kind][id]) ? { state: "changed" } : {}),
  }));
  print([...shown, ...deleted.map(([id]) => ({ [NAMES[kind]]: id, state: "deleted" }))]);
}

const LOCK = "/cluster/sdn/lock";

/** What changes the configuration as a whole; Proxmox 8 has but the last of them. */
const WHOLE = {
  [`create ${LOCK}`]() {
    if (isPending()) refuse("500 configuration has pending changes");
    if (state.lock) refuse("500 could not acquire lock for SDN config");
    state.lock = "0f0e0d";
    print(state.lock);
  },
  [`delete ${LOCK}`]() {
    demandLock();
    state.lock = null;
  },
  "create /cluster/sdn/rollback"() {
    demandLock();
    state.config = state.running;
    state.lock = null;
  },
  "set /cluster/sdn"() {
    demandLock();
    state.running = state.config;
    state.lock = null;
  },
};
const VERBS = { get, create, set: update, delete: remove };

function carryOut(verb) {
  const whole = WHOLE[`${verb} ${path}`];
  if (whole !== undefined && (release === "9" || verb === "set")) return whole();
  const own = VERBS[verb] ?? refuse(`501 Method '${verb}' not implemented`);
  return own(place());
}

/** What pvesh ends with, and prints; it is told the file and the release before its own words. */
export function answer([file, itsRelease, verb, itsPath, ...words]) {
  const empty = { controllers: {}, zones: {}, vnets: {}, subnets: {} };
  state = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { config: empty, running: empty, lock: null };
  appendFileSync(`${file}.log`, `${[verb, itsPath, ...words].join(" ")}\n`);
  [release, path, printed] = [itsRelease, itsPath, ""];
  try {
    readOptions(words);
    take("output-format");
    carryOut(verb);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [255, `${error.message}\n`];
  }
  writeFileSync(file, JSON.stringify(state));
  return [0, printed];
}
