/** What etc/netgen/apply does on a host, without one: refusals, order, and what is left by one that was killed. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type FakeHost, fakeHost, filesBelow } from "./apply-host.ts";
import { killAtRandom, killCount, runVictim } from "./kill.ts";
import { eachInNewDirectory } from "./new-directory.ts";
import { testPublicKey } from "./test-keys.ts";

let host: FakeHost;
eachInNewDirectory((path) => {
  host = fakeHost(path);
});

/** With a sign in it that means something in a regular expression. */
const BETA = "M+sgcUGN8zQvbiASog7Z179HtW3ZJC7ZCejNar6I2Sg=";

interface Shape {
  readonly vni?: number;
  readonly port?: number;
  readonly isRouted?: boolean;
}

const topology = ({ vni = 100, port = 51_820, isRouted = false }: Shape = {}): string => `
netgen: 1
name: office
wireguard: {addresses: [10.250.0.0/24], listenPort: ${port}}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1, publicKey: "${testPublicKey("alpha")}"}
  beta: {id: 2, endpoint: 203.0.113.9, publicKey: "${BETA}"}
${isRouted ? "" : `subnets: {guests: {cidr: 10.77.0.0/24, vxlan: {vni: ${vni}}, hosts: all}}`}
`;

/** The files of a host that a bundle has. */
const bundled = (directory: string): ReadonlyMap<string, string> => {
  const files = new Map(filesBelow(directory));
  files.delete("netgen.list");
  return files;
};

test("apply and verify are 16,000 bytes of bash at the most, without the lines that are comments", () => {
  const staged = host.stage(topology());
  const code = ["apply", "verify"].map((name) => readFileSync(join(staged, "etc/netgen", name), "utf8")).join("");
  expect(code.replace(/^ *#.*\n/gm, "").length).toBeLessThanOrEqual(16_000);
});

describe("a host that has nothing yet", () => {
  test("gets all files, and its units are enabled and started before anything is reloaded", () => {
    const staged = host.stage(topology());
    const { status, stderr, log } = host.apply();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(host.files("etc")).toEqual(bundled(staged));
    expect(log.filter((line) => / (reload|restart) /.test(line))).toEqual([]);
  });
});

describe("a host that has a tree", () => {
  let first: ReadonlyMap<string, string>;
  beforeEach(() => {
    first = bundled(host.stage(topology()));
    expect(host.apply()).toMatchObject({ status: 0 });
  });

  test("has nothing to do for the same one, and only looks with --check", () => {
    expect(host.apply()).toMatchObject({ status: 0, stdout: "same      nothing to do\n", log: [] });
    host.stage(topology({ port: 51_999 }));
    const { status, stdout, log } = host.apply("--check", "--diff");
    expect([status, log]).toEqual([1, []]);
    expect(stdout).toContain("changed   /etc/wireguard/wg0.conf\n");
    expect(stdout).toContain("-ListenPort = 51820\n+ListenPort = 51999\n");
    expect(stdout).toContain(
      "run       systemctl reload wg-quick@wg0.service; interrupts peers whose lines changed, up to 1 s\n",
    );
    expect(host.files("etc")).toEqual(first);
  });

  test("lets go of what vanished before the reload, whatever the order of files", () => {
    const staged = host.stage(topology({ vni: 200 }));
    const { status, log } = host.apply();
    expect(status).toBe(0);
    expect(log.slice(0, 4)).toEqual([
      "networkctl delete vx100",
      "networkctl delete br100",
      "networkctl reload",
      "systemctl reload netgen-nftables.service",
    ]);
    expect(host.files("etc")).toEqual(bundled(staged));
  });

  test("keeps a bridge that guests hang on, without addresses and down", () => {
    host.write("sys/class/net/br100/brif/tap0/x", "");
    host.write("sys/class/net/br100/brif/vx100/x", "");
    host.stage(topology({ isRouted: true }));
    const { status, stdout, log } = host.apply();
    expect(status).toBe(0);
    expect(stdout).toContain("kept      br100, down and without addresses: there are guests on it: tap0\n");
    expect(log.filter((line) => line.startsWith("ip "))).toEqual([
      "ip link set br100 down nomaster",
      "ip address flush dev br100",
    ]);
    expect(log).not.toContain("networkctl delete br100");
  });

  test("keeps the bridge of a tree that it goes back to, whatever was to be done with it on the way", () => {
    host.write("sys/class/net/br100/brif/tap0/x", "");
    host.stage(topology({ vni: 200 }));
    host.write("fails", "reload netgen-nftables.service\n");
    const { status, stdout, log } = host.apply();
    expect([status, stdout.match(/^kept .*br100/gm)?.length]).toEqual([1, 1]);
    expect(stdout).toContain("back      as it was before\n");
    expect(log.filter((line) => line.startsWith("ip "))).toEqual([]);
    expect(host.files("etc")).toEqual(first);
  });

  test("says what was missing before and still is", () => {
    rmSync(join(host.root, "sys/class/net/br100"), { recursive: true });
    host.stage(topology({ port: 51_999 }));
    const { status, stdout } = host.apply();
    expect([status, stdout.includes("still     link br100: missing, as it was before\n")]).toEqual([0, true]);
  });

  test("says all of it as JSON, a line each", () => {
    host.write("etc/netgen/routes", `${host.read("etc/netgen/routes")}a "b"\t\\ \u001b[1m\n`);
    const { status, stdout } = host.apply("--check", "--diff", "--format", "json");
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; text: string });
    expect([status, lines.map(({ event }) => event)]).toEqual([1, ["changed", "patch", "run"]]);
    expect(lines[1]?.text).toContain('\n-a "b"\t\\ [1m');
  });

  test("does nothing for a comment but write it", () => {
    host.write("etc/netgen/netgen.nft", `${host.read("etc/netgen/netgen.nft")}# mine\n`);
    const { status, stdout, log } = host.apply();
    expect(status).toBe(0);
    expect(stdout).toContain("comment   /etc/netgen/netgen.nft\n");
    expect(stdout).toContain("kept      /etc/netgen/netgen.nft as it was: ");
    expect(log.filter((line) => line.includes("nftables"))).toEqual([]);
    expect(host.files("etc")).toEqual(first);
  });

  test("takes no line of a script for a comment that begins with the sign of FRR's", () => {
    const script = host.read("etc/netgen/routes-apply");
    expect(script).toMatch(/^ +! /m);
    host.write("etc/netgen/routes-apply", script.replace(/^ +! .*\n/m, ""));
    expect(host.apply("--check")).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^changed {3}\/etc\/netgen\/routes-apply$/m),
    });
  });

  test("goes back when a promise of its own is lost, with what follows from that, and says so", () => {
    host.stage(topology({ port: 51_999 }));
    host.write("fails", "reload wg-quick@wg0.service\n");
    const { status, stdout } = host.apply();
    expect(status).toBe(1);
    expect(stdout).toContain("lost      systemctl reload wg-quick@wg0.service failed\nback      as it was before\n");
    expect(host.files("etc")).toEqual(first);
  });
});

