/** `netgen bundle`: one host's files and the list that its apply reads. */
import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compile } from "../src/compile.ts";
import { actionOf, replacements } from "../src/deliver/actions.ts";
import { ROOT } from "./built-package.ts";
import { listFixtures, sourceOf } from "./fixtures.ts";
import { runShell } from "./netgen.ts";
import { eachInNewDirectory } from "./new-directory.ts";

let home: string;
eachInNewDirectory((path) => {
  home = path;
  cpSync(join(ROOT, "fixtures/proxmox/topology.yaml"), join(home, "topology.yaml"));
});
const shell = (line: string) => runShell(home, `set -o pipefail; ${line}`);

describe("netgen bundle", () => {
  test("is the same tar each time, with owners, modes and no time, sorted", () => {
    shell("netgen bundle roz1 > one.tar; sleep 1; netgen bundle roz1 > two.tar");
    expect(shell("cmp one.tar two.tar")).toMatchObject({ status: 0, stdout: "" });
    const rows = shell("tar -t -v --full-time --utc -f one.tar").stdout.trimEnd().split("\n");
    const names = rows.map((row) => row.split(/ +/).at(-1) as string);
    expect(names).toEqual([...names].sort());
    expect(names.filter((name) => !/^(etc\/|netgen\.list$)/.test(name))).toEqual([]);
    expect(rows.filter((row) => !row.includes(" 1970-01-01 00:00:00 "))).toEqual([]);
    expect(rows.find((row) => row.endsWith("/frr.conf"))).toMatch(/^-rw-r----- frr\/frr /);
    expect(shell("netgen bundle roz1 | tar -x -O | grep -ci 'private-\\?key *='").stdout).toBe("0\n");
  });

  test("has a list whose first line holds the hash of all that follows, and every file's", () => {
    const list = shell("netgen bundle roz1 -q | tar -x -O netgen.list").stdout;
    const [head = "", ...lines] = list.split("\n");
    const sum = (text: string): string => createHash("sha256").update(text).digest("hex");
    expect(head).toBe(`bundle\t1\t${sum(lines.join("\n"))}`);
    expect(lines[0]).toBe("host\troz1\tproxmox");
    expect(lines.filter((line) => line.includes("\t\t"))).toEqual([]);
    const content = shell("netgen bundle roz1 -q | tar -x -O etc/netgen/routes").stdout;
    expect(lines).toContain(`file\t0644\troot\troot\t${sum(content)}\tetc/netgen/routes`);
  });

  test("refuses a host that is none, a phone, and a topology with errors", () => {
    const unknown = shell("netgen bundle roz9");
    expect([unknown.status, unknown.stderr]).toEqual([
      2,
      'netgen: "roz9" is no host that gets files; there are roz1, roz2, wro1\n',
    ]);
    expect(shell("sed -i s/^hosts:/hostz:/ topology.yaml; netgen bundle roz1 | wc -c").stdout).toBe("0\n");
  });
});

describe("what is run after a change", () => {
  const commands = [
    ...new Set(
      listFixtures()
        .filter(({ kind }) => kind === "scenario")
        .flatMap((each) => compile(sourceOf(each)).files)
        .flatMap(({ after, gone = [], afterLines = [] }) => [
          ...after,
          ...gone,
          ...afterLines.map(({ command }) => command),
        ]),
    ),
  ];

  test("has its place in the order, whatever it is", () => {
    const phases = (pattern: RegExp): readonly number[] => [
      ...new Set(commands.filter((command) => pattern.test(command)).map((command) => actionOf(command).phase)),
    ];
    const order = [
      /daemon-reload/,
      /modules/,
      /sysctl/,
      /systemd-networkd/,
      /networkctl delete/,
      /networkctl reload/,
      /nftables/,
      /netgen-routes\./,
      /wg-quick/,
      /endpoints/,
      /(reload|restart) frr\./,
      /exit@/,
      /keepalived/,
      /docker/,
    ];
    const found = order.map((pattern) => phases(pattern));
    expect(found.filter((each) => each.length !== 1)).toEqual([]);
    expect(found.flat()).toEqual([...found.flat()].sort((a, b) => a - b));
    expect(() => actionOf("rm -rf /")).toThrow("nothing says when to run");
  });

  test("is left out where a restart of the same unit is more than that", () => {
    expect(
      replacements(["systemctl reload a.service", "systemctl restart a.service", "systemctl reload b.service"]),
    ).toEqual([["systemctl restart a.service", "systemctl reload a.service"]]);
  });
});
