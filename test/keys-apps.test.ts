/** `keys export` of a device that an app configures: the one way by which a key leaves netgen's directory in a configuration. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import jsqr from "jsqr";
import { beforeEach, describe, expect, test } from "vitest";
import { MAX_QR_BYTES, renderQr } from "../src/commands/qr.ts";
import { runNetgen, runShell } from "./netgen.ts";
import { eachInNewDirectory, modeOf } from "./new-directory.ts";
import { testPrivateKey, testPublicKey } from "./test-keys.ts";

const TOPOLOGY = `netgen: 1
name: keys
wireguard: {addresses: [10.250.0.0/24], shape: hub-and-spoke, hubs: [hub], presharedKeys: true}
hosts:
  hub: {id: 1, endpoint: 192.0.2.1}
  phone: {id: 7, platform: wireguard-app, dns: [10.250.0.1]}
`;

let home: string;
const put = (name: string, text: string): void => writeFileSync(join(home, name), text, { mode: 0o600 });
const read = (name: string): string => readFileSync(join(home, name), "utf8");
const secret = (name: string): string => read(`keys/${name}`).trim();
const keys = (...args: readonly string[]) => runNetgen(home, ["keys", ...args]);

eachInNewDirectory((path) => {
  home = path;
  put("topology.yaml", TOPOLOGY);
});
// The same each time: a reader of codes fails on one in many thousands.
beforeEach(() => {
  mkdirSync(join(home, "keys/psk"), { recursive: true, mode: 0o700 });
  for (const host of ["hub", "phone"]) {
    put(`keys/${host}.key`, `${testPrivateKey(host)}\n`);
    put(`keys/${host}.pub`, `${testPublicKey(host)}\n`);
  }
  put("keys/psk/hub--phone.psk", `${testPrivateKey("psk")}\n`);
});

const whole = (): string => `[Interface]
PrivateKey = ${secret("phone.key")}
Address = 10.250.0.7/24
DNS = 10.250.0.1
MTU = 1440

[Peer]
# hub
PublicKey = ${secret("hub.pub")}
PresharedKey = ${secret("psk/hub--phone.psk")}
AllowedIPs = 10.250.0.1/32
Endpoint = 192.0.2.1:51820
PersistentKeepalive = 25
`;

test("to standard output it is the configuration with its keys, and nothing else", () => {
  expect(keys("export", "phone", "-o", "-")).toEqual({ status: 0, stdout: whole(), stderr: "" });
});

test("to a file it is that, for its owner alone, and overwrites nothing else", () => {
  const written = { status: 0, stdout: "  + phone.conf\n", stderr: "" };
  expect(keys("export", "phone", "-o", "phone.conf")).toEqual(written);
  expect([read("phone.conf"), modeOf(join(home, "phone.conf"))]).toEqual([whole(), "600"]);
  expect(keys("export", "phone", "-o", "phone.conf")).toEqual(written);
  put("phone.conf", "mine\n");
  expect(keys("export", "phone", "-o", "phone.conf")).toEqual({
    status: 2,
    stdout: "",
    stderr: "netgen: phone.conf is there already and holds something else; move it away first\n",
  });
  expect(read("phone.conf")).toBe("mine\n");
});

test("a build writes nothing of a device, and the manifest has no host of its name", () => {
  expect(runNetgen(home, ["build", "topology.yaml"]).status).toBe(0);
  expect(runShell(home, "ls out").stdout).toBe("hub\nmanifest.json\n");
  expect(Object.keys(JSON.parse(read("out/manifest.json")).hosts)).toEqual(["hub"]);
  expect(runNetgen(home, ["diff", "topology.yaml"])).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(runShell(home, 'grep -rlF "$(cat keys/phone.key)" --exclude-dir=keys .').stdout).toBe("");
});

test("rotation keeps the old key, and says that the app has to take the new one in", () => {
  const old = secret("phone.key");
  const { status, stdout } = keys("rotate", "topology.yaml", "phone");
  expect(status).toBe(0);
  expect(secret("previous/phone.key")).toBe(old);
  expect(stdout).toContain("\nnetgen keys export phone --qr --topology topology.yaml\n");
  // It has no place to put a file in, and nobody to tell to load one.
  expect(stdout).not.toMatch(/put phone|root@phone|for host in .*phone/);
  expect(stdout).not.toContain(secret("phone.key"));
  expect(keys("rotate", "topology.yaml", "hub").stdout).toContain("netgen keys export phone --qr");
  const ofPair = keys("rotate", "topology.yaml", "phone", "hub").stdout;
  expect(ofPair).toContain("put hub /etc/wireguard/psk/phone.psk 600 < keys/psk/hub--phone.psk");
  expect(ofPair).toContain("netgen keys export phone --qr");
  expect(ofPair).not.toMatch(/put phone|for host in .*phone/);
});

describe("a device that keeps its key to itself", () => {
  const note = "netgen: without PrivateKey: there is no keys/phone.key. phone has to put in its own\n";
  beforeEach(() => {
    rmSync(join(home, "keys/phone.key"));
  });

  test("is given the rest, and told", () => {
    const { status, stdout, stderr } = keys("export", "phone", "-o", "-");
    expect([status, stderr]).toEqual([0, note]);
    expect(stdout).toContain("[Interface]\nAddress = ");
    expect(stdout).toContain("PresharedKey = ");
    expect(stdout).not.toContain("PrivateKey");
  });

  test("is drawn no code, which no app would take", () => {
    const { status, stdout, stderr } = keys("export", "phone", "--qr");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("netgen has no private key of phone, and no app takes a QR code without one");
  });

  test("can be rotated by its app alone", () => {
    const { status, stderr } = keys("rotate", "topology.yaml", "phone");
    expect(status).toBe(2);
    expect(stderr).toContain("Have its app make a new key pair");
  });
});

describe("what is refused", () => {
  const refusals: readonly (readonly [readonly string[], string])[] = [
    [["tablet", "-o", "-"], 'topology.yaml has no host "tablet"; it has hub, phone'],
    [["phone"], "say where the configuration of phone goes: --qr, -o - or -o FILE"],
    [["hub"], "say where the keys of hub go: -o DIR"],
    [["hub", "--qr"], '--qr is for devices with "platform: wireguard-app", and hub has "platform: debian12"'],
    [["phone", "-o", "x", "--qr"], "--qr draws in the terminal, and -o FILE writes a file"],
    [["phone", "-o", "keys"], "keys is a directory; a device has one file: name it"],
    [["phone", "-o", "absent/x"], "absent/x: there is no such file or directory"],
  ];
  test.each(refusals)("%j", (args, message) => {
    const { status, stdout, stderr } = keys("export", ...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  test("a preshared key that is not there, and a private key of another pair", () => {
    rmSync(join(home, "keys/psk/hub--phone.psk"));
    expect(keys("export", "phone", "-o", "-").stderr).toContain("keys/psk/hub--phone.psk: there is no such file");
    put("topology.yaml", TOPOLOGY.replace("id: 7", `id: 7, publicKey: "${testPublicKey("another")}"`));
    rmSync(join(home, "keys/phone.pub"));
    put("keys/psk/hub--phone.psk", `${testPrivateKey("psk")}\n`);
    const { status, stdout, stderr } = keys("export", "phone", "-o", "-");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`keys/phone.key is not the private key of ${testPublicKey("another")}`);
  });

  test("a topology in which somebody has no key yet: the device would be told of none", () => {
    rmSync(join(home, "keys/hub.key"));
    rmSync(join(home, "keys/hub.pub"));
    const { status, stdout, stderr } = keys("export", "phone", "-o", "-");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("error[public-key-missing]: hub has no public key");
  });
});

// ── QR codes ────────────────────────────────────────────────────────────────────────────────────────────────────────

const SCALE = 3;

/** A screen on which a terminal's text stands, as a camera sees it: each cell as many pixels wide, and twice as high. */
function pictureOf(text: string): {
  readonly pixels: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
} {
  const rows = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
    .replace(/\x1b\[[0-9;]*m/g, "")
    .trimEnd()
    .split("\n");
  const [width, height] = [Math.max(...rows.map((row) => row.length)) * SCALE, rows.length * 2 * SCALE];
  const isDark = (x: number, y: number): boolean => {
    const cell = rows[Math.floor(y / SCALE / 2)]?.[Math.floor(x / SCALE)];
    return cell === "█" || cell === (Math.floor(y / SCALE) % 2 === 0 ? "▀" : "▄");
  };
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let place = 0; place < width * height; place++) {
    pixels.fill(isDark(place % width, Math.floor(place / width)) ? 0 : 255, place * 4, place * 4 + 3);
    pixels[place * 4 + 3] = 255;
  }
  return { pixels, width, height };
}