describe("what is refused, before anything is touched", () => {
  const cases: readonly (readonly [string, (staged: string) => readonly string[], RegExp])[] = [
    ["another host's tree", () => ["--host", "gamma"], /this is for alpha, and here is gamma/],
    [
      "a file that is not the list's",
      (staged) => {
        appendFileSync(join(staged, "etc/netgen/netgen.nft"), "accept\n");
        return [];
      },
      /not as .*netgen\.list says: etc\/netgen\/netgen\.nft/,
    ],
    [
      "a file that the list has not",
      (staged) => {
        writeFileSync(join(staged, "etc/passwd"), "x\n");
        return [];
      },
      /not as .* says: etc\/passwd/,
    ],
    [
      "a file that is missing",
      (staged) => {
        rmSync(join(staged, "etc/netgen/routes"));
        return [];
      },
      /not as .* says: etc\/netgen\/routes/,
    ],
    [
      "a list that was changed",
      (staged) => {
        appendFileSync(join(staged, "netgen.list"), "unit\tevil.service\tlasting\n");
        return [];
      },
      /changed after it was made/,
    ],
    [
      "a list of a later version",
      (staged) => {
        const list = join(staged, "netgen.list");
        writeFileSync(list, readFileSync(list, "utf8").replace("bundle\t1", "bundle\t2"));
        return [];
      },
      /is of version 2, and this program knows 1/,
    ],
    [
      "no list",
      (staged) => {
        rmSync(join(staged, "netgen.list"));
        return [];
      },
      /netgen\.list cannot be read/,
    ],
    [
      "a unit whose package is missing",
      () => {
        host.write("missing", "wg-quick@wg0.service\n");
        return [];
      },
      /there is no wg-quick@wg0\.service here; install its package/,
    ],
    [
      "no systemd",
      () => {
        rmSync(join(host.root, "run/systemd"), { recursive: true });
        return [];
      },
      /systemd does not run here/,
    ],
    [
      "a directory in a file's place",
      () => {
        host.write("etc/netgen/routes/x", "");
        return [];
      },
      /\/etc\/netgen\/routes is a directory/,
    ],
    ["seconds that are none", () => ["--confirm-within", "soon"], /takes 1 to 99999 seconds, not soon/],
    ["an option that it has not", () => ["--chek"], /unknown option --chek/],
    ["a format that it has not", () => ["--format", "xml"], /--format is text or json, not xml/],
  ];
  test.each(cases)("%s", (_, spoil, says) => {
    const before = host.files("etc");
    const args = spoil(host.stage(topology()));
    const meant = host.files("etc");
    const { status, stderr, log } = host.apply(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(says);
    expect(log).toEqual([]);
    expect(host.files("etc")).toEqual(meant);
    expect(before.size).toBe(0);
  });
});

describe("the lock-out guard", () => {
  let first: ReadonlyMap<string, string>;
  beforeEach(() => {
    first = bundled(host.stage(topology()));
    host.apply();
  });
  const guard = "etc/systemd/system/netgen-rollback.service";

  test("is a timer and a unit for the next boot, until the change is confirmed", () => {
    const staged = host.stage(topology({ port: 51_999 }));
    const { status, stdout, log } = host.apply("--confirm-within", "90");
    expect([status, stdout.includes("armed     90 s are left to: apply --confirm\n")]).toEqual([0, true]);
    expect(log).toContain("systemctl enable -q netgen-rollback");
    expect(log).toContain(
      "systemd-run -q --unit=netgen-rollback.service --on-active=90 --timer-property=AccuracySec=1s",
    );
    expect(host.read(guard)).toContain(`ExecStart=/bin/bash ${host.root}/var/lib/netgen/apply --rollback\n`);
    expect(host.apply()).toMatchObject({
      status: 2,
      stderr: "apply: a change waits for --confirm, or for --rollback\n",
    });
    expect(host.apply("--confirm")).toMatchObject({ status: 0, stdout: "confirmed office\n" });
    expect(host.files("etc")).toEqual(bundled(staged));
    expect(host.apply("--confirm")).toMatchObject({ status: 1 });
  });

  test("is not there where its timer cannot be set, and neither is the change", () => {
    host.stage(topology({ port: 51_999 }));
    host.write("fails", "systemd-run\n");
    const { status, stderr } = host.apply("--confirm-within", "90");
    expect([status, stderr]).toEqual([2, "apply: nothing was changed: the timer of --confirm-within cannot be set\n"]);
    expect(host.files("etc")).toEqual(first);
    expect([...host.files("var/lib/netgen").keys()].filter((path) => path.endsWith("armed"))).toEqual([]);
  });

  test("brings the files back that were there, and their consequences", () => {
    host.stage(topology({ vni: 200 }));
    host.apply("--confirm-within", "90");
    const { status, stdout, log } = host.apply("--rollback");
    expect([status, stdout]).toEqual([0, "back      as it was before\n"]);
    expect(log.slice(0, 3)).toEqual(["networkctl delete vx200", "networkctl delete br200", "networkctl reload"]);
    expect(host.files("etc")).toEqual(first);
    expect(host.apply("--rollback")).toMatchObject({ status: 2, stderr: "apply: there is nothing to go back to\n" });
  });
});

describe("what others have put there", () => {
  test("comes back when netgen's file goes; what was edited is kept aside", () => {
    host.write("etc/netgen/netgen.nft", "the owner's\n");
    host.stage(topology());
    expect(host.apply().stdout).toContain(
      `kept      /etc/netgen/netgen.nft as it was: ${host.root}/var/lib/netgen/original/etc/netgen/netgen.nft\n`,
    );
    host.write("etc/netgen/routes", "edited\n");
    host.stage(topology({ isRouted: true }));
    expect(host.apply()).toMatchObject({ status: 0 });
    expect(host.read("etc/netgen/netgen.nft")).toBe("the owner's\n");
    expect(host.read("var/lib/netgen/edited/etc/netgen/routes")).toBe("edited\n");
  });
});

describe("far ends", () => {
  test("that never answered are pending, and no reason to go back", () => {
    host.write("silent", "ListenPort = 51820\n");
    const staged = bundled(host.stage(topology()));
    const { status, stdout } = host.apply();
    expect([status, stdout.includes("pending   handshake wg0 M+sgcUGN beta, size 10.250.0.2 1412 beta\n")]).toEqual([
      0,
      true,
    ]);
    expect(host.files("etc")).toEqual(staged);
  });

  test("that answered and do no more bring the old tree back", () => {
    const first = bundled(host.stage(topology()));
    host.apply();
    host.write("silent", "ListenPort = 51999\n");
    host.stage(topology({ port: 51_999 }));
    const { status, stdout } = host.apply();
    expect(stdout).toContain(
      "lost      handshake wg0 M+sgcUGN beta, size 10.250.0.2 1412 beta\nback      as it was before\n",
    );
    expect([status, host.files("etc")]).toEqual([1, first]);
  });

  test("wait for whoever has not this host's new key", () => {
    host.stage(topology());
    host.apply();
    host.write("silent", "ListenPort = 51820\n");
    const staged = host.stage(topology());
    host.write("etc/wireguard/wg0.key", "old\n");
    writeFileSync(join(staged, "etc/wireguard/wg0.key"), "new\n");
    const { status, stdout, log } = host.apply("--diff");
    expect([status, stdout.includes("new\n+")]).toEqual([0, false]);
    expect(stdout).toContain("key       /etc/wireguard/wg0.key\n");
    expect(stdout).toContain("pending   handshake wg0 M+sgcUGN beta, size 10.250.0.2 1412 beta\n");
    expect(log).toContain("systemctl reload wg-quick@wg0.service");
    expect(host.read("etc/wireguard/wg0.key")).toBe("new\n");
    // Its old one goes with the change.
    expect([...host.files("var/lib/netgen").keys()].filter((path) => path.endsWith(".key"))).toEqual([]);
  });
});

type Files = ReadonlyMap<string, string>;

/** Whose files somebody has left who was killed on the way from one tree to another. */
function whoseAre(files: Files, before: Files, after: Files): "old" | "mixed" | "new" {
  const text = (each: Files): string => JSON.stringify([...each]);
  if (text(files) === text(before)) return "old";
  return text(files) === text(after) ? "new" : "mixed";
}

const KILLS = killCount(8);
test("killed at any moment and run again, it is one of the two states, whole", {
  timeout: 60_000 + KILLS * 30_000,
}, async () => {
  const shapes = [topology(), topology({ vni: 200, port: 51_999 }), topology({ isRouted: true })];
  host.stage(topology());
  const { lifeMs } = await runVictim(host.victim());
  /** What is to be done lies on the disk, and is not done. */
  const hasBegun = (): boolean => existsSync(join(host.root, "var/lib/netgen/todo"));
  const toll = { old: 0, mixed: 0, new: 0 };
  for (let round = 0; toll.old + toll.mixed + toll.new < KILLS; round += 1) {
    expect(round, "most end before they are killed").toBeLessThan(20 * KILLS + 20);
    const text = shapes[(round + 1) % shapes.length] as string;
    const before = host.files("etc");
    const staged = bundled(host.stage(text));
    const victim = host.victim(...(round % 2 === 0 ? [] : ["--confirm-within", "90"]));
    // Most of its life it only looks at what there is: half of the kills wait until it changes something.
    const death = await (Math.random() < 0.5
      ? killAtRandom(victim, lifeMs * 1.5)
      : runVictim(victim, (Math.random() * lifeMs) / 2, hasBegun));
    if (death.isKilled) toll[whoseAre(host.files("etc"), before, staged)] += 1;
    const isArmed = host.files("var/lib/netgen/previous").has("var/lib/netgen/previous/armed");
    const goesBack =
      isArmed ||
      (round % 4 === 0 &&
        host.files("var/lib/netgen/previous").size > 0 &&
        host.files("var/lib/netgen").has("var/lib/netgen/next.list"));
    const { status, stdout, stderr } = host.apply(...(goesBack ? ["--rollback"] : []));
    expect([status, stderr], `round ${round}: ${stdout}`).toEqual([0, ""]);
    const state = host.files("etc");
    expect(state, `round ${round}: ${stdout}`).toEqual(goesBack ? before : staged);
    expect([...host.files("var/lib/netgen").keys()].filter((path) => /next\.list|todo|armed/.test(path))).toEqual([]);
  }
  console.info(`killed with the old files ${toll.old}, with some of each ${toll.mixed}, with the new ones ${toll.new}`);
  expect(toll.mixed + toll.new).toBeGreaterThan(0);
});
