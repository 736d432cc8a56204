/** Compiles short topologies for tests: hosts need no public keys of their own. */
import { must } from "../src/base/invariant.ts";
import { type Compilation, compile } from "../src/compile.ts";
import { contentOf } from "../src/emit/file.ts";
import type { Host } from "../src/model/host.ts";
import type { Network } from "../src/model/network.ts";
import { testPublicKey } from "./test-keys.ts";

const HOSTS = ["alpha", "beta", "gamma", "delta"];
const KEYS = Object.fromEntries(HOSTS.map((host) => [host, testPublicKey(host)]));

/** Everything about a topology given without its first two keys; a key pair exists for alpha, beta, gamma and delta. */
export function compileText(body: string, publicKeys: Readonly<Record<string, string>> = KEYS): Compilation {
  return compile({ name: "t.yaml", text: `netgen: 1\nname: t\n${body}` }, { publicKeys });
}

/** The model of a topology without errors. */
export function modelOf(body: string): Network {
  const { model, diagnostics } = compileText(body);
  const errors = diagnostics.filter((each) => each.severity === "error").map((each) => each.message);
  if (errors.length > 0) throw new Error(errors.join("\n"));
  return must(model, "a topology without errors has a model");
}

export function hostOf(network: Network, name: string): Host {
  return must(
    network.hosts.find((host) => host.name === name),
    `there is a host ${name}`,
  );
}

/** The lines of a host's file that are no comments, without their indentation; none where the host has no such file. */
export function linesOf(body: string, path: string): readonly string[] {
  const { files, diagnostics } = compileText(body);
  const errors = diagnostics.filter((each) => each.severity === "error").map((each) => each.message);
  if (errors.length > 0) throw new Error(errors.join("\n"));
  const text = files.filter((file) => file.path === path).map((file) => Buffer.from(contentOf(file)).toString());
  const lines = text.flatMap((each) => each.split("\n")).map((line) => line.trim());
  return lines.filter((line) => line !== "" && !/^[#!]/.test(line));
}

/** The messages of a topology, each `code: message`, in their order. */
export function messagesOf(body: string, publicKeys = KEYS): readonly string[] {
  return compileText(body, publicKeys).diagnostics.map(({ code, message }) => `${code}: ${message}`);
}