/** What a reader of codes, which is no work of their writer's, makes of a terminal's text. */
function scanned(text: string): string | undefined {
  const { pixels, width, height } = pictureOf(text);
  return jsqr.default(pixels, width, height, { inversionAttempts: "dontInvert" })?.data;
}

describe("a QR code", () => {
  test("holds what the file would, without its comments", () => {
    const { status, stdout, stderr } = keys("export", "phone", "--qr");
    expect([status, stderr]).toEqual([0, ""]);
    expect(scanned(stdout)).toBe(whole().replace("# hub\n", "").replace("\n\n", "\n"));
    expect(keys("export", "phone", "--qr", "-o", "-").stdout).toBe(stdout);
  });

  test("is dark on light whatever the terminal is, with four light modules around it", () => {
    const { stdout } = keys("export", "phone", "--qr");
    const lines = stdout.trimEnd().split("\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
    const cells = lines.map((line) => /^\x1b\[38;5;16;48;5;231m([ █▀▄]+)\x1b\[0m$/.exec(line)?.[1] ?? "");
    expect(new Set(cells.map((line) => line.length))).toEqual(new Set([cells[0]?.length]));
    expect(cells.every((line) => line.startsWith("    ") && line.endsWith("    "))).toBe(true);
    expect([...cells.slice(0, 2), ...cells.slice(-2)].join("").trim()).toBe("");
    // A usual terminal's width.
    expect(cells[0]?.length).toBeLessThanOrEqual(80);
  });

  test("holds as much as any can, and what is more is refused in bytes", () => {
    const most = "x".repeat(MAX_QR_BYTES);
    expect(scanned(renderQr(most).text)).toBe(most);
    const routes = Array.from({ length: 200 }, (_, index) => `172.20.${index}.0/24`).join(", ");
    put("topology.yaml", TOPOLOGY.replace("192.0.2.1}", `192.0.2.1, routes: [${routes}]}`));
    const { status, stdout, stderr } = keys("export", "phone", "--qr");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /the configuration of phone has \d{4} bytes, and a QR code holds 2953 at most; write it with -o/,
    );
    mkdirSync(join(home, "elsewhere"));
    expect(keys("export", "phone", "-o", "elsewhere/phone.conf").status).toBe(0);
  });
});
