/** Stand-ins for programs that no test can have: lines of bash that ask one process of all tests of a file. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { ROOT } from "./built-package.ts";

/** Without any program: of some tests the PATH has none but stand-ins. */
const clientOf = (port: string, words: string): string => `#!/bin/bash
said=(${words} "$@")
exec 3<>/dev/tcp/127.0.0.1/${port} || exit
printf '%s\\0' "\${#said[@]}" "\${said[@]}" >&3
IFS= read -r status <&3
IFS= read -r -d '' text <&3
((status == 0)) || exec >&2
printf %s "$text"
exit "$status"
`;

/**
 * Has a module of test/ answer while the tests of a file run. What it gives writes a program that asks it; `words`, in bash,
 * are what it says before its arguments.
 */
export function standIn(module: string): (path: string, words: string) => void {
  let server: ChildProcess;
  let port: string;
  beforeAll(async () => {
    const words = [join(ROOT, "test/stand-in.mjs"), join(ROOT, "test", module)];
    const started = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    server = started;
    const [line] = await once(started.stdout.setEncoding("utf8"), "data");
    port = String(line).trim();
  });
  afterAll(() => {
    server.kill();
  });
  return (path, words) => writeFileSync(path, clientOf(port, words), { mode: 0o755 });
}
