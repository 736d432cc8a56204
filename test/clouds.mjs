// Stands in for the programs of clouds: what they say of routes and interfaces, and what they refuse as the real ones do. A file
// has what is there. See stand-in.mjs.
import { readFileSync, writeFileSync } from "node:fs";

/** Of the call that is being answered; one ends before the next begins. */
let file;
let state;
let words;
let printed;

class Refusal extends Error {}

const option = (name) => {
  const joined = words.find((word) => word.startsWith(`--${name}=`));
  return joined === undefined ? words[words.indexOf(`--${name}`) + 1] : joined.slice(name.length + 3);
};
const has = (...asked) => asked.every((word, index) => words[index] === word);
const print = (...columns) => {
  printed += columns.length === 0 ? "" : `${columns.join("\t")}\n`;
};
const save = () => writeFileSync(file, JSON.stringify(state));
const refuse = (why) => {
  throw new Refusal(why);
};

function enterIntoAws(prefix) {
  const key = `${option("route-table-id")} ${prefix}`;
  if (has("ec2", "create-route") === key in state.routes) refuse(`${words[1]}: ${key}`);
  state.routes[key] = option("network-interface-id");
  save();
}

/** @type {Record<string, () => void>} */
const programs = {
  aws() {
    if (has("ec2", "describe-network-interface-attribute")) {
      return print(state.forwarding.includes(option("network-interface-id")) ? "False" : "True");
    }
    if (has("ec2", "describe-route-tables")) {
      const [, key, asked] = /\?(\w+)=='([^']+)'/.exec(option("query"));
      if (key !== (asked.includes(":") ? "DestinationIpv6CidrBlock" : "DestinationCidrBlock")) refuse(key);
      return print(...[state.routes[`${option("route-table-ids")} ${asked}`] ?? []].flat());
    }
    if (has("ec2", "modify-network-interface-attribute")) {
      if (!words.includes("--no-source-dest-check")) refuse("nothing to modify");
      state.forwarding.push(option("network-interface-id"));
      return save();
    }
    return enterIntoAws(option("destination-cidr-block") ?? option("destination-ipv6-cidr-block"));
  },
  gcloud() {
    if (has("compute", "instances", "list")) {
      return print(state.forwarding.includes(option("filter").split("=")[1]) ? "True" : "False");
    }
    if (has("compute", "routes", "list")) {
      return print(...(state.routes[option("filter").split("=")[1]] ?? []));
    }
    const name = words[3];
    if (has("compute", "routes", "create") === name in state.routes) refuse(name);
    if (has("compute", "routes", "delete")) delete state.routes[name];
    else state.routes[name] = [option("network"), option("destination-range"), option("next-hop-address")];
    return save();
  },
  az() {
    const nic = `${option("resource-group")}/${option("name")}`;
    if (has("network", "nic", "show")) return print(String(state.forwarding.includes(nic)));
    if (has("network", "nic", "update")) {
      if (option("ip-forwarding") === "true") state.forwarding.push(nic);
      return save();
    }
    const table = `${option("resource-group")}/${option("route-table-name")}`;
    if (has("network", "route-table", "route", "list")) {
      return print(...(state.routes[`${table} ${/'([^']+)'/.exec(option("query"))[1]}`] ?? []));
    }
    if (option("next-hop-type") !== "VirtualAppliance") refuse("no such hop");
    state.routes[`${table} ${option("name")}`] = [option("address-prefix"), option("next-hop-ip-address")];
    return save();
  },
  hcloud() {
    const network = words[2];
    const key = `${network} ${option("destination")}`;
    if (has("network", "describe")) {
      for (const [route, gateway] of Object.entries(state.routes)) print(`${route.split(" ")[1]} ${gateway}`);
      return undefined;
    }
    if (has("network", "add-route") === key in state.routes) refuse(`${words[1]}: ${key}`);
    if (has("network", "remove-route")) {
      if (state.routes[key] !== option("gateway")) refuse(key);
      delete state.routes[key];
    } else state.routes[key] = option("gateway");
    return save();
  },
};

/** What a program ends with, and prints; it is told the file and its name before its own words. */
export function answer([itsFile, program, ...itsWords]) {
  [file, words, printed] = [itsFile, itsWords, ""];
  state = JSON.parse(readFileSync(file, "utf8"));
  try {
    programs[program]();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [1, `${error.message}\n`];
  }
  return [0, printed];
}
