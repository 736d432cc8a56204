/** `netgen ansible`: the directory that ansible-playbook is run on, and what it leaves alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

// Names that are no text to YAML, or no name to Ansible; a phone, which nobody brings anything.
const TOPOLOGY = `netgen: 1
name: rollout
fleet: 2
wireguard: {addresses: [10.250.0.0/24], interface: wg2, presharedKeys: true}
sites: {roz-1: {}, roz.1: {}}
hosts:
  "no": {id: 1, endpoint: 192.0.2.1, site: roz-1}
  "1e3": {id: 2, endpoint: 192.0.2.2, site: roz.1}
  wro-1.example: {id: 3, endpoint: 192.0.2.3, site: roz-1}
  phone: {id: 9, platform: wireguard-app}
`;

let home: string;
const shell = (line: string) => runShell(home, `set -o pipefail; ${line}`);
const ANSIBLE = "netgen ansible topology.yaml -o deploy";

eachInNewDirectory((path) => {
  home = path;
  writeFileSync(join(home, "topology.yaml"), TOPOLOGY);
  shell("netgen keys generate -q topology.yaml");
});

test("has an inventory in the order of the roll-out, with batches and sites as groups", () => {
  expect(shell(ANSIBLE)).toMatchObject({ status: 0, stderr: "" });
  expect(readFileSync(join(home, "deploy/inventory/netgen.yaml"), "utf8")).toBe(`---
# Written by netgen ansible: edit the topology. What is yours, as ansible_host, goes into host_vars/ or group_vars/ beside it.
all:
  children:
    netgen_hosts:
      hosts:
        "1e3":
          netgen_interfaces: ["wg2"]
        "no":
          netgen_interfaces: ["wg2"]
        "wro-1.example":
          netgen_interfaces: ["wg2"]
      vars:
        netgen_place: "netgen2"
        netgen_topology: "../topology.yaml"
        netgen_keys_directory: "../keys"
        ansible_pipelining: true
    netgen_batch_1:
      hosts:
        "1e3":
    netgen_batch_2:
      hosts:
        "no":
    netgen_batch_3:
      hosts:
        "wro-1.example":
    netgen_site_roz_1:
      hosts:
        "no":
        "wro-1.example":
    netgen_site_rozDOT1:
      hosts:
        "1e3":
`);
});

test("has each host's bundle, the same bytes each time, and no key", () => {
  expect(
    shell(`${ANSIBLE} -q && netgen bundle no -q | tar -x --one-top-level=tar && diff -r tar deploy/bundles/no`),
  ).toEqual({
    status: 0,
    stdout: "",
    stderr: "",
  });
  expect(shell("ls deploy/bundles").stdout).toBe("1e3\nno\nwro-1.example\n");
  expect(
    shell("cp -r deploy first && rm -r deploy && netgen ansible -q topology.yaml -o deploy && diff -r first deploy")
      .status,
  ).toBe(0);
  expect(shell("cat keys/*.key keys/psk/*.psk | grep -rFf - deploy").status).toBe(1);
});

test("leaves alone what is the user's, and writes nothing where that is in the way", () => {
  shell(
    `${ANSIBLE} && mkdir deploy/inventory/host_vars && echo 'ansible_host: 192.0.2.9' > deploy/inventory/host_vars/no.yaml`,
  );
  expect(shell(`${ANSIBLE} && cat deploy/inventory/host_vars/no.yaml`).stdout).toContain("ansible_host: 192.0.2.9");
  shell("mkdir -p own/playbooks && echo mine > own/playbooks/site.yaml");
  expect(shell("netgen ansible topology.yaml -o own; find own -type f")).toMatchObject({
    stdout: "own/playbooks/site.yaml\n",
    stderr:
      "netgen: nothing was written: in own this was not written by netgen and differs:\n  ! playbooks/site.yaml\n" +
      "Move it away, or let ansible replace it with --force.\n",
  });
  expect(shell("netgen ansible topology.yaml -o own").status).toBe(2);
  shell("netgen build topology.yaml");
  expect(shell("netgen ansible topology.yaml -o out")).toMatchObject({
    status: 2,
    stderr: "netgen: out is a tree that netgen build wrote; name another directory with -o\n",
  });
  for (const command of ["build", "build --check", "diff"]) {
    expect(shell(`${ANSIBLE} && netgen ${command} topology.yaml -o deploy`)).toMatchObject({
      status: 2,
      stderr: "netgen: deploy is a tree that netgen ansible wrote; name another directory with -o\n",
    });
  }
  expect(shell("ls deploy").stdout).toContain("playbooks");
  expect(shell("netgen ansible - -o deploy < topology.yaml")).toMatchObject({
    status: 2,
    stderr: "netgen: name the file of the topology: a roll-out reads it again, for the keys\n",
  });
});

test("says what it changes, and what of that somebody had edited, as a build does", () => {
  expect(shell(`${ANSIBLE} && echo '# mine' >> deploy/playbooks/site.yaml && ${ANSIBLE}`).stdout).toMatch(
    /\n {2}~ playbooks\/site\.yaml\nEdited since netgen wrote them, and replaced or removed:\n {2}! playbooks\/site\.yaml\ndeploy: 0 new, 1 changed, /,
  );
});

test("without bundles needs no keys; with them it does, and errors of the topology are errors of both", () => {
  expect(shell(`rm keys/no.pub keys/no.key; ${ANSIBLE}; ls -A`)).toMatchObject({ stdout: "keys\ntopology.yaml\n" });
  expect(shell(ANSIBLE).status).toBe(1);
  expect(shell(`${ANSIBLE} --no-bundles; ls deploy`).stdout).toMatch(
    /; no bundles\ninventory\nmanifest\.json\nplaybooks\n$/,
  );
  const broken = shell(`sed -i 's/^fleet: 2/fleet: 0/' topology.yaml; ${ANSIBLE} --no-bundles`);
  expect([broken.status, broken.stderr]).toEqual([1, expect.stringContaining("topology.yaml:3:8: error[")]);
});

test("netgen keys export -o - prints a host's keys as a tar, for root alone, and writes none", () => {
  const listed = shell("netgen keys export no -o - | tar -t -v").stdout;
  expect(listed.match(/^-rw------- root\/root .* etc\/wireguard\/\S+$/gm)?.map((row) => row.split("/").at(-1))).toEqual(
    ["1e3.psk", "phone.psk", "wro-1.example.psk", "wg2.key"],
  );
  expect(shell("netgen keys export no -o - | tar -x -O etc/wireguard/wg2.key | cmp - keys/no.key")).toMatchObject({
    status: 0,
  });
  expect(shell("rm keys/no.key; netgen keys export no -o - > none; wc -c < none").stdout).toBe("0\n");
});
