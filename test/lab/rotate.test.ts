/** A new key of a host by the roll-out that `keys rotate` prints, word for word, on hosts that boot by themselves and ping each other. */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/base/invariant.ts";
import type { IpAddress } from "../../src/base/ip.ts";
import { compile } from "../../src/compile.ts";
import { readPublicKeys } from "../../src/keys/store.ts";
import type { Box } from "../../src/lab/machine/box.ts";
import type { OpenLab } from "../../src/lab/machine/open.ts";
import { pingDuring } from "../../src/lab/measure/steady-ping.ts";
import { CLI, runNetgen } from "../netgen.ts";
import { isWhole } from "../proofs.ts";
import { missingOn, openBare, put as putInto, stage } from "./computers.ts";

const NAMES: readonly string[] = ["alpha", "beta", "gamma"];
/** One known by an address, one that nobody can dial, one known by a name. */
const TOPOLOGY = `
netgen: 1
name: rotation
wireguard: {addresses: [10.250.0.0/24]}
hosts:
  alpha: {id: 1, endpoint: 198.51.100.1}
  beta: {id: 2, behindNat: true}
  gamma: {id: 3, endpoint: gamma.example.net}
`;
const addressOf = (name: string): IpAddress => `10.250.0.${NAMES.indexOf(name) + 1}` as IpAddress;

/** Every pair, both ways. */
const WAYS = NAMES.flatMap((from) => NAMES.filter((to) => to !== from).map((to) => ({ from, to })));

const WORDS = ["wg", "show", "wg0", "public-key"] as const;

describe.runIf(isWhole)("a new key", () => {
  let home: string;
  let open: OpenLab | undefined;
  const box = (name: string): Box => must(open?.lab.hosts.get(name), "every host has a box");
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text, { mode: 0o755 });
  };
  const netgen = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = runNetgen(home, args);
    expect({ status, stderr }, args.join(" ")).toEqual({ status: 0, stderr: "" });
    return stdout;
  };

  const keyOf = (name: string): string => readFileSync(join(home, `keys/${name}.key`), "utf8");
  const compiled = () =>
    compile({ name: "topology.yaml", text: TOPOLOGY }, { publicKeys: readPublicKeys(join(home, "keys")) });

  /** What `apply` says of the tree that the keys come to, on every host. */
  async function applied(): Promise<readonly string[]> {
    const { files, units } = compiled();
    const said: string[] = [];
    for (const name of NAMES) {
      stage(box(name), { name: "rotation", files, units }, "/run/new");
      putInto(box(name), "/run/new/etc/wireguard/wg0.key", keyOf(name), 0o600);
      const { status, output } = await box(name).attempt("/run/new/etc/netgen/apply");
      expect(status, output).toBe(0);
      expect(await missingOn(box(name))).toEqual([]);
      said.push(output);
    }
    return said;
  }

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "netgen-rotation-"));
    chmodSync(home, 0o700);
    put("topology.yaml", TOPOLOGY);
    netgen("keys", "generate", "topology.yaml");
    open = await openBare(must(compiled().model, "the topology has no mistake"));
    await applied();
    const pids = NAMES.map((name) => `root@${name}) pid=${box(name).pid} ;;`).join("\n");
    put("bin/netgen", `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
    put(
      "bin/ssh",
      `#!/bin/bash
case "$1" in
${pids}
*) echo "no such host: $1" >&2; exit 255 ;;
esac
shift
exec nsenter -t "$pid" -n -m -p -u -- env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -c "$*"
`,
    );
  });
  afterAll(async () => {
    await open?.root.close();
    rmSync(home, { recursive: true });
  });

  function follow(rollout: string): Promise<{ readonly status: number | null; readonly output: string }> {
    const child = spawn("bash", ["-euo", "pipefail", "-c", rollout], {
      cwd: home,
      env: { ...process.env, PATH: `${join(home, "bin")}:${process.env.PATH}` },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    return new Promise((resolve) => child.once("close", (status) => resolve({ status, output })));
  }

  test.each(NAMES)("of %s: nobody loses a packet", { timeout: 300_000 }, async (name) => {
    const rollout = netgen("keys", "rotate", "topology.yaml", name);
    let done: ReturnType<typeof follow> | undefined;
    const followOnce = async (): Promise<void> => {
      done ??= follow(rollout);
      await done;
    };
    const seen = await Promise.all(
      WAYS.map(async ({ from, to }) => {
        const { answered, lost } = await pingDuring({ box: box(from), to: addressOf(to) }, followOnce);
        return { way: `${from} -> ${to}`, answered, lost };
      }),
    );
    const ended = await must(done, "it was followed");
    expect(ended.status, ended.output).toBe(0);
    expect(await box(name).run(...WORDS)).toBe(readFileSync(join(home, `keys/${name}.pub`), "utf8"));
    console.info(
      seen.map(({ way, answered, lost }) => `${name}: ${way}: ${answered} answered, ${lost} lost`).join("\n"),
    );
    expect(seen.filter(({ lost }) => lost > 0)).toEqual([]);
    // The last step: apply takes note of what lies there, and has nothing to do.
    const said = await applied();
    expect(said.filter((output) => !/nothing to do/.test(output))).toEqual([]);
    // What was loaded is what the next start finds.
    await box(name).run("systemctl", "restart", "wg-quick@wg0");
    expect(await missingOn(box(name))).toEqual([]);
  });
});
