/** Several fleets on one host. */
import type { Entries } from "./entry.ts";

export const fleets = {
  "fleet-number-taken": {
    severity: "error",
    message: "{host} is a host of {file} too, and both fleets have {number}: their files would have the same names",
    hint: 'give one of the two a number that the other has not, as in "fleet: 2", from 1 to 9',
  },
  "fleet-interface-taken": {
    severity: "error",
    message: 'on {host} the interface "{what}" is {use}, and in {file} {other}',
    hint: "rename one of the two; a vxlan device has its name of the VNI, of which a host has each once",
  },
  "fleet-port-taken": {
    severity: "error",
    message: "on {host} UDP port {what} is {use}, and in {file} {other}",
    hint: "choose another listenPort or vxlanPort in one of the two, from 1 to 65535",
  },
  "fleet-table-taken": {
    severity: "error",
    message: "on {host} the routing table {what} is {use}, and in {file} {other}",
    hint: 'give the VRF another with "table:", from 1 to 4294967295 without 210 to 219, 230 to 239, 253, 254 and 255',
  },
  "fleet-prefix-overlap": {
    severity: "error",
    message: "{prefix} ({use}) overlaps {other} ({otherUse}) of {file}, and {host} is a host of both",
    hint: "give each fleet prefixes of its own: in a host's table a prefix leads one way",
  },
  "fleet-conflict": {
    severity: "error",
    message: "{host} cannot have {what} beside {other} in {file}: {why}",
    hint: "take one of the two out of its fleet, or leave the host to one fleet",
  },
  "fleet-unfit": {
    severity: "error",
    message: "{file} has errors of its own, so that nothing can be said of what hosts have of both",
    hint: 'mend it first: "netgen check {file}" says what is wrong',
  },
} as const satisfies Entries;
